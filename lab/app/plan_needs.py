"""What a plan needs of people: their hours, and what would come due without being planned."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from lab.domain.errors import RefusedError
from lab.domain.run import OPERATOR
from lab.plan.upkeep import calibrations
from lab.sop.check_lab_people import attended_hours
from lab.sop.hours import away, longest_s

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from lab.domain.plan import Plan
    from lab.plan.snapshot import Schedule
    from lab.plan.translate import Service
    from lab.plan.upkeep import Calibration
    from lab.sop.hours import Hours
    from lab.sop.lab_model import Lab
    from lab.sop.procedure import Procedure

__all__ = ["Needs", "refuse_what_takes_too_long"]

_HORIZON_S = 60 * 86_400.0
"""Plans of a laboratory that people leave do not look further ahead."""


def refuse_what_takes_too_long(plans: Iterable[Plan], hours: Sequence[Hours]) -> None:
    """RefusedError for a manual step that is longer than anybody is there at a time."""
    longest = longest_s(hours)
    for plan in plans:
        for step in plan.steps:
            if step.device == OPERATOR and step.duration_s > longest:
                raise RefusedError(
                    f'the manual step "{step.path}" takes {step.duration_s:g} s, and nobody is there for longer '
                    f"than {longest:g} s at a time",
                    hint="shorten the step, or give longer hours under `attended` in the lab file",
                )


@dataclass(frozen=True)
class Needs:
    """Of one laboratory, for a plan that begins at `start` (local time)."""

    lab: Lab
    start: datetime

    @cached_property
    def hours(self) -> list[Hours]:
        return attended_hours(self.lab)

    def closed(self) -> dict[str, tuple[tuple[float, float], ...]]:
        """Seconds from the start between which nobody is there."""
        closed = away(self.hours, self.start, _HORIZON_S)
        return {OPERATOR: closed} if closed else {}

    def refuse_beyond_horizon(self, planned: Schedule, services: Sequence[Service]) -> None:
        """RefusedError where people would be needed when their hours are not known any more."""
        if not self.hours:
            return
        ends = [slot.end_s for slot in planned.timeline.slots if slot.device == OPERATOR]
        ends += [service.end_s for service in services]
        if max(ends, default=0.0) > _HORIZON_S:
            raise RefusedError(
                f"the plan would need people for longer than {_HORIZON_S / 86_400:g} days",
                hint="plan fewer samples, or let people be there for longer",
            )

    def calibrations(
        self, planned: Schedule, procedures: Mapping[str, Procedure]
    ) -> list[Calibration]:
        """Those that come due before the last use of their device, in the order of the devices' names."""
        last: dict[str, float] = {}
        for slot in planned.timeline.slots:
            last[slot.device] = max(slot.end_s, last.get(slot.device, 0.0))
        found: dict[str, Calibration] = {}
        for plan in planned.plans.values():
            for item in calibrations(plan, procedures[plan.sop_id], self.lab, self.start):
                sooner = found.get(item.device)
                if item.due_s < last.get(item.device, 0.0) and (
                    sooner is None or item.due_s < sooner.due_s
                ):
                    found[item.device] = item
        return [found[name] for name in sorted(found)]

    def notes(self, due: Sequence[Calibration], services: Sequence[Service]) -> list[str]:
        """What a reader of the plan must know beside it."""
        found: list[str] = []
        if self.hours:
            found.append(
                f"it begins on {self.start:%a %Y-%m-%d} at {self.start:%H:%M}; manual steps wait for people's hours"
            )
        if services:
            found.append("a running campaign asks people for what they do in between")
        for item in due:
            if item.takes_s is None:
                day = self.start + timedelta(seconds=item.due_s)
                found.append(
                    f"the calibration of {item.device} is too old from {day:%Y-%m-%d} on; with `calibration_takes` in "
                    "the lab file it would be planned"
                )
        return found
