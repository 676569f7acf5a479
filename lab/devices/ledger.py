"""The command ledger of a device host: what it was told, what it began, how it ended; in a small SQLite file.

A command passes through `received` > `prepared` > `acting` > `ended`. What a crash leaves in `received` or `prepared`
certainly did nothing; in `acting` it may have acted and must be settled (`settled`). `refused_forever` ids never act,
however late a copy arrives. Each call is durable when it returns (WAL, synchronous=FULL), and takes about one disk
flush; the API is synchronous on purpose: between a check and its record nothing else runs.

One process at a time may open a ledger file: a second device host on the same devices could act twice.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

from lab.domain.command import Command, Outcome, Settlement
from lab.domain.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["CommandLedger", "DeviceLedger", "LedgerEntry", "LedgerState", "SafeRecord"]

LedgerState = Literal["received", "prepared", "acting", "ended", "settled", "refused_forever"]

_KEPT = 1000
_SLACK = 100
"""Closed commands of a device that are kept whatever the engine says, and how many more may gather before the rest goes."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS command (
    device TEXT NOT NULL, id TEXT NOT NULL, state TEXT NOT NULL, epoch INTEGER NOT NULL, seq INTEGER NOT NULL,
    command TEXT, outcome TEXT, settlement TEXT, reason TEXT NOT NULL DEFAULT '', detail TEXT NOT NULL DEFAULT '',
    act_order INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (device, id)
) STRICT;
CREATE TABLE IF NOT EXISTS epoch (device TEXT PRIMARY KEY, epoch INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS seq (
    device TEXT NOT NULL, epoch INTEGER NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (device, epoch)
) STRICT;
CREATE TABLE IF NOT EXISTS safe_request (
    device TEXT NOT NULL, id TEXT NOT NULL, armed INTEGER NOT NULL, confirmed INTEGER NOT NULL, detail TEXT NOT NULL,
    PRIMARY KEY (device, id)
) STRICT;
CREATE TABLE IF NOT EXISTS charge (device TEXT PRIMARY KEY, somebody INTEGER NOT NULL) STRICT;
PRAGMA user_version = 1;
"""


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One command as the ledger knows it. `act_order` counts the device's acts; 0 when it never began."""

    id: str
    state: LedgerState
    epoch: int
    seq: int
    command: Command | None
    outcome: Outcome | None
    settlement: Settlement | None
    reason: str
    detail: str
    act_order: int


@dataclass(frozen=True, slots=True)
class SafeRecord:
    """A request to make the device safe, in force until it is lifted. `confirmed` by the device, or not yet."""

    id: str
    confirmed: bool
    detail: str


class CommandLedger:
    """The file. `device(name)` gives the part of one device."""

    def __init__(self, path: Path | str = ":memory:") -> None:
        """Open or create. UnavailableError when it can't be opened, is damaged, or another process holds it."""
        hint = "end the other device host, or choose another ledger file; never delete a ledger with open commands"
        try:
            if str(path) != ":memory:":
                Path(path).parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(str(path), isolation_level=None, timeout=2.0)
        except (sqlite3.Error, OSError) as error:
            raise UnavailableError(f"command ledger {path}: {error}", hint=hint) from error
        try:
            # The exclusive lock is taken by the first write and held until close.
            self._db.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = FULL")
            self._db.executescript(_SCHEMA)
            self._db.execute("BEGIN IMMEDIATE")
            self._db.execute("COMMIT")
        except sqlite3.Error as error:
            self._db.close()
            raise UnavailableError(f"command ledger {path}: {error}", hint=hint) from error

    def device(self, name: str) -> DeviceLedger:
        """The part of one device."""
        return DeviceLedger(self._db, name)

    def close(self) -> None:
        """Free the file. Safe to call twice."""
        self._db.close()


class DeviceLedger:
    """One device's part of a ledger. RuntimeError for a step that the order of states forbids."""

    def __init__(self, db: sqlite3.Connection, device: str) -> None:
        self._db = db
        self._device = device

    # -- epochs and sequence numbers ------------------------------------------------------------

    def epoch(self) -> int:
        """The highest epoch seen; 0 before the first."""
        return self._number("SELECT epoch FROM epoch WHERE device = ?", (self._device,))

    def raise_epoch(self, epoch: int) -> None:
        """Remember a higher epoch; lower ones change nothing."""
        self._db.execute(
            "INSERT INTO epoch VALUES (?, ?) ON CONFLICT (device) DO UPDATE SET epoch = excluded.epoch"
            " WHERE excluded.epoch > epoch.epoch",
            (self._device, epoch),
        )

    def last_seq(self, epoch: int) -> int:
        """The highest sequence number taken in an epoch; -1 before the first."""
        return self._number(
            "SELECT seq FROM seq WHERE device = ? AND epoch = ?", (self._device, epoch), -1
        )

    # -- who is in charge -----------------------------------------------------------------------

    def is_in_charge(self) -> bool:
        """Whether an engine is in charge of the device, and has not left it in order."""
        return self._number("SELECT somebody FROM charge WHERE device = ?", (self._device,)) == 1

    def in_charge(self, somebody: bool) -> None:
        """Remember it; it outlives restarts."""
        self._db.execute(
            "INSERT OR REPLACE INTO charge VALUES (?, ?)", (self._device, int(somebody))
        )

    # -- commands -------------------------------------------------------------------------------

    def entry(self, command_id: str) -> LedgerEntry | None:
        """What is known of a command; None when it was never seen."""
        rows = self._entries("id = ?", command_id)
        return rows[0] if rows else None

    def interrupted(self) -> list[LedgerEntry]:
        """Commands that were accepted and have not ended, oldest first: all of them, right after a start."""
        return self._entries("state IN ('received', 'prepared', 'acting')")

    def acted_since(self, entry: LedgerEntry) -> bool:
        """Whether the device began another act after that one, so that its counters no longer tell."""
        return (
            self._number("SELECT MAX(act_order) FROM command WHERE device = ?", (self._device,))
            > entry.act_order
        )

    def receive(self, command: Command, epoch: int, seq: int) -> None:
        """Accept a command and take its sequence number, in one transaction.

        An id is accepted once. Only what reads or sets a state (effect none, absolute) and was interrupted may be
        accepted anew.
        """
        with self._transaction():
            known = self.entry(command.id)
            if known is not None and (
                command.effect == "once" or known.state in ("ended", "refused_forever")
            ):
                raise RuntimeError(f"command {command.id} is already {known.state}")
            self._take_seq(epoch, seq)
            self._db.execute(
                "INSERT OR REPLACE INTO command (device, id, state, epoch, seq, command)"
                " VALUES (?, ?, 'received', ?, ?, ?)",
                (self._device, command.id, epoch, seq, command.model_dump_json()),
            )

    def refuse(
        self, command_id: str, reason: str, detail: str = "", *, epoch: int = 0, seq: int = -1
    ) -> None:
        """Never act on that id. What was accepted before stays as it is."""
        with self._transaction():
            if seq >= 0:
                self._take_seq(epoch, seq)
            self._db.execute(
                "INSERT OR IGNORE INTO command (device, id, state, epoch, seq, reason, detail)"
                " VALUES (?, ?, 'refused_forever', ?, ?, ?, ?)",
                (self._device, command_id, epoch, seq, reason, detail),
            )

    def forget(self, epoch: int, horizon: int) -> None:
        """Drop the oldest of what is closed here and will never be asked for again: commands of lower epochs, or with a
        number below `horizon` in this one. Nothing where `horizon` is 0.

        Late copies of what is forgotten are still refused, by their epoch or their number. The newest are kept.
        """
        if horizon <= 0:
            return
        count = self._number("SELECT COUNT(*) FROM command WHERE device = ?", (self._device,))
        if count <= _KEPT + _SLACK:
            return
        with self._transaction():
            self._db.execute(
                "DELETE FROM command WHERE device = ? AND state IN ('ended', 'settled', 'refused_forever')"
                " AND (epoch < ? OR (epoch = ? AND seq < ?)) AND rowid <= (SELECT rowid FROM command"
                " WHERE device = ? ORDER BY rowid DESC LIMIT 1 OFFSET ?)",
                (self._device, epoch, epoch, horizon, self._device, _KEPT),
            )
            self._db.execute(
                "DELETE FROM seq WHERE device = ? AND epoch < ?", (self._device, self.epoch())
            )
            self._db.execute(
                "DELETE FROM safe_request WHERE device = ? AND armed = 1 AND rowid <= (SELECT rowid FROM"
                " safe_request WHERE device = ? ORDER BY rowid DESC LIMIT 1 OFFSET ?)",
                (self._device, self._device, _KEPT),
            )

    def prepare(self, command_id: str) -> None:
        """The driver is about to be called. Still certainly nothing happened."""
        self._step(command_id, "prepared", ("received",))

    def act(self, command_id: str) -> None:
        """The physical act is about to begin: the point of no return."""
        self._step(
            command_id,
            "acting",
            ("prepared",),
            "act_order = (SELECT MAX(act_order) + 1 FROM command AS c WHERE c.device = command.device)",
        )

    def end(self, command_id: str, outcome: Outcome) -> None:
        """Record how it ended."""
        self._step(
            command_id,
            "ended",
            ("received", "prepared", "acting"),
            "outcome = ?",
            outcome.model_dump_json(),
        )

    def settle(self, command_id: str, settlement: Settlement) -> None:
        """Record what the device said of an interrupted command, or of one whose outcome was unknown."""
        self._step(
            command_id,
            "settled",
            ("received", "prepared", "acting", "ended"),
            "settlement = ?",
            settlement.model_dump_json(),
        )

    # -- safe state -----------------------------------------------------------------------------

    def safe_in_force(self) -> tuple[SafeRecord, ...]:
        """The requests to be safe that have not been lifted, oldest first; they outlive restarts."""
        rows = cast(
            "list[tuple[str, int, str]]",
            self._db.execute(
                "SELECT id, confirmed, detail FROM safe_request WHERE device = ? AND armed = 0"
                " ORDER BY rowid",
                (self._device,),
            ).fetchall(),
        )
        return tuple(SafeRecord(row[0], bool(row[1]), row[2]) for row in rows)

    def enter_safe(self, request_id: str) -> None:
        """Refuse commands from now on. A repeat of a lifted request is in force again: safety is never doubted."""
        self._db.execute(
            "INSERT OR REPLACE INTO safe_request VALUES (?, ?, 0, 0, '')",
            (self._device, request_id),
        )

    def confirm_safe(self, request_id: str, *, confirmed: bool, detail: str) -> None:
        """Record whether the device reached its safe state."""
        self._db.execute(
            "UPDATE safe_request SET confirmed = ?, detail = ? WHERE device = ? AND id = ?",
            (int(confirmed), detail, self._device, request_id),
        )

    def lift(self, request_ids: Sequence[str]) -> None:
        """These requests no longer hold; unknown ones change nothing."""
        for request_id in request_ids:
            self._db.execute(
                "UPDATE safe_request SET armed = 1 WHERE device = ? AND id = ?",
                (self._device, request_id),
            )

    # -- inside ---------------------------------------------------------------------------------

    def _entries(self, where: str, *values: str) -> list[LedgerEntry]:
        rows = cast(
            "list[tuple[str, LedgerState, int, int, str | None, str | None, str | None, str, str, int]]",
            self._db.execute(
                "SELECT id, state, epoch, seq, command, outcome, settlement, reason, detail, act_order"
                f" FROM command WHERE device = ? AND {where} ORDER BY rowid",
                (self._device, *values),
            ).fetchall(),
        )
        return [
            LedgerEntry(
                id=row[0],
                state=row[1],
                epoch=row[2],
                seq=row[3],
                command=Command.model_validate_json(row[4]) if row[4] else None,
                outcome=Outcome.model_validate_json(row[5]) if row[5] else None,
                settlement=Settlement.model_validate_json(row[6]) if row[6] else None,
                reason=row[7],
                detail=row[8],
                act_order=row[9],
            )
            for row in rows
        ]

    def _step(
        self,
        command_id: str,
        state: LedgerState,
        allowed: tuple[LedgerState, ...],
        also: str = "",
        *values: str,
    ) -> None:
        marks = ", ".join("?" for _ in allowed)
        changed = self._db.execute(
            f"UPDATE command SET state = ?{', ' + also if also else ''}"
            f" WHERE device = ? AND id = ? AND state IN ({marks})",
            (state, *values, self._device, command_id, *allowed),
        ).rowcount
        if changed != 1:
            known = self.entry(command_id)
            raise RuntimeError(
                f"command {command_id} can't become {state}: it is {known.state if known else 'not in the ledger'}"
            )

    def _take_seq(self, epoch: int, seq: int) -> None:
        self._db.execute(
            "INSERT INTO seq VALUES (?, ?, ?) ON CONFLICT (device, epoch)"
            " DO UPDATE SET seq = excluded.seq WHERE excluded.seq > seq.seq",
            (self._device, epoch, seq),
        )

    def _number(self, query: str, values: tuple[str | int, ...], default: int = 0) -> int:
        row = cast("tuple[int | None] | None", self._db.execute(query, values).fetchone())
        return default if row is None or row[0] is None else row[0]

    def _transaction(self) -> _Transaction:
        return _Transaction(self._db)


class _Transaction:
    """BEGIN IMMEDIATE ... COMMIT, or ROLLBACK on any error."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def __enter__(self) -> None:
        self._db.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._db.execute("ROLLBACK" if kind else "COMMIT")
