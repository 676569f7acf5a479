"""The example files as texts, and ways to damage them."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from lab.devices.capability import CAPABILITIES
from lab.sop.check import check_lab, check_sop
from tests.support.drivers import DRIVERS

if TYPE_CHECKING:
    from lab.domain.diagnostic import Diagnostic
    from lab.domain.plan import Plan
    from lab.sop.lab_model import Lab
    from lab.sop.procedure import Procedure

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "sops" / "electrolyte_conductivity"


@cache
def example(name: str) -> str:
    """`sop`, `lab` or `campaign` of the electrolyte example."""
    return (EXAMPLE / f"{name}.yaml").read_text(encoding="utf-8")


def changed(name: str, *changes: tuple[str, str]) -> str:
    """The example with the first occurrence of each text replaced; a text that is not there is a mistake."""
    text = example(name)
    for old, new in changes:
        assert old in text, f"the example has no {old!r}"
        text = text.replace(old, new, 1)
    return text


def sop_findings(*changes: tuple[str, str]) -> list[Diagnostic]:
    """What is found in a damaged SOP; each finding is checked to stand where it says."""
    text = changed("sop", *changes)
    procedure, findings = check_sop(text, "sop.yaml", CAPABILITIES)
    assert (procedure is None) == any(item.blocking for item in findings)
    for item in findings:
        in_place(item, text)
    return findings


def in_place(item: Diagnostic, text: str) -> None:
    """A finding shows the line that it names, with the caret under something that is there."""
    lines = text.split("\n")
    assert 1 <= item.line <= len(lines), item.text()
    assert item.source_line == lines[item.line - 1]
    assert 1 <= item.column <= len(item.source_line) + 1
    assert not item.source_line[item.column - 1 : item.column].isspace(), item.text()
    shown = item.text().split("\n")
    assert shown[0].startswith(f"{item.file}:{item.line}:{item.column}: {item.severity} ")
    if item.source_line:
        assert shown[2].index("^") == 4 + item.column - 1


@cache
def procedure() -> Procedure:
    found, findings = check_sop(example("sop"), "sop.yaml", CAPABILITIES)
    assert found is not None, [item.text() for item in findings]
    return found


@cache
def lab() -> Lab:
    found, findings = check_lab(example("lab"), "lab.yaml", DRIVERS)
    assert found is not None, [item.text() for item in findings]
    return found


def device_capabilities(of: Lab) -> dict[str, tuple[str, ...]]:
    return {name: DRIVERS[device.driver] for name, device in of.devices.items()}


def plans(number: int = 1, **factors: float) -> tuple[Plan, ...]:
    """Plans of the electrolyte example for one run."""
    from lab.plan.bind import bind

    chosen = {"concentrate_volume": 4.0, "dilute_volume": 1.0, **factors}
    return bind(procedure(), chosen, {}, lab(), CAPABILITIES, number, device_capabilities(lab()))
