"""Small SOPs written as Python data, for rules that look at procedures written out flat."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from lab.devices.capability import CAPABILITIES
from lab.sop.diagnostics import validate
from lab.sop.document import read_document
from lab.sop.model import Sop
from lab.sop.procedure import Box, full_box
from lab.sop.references import References
from lab.sop.unfold import Unfolded, unfold

__all__ = ["Small", "branch", "by_hand", "dose", "loop", "parallel", "small", "small_tree", "step"]

TIMES = {"duration": "10 s", "timeout": "1 min"}


def step(name: str, equipment: str, action: str, /, **more: Any) -> dict[str, Any]:
    """A step; `with_` holds its arguments."""
    arguments = more.pop("with_", {})
    return {
        "id": name, "title": name, "equipment": equipment, "action": action, "with": arguments,
        **TIMES, **more,
    }  # fmt: skip


def dose(name: str, pump: str, volume: str, /, **more: Any) -> dict[str, Any]:
    """A step of a pump."""
    return step(name, pump, "dispense", with_={"volume": volume}, **more)


def by_hand(name: str, container: str, /, **more: Any) -> dict[str, Any]:
    """A step that a person does at a container."""
    return {"id": name, "title": name, "manual": {"prompt": name}, "at": container, **TIMES, **more}


def loop(
    name: str, rounds: int, steps: list[Any], until: str = "", /, **more: Any
) -> dict[str, Any]:
    repeat: dict[str, Any] = {"max_iterations": rounds, "steps": steps}
    return {"id": name, "repeat": repeat | ({"until": until} if until else {}), **more}


def branch(name: str, then: list[Any], otherwise: list[Any], /, **more: Any) -> dict[str, Any]:
    block: dict[str, Any] = {"when": "${size > 1}", "then": then}
    return {"id": name, "branch": block | ({"else": otherwise} if otherwise else {}), **more}


def parallel(name: str, *lanes: list[Any], **more: Any) -> dict[str, Any]:
    return {"id": name, "parallel": list(lanes), **more}


def pump(source: str, target: str) -> dict[str, Any]:
    return {"capability": "liquid_dosing", "draws": source, "into": target}


@dataclass(frozen=True)
class Small:
    """A SOP, written out flat."""

    sop: Sop
    flat: Unfolded

    @property
    def references(self) -> References:
        return References(self.flat, CAPABILITIES)

    @property
    def box(self) -> Box:
        return full_box(self.sop)

    @property
    def arguments(self) -> tuple[Any, ...]:
        """Of the rules that take (flat, sop, capabilities, box, settings, references)."""
        return (self.flat, self.sop, CAPABILITIES, self.box, {}, self.references)


def small_tree(procedure: list[Any], /, **changes: Any) -> dict[str, Any]:
    """A SOP with pot and cell (20 mL each), water and acid, pumps `water_pot`, `acid_pot`, `water_cell`, `acid_cell`,
    `pot_cell`, `cell_pot`, `pot_waste`, `cell_waste`, a stirrer at the cell, and a parameter `size` (1 to 2)."""
    names = ("water_pot", "acid_pot", "water_cell", "acid_cell", "pot_cell", "cell_pot")
    data: dict[str, Any] = {
        "sop_format": 1, "id": "small", "title": "Small", "version": "1.0.0", "status": "draft",
        "authors": [{"name": "A. Weber"}],
        "parameters": {
            "size": {
                "unit": "dimensionless", "minimum": "1 dimensionless",
                "maximum": "2 dimensionless", "default": "1 dimensionless", "role": "factor",
            },
        },
        "materials": {
            "water": {"name": "Water", "role": "solvent"},
            "acid": {"name": "Acid", "role": "reagent"},
        },
        "containers": {"pot": {"capacity": "20 mL"}, "cell": {"capacity": "20 mL"}},
        "equipment": {
            **{name: pump(*name.split("_")) for name in (*names, "pot_waste", "cell_waste")},
            "stirrer": {"capability": "heating_stirring", "at": "cell"},
            "balance": {"capability": "weighing", "at": "pot"},
        },
        "safety": {"safe_state": [step("off", "stirrer", "stop")]},
        "procedure": procedure,
        "results": {"mass": {"from": "weigh.mass", "unit": "g"}},
    }  # fmt: skip
    for name, change in changes.items():
        both = isinstance(change, dict) and isinstance(data.get(name), dict)
        data[name] = {**data[name], **change} if both else change
    return data


def small(procedure: list[Any], /, **changes: Any) -> Small:
    """`small_tree`, written out flat."""
    data = small_tree(procedure, **changes)
    document = read_document(json.dumps(data, indent=1), "small.yaml")
    sop, findings = validate(Sop, document)
    assert sop is not None, [item.text() for item in findings]
    return Small(sop, unfold(sop, document, {}))
