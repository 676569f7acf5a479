"""The table of measured units says what pint says, to the last digit, and spares a start from waiting for pint."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from lab.domain import units
from lab.domain.unit_table import MEASURED

ROOT = Path(__file__).resolve().parents[3]


def written():
    """The script that writes the table."""
    spec = importlib.util.spec_from_file_location("write_units", ROOT / "scripts/write_units.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_it_holds_every_symbol_and_what_is_usual():
    script = written()
    assert set(MEASURED) == {*units.pint_symbols(), *script.USUAL}


@pytest.mark.parametrize("spelled", sorted(MEASURED))
def test_it_says_what_pint_says(spelled):
    dimension, factor, offset = MEASURED[spelled]
    assert (tuple(dimension.items()), factor, offset) == units.measured_by_pint(spelled)


def test_it_is_what_the_script_would_write():
    space: dict[str, object] = {}
    exec(written().page(), space)  # the text is formatted when it is checked in
    assert space["MEASURED"] == MEASURED
    assert list(MEASURED) == list(space["MEASURED"])  # pyright: ignore[reportArgumentType, reportCallIssue]


@pytest.mark.parametrize("text", ["kg/mol/s", "mol/L/min", "1/h", "mm*mm", "psi/K"])
def test_what_is_not_in_it_is_asked_of_pint(text):
    assert text not in MEASURED
    dimension, factor, offset = units.measured_by_pint(text)
    found = units.unit(text)
    assert (found.dimension, found.factor, found.offset) == (dimension, factor, offset)


def test_a_wrong_entry_would_show(monkeypatch):
    monkeypatch.setitem(MEASURED, "mL", ({"[length]": 3.0}, 1.0, 0.0))
    with pytest.raises(AssertionError):
        test_it_says_what_pint_says("mL")


def test_usual_units_do_not_load_pint():
    """Counted, not timed: pint is there once something unusual is asked for."""
    code = (
        "import sys; from lab.domain.units import unit;"
        "[unit(text) for text in ('mL', 'µL', 'degC', 'mol/L', 'mL/min', 'rpm', '%', 'sccm')];"
        "assert 'pint' not in sys.modules; unit('mol/L/min'); assert 'pint' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
