"""Columns of quantities and choices: headings and cells."""

from __future__ import annotations

import pytest

from lab.domain.quantity import Quantity
from lab.sop.table_columns import TableColumns
from lab.sop.table_file import TableFile

KNOWN = {"volume": "mL", "ratio": "dimensionless", "solvent": ("water", "oil")}


def _columns(text: str) -> TableColumns:
    return TableColumns(TableFile(text, "t.csv"), KNOWN)


def test_headings_give_names_and_units():
    columns = _columns("volume [uL],note,solvent,ratio\n")
    assert columns.header("unknown", ("note",)) == [
        ("volume", "uL"),
        ("note", "dimensionless"),
        ("solvent", "dimensionless"),
        ("ratio", "dimensionless"),
    ]
    assert columns.table.findings == []
    assert columns.headings(KNOWN) == "volume [mL], ratio, solvent"


@pytest.mark.parametrize(
    ("text", "code", "words", "column"),
    [
        ("volume [uL],note\n", "reference", '"note" is no column', 13),
        ("volume\n", "unit-missing", "has no unit", 1),
        ("ratio,volume [s]\n", "dimension", "not in s", 7),
        ("ratio,volume [mLL]\n", "unit-unknown", "mLL", 7),
        ("solvent [mL]\n", "dimension", "is a choice", 1),
        ("ratio,ratio\n", "value", "two columns", 7),
    ],
)
def test_a_wrong_heading_is_told_at_its_place(text: str, code: str, words: str, column: int):
    columns = _columns(text)
    columns.header("no column")
    (found,) = columns.table.findings
    assert (found.code, found.line, found.column) == (code, 1, column)
    assert words in found.message
    assert found.hint


def test_cells_are_quantities_in_the_unit_that_is_due_and_choices():
    columns = _columns("volume [uL],solvent\n1500,oil\nx,tar\n")
    assert columns.quantity(1, 0, "volume", "uL") == Quantity(1.5, "mL")
    assert columns.choice(1, 1, "solvent") == "oil"
    assert columns.table.findings == []
    assert columns.quantity(2, 0, "volume", "uL") is None
    assert columns.choice(2, 1, "solvent") is None
    assert [(item.line, item.column) for item in columns.table.findings] == [(3, 1), (3, 3)]
