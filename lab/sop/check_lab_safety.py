"""What a lab file says about safety, held against what the drivers say that their devices can do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lab.domain.diagnostic import Diagnostic
    from lab.sop.document import Document
    from lab.sop.lab_model import Lab

__all__ = ["DriverTraits", "check_lab_safety"]

_SHORTEST_S = 1.0
_LONGEST_S = 3600.0
"""Real seconds. Below, a busy moment of the engine would count as its death; above, nobody would call it a guard."""


@dataclass(frozen=True, slots=True)
class DriverTraits:
    """What a manifest says beside its capabilities."""

    safe_action: bool = True
    """Is there anything to do to make the device safe?"""


def check_lab_safety(
    lab: Lab, document: Document, traits: Mapping[str, DriverTraits]
) -> Iterator[Diagnostic]:
    """Findings about dead-man times. `traits` by driver; a driver that is not among them is not judged."""
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
