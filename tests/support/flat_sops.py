"""Small SOPs as texts, read and written out flat without the rules of the checker."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.devices.capability import CAPABILITIES
from lab.plan.expand import expand
from lab.sop.diagnostics import validate
from lab.sop.document import read_document
from lab.sop.lab_model import Lab
from lab.sop.model import Sop
from lab.sop.procedure import Procedure, sop_sha256
from lab.sop.unfold import unfold

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lab.plan.expand import Expanded

HEAD = """
sop_format: 1
id: small
title: A small procedure
version: "1.0.0"
status: draft
authors: [{name: Tester}]
"""
RESULTS = """
results:
  mass: {from: weigh.mass, unit: g}
"""


def weigh(name: str = "weigh", extra: str = "") -> str:
    """A step on one line, for lists in flow style."""
    return (
        f"{{id: {name}, title: Weigh, equipment: balance, action: weigh, "
        f"duration: 8 s, timeout: 60 s{', ' + extra if extra else ''}}}"
    )


def dose(name: str = "dose", volume: str = "1 mL", extra: str = "") -> str:
    return (
        f"{{id: {name}, title: Dose, equipment: pump, action: dispense, "
        f'with: {{volume: "{volume}", rate: 20 mL/min}}, duration: 10 s, timeout: 60 s'
        f"{', ' + extra if extra else ''}}}"
    )


EQUIPMENT = """
materials:
  water:
    name: Water
    role: solvent
    density: 1.0 g/mL
    density_uncertainty: 0.01 g/mL
containers:
  pot: {capacity: 100 mL}
equipment:
  balance: {capability: weighing, at: pot}
  pump: {capability: liquid_dosing, draws: water, into: pot}
"""


def read(text: str, library: Mapping[str, Procedure] | None = None) -> Procedure:
    """A procedure from a text that lacks the head."""
    document = read_document(text if "sop_format" in text else HEAD + text, "sop.yaml")
    sop, findings = validate(Sop, document)
    assert sop is not None, "\n".join(item.text() for item in findings)
    called = dict(library or {})
    flat = unfold(sop, document, {key: (p.sop, p.document) for key, p in called.items()})
    return Procedure(sop, sop_sha256(sop), document, flat, called)


def small(
    procedure: str, rest: str = RESULTS, library: Mapping[str, Procedure] | None = None
) -> Procedure:
    """A SOP with a balance and a pump; `procedure` is the YAML below that key."""
    return read(EQUIPMENT + "\nprocedure:\n" + procedure + "\n" + rest, library)


def expanded(procedure: Procedure, **fixed: object) -> Expanded:
    return expand(procedure, {}, fixed, CAPABILITIES)  # pyright: ignore[reportArgumentType]


def lab_of(text: str) -> Lab:
    document = read_document(text, "lab.yaml")
    found, findings = validate(Lab, document)
    assert found is not None, "\n".join(item.text() for item in findings)
    return found


LAB = """
lab_format: 1
id: small
title: A small lab
stations:
  pot: {capacity: 200 mL}
stock:
  water: {volume: 1 L, lot: W-1}
devices:
  scale: {driver: mettler_toledo_sics, url: "sim:", at: pot}
  pump: {driver: new_era_ne1000, url: "sim:", draws: water, into: pot}
"""
