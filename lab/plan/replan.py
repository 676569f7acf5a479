"""A timeline for what is true now, from the one that stands: the planner's tiers that answer at once. Pure.

    order        the standing plan with its times corrected
    insertion    the same for the runs that it knows, new runs placed around them
    repair       runs that have begun placed anew, most advanced first; the others in their order among them
    reservation  all runs placed anew, most advanced first

The better one is taken; of equals the one that changes less. Where runs are many, others than the first are tried only
if the standing order breaks a limit on time anew that runs which have begun could keep, and the reservation only if the repair
breaks one too, so an answer is there in milliseconds.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal, NamedTuple

from lab.plan.board import Bookings
from lab.plan.retime import retime, served
from lab.plan.schedule import schedule
from lab.plan.worth import worth

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lab.domain.plan import Plan, Slot
    from lab.plan.lags import BrokenWindow
    from lab.plan.snapshot import PlanningSnapshot, Schedule

__all__ = ["Replanned", "Tier", "replan"]

_WORSE_S = 1.0
_FEW = 12
"""So few runs are placed anew in any case; it takes no time worth saving."""

Tier = Literal["order", "insertion", "repair", "reservation"]


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
        if len(snapshot.runs) > _FEW:
            news = _news(first, known)
            if not (news or first.blocked):
                return found[0]
            begun = None if first.blocked else _begun(snapshot)
            if begun is not None:
                if _as_bad(begun, news):
                    return found[0]
                mended = _repaired(snapshot, first, begun)
                if mended is not None:
                    found.append(Replanned(mended, "repair"))
                    if not _news(mended, known):
                        return min(found, key=lambda item: worth(snapshot, item.schedule))
    anew = served(snapshot, schedule(snapshot, None, tries))
    found.append(Replanned(anew, "reservation"))
    return min(found, key=lambda item: worth(snapshot, item.schedule))


def _news(planned: Schedule, known: Mapping[tuple[str, str], float]) -> list[BrokenWindow]:
    """Limits that it breaks and that were not known to be broken, or by more."""
    return [
        limit
        for limit in planned.broken
        if limit.by_s > known.get((limit.run, limit.window), 0.0) + _WORSE_S
    ]


def _begun(snapshot: PlanningSnapshot) -> Schedule | None:
    """Runs that have begun, placed anew as if nothing else were to be done: as the reservation places them, which has them
    first. None where that is no part of it."""
    runs = tuple(run for run in snapshot.runs if run.progress)
    if not runs or len(runs) == len(snapshot.runs):
        return None
    anew = schedule(replace(snapshot, runs=runs))
    return None if anew.blocked else anew


def _as_bad(begun: Schedule, news: Sequence[BrokenWindow]) -> bool:
    """Whether runs that have begun break all these limits as much with nobody else in their way: no order helps them."""
    anew = {(limit.run, limit.window): limit.by_s for limit in begun.broken}
    return all(anew.get((item.run, item.window), 0.0) >= item.by_s - _WORSE_S for item in news)


def _repaired(snapshot: PlanningSnapshot, standing: Schedule, begun: Schedule) -> Schedule | None:
    """Runs that have begun as they were placed anew; the others in their order, behind them where both want one place."""
    taken: dict[str, Bookings] = {}
    stays: dict[tuple[str, str], tuple[float, float]] = {}
    for slot in begun.timeline.slots:
        taken.setdefault(slot.device, Bookings()).add(slot.start_s, slot.end_s)
        for station in slot.claims:
            since, until = stays.get((station, slot.run), (slot.start_s, slot.end_s))
            stays[station, slot.run] = min(since, slot.start_s), max(until, slot.end_s)
    for (station, _), (since, until) in stays.items():
        taken.setdefault(station, Bookings()).add(since, until)
    turns = [(slot.start_s, slot) for slot in begun.timeline.slots]
    later: dict[str, float] = {}
    for slot in standing.timeline.slots:
        if slot.run in begun.plans:
            continue
        planned = start = slot.start_s + later.get(slot.run, 0.0)
        for name in (slot.device, *slot.claims):
            if name in taken:
                start = max(start, taken[name].earliest(start, slot.end_s - slot.start_s))
        later[slot.run] = later.get(slot.run, 0.0) + start - planned
        turns.append((start, slot))
    turns.sort(key=lambda turn: (turn[0], turn[1].end_s, turn[1].run, turn[1].step))
    return retime(snapshot, [slot for _, slot in turns], standing.plans)


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
