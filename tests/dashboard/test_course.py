"""A run's course as people read it: what is out of order first, numbers with units, nothing left out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from dashboard.views.course import course_tables
from lab.records.database import database_url
from lab.records.reader import open_records
from tests.golden.plays import PLAYS
from tests.support.plays import RUN, keep_play, run_rich

if TYPE_CHECKING:
    from pathlib import Path

    from lab.records.rows import Row


def tables_of(folder: Path, play: str) -> dict[str, list[Row]]:
    keep_play(database_url(str(folder / "lab.db")), play)
    with open_records(folder / "lab.db") as records:
        return course_tables(records, RUN)


@pytest.mark.parametrize(
    ("play", "filled"),
    [
        ("loop_ends_early", {"Decisions": 2}),
        ("manual_with_witness", {"Manual tasks": 1}),
        ("manual_nobody_there", {"Manual tasks": 2}),
        ("hold_skip", {"Flags": 1, "Questions to people": 1}),
        ("timing_broken", {"Flags": 2, "Longest times in danger": 1, "Time windows": 2}),
        ("limit_hold", {"Flags": 1, "Questions to people": 1, "Values beyond their limits": 1}),
        ("quality_flag", {"Flags": 1, "Quality": 1}),
        ("compensate", {}),
    ],
)
def test_there_is_a_table_for_what_there_is(
    tmp_path: Path, play: str, filled: dict[str, int]
) -> None:
    tables = tables_of(tmp_path, play)
    assert {name: len(rows) for name, rows in tables.items() if rows} == filled


@pytest.mark.parametrize("play", PLAYS)
def test_rows_of_a_table_have_equal_columns_and_only_text(tmp_path: Path, play: str) -> None:
    for rows in tables_of(tmp_path, play).values():
        assert len({tuple(row) for row in rows}) <= 1
        assert all(isinstance(cell, str) for row in rows for cell in row.values())


def test_a_broken_window_comes_first(tmp_path: Path) -> None:
    first, second = tables_of(tmp_path, "timing_broken")["Time windows"]
    assert (first["Window"], first["Status"], first["To spare"]) == (
        "reaction",
        "✖ broken",
        "-25 s",
    )
    assert (second["Status"], second["At least"]) == ("✔ kept", "60 s")


def test_a_hold_tells_who_decided_and_why(tmp_path: Path) -> None:
    [row] = tables_of(tmp_path, "hold_skip")["Questions to people"]
    assert (row["Status"], row["Answer"], row["By"], row["Reason"]) == (
        "✔ answered",
        "skip",
        "Ada",
        "stirred by hand",
    )


def test_tasks_tell_signature_witness_and_failure(tmp_path: Path) -> None:
    [row] = tables_of(tmp_path, "manual_with_witness")["Manual tasks"]
    assert (row["Answers"], row["Signed by"], row["Witnessed by"]) == (
        "ph = 6.8, clear = yes",
        "Ada",
        "Bob",
    )
    assert row["Status"] == "✔ done"


def test_a_task_that_failed_tells_why(tmp_path: Path) -> None:
    first, again = tables_of(tmp_path, "manual_unanswered_then_flagged")["Manual tasks"]
    assert (first["Status"], first["Answers"]) == ("✖ failed", "the meter is not calibrated")
    assert again["Status"] == "✔ done"


def test_the_rich_run_has_units_everywhere(tmp_path: Path) -> None:
    run_rich(tmp_path / "rich.db")
    with open_records(tmp_path / "rich.db") as records:
        tables = course_tables(records, "rich-1/r001")
    assert tables["Manual tasks"][0]["Answers"] == "clean = yes, colour = clear, room = 22 °C"
    loop, branch = tables["Decisions"]
    assert re.fullmatch(r"after\.conductivity = 4\.\d+ mS/cm, target = 2 mS/cm", str(loop["Saw"]))
    assert branch["Answer"] == "no"
    assert re.fullmatch(r"weigh\.mass = 6\.\d+ g, mode = careful", str(branch["Saw"]))
    standard, _, replicates = tables["Quality"]
    assert (standard["Verdict"], standard["Certified"]) == ("✖ not accepted", "1.413 mS/cm")
    assert replicates["At most"] == "1 %"
    assert [row["Status"] for row in tables["Time windows"]] == ["✔ kept"] * 3 + [
        "- not reached"
    ] * 3
