"""What no plan can beat, and limits on time that no plan can keep.

Bounds: the longest chain of a sample; for each resource its whole load over its capacity after the shortest head and
before the shortest tail; on one machine all heads and tails together (the usual one-machine and energy bounds, e.g.
Carlier, Eur. J. Oper. Res. 11, 42 (1982)). Holds: longest paths in the graph of the shortest times; a positive cycle
through a longest time means that it cannot be kept even by a sample that has the laboratory to itself (Bartusch,
Moehring and Radermacher, Ann. Oper. Res. 16, 199 (1988)).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from heapq import heappop, heappush
from typing import TYPE_CHECKING, NamedTuple

from lab.plan.model.problem import FOREVER, ORIGIN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lab.plan.model.problem import Lag, Mark, Operation, Problem

__all__ = ["Impossible", "impossible_lags", "least_end", "lower_bound", "without"]

_Node = tuple[int, str]
"""A mark of an operation."""


class Impossible(NamedTuple):
    """A longest time that the shortest times alone go beyond."""

    job: str
    first: str
    second: str
    lag: int
    """Index in `Problem.lags`."""
    by: int
    """Time units."""


def _shortest(op: Operation) -> int:
    if op.fixed is not None:
        return op.fixed.end - op.fixed.begin
    return min(mode.duration for mode in op.modes)


def _move(problem: Problem, op: Operation) -> int:
    if not op.carriers:
        return 0
    return min(op.move, *problem.travel.values()) if problem.travel else op.move


def _offset(problem: Problem, number: int, mark: Mark) -> int:
    """From the start to a mark, at least."""
    if number == ORIGIN or mark == "start":
        return 0
    op = problem.operations[number]
    if op.fixed is not None:
        return (op.fixed.end if mark == "end" else op.fixed.begin) - op.fixed.start
    return _move(problem, op) + (_shortest(op) if mark == "end" else 0)


def _rigid(problem: Problem, number: int) -> bool:
    """Whether the start decides the other marks."""
    op = problem.operations[number]
    durations = {mode.duration for mode in op.modes}
    waits = any(
        mode.station is not None and problem.resources[mode.station].batch for mode in op.modes
    )
    return len(durations) == 1 and not waits and not problem.travel


def _heads(problem: Problem) -> list[int]:
    """Earliest start of each operation when resources are free."""
    heads = [op.fixed.start if op.fixed else op.release for op in problem.operations]
    arcs = [
        (lag.first, lag.second, _offset(problem, lag.first, lag.first_mark) + lag.least - after)
        for lag in problem.lags
        if lag.least is not None
        for after in (_offset(problem, lag.second, lag.second_mark),)
        if after == 0 or _rigid(problem, lag.second)
    ]
    for _ in range(len(heads)):
        changed = False
        for first, second, length in arcs:
            start = (0 if first == ORIGIN else heads[first]) + length
            if start > heads[second]:
                heads[second], changed = start, True
        if not changed:
            break
    return heads


def _tails(problem: Problem) -> list[int]:
    """Shortest time from the end of each operation to the end of its job."""
    tails = [0] * len(problem.operations)
    arcs = [
        (lag.first, lag.second, lag.least + _offset(problem, lag.second, "end") - after)
        for lag in problem.lags
        if lag.least is not None and lag.first != ORIGIN and lag.first_mark == "end"
        for after in (_offset(problem, lag.second, lag.second_mark),)
    ]
    # jobs are mostly written from their beginning, so from their end there is less to do twice
    arcs.reverse()
    for _ in range(len(tails)):
        changed = False
        for first, second, length in arcs:
            tail = tails[second] + length
            if tail > tails[first]:
                tails[first], changed = tail, True
        if not changed:
            break
    return tails


def least_end(problem: Problem) -> int:
    """The longest chain."""
    heads = _heads(problem)
    return max(
        (heads[number] + _offset(problem, number, "end") for number in range(len(heads))), default=0
    )


def lower_bound(problem: Problem) -> int:
    """A makespan that no plan can go below."""
    heads, tails = _heads(problem), _tails(problem)
    spans: dict[int, list[_Span]] = defaultdict(list)
    for number, op in enumerate(problem.operations):
        move, duration = _move(problem, op), _shortest(op)
        stations = {mode.station for mode in op.modes}
        station = stations.pop() if len(stations) == 1 else None
        if station is not None and not problem.resources[station].batch:
            out = 0 if op.fetched_by is None else _move(problem, problem.operations[op.fetched_by])
            spans[station].append(_Span(heads[number], move + duration + out, tails[number] - out))
        if len(op.carriers) == 1:
            spans[op.carriers[0]].append(_Span(heads[number], move, duration + tails[number]))
        if len(op.modes) == 1:
            for use in op.modes[0].uses:
                if use.end is None and use.begin == 0:
                    size = duration * use.amount
                    spans[use.resource].append(_Span(heads[number] + move, size, tails[number]))
    best = least_end(problem)
    restored = {
        use.resource
        for op in problem.operations
        for mode in op.modes
        for use in mode.uses
        if use.amount < 0
    }
    for resource, parts in spans.items():
        if resource in restored:
            continue
        capacity = problem.resources[resource].capacity
        if capacity == 1:
            best = max(best, _one_at_a_time(parts))
        load = sum(part.size for part in parts)
        work = -(-load // capacity)
        best = max(best, min(p.head for p in parts) + work + min(p.tail for p in parts))
    return max([best, *_batch_bounds(problem, heads, tails)])


class _Span(NamedTuple):
    head: int
    size: int
    tail: int


def _one_at_a_time(parts: Sequence[_Span]) -> int:
    """Of one place, the makespan if work may be interrupted: always what has the longest tail (Jackson's schedule)."""
    coming = sorted(parts, reverse=True)
    here: list[tuple[int, int]] = []
    time = best = 0
    while coming or here:
        if not here:
            time = max(time, coming[-1].head)
        while coming and coming[-1].head <= time:
            part = coming.pop()
            heappush(here, (-part.tail, part.size))
        tail, size = heappop(here)
        done = size if not coming else min(size, coming[-1].head - time)
        time += done
        if done < size:
            heappush(here, (tail, size - done))
        else:
            best = max(best, time - tail)
    return best


def _batch_bounds(problem: Problem, heads: Sequence[int], tails: Sequence[int]) -> list[int]:
    """Of each batch station: full batches of each programme, and its doors open while arms bring what it runs."""
    found: list[int] = []
    for station, resource in enumerate(problem.resources):
        here = [
            number
            for number, op in enumerate(problem.operations)
            if all(mode.station == station for mode in op.modes)
        ]
        if not resource.batch or not here:
            continue
        groups: dict[tuple[str, int], int] = defaultdict(int)
        for number in here:
            op = problem.operations[number]
            groups[op.programme, _shortest(op)] += 1
        work = sum(-(-size // resource.capacity) * time for (_, time), size in groups.items())
        arms = {arm for number in here for arm in problem.operations[number].carriers}
        hands = sum(problem.resources[arm].capacity for arm in arms)
        if hands:
            moves = sum(_move(problem, problem.operations[number]) for number in here)
            work += -(-moves // hands)
        found.append(min(heads[n] for n in here) + work + min(tails[n] for n in here))
    return found


def impossible_lags(problem: Problem) -> list[Impossible]:
    """Longest times that the steps between two marks make impossible, each with the least excess.

    Found one by one: of the operations of a job, the longest path from the first mark to the second over the
    shortest times; only operations with one duration and no batch are looked into, which is what paths need.
    """
    by_job: dict[int, list[Lag]] = defaultdict(list)
    for lag in problem.lags:
        by_job[problem.operations[lag.second].job].append(lag)
    found: list[Impossible] = []
    for number, lag in enumerate(problem.lags):
        if lag.most is None:
            continue
        job = problem.operations[lag.second].job
        least = _longest_path(problem, by_job[job], lag)
        if least is not None and least > lag.most:
            first = "time zero" if lag.first == ORIGIN else problem.operations[lag.first].name
            second = problem.operations[lag.second].name
            by = least - lag.most
            found.append(Impossible(problem.jobs[job].name, first, second, number, by))
    return found


def _longest_path(problem: Problem, lags: list[Lag], wanted: Lag) -> int | None:
    """The least time that the other lags of a job leave between the marks of one."""
    arcs: list[tuple[_Node, _Node, int]] = []
    numbers = {lag.second for lag in lags} | {lag.first for lag in lags if lag.first != ORIGIN}
    for number in numbers:
        op = problem.operations[number]
        move, fixed = _move(problem, op), op.fixed
        arcs.append(((number, "start"), (number, "begin"), move))
        arcs.append(((number, "begin"), (number, "end"), _shortest(op)))
        origin = (ORIGIN, "end")
        arcs.append((origin, (number, "start"), fixed.start if fixed else op.release))
        if fixed:
            arcs.append(((number, "begin"), origin, -fixed.begin))
            arcs.append((origin, (number, "end"), fixed.end))
            arcs.append(((number, "end"), origin, -fixed.end))
        elif _rigid(problem, number):
            arcs.append(((number, "begin"), (number, "start"), -move))
            arcs.append(((number, "end"), (number, "begin"), -_shortest(op)))
    for lag in lags:
        first = (lag.first, "end" if lag.first == ORIGIN else lag.first_mark)
        second = (lag.second, lag.second_mark)
        if lag.least is not None:
            arcs.append((first, second, lag.least))
    source = (wanted.first, "end" if wanted.first == ORIGIN else wanted.first_mark)
    reach: dict[_Node, int] = {source: 0}
    for _ in range(3 * len(numbers) + 2):
        changed = False
        for first, second, length in arcs:
            if first in reach and reach[first] + length > reach.get(second, -FOREVER):
                reach[second], changed = reach[first] + length, True
        if not changed:
            break
    return reach.get((wanted.second, wanted.second_mark))


def without(problem: Problem, lags: set[int]) -> Problem:
    """The same problem with those longest times given up."""
    kept = tuple(
        replace(lag, most=None) if number in lags else lag
        for number, lag in enumerate(problem.lags)
    )
    return replace(problem, lags=kept)
