"""A timeline for what is true now, from the one that stands: the planner's tiers that answer at once. Pure.

    order        the standing plan with its times corrected
    insertion    the same for the runs that it knows, new runs placed around them
    reservation  all runs placed anew, most advanced first

The better one is taken; of equals the one that changes less. Where runs are many, the reservation is tried only
if the standing order breaks a limit on time anew, so an answer is there in milliseconds.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal, NamedTuple

from lab.plan.retime import retime, served
from lab.plan.schedule import schedule
from lab.plan.worth import worth

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lab.domain.plan import Plan, Slot
    from lab.plan.snapshot import PlanningSnapshot, Schedule

__all__ = ["Replanned", "Tier", "replan"]

_WORSE_S = 1.0
_FEW = 12
"""So few runs are placed anew in any case; it takes no time worth saving."""

Tier = Literal["order", "insertion", "reservation"]


class Replanned(NamedTuple):
    """A timeline and the tier that it comes from."""

    schedule: Schedule
    source: Tier


def replan(
    snapshot: PlanningSnapshot,
    standing: Sequence[Slot],
    plans: Mapping[str, Plan],
    known: Mapping[tuple[str, str], float],
    tries: int | None = None,
) -> Replanned:
    """The best timeline that can be had at once.

    `plans` are those of the standing timeline, `known` what it breaks: run and window -> seconds. Nothing better was
    found for that when it was made, so it alone is no reason to place all runs anew. `tries` is for `schedule`.
    """
    kept = _kept(snapshot, standing, plans)
    found: list[Replanned] = []
    if kept is not None:
        whole = len(kept.plans) == len(snapshot.runs)
        found.append(
            Replanned(kept, "order")
            if whole
            else Replanned(served(snapshot, schedule(snapshot, kept, tries)), "insertion")
        )
        first = found[0].schedule
        news = any(
            limit.by_s > known.get((limit.run, limit.window), 0.0) + _WORSE_S
            for limit in first.broken
        )
        if not (news or first.blocked) and len(snapshot.runs) > _FEW:
            return found[0]
    anew = served(snapshot, schedule(snapshot, None, tries))
    found.append(Replanned(anew, "reservation"))
    return min(found, key=lambda item: worth(snapshot, item.schedule))


def _kept(
    snapshot: PlanningSnapshot, standing: Sequence[Slot], plans: Mapping[str, Plan]
) -> Schedule | None:
    """The standing order of the runs that are in it and go on as it has them."""
    known = tuple(
        run
        for run in snapshot.runs
        if run.run in plans and any(plans[run.run] is plan for plan in run.plans)
    )
    if not known:
        return None
    return retime(replace(snapshot, runs=known), standing, plans)
