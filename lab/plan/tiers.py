"""Timelines that are better than the first one, from the planner's tiers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.plan.model.verify import faults
from lab.plan.search.construct import Constructor, Unplaced
from lab.plan.translate import translate
from lab.plan.worth import worth

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lab.plan.model.solution import Placed
    from lab.plan.snapshot import PlanningSnapshot, Schedule
    from lab.plan.translate import Translation

__all__ = ["adopted", "searched"]


def searched(
    snapshot: PlanningSnapshot, first: Schedule, evaluations: int, *, weighted: bool = True
) -> Schedule:
    """The best of the first timeline and of so many others with the same plans. Pure: no clock, one seed."""
    if first.blocked or not first.timeline.slots:
        return first
    translation = translate(snapshot, first.plans, weighted=weighted)
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
