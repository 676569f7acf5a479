"""What a person must do so that the laboratory can go on: refills, emptying, upkeep after so many actions, calibrations.

All of it follows from the lab file and the plans: how much a stock holds and each dose takes, how much goes into a
shared vessel, how often a device acts. A service gives back a fixed amount and comes when at least that much is gone;
so it is as much as is surely gone when the next step does not fit any more. There are as many of them as the work
can't do without. Volumes are whole nanolitres.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, NamedTuple

from lab.domain.errors import RefusedError
from lab.domain.quantity import Quantity
from lab.plan.board import route_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lab.domain.action import CapabilitySpec
    from lab.domain.plan import Plan, PlannedStep
    from lab.sop.lab_model import Lab
    from lab.sop.procedure import Procedure

__all__ = ["Calibration", "Supply", "calibrations", "doses", "supplies"]

_NL_PER_M3 = 1e12
_FUZZ = 1e-6


@dataclass(frozen=True, slots=True)
class Supply:
    """Something that steps use up and a service gives back."""

    name: str
    task: str
    """What the person does, for people."""
    room: int
    """How much there is at first."""
    back: int
    """How much each service gives back."""
    services: int
    takes_s: float
    uses: Mapping[tuple[str, str], int] = field(default_factory=dict[tuple[str, str], int])
    """Run and step -> how much it takes."""


class Calibration(NamedTuple):
    """A device that may not measure any more from a moment on, until somebody has calibrated it."""

    device: str
    task: str
    due_s: float
    takes_s: float | None
    """None where the lab file does not say."""


def doses(
    step: PlannedStep, lab: Lab, capabilities: Mapping[str, CapabilitySpec]
) -> dict[str, float]:
    """Stock or station -> cubic metres that a step draws from it; where only the run tells, its greatest value."""
    spec = capabilities.get(step.capability)
    if spec is None or step.device not in lab.devices:
        return {}
    action = spec.actions[step.action]
    if not action.doses:
        return {}
    amount = step.args.get(action.doses)
    draws = lab.devices[step.device].draws
    cubic_metres = Quantity(1.0, action.args[action.doses].unit).base
    given = dict(amount) if isinstance(amount, dict) else {}
    if isinstance(amount, int | float) and draws:
        given[draws[0]] = amount
    for late in step.late_args.values():
        source = late.key or (draws[0] if draws else "")
        if late.unit == action.args[action.doses].unit and late.maximum is not None and source:
            given[source] = late.maximum
    return {
        name: volume * cubic_metres
        for name, volume in given.items()
        if isinstance(volume, int | float) and volume > 0.0
    }


def supplies(
    plans: Mapping[str, Plan], lab: Lab, capabilities: Mapping[str, CapabilitySpec]
) -> list[Supply]:
    """Of all runs together, those that need at least one service. `plans`: run -> its plan.

    RefusedError where one step takes all that there is and others take less, so that nothing but a full one helps.
    """
    used: dict[tuple[str, str], dict[tuple[str, str], int]] = {}
    for run, plan in plans.items():
        for step in route_of(plan).main:
            for key, amount in _used(step, lab, capabilities):
                uses = used.setdefault(key, {})
                uses[run, step.path] = uses.get((run, step.path), 0) + amount
    return [
        found
        for (kind, name), uses in used.items()
        if (found := _supply(kind, name, uses, lab)) is not None
    ]


def _used(
    step: PlannedStep, lab: Lab, capabilities: Mapping[str, CapabilitySpec]
) -> Iterator[tuple[tuple[str, str], int]]:
    device = lab.devices.get(step.device)
    if device is None:
        return
    drawn = doses(step, lab, capabilities)
    for name, volume in drawn.items():
        if name in lab.stock and lab.stock[name].refill is not None:
            yield ("stock", name), _nanolitres(volume)
    into = lab.stations.get(device.into)
    if into is not None and into.shared and into.emptying is not None and drawn:
        yield ("station", device.into), sum(_nanolitres(volume) for volume in drawn.values())
    for name, upkeep in device.upkeep.items():
        if not upkeep.actions or step.action in upkeep.actions:
            yield (step.device, name), 1


def _nanolitres(volume: float) -> int:
    return math.ceil(volume * _NL_PER_M3 - _FUZZ)


def _supply(kind: str, name: str, uses: Mapping[tuple[str, str], int], lab: Lab) -> Supply | None:
    if kind == "stock":
        stock = lab.stock[name]
        room, takes, task = stock.volume.base * _NL_PER_M3, stock.refill, f"refill {name}"
    elif kind == "station":
        station = lab.stations[name]
        room, takes, task = station.capacity.base * _NL_PER_M3, station.emptying, f"empty {name}"
    else:
        upkeep = lab.devices[kind].upkeep[name]
        room, takes, task = upkeep.after, upkeep.takes, f"{kind}: {upkeep.task or name}"
    room = math.floor(room + _FUZZ)
    most = max(uses.values())
    over = sum(uses.values()) - room
    if takes is None or over <= 0:
        return None
    even = min(uses.values()) == most
    back = room // most * most if even else room - most
    if back <= 0:
        raise RefusedError(
            f"one step takes all that {name} holds, and others take less: when it is due can't be planned",
            hint="provide more than one step takes",
        )
    return Supply(
        f"{kind} {name}", task, room, back, -(-over // back), takes.to("s").magnitude, dict(uses)
    )


def calibrations(
    plan: Plan, procedure: Procedure, lab: Lab, start: datetime
) -> Iterator[Calibration]:
    """Of the devices that a plan binds, those whose calibration will be too old some day, and when, from `start`.

    A device that is too old already is due at once. Nothing is said of one whose day of calibration is not known.
    """
    for role, equipment in procedure.sop.equipment.items():
        device = lab.devices.get(plan.bindings.get(role, ""))
        age = equipment.calibration_max_age
        if device is None or age is None or not device.calibrated:
            continue
        takes = device.calibration_takes
        days = int(age.base // 86_400.0) + 1
        day = date.fromisoformat(device.calibrated) + timedelta(days=days)
        due = datetime.combine(day, time(), start.tzinfo)
        yield Calibration(
            plan.bindings[role],
            f"calibrate {plan.bindings[role]}",
            max(0.0, (due - start).total_seconds()),
            None if takes is None else takes.to("s").magnitude,
        )
