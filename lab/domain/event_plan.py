"""The events of a new plan, and of one that was looked for."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from lab.domain.event_base import EventBase, is_empty
from lab.domain.plan import Slot

__all__ = [
    "BrokenLimit",
    "HoldJudged",
    "HopelessPolicy",
    "PlanJudged",
    "PlanSource",
    "ServiceSlot",
    "TimelinePlanned",
]

PlanSource = Literal["order", "insertion", "repair", "reservation", "search", "solver"]
"""The tier of the planner: the standing order with its times corrected, new runs placed around it, those that have begun placed anew, all placed anew,
found by search, found by the solver."""


HopelessPolicy = Literal["wait", "scrap", "ask"]
"""What follows where a longest time can't be kept any more: the sample goes on, is given up, or a person decides."""


class BrokenLimit(EventBase):
    """A limit on time that a plan doesn't keep, and by how many seconds."""

    run: str
    window: str
    by_s: float
    first: str = ""
    second: str = ""
    """The steps between which it holds."""


class ServiceSlot(EventBase):
    """When a person is to do something so that the laboratory can go on; process seconds from the timeline's origin."""

    service: str
    """Kind and name, as `stock water`: see `lab.plan.upkeep`."""
    task: str
    devices: tuple[str, ...]
    """They stand still meanwhile."""
    start_s: float
    end_s: float
    run: str
    step: str
    """What can't begin before it is done."""


class TimelinePlanned(EventBase):
    """A new plan for all open runs of a campaign. Slots count process seconds from `origin`.

    Where it is not `whole` it is what it changes of the campaign's plan before it; see `lab.domain.plan_changes`.
    """

    kind: Literal["timeline_planned"] = "timeline_planned"
    campaign: str
    origin: datetime
    reason: str
    slots: tuple[Slot, ...]
    """All of them; else those of steps that are new, or have another device or station."""
    partial: bool = False
    """Whether runs are left that get a place next: many at once are placed in parts, so that nothing waits for the plan."""
    whole: bool = True
    gone: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Run -> steps of the plan before that are over; none: all of them."""
    moved: dict[str, tuple[tuple[int, float, float], ...]] = Field(default_factory=dict)
    """Run -> so many of its other steps, in the order of the plan before, begin and end so many seconds later."""
    choices: dict[str, int] = Field(default_factory=dict)
    """Run -> index of the binding that was chosen for it; final only when the run starts. Those that have changed, where
    the plan is not whole."""
    source: PlanSource = "reservation"
    broken: tuple[BrokenLimit, ...] = ()
    """What no plan that was found keeps."""
    services: tuple[ServiceSlot, ...] = Field(default=(), exclude_if=is_empty)
    """All that people are to do in between, in the order of time."""


class PlanJudged(EventBase):
    """What became of a better timeline that was looked for while the engine went on."""

    kind: Literal["plan_judged"] = "plan_judged"
    campaign: str
    plan: int
    """Record of the timeline that it was to be better than."""
    source: PlanSource
    adopted: bool
    reason: str = ""
    """Why it is dropped."""
    gain_s: float = 0.0
    """Seconds that the samples end earlier by, by their weight and summed; against the standing order at that moment."""
    makespan_gain_s: float = 0.0


class HoldJudged(EventBase):
    """A longest time of a sample is in danger, can't be kept any more, or is safe again; told before it is broken."""

    kind: Literal["hold_judged"] = "hold_judged"
    campaign: str
    run: str
    window: str
    first: str
    second: str
    """The steps between which it holds."""
    state: Literal["endangered", "hopeless", "excused", "safe"]
    """endangered: the plan doesn't keep it, or a device that it takes is away; hopeless: nothing can keep it;
    excused: a person lets the sample go on all the same."""
    by_s: float
    """Seconds that are too few; 0 where that depends on when a device comes back."""
    reason: str
    away: tuple[str, ...] = ()
    """Devices that it takes and that are out of use."""
    until: datetime | None = None
    """When the second step is due at the latest, where the time has begun."""
