"""Damage to the journal is found wherever it is: in a body, in what people search by, at the end; and in good time."""

from __future__ import annotations

import json
import sqlite3
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_engine, text
from typer.testing import CliRunner

from lab.cli.main import app
from lab.domain import event as ev
from lab.domain.command import Command
from lab.domain.errors import RefusedError
from lab.records.database import database_url
from lab.records.journal import Journal
from lab.records.reader import open_records
from lab.records.tables import GENESIS_HASH

if TYPE_CHECKING:
    from pathlib import Path

AT = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


def command(run: str) -> Command:
    return Command(
        id="c", run=run, step="s", attempt=1, device="d", action="dispense", effect="once",
        settle="ask", timeout_s=1,
    )  # fmt: skip


EVENTS: list[ev.Event] = [
    ev.LabPaused(actor="Ada", reason="lunch"),
    ev.TrialCompleted(campaign="c-1", trial=1, value=2.0),
    ev.RunFinished(run="c-1/r001", outcome="succeeded", results={}),
    ev.CommandIntended(command=command("c-1/r001")),
    ev.CommandAccepted(command="c", device="d"),
    ev.QuestionAsked(question="q", command="", run="c-1/r001", text='"run":"', choices=("a",)),
    ev.LabPaused(actor="Zoë", reason='{"run":"c-9/r001"} "campaign":"c-9" \\ \n'),
    ev.StepFailed(run='odd "name"/r001', step="s", attempt=1, error="", retry=False),
]


def kept(path: Path) -> list[str]:
    journal = Journal(database_url(str(path)))
    heads = [record.hash for record in journal.append([(event, AT) for event in EVENTS])]
    journal.close()
    return heads


def change(path: Path, statement: str) -> None:
    raw = sqlite3.connect(path)
    raw.execute("DROP TRIGGER IF EXISTS journal_no_update")
    raw.execute("DROP TRIGGER IF EXISTS journal_no_delete")
    raw.execute(statement)
    raw.commit()
    raw.close()


def broken(path: Path) -> int | None:
    with open_records(path) as records:
        return records.first_broken_row()


def test_rows_of_every_shape_are_whole(tmp_path: Path) -> None:
    kept(tmp_path / "lab.db")
    assert broken(tmp_path / "lab.db") is None


@pytest.mark.parametrize("column", ["kind", "campaign", "run", "at", "body", "prev_hash", "hash"])
@pytest.mark.parametrize("row", range(1, len(EVENTS) + 1))
def test_a_change_of_any_column_of_any_row_is_found(tmp_path: Path, column: str, row: int) -> None:
    path = tmp_path / "lab.db"
    kept(path)
    change(path, f"UPDATE journal SET {column} = {column} || 'x' WHERE seq = {row}")
    assert broken(path) == row


def test_a_change_of_the_epoch_is_found(tmp_path: Path) -> None:
    kept(tmp_path / "lab.db")
    change(tmp_path / "lab.db", "UPDATE journal SET epoch = 9 WHERE seq = 4")
    assert broken(tmp_path / "lab.db") == 4


def test_rows_that_were_cut_off_the_end_are_missed_by_a_head_that_was_kept(tmp_path: Path) -> None:
    path = tmp_path / "lab.db"
    heads = kept(path)
    change(path, "DELETE FROM journal WHERE seq > 5")
    with open_records(path) as records:
        assert records.first_broken_row() is None
        assert records.has_head(heads[4])
        assert records.has_head(GENESIS_HASH)
        assert not records.has_head(heads[5])


def test_the_command_says_what_was_cut(tmp_path: Path) -> None:
    path = tmp_path / "lab.db"
    heads = kept(path)
    ask = ["records", "verify", "--db", str(path), "--json", "--head"]
    whole = CliRunner().invoke(app, [*ask, heads[-1]], standalone_mode=False)
    assert json.loads(whole.output) == {"whole": True, "first_broken_row": None, "cut": False}
    assert whole.return_value == 0
    change(path, "DELETE FROM journal WHERE seq > 5")
    cut = CliRunner().invoke(app, [*ask, heads[-1]], standalone_mode=False)
    assert json.loads(cut.output) == {"whole": False, "first_broken_row": None, "cut": True}
    assert cut.return_value == 1


def test_an_engine_that_lost_its_lock_can_write_nothing_more(url: str) -> None:
    """As a paused engine that wakes up, after its connection to the server was cut and another has begun."""
    first = Journal(url)
    first.append([(EVENTS[0], AT)])
    first._lock.close()  # what a cut connection does to an advisory lock
    second = Journal(url)
    with pytest.raises(RefusedError, match="another engine has taken these records"):
        first.append([(EVENTS[1], AT)])
    second.append([(EVENTS[2], AT)])
    assert [record.event for record in second.read()] == [EVENTS[0], EVENTS[2]]
    second.close()
    first.close()


@pytest.mark.system
def test_a_server_that_cuts_the_engine_s_connection_frees_the_lab_and_fences_the_engine(
    postgres: str,
) -> None:
    first = Journal(postgres)
    admin = create_engine(postgres)
    with admin.begin() as connection:
        connection.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE pid <> pg_backend_pid() AND datname = current_database()"
            )
        )
    second = Journal(postgres)
    with pytest.raises(RefusedError, match="another engine has taken these records"):
        first.append([(EVENTS[0], AT)])
    assert second.read() == []
    second.close()
    first.close()
    admin.dispose()
