"""Records of every earlier format are brought to this one: same rows, still append-only, and a copy of how they were."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from alembic import op
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, Engine, create_engine, inspect, text
from sqlalchemy.exc import DBAPIError
from sqlmodel import SQLModel
from typer.testing import CliRunner

from lab.cli.main import app
from lab.domain import event as ev
from lab.domain.errors import RefusedError, UnavailableError
from lab.records import migrate
from lab.records.database import database_url, migrate_records, open_database
from lab.records.journal import Journal
from lab.records.locks import EngineLock
from lab.records.migrate import Migrated, format_of
from lab.records.reader import open_records
from lab.records.snapshots import newest_snapshot
from lab.records.tables import SCHEMA_VERSION
from tests.support.sample_journal import sample_records

DUMPS = Path(__file__).parents[2] / "data" / "records"
RECORDS = sample_records()[:60]
EVENTS = [record.event for record in RECORDS]
OLD = 1
"""A format without the tables for snapshots."""


def dump(number: int, dialect: str) -> str:
    return (DUMPS / f"format_{number}.{dialect}.sql").read_text()


def file_of(folder: Path, number: int) -> Path:
    path = folder / "lab #1.db"
    raw = sqlite3.connect(path)
    raw.executescript(dump(number, "sqlite"))
    raw.close()
    return path


def filled(url: str, number: int) -> str:
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql(dump(number, "postgres"))
    engine.dispose()
    return url


def told_format(url: str) -> int | None:
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            return format_of(connection)
    finally:
        engine.dispose()


def differences(engine: Engine | Connection) -> list[str]:
    """Between the tables that are there and those that new records have."""
    if isinstance(engine, Engine):
        with engine.connect() as connection:
            return differences(connection)
    found = compare_metadata(MigrationContext.configure(engine), SQLModel.metadata)
    return [str(change) for change in found if "alembic_version" not in str(change)]


def as_new(url: str) -> None:
    """Same tables as new records have, same events in a whole chain, which can be continued and nothing else."""
    journal = Journal(url)
    assert [record.event for record in journal.read()] == EVENTS
    journal.append([(ev.LabPaused(actor="Ada"), RECORDS[-1].at)])
    journal.keep(journal.load())
    engine = journal._engine
    assert differences(engine) == []
    with engine.connect() as connection:
        assert format_of(connection) == SCHEMA_VERSION
    assert newest_snapshot(engine).state.seq == len(EVENTS) + 1
    for statement in ("UPDATE journal SET body = ''", "DELETE FROM journal"):
        with pytest.raises(DBAPIError, match="append-only"), engine.begin() as connection:
            connection.execute(text(statement))
    journal.close()
    with open_records(url) as records:
        assert records.first_broken_row() is None


def test_every_format_up_to_this_one_is_kept_as_an_example():
    for dialect in ("sqlite", "postgres"):
        for number in range(1, SCHEMA_VERSION + 1):
            assert f"'schema_version', '{number}'" in dump(number, dialect).replace("','", "', '")


@pytest.mark.parametrize("number", range(1, SCHEMA_VERSION + 1))
def test_a_file_of_any_format_opens_and_goes_on(tmp_path, number, caplog):
    path = file_of(tmp_path, number)
    as_new(database_url(str(path)))
    copies = sorted(file.name for file in tmp_path.glob("*.format-*"))
    if number == SCHEMA_VERSION:
        assert copies == []
        return
    assert copies == [f"{path.name}.format-{number}"]
    assert f"were brought from format {number} to {SCHEMA_VERSION}" in caplog.text
    before = tmp_path / copies[0]
    raw = sqlite3.connect(before)
    assert raw.execute("SELECT value FROM meta WHERE key = 'schema_version'").fetchall() == [
        (str(number),)
    ]
    assert raw.execute("SELECT count(*) FROM journal").fetchall() == [(len(EVENTS),)]
    raw.close()


@pytest.mark.system
@pytest.mark.parametrize("number", range(1, SCHEMA_VERSION + 1))
def test_a_server_s_records_wait_for_the_command(postgres, number):
    url = filled(postgres, number)
    if number < SCHEMA_VERSION:
        with pytest.raises(RefusedError, match=f"are of format {number}; this Labwright") as older:
            Journal(url)
        assert "lab records migrate" in older.value.hint
        assert told_format(url) == number
        assert migrate_records(url) == Migrated(number, SCHEMA_VERSION)
    assert migrate_records(url) == Migrated(SCHEMA_VERSION, SCHEMA_VERSION)
    as_new(url)


def test_reading_changes_no_format(tmp_path):
    path = file_of(tmp_path, OLD)
    with open_records(path) as records:
        assert [record.event for record in records.events()] == EVENTS
        assert records.state().seq == len(EVENTS)
    assert told_format(database_url(str(path))) == OLD
    engine = create_engine(database_url(str(path)))
    assert [change.split("'")[1] for change in differences(engine)] == ["add_table"] * 2
    engine.dispose()
    assert not list(tmp_path.glob("*.format-*"))


def test_a_copy_overwrites_no_other(tmp_path):
    path = file_of(tmp_path, OLD)
    other = path.with_name(f"{path.name}.format-{OLD}")
    other.write_text("of last year")
    done = migrate_records(database_url(str(path)))
    assert done.copy == path.with_name(f"{path.name}.format-{OLD}-2")
    assert other.read_text() == "of last year"


def test_nothing_is_changed_while_an_engine_has_them(tmp_path):
    path = file_of(tmp_path, OLD)
    url = database_url(str(path))
    engine = create_engine(url)
    lock = EngineLock(url, engine)
    with pytest.raises(RefusedError, match="another engine already drives"):
        open_database(url)
    lock.close()
    engine.dispose()
    assert told_format(url) == OLD


def test_what_fails_half_way_leaves_all_as_it_was(tmp_path, monkeypatch):
    path = file_of(tmp_path, OLD)
    real = op.create_table

    def fails(name: str, *columns: Any, **more: Any) -> object:
        if name == "snapshot":
            raise RuntimeError("the power failed")
        return real(name, *columns, **more)

    monkeypatch.setattr(op, "create_table", fails)
    url = database_url(str(path))
    with pytest.raises(RuntimeError, match="the power failed"):
        open_database(url)
    engine = create_engine(url)
    assert sorted(inspect(engine).get_table_names()) == ["journal", "meta"]
    engine.dispose()
    assert told_format(url) == OLD
    monkeypatch.undo()
    as_new(url)


@pytest.mark.parametrize("read_only", [False, True])
def test_records_of_a_newer_version_are_refused_untouched(tmp_path, read_only):
    path = file_of(tmp_path, OLD)
    raw = sqlite3.connect(path)
    raw.execute("UPDATE meta SET value = '99' WHERE key = 'schema_version'")
    raw.commit()
    raw.close()
    url = database_url(str(path))
    with pytest.raises(RefusedError, match=r"newer version of Labwright .format 99") as newer:
        open_database(url, read_only=read_only)
    assert "upgrade Labwright" in newer.value.hint
    with pytest.raises(RefusedError, match="format 99"):
        migrate_records(url)
    engine = create_engine(url)
    assert sorted(inspect(engine).get_table_names()) == ["journal", "meta"]
    engine.dispose()


def test_the_command_says_what_it_did(tmp_path):
    path = file_of(tmp_path, OLD)
    ask = ["records", "migrate", "--db", str(path), "--json"]
    first = CliRunner().invoke(app, ask, standalone_mode=False)
    assert json.loads(first.stdout) == {
        "before": OLD,
        "after": SCHEMA_VERSION,
        "copy": f"{path}.format-{OLD}",
    }
    again = CliRunner().invoke(app, ask[:-1], standalone_mode=False)
    assert again.stdout == f"the records are of format {SCHEMA_VERSION} already\n"
    with pytest.raises(UnavailableError, match="there are no records at"):
        migrate_records(database_url(str(tmp_path / "none.db")))
    assert not (tmp_path / "none.db").exists()


def test_all_formats_from_the_first_table_on_are_written_down(tmp_path):
    """New records are made at one stroke; the steps that lead there must give the same."""
    engine = create_engine(f"sqlite:///{tmp_path / 'steps.db'}")
    with engine.begin() as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        migrate._upgrade(connection, None)
        assert differences(connection) == []
        triggers = connection.exec_driver_sql(
            "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        )
        assert sorted(triggers.scalars()) == ["journal_no_delete", "journal_no_update"]
    engine.dispose()
