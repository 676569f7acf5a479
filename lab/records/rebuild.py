"""Everything that was computed from the journal, thrown away and computed anew."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import ValidationError
from sqlalchemy.exc import DBAPIError
from sqlmodel import SQLModel

from lab.domain.errors import UnavailableError
from lab.domain.reduce import reduce
from lab.records.database import last_row, open_database
from lab.records.journal import records_of
from lab.records.locks import EngineLock
from lab.records.snapshots import Kept, newest_of, write_snapshot

__all__ = ["Rebuilt", "rebuild"]

_STRIDE = 50_000
"""Rows after which what is over is packed away, so that memory holds no more than so many at once."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What the records hold."""

    rows: int
    campaigns: int
    runs: int


def rebuild(url: str) -> Rebuilt:
    """In one transaction: where it fails, all is as it was.

    Takes the lab's lock meanwhile. Raises RefusedError while an engine has it, UnavailableError where a record can't be
    read.
    """
    engine = open_database(url)
    try:
        lock = EngineLock(url, engine)
        try:
            last = last_row(engine)
            rows = 0 if last is None else last.seq
            kept = Kept()
            with engine.begin() as connection:
                if engine.dialect.name == "sqlite":
                    # Its driver begins a transaction before the first change of rows only, not of tables.
                    connection.exec_driver_sql("BEGIN IMMEDIATE")
                tables = [SQLModel.metadata.tables[name] for name in ("part", "snapshot")]
                SQLModel.metadata.drop_all(connection, tables=tables)
                SQLModel.metadata.create_all(connection, tables=tables)
                while kept.state.seq < rows:
                    state = kept.state
                    try:
                        for record in records_of(connection, state.seq, state.seq + _STRIDE):
                            state = reduce(state, record)
                    except (ValidationError, KeyError, UnicodeDecodeError) as error:
                        raise UnavailableError(
                            f"the records can't be read after event {state.seq}: {error}",
                            hint="lab records verify tells which record is damaged",
                        ) from error
                    write_snapshot(connection, state, kept)
                    kept = newest_of(connection)
            state = kept.state
            return Rebuilt(rows, len(state.campaigns), len(state.runs))
        finally:
            lock.close()
    except DBAPIError as error:
        raise UnavailableError(
            f"the records can't be rebuilt: {error.orig}",
            hint="what was there is still there; lab records verify tells whether the journal is whole",
        ) from error
    finally:
        engine.dispose()
