"""What a planner is told, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lab.domain.event_plan import ServiceSlot
    from lab.domain.plan import Plan, Timeline
    from lab.plan.lags import BrokenWindow
    from lab.plan.services import ServicesNow

__all__ = ["PlanningSnapshot", "RunSnapshot", "RunningStep", "Schedule", "Scheduler"]


class RunningStep(NamedTuple):
    """A step that a device carries out now. Seconds from the timeline's origin."""

    start_s: float
    expected_end_s: float


@dataclass(frozen=True, slots=True)
class RunSnapshot:
    """One run. A run that has begun has exactly one plan."""

    run: str
    plans: tuple[Plan, ...]
    finished: Mapping[str, float] = field(default_factory=dict[str, float])
    """Step -> when it ended."""
    running: Mapping[str, tuple[float, float]] = field(default_factory=dict[str, RunningStep])
    """Step -> (start, expected end); an end that is past counts as now."""
    priority: int = 0
    """Greater is sooner."""

    @property
    def progress(self) -> int:
        """Steps begun."""
        return len(self.finished) + len(self.running)


@dataclass(frozen=True, slots=True)
class PlanningSnapshot:
    """All that the planner knows. Times are process seconds from the timeline's origin."""

    now_s: float
    runs: tuple[RunSnapshot, ...]
    device_free_s: Mapping[str, float] = field(default_factory=dict[str, float])
    """Device -> when it can be used again, `inf` for not at all; one that is not listed is free now."""
    stations_free_s: Mapping[str, float] = field(default_factory=dict[str, float])
    """Station -> when it can be entered again, for those held by runs that are not planned here."""
    closed_s: Mapping[str, tuple[tuple[float, float], ...]] = field(
        default_factory=dict[str, "tuple[tuple[float, float], ...]"]
    )
    """Device or person -> times, in order and apart, at which it does nothing: nights, breaks."""
    services: ServicesNow | None = None
    """What people are asked for in between, where the plan is for a running laboratory."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """A plan and a place in time for each run."""

    timeline: Timeline
    plans: Mapping[str, Plan]
    """Run -> the chosen plan (the first candidate for a run without a place)."""
    blocked: Mapping[str, str] = field(default_factory=dict[str, str])
    """Run -> why it has no place: a device out of use, a station that is never given back."""
    broken: tuple[BrokenWindow, ...] = ()
    """Limits on time that could not be kept."""
    services: tuple[ServiceSlot, ...] = ()
    """What people do in between, in order."""


class Scheduler(Protocol):
    """A planner. Pure: the same snapshot gives the same schedule."""

    def __call__(self, snapshot: PlanningSnapshot) -> Schedule: ...
