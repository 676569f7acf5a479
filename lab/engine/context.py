"""What the core asks about the campaign's files: its plans, and the formulas in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pydantic import JsonValue

    from lab.domain import event as ev
    from lab.domain.interlock import Interlock
    from lab.domain.plan import Check, Formula, LateArgument, Plan, Slot
    from lab.domain.state import CampaignState, LabState
    from lab.engine.messages import PlanFound
    from lab.plan.improvement import PlanJob
    from lab.plan.services import ServiceRules

__all__ = ["CampaignContext", "Outputs", "PlannedTimeline", "QualityOutcome", "WeighedPlan"]

Outputs: TypeAlias = "Mapping[str, Mapping[str, JsonValue]]"
"""Step -> its outputs, for all steps that succeeded."""


@dataclass(frozen=True, slots=True)
class PlannedTimeline:
    """A planner's answer: slots from the campaign's origin, and which candidate plan each run got."""

    slots: tuple[Slot, ...]
    choices: Mapping[str, int]
    source: ev.PlanSource = "reservation"
    broken: tuple[ev.BrokenLimit, ...] = ()
    """Limits on time that it does not keep."""
    partial: bool = False
    """Whether runs are left that have no place yet; they get one next."""
    services: tuple[ev.ServiceSlot, ...] = ()
    """What people are to do in between."""


@dataclass(frozen=True, slots=True)
class WeighedPlan:
    """A timeline that was looked for, or why it is dropped."""

    timeline: PlannedTimeline | None
    reason: str = ""
    gain_s: float = 0.0
    makespan_gain_s: float = 0.0


class QualityOutcome(Protocol):
    """A judged standard, blank or set of replicates of the plan, by its name there."""

    @property
    def name(self) -> str: ...

    @property
    def value(self) -> float | None: ...

    @property
    def unit(self) -> str: ...

    @property
    def expected(self) -> float | None: ...

    @property
    def accepted(self) -> bool: ...

    @property
    def detail(self) -> str: ...


class CampaignContext(Protocol):
    """What the core needs of the campaign's files; every answer is a pure function of its arguments."""

    @property
    def interlocks(self) -> Sequence[Interlock]:
        """What must be true of live signals before devices may act."""
        ...

    @property
    def services(self) -> ServiceRules | None:
        """What people do for the laboratory, and when they are there; None where nobody need be asked."""
        ...

    def candidates(self, trial: int, settings: Mapping[str, ev.SettingValue]) -> tuple[Plan, ...]:
        """The plans that bind a trial with these settings to the lab, one for each lawful choice of devices."""
        ...

    def timeline(self, state: LabState, campaign: CampaignState, now_s: float) -> PlannedTimeline:
        """A plan for all open trials."""
        ...

    def improvable(self, state: LabState, campaign: CampaignState, now_s: float) -> PlanJob | None:
        """The timeline of this moment as a task for a search; None where there is nothing to choose."""
        ...

    def weighed(
        self, state: LabState, campaign: CampaignState, now_s: float, found: PlanFound
    ) -> WeighedPlan:
        """What came of that search, beside the standing order of now."""
        ...

    def condition(self, plan: Plan, formula: Formula, outputs: Outputs) -> bool | None:
        """The answer of a decision; None where an output that it needs is missing."""
        ...

    def argument(self, plan: Plan, late: LateArgument, outputs: Outputs) -> float | int:
        """A late argument's number. ValueError with the reason where it is missing or beyond its limits."""
        ...

    def check(self, plan: Plan, check: Check, step: str, outputs: Outputs) -> bool:
        """Does a step's condition hold? The step's own outputs are among `outputs`."""
        ...

    def results(self, plan: Plan, outputs: Outputs) -> Mapping[str, ev.Value]:
        """The results of a finished run; one that can't be computed is left out."""
        ...

    def quality(self, plan: Plan, outputs: Outputs) -> Sequence[QualityOutcome]:
        """How the standards, blanks and replicates of a finished run came out."""
        ...
