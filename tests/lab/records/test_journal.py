"""The journal on real files, and the same promises on PostgreSQL where a server answers."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, JsonValue
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError, OperationalError, ProgrammingError
from sqlmodel import Session

from lab.domain import event as ev
from lab.domain.errors import InputError, RefusedError, UnavailableError
from lab.domain.plan import Binding, Formula
from lab.records import database
from lab.records.database import database_path, database_url, open_database
from lab.records.journal import Journal, _told_in_words
from lab.records.reader import open_records
from lab.records.verify import first_broken_row

AT = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


def paused(actor: str, reason: str = "") -> ev.LabPaused:
    return ev.LabPaused(actor=actor, reason=reason)


def test_appends_are_numbered_stamped_and_chained(url):
    journal = Journal(url)
    first, second = journal.append([(paused("Ada"), AT), (ev.LabResumed(actor="Ada"), AT)])
    (third,) = journal.append([(paused("Bo"), AT + timedelta(seconds=1))])
    assert [r.seq for r in (first, second, third)] == [1, 2, 3]
    assert journal.head == third.hash != first.hash
    assert journal.read() == [first, second, third]
    assert journal.read(after=2) == [third]
    journal.close()
    journal.close()


def test_times_are_kept_as_utc_to_the_microsecond(url):
    journal = Journal(url)
    at = datetime(2026, 3, 2, 9, 0, 0, 123456, tzinfo=timezone(timedelta(hours=1)))
    journal.append([(paused("Ada"), at)])
    (found,) = journal.read()
    assert found.at == at
    assert found.at.utcoffset() == timedelta(0)
    journal.close()


def test_epoch_and_numbers_go_on_after_a_restart(url):
    first = Journal(url)
    first.append([(paused("Ada"), AT)])
    head, epoch = first.head, first.epoch
    first.close()
    second = Journal(url)
    assert (second.epoch, second.seq, second.head) == (epoch + 1, 1, head)
    (record,) = second.append([(ev.LabResumed(actor="Ada"), AT)])
    assert (record.seq, record.epoch) == (2, epoch + 1)
    second.close()


def test_a_second_engine_is_refused_until_the_first_ends(url):
    first = Journal(url)
    with pytest.raises(RefusedError, match="another engine already drives the lab") as refused:
        Journal(url)
    assert "--db" in refused.value.hint
    epoch = first.epoch
    first.close()
    second = Journal(url)
    assert second.epoch == epoch + 1  # the refused one took no epoch
    second.close()


@pytest.mark.parametrize(
    "statement",
    ["UPDATE journal SET kind = 'x'", "DELETE FROM journal", "UPDATE journal SET seq = 9"],
)
def test_the_database_itself_refuses_changes(url, statement):
    journal = Journal(url)
    journal.append([(paused("Ada"), AT)])
    engine = create_engine(url)
    with pytest.raises(DBAPIError, match="append-only"), engine.begin() as connection:
        connection.execute(text(statement))
    engine.dispose()
    assert len(journal.read()) == 1
    journal.close()


@pytest.mark.system
def test_postgresql_refuses_truncate(postgres):
    journal = Journal(postgres)
    journal.append([(paused("Ada"), AT)])
    engine = create_engine(postgres)
    with pytest.raises(DBAPIError, match="append-only"), engine.begin() as connection:
        connection.execute(text("TRUNCATE journal"))
    engine.dispose()
    journal.close()


def test_readers_may_not_write(url):
    Journal(url).close()
    engine = open_database(url, read_only=True)
    with pytest.raises(DBAPIError, match=r"(?i)read-?only"), engine.begin() as connection:
        connection.execute(text("INSERT INTO meta (key, value) VALUES ('a', 'b')"))
    engine.dispose()


def test_nothing_is_kept_of_an_append_that_fails(url):
    journal = Journal(url)
    journal.append([(paused("Ada"), AT)])
    journal.seq = 0  # as if the answer to that had been lost: the number is taken
    with pytest.raises(UnavailableError, match="can't be written") as told:
        journal.append([(paused("Bo"), AT), (paused("Cy"), AT)])
    assert "make room" in told.value.hint
    assert [r.event for r in journal.read()] == [paused("Ada")]
    assert journal.seq == 0
    journal.close()


def test_what_was_made_durable_though_its_answer_was_lost_is_caught_up_with(url):
    journal = Journal(url)
    first = journal.append([(paused("Ada"), AT)])
    seq, head = journal.seq, journal.head
    late = journal.append([(paused("Bo"), AT), (paused("Cy"), AT)])
    assert journal.caught_up() == []
    journal.seq, journal.head = seq, head
    assert journal.caught_up() == late
    more = journal.append([(paused("Di"), AT)])
    assert journal.read() == [*first, *late, *more]
    with Session(journal._engine) as session:
        session.execute(text("UPDATE meta SET value = '7' WHERE key = 'epoch'"))
        session.commit()
    with pytest.raises(RefusedError, match="another engine has taken these records"):
        journal.caught_up()
    journal.close()


def test_an_error_of_ours_is_not_taken_for_one_of_the_database(url):
    journal = Journal(url)
    with pytest.raises(ProgrammingError), _told_in_words(url, "written"):
        raise ProgrammingError("SELECT", {}, Exception("no such column"))
    full = OperationalError("INSERT", {}, Exception("disk full\nLINE 1"))
    with (
        pytest.raises(UnavailableError, match=r"can't be written: disk full$"),
        _told_in_words(url, "written"),
    ):
        raise full
    with pytest.raises(UnavailableError, match="No space left"), _told_in_words(url, "locked"):
        raise OSError(28, "No space left on device")
    journal.close()


def test_records_of_a_newer_version_are_refused(url):
    Journal(url).close()
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE meta SET value = '99' WHERE key = 'schema_version'"))
    engine.dispose()
    for attempt in (Journal, open_records):
        with pytest.raises(RefusedError, match="newer version") as refused:
            attempt(url)
        assert "upgrade" in refused.value.hint


def test_a_chain_is_whole_until_somebody_cuts_a_row_out(url):
    journal = Journal(url)
    journal.append([(paused(f"person {n}"), AT) for n in range(5)])
    journal.close()
    engine = create_engine(url)
    assert first_broken_row(engine) is None
    with engine.begin() as connection:
        drop = (
            "DROP TRIGGER journal_no_delete"
            if url.startswith("sqlite")
            else ("DROP TRIGGER journal_no_change ON journal")
        )
        connection.execute(text(drop))
        connection.execute(text("DELETE FROM journal WHERE seq = 3"))
    assert first_broken_row(engine) == 4
    engine.dispose()


# -- SQLite alone ----------------------------------------------------------------------------------


def _flip(path: Path, marker: bytes, mask: int) -> None:
    """Flip bits of the first byte of `marker` in the database file itself, as a bad disk does."""
    content = bytearray(path.read_bytes())
    at = content.index(marker)
    content[at] ^= mask
    path.write_bytes(bytes(content))


@pytest.mark.parametrize(
    "mask", [pytest.param(0x01, id="another letter"), pytest.param(0x80, id="no longer text")]
)
def test_one_flipped_byte_is_found(tmp_path, mask):
    path = tmp_path / "lab.db"
    journal = Journal(database_url(str(path)))
    journal.append([(paused("Ada", f"reason number {n:04d}"), AT) for n in range(2500)])
    journal.close()
    raw = sqlite3.connect(path)
    raw.execute("DROP TRIGGER journal_no_update")
    raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    raw.execute("PRAGMA journal_mode=DELETE")
    raw.close()
    with open_records(path) as records:
        assert records.first_broken_row() is None
    _flip(path, b"number 1776", mask)
    with open_records(path) as records:
        assert records.first_broken_row() == 1777  # n counts from 0, rows from 1


def test_a_rewritten_body_is_found_though_it_reads_well(tmp_path):
    path = tmp_path / "lab.db"
    journal = Journal(database_url(str(path)))
    journal.append([(paused("Ada", "first"), AT), (paused("Bo"), AT), (paused("Cy"), AT)])
    journal.close()
    raw = sqlite3.connect(path)
    raw.execute("DROP TRIGGER journal_no_update")
    raw.execute("UPDATE journal SET body = replace(body, 'Bo', 'Di') WHERE seq = 2")
    raw.commit()
    raw.close()
    with open_records(path) as records:
        assert [r.event.actor for r in records.events()] == ["Ada", "Di", "Cy"]  # pyright: ignore
        assert records.first_broken_row() == 2


def test_a_missing_database_says_so(tmp_path):
    with pytest.raises(UnavailableError, match="there are no records at") as missing:
        open_records(tmp_path / "none.db")
    assert "run a campaign first" in missing.value.hint
    assert not (tmp_path / "none.db").exists()


def test_a_file_that_is_no_database_says_so(tmp_path):
    path = tmp_path / "notes.db"
    path.write_text("these are my notes, " * 100)
    for attempt in (open_records, lambda p: Journal(database_url(str(p)))):
        with pytest.raises(UnavailableError, match="can't be opened: file is not a database"):
            attempt(path)


def test_a_database_of_something_else_says_so(tmp_path):
    path = tmp_path / "other.db"
    raw = sqlite3.connect(path)
    raw.execute("CREATE TABLE music (title TEXT)")
    raw.close()
    with pytest.raises(UnavailableError, match="no such table: meta") as wrong:
        open_records(path)
    assert "journal of a lab" in wrong.value.hint


def test_records_on_a_network_file_system_are_refused(tmp_path, monkeypatch):
    mounts = tmp_path / "mounts"
    mounts.write_text(f"/dev/a / ext4 rw 0 0\nserver:/x {tmp_path.resolve()}/far cifs rw 0 0\n")
    monkeypatch.setattr(database, "_MOUNTS", mounts)
    with pytest.raises(RefusedError, match=r"network file system \(cifs\)") as refused:
        Journal(database_url(str(tmp_path / "far" / "lab.db")))
    assert "postgresql://" in refused.value.hint
    assert not (tmp_path / "far").exists()
    Journal(database_url(str(tmp_path / "near.db"))).close()
    monkeypatch.setattr(database, "_MOUNTS", tmp_path / "a system without such a table")
    Journal(database_url(str(tmp_path / "far" / "lab.db"))).close()


def test_a_server_that_is_away_says_so_without_the_password():
    with pytest.raises(UnavailableError) as away:
        open_records("postgresql://ada:secret@127.0.0.1:1/lab")
    assert "can't be opened" in away.value.message
    assert "secret" not in str(away.value)


@pytest.mark.parametrize("text", ["mysql://root@127.0.0.1/x", "nonsense://x"])
def test_other_databases_are_refused(text):
    with pytest.raises(InputError):
        open_records(text)


def test_what_people_write_as_database():
    assert database_url(":memory:") == "sqlite://"
    assert database_url(".lab/x.db") == "sqlite:///.lab/x.db"
    assert database_url("postgres://u@h/d") == "postgresql+psycopg://u@h/d"
    assert database_path("sqlite:////var/lab.db") == Path("/var/lab.db")
    assert database_path("sqlite://") is None
    assert database_path("postgresql://h/d") is None
    assert database_path(database_url("what? 100%25.db")) == Path("what? 100%25.db")


def test_a_journal_in_memory_needs_no_lock():
    journal = Journal(database_url(":memory:"))
    journal.append([(paused("Ada"), AT)])
    assert len(journal.read()) == 1
    journal.close()


# -- every event survives ------------------------------------------------------------------------

_NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | _NUMBERS | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2)
    ),
    max_leaves=4,
)


def _values_of(annotation: Any) -> st.SearchStrategy[Any]:
    """Values of a field's type; whole models built field by field, so that every field is exercised."""
    if annotation is JsonValue:
        return _JSON
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return st.sampled_from(inner)
    if origin in (Union, UnionType):
        return st.one_of(*(_values_of(part) for part in inner))
    if origin is tuple and inner[-1] is not Ellipsis:
        return st.tuples(*(_values_of(part) for part in inner))
    if origin is tuple:
        return st.lists(_values_of(inner[0]), max_size=2).map(tuple)
    if origin is dict:
        keys = st.text(max_size=4) if inner[0] is str else _values_of(inner[0])
        return st.dictionaries(keys, _values_of(inner[1]), max_size=2)
    if annotation is Formula:
        # Formulas nest in one another by way of their bindings.
        names = st.dictionaries(st.text(max_size=4), st.just(Binding(value=1.5)), max_size=2)
        return st.builds(Formula, expression=st.just("a"), names=names, rows=st.none())
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return _models(annotation)
    plain = {
        str: st.text(
            st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12
        ),
        int: st.integers(-(2**53), 2**53),
        float: _NUMBERS,
        bool: st.booleans(),
        type(None): st.none(),
        datetime: st.datetimes(datetime(1990, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)),
    }
    return plain[annotation]


def _models(model: type[BaseModel]) -> st.SearchStrategy[Any]:
    fields = {name: _values_of(field.annotation) for name, field in model.model_fields.items()}
    return st.builds(model, **fields)


_KINDS = get_args(get_args(ev.Event)[0])
_EVENTS = st.one_of(*(_models(kind) for kind in _KINDS))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    event=_EVENTS,
    at=st.datetimes(datetime(1990, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)),
)
def test_every_event_comes_back_as_it_was(tmp_path_factory, event, at):
    journal = _shared_journal(tmp_path_factory)
    (record,) = journal.append([(event, at)])
    assert record.event == event
    assert record.at == at
    assert journal.read(after=record.seq - 1) == [record]


_JOURNALS: list[Journal] = []


def _shared_journal(factory) -> Journal:
    """One file for all examples."""
    if not _JOURNALS:
        _JOURNALS.append(Journal(database_url(str(factory.mktemp("round_trip") / "lab.db"))))
    return _JOURNALS[0]


@pytest.fixture(autouse=True, scope="module")
def _close_shared():
    yield
    while _JOURNALS:
        journal = _JOURNALS.pop()
        assert first_broken_row(journal._engine) is None
        journal.close()
