"""Opening the database: SQLite with durable settings or PostgreSQL, schema version checked, one engine at a time."""

from __future__ import annotations

import fcntl
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import quote

from sqlalchemy import URL, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlmodel import Session, SQLModel, col, create_engine, select

from lab.domain.errors import InputError, LabError, RefusedError, UnavailableError
from lab.domain.storage import network_file_system
from lab.records.tables import SCHEMA_VERSION, JournalRow, MetaRow

if TYPE_CHECKING:
    import sqlite3

    from sqlalchemy import Engine

__all__ = ["EngineLock", "database_path", "database_url", "last_row", "open_database"]


def database_url(text: str) -> str:
    """A database as people write it (`.lab/x.db`, `postgresql://...`, `:memory:`) as an SQLAlchemy URL."""
    if text == ":memory:":
        return "sqlite://"
    for short in ("postgres://", "postgresql://"):
        if text.startswith(short):
            # Named, because which PostgreSQL driver a bare URL means differs between SQLAlchemy versions.
            return "postgresql+psycopg://" + text.removeprefix(short)
    if "://" in text:
        return text
    # Only what a URL would read otherwise: options follow a question mark, % begins an escape.
    return "sqlite:///" + text.replace("%", "%25").replace("?", "%3F")


def database_path(url: str) -> Path | None:
    """The file of an SQLite database; None for a server or for memory."""
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise InputError(
            f"{url!r} is not a database",
            hint="write a file (.lab/records.db) or a server (postgresql://user@host/name)",
        ) from error
    if parsed.get_backend_name() != "sqlite" or parsed.database in (None, "", ":memory:"):
        return None
    return Path(str(parsed.database))


def open_database(url: str, *, read_only: bool = False) -> Engine:
    """Open and, unless read-only, create the tables.

    SQLite runs in WAL with synchronous FULL: an intent must outlive a power cut, because the pump's stroke does.
    Raises UnavailableError (no such database, server away, no journal in it), RefusedError (made by a newer
    version, on a network file system) and InputError (a kind of database that Labwright doesn't keep records in).
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
    engine = _connectable(url, path, read_only=read_only)
    try:
        if not read_only:
            SQLModel.metadata.create_all(engine, tables=_TABLES)
        _check_version(engine, url, read_only=read_only)
        if not read_only:
            _forbid_changes(engine)
    except DBAPIError as error:
        engine.dispose()
        hint = (
            "check the path or the server, and that it holds the journal of a lab"
            if read_only
            else "check the path or the server, and that you may write there"
        )
        raise UnavailableError(
            f"the database {make_url(url).render_as_string()} can't be opened: {error.orig}",
            hint=hint,
        ) from error
    except LabError:
        engine.dispose()
        raise
    return engine


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
        options = "-c default_transaction_read_only=on" if read_only else ""
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


def _check_version(engine: Engine, url: str, *, read_only: bool) -> None:
    with Session(engine) as session:
        row = session.get(MetaRow, "schema_version")
        if row is None:
            if not read_only:
                session.add(MetaRow(key="schema_version", value=str(SCHEMA_VERSION)))
                session.commit()
            return
        if int(row.value) > SCHEMA_VERSION:
            raise RefusedError(
                f"the records at {make_url(url).render_as_string()} were written by a newer version of "
                f"Labwright (format {row.value}; this one reads up to {SCHEMA_VERSION})",
                hint="upgrade Labwright, or name another database with --db",
            )


def _forbid_changes(engine: Engine) -> None:
    """The journal is append-only in the database itself, not only by good manners."""
    from sqlalchemy import text

    if engine.dialect.name == "sqlite":
        statements = [
            f"CREATE TRIGGER IF NOT EXISTS journal_no_{verb.lower()} BEFORE {verb} ON journal "
            "BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END"
            for verb in ("UPDATE", "DELETE")
        ]
    else:
        statements = [
            "CREATE OR REPLACE FUNCTION journal_append_only() RETURNS trigger AS "
            "$$ BEGIN RAISE EXCEPTION 'the journal is append-only'; END $$ LANGUAGE plpgsql",
            "CREATE OR REPLACE TRIGGER journal_no_change BEFORE UPDATE OR DELETE ON journal "
            "FOR EACH ROW EXECUTE FUNCTION journal_append_only()",
            "CREATE OR REPLACE TRIGGER journal_no_truncate BEFORE TRUNCATE ON journal "
            "FOR EACH STATEMENT EXECUTE FUNCTION journal_append_only()",
        ]
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))


class EngineLock:
    """One engine drives a lab: an OS lock beside SQLite, an advisory lock in PostgreSQL. Held until closed.

    Raises RefusedError when another engine holds it.
    """

    def __init__(self, url: str, engine: Engine) -> None:
        self._file: IO[str] | None = None
        self._connection: Any = None
        path = database_path(url)
        if path is not None:
            self._file = path.with_name(path.name + ".lock").open("a+", encoding="utf-8")
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                self._file.close()
                raise _taken(url) from error
        elif engine.dialect.name == "postgresql":
            from sqlalchemy import text

            # AUTOCOMMIT: held for days, it must not sit in an open transaction and hold back vacuum.
            self._connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            got = self._connection.execute(
                text("SELECT pg_try_advisory_lock(hashtext('labwright_journal'))")
            ).scalar()
            if not got:
                self._connection.close()
                self._connection = None
                raise _taken(url)

    def close(self) -> None:
        """Let the lab go. Safe to call twice."""
        if self._file is not None:
            with suppress(OSError):
                fcntl.flock(self._file, fcntl.LOCK_UN)
            self._file.close()
            self._file = None
        if self._connection is not None:
            # Ends the session: an advisory lock would outlive a connection that only went back to the pool.
            self._connection.invalidate()
            self._connection.close()
            self._connection = None


def _taken(url: str) -> RefusedError:
    return RefusedError(
        f"another engine already drives the lab of {make_url(url).render_as_string()}",
        hint="wait until it ends, ask it (lab status, lab pause, lab stop), or name another database with --db",
    )


def last_row(engine: Engine) -> JournalRow | None:
    """The newest journal row; None for an empty journal."""
    with Session(engine) as session:
        return session.exec(
            select(JournalRow).order_by(col(JournalRow.seq).desc()).limit(1)
        ).first()
