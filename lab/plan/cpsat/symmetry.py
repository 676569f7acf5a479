"""Samples that are alike: their order at each stage may be fixed without losing the best plan.

If two samples have the same operations, lags and worth, the k-th start of a stage can be given to the k-th of them:
sorting the times of each stage keeps every least and longest time between stages, and what is taken of each
resource is the same.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from lab.plan.model.problem import ORIGIN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lab.plan.model.problem import Problem
    from lab.plan.model.solution import Placed

__all__ = ["alike", "in_order"]


def alike(problem: Problem) -> list[list[list[int]]]:
    """Groups of jobs that are alike, each job as its operations in order."""
    members: dict[int, list[int]] = defaultdict(list)
    for number, op in enumerate(problem.operations):
        members[op.job].append(number)
    place = {
        number: position for group in members.values() for position, number in enumerate(group)
    }
    lags: dict[int, list[tuple[object, ...]]] = defaultdict(list)
    mixed: set[int] = set()
    for lag in problem.lags:
        job = problem.operations[lag.second].job
        if lag.first != ORIGIN and problem.operations[lag.first].job != job:
            mixed |= {job, problem.operations[lag.first].job}
            continue
        first = ORIGIN if lag.first == ORIGIN else place[lag.first]
        marks = lag.first_mark, lag.second_mark
        lags[job].append((first, place[lag.second], lag.least, lag.most, *marks, lag.penalty))
    groups: dict[tuple[object, ...], list[list[int]]] = defaultdict(list)
    for job, numbers in members.items():
        ops = [problem.operations[number] for number in numbers]
        if job in mixed or any(op.fixed or len(op.modes) > 1 or len(op.carriers) > 1 for op in ops):
            continue
        shape = tuple(
            (
                op.modes, op.carriers, op.move, op.programme, op.family, op.release,
                None if op.comes_from is None else place[op.comes_from],
                None if op.fetched_by is None else place[op.fetched_by],
            )
            for op in ops
        )  # fmt: skip
        worth = problem.jobs[job]
        key = (shape, tuple(sorted(lags[job], key=repr)), worth.weight, worth.due, worth.tardiness)
        groups[key].append(numbers)
    return [group for group in groups.values() if len(group) > 1]


def _when(place: Placed) -> tuple[int, int]:
    return place.start, place.begin


def in_order(groups: Sequence[Sequence[Sequence[int]]], placed: Sequence[Placed]) -> list[Placed]:
    """The same plan with the samples of each group in order at each stage."""
    found = list(placed)
    for group in groups:
        for stage in range(len(group[0])):
            numbers = [job[stage] for job in group]
            places = sorted((placed[number] for number in numbers), key=_when)
            for number, place in zip(numbers, places, strict=True):
                found[number] = place
    return found
