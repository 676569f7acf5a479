"""Molecules as numbers: known values, salts, what can't be read, and what a machine without RDKit says."""

from __future__ import annotations

import math
import sys

import pytest

from lab.domain.errors import InputError
from lab.sop.molecules import describe, molecule_problem

SOLVENTS = {"water": "O", "ethanol": "CCO", "DMF": "CN(C)C=O", "toluene": "Cc1ccccc1"}


def test_numbers_are_those_of_the_handbook():
    names, rows = describe(SOLVENTS)
    assert list(rows) == list(SOLVENTS)
    weights = {choice: row[names.index("MolWt")] for choice, row in rows.items()}
    expected = {"water": 18.015, "ethanol": 46.069, "DMF": 73.095, "toluene": 92.141}
    assert weights == pytest.approx(expected, abs=0.01)
    rings = [row[names.index("RingCount")] for row in rows.values()]
    assert rings == [0.0, 0.0, 0.0, 1.0]
    logp = {choice: row[names.index("MolLogP")] for choice, row in rows.items()}
    assert logp["toluene"] > logp["ethanol"] > logp["water"]


def test_all_choices_have_all_numbers_and_each_column_says_something():
    names, rows = describe(SOLVENTS)
    assert len(names) > 50
    assert len(set(names)) == len(names)
    columns = list(zip(*rows.values(), strict=True))
    assert len(columns) == len(names)
    for name, column in zip(names, columns, strict=True):
        assert all(math.isfinite(number) for number in column), name
        assert len(set(column)) > 1, name


def test_what_a_metal_has_no_number_of_is_left_out_for_all():
    salts = {"KOAc": "CC(=O)[O-].[K+]", "CsOPiv": "CC(C)(C)C(=O)[O-].[Cs+]"}
    names, rows = describe(salts)
    assert "MolWt" in names
    assert not any(name.startswith("BCUT2D") for name in names)
    assert any(name.startswith("BCUT2D") for name in describe(SOLVENTS)[0])
    assert all(math.isfinite(number) for row in rows.values() for number in row)


def test_the_way_a_molecule_is_written_does_not_matter():
    first = describe({"a": "CCO", "b": "Cc1ccccc1"})
    again = describe({"a": "OCC", "b": "c1ccccc1C"})
    assert first[0] == again[0]
    assert list(first[1].values()) == list(again[1].values())


def test_numbers_have_six_digits():
    _, rows = describe(SOLVENTS)
    assert all(number == float(f"{number:.6g}") for row in rows.values() for number in row)


@pytest.mark.parametrize(
    ("smiles", "words"),
    [
        ("", "empty"),
        ("  ", "empty"),
        ("ethanol", "fit together"),
        ("C1CC", "fit together"),
        ("CC(C", "fit together"),
        ("C[Xx]", "fit together"),
        ("C(C)(C)(C)(C)C", "alence"),
        ("c1cccc1", "kekulize"),
    ],
)
def test_what_can_not_be_read_is_told(smiles: str, words: str, capfd: pytest.CaptureFixture[str]):
    assert words in molecule_problem(smiles)
    with pytest.raises(InputError, match=r"the SMILES .* of bad can't be read"):
        describe({"good": "CCO", "bad": smiles})
    assert capfd.readouterr().err == ""  # RDKit would write there itself


@pytest.mark.parametrize("smiles", [*SOLVENTS.values(), "[K+].[Cl-]", "F/C=C/F", "[13CH4]", "*C"])
def test_what_can_be_read_is_no_problem(smiles: str):
    assert molecule_problem(smiles) == ""


def test_one_molecule_twice_has_nothing_to_tell_apart():
    names, rows = describe({"a": "CCO", "b": "OCC"})
    assert names == ()
    assert rows == {"a": (), "b": ()}


def test_without_rdkit_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "rdkit", None)
    with pytest.raises(InputError, match="need RDKit") as caught:
        describe(SOLVENTS)
    assert "labwright[chem]" in caught.value.hint
