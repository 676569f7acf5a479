"""Loading a batch station and running it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.plan.model.problem import FOREVER
from lab.plan.search import columns as c
from lab.plan.search.board import commit, extend, move_time
from lab.plan.search.compiled import compiled
from lab.plan.search.early import ready_times, set_times
from lab.plan.search.profile import add, fit, free_after

if TYPE_CHECKING:
    from lab.plan.search.columns import Ints, Work

__all__ = ["load"]


@compiled
def load(work: Work, order: Ints, first: int, last: int, door: int) -> int:
    """Bring the samples `order[first:last]` one after the other, and run them together.

    The first is brought at `door` or later. Returns -1 when they are placed, else the next time worth trying
    (FOREVER: none). The whole station is taken from the first load to the end.
    """
    operation, profile, size = work.operation, work.profile, work.size
    leader = order[first]
    ready, moves, begin = 0, 0, 0
    for k in range(first, last):
        times = ready_times(work, order[k])
        ready = max(ready, times[0] - moves)
        begin = max(begin, times[1])
        moves += move_time(work, order[k], 0)
    best, way = FOREVER, -1
    for m in range(operation[leader, c.MODES_END] - operation[leader, c.MODES]):
        mode = work.mode[operation[leader, c.MODES] + m]
        station, length = mode[c.STATION], moves + mode[c.DURATION]
        capacity = work.resource[station, c.CAPACITY]
        start = fit(profile, size, capacity, station, max(door, ready), length, capacity)
        if start < FOREVER and start + length < best:
            best, way = start + length, m
    if way < 0:
        return FOREVER
    mode = work.mode[operation[leader, c.MODES] + way]
    station, duration = mode[c.STATION], mode[c.DURATION]
    capacity = work.resource[station, c.CAPACITY]
    opened = _bring(work, order, first, last, way, best - moves - duration)
    if opened >= FOREVER:
        return FOREVER
    for k in range(first, last):
        begin = max(begin, operation[order[k], c.ARRIVAL])
    free = free_after(profile, size, capacity, station, opened, begin + duration, capacity)
    if free >= 0:
        return free
    for k in range(first, last):
        row = operation[order[k]]
        row[c.BEGIN] = begin
        row[c.END] = begin + duration
        row[c.HOLD_AMOUNT] = 0
    for k in range(mode[c.USES], mode[c.USES_END]):
        use = work.use[k]
        start = begin + use[c.USE_BEGIN]
        length = (duration if use[c.USE_END] < 0 else use[c.USE_END]) - use[c.USE_BEGIN]
        kind, amount = use[c.USE_RESOURCE], (last - first) * use[c.USE_AMOUNT]
        found = fit(profile, size, work.resource[kind, c.CAPACITY], kind, start, length, amount)
        if found > start:
            return FOREVER if found >= FOREVER else opened + found - start
    operation[leader, c.HOLD_AMOUNT] = capacity
    operation[leader, c.HOLD_START] = opened
    operation[leader, c.HOLD_END] = begin + duration
    for k in range(first, last):
        commit(work, order[k])
    for k in range(first, last):
        extend(work, order[k], 1)
    return -1


@compiled
def _bring(work: Work, order: Ints, first: int, last: int, way: int, door: int) -> int:
    """Set the times of the moves; the time of the first, FOREVER where an arm never comes."""
    opened = FOREVER
    brought = first
    while brought < last:
        i = order[brought]
        row = work.operation[i]
        ready = max(door, ready_times(work, i)[0])
        carrier, start = -1, ready
        if row[c.CARRIERS] < row[c.CARRIERS_END]:
            start = FOREVER
            move = move_time(work, i, way)
            for k in range(row[c.CARRIERS], row[c.CARRIERS_END]):
                arm = work.link[k]
                capacity = work.resource[arm, c.CAPACITY]
                found = fit(work.profile, work.size, capacity, arm, ready, move, 1)
                if found < start:
                    start, carrier = found, arm
        if start >= FOREVER:
            opened = FOREVER
            break
        set_times(work, i, way, carrier, start)
        opened = min(opened, start)
        if carrier >= 0:
            add(work.profile, work.size, carrier, start, row[c.ARRIVAL], 1)
        brought += 1
    for k in range(first, brought):
        row = work.operation[order[k]]
        if row[c.CARRIER] >= 0:
            add(work.profile, work.size, row[c.CARRIER], row[c.START], row[c.ARRIVAL], -1)
    return opened
