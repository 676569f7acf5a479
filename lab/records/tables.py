"""The tables. One append-only journal is the truth; everything else is computed from it."""

from __future__ import annotations

from sqlmodel import Field, SQLModel

__all__ = ["GENESIS_HASH", "SCHEMA_VERSION", "JournalRow", "MetaRow"]

SCHEMA_VERSION = 1
"""Rises with each change of the tables; a database with a higher one is refused."""

GENESIS_HASH = "0" * 64
"""What the first row's `prev_hash` is."""


class MetaRow(SQLModel, table=True):
    """Key and value pairs about the database itself: `schema_version`, `epoch`."""

    __tablename__ = "meta"  # pyright: ignore[reportAssignmentType]

    key: str = Field(primary_key=True)
    value: str


class JournalRow(SQLModel, table=True):
    """One event. `hash` = SHA-256 over prev_hash, seq, epoch, at and body, so a changed byte shows."""

    __tablename__ = "journal"  # pyright: ignore[reportAssignmentType]

    seq: int = Field(primary_key=True)
    epoch: int
    at: str
    """Process time, UTC, ISO 8601 with microseconds."""
    kind: str = Field(index=True)
    campaign: str = Field(default="", index=True)
    run: str = Field(default="", index=True)
    body: str
    """The event as canonical JSON."""
    prev_hash: str
    hash: str
