"""What lies under a device host's ledger in the simulation: connections that are kept over seeds, and a disk that can be full
and of which a power cut takes the newest writes, back to the last flushed one.

A ledger in memory has no write-ahead log, so the disk keeps one: what was written since it was empty, and where each
transaction that is not flushed (`lab.devices.transaction.unflushed`) begins. When the power goes, the ledger is written again
up to one of these; a transaction that is flushed makes all before it durable, since the log is one sequence.
"""

from __future__ import annotations

import sqlite3
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    import random
    from typing import Self

    from typing_extensions import Buffer

__all__ = ["KeptLedger", "LedgerDisk"]


class KeptLedger(sqlite3.Connection):
    """A connection to a ledger in memory. `close` gives it back for the next `take`, with all that SQLite has prepared: to
    open one and to read its statements for the first time costs more than to use it."""

    _free: ClassVar[list[sqlite3.Connection]] = []

    def __init_subclass__(cls) -> None:
        cls._free = []

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._tables: list[str] = []
        self._given_back = False

    @classmethod
    def take(cls, *args: Any, **more: Any) -> Self:
        """As `sqlite3.connect` makes one, or one that was given back."""
        if not cls._free:
            return cls(*args, **more)
        kept = cls._free.pop()
        assert isinstance(kept, cls)
        kept._given_back = False
        return kept

    def deserialize(self, data: Buffer, /, **more: Any) -> None:
        """Take the place of what is there: once. Later only the rows go, as a statement that was prepared before would be
        taken for good after it (SQLite 3.40), and its check of a STRICT table would read freed memory."""
        if not self._tables:
            super().deserialize(data, **more)
            names = super().execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
            self._tables = [name for (name,) in names.fetchall()]
        self.wipe()

    def wipe(self) -> None:
        """Every row goes."""
        for table in self._tables:
            super().execute(f"DELETE FROM {table}")

    def close(self) -> None:
        """Give it back. Safe to call twice."""
        if not self._given_back:
            self._given_back = True
            if self.in_transaction:
                super().rollback()
            type(self)._free.append(self)


class LedgerDisk(KeptLedger):
    """With such a disk."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.full = False
        """No write succeeds."""
        self._begin_anew()

    def _begin_anew(self) -> None:
        self.full = False
        self._flushes = True
        self._written: list[tuple[str, Any]] = []
        self._unflushed: list[int] = []
        """Where in it transactions begin that a power cut could take."""
        self._began = 0

    def deserialize(self, data: Buffer, /, **more: Any) -> None:
        """As a file that was there from the start."""
        super().deserialize(data, **more)
        self._begin_anew()

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:  # noqa: ANN401 - typeshed's is private
        """As SQLite does; and note what would be lost."""
        kind = _kind(sql)
        if kind == "reads":
            return super().execute(sql, parameters)
        if kind.startswith("flushes"):
            self._flushes = kind == "flushes all"
        elif kind != "rollback" and not self.in_transaction:
            if self.full:
                raise sqlite3.OperationalError("database or disk is full")
            self._began = len(self._written)
            if not self._flushes:
                self._unflushed.append(self._began)
        cursor = super().execute(sql, parameters)
        if kind == "rollback":
            del self._written[self._began :]
        elif kind == "writes":
            self._written.append((sql, parameters))
        if self._flushes and kind in ("writes", "commit") and not self.in_transaction:
            self._unflushed.clear()
        return cursor

    @property
    def unflushed(self) -> int:
        """Transactions that a power cut could take."""
        return len(self._unflushed)

    def lose_power(self, rng: random.Random) -> int:
        """Go back to before some transaction that was not flushed, or to none; how many were lost."""
        keep = rng.randint(0, len(self._unflushed))
        lost = len(self._unflushed) - keep
        if lost:
            del self._written[self._unflushed[keep] :]
            self.wipe()
            for sql, parameters in self._written:
                super().execute(sql, parameters)
        self._unflushed.clear()
        return lost


@cache
def _kind(sql: str) -> str:
    words = sql.upper().split(maxsplit=4)
    match words:
        case ["PRAGMA", "SYNCHRONOUS", _, how, *_]:
            return "flushes all" if how == "FULL" else "flushes later"
        case ["PRAGMA" | "SELECT", *_]:
            return "reads"
        case ["BEGIN" | "COMMIT" | "ROLLBACK" as what, *_]:
            return what.lower()
        case _:
            return "writes"
