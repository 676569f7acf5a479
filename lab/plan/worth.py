"""What a timeline is worth: broken limits first, then when the samples are done, then when all is done."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from lab.plan.lags import BrokenWindow, Times, broken_windows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lab.domain.plan import Plan, Slot
    from lab.plan.snapshot import PlanningSnapshot, RunSnapshot, Schedule

__all__ = [
    "FLAG_COST",
    "Worth",
    "broken_limits",
    "run_times",
    "weight_of",
    "weighted_ends",
    "worth",
]

FLAG_COST = 1000
"""What a second beyond a limit that only flags the sample costs, in seconds of a sample of weight 1."""

_DIGITS = 2
"""Of a second: by less than that no timeline is better."""


class Worth(NamedTuple):
    """Smaller is better, in this order."""

    blocked: int
    """Runs without a place."""
    broken_s: float
    """Time beyond the limits that must hold, summed."""
    cost_s: float
    """Ends of the runs by their weight, and what limits cost that flag the sample."""
    makespan_s: float


def weight_of(run: RunSnapshot) -> int:
    """What a run's time is worth."""
    return max(1, 1 + run.priority)


def worth(snapshot: PlanningSnapshot, planned: Schedule, *, weighted: bool = True) -> Worth:
    """The worth of a snapshot's timeline; the ends of the runs count only if `weighted`."""
    cost = weighted_ends(snapshot, planned) if weighted else 0.0
    broken = 0.0
    for item in planned.broken:
        windows = planned.plans[item.run].timing
        if any(w.name == item.window and w.on_violation == "flag" for w in windows):
            cost += FLAG_COST * item.by_s
        else:
            broken += item.by_s
    return Worth(
        len(planned.blocked),
        round(broken, _DIGITS),
        round(cost, _DIGITS),
        round(planned.timeline.makespan_s, _DIGITS),
    )


def weighted_ends(snapshot: PlanningSnapshot, planned: Schedule) -> float:
    """Ends of the runs in seconds, each by its weight, summed."""
    ends: dict[str, float] = {}
    for slot in planned.timeline.slots:
        ends[slot.run] = max(slot.end_s, ends.get(slot.run, slot.end_s))
    return sum(weight_of(run) * ends.get(run.run, snapshot.now_s) for run in snapshot.runs)


def broken_limits(
    snapshot: PlanningSnapshot, plans: Mapping[str, Plan], slots: Sequence[Slot]
) -> tuple[BrokenWindow, ...]:
    """Limits on time that slots do not keep, of all runs with a plan."""
    known = run_times(snapshot, slots)
    found: list[BrokenWindow] = []
    for run in snapshot.runs:
        plan = plans.get(run.run)
        if plan is None or not plan.timing:
            continue
        found += [
            BrokenWindow(run.run, window.name, by)
            for window, _, by in broken_windows(plan, known[run.run])
            if any(step not in run.finished for step in window.to_steps)
        ]
    return tuple(found)


def run_times(snapshot: PlanningSnapshot, slots: Sequence[Slot]) -> dict[str, Times]:
    """Of each run, the times of what is done or placed."""
    starts: dict[str, dict[str, float]] = {run.run: {} for run in snapshot.runs}
    ends: dict[str, dict[str, float]] = {run.run: dict(run.finished) for run in snapshot.runs}
    for slot in slots:
        starts[slot.run][slot.step] = slot.start_s
        ends[slot.run][slot.step] = slot.end_s
    return {run: Times(starts[run], ends[run]) for run in starts}
