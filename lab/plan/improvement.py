"""A better timeline that is looked for beside the running engine: what is asked, and whether the answer still serves. Pure.

The engine goes on while a search works, so its answer is an order for a moment that is past. What counts is that order
with its times corrected for now, beside the standing one treated likewise.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from lab.plan.retime import retime
from lab.plan.worth import weighted_ends, worth

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lab.domain.plan import Plan, Slot
    from lab.plan.snapshot import PlanningSnapshot, Schedule

__all__ = ["FROZEN_S", "PlanJob", "Weighed", "job_of", "weigh", "worth_a_search"]

FROZEN_S = 60.0
"""Process seconds in which nothing is moved any more: what begins so soon is being prepared. A search leaves alone twice
as much, so that it may take as long as that."""

_SAME_S = 1.0
"""A limit that breaks by no more than this beyond what it did is not broken anew, and a start is not moved."""


@dataclass(frozen=True, slots=True)
class PlanJob:
    """A timeline that is to be improved: small enough to be sent to another process."""

    snapshot: PlanningSnapshot
    """Each run with the plan that it has in the timeline, and no other."""
    slots: tuple[Slot, ...]
    frozen_until_s: float
    """What begins before then stays."""

    def standing(self) -> Schedule | None:
        """The timeline with its times corrected; None where it is no order for what is to be done."""
        plans = {run.run: run.plans[0] for run in self.snapshot.runs}
        return retime(self.snapshot, self.slots, plans)


class Weighed(NamedTuple):
    """The timeline that is to be followed from now on, or why the one that was found is dropped."""

    schedule: Schedule | None
    reason: str = ""
    gain_s: float = 0.0
    """Ends of the samples by their weight, summed: so many seconds earlier. Less than 0 where that is what it costs to
    keep a limit."""
    makespan_gain_s: float = 0.0


def worth_a_search(slots: Sequence[Slot], now_s: float) -> bool:
    """Whether at least two steps may change their turn."""
    until = now_s + 2 * FROZEN_S
    return sum(slot.start_s >= until for slot in slots) >= 2


def job_of(snapshot: PlanningSnapshot, slots: Sequence[Slot], plans: Mapping[str, Plan]) -> PlanJob:
    """A timeline as a task; `plans` are those of all its runs."""
    runs = tuple(replace(run, plans=(plans[run.run],)) for run in snapshot.runs)
    frozen = snapshot.now_s + 2 * FROZEN_S
    # what people do in between is put into either order when they are compared
    return PlanJob(replace(snapshot, runs=runs, services=None), tuple(slots), frozen)


def weigh(
    snapshot: PlanningSnapshot,
    slots: Sequence[Slot],
    plans: Mapping[str, Plan],
    found: Sequence[Slot],
) -> Weighed:
    """Compare an order that was found with the standing one, both with their times of now.

    It is taken if it is strictly better, has all runs in it, breaks no limit more, and leaves alone what has begun or
    begins at once.
    """
    there = {slot.run for slot in found}
    if any(not run.progress and run.run not in there for run in snapshot.runs):
        return Weighed(None, "it lacks runs that have come since")
    if snapshot.device_free_s:
        return Weighed(None, "a device has gone out of use since")
    standing = retime(snapshot, slots, plans)
    better = retime(snapshot, found, plans)
    if standing is None or better is None:
        return Weighed(None, "it does not fit what has begun since")
    if _moved(standing, better, snapshot.now_s + FROZEN_S):
        return Weighed(None, "it moves what begins at once")
    known = {(item.run, item.window): item.by_s for item in standing.broken}
    for item in better.broken:
        if item.by_s > known.get((item.run, item.window), 0.0) + _SAME_S:
            return Weighed(None, f"it breaks {item.window} of {item.run} by {item.by_s:.0f} s more")
    old, new = worth(snapshot, standing), worth(snapshot, better)
    earlier = weighted_ends(snapshot, standing) - weighted_ends(snapshot, better)
    gains = round(earlier, 2), round(old.makespan_s - new.makespan_s, 2)
    if not new < old:
        return Weighed(None, "it is no better by now", *gains)
    return Weighed(better, "", *gains)


def _moved(standing: Schedule, better: Schedule, until_s: float) -> bool:
    """Whether anything that is to begin before then would begin at another time."""
    starts = {(slot.run, slot.step): slot.start_s for slot in better.timeline.slots}
    return any(
        abs(slot.start_s - starts[slot.run, slot.step]) > _SAME_S
        for slot in standing.timeline.slots
        if slot.start_s < until_s
    )
