"""Tables of results from elsewhere: read as they are sent, refused at line and column."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lab.app.outside import read_results
from lab.domain.errors import FindingsError

if TYPE_CHECKING:
    from pathlib import Path

GOOD = "volume [mL],solvent,ratio,yield [percent],failed\n"


def read(folder: Path, text: str):
    path = folder / "old.csv"
    path.write_text(text)
    return read_results(path)


def test_rows_are_sent_with_units_choices_and_lines(tmp_path: Path):
    found = read(tmp_path, GOOD + "1.5,water,2,61,\n\n2,oil,3,,it boiled over\n")
    assert found == [
        {"line": 2, "cells": {"volume": "1.5 mL", "solvent": "water", "ratio": 2.0, "yield": "61.0 percent"}},
        {"line": 4, "cells": {"volume": "2.0 mL", "solvent": "oil", "ratio": 3.0}, "failed": "it boiled over"},
    ]  # fmt: skip


def test_what_was_beyond_the_range_keeps_its_mark(tmp_path: Path):
    found = read(tmp_path, "ratio,yield [percent]\n1,> 61\n2,<0.5\n> 3,4\n")
    assert [row["cells"]["yield"] for row in found] == ["> 61.0 percent", "< 0.5 percent", "4.0 percent"]  # fmt: skip
    assert found[2]["cells"]["ratio"] == "> 3"


@pytest.mark.parametrize(
    ("text", "words", "place"),
    [
        ("", "without results", (1, 1)),
        (GOOD, "without results", (1, 1)),
        ("volume [mLL],yield\n1,2\n", "mLL", (1, 1)),
        ("volume [mL],volume [uL],yield\n1,1,2\n", 'two columns of "volume"', (1, 13)),
        (GOOD + "1,water,2,61\n", "4 cells under 5 columns", (2, 1)),
        (GOOD + "1.5 mL,water,2,61,\n", '"1.5 mL" is no number', (2, 1)),
        (GOOD + "1,water,2,much,\n", '"much" is no number', (2, 11)),
        (GOOD + "1,water,2,nan,\n", '"nan" is no number', (2, 11)),
        (GOOD + "1,water,2,inf,\n", '"inf" is no number', (2, 11)),
        (GOOD + "1,water,2,> much,\n", '"much" is no number', (2, 11)),
        (GOOD + "1,water,2,>,\n", 'no value of "yield"', (2, 11)),
    ],
)
def test_nonsense_is_refused_at_its_place(tmp_path: Path, text: str, words: str, place: tuple[int, int]):  # fmt: skip
    with pytest.raises(FindingsError) as refused:
        read(tmp_path, text)
    first = refused.value.diagnostics[0]
    assert words in first.message
    assert (first.line, first.column) == place
