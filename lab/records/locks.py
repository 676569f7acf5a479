"""One engine drives a lab at a time: a lock that ends with its process, and a lease that a living one renews.

The lock (of a file beside SQLite, an advisory one in PostgreSQL) goes when its holder dies. A holder that hangs, is paused, or
whose machine vanished from a server keeps it; but it does not renew its lease, so a standby may break the lock. What the old
holder does when it wakes up is stopped by the epoch: the new engine's is higher, in the journal and at every device.
"""

from __future__ import annotations

import fcntl
import logging
import os
from contextlib import suppress
from threading import Event, Thread
from typing import IO, TYPE_CHECKING

from sqlalchemy import make_url, text
from sqlalchemy.exc import DBAPIError

from lab.domain.errors import RefusedError
from lab.records.names import database_path

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Connection, Engine

__all__ = ["LEASE_S", "EngineLock", "LabTakenError", "taken"]

_LOG = logging.getLogger(__name__)

LEASE_S = 10.0
"""Real seconds without a renewal after which a standby may break the lock."""
_RENEW_S = 2.0

_LEASED = "leased"
"""What a lock file says whose holder renews it; others are never broken."""


class LabTakenError(RefusedError):
    """Another engine has the lab."""


class EngineLock:
    """Held until closed. LabTakenError when another engine holds it; with `standby` not if that one's lease is over.

    `leased`: renewed by a thread of its own as long as this process lives.
    """

    def __init__(
        self, url: str, engine: Engine, *, leased: bool = False, standby: bool = False
    ) -> None:
        path = database_path(url)
        self._lock: _FileLock | _ServerLock | None = None
        if path is not None:
            self._lock = _FileLock(path.with_name(path.name + ".lock"))
        elif engine.dialect.name == "postgresql":
            self._lock = _ServerLock(engine)
        self._over = Event()
        self._renewing: Thread | None = None
        if self._lock is not None:
            if not self._lock.take() and not (standby and self._lock.take_stale()):
                self._lock.close()
                raise taken(url)
            if leased:
                self._lock.renew()
                self._renewing = Thread(target=self._renew, name="lease", daemon=True)
                self._renewing.start()

    def _renew(self) -> None:
        while self._lock is not None and not self._over.wait(_RENEW_S):
            try:
                self._lock.renew()
            except (OSError, DBAPIError) as error:
                # Not fatal by itself: if somebody else takes the lab, the next append is refused.
                _LOG.warning("the engine's lease can't be renewed: %s", error)

    def close(self) -> None:
        """Let the lab go. Safe to call twice."""
        self._over.set()
        if self._renewing is not None:
            self._renewing.join()
            self._renewing = None
        if self._lock is not None:
            self._lock.close()
            self._lock = None


class _FileLock:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[str] | None = None

    def take(self) -> bool:
        file = self._path.open("a+", encoding="utf-8")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            return False
        if not self._is_there(file):  # a standby has put another file in its place meanwhile
            file.close()
            return False
        file.truncate(0)
        self._file = file
        return True

    def _is_there(self, file: IO[str]) -> bool:
        with suppress(OSError):
            return os.path.samestat(os.fstat(file.fileno()), self._path.stat())
        return False

    def take_stale(self) -> bool:
        """Put another file in the place of one whose holder no longer renews it. One standby at a time does so."""
        with self._path.with_name(self._path.name + ".guard").open("w", encoding="utf-8") as guard:
            fcntl.flock(guard, fcntl.LOCK_EX)
            # Both times are those of one file system, so no clock is asked.
            os.utime(guard.fileno())
            age = os.fstat(guard.fileno()).st_mtime - self._path.stat().st_mtime
            if age <= LEASE_S or self._path.read_text(encoding="utf-8") != _LEASED:
                return False
            self._path.unlink()
            return self.take()

    def renew(self) -> None:
        if self._file is None:
            return
        if os.fstat(self._file.fileno()).st_size:
            os.utime(self._file.fileno())  # needs no place on a disk that has become full
        else:
            os.write(self._file.fileno(), _LEASED.encode())

    def close(self) -> None:
        if self._file is not None:
            with suppress(OSError):
                fcntl.flock(self._file, fcntl.LOCK_UN)
            self._file.close()
            self._file = None


_KEY = "hashtext('labwright_journal')"
_RENEW = text(
    "INSERT INTO meta VALUES ('lease', extract(epoch FROM clock_timestamp())::text)"
    " ON CONFLICT (key) DO UPDATE SET value = excluded.value"
)
_AGE = text(
    "SELECT extract(epoch FROM clock_timestamp()) - value::numeric FROM meta WHERE key = 'lease'"
)
_END_HOLDER = text(
    f"SELECT pg_terminate_backend(pid, 2000) FROM pg_locks WHERE locktype = 'advisory' AND granted"
    f" AND objsubid = 1 AND ((classid::bigint << 32) | objid::bigint) = {_KEY}::bigint"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


class _ServerLock:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._connection: Connection | None = self._connected()

    def _connected(self) -> Connection:
        # AUTOCOMMIT: held for days, it must not sit in an open transaction and hold back vacuum.
        return self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")

    def take(self) -> bool:
        held = bool(self._ask(f"SELECT pg_try_advisory_lock({_KEY})"))
        if held:
            # A lease that nobody renews is none: the one before may have left it.
            self._ask("DELETE FROM meta WHERE key = 'lease' RETURNING 1")
        return held

    def _ask(self, statement: str) -> object:
        return (
            None if self._connection is None else self._connection.execute(text(statement)).scalar()
        )

    def take_stale(self) -> bool:
        """End the holder's session at the server, if it no longer renews."""
        if self._connection is None:
            return False
        age = self._connection.execute(_AGE).scalar()
        if age is None or float(age) <= LEASE_S:
            return False
        self._connection.execute(_END_HOLDER)
        return self.take()

    def renew(self) -> None:
        """A server that was started again has ended the session, and with it the lock: it is taken anew, if it is free."""
        try:
            if self._connection is None:
                self._connection = self._connected()
                if not self.take():
                    self.close()
                    return  # another engine has it, and the next append is refused
            self._connection.execute(_RENEW)
        except DBAPIError:
            self.close()
            raise

    def close(self) -> None:
        if self._connection is not None:
            # Ends the session: an advisory lock would outlive a connection that only went back to the pool.
            self._connection.invalidate()
            self._connection.close()
            self._connection = None


def taken(url: str) -> LabTakenError:
    """What is said to whoever comes second."""
    return LabTakenError(
        f"another engine already drives the lab of {make_url(url).render_as_string()}",
        hint="wait until it ends, ask it (lab status, lab pause, lab stop), stand by for it (--standby), "
        "or name another database with --db",
    )
