"""A run of the records in words and as one document: everything that is in its tables, failed runs included."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from lab.cli.main import app
from lab.cli.run_text import run_document, run_lines
from lab.domain.errors import InputError
from lab.records.database import database_url
from lab.records.reader import open_records
from lab.records.rows import Rows
from tests.golden.plays import PLAYS
from tests.support.plays import RUN, keep_play, keep_records, run_rich

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "lab.db"


def lines_of(database: Path, play: str) -> list[str]:
    keep_play(database_url(str(database)), play)
    with open_records(database) as records:
        return run_lines(records.tables(RUN))


@pytest.mark.parametrize(
    ("play", "words"),
    [
        ("loop_ends_early", [
            "kit-1/r001: succeeded",
            "  2026-01-01 00:00:01 to 2026-01-01 00:00:51, 5 of 7 steps done, 2 skipped",
            "  00:00:21  more[1]: no to mass > 4 with mass = 3",
            "  00:00:41  more[2]: yes to mass > 4 with mass = 5",
            "            more[3].dose (more[3].dose, pump) skipped: more[2] was decided with yes",
        ]),
        ("loop_exhausted", ["kit-1/r001: failed: not enough after 3 doses", "  mass = not measured"]),
        ("manual_with_witness", [
            "manual tasks",
            "  00:00:11  read, Read the pH meter done by Ada, witnessed by Bob: ph = 6.8, clear = yes",
        ]),
        ("manual_unanswered_then_flagged", [
            "  00:00:11  read, Read the pH meter failed by Ada; the meter is not calibrated",
            "flags",
        ]),
        ("hold_skip", [
            "  00:00:21  kit-1/r001 is held: step stir failed (done in part only: it went wrong). How does it go on? "
            "Ada said skip: stirred by hand",
        ]),
        ("compensate", [
            "  00:00:11  neutralise (neutralise, pump, makes good dose) succeeded",
            "            cool (cool, balance, makes good weigh) not run",
        ]),
        ("timing_broken", [
            "  reaction: broken, took 115 s, 25 s out of its limits",
            "  rest: kept, took 60 s",
            "  00:02:06  timing: reaction took 115.0 s; at most 90 s are due",
        ]),
        ("limit_abort", ["  00:00:11  load was 7 g after weigh, 2 g too far"]),
        ("quality_fail", ["  blank water: rejected 0.7 g"]),
    ],
)  # fmt: skip
def test_a_play_is_told_in_words(database: Path, play: str, words: list[str]) -> None:
    lines = lines_of(database, play)
    assert [text for text in words if text not in lines] == []


@pytest.mark.parametrize("play", PLAYS)
def test_no_heading_stands_without_lines_and_every_line_is_plain(database: Path, play: str) -> None:
    lines = lines_of(database, play)
    headings = [n for n, line in enumerate(lines) if n and not line.startswith(" ")]
    assert lines[headings[-1]] == "steps"
    assert all(lines[n + 1].startswith("  ") for n in headings)
    assert not [line for line in lines if "None" in line or "\n" in line or line != line.rstrip()]


def test_a_run_that_goes_on_has_no_end(database: Path) -> None:
    keep_play(database_url(str(database)), "branch_taken")
    with open_records(database) as records:
        tables = records.tables(RUN)
    tables["runs"] = Rows([{**tables["runs"][0], "ended_at": None, "status": "running"}])
    assert "to now, " in run_lines(tables)[1]


# -- `lab records show` -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def rich(tmp_path_factory: pytest.TempPathFactory) -> Path:
    database = tmp_path_factory.mktemp("rich") / "rich.db"
    run_rich(database)
    return database


def shown(*words: str):
    return CliRunner().invoke(app, ["records", "show", *words])


def test_the_rich_run_is_shown_with_units_and_uncertainties(rich: Path) -> None:
    result = shown("rich-1/r001", "--db", str(rich))
    assert result.exit_code == 0, result.output
    assert re.search(r"^  conductivity = \d\.\d+ ± 0\.\d+ mS/cm$", result.stdout, re.MULTILINE)
    assert "room = 22.0 degC" in result.stdout
    assert re.search(
        r"^  fresh: kept, took \d+ s \(-\d+ s from the ideal\)$", result.stdout, re.MULTILINE
    )
    assert re.search(
        r"standard check_standard: rejected [\d.]+ mS/cm, certified 1\.413 mS/cm", result.stdout
    )
    assert "conductivity_sd" not in result.stdout


def test_the_document_has_opened_cells_and_times_in_utc(rich: Path) -> None:
    result = shown("rich-1/r001", "--db", str(rich), "--json")
    document = json.loads(result.stdout)
    assert document["run"]["lots"]["salt"]["lot"] == "24A-0117"
    assert document["run"]["started_at"] == "2026-01-01T00:00:02.000Z"
    assert document["tasks"][0]["answers"] == {"clean": True, "colour": "clear", "room": 22.0}
    with open_records(rich) as records:
        tables = records.tables("rich-1/r001")
        assert document == json.loads(json.dumps(run_document(tables)))
        assert document.keys() - {"run"} == tables.keys() - {"runs"}


def test_a_run_that_is_not_there_is_refused_with_those_that_are(rich: Path) -> None:
    result = shown("rich-1/r009", "--db", str(rich))
    assert isinstance(result.exception, InputError)
    assert result.exception.message == "there is no run 'rich-1/r009' in these records"
    assert result.exception.hint == "the newest are rich-1/r001, rich-1/r002"


def test_of_records_without_a_run_it_says_so(database: Path) -> None:
    keep_records(database_url(str(database)), [])
    result = shown("x", "--db", str(database))
    assert isinstance(result.exception, InputError)
    assert result.exception.hint == "no run has been started"
