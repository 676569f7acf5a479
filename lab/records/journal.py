"""The journal: append-only, hash-chained, written by the engine alone.

`Journal` is synchronous and used from one thread; the engine's shell decides which (see `lab.engine.shell`).
One `append` is one durable transaction however many events it holds, so all that waits shares one disk write.
"""

from __future__ import annotations

from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING

from sqlalchemy import insert, make_url, text
from sqlalchemy.exc import (
    DataError,
    DBAPIError,
    NotSupportedError,
    OperationalError,
    ProgrammingError,
)
from sqlmodel import Session, col, select

from lab.domain.errors import RefusedError, UnavailableError
from lab.domain.reduce import reduce_all
from lab.records.codec import columns_of_event, record_from_columns
from lab.records.database import database_path, last_row, open_database
from lab.records.locks import EngineLock, taken
from lab.records.snapshots import newest_snapshot, write_snapshot
from lab.records.tables import GENESIS_HASH, JournalRow, MetaRow

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Engine

    from lab.domain.event import Event, Recorded
    from lab.domain.state import LabState
    from lab.records.codec import Columns
    from lab.records.snapshots import Kept

__all__ = ["Journal", "folded", "raise_epoch", "read_records", "read_rows", "records_of"]

_INSERT = insert(JournalRow)
_EPOCH = select(MetaRow.value).where(col(MetaRow.key) == "epoch").with_for_update(read=True)


_OURS = (ProgrammingError, DataError, NotSupportedError)
"""Errors that tell of this program and not of the database: waiting would hide them."""


@contextmanager
def _told_in_words(url: str, done: str) -> Generator[None]:
    """UnavailableError for what a database or a disk says that is full, away, damaged or in other hands."""
    try:
        yield
    except (DBAPIError, OSError) as error:
        if isinstance(error, _OURS):
            raise
        said = error.orig if isinstance(error, DBAPIError) else error
        raise UnavailableError(
            f"the records {make_url(url).render_as_string()} can't be {done}: {_first_line(said)}",
            hint="make room on the disk, or see that the server runs; then go on: lab resume",
        ) from error


def _first_line(said: object) -> str:
    return str(said).strip().partition("\n")[0]


class Journal:
    """The one writer. Opening it takes the lab's lock and a new epoch, so only one engine can hold it.

    `leased` and `standby`: see `lab.records.locks`.
    """

    def __init__(self, url: str, *, leased: bool = False, standby: bool = False) -> None:
        self.url = url
        self._engine = open_database(url)
        try:
            with _told_in_words(url, "locked"):
                self._lock = EngineLock(url, self._engine, leased=leased, standby=standby)
        except BaseException:
            self._engine.dispose()
            raise
        try:
            with _told_in_words(url, "taken"):
                self.epoch = self._take_epoch()
                last = last_row(self._engine)
        except BaseException:
            self.close()
            raise
        self.seq = 0 if last is None else last.seq
        self.head = GENESIS_HASH if last is None else last.hash
        self._kept: Kept | None = None
        self._keeping = Lock()

    def _take_epoch(self) -> int:
        """LabTakenError where an engine that lost its lock still stands in the midst of a write: until that is over, it
        may become durable, so nothing may be taken over."""
        try:
            return self._next_epoch()
        except OperationalError as error:
            if self._engine.dialect.name == "sqlite" and "locked" in str(error.orig):
                raise taken(self.url) from error
            raise

    def _next_epoch(self) -> int:
        with Session(self._engine) as session:
            row = session.get(MetaRow, "epoch")
            epoch = 1 if row is None else int(row.value) + 1
            if row is None:
                session.add(MetaRow(key="epoch", value=str(epoch)))
            else:
                row.value = str(epoch)
                session.add(row)
            session.commit()
        return epoch

    def append(self, events: Sequence[tuple[Event, datetime]]) -> list[Recorded]:
        """Make events durable in order; returns them as recorded. Nothing is kept if it raises.

        RefusedError where another engine has taken the records meanwhile, as after a cut connection to the server.
        UnavailableError where they can't be written now; `caught_up` then tells whether they were all the same.
        """
        rows: list[Columns] = []
        seq, head = self.seq, self.head
        for event, at in events:
            seq += 1
            row = columns_of_event(event, seq=seq, epoch=self.epoch, at=at, prev_hash=head)
            head = row["hash"]
            rows.append(row)
        # Read back before they are kept: what could not be read would end every later start.
        records = [
            record_from_columns(row["seq"], row["epoch"], row["at"], row["body"], row["hash"])
            for row in rows
        ]
        with _told_in_words(self.url, "written"), self._engine.connect() as connection:
            if self._engine.dialect.name == "sqlite":
                # Its driver begins with the first change: then another engine could come between look and change.
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            self._refuse_outranked(connection)
            if rows:
                connection.execute(_INSERT, rows)
            connection.commit()
        self.seq, self.head = seq, head
        return records

    def caught_up(self) -> list[Recorded]:
        """What this engine has made durable beyond what it was told: of an append whose answer was lost. Raises as `append`
        does."""
        with _told_in_words(self.url, "read"):
            with self._engine.connect() as connection:
                self._refuse_outranked(connection)
            records = self.read(self.seq)
        if records:
            self.seq, self.head = records[-1].seq, records[-1].hash
        return records

    def _refuse_outranked(self, connection: Connection) -> None:
        # Shared, so that the next engine takes its epoch before this transaction or after it, not in between.
        mine = connection.execute(_EPOCH).scalar_one_or_none()
        if mine is None or int(mine) != self.epoch:
            raise RefusedError(
                f"another engine has taken these records: this one was number {self.epoch}, "
                f"now it is {'none' if mine is None else mine}",
                hint="that one goes on with the campaign: lab status tells",
            )

    def load(self) -> LabState:
        """What is true after the last record: the newest snapshot that counts, and what came after it."""
        kept = self._kept = newest_snapshot(self._engine)
        return folded(self._engine, kept.state)

    def keep(self, state: LabState) -> None:
        """Write a snapshot, so that the next start is quick; `state` is one that `load` gave or that came of it.

        May be called from another thread than `append` is. Nothing depends on it: where it fails, nothing is lost.
        """
        if database_path(self.url) is None and self._engine.dialect.name == "sqlite":
            return  # memory, with one connection for all: there is nothing to come back to
        with self._keeping:
            kept = self._kept or newest_snapshot(self._engine)
            with self._engine.connect() as connection:
                self._refuse_outranked(connection)
                kept = write_snapshot(connection, state, kept)
                connection.commit()
            self._kept = kept

    def read(self, after: int = 0) -> list[Recorded]:
        """All records after a sequence number, in order."""
        return list(read_records(self._engine, after))

    def close(self) -> None:
        """Free the lock and the connection. Safe to call twice."""
        self._lock.close()
        self._engine.dispose()


