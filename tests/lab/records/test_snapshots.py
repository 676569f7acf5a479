"""A snapshot is the state, wherever the journal is cut; what is damaged, foreign or old is not used, and nothing is lost."""

from __future__ import annotations

import sqlite3
import zlib
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from lab.domain import event as ev
from lab.domain.errors import RefusedError
from lab.domain.reduce import reduce_all
from lab.domain.state import LabState
from lab.records import journal, snapshots
from lab.records.database import database_url, open_database
from lab.records.journal import Journal, folded
from lab.records.reader import open_records
from lab.records.snapshots import Kept, newest_snapshot, write_snapshot
from tests.golden.plays import PLAYS
from tests.support.plays import keep_play, keep_records
from tests.support.sample_journal import sample_records

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Engine

RECORDS = sample_records()


def same(found: LabState, expected: LabState) -> None:
    """Equal, in the same order, and with the same things open."""
    assert found == expected
    assert list(found.runs) == list(expected.runs)
    assert list(found.campaigns) == list(expected.campaigns)
    assert [run.id for run in found.open_runs()] == [run.id for run in expected.open_runs()]
    assert found.active_campaign == expected.active_campaign


def write(engine: Engine, state: LabState, kept: Kept) -> Kept:
    with engine.begin() as connection:
        return write_snapshot(connection, state, kept)


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    url = database_url(str(tmp_path_factory.mktemp("snapshots") / "lab.db"))
    keep_records(url, RECORDS)
    engine = open_database(url)
    yield engine
    engine.dispose()


@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    cuts=st.lists(st.integers(1, len(RECORDS)), min_size=1, max_size=4, unique=True).map(sorted),
    again=st.booleans(),
)
def test_any_cuts_give_the_state_of_the_whole_fold(sample, cuts, again):
    with sample.begin() as connection:
        connection.execute(text("DELETE FROM snapshot"))
        connection.execute(text("DELETE FROM part"))
    kept, state = Kept(), LabState()
    for cut in cuts:
        state = reduce_all(state, RECORDS[state.seq : cut])
        kept = write(sample, state, kept)
        if again:  # another process goes on with it
            kept = newest_snapshot(sample)
            state = kept.state
            same(state, reduce_all(LabState(), RECORDS[:cut]))
    found = newest_snapshot(sample).state
    assert found.seq == cuts[-1]
    same(folded(sample, found), reduce_all(LabState(), RECORDS))


def test_it_is_folded_in_parts_and_with_no_transaction_open(sample, monkeypatch):
    """A server ends the session of a writer that pauses within one."""
    parts: list[int] = []

    def counted(state: LabState, records: list[ev.Recorded]) -> LabState:
        assert sample.pool.checkedout() == 0
        parts.append(len(records))
        return reduce_all(state, records)

    monkeypatch.setattr(journal, "reduce_all", counted)
    monkeypatch.setattr(journal, "_FOLDED_AT_ONCE", 7)
    same(folded(sample, LabState()), reduce_all(LabState(), RECORDS))
    assert sum(parts) == len(RECORDS)
    assert max(parts) == 7


@pytest.mark.parametrize("play", sorted(PLAYS))
def test_plays_with_people_and_decisions_come_back_from_every_tenth_cut(tmp_path, play):
    url = database_url(str(tmp_path / "lab.db"))
    keep_play(url, play)
    engine = open_database(url)
    journal_end = folded(engine, LabState())
    state, kept = LabState(), Kept()
    with open_records(tmp_path / "lab.db") as records:
        events = list(records.events())
    for cut in range(10, len(events) + 1, 10):
        state = reduce_all(state, events[state.seq : cut])
        kept = write(engine, state, kept)
        found = newest_snapshot(engine).state
        same(found, state)
        same(folded(engine, found), journal_end)
    engine.dispose()


def made(url: str, *, at: tuple[int, ...] = (300, 400)) -> None:
    """A journal with snapshots after these rows."""
    journal = Journal(url)
    journal.append([(record.event, record.at) for record in RECORDS])
    records, state = journal.read(), LabState()
    for seq in at:
        state = reduce_all(state, records[state.seq : seq])
        journal.keep(state)
    journal.close()


