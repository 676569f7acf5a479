"""How much each part of CP-SAT's objective counts, and until when all must be done; free of the solver's library.

The solver refuses a model whose objective could leave 64 bits, and a laboratory's times are milliseconds: with 96 samples
under way the weighted ends times the makespan are far beyond that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.plan.model.solution import excess

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lab.plan.model.problem import Problem
    from lab.plan.model.solution import Placed

__all__ = ["ROOM", "horizon", "scales"]

ROOM = 1 << 61
"""The objective stays below this."""


def scales(most: int, weights: int, broken: int) -> tuple[int, int]:
    """What a unit of cost and a unit beyond a limit that must hold count for, where one of the makespan counts 1.

    most: the latest time. weights: of all parts of the cost, summed. broken: number of limits that may be broken. Each
    outweighs all that comes after it, as far as `ROOM` goes; where it does not, a unit of cost counts less beside the
    makespan, and a broken limit as much as there is room for.
    """
    cost = weights * (most + 1)
    scale, worst = most + 1, (most + 1) * (cost + 1)
    if worst * (broken * most + 1) < ROOM:
        return scale, worst
    if not broken:
        return min(scale, max(1, (ROOM - most) // (cost + 1))), 1
    return 1, max(1, (ROOM - cost - most) // (broken * (most + 1)))


def horizon(problem: Problem, hint: Sequence[Placed]) -> int:
    """When all must be done: no later than in the hint, unless something counts more than that; then a quarter later."""
    last = max(place.end for place in hint)
    weighty = any(job.weight or job.tardiness for job in problem.jobs)
    if weighty or any(lag.most is not None and excess(lag, hint) > 0 for lag in problem.lags):
        return last + last // 4 + 1
    return last
