"""Timelines that are better than the first one, from the planner's tiers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from lab.plan.model.problem import Fixed
from lab.plan.model.solution import Solution, score
from lab.plan.model.verify import faults
from lab.plan.search.construct import Constructor, Unplaced
from lab.plan.translate import milliseconds, translate
from lab.plan.worth import worth

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lab.plan.improvement import PlanJob
    from lab.plan.model.problem import Operation
    from lab.plan.model.solution import Placed
    from lab.plan.snapshot import PlanningSnapshot, Schedule
    from lab.plan.translate import Translation

__all__ = ["adopted", "frozen", "improved", "searched", "standing_solution"]


def searched(
    snapshot: PlanningSnapshot, first: Schedule, evaluations: int, *, weighted: bool = True
) -> Schedule:
    """The best of the first timeline and of so many others with the same plans. Pure: no clock, one seed."""
    if first.blocked or not first.timeline.slots:
        return first
    return _searched(translate(snapshot, first.plans, weighted=weighted), first, evaluations)


def improved(job: PlanJob, evaluations: int) -> Schedule | None:
    """The same for a timeline that is being carried out, where that finds something better: what begins soon stays."""
    standing = job.standing()
    if standing is None:
        return None
    translation = frozen(job, standing)
    if translation is None:
        return None
    found = _searched(translation, standing, evaluations)
    return None if found is standing else found


def _searched(translation: Translation, first: Schedule, evaluations: int) -> Schedule:
    try:
        search = Constructor(translation.problem)
    except Unplaced:
        return first
    left = iter(range(evaluations))
    search.improve(lambda: next(left, None) is not None)
    return adopted(translation, first, search.best.placed)


def adopted(translation: Translation, standing: Schedule, placed: Sequence[Placed]) -> Schedule:
    """A solution's timeline if a laboratory could carry it out and it is better, else the one that stands."""
    if faults(translation.problem, placed):
        return standing
    found = translation.schedule(placed)
    snapshot, weighted = translation.snapshot, translation.weighted
    better = worth(snapshot, found, weighted=weighted) < worth(
        snapshot, standing, weighted=weighted
    )
    return found if better else standing


def frozen(job: PlanJob, standing: Schedule) -> Translation | None:
    """The problem of a timeline that is being carried out: steps that begin soon are fixed where they stand, and
    nothing else comes before them. None where nothing is left to move."""
    translation = translate(job.snapshot, standing.plans)
    slots = {(slot.run, slot.step): slot for slot in standing.timeline.slots}
    origin = translation.origin_s
    soonest = milliseconds(job.frozen_until_s - origin)
    operations: list[Operation] = []
    for item, operation in zip(translation.steps, translation.problem.operations, strict=True):
        if item is not None and operation.fixed is None:
            slot = slots[item[0].run, item[1].path]
            start = milliseconds(slot.start_s - origin)
            if slot.start_s < job.frozen_until_s:
                operation = _fixed(operation, start, milliseconds(slot.end_s - origin))
            else:
                operation = replace(operation, release=max(operation.release, soonest))
        operations.append(operation)
    if all(
        operation.fixed is not None
        for item, operation in zip(translation.steps, operations, strict=True)
        if item is not None
    ):
        return None
    return replace(translation, problem=replace(translation.problem, operations=tuple(operations)))


def _fixed(operation: Operation, start: int, end: int) -> Operation:
    """Both times are rounded alike, so one that follows at once still does."""
    mode = operation.modes[0]._replace(duration=end - start)
    return replace(operation, modes=(mode,), fixed=Fixed(0, None, start, start, end))


def standing_solution(translation: Translation, standing: Schedule) -> Solution | None:
    """A timeline as a solution to search from; None where rounding has left it none."""
    placed = translation.placed(standing)
    if faults(translation.problem, placed):
        return None
    return Solution(placed, score(translation.problem, placed))
