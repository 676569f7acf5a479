"""What the journal tells of the plans: each timeline, better ones that were not followed, and longest times in danger."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lab.domain import event as ev

if TYPE_CHECKING:
    from lab.domain.event_plan import PlanSource

__all__ = ["HoldFact", "PlanFact", "PlanFacts"]


@dataclass(frozen=True, slots=True)
class PlanFact:
    """A timeline that was followed, or a better one that was looked for and dropped. The gains are None where none
    was looked for; `holds_not_kept` is None where it was dropped."""

    campaign: str
    seq: int
    at_s: float
    followed: bool
    source: PlanSource
    reason: str
    gain_s: float | None = None
    makespan_gain_s: float | None = None
    holds_not_kept: int | None = None


@dataclass(frozen=True, slots=True)
class HoldFact:
    """What was told of a longest time, and when."""

    at_s: float
    event: ev.HoldJudged


@dataclass(slots=True)
class PlanFacts:
    """The history so far. `apply` takes records in order."""

    plans: list[PlanFact] = field(default_factory=list[PlanFact])
    holds: list[HoldFact] = field(default_factory=list[HoldFact])
    _adopted: dict[str, ev.PlanJudged] = field(default_factory=dict[str, ev.PlanJudged])
    """Campaign -> the verdict whose timeline is the next record."""

    def apply(self, record: ev.Recorded) -> None:
        """Take one more record."""
        at_s, event = record.at.timestamp(), record.event
        match event:
            case ev.HoldJudged():
                self.holds.append(HoldFact(at_s, event))
            case ev.PlanJudged(adopted=True):
                self._adopted[event.campaign] = event
            case ev.PlanJudged():
                self.plans.append(
                    PlanFact(
                        event.campaign,
                        record.seq,
                        at_s,
                        followed=False,
                        source=event.source,
                        reason=event.reason,
                        gain_s=event.gain_s,
                        makespan_gain_s=event.makespan_gain_s,
                    )
                )
            case ev.TimelinePlanned():
                judged = self._adopted.pop(event.campaign, None)
                self.plans.append(
                    PlanFact(
                        event.campaign,
                        record.seq,
                        at_s,
                        followed=True,
                        source=event.source,
                        reason=event.reason,
                        gain_s=None if judged is None else judged.gain_s,
                        makespan_gain_s=None if judged is None else judged.makespan_gain_s,
                        holds_not_kept=len(event.broken),
                    )
                )
            case _:
                pass
