"""The disk under a device host's ledger: it can be full, and a power cut takes the newest writes, back to the last flushed one.

A ledger in memory has no write-ahead log. Its connection keeps a picture of the database before each transaction that is not
flushed (`lab.devices.transaction.unflushed`), and puts one of them back when the power goes; a transaction that is flushed
makes all before it durable, since the log is one sequence.
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import random

__all__ = ["LedgerDisk"]


class LedgerDisk(sqlite3.Connection):
    """A connection to a ledger in memory, with such a disk."""

    def __init__(self, *args: Any, **more: Any) -> None:
        # None are kept: SQLite (3.40) takes a statement that was prepared before `deserialize` for good after it, and its
        # check of a STRICT table then reads freed memory.
        super().__init__(*args, **{**more, "cached_statements": 0})
        self._flushes = True
        self._before: list[bytes] = []
        self.full = False
        """No write succeeds."""

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:  # noqa: ANN401 - typeshed's is private
        """As SQLite does; and note what would be lost."""
        words = sql.upper().split(maxsplit=4)
        if words[:2] == ["PRAGMA", "SYNCHRONOUS"]:
            self._flushes = words[3] == "FULL"
        begins = not self.in_transaction and words[0] not in ("PRAGMA", "SELECT")
        if begins and self.full:
            raise sqlite3.OperationalError("database or disk is full")
        if begins and not self._flushes:
            self._before.append(self.serialize())
        cursor = super().execute(sql, parameters)
        ends = not self.in_transaction and words[0] not in ("PRAGMA", "SELECT", "ROLLBACK")
        if ends and self._flushes:
            self._before.clear()
        return cursor

    @property
    def unflushed(self) -> int:
        """Transactions that a power cut could take."""
        return len(self._before)

    def lose_power(self, rng: random.Random) -> int:
        """Go back to before some transaction that was not flushed, or to none; how many were lost."""
        keep = rng.randint(0, len(self._before))
        lost = len(self._before) - keep
        if lost:
            self.deserialize(self._before[keep])
        self._before.clear()
        return lost
