"""How a ledger's writes become durable: in one piece, and flushed to the disk where something depends on it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Generator

__all__ = ["transaction", "unflushed"]


@contextmanager
def transaction(db: sqlite3.Connection) -> Generator[None]:
    """BEGIN IMMEDIATE ... COMMIT, or ROLLBACK on any error."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")


@contextmanager
def unflushed(db: sqlite3.Connection, *, unless: bool = False) -> Generator[None]:
    """What is written here outlives the process, but a power cut only together with what is flushed after it.

    The write-ahead log is one sequence, so a power cut takes the newest of it and never something before what is left.
    `unless`: flush all the same. Not within a transaction.
    """
    if unless:
        yield
        return
    db.execute("PRAGMA synchronous = NORMAL")
    try:
        yield
    finally:
        db.execute("PRAGMA synchronous = FULL")
