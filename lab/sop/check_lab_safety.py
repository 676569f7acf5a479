"""What a lab file says about safety, held against what the drivers say that their devices can do."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lab.sop.diagnostics import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lab.domain.action import Limits
    from lab.domain.diagnostic import Diagnostic
    from lab.sop.document import Document, Path
    from lab.sop.lab_model import Lab, LabInterlock

__all__ = ["DriverTraits", "check_lab_safety"]

_SHORTEST_S = 1.0
_LONGEST_S = 3600.0
"""Real seconds. Below, a busy moment of the engine would count as its death; above, nobody would call it a guard."""


@dataclass(frozen=True, slots=True)
class DriverTraits:
    """What a manifest says beside its capabilities."""

    safe_action: bool = True
    """Is there anything to do to make the device safe?"""
    telemetry: Mapping[str, str] = field(default_factory=dict[str, str])
    """Channel -> unit."""
    actions: frozenset[str] = frozenset()
    limits: Limits | None = None
    """What a device can be asked for with its settings."""


def check_lab_safety(
    lab: Lab, document: Document, traits: Mapping[str, DriverTraits]
) -> Iterator[Diagnostic]:
    """Findings about dead-man times and interlocks. `traits` by driver; a driver that is not among them is not judged."""
    yield from _dead_man_times(lab, document, traits)
    for name, entry in lab.interlocks.items():
        yield from _interlock(name, entry, lab, document, traits)


def _dead_man_times(
    lab: Lab, document: Document, traits: Mapping[str, DriverTraits]
) -> Iterator[Diagnostic]:
    for name, device in lab.devices.items():
        limit = device.dead_man
        if limit is None:
            continue
        path = ("devices", name, "dead_man")
        known = traits.get(device.driver)
        seconds = limit.to("s").magnitude
        if known is not None and not known.safe_action:
            yield document.finding(
                path, "dead_man", f"{name} has no safe state to go to",
                why=f"{device.driver} only measures, so nothing happens when its host hears no more of the engine",
                hint="leave `dead_man` out", at_key=True,
            )  # fmt: skip
        elif seconds != 0 and not _SHORTEST_S <= seconds <= _LONGEST_S:
            yield document.finding(
                path, "range", f"a dead-man time of {limit} is not between 1 s and 1 h",
                why="a shorter one would take a busy moment of the engine for its death, a longer one guards nothing",
                hint="give e.g. 10 s; 0 s switches it off",
            )  # fmt: skip


def _interlock(
    name: str, entry: LabInterlock, lab: Lab, document: Document, traits: Mapping[str, DriverTraits]
) -> Iterator[Diagnostic]:
    """An interlock about nothing would guard nothing, and one that can't hold would stop the laboratory."""
    path = ("interlocks", name)
    if not _SHORTEST_S <= entry.max_age.to("s").magnitude <= _LONGEST_S:
        yield document.finding(
            (*path, "max_age"), "range", f"an age of {entry.max_age} is not between 1 s and 1 h",
            why="younger, it would open between two values; older, it would let devices act on what is long past",
            hint="give about three times the pause between two values, e.g. 15 s",
        )  # fmt: skip
    low, high = entry.minimum, entry.maximum
    if low is None and high is None:
        yield document.finding(
            path, "shape", f"the interlock {name} has no limit", at_key=True,
            why="every value would fulfil it", hint="give `minimum`, `maximum` or both",
        )  # fmt: skip
    for number, device in enumerate(entry.blocks):
        if device not in lab.devices:
            yield document.finding(
                (*path, "blocks", number), "reference", f'there is no device "{device}"',
                why="nothing would be blocked", hint=did_you_mean(device, lab.devices),
            )  # fmt: skip
    yield from _actions(path, entry, lab, document, traits)
    if entry.device not in lab.devices:
        yield document.finding(
            (*path, "device"), "reference", f'there is no device "{entry.device}"',
            hint=did_you_mean(entry.device, lab.devices),
        )  # fmt: skip
        return
    driver = lab.devices[entry.device].driver
    known = traits.get(driver)
    if known is None:
        return
    unit = known.telemetry.get(entry.signal)
    if unit is None:
        yield document.finding(
            (*path, "signal"), "reference", f'{driver} tells no live signal "{entry.signal}"',
            hint=did_you_mean(entry.signal, known.telemetry)
            if known.telemetry
            else "it tells none at all; take a device that does",
        )  # fmt: skip
        return
    wrong = False
    for key, limit in (("minimum", low), ("maximum", high)):
        if limit is not None and not limit.is_like(unit):
            wrong = True
            yield document.finding(
                (*path, key), "dimension",
                f'{limit} is {limit.words}, but "{entry.signal}" is given in {unit}',
                hint=f"give it in {unit}",
            )  # fmt: skip
    if not wrong and low is not None and high is not None and low.base > high.base:
        yield document.finding(
            (*path, "maximum"), "range", f"the maximum {high} is below the minimum {low}",
            why="no value could fulfil it", hint="swap them",
        )  # fmt: skip


def _actions(
    path: Path,
    entry: LabInterlock,
    lab: Lab,
    document: Document,
    traits: Mapping[str, DriverTraits],
) -> Iterator[Diagnostic]:
    drivers = [lab.devices[device].driver for device in entry.blocks if device in lab.devices]
    able = {action for driver in drivers if driver in traits for action in traits[driver].actions}
    for number, action in enumerate(entry.actions):
        if able and action not in able:
            yield document.finding(
                (*path, "actions", number), "reference",
                f'none of the blocked devices has an action "{action}"',
                why="nothing would be blocked", hint=did_you_mean(action, able),
            )  # fmt: skip
