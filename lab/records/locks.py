"""One engine drives a lab at a time."""

from __future__ import annotations

import fcntl
from contextlib import suppress
from typing import IO, TYPE_CHECKING, Any

from sqlalchemy import make_url

from lab.domain.errors import RefusedError
from lab.records.names import database_path

if TYPE_CHECKING:
    from sqlalchemy import Engine

__all__ = ["EngineLock"]


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
