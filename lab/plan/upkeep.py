"""What a person must do so that the laboratory can go on: refills, emptying, upkeep after so many actions, calibrations.

All of it follows from the lab file and the plans: how much a stock holds and each dose takes, how much goes into a
shared vessel, how often a device acts. A service gives back a fixed amount and comes when at least that much is gone;
so it is as much as is surely gone when the next step does not fit any more. There are as many of them as the work
can't do without. Volumes are whole nanolitres.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, tzinfo
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

__all__ = [
    "Calibration",
    "Need",
    "Supply",
    "calibration_due",
    "calibrations",
    "doses",
    "needs",
    "supplies",
    "uses",
]

_NL_PER_M3 = 1e12
_FUZZ = 1e-6


class Need(NamedTuple):
    """What a person gives back: a full stock, an empty vessel, a device that is looked after or calibrated."""

    name: str
    """`stock water`, `station waste`, `upkeep pump tips`, `calibration balance`."""
    task: str
    """What the person does, for people."""
    room: int
    """How much there is when nothing is taken: whole nanolitres, or actions; 0 for a calibration."""
    takes_s: float
    devices: tuple[str, ...]
    """What takes it. They stand still while somebody is at it."""


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
    used: dict[str, dict[tuple[str, str], int]] = {}
    for run, plan in plans.items():
        for step in route_of(plan).main:
            for key, amount in _used(step, lab, capabilities):
                taken = used.setdefault(key, {})
                taken[run, step.path] = taken.get((run, step.path), 0) + amount
    known = needs(lab)
    return [
        found for name, uses in used.items() if (found := _supply(known[name], uses)) is not None
    ]


def needs(lab: Lab) -> dict[str, Need]:
    """Name -> all that people can be asked for in a laboratory."""
    found: list[Need] = []
    for name, stock in lab.stock.items():
        if stock.refill is not None:
            draw = tuple(key for key, device in lab.devices.items() if name in device.draws)
            found.append(
                Need(
                    f"stock {name}",
                    f"refill {name}",
                    _room(stock.volume),
                    _seconds(stock.refill),
                    draw,
                )
            )
    for name, station in lab.stations.items():
        if station.emptying is not None and station.shared:
            fill = tuple(key for key, device in lab.devices.items() if device.into == name)
            found.append(
                Need(
                    f"station {name}",
                    f"empty {name}",
                    _room(station.capacity),
                    _seconds(station.emptying),
                    fill,
                )
            )
    for name, device in lab.devices.items():
        found += [
            Need(
                f"upkeep {name} {key}",
                f"{name}: {upkeep.task or key}",
                upkeep.after,
                _seconds(upkeep.takes),
                (name,),
            )
            for key, upkeep in device.upkeep.items()
        ]
        if device.calibration_takes is not None:
            takes_s = _seconds(device.calibration_takes)
            found.append(Need(f"calibration {name}", f"calibrate {name}", 0, takes_s, (name,)))
    return {need.name: need for need in found}


def _room(volume: Quantity) -> int:
    return math.floor(volume.base * _NL_PER_M3 + _FUZZ)


def _seconds(duration: Quantity) -> float:
    return duration.to("s").magnitude


def uses(step: PlannedStep, lab: Lab, capabilities: Mapping[str, CapabilitySpec]) -> dict[str, int]:
    """Name of a need -> how much of it a step takes at most."""
    found: dict[str, int] = {}
    for name, amount in _used(step, lab, capabilities):
        found[name] = found.get(name, 0) + amount
    return found


def _used(
    step: PlannedStep, lab: Lab, capabilities: Mapping[str, CapabilitySpec]
) -> Iterator[tuple[str, int]]:
    device = lab.devices.get(step.device)
    if device is None:
        return
    drawn = doses(step, lab, capabilities)
    for name, volume in drawn.items():
        if name in lab.stock and lab.stock[name].refill is not None:
            yield f"stock {name}", _nanolitres(volume)
    into = lab.stations.get(device.into)
    if into is not None and into.shared and into.emptying is not None and drawn:
        yield f"station {device.into}", sum(_nanolitres(volume) for volume in drawn.values())
    for name, upkeep in device.upkeep.items():
        if not upkeep.actions or step.action in upkeep.actions:
            yield f"upkeep {step.device} {name}", 1


def _nanolitres(volume: float) -> int:
    return math.ceil(volume * _NL_PER_M3 - _FUZZ)


def _supply(need: Need, used: Mapping[tuple[str, str], int]) -> Supply | None:
    most = max(used.values())
    over = sum(used.values()) - need.room
    if over <= 0:
        return None
    even = min(used.values()) == most
    back = need.room // most * most if even else need.room - most
    if back <= 0:
        raise RefusedError(
            f"one step takes all that {need.name.partition(' ')[2]} holds, and others take less: when it is due can't be "
            "planned",
            hint="provide more than one step takes",
        )
    return Supply(need.name, need.task, need.room, back, -(-over // back), need.takes_s, dict(used))


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
        due = calibration_due(date.fromisoformat(device.calibrated), age, start.tzinfo)
        yield Calibration(
            plan.bindings[role],
            f"calibrate {plan.bindings[role]}",
            max(0.0, (due - start).total_seconds()),
            None if takes is None else takes.to("s").magnitude,
        )


def calibration_due(day: date, age: Quantity, zone: tzinfo | None) -> datetime:
    """The moment from which a device that was calibrated on a day is no longer good enough for such an age."""
    last = day + timedelta(days=int(age.base // 86_400.0) + 1)
    return datetime.combine(last, time(), zone)
