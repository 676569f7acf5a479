"""Where a sample's path may be cut, so that its parts can be placed one after the other.

Operations that a longest time or a blocked station ties together are one segment and placed together: that is what
reserves the place after a hold before the hold begins. Between segments a sample may wait as long as it must.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from lab.plan.model.problem import ORIGIN

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from lab.plan.model.problem import Problem

__all__ = ["Segments", "segments"]


class Segments(NamedTuple):
    of: list[int]
    """Operation -> segment."""
    members: list[list[int]]
    """Operations of each in the order of placing."""
    after: list[list[int]]
    waits: list[int]
    offset: list[int]
    """Operation -> least time from the start of the segment."""
    batch_class: list[int]
    class_size: list[int]


def segments(problem: Problem) -> Segments:
    """Cut a problem; operations that are fixed are in no segment (-1)."""
    count = len(problem.operations)
    arcs = _arcs(problem)
    rank = _ranks(count, arcs)
    root = list(range(count))

    def find(number: int) -> int:
        while root[number] != number:
            root[number] = root[root[number]]
            number = root[number]
        return number

    ties = [
        (lag.first, lag.second)
        for lag in problem.lags
        if lag.first != ORIGIN and lag.most is not None
    ]
    ties += [
        (number, op.fetched_by)
        for number, op in enumerate(problem.operations)
        if op.fetched_by is not None
    ]
    free = [op.fixed is None for op in problem.operations]
    for one, two in ties:
        if free[one] and free[two]:
            root[find(one)] = find(two)
    for group in _circles([find(number) for number in range(count)], arcs):
        for other in group[1:]:
            root[find(other)] = find(group[0])
    groups: dict[int, list[int]] = defaultdict(list)
    for number in range(count):
        if free[number]:
            groups[find(number)].append(number)
    members = [
        sorted(group, key=lambda number: (rank[number], number)) for group in groups.values()
    ]
    of = [-1] * count
    for number, group in enumerate(members):
        for operation in group:
            of[operation] = number
    after: list[set[int]] = [set() for _ in members]
    for one, two in arcs:
        if of[one] >= 0 and of[two] >= 0 and of[one] != of[two]:
            after[of[one]].add(of[two])
    waits = [0] * len(members)
    for group in after:
        for number in group:
            waits[number] += 1
    batch_class, class_size = _classes(problem, members)
    return Segments(
        of,
        members,
        [sorted(group) for group in after],
        waits,
        _offsets(problem, of, rank),
        batch_class,
        class_size,
    )


def _arcs(problem: Problem) -> list[tuple[int, int]]:
    """(before, after) of operations that follow one another."""
    return [
        (lag.first, lag.second)
        for lag in problem.lags
        if lag.first != ORIGIN and lag.least is not None and lag.least >= 0
    ]


def _ranks(count: int, arcs: Iterable[tuple[int, int]]) -> list[int]:
    """Longest chain before each operation; ValueError where they wait for each other in a circle."""
    following: dict[int, list[int]] = defaultdict(list)
    waits = [0] * count
    for one, two in arcs:
        following[one].append(two)
        waits[two] += 1
    rank = [0] * count
    ready = [number for number in range(count) if not waits[number]]
    for number in ready:
        for after in following[number]:
            rank[after] = max(rank[after], rank[number] + 1)
            waits[after] -= 1
            if not waits[after]:
                ready.append(after)
    if len(ready) < count:
        raise ValueError("operations wait for each other in a circle")
    return rank


def _circles(group: Sequence[int], arcs: Iterable[tuple[int, int]]) -> list[list[int]]:
    """Groups that wait for each other (strongly connected, Tarjan), which have to be one."""
    following: dict[int, list[int]] = defaultdict(list)
    for one, two in arcs:
        if group[one] != group[two]:
            following[group[one]].append(group[two])
    index: dict[int, int] = {}
    low: dict[int, int] = {}
    stack: list[int] = []
    held: set[int] = set()
    found: list[list[int]] = []
    for start in list(following):
        if start in index:
            continue
        work = [(start, 0)]
        while work:
            node, position = work.pop()
            if position == 0:
                index[node] = low[node] = len(index)
                stack.append(node)
                held.add(node)
            for number in range(position, len(following[node])):
                other = following[node][number]
                if other not in index:
                    work += [(node, number + 1), (other, 0)]
                    break
                if other in held:
                    low[node] = min(low[node], index[other], low[other])
            else:
                if work:
                    parent = work[-1][0]
                    low[parent] = min(low[parent], low[node])
                if low[node] == index[node]:
                    circle: list[int] = []
                    while not circle or circle[-1] != node:
                        circle.append(stack.pop())
                        held.discard(circle[-1])
                    if len(circle) > 1:
                        found.append(circle)
    return found


def _offsets(problem: Problem, of: Sequence[int], rank: Sequence[int]) -> list[int]:
    offset = [0] * len(of)
    lags = sorted(
        (
            lag
            for lag in problem.lags
            if lag.least is not None
            and lag.least >= 0
            and lag.first != ORIGIN
            and of[lag.first] == of[lag.second]
        ),
        key=lambda lag: rank[lag.second],
    )
    for lag in lags:
        before = problem.operations[lag.first]
        length = lag.least or 0
        if lag.first_mark == "end":
            length += min(mode.duration for mode in before.modes)
        if lag.second_mark == "start":
            offset[lag.second] = max(offset[lag.second], offset[lag.first] + length)
    return offset


def _classes(problem: Problem, members: Sequence[Sequence[int]]) -> tuple[list[int], list[int]]:
    """Segments whose first batch operation has the same stations, programme and time."""
    index: dict[tuple[object, ...], int] = {}
    sizes: list[int] = []
    classes: list[int] = []
    for group in members:
        found = -1
        for number in group:
            op = problem.operations[number]
            stations = [mode.station for mode in op.modes if mode.station is not None]
            batch = [station for station in stations if problem.resources[station].batch]
            if not batch:
                continue
            key = (op.programme, op.modes)
            if key not in index:
                index[key] = len(sizes)
                sizes.append(min(problem.resources[station].capacity for station in batch))
            found = index[key]
            break
        classes.append(found)
    return classes, sizes
