"""A shop as tables of integers, and a plan of it as sequences on its machines."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lab.plan.model.problem import ORIGIN
from lab.plan.model.solution import Placed, Solution, score

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from lab.plan.model.problem import Problem

    Ints = NDArray[np.int64]

__all__ = ["Line", "Shop", "compile_shop", "is_shop", "new_line", "solution"]

# rows of `Line.of`, one column per operation
WAY, MACHINE, TIME = range(3)
"""The alternative that is taken, its machine and its time."""
BEFORE, BEHIND = 3, 4
"""Neighbours in the sequence of the machine; -1: none."""
HEAD, TAIL = 5, 6
"""Longest path to its start, and from its end."""
JOB_HEAD, JOB_TAIL = 7, 8
"""The same through its job alone."""
ROWS = 9
# rows of `Line.ends`, one column per machine
FIRST, LAST = 0, 1


class Shop(NamedTuple):
    """What is given. Rows `at[v]:at[v + 1]` of a list belong to operation v."""

    before_at: Ints
    before: Ints
    """What an operation waits for."""
    after_at: Ints
    after: Ints
    way_at: Ints
    machine: Ints
    time: Ints
    left: Ints
    """[0 least work | 1 operations, operation]: from its start on, along the longest chain."""
    machines: int


class Line(NamedTuple):
    """A plan: which operation follows which on each machine, and the times that come of it."""

    of: Ints
    ends: Ints
    order: Ints
    """All operations, each behind those that it follows."""


def is_shop(problem: Problem) -> bool:
    """Whether it has nothing but machines and orders of operations."""
    return (
        not any(r.batch or r.setup or r.closed or r.capacity > 1 for r in problem.resources)
        and not any(
            op.carriers or op.fixed or op.fetched_by is not None or op.release
            for op in problem.operations
        )
        and not any(
            mode.uses or mode.station is None for op in problem.operations for mode in op.modes
        )
        and all(
            lag.first != ORIGIN
            and lag.least == 0
            and lag.most is None
            and (lag.first_mark, lag.second_mark) == ("end", "start")
            for lag in problem.lags
        )
    )


def compile_shop(problem: Problem) -> Shop:
    """The tables of a shop; ValueError for a problem that is none, or that waits for itself."""
    if not is_shop(problem):
        raise ValueError(f"{problem.name} is more than a shop")
    count = len(problem.operations)
    before: list[list[int]] = [[] for _ in range(count)]
    after: list[list[int]] = [[] for _ in range(count)]
    for lag in problem.lags:
        before[lag.second].append(lag.first)
        after[lag.first].append(lag.second)
    modes = [op.modes for op in problem.operations]
    ways = [mode for some in modes for mode in some]
    return Shop(
        *_lists(before),
        *_lists(after),
        _starts([len(some) for some in modes]),
        np.array([mode.station for mode in ways], dtype=np.int64),
        np.array([mode.duration for mode in ways], dtype=np.int64),
        _left(problem, before, after),
        len(problem.resources),
    )


def _starts(sizes: Sequence[int]) -> Ints:
    return np.concatenate(([0], np.cumsum(np.array(sizes, dtype=np.int64)))).astype(np.int64)


def _lists(lists: Sequence[Sequence[int]]) -> tuple[Ints, Ints]:
    items = [item for some in lists for item in some]
    return _starts([len(some) for some in lists]), np.array(items, dtype=np.int64)


def _left(
    problem: Problem, before: Sequence[Sequence[int]], after: Sequence[Sequence[int]]
) -> Ints:
    count = len(before)
    left = np.zeros((2, count), dtype=np.int64)
    waits = [len(some) for some in after]
    ready = [number for number in range(count) if not waits[number]]
    for number in ready:
        least = min(mode.duration for mode in problem.operations[number].modes)
        left[0, number] = least + max((left[0, other] for other in after[number]), default=0)
        left[1, number] = 1 + max((left[1, other] for other in after[number]), default=0)
        for other in before[number]:
            waits[other] -= 1
            if not waits[other]:
                ready.append(other)
    if len(ready) < count:
        raise ValueError(f"{problem.name}: some operations wait for each other")
    return left


def new_line(shop: Shop) -> Line:
    """An empty plan."""
    count = len(shop.way_at) - 1
    return Line(
        np.zeros((ROWS, count), dtype=np.int64),
        np.zeros((2, shop.machines), dtype=np.int64),
        np.zeros(count, dtype=np.int64),
    )


def solution(problem: Problem, ways: Ints, starts: Ints) -> Solution:
    """A plan of a shop, from the alternative and the start of each operation."""
    placed: list[Placed] = []
    for number, op in enumerate(problem.operations):
        way, start = int(ways[number]), int(starts[number])
        placed.append(Placed(way, None, start, start, start + op.modes[way].duration))
    return Solution(tuple(placed), score(problem, placed))
