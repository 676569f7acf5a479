"""Tables of earlier campaigns: read in the units of factors and results, and refused at line and column."""

from __future__ import annotations

import pytest

from lab.domain.quantity import Quantity
from lab.sop.earlier import EarlierRow, read_earlier

FACTORS = {"volume": "mL", "heat": "degC", "solvent": ("water", "oil")}
RESULTS = {"yield": "percent", "cost": "dimensionless"}
BOX = {
    "volume": (Quantity(0.0, "mL"), Quantity(10.0, "mL")),
    "heat": (Quantity(20.0, "degC"), Quantity(80.0, "degC")),
}
HEAD = "heat [K],solvent,volume [uL],yield,cost,failed\n"
HEAD = HEAD.replace("yield", "yield [percent]")


def _read(text: str):
    return read_earlier(text, "spring.csv", FACTORS, RESULTS, BOX)


def test_rows_are_in_the_units_of_factors_and_results():
    rows, findings = _read(HEAD + "300.15, oil ,2500,61,3,\n\n310.15,water,1e3,,,it boiled over\n")
    assert findings == []
    first, second = rows
    assert first.settings == {
        "heat": pytest.approx(27.0), "solvent": "oil", "volume": pytest.approx(2.5)
    }  # fmt: skip
    assert first.results == {"yield": 61.0, "cost": 3.0}
    assert first.failure == ""
    assert second == EarlierRow(second.settings, {}, "it boiled over")
    assert second.settings["solvent"] == "water"


def test_the_column_of_failures_may_be_left_out():
    rows, findings = _read(HEAD.replace(",failed", "") + "300,oil,2500,61,3\n")
    assert findings == []
    assert rows[0].failure == ""


def test_what_was_beyond_the_range_is_told_with_its_side():
    rows, findings = _read(
        HEAD + "300,oil,1000,> 61,3,\n300,water,1000,<0.5,3,\n300,oil,1000,4,3,\n"
    )
    assert findings == []
    assert [row.results["yield"] for row in rows] == [61.0, 0.5, 4.0]
    assert [row.beyond for row in rows] == [{"yield": "above"}, {"yield": "below"}, {}]
    for cell in (">", "> much", ">> 3"):
        rows, (finding,) = _read(HEAD + f"300,oil,1000,{cell},3,\n")
        assert (finding.code, finding.line, finding.column) == ("value", 2, 14)
    _, (setting,) = _read(HEAD + "> 300,oil,1000,61,3,\n")
    assert (setting.line, setting.column) == (2, 1)


def test_a_share_is_taken_as_percent():
    rows, findings = _read(HEAD.replace("[percent]", "[dimensionless]") + "300,oil,2500,0.61,3,\n")
    assert findings == []
    assert rows[0].results["yield"] == pytest.approx(61.0)


@pytest.mark.parametrize(
    ("text", "code", "words", "place"),
    [
        ("", "value", "without a heading", (1, 1)),
        (HEAD, "value", "no trial with a result", (1, 1)),
        (HEAD + "300,oil,1000,,,broken\n", "value", "no trial with a result", (1, 1)),
        (HEAD.replace("solvent,", ""), "reference", "no column of the factor solvent", (1, 1)),
        (HEAD.replace("cost,", ""), "reference", "no column of the result cost", (1, 1)),
        (HEAD.replace("cost", "price"), "reference", '"price" is neither a factor', (1, 46)),
        (HEAD.replace(" [K]", ""), "unit-missing", 'column "heat" has no unit', (1, 1)),
        (HEAD.replace("[K]", "[g]"), "dimension", "measured in degC, not in g", (1, 1)),
        (HEAD.replace("solvent", "solvent [g]"), "dimension", "has no unit", (1, 10)),
        (HEAD.replace("[percent]", "[g]"), "dimension", "measured in percent", (1, 30)),
        (HEAD.replace("[percent]", "[prcnt]"), "unit-unknown", "prcnt", (1, 30)),
        (HEAD.replace("cost", "solvent"), "value", 'two columns of "solvent"', (1, 46)),
        (HEAD + "300,oil,1000,61\n", "value", "4 cells under 6 columns", (2, 1)),
        (HEAD + "300,oi,1000,61,3,\n", "value", '"oi" is not one of the choices', (2, 5)),
        (HEAD + "300,,1000,61,3,\n", "value", 'no value of "solvent"', (2, 5)),
        (HEAD + "300,oil,1 mL,61,3,\n", "value", '"1 mL" is no number', (2, 9)),
        (HEAD + "300,oil,1000,,3,\n", "value", 'no value of "yield"', (2, 14)),
        (HEAD + "300,oil,1000,nan,3,\n", "value", "is no number", (2, 14)),
        (HEAD + "300,oil,1000,61,3,broken\n", "value", "failed, and has a result", (2, 1)),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_at_its_place(
    text: str, code: str, words: str, place: tuple[int, int]
):
    _, findings = _read(text)
    first = findings[0]
    assert (first.code, first.line, first.column, first.severity) == (code, *place, "error")
    assert words in first.message
    assert first.hint
    assert first.file == "spring.csv"


def test_what_lies_beyond_the_ranges_is_told_once_and_taken():
    rows, findings = _read(HEAD + "300,oil,1000,61,3,\n400,oil,11000,60,3,\n")
    (told,) = findings
    assert not told.blocking
    assert (told.code, told.line, told.column) == ("range", 3, 1)
    assert "outside 20 degC to 80 degC (2 values in all)" in told.message
    assert rows[1].settings["volume"] == pytest.approx(11.0)
