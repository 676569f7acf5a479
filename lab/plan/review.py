"""What a timeline says about the laboratory: who is busy, which limits are near, what decides how long it takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from lab.plan.estimates import without_rounds
from lab.plan.lags import Times, time_taken
from lab.plan.pools import kind_of
from lab.plan.worth import run_times

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lab.domain.plan import DurationSource, Plan, Slot
    from lab.plan.snapshot import PlanningSnapshot, Schedule

__all__ = ["Expected", "Hold", "Link", "Use", "critical_path", "expected", "holds", "utilisation"]

_EPSILON_S = 2e-3
"""Two steps that are nearer follow each other; a translated timeline counts milliseconds."""


class Use(NamedTuple):
    """How much of the time something is taken."""

    name: str
    kind: str
    """device, person or station; a station is also taken while a sample waits in it."""
    busy_s: float
    share: float
    """Of the makespan."""


class Expected(NamedTuple):
    """How long a step takes on a device, over all samples and all rounds of a loop, and who says so."""

    step: str
    device: str
    least_s: float
    most_s: float
    source: DurationSource
    runs: int
    """That tell it, where the source is the journal."""


class Hold(NamedTuple):
    """A longest time between two steps of a run."""

    run: str
    window: str
    first: str
    second: str
    at_most_s: float
    took_s: float
    on_violation: str

    @property
    def slack_s(self) -> float:
        """Less than 0 where it is broken."""
        return self.at_most_s - self.took_s


class Link(NamedTuple):
    """A step of the critical path, and why it is not earlier."""

    slot: Slot
    because: str


def utilisation(snapshot: PlanningSnapshot, planned: Schedule) -> list[Use]:
    """All devices and stations of the timeline, the busiest first."""
    span = planned.timeline.makespan_s - snapshot.now_s
    busy: dict[tuple[str, str], float] = {}
    stays: dict[tuple[str, str], list[float]] = {}
    for slot in planned.timeline.slots:
        key = kind_of(slot.device), slot.device
        busy[key] = busy.get(key, 0.0) + slot.end_s - slot.start_s
        for station in slot.claims:
            stays.setdefault((station, slot.run), []).extend((slot.start_s, slot.end_s))
    for (station, _), moments in stays.items():
        key = "station", station
        busy[key] = busy.get(key, 0.0) + max(moments) - min(moments)
    uses = [
        Use(name, kind, taken, taken / span if span > 0 else 0.0)
        for (kind, name), taken in busy.items()
    ]
    return sorted(uses, key=lambda use: (-use.busy_s, use.kind, use.name))


def expected(planned: Schedule) -> list[Expected]:
    """In the order in which the samples come to the steps."""
    found: dict[tuple[str, str, DurationSource, int], list[float]] = {}
    for slot in planned.timeline.slots:
        key = without_rounds(slot.step), slot.device, slot.duration_from, slot.duration_runs
        found.setdefault(key, []).append(slot.end_s - slot.start_s)
    return [
        Expected(step, device, round(min(lengths), 3), round(max(lengths), 3), source, runs)
        for (step, device, source, runs), lengths in found.items()
    ]


def holds(snapshot: PlanningSnapshot, planned: Schedule) -> list[Hold]:
    """All longest times, the one with the least slack first."""
    known = run_times(snapshot, planned.timeline.slots)
    found: list[Hold] = []
    for run in snapshot.runs:
        plan = planned.plans.get(run.run)
        if plan is None or run.run in planned.blocked:
            continue
        times = known[run.run]
        for window in plan.timing:
            taken = None if window.less_than_s is None else time_taken(window, times, plan)
            if taken is not None and window.less_than_s is not None:
                first, second, took = taken
                found.append(
                    Hold(
                        run.run,
                        window.name,
                        f"{first}.{window.from_mark}",
                        f"{second}.{window.to_mark}",
                        window.less_than_s,
                        took,
                        window.on_violation,
                    )
                )
    return sorted(found, key=lambda hold: (hold.slack_s, hold.run, hold.window))


def critical_path(planned: Schedule) -> list[Link]:
    """From the first step to the one that ends last, each with what it waited for.

    A step that nothing keeps from being earlier (it is placed later for the sake of a limit) begins the path.
    """
    slots = planned.timeline.slots
    if not slots:
        return []
    stays: dict[tuple[str, str], tuple[float, float]] = {}
    for slot in slots:
        for station in slot.claims:
            low, high = stays.get((station, slot.run), (slot.start_s, slot.end_s))
            stays[station, slot.run] = min(low, slot.start_s), max(high, slot.end_s)
    path: list[Link] = []
    slot: Slot | None = max(slots, key=lambda item: item.end_s)
    while slot is not None:
        before, because = _before(slot, slots, stays, planned.plans)
        path.append(Link(slot, because))
        slot = before
    return path[::-1]


def _before(
    slot: Slot,
    slots: Sequence[Slot],
    stays: Mapping[tuple[str, str], tuple[float, float]],
    plans: Mapping[str, Plan],
) -> tuple[Slot | None, str]:
    """What ends just when a step begins: a step that it needs, else one on its device, else one at its station."""
    plan = plans[slot.run]
    needs = plan.step(slot.step).needs
    enters = {
        station
        for station in slot.claims
        if abs(stays[station, slot.run][0] - slot.start_s) < _EPSILON_S
    }
    best: tuple[int, Slot, str] | None = None
    for other in slots:
        if other is slot or abs(other.end_s - slot.start_s) > _EPSILON_S:
            continue
        if other.start_s >= slot.start_s:
            continue  # it takes no time
        left = next(
            (
                station
                for station in other.claims
                if station in enters
                and other.run != slot.run
                and abs(stays[station, other.run][1] - other.end_s) < _EPSILON_S
            ),
            None,
        )
        if other.run == slot.run and other.step in needs:
            rank, because = 0, f"needs {other.step}"
        elif other.device == slot.device:
            rank, because = 1, f"{slot.device} was busy"
        elif left is not None:
            rank, because = 2, f"{left} was taken"
        else:
            continue
        if best is None or rank < best[0]:
            best = rank, other, because
    if best is not None:
        return best[1], best[2]
    rested = _rested(slot, slots, plan)
    return rested if rested is not None else (None, "")


def _rested(slot: Slot, slots: Sequence[Slot], plan: Plan) -> tuple[Slot, str] | None:
    """The step after which it had to wait for a shortest time."""
    mine = {other.step: other for other in slots if other.run == slot.run}
    for window in plan.timing:
        if window.more_than_s is None or slot.step not in window.to_steps:
            continue
        times = Times(
            {step: other.start_s for step, other in mine.items()},
            {step: other.end_s for step, other in mine.items()},
        )
        taken = time_taken(window, times, plan)
        if taken is not None and taken[1] == slot.step and taken[0] != slot.step:
            first, _, took = taken
            if abs(took - window.more_than_s) < _EPSILON_S and mine[first].start_s < slot.start_s:
                return mine[first], f"{window.more_than_s:g} s after {first}"
    return None
