"""What people do for a running laboratory, as its planner and its gate ask about it: what a lab file says, what is left,
when somebody is there. Pure; moments are seconds since the Unix epoch, plans count from their origin.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, NamedTuple

from lab.plan.upkeep import calibration_due, needs, uses
from lab.sop.hours import away

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import tzinfo

    from pydantic import JsonValue

    from lab.domain.action import CapabilitySpec
    from lab.domain.plan import Plan, PlannedStep
    from lab.domain.quantity import Quantity
    from lab.plan.upkeep import Need
    from lab.sop.hours import Hours
    from lab.sop.lab_model import Lab

__all__ = ["Point", "ServiceRules", "ServicesNow", "Sweep", "after_breaks"]

_HORIZON_S = 60 * 86_400.0
"""So far ahead people's hours are known; a plan that reaches further is made anew long before."""

_KEPT = 50_000
"""Steps whose uses are remembered."""

Span = tuple[float, float]


class ServiceRules:
    """What a lab file says of services and of people's hours; `ages`: role -> how old the calibration of its device may be.

    Remembers what it has worked out; its answers depend on their arguments alone.
    """

    def __init__(
        self,
        lab: Lab,
        capabilities: Mapping[str, CapabilitySpec],
        hours: Sequence[Hours] = (),
        ages: Mapping[str, Quantity] | None = None,
        zone: tzinfo = UTC,
    ) -> None:
        self._lab = lab
        self._capabilities = capabilities
        self._hours = hours
        self._ages = ages or {}
        self._zone = zone
        self.needs: Mapping[str, Need] = needs(lab)
        self._uses: dict[int, tuple[PlannedStep, Mapping[str, int]]] = {}
        self._closed: tuple[float, float, tuple[Span, ...]] = (0.0, 0.0, ())

    @property
    def any(self) -> bool:
        """Whether there is anything to ask people for."""
        return bool(self.needs)

    def uses(
        self, step: PlannedStep, args: Mapping[str, JsonValue] | None = None
    ) -> Mapping[str, int]:
        """Need -> how much a step takes of it: at most, or with arguments that are all known exactly."""
        if args is not None:
            known = step.model_copy(update={"args": dict(args), "late_args": {}})
            return uses(known, self._lab, self._capabilities)
        found = self._uses.get(id(step))
        if found is None:
            if len(self._uses) >= _KEPT:
                self._uses.clear()
            # the step is kept with it, so that its id stays its own
            found = step, uses(step, self._lab, self._capabilities)
            self._uses[id(step)] = found
        return found[1]

    def calibration(
        self, plan: Plan, device: str, done_s: float | None
    ) -> tuple[Need, float] | None:
        """What renews a device's calibration, and from when on it is too old for what a plan uses the device for.

        None where that plays no part or nobody is to be asked. `done_s`: when a person did it last, if that is known.
        """
        need = self.needs.get(f"calibration {device}")
        if need is None:
            return None
        told = self._lab.devices[device].calibrated
        days = [date.fromisoformat(told)] if told else []
        if done_s is not None:
            days.append(datetime.fromtimestamp(done_s, self._zone).date())
        ages = [age for role, age in self._ages.items() if plan.bindings.get(role) == device]
        if not days or not ages:
            return None
        least = min(ages, key=lambda age: age.base)
        return need, calibration_due(max(days), least, self._zone).timestamp()

    # -- people's hours ------------------------------------------------------------------------------

    def closed(self, now_s: float) -> tuple[Span, ...]:
        """From about now on, when nobody is there."""
        if not self._hours:
            return ()
        since, until, spans = self._closed
        if not since <= now_s < until:
            day = datetime.fromtimestamp(now_s, self._zone).date()
            monday = datetime.combine(day - timedelta(days=day.weekday()), time(), self._zone)
            since = monday.timestamp()
            spans = tuple(
                (since + start, since + end) for start, end in away(self._hours, monday, _HORIZON_S)
            )
            self._closed = since, (monday + timedelta(days=7)).timestamp(), spans
        return spans

    def there_from(self, now_s: float, takes_s: float) -> float:
        """The first moment from now on at which somebody is there for so long."""
        return after_breaks(self.closed(now_s), now_s, takes_s)


def after_breaks(closed: Sequence[Span], start: float, length: float) -> float:
    """The first moment from `start` on with `length` between two breaks, which are in order and apart."""
    for begin, end in closed:
        if begin >= start + length:
            break
        if end > start:
            start = end
    return start


@dataclass(frozen=True, slots=True)
class ServicesNow:
    """What is true of services at the moment of a plan; times from the plan's origin."""

    rules: ServiceRules
    origin_s: float
    taken: Mapping[str, int] = field(default_factory=dict[str, int])
    """Need -> what was taken since it was done last; of one that is asked for, since then."""
    asked: Mapping[str, Span] = field(default_factory=dict[str, Span])
    """Needs that people are asked for -> since when, and when they will be done."""
    not_before_s: Mapping[str, float] = field(default_factory=dict[str, float])
    done_s: Mapping[str, float] = field(default_factory=dict[str, float])
    """When it was done last, where that is recorded; since the Unix epoch."""

    @property
    def idle(self) -> bool:
        """Whether no plan can need any of it."""
        return not self.rules.any

    def due_s(self, plan: Plan, device: str) -> tuple[Need, float] | None:
        """What renews a device's calibration and when it is due."""
        name = f"calibration {device}"
        if name not in self.rules.needs or name in self.asked:
            return None
        found = self.rules.calibration(plan, device, self.done_s.get(name))
        return None if found is None else (found[0], found[1] - self.origin_s)


class Point(NamedTuple):
    """Before a step of a run something is to be done."""

    need: str
    run: str
    step: str


class Sweep:
    """Goes through steps in their order, and tells before which of them somebody is needed.

    `early` are points at which it is done although the next step would still do: before people leave.
    """

    def __init__(self, now: ServicesNow, early: frozenset[Point] = frozenset()) -> None:
        self._now = now
        self._early = early
        self._taken = dict(now.taken)

    def before(self, run: str, step: PlannedStep) -> Iterator[Need]:
        """What must be done before this step, which is the next one."""
        for name, amount in self._now.rules.uses(step).items():
            need = self._now.rules.needs[name]
            taken = self._taken.get(name, 0)
            early = Point(name, run, step.path) in self._early
            if taken > 0 and (early or taken + amount > need.room):
                taken = 0
                yield need
            self._taken[name] = taken + amount
        name = f"calibration {step.device}"
        if Point(name, run, step.path) in self._early:
            yield self._now.rules.needs[name]
