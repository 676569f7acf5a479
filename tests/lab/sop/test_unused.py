"""What is declared and never used: warned of, unless a called procedure uses it."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from lab.app.check import check_files
from tests.support.sop_files import ROOT

if TYPE_CHECKING:
    from pathlib import Path

CALLER = ROOT / "sops" / "ph_calibration"


def warnings(folder: Path, *changes: tuple[str, str]) -> list[str]:
    """`code: message` of what is found in the procedure that calls another, with texts replaced."""
    target = folder / "sops"
    shutil.copytree(CALLER, target, ignore=shutil.ignore_patterns(".lab"))
    path = target / "sop.yaml"
    text = path.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")
    return [f"{item.code}: {item.message}" for item in check_files((path,))]


def test_what_a_called_procedure_uses_is_used(tmp_path: Path) -> None:
    assert warnings(tmp_path) == []


def test_it_may_have_another_name_there(tmp_path: Path) -> None:
    found = warnings(
        tmp_path,
        ("  water_pump:\n", "  rinse_pump:\n"),
        (", with: {volume:", ", equipment: {water_pump: rinse_pump}, with: {volume:"),
    )
    assert found == []


@pytest.mark.parametrize(
    ("group", "entry"),
    [
        ("equipment", "  spare_pump: {capability: liquid_dosing, draws: water, into: cell}\n"),
        ("containers", "  jar: {capacity: 5 mL}\n"),
        ("materials", "  ether: {name: Ether, role: solvent}\n"),
    ],
)
def test_what_nobody_uses_is_still_found(tmp_path: Path, group: str, entry: str) -> None:
    found = warnings(tmp_path, (f"\n{group}:\n", f"\n{group}:\n{entry}"))
    name = entry.split(":")[0].strip()
    assert found == [f'unused: "{name}" is declared and never used']
