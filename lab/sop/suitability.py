"""Whether a device of the lab is good enough for a role: range, resolution, age of its calibration."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from lab.domain.quantity import Quantity, QuantityError
from lab.domain.units import DIMENSIONLESS
from lab.sop.planned import difference_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lab.sop.lab_model import Device
    from lab.sop.model_materials import Equipment, Range

__all__ = ["Unsuitable", "unsuitable"]


@dataclass(frozen=True, slots=True)
class Unsuitable:
    """Why a device does not fit; `{device}` in the hint stands for its name."""

    place: tuple[str, ...]
    """Within the role."""
    message: str
    hint: str


def unsuitable(
    role: Equipment, device: Device, units: Mapping[str, str], today: date | None = None
) -> list[Unsuitable]:
    """What the role asks and the device does not offer. A device that says nothing does not fit where it is asked.

    The age of a calibration is looked at where `today` is given.
    """
    found: list[Unsuitable] = []
    for name, wanted in role.range.items():
        found += _out_of_range(name, wanted, device.range.get(name), units.get(name, ""))
    for name, wanted in role.resolution.items():
        there = device.resolution.get(name)
        place = ("resolution", name)
        if there is None:
            found.append(
                Unsuitable(
                    place,
                    f"its resolution of {name} is not known",
                    f"add `resolution: {{{{{name}: ...}}}}` to the device {{device}} in the lab file",
                )
            )
        elif _difference(there, wanted.unit) > _difference(wanted, wanted.unit) * (1 + 1e-9):
            found.append(
                Unsuitable(
                    place,
                    f"it resolves {there} of {name}, and {wanted} is asked",
                    "use a finer device than {device}",
                )
            )
    problem = _calibration(role, device, today)
    if problem:
        found.append(
            Unsuitable(
                ("calibration_max_age",),
                problem,
                'calibrate it and write `calibrated: "..."` of the device {device} in the lab file',
            )
        )
    return found


def _difference(quantity: Quantity, unit: str) -> float:
    try:
        return difference_in(quantity, unit)
    except QuantityError:
        return float("inf")


def _out_of_range(name: str, wanted: Range, there: Range | None, unit: str) -> Iterator[Unsuitable]:
    place = ("range", name)
    for key, asked, sign in (("minimum", wanted.minimum, -1.0), ("maximum", wanted.maximum, 1.0)):
        if asked is None:
            continue
        own = None if there is None else (there.minimum if sign < 0 else there.maximum)
        if own is None:
            yield Unsuitable(
                place,
                f"its {key} of {name} is not known, and {asked} is asked",
                f"add `range: {{{{{name}: {{{{{key}: ...}}}}}}}}` to the device {{device}} in the lab file",
            )
        elif not own.is_like(asked.unit):
            yield Unsuitable(
                place,
                f"its {key} of {name} is {own.words}, but {asked.words} is asked",
                f"correct `range` of the device {{device}}: give {name} in {unit or DIMENSIONLESS}",
            )
        elif sign * (asked.base - own.base) > 1e-9 * max(abs(asked.base), abs(own.base)):
            yield Unsuitable(
                place,
                f"{name} must reach {asked}, and it reaches {own}",
                "use another device than {device}, or ask for less",
            )


def _calibration(role: Equipment, device: Device, today: date | None) -> str:
    """Why its calibration does not serve the role; empty where it does, or where the day is not known."""
    if role.calibration_max_age is None or today is None:
        return ""
    if not device.calibrated:
        return "the day of its calibration is not known"
    try:
        done = date.fromisoformat(device.calibrated)
    except ValueError:
        return f'"{device.calibrated}" is not a day'
    age = (today - done).days
    if age < 0:
        return f"it was calibrated on {device.calibrated}, which is still to come"
    if age * 86_400.0 > role.calibration_max_age.base:
        return f"it was calibrated {age} days ago, and {role.calibration_max_age} is allowed"
    return ""
