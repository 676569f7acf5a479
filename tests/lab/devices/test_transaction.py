"""Writes that are in one piece, and flushed where something depends on it."""

from __future__ import annotations

import sqlite3

import pytest

from lab.devices.ledger import CommandLedger
from lab.devices.transaction import transaction, unflushed
from lab.domain.command import Command, Outcome

NORMAL, FULL = 1, 2


@pytest.fixture
def db(tmp_path):
    found = sqlite3.connect(tmp_path / "x.db", isolation_level=None)
    found.execute("PRAGMA journal_mode = WAL")
    found.execute("PRAGMA synchronous = FULL")
    found.execute("CREATE TABLE t (x UNIQUE)")
    yield found
    found.close()


def level(db: sqlite3.Connection) -> int:
    return db.execute("PRAGMA synchronous").fetchone()[0]


def rows(db: sqlite3.Connection) -> list[tuple[int]]:
    return db.execute("SELECT x FROM t").fetchall()


def test_a_transaction_is_kept_whole_or_not_at_all(db):
    with transaction(db):
        db.execute("INSERT INTO t VALUES (1)")
        assert db.in_transaction
    with pytest.raises(sqlite3.IntegrityError), transaction(db):
        db.executemany("INSERT INTO t VALUES (?)", [(2,), (1,)])
    assert rows(db) == [(1,)]
    assert not db.in_transaction


def test_what_is_not_flushed_is_there_all_the_same_and_what_follows_is_flushed(db, tmp_path):
    with unflushed(db), transaction(db):
        assert level(db) == NORMAL
        db.execute("INSERT INTO t VALUES (1)")
    assert level(db) == FULL
    with unflushed(db, unless=True):
        assert level(db) == FULL
    with pytest.raises(ValueError, match="in between"), unflushed(db):
        raise ValueError("in between")
    assert level(db) == FULL
    other = sqlite3.connect(tmp_path / "x.db")
    assert rows(other) == [(1,)]
    other.close()


@pytest.mark.parametrize(
    ("effect", "flushed"), [("once", ["acting", "ended"]), ("absolute", []), ("none", [])]
)
def test_a_ledger_flushes_the_point_of_no_return_and_the_end_of_what_acts_once(
    tmp_path, effect, flushed
):
    ledger = CommandLedger(tmp_path / "ledger.db", identity="l1")
    device = ledger.device("pump")
    device.claim(1, "j1")
    command = Command(
        id="c1", run="r", step="s", attempt=1, device="pump", action="dispense", effect=effect,
        settle="query", timeout_s=1.0,
    )  # fmt: skip
    found: list[str] = []
    now: list[int] = [FULL]

    def look(statement: str) -> None:
        if statement.startswith("PRAGMA synchronous ="):
            now[0] = NORMAL if "NORMAL" in statement else FULL
        for state in ("received", "prepared", "acting", "ended", "refused_forever"):
            wrote = statement.startswith(("UPDATE command SET state", "INSERT OR")) and (
                f"'{state}'" in statement.partition("WHERE")[0]
            )
            if wrote and now[0] == FULL:
                found.append(state)

    ledger._db.set_trace_callback(look)
    once = effect == "once"
    device.receive(command, 1, 1, "j1")
    device.prepare("c1")
    device.act("c1", once=once)
    device.end("c1", Outcome(result="succeeded"), once=once)
    assert found == flushed
    device.refuse("c2", "withdrawn", "", epoch=1, journal="j1")
    assert found == [*flushed, "refused_forever"], "what will never act is never forgotten"
    assert level(ledger._db) == FULL
    ledger.close()
    again = CommandLedger(tmp_path / "ledger.db", identity="l1")
    entry = again.device("pump").entry("c1")
    assert entry is not None
    assert (entry.state, entry.outcome) == ("ended", Outcome(result="succeeded"))
    again.close()