def damage(url: str, statement: str, **values: object) -> None:
    engine = open_database(url)
    with engine.begin() as connection:
        connection.execute(text(statement), values)
    engine.dispose()


def start(url: str) -> tuple[int, LabState]:
    """Up to where the newest snapshot that counts goes, and the state of a start."""
    journal = Journal(url)
    try:
        seq = newest_snapshot(journal._engine).state.seq
        return seq, journal.load()
    finally:
        journal.close()


def test_a_start_goes_on_from_the_newest_and_without_it_from_the_one_before(url):
    made(url)
    seq, state = start(url)
    assert seq == 400
    same(state, reduce_all(LabState(), RECORDS))
    damage(url, "UPDATE snapshot SET body = :body WHERE seq = 400", body=b"nonsense")
    assert newest_of(url) == 300
    damage(url, "DROP TABLE part")
    assert newest_of(url) == 0
    same(start(url)[1], state)


@pytest.mark.parametrize(
    ("statement", "seq"),
    [
        ("UPDATE snapshot SET body = :body WHERE seq = 400", 300),
        ("UPDATE snapshot SET head = prev_hash FROM journal WHERE snapshot.seq = 400 AND journal.seq = 400", 300),
        ("UPDATE snapshot SET parts = parts - 1 WHERE seq = 400", 300),
        ("UPDATE snapshot SET version = 'another' WHERE seq = 400", 300),
        ("UPDATE snapshot SET version = 'another'", 0),
        ("UPDATE snapshot SET hash = 'x'", 0),
        ("UPDATE part SET body = :body WHERE number = 1", 0),
        ("UPDATE part SET key = 'nobody' WHERE number = 1", 0),
        ("UPDATE part SET kind = 'sample' WHERE number = 1", 0),
        ("UPDATE part SET body = 'text' WHERE number = 1", 0),
        ("UPDATE part SET place = 'here' WHERE number = 1", 0),
        ("UPDATE part SET key = CAST(x'ff' AS TEXT) WHERE number = 1", 0),
        ("UPDATE snapshot SET body = 'text' WHERE seq = 400", 300),
        ("UPDATE snapshot SET parts = 'all' WHERE seq = 400", 300),
        ("UPDATE snapshot SET digest = CAST(x'ff' AS TEXT) WHERE seq = 400", 0),
        ("DELETE FROM part WHERE number = 1", 0),
        ("DELETE FROM snapshot", 0),
        ("DROP TABLE part", 0),
        ("DROP TABLE snapshot", 0),
    ],
)  # fmt: skip
def test_what_is_damaged_or_foreign_is_not_used_and_the_state_is_the_same(tmp_path, statement, seq):
    url = database_url(str(tmp_path / "lab.db"))
    made(url)
    values = {"body": b"nonsense"} if ":body" in statement else {}
    damage(url, statement, **values)
    found = newest_of(url)
    assert found == seq
    _, state = start(url)
    same(state, reduce_all(LabState(), RECORDS))


def test_an_error_of_this_program_is_not_taken_for_damage(tmp_path, monkeypatch):
    url = database_url(str(tmp_path / "lab.db"))
    made(url)

    def wrong(*_args: object) -> None:
        raise TypeError("a defect")

    monkeypatch.setattr(snapshots, "_shelf", wrong)
    with pytest.raises(TypeError, match="a defect"):
        newest_of(url)


def test_what_is_whole_and_can_t_be_read_is_told_and_not_used(tmp_path, monkeypatch, caplog):
    """As after an upgrade of a library that reads more strictly than the one that wrote."""
    url = database_url(str(tmp_path / "lab.db"))
    made(url, at=(400,))
    damage(url, "UPDATE snapshot SET body = :body", body=zlib.compress(b'{"state": 1}'))
    engine = open_database(url)
    with engine.begin() as connection:
        [found] = connection.execute(text("SELECT * FROM snapshot")).mappings()
        fits = snapshots._hash(snapshots.SnapshotRow(**found))
        connection.execute(text("UPDATE snapshot SET hash = :hash"), {"hash": fits})
    engine.dispose()
    assert newest_of(url) == 0
    assert "the snapshot after row 400 is whole and can't be read" in caplog.text
    assert "ValidationError" in caplog.text
    same(start(url)[1], reduce_all(LabState(), RECORDS))


