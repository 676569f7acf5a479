"""Lists of candidates: read in the factors' units, and refused at line and column."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.domain.quantity import Quantity
from lab.sop.candidates import read_candidates

UNITS = {"volume": "mL", "heat": "degC", "ratio": "dimensionless"}
BOX = {
    "volume": (Quantity(0.0, "mL"), Quantity(10.0, "mL")),
    "heat": (Quantity(20.0, "degC"), Quantity(80.0, "degC")),
    "ratio": (Quantity(0.0, "dimensionless"), Quantity(1.0, "dimensionless")),
}
HEAD = "heat [K],volume [uL],ratio\n"


def _read(text: str):
    return read_candidates(text, "c.csv", UNITS, BOX)


def test_rows_are_in_the_units_and_order_of_the_factors():
    found, findings = _read(HEAD + "300.15, 2500,0.5\n\n353.15,1e3,0\n")
    assert findings == []
    assert found is not None
    for row, expected in zip(found.rows, ((2.5, 27.0, 0.5), (1.0, 80.0, 0.0)), strict=True):
        assert row == pytest.approx(expected)


@given(st.lists(st.tuples(st.floats(0, 10), st.floats(20, 80), st.floats(0, 1)), min_size=2, unique=True, max_size=8))  # fmt: skip
def test_what_is_written_is_read_again(rows: list[tuple[float, float, float]]):
    text = "volume [mL],heat [degC],ratio\n" + "\n".join(
        ",".join(repr(v) for v in row) for row in rows
    )
    found, findings = _read(text)
    assert findings == []
    assert found is not None
    for row, expected in zip(found.rows, rows, strict=True):
        assert row == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    ("text", "code", "words", "place"),
    [
        ("", "value", "without a heading", (1, 1)),
        ("volume,heat [degC],ratio\n1,20,0\n2,20,0", "unit-missing", 'column "volume" has no unit', (1, 1)),
        ("volume [g],heat [degC],ratio\n", "dimension", "measured in mL, not in g", (1, 1)),
        ("volume [mLL],heat [degC],ratio\n", "unit-unknown", "mLL", (1, 1)),
        ("volume [mL],heat [degC],ratoi\n", "reference", '"ratoi" is not a factor', (1, 25)),
        ("volume [mL],heat [degC]\n", "reference", "no column of ratio", (1, 1)),
        ("volume [mL],heat [degC],ratio,ratio\n", "value", 'two columns of "ratio"', (1, 31)),
        (HEAD + "300,1,0\n300,x,0\n", "value", '"x" is no number', (3, 5)),
        (HEAD + "300,1,0\n300,,0\n", "value", 'no value of "volume"', (3, 5)),
        (HEAD + "300,1,0\n300,nan,0\n", "value", "is no number", (3, 5)),
        (HEAD + "300,1,0\n300,1\n", "value", "2 cells under 3 columns", (3, 1)),
        (HEAD + "300,1,0\n300,20000,0\n", "range", "outside 0 mL to 10 mL", (3, 5)),
        (HEAD + "300,1,0\n301,1,0\n300,1,0\n", "value", "stands in line 2", (4, 1)),
        (HEAD + "300,1,0\n", "value", "1 candidates leave nothing to choose", (1, 1)),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_at_its_place(
    text: str, code: str, words: str, place: tuple[int, int]
):
    found, findings = _read(text)
    assert found is None
    first = findings[0]
    assert (first.code, first.line, first.column) == (code, *place)
    assert words in first.message
    assert first.hint
    assert first.file == "c.csv"


def test_a_long_list_of_mistakes_is_cut_off():
    found, findings = _read(HEAD + "x,1,0\n" * 300)
    assert found is None
    assert len(findings) == 20


WITH_CHOICE = {"volume": "mL", "solvent": ("water", "oil")}


def test_choices_are_read_beside_numbers():
    found, findings = read_candidates(
        "solvent,volume [mL]\n oil,1\nwater,2\noil,2\n", "c.csv", WITH_CHOICE, BOX
    )
    assert findings == []
    assert found is not None
    assert found.rows == ((1.0, "oil"), (2.0, "water"), (2.0, "oil"))


@pytest.mark.parametrize(
    ("text", "code", "words", "place"),
    [
        ("solvent [mL],volume [mL]\noil,1\nwater,1\n", "dimension", "has no unit", (1, 1)),
        (
            "volume [mL],solvent\n1,oil\n1,watr\n",
            "value",
            '"watr" is not one of the choices',
            (3, 3),
        ),
        ("volume [mL],solvent\n1,oil\n1,\n", "value", 'no value of "solvent"', (3, 3)),
        ("volume [mL],solvent\n1,oil\n1,oil\n", "value", "stands in line 2", (3, 1)),
    ],
)
def test_a_wrong_choice_is_refused_at_its_place(text: str, code: str, words: str, place: tuple[int, int]):  # fmt: skip
    found, findings = read_candidates(text, "c.csv", WITH_CHOICE, BOX)
    assert found is None
    assert findings[0].code == code
    assert words in findings[0].message
    assert (findings[0].line, findings[0].column) == place
