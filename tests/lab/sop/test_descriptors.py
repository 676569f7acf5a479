"""Tables of descriptors: read for the choices of a campaign, refused at line and column."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.sop.descriptors import read_descriptors

CHOICES = ("water", "DMF", "toluene")
TABLE = "solvent,boiling_point,permittivity\nDMF,153,36.7\nwater,100,80.1\ntoluene,111,2.38\n"


def _read(text: str, choices: tuple[str, ...] = CHOICES):
    return read_descriptors(text, "s.csv", "solvent", choices)


def test_rows_come_in_the_order_of_the_choices_and_others_are_passed_over():
    found, findings = _read(TABLE + "\nhexane,x,\n")
    assert findings == []
    assert found == {"water": (100.0, 80.1), "DMF": (153.0, 36.7), "toluene": (111.0, 2.38)}
    assert list(found or ()) == list(CHOICES)


@pytest.mark.parametrize(
    ("text", "words", "place"),
    [
        ("", "without columns", (1, 1)),
        ("solvent\nwater\n", "without columns", (1, 1)),
        ("solvent,a,a\n", 'two columns of "a"', (1, 11)),
        (TABLE.replace("DMF", "DMFA"), 'no row for the choice "DMF"', (1, 1)),
        (TABLE + "water,1,2\n", "stands in line 3 already", (5, 1)),
        (TABLE.replace("36.7", "NaN"), '"NaN" is no number', (2, 9)),
        (TABLE.replace("36.7", "inf"), '"inf" is no number', (2, 9)),
        (TABLE.replace("36.7", ""), 'no value of "permittivity"', (2, 9)),
        (TABLE.replace("36.7", "36.7,1"), "4 cells under 3 columns", (2, 1)),
        (TABLE.replace("111,2.38", "100,80.1"), "the same descriptors as", (4, 1)),
    ],
)
def test_nonsense_is_refused_at_its_place(text: str, words: str, place: tuple[int, int]):
    found, findings = _read(text)
    assert found is None
    first = findings[0]
    assert words in first.message, first.text()
    assert (first.line, first.column) == place
    assert first.blocking
    assert first.hint


def test_a_misspelt_row_is_named():
    _, findings = _read(TABLE.replace("DMF", "DMFA"))
    assert 'did you mean "DMFA"?' in findings[0].hint


def test_a_constant_column_is_left_out_with_a_warning():
    found, findings = _read("solvent,a,b\nwater,1,7\nDMF,2,7\ntoluene,3,7\n")
    assert found == {"water": (1.0,), "DMF": (2.0,), "toluene": (3.0,)}
    (warning,) = findings
    assert warning.severity == "warning"
    assert '"b" is 7 for all choices' in warning.message
    assert (warning.line, warning.column) == (1, 11)


def test_all_constant_tells_no_choice_from_another():
    found, findings = _read("solvent,a\nwater,1\nDMF,1\ntoluene,1\n")
    assert found is None
    assert all("the same descriptors" in item.message for item in findings)


def test_a_column_that_follows_another_is_noted_and_stays_in_the_table():
    found, findings = _read("solvent,a,b\nwater,1,7\nDMF,2,5\ntoluene,3,4\n")
    assert found == {"water": (1.0, 7.0), "DMF": (2.0, 5.0), "toluene": (3.0, 4.0)}
    (note,) = findings
    assert note.severity == "note"
    assert not note.blocking
    assert note.message == '"b" correlates by -0.98 with "a"'
    assert (note.line, note.column) == (1, 11)


MOLECULES = "solvent,SMILES,bp\nDMF,CN(C)C=O,153\nwater,O,100\ntoluene,Cc1ccccc1,111\n"


def test_molecules_become_numbers_and_what_is_kept_is_said():
    found, findings = _read(MOLECULES)
    assert found is not None
    assert list(found) == list(CHOICES)
    width = len(found["water"])
    assert 1 < width < 10
    assert [row[0] for row in found.values()] == [100.0, 153.0, 111.0]  # own columns come first
    assert len(set(found.values())) == 3
    (note,) = findings
    assert (note.severity, note.line, note.column) == ("note", 1, 9)
    kept = note.message.split("are kept: ")[1].split(", ")
    assert len(kept) == width - 1
    assert f" {len(kept)} are kept" in note.message


def test_molecules_alone_are_enough():
    text = "solvent,smiles\nDMF,CN(C)C=O\nwater,O\ntoluene,Cc1ccccc1\nhexane,not read\n"
    found, findings = _read(text)
    assert found is not None
    assert len(set(found.values())) == 3
    assert [item.severity for item in findings] == ["note"]


@pytest.mark.parametrize(
    ("cell", "words", "place"),
    [
        ("CN(C", 'the SMILES "CN(C" of "DMF" can\'t be read', (2, 5)),
        ("", 'the SMILES "" of "DMF" can\'t be read: it is empty', (2, 5)),
        ("CN(C)(C)(C)C=O", "alence", (2, 5)),
        ("O", '"water" has the same descriptors as "DMF"|"DMF" has the same', (2, 1)),
    ],
)
def test_a_molecule_that_makes_no_sense_is_refused_at_its_cell(
    cell: str, words: str, place: tuple[int, int]
):
    text = MOLECULES.replace("CN(C)C=O,153", f"{cell},100")
    found, findings = _read(text)
    assert found is None
    assert len(findings) == 1
    assert any(word in findings[0].message for word in words.split("|")), findings[0].text()
    assert (findings[0].line, findings[0].column) == place
    assert findings[0].hint


def test_without_rdkit_the_column_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "rdkit", None)
    found, (finding,) = _read(MOLECULES)
    assert found is None
    assert "need RDKit" in finding.message
    assert (finding.line, finding.column) == (1, 9)


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(-1e9, 1e9), st.floats(-1e9, 1e9)), min_size=3, max_size=3, unique_by=(lambda r: r[0], lambda r: r[1])))  # fmt: skip
def test_what_is_written_is_read_again(rows: list[tuple[float, float]]):
    text = "solvent,a,b\n" + "\n".join(
        f"{choice},{a!r},{b!r}" for choice, (a, b) in zip(CHOICES, rows, strict=True)
    )
    found, findings = _read(text)
    assert not any(item.blocking for item in findings)
    assert list((found or {}).values()) == rows
