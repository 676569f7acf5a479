"""Rows to records and back, and the hash that chains them. Pure."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

from pydantic import BaseModel

from lab.domain.event import Event, Recorded, event_from_json
from lab.records.tables import JournalRow

__all__ = [
    "campaign_of",
    "chain_hash",
    "record_from_columns",
    "record_from_row",
    "row_from_event",
]


def chain_hash(prev_hash: str, seq: int, epoch: int, at: str, body: str) -> str:
    """Hex SHA-256 that binds a row to all rows before it."""
    return hashlib.sha256(f"{prev_hash}\n{seq}\n{epoch}\n{at}\n{body}".encode()).hexdigest()


def _named(event: BaseModel, name: str) -> str:
    value = getattr(event, name, "")
    return value if isinstance(value, str) else ""


def campaign_of(named: str, run: str) -> str:
    """The campaign that a row is found by: the one that its event names, or that of its run."""
    return named or run.partition("/")[0]


def row_from_event(
    event: Event, *, seq: int, epoch: int, at: datetime, prev_hash: str
) -> JournalRow:
    """The row that an event becomes. `at` must be aware; it is stored as UTC."""
    stamp = at.astimezone(UTC).isoformat(timespec="microseconds")
    body = event.model_dump_json()
    run = _named(event, "run")
    command = getattr(event, "command", None)
    if not run and isinstance(command, BaseModel):
        run = _named(command, "run")
    campaign = campaign_of(_named(event, "campaign"), run)
    return JournalRow(
        seq=seq,
        epoch=epoch,
        at=stamp,
        kind=event.kind,
        campaign=campaign,
        run=run,
        body=body,
        prev_hash=prev_hash,
        hash=chain_hash(prev_hash, seq, epoch, stamp, body),
    )


def record_from_row(row: JournalRow) -> Recorded:
    """The event with its stamp. pydantic.ValidationError where the body is not an event of this version."""
    return record_from_columns(row.seq, row.epoch, row.at, row.body, row.hash)


def record_from_columns(seq: int, epoch: int, at: str, body: str, hash_: str) -> Recorded:
    """The same of plain columns."""
    return Recorded(
        seq=seq,
        epoch=epoch,
        at=datetime.fromisoformat(at),
        event=event_from_json(body),
        hash=hash_,
    )
