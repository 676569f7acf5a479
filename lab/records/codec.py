"""Rows to records and back, and the hash that chains them. Pure."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from functools import cache
from typing import TypedDict

from pydantic import BaseModel

from lab.domain.event import Event, Recorded, event_from_json

__all__ = [
    "Columns",
    "campaign_of",
    "chain_hash",
    "columns_of_event",
    "record_from_columns",
]


class Columns(TypedDict):
    """A row of the journal (`lab.records.tables.JournalRow`) as the database takes it."""

    seq: int
    epoch: int
    at: str
    kind: str
    campaign: str
    run: str
    body: str
    prev_hash: str
    hash: str


def chain_hash(prev_hash: str, seq: int, epoch: int, at: str, body: str) -> str:
    """Hex SHA-256 that binds a row to all rows before it."""
    return hashlib.sha256(f"{prev_hash}\n{seq}\n{epoch}\n{at}\n{body}".encode()).hexdigest()


@cache
def _named_by(kind: type[BaseModel]) -> frozenset[str]:
    """Which of the names that a row is found by a kind of event has: a missing attribute is dear to ask a model for."""
    return frozenset({"campaign", "run", "command"} & kind.model_fields.keys())


def _named(event: BaseModel, name: str) -> str:
    value = getattr(event, name) if name in _named_by(type(event)) else ""
    return value if isinstance(value, str) else ""


def campaign_of(named: str, run: str) -> str:
    """The campaign that a row is found by: the one that its event names, or that of its run."""
    return named or run.partition("/")[0]


def columns_of_event(
    event: Event, *, seq: int, epoch: int, at: datetime, prev_hash: str
) -> Columns:
    """The columns of the row that an event becomes. `at` must be aware; it is stored as UTC."""
    stamp = at.astimezone(UTC).isoformat(timespec="microseconds")
    body = event.model_dump_json()
    run = _named(event, "run")
    command = getattr(event, "command", None) if "command" in _named_by(type(event)) else None
    if not run and isinstance(command, BaseModel):
        run = _named(command, "run")
    return Columns(
        seq=seq,
        epoch=epoch,
        at=stamp,
        kind=event.kind,
        campaign=campaign_of(_named(event, "campaign"), run),
        run=run,
        body=body,
        prev_hash=prev_hash,
        hash=chain_hash(prev_hash, seq, epoch, stamp, body),
    )


def record_from_columns(seq: int, epoch: int, at: str, body: str, hash_: str) -> Recorded:
    """The event with its stamp. pydantic.ValidationError where the body is not an event of this version."""
    return Recorded(
        seq=seq,
        epoch=epoch,
        at=datetime.fromisoformat(at),
        event=event_from_json(body),
        hash=hash_,
    )
