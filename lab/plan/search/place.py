"""Placing a segment: each operation as early as it fits, and those before it later where a limit demands it.

A longest time that is exceeded, or a station that is not free until the sample is fetched, moves the earlier
operation to the first time at which that could hold; what came after it is placed again. Times only ever grow, so
this ends at the earliest places for the order given. A limit that cannot be kept (what it runs from is fixed, or it
contradicts the shortest times) is given up and shows as broken.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.plan.model.problem import FOREVER
from lab.plan.search import columns as c
from lab.plan.search.batch import load
from lab.plan.search.board import commit, extend, mark, move_time, undo
from lab.plan.search.compiled import compiled
from lab.plan.search.early import ready_times, set_times
from lab.plan.search.profile import fit, fit_visit, free_after, visit_free_after

if TYPE_CHECKING:
    from lab.plan.search.columns import Ints, Work

__all__ = ["place"]

_TRIES = 100
"""Placings per operation until the limit that was in the way last is given up."""


@compiled
def _earliest(work: Work, i: int, way: int, carrier: int, ready: tuple[int, int, int]) -> int:
    """The first start of one way to do an operation; FOREVER if there is none."""
    mode = work.mode[work.operation[i, c.MODES] + way]
    station, duration = mode[c.STATION], mode[c.DURATION]
    profile, size, resource = work.profile, work.size, work.resource
    move = move_time(work, i, way)
    start = max(ready[0], ready[1] - move, ready[2] - move - duration, 0)
    stay = move + duration
    while True:
        before = start
        if carrier >= 0:
            capacity = resource[carrier, c.CAPACITY]
            start = fit(profile, size, capacity, carrier, start, move, 1)
        if station >= 0 and start < FOREVER:
            capacity = resource[station, c.CAPACITY]
            amount = capacity if resource[station, c.BATCH] else 1
            start = fit(profile, size, capacity, station, start, stay, amount)
            if resource[station, c.HAS_SETUP] and start < FOREVER:
                family = work.operation[i, c.FAMILY]
                start = fit_visit(work.visit, size, work.setup, station, start, stay, family)
        for k in range(mode[c.USES], mode[c.USES_END]):
            if start >= FOREVER:
                break
            use = work.use[k]
            first = start + move + use[c.USE_BEGIN]
            length = (duration if use[c.USE_END] < 0 else use[c.USE_END]) - use[c.USE_BEGIN]
            kind = use[c.USE_RESOURCE]
            capacity = resource[kind, c.CAPACITY]
            found = fit(profile, size, capacity, kind, first, length, use[c.USE_AMOUNT])
            start = FOREVER if found >= FOREVER else start + found - first
        if start == before or start >= FOREVER:
            return min(start, FOREVER)


@compiled
def _choose(work: Work, i: int) -> bool:
    """Take the way that ends first; False if there is none."""
    ready = ready_times(work, i)
    best, best_start, best_way, best_carrier = FOREVER, FOREVER, -1, -1
    row = work.operation[i]
    first, last = row[c.CARRIERS], row[c.CARRIERS_END]
    for way in range(row[c.MODES_END] - row[c.MODES]):
        length = move_time(work, i, way) + work.mode[row[c.MODES] + way, c.DURATION]
        for k in range(first, max(last, first + 1)):
            carrier = work.link[k] if k < last else -1
            start = _earliest(work, i, way, carrier, ready)
            if start < FOREVER and start + length < best:
                best, best_start, best_way, best_carrier = start + length, start, way, carrier
    if best_way < 0:
        return False
    set_times(work, i, best_way, best_carrier, best_start)
    return True


@compiled
def _fetched_late(work: Work, i: int, pushes: Ints) -> bool:
    """Whether the sample that `i` fetches could not stay so long where it was."""
    k = work.operation[i, c.FETCHES]
    if k < 0 or work.operation[k, c.DONE] != 1:
        return False
    before = work.operation[k]
    station = work.mode[before[c.MODES] + before[c.WAY], c.STATION]
    if station < 0:
        return False
    arrival = work.operation[i, c.ARRIVAL]
    extend(work, i, -1)  # its own wait is booked by now
    free = free_after(
        work.profile, work.size, work.resource[station, c.CAPACITY], station,
        before[c.END], arrival, 1,
    )  # fmt: skip
    if free < 0 and work.resource[station, c.HAS_SETUP]:
        free = visit_free_after(
            work.visit, work.size, work.setup, station,
            before[c.HOLD_START], arrival, before[c.FAMILY],
        )  # fmt: skip
    extend(work, i, 1)
    if free < 0:
        return False
    pushes[0] = k
    pushes[1] = FOREVER if free >= FOREVER else max(1, free - before[c.START])
    pushes[2] = -1
    return True


@compiled
def _pushed(work: Work, i: int, pushes: Ints) -> bool:
    """Whether something before `i` has to move: pushes[0] by pushes[1], because of lag pushes[2] (or -1)."""
    if _fetched_late(work, i, pushes):
        return True
    for t in range(work.operation[i, c.TOUCHES], work.operation[i, c.TOUCHES_END]):
        number = work.link[t]
        lag = work.lag[number]
        if lag[c.RELAXED]:
            continue
        if lag[c.SECOND] == i:
            other = lag[c.FIRST]
            if lag[c.MOST] == FOREVER or (other >= 0 and work.operation[other, c.DONE] == 0):
                continue
            took = mark(work, i, lag[c.SECOND_MARK]) - mark(work, other, lag[c.FIRST_MARK])
            late = took - lag[c.MOST]
        else:
            other = lag[c.SECOND]
            if lag[c.LEAST] == -FOREVER or work.operation[other, c.DONE] == 0:
                continue
            took = mark(work, other, lag[c.SECOND_MARK]) - mark(work, i, lag[c.FIRST_MARK])
            late = lag[c.LEAST] - took
        if late <= 0:
            continue
        if other < 0 or work.operation[other, c.POSITION] < 0:
            lag[c.RELAXED] = 1
            continue
        pushes[0] = other
        pushes[1] = late
        pushes[2] = number
        return True
    return False


@compiled
def place(
    work: Work, order: Ints, count: int, first: int, last: int, rest: int, pushes: Ints
) -> int:
    """Place `order[:count]`, of which `order[first:last]` are one batch; `pushes` is room for three numbers.

    What follows a batch begins no sooner than `rest` after its end: in that time the arm may load the next one.

    Returns 1 when all have a place, 0 if one of them has none, -1 if a batch of several breaks a limit.
    """
    operation = work.operation
    for k in range(count):
        operation[order[k], c.POSITION] = k
        operation[order[k], c.BOUND] = 0
    position, tries, door, culprit = 0, 0, 0, -1
    placed, result = True, 0
    while position < count and placed:
        tries += 1
        if tries > _TRIES * (count + 5):
            placed = culprit >= 0 and last - first < 2
            if placed:
                work.lag[culprit, c.RELAXED] = 1
                for p in range(position - 1, -1, -1):
                    undo(work, order[p])
                for k in range(count):
                    operation[order[k], c.BOUND] = 0
                position, door = 0, 0
            elif culprit >= 0:
                result = -1
            culprit, tries = -1, 0
            continue
        i = order[position]
        checked = position
        if first <= position < last:
            later = load(work, order, first, last, door)
            if later >= 0:
                placed = later < FOREVER
                door = max(door + 1, later)
                continue
            position = last
            for k in range(last, count):
                operation[order[k], c.BOUND] = max(
                    operation[order[k], c.BOUND], operation[i, c.END] + rest
                )
        else:
            if not _choose(work, i):
                placed = False
                continue
            commit(work, i)
            extend(work, i, 1)
            position += 1
        for k in range(checked, position):
            if not _pushed(work, order[k], pushes):
                continue
            other, by = pushes[0], pushes[1]
            back = operation[other, c.POSITION]
            if by >= FOREVER or back < 0:
                placed = False
                break
            if pushes[2] >= 0:
                culprit = pushes[2]
            if first <= back < last:
                back = first
                door = operation[order[first], c.HOLD_START] + by
            else:
                operation[other, c.BOUND] = operation[other, c.START] + by
            for p in range(position - 1, back - 1, -1):
                undo(work, order[p])
            position = back
            break
    for k in range(count):
        operation[order[k], c.POSITION] = c.NONE
    if placed:
        return 1
    for p in range(position - 1, -1, -1):
        undo(work, order[p])
    return result
