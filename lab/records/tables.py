"""The tables. One append-only journal is the truth; everything else is computed from it."""

from __future__ import annotations

from sqlmodel import Field, SQLModel

__all__ = [
    "GENESIS_HASH",
    "SCHEMA_VERSION",
    "JournalRow",
    "MetaRow",
    "PartRow",
    "SnapshotRow",
]

SCHEMA_VERSION = 2
"""Rises with each change of the tables, with a module in `lab.records.migrations`; a higher one is refused."""

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


class PartRow(SQLModel, table=True):
    """A run or a campaign that is over, as the state holds it. A later part with the same key replaces it."""

    __tablename__ = "part"  # pyright: ignore[reportAssignmentType]

    number: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    """From 1 without gaps."""
    kind: str
    """`run` or `campaign`."""
    key: str
    place: int
    """Among all of its kind, from 0 in the order in which they began."""
    body: bytes
    """Deflated JSON."""


class SnapshotRow(SQLModel, table=True):
    """The state after the journal row `seq`, so that a start needs not read what went before; see `lab.records.snapshots`."""

    __tablename__ = "snapshot"  # pyright: ignore[reportAssignmentType]

    seq: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    head: str
    """Hash of that journal row."""
    version: str
    """Fingerprint of the code that made it: no other may use it."""
    parts: int
    """How many parts belong to it."""
    digest: str
    """SHA-256 over these parts."""
    body: bytes
    """All that is not over: deflated JSON."""
    hash: str
    """SHA-256 over all of the above."""
