"""What was computed is computed anew, to the same bytes, also where it was damaged or gone; or nothing is touched."""

from __future__ import annotations

import json
import sqlite3
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from lab.cli.main import app
from lab.domain.errors import RefusedError, UnavailableError
from lab.domain.reduce import reduce_all
from lab.domain.state import LabState
from lab.records import rebuild as module
from lab.records.database import database_url, open_database
from lab.records.export import export_csv
from lab.records.journal import Journal
from lab.records.reader import open_records
from lab.records.rebuild import Rebuilt, rebuild
from lab.records.snapshots import newest_snapshot
from tests.support.sample_journal import sample_records

if TYPE_CHECKING:
    from pathlib import Path

RECORDS = sample_records()
WHOLE = reduce_all(LabState(), RECORDS)


def made(url: str) -> None:
    journal = Journal(url)
    journal.append([(record.event, record.at) for record in RECORDS])
    journal.keep(journal.load())
    journal.close()


def run(url: str, statement: str) -> None:
    engine = open_database(url)
    with engine.begin() as connection:
        connection.execute(text(statement))
    engine.dispose()


def kept(url: str) -> LabState:
    engine = open_database(url, read_only=True)
    try:
        return newest_snapshot(engine).state
    finally:
        engine.dispose()


def exported(url: str, folder: Path) -> dict[str, bytes]:
    with open_records(url) as records:
        return {path.name: path.read_bytes() for path in export_csv(records, folder)}


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT 1",
        "DROP TABLE part",
        "DROP TABLE snapshot",
        "DELETE FROM part",
        "UPDATE part SET place = 99 - place",
        "ALTER TABLE snapshot RENAME COLUMN head TO tail",
    ],
)
def test_exports_are_the_same_bytes_before_and_after(url, tmp_path, monkeypatch, statement):
    monkeypatch.setattr(module, "_STRIDE", 100)
    made(url)
    before = exported(url, tmp_path / "before")
    assert len(before) > 10
    run(url, statement)
    assert rebuild(url) == Rebuilt(rows=len(RECORDS), campaigns=1, runs=8)
    assert kept(url) == WHOLE
    assert list(kept(url).runs) == list(WHOLE.runs)
    assert exported(url, tmp_path / "after") == before


def test_records_without_a_row_are_rebuilt_to_nothing(tmp_path):
    url = database_url(str(tmp_path / "lab.db"))
    Journal(url).close()
    assert rebuild(url) == Rebuilt(0, 0, 0)


def test_a_record_that_cannot_be_read_leaves_all_as_it_was(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_STRIDE", 100)
    url = database_url(str(tmp_path / "lab.db"))
    made(url)
    raw = sqlite3.connect(tmp_path / "lab.db")
    raw.execute("DROP TRIGGER journal_no_update")
    raw.execute("UPDATE journal SET body = '{' WHERE seq = 250")
    raw.commit()
    raw.close()
    with pytest.raises(UnavailableError, match="after event 249") as damaged:
        rebuild(url)
    assert "lab records verify" in damaged.value.hint
    assert kept(url) == WHOLE


def test_a_server_or_disk_that_refuses_says_so(tmp_path):
    url = database_url(str(tmp_path / "lab.db"))
    made(url)
    raw = sqlite3.connect(tmp_path / "lab.db")
    raw.execute("DROP TABLE part")
    raw.execute("CREATE VIEW part AS SELECT 1 AS number")
    raw.commit()
    raw.close()
    with pytest.raises(UnavailableError, match="can't be rebuilt: use DROP VIEW"):
        rebuild(url)


def test_the_command_waits_for_no_engine(url):
    journal = Journal(url)
    with pytest.raises(RefusedError, match="another engine already drives the lab"):
        rebuild(url)
    journal.close()


def test_the_command_says_what_it_found(tmp_path):
    path = tmp_path / "lab.db"
    made(database_url(str(path)))
    ask = ["records", "rebuild", "--db", str(path)]
    said = CliRunner().invoke(app, ask, standalone_mode=False)
    assert said.output == "rebuilt from 429 rows of the journal: 1 campaigns, 8 runs\n"
    told = CliRunner().invoke(app, [*ask, "--json"], standalone_mode=False)
    assert json.loads(told.output) == {"rows": 429, "campaigns": 1, "runs": 8}