def read_rows(engine: Engine, after: int = 0) -> Iterator[JournalRow]:
    """Rows as stored after a sequence number, in order, without holding them all."""
    with Session(engine) as session:
        statement = (
            select(JournalRow).where(col(JournalRow.seq) > after).order_by(col(JournalRow.seq))
        )
        yield from session.exec(statement).yield_per(1000)


def raise_epoch(url: str, by: int) -> int:
    """Let the next engine start so much higher; returns the epoch that it goes on from.

    Records that came from a backup know nothing of the engines since, whose epochs device hosts have seen: they would refuse
    the next one. Raises RefusedError while an engine has the records.
    """
    engine = open_database(url)
    try:
        lock = EngineLock(url, engine)
        try:
            with Session(engine) as session:
                row = session.get(MetaRow, "epoch") or MetaRow(key="epoch", value="0")
                row.value = str(int(row.value) + by)
                session.add(row)
                session.commit()
                return int(row.value)
        finally:
            lock.close()
    finally:
        engine.dispose()


_RECORDS = text(
    "SELECT seq, epoch, at, body, hash FROM journal WHERE seq > :after AND seq <= :upto ORDER BY seq"
)
_NEVER = 2**62
_FOLDED_AT_ONCE = 5_000


def read_records(engine: Engine, after: int = 0, upto: int = _NEVER) -> Iterator[Recorded]:
    """Records after a sequence number, up to another one where it is given, in order, without holding them all."""
    with engine.connect() as connection:
        yield from records_of(connection, after, upto)


def records_of(connection: Connection, after: int, upto: int) -> Iterator[Recorded]:
    """The same within a transaction."""
    span = {"after": after, "upto": upto}
    # For this statement alone: the connection would keep them for all that comes after.
    options = {"yield_per": 1000}
    with connection.execute(_RECORDS, span, execution_options=options) as rows:
        for seq, epoch, at, body, hash_ in rows:
            yield record_from_columns(seq, epoch, at, body, hash_)


def folded(engine: Engine, state: LabState) -> LabState:
    """The state after the last record, from that after an earlier one.

    Folded between transactions and not within one: a server ends a session of ours that pauses in it.
    """
    while records := list(read_records(engine, state.seq, state.seq + _FOLDED_AT_ONCE)):
        state = reduce_all(state, records)
    return state