def newest_of(url: str) -> int:
    """Read-only, so that no table is made anew before it is looked for."""
    engine = open_database(url, read_only=True)
    try:
        return newest_snapshot(engine).state.seq
    finally:
        engine.dispose()


def test_a_snapshot_of_rows_that_were_cut_off_is_not_used(tmp_path):
    url = database_url(str(tmp_path / "lab.db"))
    made(url)
    raw = sqlite3.connect(tmp_path / "lab.db")
    raw.execute("DROP TRIGGER journal_no_delete")
    raw.execute("DELETE FROM journal WHERE seq > 350")
    raw.commit()
    raw.close()
    seq, state = start(url)
    assert seq == 300
    same(state, reduce_all(LabState(), RECORDS[:350]))


def test_other_code_folds_anew_and_writes_its_own(tmp_path, monkeypatch):
    url = database_url(str(tmp_path / "lab.db"))
    made(url)
    monkeypatch.setattr(snapshots, "fold_version", lambda: "newer code")
    assert newest_of(url) == 0
    journal = Journal(url)
    journal.keep(journal.load())
    journal.close()
    engine = open_database(url)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT seq, version FROM snapshot")).all() == [
            (len(RECORDS), "newer code")
        ]
    same(newest_snapshot(engine).state, reduce_all(LabState(), RECORDS))
    engine.dispose()


def test_what_is_over_is_written_once_and_old_snapshots_are_let_go(tmp_path):
    url = database_url(str(tmp_path / "lab.db"))
    made(url, at=(200, 300, 350, 400, 429))
    engine = open_database(url)
    with engine.connect() as connection:
        assert connection.execute(
            text("SELECT seq FROM snapshot ORDER BY seq")
        ).scalars().all() == [
            400,
            429,
        ]
        keys = connection.execute(text("SELECT key FROM part ORDER BY number")).scalars().all()
    runs = [key for key in keys if "/" in key]
    assert len(runs) == len(set(runs)) == 8
    engine.dispose()


def test_the_version_follows_the_code(monkeypatch, tmp_path):
    version = snapshots.fold_version()
    assert len(version) == 64
    (tmp_path / "__init__.py").write_text("")
    (tmp_path / "state.py").write_text("another = 1")
    snapshots.fold_version.cache_clear()
    monkeypatch.setattr(snapshots.domain, "__file__", str(tmp_path / "__init__.py"))
    assert snapshots.fold_version() != version
    snapshots.fold_version.cache_clear()


def test_an_engine_that_was_replaced_writes_no_snapshot(url):
    first = Journal(url)
    first.append([(record.event, record.at) for record in RECORDS[:50]])
    state = first.load()
    first._lock.close()
    second = Journal(url)
    with pytest.raises(RefusedError, match="another engine has taken these records"):
        first.keep(state)
    assert newest_of(url) == 0
    second.keep(second.load())
    assert newest_of(url) == 50
    first.close()
    second.close()


def test_records_in_memory_keep_none():
    journal = Journal(database_url(":memory:"))
    journal.append([(ev.LabPaused(actor="Ada"), RECORDS[0].at)])
    state = journal.load()
    journal.keep(state)
    assert newest_snapshot(journal._engine).state.seq == 0
    assert journal.load() == state
    journal.close()


def test_a_reader_begins_at_a_snapshot_and_reads_facts_from_the_start(tmp_path: Path, monkeypatch):
    url = database_url(str(tmp_path / "lab.db"))
    made(url, at=(400,))
    with open_records(tmp_path / "lab.db") as records:
        plain = {name: list(rows) for name, rows in records.tables().items()}
        same(records.state(), reduce_all(LabState(), RECORDS))
    damage(url, "DELETE FROM snapshot")
    with open_records(tmp_path / "lab.db") as records:
        assert {name: list(rows) for name, rows in records.tables().items()} == plain
