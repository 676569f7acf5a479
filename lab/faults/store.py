"""A database in memory whose disk fails in every way that one does; the journal's rows and nothing else.

`Database` is what outlives processes; `MemoryJournal` is one engine's hold on it, with the contract of
`lab.records.journal.Journal` (see its tests).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from lab.domain.errors import RefusedError, UnavailableError
from lab.domain.event import Event, Recorded, event_from_json
from lab.domain.reduce import reduce_all
from lab.domain.state import LabState
from lab.records.codec import chain_hash
from lab.records.tables import GENESIS_HASH

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

    from lab.faults.knobs import StoreKnobs
    from lab.faults.loop import Process
    from lab.faults.story import Story

__all__ = ["Database", "DiskError", "MemoryJournal", "Row"]


class DiskError(UnavailableError):
    """The database can't do it now."""


@dataclass(frozen=True, slots=True)
class Row:
    """One durable event, as in `lab.records.tables.JournalRow`."""

    seq: int
    epoch: int
    at: str
    body: str
    prev_hash: str
    hash: str


@dataclass(slots=True)
class Database:
    """Rows, the last epoch, and who holds the lock. `calm` ends its faults."""

    rng: random.Random
    knobs: StoreKnobs
    story: Story
    rows: list[Row] = field(default_factory=list[Row])
    committed_s: list[float] = field(default_factory=list[float])
    """Virtual seconds at which each row became durable."""
    epoch: int = 0
    holder: Process | None = None
    calm: bool = False
    full_until_s: float = 0.0
    """Virtual second at which there is room on the disk again."""
    _durable: tuple[int, int] = (0, 0)
    """Rows and epoch that a power cut can't take."""

    def fails(self) -> str:
        """How this commit goes wrong: before (nothing is kept), after (all is kept, the answer is lost), or not."""
        knobs = self.knobs
        if self.story.now() < self.full_until_s and not self.calm:
            return "before"
        if self.calm or self.rng.random() >= knobs.fails:
            return ""
        return "after" if self.rng.random() < knobs.after else "before"

    def commit(self, rows: Sequence[Row]) -> None:
        """All rows or none. DiskError where one is there already, as the primary key says."""
        if rows and rows[0].seq != len(self.rows) + 1:
            raise DiskError(f"row {rows[0].seq} is there already")
        self.rows += rows
        self.committed_s += [self.story.now()] * len(rows)

    def flush(self) -> None:
        """What was written is on the disk, as after each commit with `synchronous = FULL`."""
        self._durable = len(self.rows), self.epoch

    def lose_power(self) -> None:
        """What was not flushed is gone."""
        rows, self.epoch = self._durable
        lost = len(self.rows) - rows
        if lost:
            self.story.tell("database", f"loses {lost} rows that were not flushed")
        del self.rows[rows:], self.committed_s[rows:]


class MemoryJournal:
    """Opening it takes the lock and a new epoch. RefusedError while a living process holds it."""

    def __init__(self, database: Database, process: Process) -> None:
        holder = database.holder
        if holder is not None and holder is not process and holder.alive:
            raise RefusedError("another engine already drives this lab")
        if database.fails():
            raise DiskError("the database can't be opened")
        self._database = database
        self._process = process
        database.holder = process
        database.epoch += 1
        database.flush()
        self.epoch = database.epoch
        self.seq = len(database.rows)
        self.head = database.rows[-1].hash if database.rows else GENESIS_HASH

    def append(self, events: Sequence[tuple[Event, datetime]]) -> list[Recorded]:
        """Make events durable in order. RefusedError where another engine has taken the records; DiskError where the database
        says that it can't, which may be untrue."""
        self._refuse_outranked()
        seq, head = self.seq, self.head
        rows: list[Row] = []
        records: list[Recorded] = []
        for event, at in events:
            seq += 1
            stamp = at.astimezone(UTC).isoformat(timespec="microseconds")
            body = event.model_dump_json()
            digest = chain_hash(head, seq, self.epoch, stamp, body)
            rows.append(Row(seq, self.epoch, stamp, body, head, digest))
            head = digest
            records.append(Recorded(seq=seq, epoch=self.epoch, at=at, event=event, hash=digest))
        how = self._database.fails()
        if how == "before":
            self._database.story.tell("database", "a commit fails")
            raise DiskError("the disk is full")
        self._database.commit(rows)
        self._database.flush()
        if how == "after":
            self._database.story.tell("database", "a commit is done, its answer is lost")
            raise DiskError("the connection was lost at commit")
        self.seq, self.head = seq, head
        return records

    def caught_up(self) -> list[Recorded]:
        """What was made durable beyond what this engine was told."""
        self._refuse_outranked()
        if self._database.fails():
            raise DiskError("the connection is lost")
        records = self.read(self.seq)
        if records:
            self.seq, self.head = records[-1].seq, records[-1].hash
        return records

    def _refuse_outranked(self) -> None:
        if self._database.epoch != self.epoch:
            raise RefusedError("another engine has taken these records")

    def read(self, after: int = 0) -> list[Recorded]:
        """All records after a sequence number, in order."""
        return [
            Recorded(
                seq=row.seq,
                epoch=row.epoch,
                at=datetime.fromisoformat(row.at),
                event=event_from_json(row.body),
                hash=row.hash,
            )
            for row in self._database.rows[after:]
        ]

    def load(self) -> LabState:
        """What is true after the last record."""
        return reduce_all(LabState(), self.read())

    def keep(self, state: LabState) -> None:
        """Nothing: snapshots only make a start quicker."""

    def close(self) -> None:
        """Free the lock. Safe to call twice."""
        if self._database.holder is self._process:
            self._database.holder = None
