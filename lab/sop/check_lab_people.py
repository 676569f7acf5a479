"""What a lab file says about the people who refill, empty, calibrate and look after it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from lab.domain.errors import InputError
from lab.sop.diagnostics import did_you_mean
from lab.sop.hours import longest_s, read_hours

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lab.domain.diagnostic import Diagnostic
    from lab.domain.quantity import Quantity
    from lab.sop.check_lab_safety import DriverTraits
    from lab.sop.document import Document, Path
    from lab.sop.hours import Hours
    from lab.sop.lab_model import Lab

__all__ = ["attended_hours", "check_lab_people"]


def attended_hours(lab: Lab) -> list[Hours]:
    """When somebody is there; empty where that is always so. InputError for an entry that means nothing."""
    return [hours for entry in lab.attended for hours in read_hours(entry)]


def check_lab_people(
    lab: Lab, document: Document, traits: Mapping[str, DriverTraits]
) -> Iterator[Diagnostic]:
    """Findings about hours that do not exist and about services that nobody could do in them."""
    hours: list[Hours] = []
    for number, entry in enumerate(lab.attended):
        try:
            hours += read_hours(entry)
        except InputError as error:
            yield document.finding(
                ("attended", number), "range", error.message, hint=error.hint,
                why="a plan would not know when somebody is there",
            )  # fmt: skip
    for name, station in lab.stations.items():
        if station.emptying is not None and not station.shared:
            yield document.finding(
                ("stations", name, "emptying"), "shape", f"{name} is not shared", at_key=True,
                why="a vessel that a sample has to itself is emptied by its procedure",
                hint="leave `emptying` out, or say `shared: true`",
            )  # fmt: skip
    longest = longest_s(hours)
    for path, takes in _services(lab):
        seconds = takes.to("s").magnitude
        if not 0.0 < seconds < math.inf:
            yield document.finding(
                path, "range", f"a service can't take {takes}", hint="give e.g. 3 min"
            )
        elif seconds > longest:
            yield document.finding(
                path, "range", f"it takes {takes}, longer than anybody is there at a time",
                why="no plan could have it done", hint="give longer hours under `attended`",
            )  # fmt: skip
    yield from _unknown_actions(lab, document, traits)


def _services(lab: Lab) -> Iterator[tuple[Path, Quantity]]:
    for name, station in lab.stations.items():
        if station.emptying is not None:
            yield ("stations", name, "emptying"), station.emptying
    for name, stock in lab.stock.items():
        if stock.refill is not None:
            yield ("stock", name, "refill"), stock.refill
    for name, device in lab.devices.items():
        if device.calibration_takes is not None:
            yield ("devices", name, "calibration_takes"), device.calibration_takes
        for key, upkeep in device.upkeep.items():
            yield ("devices", name, "upkeep", key, "takes"), upkeep.takes


def _unknown_actions(
    lab: Lab, document: Document, traits: Mapping[str, DriverTraits]
) -> Iterator[Diagnostic]:
    for name, device in lab.devices.items():
        known = traits.get(device.driver)
        if known is None:
            continue
        for key, upkeep in device.upkeep.items():
            for number, action in enumerate(upkeep.actions):
                if action not in known.actions:
                    yield document.finding(
                        ("devices", name, "upkeep", key, "actions", number), "reference",
                        f'{device.driver} has no action "{action}"',
                        why="it would never be counted", hint=did_you_mean(action, known.actions),
                    )  # fmt: skip
