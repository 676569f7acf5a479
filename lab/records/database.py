"""Opening the database: SQLite with durable settings or PostgreSQL, schema version checked, one engine at a time."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from sqlalchemy import URL, event, inspect, make_url, text
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session, SQLModel, col, create_engine, select

from lab.domain.errors import InputError, LabError, RefusedError, UnavailableError
from lab.domain.storage import network_file_system
from lab.records.append_only import append_only
from lab.records.migrate import Migrated, format_of, migrate
from lab.records.names import database_path, database_url
from lab.records.tables import SCHEMA_VERSION, JournalRow, MetaRow

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Generator

    from sqlalchemy import Engine

__all__ = ["database_path", "database_url", "last_row", "migrate_records", "open_database"]


def open_database(url: str, *, read_only: bool = False) -> Engine:
    """Open and, unless read-only, create the tables; a file of an earlier format is brought to this one, after a copy.

    SQLite runs in WAL with synchronous FULL: an intent must outlive a power cut, because the pump's stroke does.
    Raises UnavailableError (no such database, server away, no journal in it), RefusedError (made by a newer
    version, of an earlier format on a server, on a network file system) and InputError (a kind of database that Labwright
    doesn't keep records in).
    """
    path = database_path(url)
    if path is not None:
        if read_only and not path.exists():
            raise UnavailableError(
                f"there are no records at {path}",
                hint="run a campaign first, or name the database with --db",
            )
        if not read_only:
            _refuse_network(path)
            path.parent.mkdir(parents=True, exist_ok=True)
    with _connected(url, path, read_only=read_only) as engine:
        found = _format(engine, url, due=read_only)
        if not read_only:
            if found is not None and found < SCHEMA_VERSION:
                if path is None:
                    raise RefusedError(
                        f"the records at {_said(url)} are of format {found}; this Labwright writes format {SCHEMA_VERSION}",
                        hint="make a backup (pg_dump), then: lab records migrate --db URL",
                    )
                migrate(url, engine, path)
            _create(engine)
    return engine


def migrate_records(url: str) -> Migrated:
    """Bring records of an earlier format to this version's. Raises as `open_database` does."""
    path = database_path(url)
    if path is not None and not path.exists():
        raise UnavailableError(f"there are no records at {path}", hint="name others with --db")
    with _connected(url, path, read_only=False) as engine:
        _format(engine, url, due=True)
        done = migrate(url, engine, path)
    engine.dispose()
    return done


@contextmanager
def _connected(url: str, path: Path | None, *, read_only: bool) -> Generator[Engine]:
    """Freed only where something is wrong, which is then said in people's words."""
    engine = _connectable(url, path, read_only=read_only)
    try:
        yield engine
    except DBAPIError as error:
        engine.dispose()
        hint = (
            "check the path or the server, and that it holds the journal of a lab"
            if read_only
            else "check the path or the server, and that you may write there"
        )
        raise UnavailableError(
            f"the database {_said(url)} can't be opened: {error.orig}", hint=hint
        ) from error
    except LabError:
        engine.dispose()
        raise


def _said(url: str) -> str:
    """Without a password."""
    return make_url(url).render_as_string()


_NO_LONG_PAUSE = "-c idle_in_transaction_session_timeout=10s"
"""A writer that is paused within a transaction keeps the next engine from its epoch, and could still commit: so the server ends
such a session, when about the lease is over too (`lab.records.locks.LEASE_S`)."""
_MOUNTS = Path("/proc/self/mounts")


def _refuse_network(path: Path) -> None:
    mounts = _MOUNTS.read_text(encoding="utf-8") if _MOUNTS.exists() else ""
    kind = network_file_system(str(path.resolve()), mounts)
    if kind:
        raise RefusedError(
            f"the records {path} would lie on a network file system ({kind}), whose locks and whose word that something "
            "is written can't be relied on: a crash could lose or double what was done",
            hint="keep them on a disk of this machine, or in PostgreSQL: --db postgresql://user@host/name",
        )


_TABLES = [SQLModel.metadata.tables[name] for name in ("meta", "journal", "part", "snapshot")]


def _connectable(url: str, path: Path | None, *, read_only: bool) -> Engine:
    if path is None:
        if url in ("sqlite://", "sqlite:///:memory:"):
            from sqlalchemy.pool import StaticPool

            return create_engine(
                url, poolclass=StaticPool, connect_args={"check_same_thread": False}
            )
        if make_url(url).get_backend_name() != "postgresql":
            raise InputError(
                "Labwright keeps its records in SQLite or PostgreSQL, "
                f"not in {make_url(url).get_backend_name()}"
            )
        options = "-c default_transaction_read_only=on" if read_only else _NO_LONG_PAUSE
        return create_engine(url, pool_pre_ping=True, connect_args={"options": options})
    # `mode=ro` can still read a WAL database beside its writer. Quoted for SQLite, which reads it as a URI again.
    file = f"file:{quote(str(path.resolve()))}"
    read = URL.create("sqlite", database=file, query={"mode": "ro", "uri": "true"})
    target = read if read_only else make_url(url)
    engine = create_engine(target, connect_args={"check_same_thread": False, "timeout": 10})

    def on_connect(connection: sqlite3.Connection, _record: object) -> None:
        cursor = connection.cursor()
        if not read_only:
            cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.close()

    event.listen(engine, "connect", on_connect)
    return engine


def _format(engine: Engine, url: str, *, due: bool) -> int | None:
    """The format of the records; None of a new database, where one may be. RefusedError for one of a newer version."""
    if not due and not inspect(engine).has_table("meta"):
        return None
    with engine.connect() as connection:
        found = format_of(connection)
    if found is not None and found > SCHEMA_VERSION:
        raise RefusedError(
            f"the records at {_said(url)} were written by a newer version of "
            f"Labwright (format {found}; this one reads up to {SCHEMA_VERSION})",
            hint="upgrade Labwright, or name another database with --db",
        )
    return found


def _create(engine: Engine) -> None:
    """What is missing of the tables and triggers."""
    SQLModel.metadata.create_all(engine, tables=_TABLES)
    with Session(engine) as session:
        if session.get(MetaRow, "schema_version") is None:
            session.add(MetaRow(key="schema_version", value=str(SCHEMA_VERSION)))
            session.commit()
    with engine.begin() as connection:
        for statement in append_only(engine.dialect.name):
            connection.execute(text(statement))


def last_row(engine: Engine) -> JournalRow | None:
    """The newest journal row; None for an empty journal."""
    with Session(engine) as session:
        return session.exec(
            select(JournalRow).order_by(col(JournalRow.seq).desc()).limit(1)
        ).first()
