"""Dispatching rules for shops: what the first plan has to be better than.

Operations are taken in the order of time. Of those that could start first (non-delay), or before the first of them
would end (active; Giffler and Thompson, Oper. Res. 8, 487 (1960)), the rule takes one: first come first served,
shortest processing time, or most work remaining. Where there are several machines, the one on which it ends first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from lab.plan.model.problem import ORIGIN
from lab.plan.model.solution import Placed, Solution, score

if TYPE_CHECKING:
    from collections.abc import Callable

    from lab.plan.model.problem import Problem

__all__ = ["best_rule", "is_shop"]


class _Choice(NamedTuple):
    operation: int
    mode: int
    start: int
    end: int
    ready: int
    remaining: int


_RULES: tuple[Callable[[_Choice], int], ...] = (
    lambda choice: choice.ready,
    lambda choice: choice.end - choice.start,
    lambda choice: -choice.remaining,
)


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


def best_rule(problem: Problem) -> Solution:
    """The best plan of the three rules, each in both ways; for a shop only."""
    plans = (_dispatch(problem, rule, active=active) for rule in _RULES for active in (False, True))
    return min(plans, key=lambda plan: plan.score)


def _dispatch(problem: Problem, rule: Callable[[_Choice], int], *, active: bool) -> Solution:
    count = len(problem.operations)
    after: list[list[int]] = [[] for _ in range(count)]
    waits = [0] * count
    for lag in problem.lags:
        after[lag.first].append(lag.second)
        waits[lag.second] += 1
    remaining = _remaining(problem, after)
    free = [0] * len(problem.resources)
    ready = [0] * count
    open_now = [n for n in range(count) if not waits[n]]
    placed = [Placed(0, None, 0, 0, 0)] * count
    while open_now:
        choices = [_first_machine(problem, n, ready[n], free, remaining[n]) for n in open_now]
        soonest = min(choice.start for choice in choices)
        if active:
            ends = min(choices, key=lambda choice: choice.end)
            station = problem.operations[ends.operation].modes[ends.mode].station
            choices = [
                choice
                for choice in choices
                if choice.start < max(ends.end, soonest + 1)
                and problem.operations[choice.operation].modes[choice.mode].station == station
            ]
        else:
            choices = [choice for choice in choices if choice.start == soonest]
        taken = min(choices, key=lambda choice: (rule(choice), choice.operation))
        number = taken.operation
        placed[number] = Placed(taken.mode, None, taken.start, taken.start, taken.end)
        station = problem.operations[number].modes[taken.mode].station
        free[station or 0] = taken.end
        open_now.remove(number)
        for other in after[number]:
            ready[other] = max(ready[other], taken.end)
            waits[other] -= 1
            if not waits[other]:
                open_now.append(other)
    return Solution(tuple(placed), score(problem, placed))


def _first_machine(
    problem: Problem, number: int, ready: int, free: list[int], remaining: int
) -> _Choice:
    best: _Choice | None = None
    for m, mode in enumerate(problem.operations[number].modes):
        start = max(ready, free[mode.station or 0])
        if best is None or start + mode.duration < best.end:
            best = _Choice(number, m, start, start + mode.duration, ready, remaining)
    assert best is not None  # an operation has at least one mode
    return best


def _remaining(problem: Problem, after: list[list[int]]) -> list[int]:
    """Least work from the start of each operation to the end of the longest chain behind it."""
    found = [-1] * len(after)
    for first in range(len(after)):
        stack = [first]
        while stack:
            number = stack[-1]
            open_now = [other for other in after[number] if found[other] < 0]
            if open_now:
                stack += open_now
                continue
            work = min(mode.duration for mode in problem.operations[number].modes)
            found[number] = work + max((found[other] for other in after[number]), default=0)
            stack.pop()
    return found
