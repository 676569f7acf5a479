"""The command ledger of a device host: what it was told, what it began, how it ended; in a small SQLite file.

A command passes through `received` > `prepared` > `acting` > `ended`. What a crash leaves in `received` or `prepared`
certainly did nothing; in `acting` it may have acted and must be settled (`settled`). `refused_forever` ids never act,
however late a copy arrives. The API is synchronous on purpose: between a check and its record nothing else runs.

Each call outlives the process when it returns (WAL). It outlives a power cut, too, at the price of a disk flush, where that
could let something act twice or be forgotten: refusals, requests to be safe, and of what acts once the point of no return and
the end. A command that a power cut makes forgotten has certainly not acted, or it reads or sets something and may be sent again.

One process at a time may open a ledger file: a second device host on the same devices could act twice.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

from lab.devices.ledger_schema import FROM_1, SCHEMA, VERSION, empty
from lab.devices.transaction import transaction, unflushed
from lab.domain.command import Command, Outcome, Settlement
from lab.domain.errors import RefusedError, UnavailableError
from lab.domain.storage import network_file_system

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["Claim", "CommandLedger", "DeviceLedger", "LedgerEntry", "LedgerState", "SafeRecord"]

LedgerState = Literal["received", "prepared", "acting", "ended", "settled", "refused_forever"]

_KEPT = 1000
_SLACK = 100
"""Closed commands of a device that are kept whatever the engine says, and how many more may gather before the rest goes."""


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One command as the ledger knows it. `act_order` counts the device's acts; 0 when it never began."""

    id: str
    state: LedgerState
    journal: str
    epoch: int
    seq: int
    command: Command | None
    outcome: Outcome | None
    settlement: Settlement | None
    reason: str
    detail: str
    act_order: int


@dataclass(frozen=True, slots=True)
class Claim:
    """Who holds a device: an engine's epoch on the records of an identity. `free`: it has left in order, or there was
    none yet."""

    journal: str = ""
    epoch: int = 0
    free: bool = True


@dataclass(frozen=True, slots=True)
class SafeRecord:
    """A request to make the device safe, in force until it is lifted. `confirmed` by the device, or not yet."""

    id: str
    confirmed: bool
    detail: str


_MOUNTS = Path("/proc/self/mounts")


def _refuse_network(path: Path) -> None:
    mounts = _MOUNTS.read_text(encoding="utf-8") if _MOUNTS.exists() else ""
    kind = network_file_system(str(path.resolve()), mounts)
    if kind:
        raise RefusedError(
            f"the command ledger {path} would lie on a network file system ({kind}), which can't be relied on to have"
            " written what it says: after a crash an act could happen twice",
            hint="keep it on a disk of the machine that serves the device: --ledger FILE",
        )


class CommandLedger:
    """The file. `device(name)` gives the part of one device."""

    def __init__(
        self,
        path: Path | str = ":memory:",
        *,
        identity: str,
        factory: Callable[..., sqlite3.Connection] = sqlite3.connect,
        plays_disk: bool = False,
    ) -> None:
        """Open or create. `identity` is what a new file is called from then on: never the same twice, because a ledger
        that was lost and begun anew knows nothing of what the lost one saw. `factory` makes the connection, as `sqlite3.connect`
        would; `plays_disk`: one in memory which wants to hear what is to be flushed.

        UnavailableError when it can't be opened, is damaged, or another process holds it; RefusedError where it would lie
        on a network file system.
        """
        if str(path) != ":memory:":
            _refuse_network(Path(path))
        hint = "end the other device host, or choose another ledger file; never delete a ledger with open commands"
        try:
            if str(path) != ":memory:":
                Path(path).parent.mkdir(parents=True, exist_ok=True)
            self._path = path
            self._flushes = str(path) != ":memory:" or plays_disk
            self._db = factory(str(path), isolation_level=None, timeout=2.0)
        except (sqlite3.Error, OSError) as error:
            raise UnavailableError(f"command ledger {path}: {error}", hint=hint) from error
        try:
            # The exclusive lock is taken by the first write and held until close.
            self._db.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = FULL")
            if str(path) == ":memory:":
                self._db.deserialize(empty())
            else:
                if self._version() == 1:
                    self._db.executescript(FROM_1)
                self._db.executescript(SCHEMA)
            self._db.execute("INSERT OR IGNORE INTO self VALUES (1, ?)", (identity,))
            row = cast("tuple[str]", self._db.execute("SELECT identity FROM self").fetchone())
            self.identity = row[0]
            # Takes the lock, also where nothing was new.
            self._db.execute("BEGIN IMMEDIATE")
            self._db.execute("COMMIT")
        except UnavailableError:
            self._db.close()
            raise
        except sqlite3.Error as error:
            self._db.close()
            raise UnavailableError(f"command ledger {path}: {error}", hint=hint) from error

    def _version(self) -> int:
        """0 of a new file. UnavailableError where a newer Labwright wrote it."""
        version = cast("tuple[int]", self._db.execute("PRAGMA user_version").fetchone())[0]
        if version > VERSION:
            raise UnavailableError(
                f"command ledger {self._path}: written by a newer version of Labwright (format {version};"
                f" this one reads up to {VERSION})",
                hint="upgrade Labwright on this machine, or choose another ledger file",
            )
        return version

    def device(self, name: str) -> DeviceLedger:
        """The part of one device."""
        return DeviceLedger(self._db, name, self.identity, flushes=self._flushes)

    def close(self) -> None:
        """Free the file. Safe to call twice."""
        self._db.close()


class DeviceLedger:
    """One device's part of a ledger. RuntimeError for a step that the order of states forbids."""

    def __init__(
        self, db: sqlite3.Connection, device: str, identity: str, *, flushes: bool = True
    ) -> None:
        self._db = db
        self._device = device
        self._flushes = flushes
        """Else there is no disk to flush to, so no word about it either."""
        self.identity = identity
        """Of the whole ledger."""
        self._known_holder: Claim | None = None
        """As in the file, which nobody else writes to; None after each write that may change it."""

    # -- who holds the device, and sequence numbers ----------------------------------------------

    def holder(self) -> Claim:
        """Who holds the device, or held it last."""
        if self._known_holder is None:
            found = self._db.execute(
                "SELECT journal, epoch, state FROM claim WHERE device = ? AND state != 'lost'",
                (self._device,),
            ).fetchone()
            row = cast("tuple[str, int, str] | None", found)
            self._known_holder = Claim(row[0], row[1], row[2] == "left") if row else Claim()
        return self._known_holder

    def is_stale(self, epoch: int, journal: str) -> bool:
        """Is that engine over for this device? It had it, and lost it to another or to a later start."""
        known = self._number(
            "SELECT epoch FROM claim WHERE device = ? AND journal = ?", (self._device, journal)
        )
        return epoch < known or (epoch == known and self.holder().journal != journal)

    def claim(self, epoch: int, journal: str, takes: tuple[int, str] | None = None) -> bool:
        """Whether that engine holds the device now, durably. A later start on the same records replaces an earlier one;
        other records get a device that is free, or whose holder (epoch, journal) they take it from by name.

        Nobody gets it twice: a late copy of what one said once must not bring it back.
        """
        holder = self.holder()
        if (journal, epoch) == (holder.journal, holder.epoch):
            return True
        if self.is_stale(epoch, journal):
            return False
        if journal != holder.journal and not (
            holder.free or takes == (holder.epoch, holder.journal)
        ):
            return False
        self._known_holder = None
        with transaction(self._db):
            self._db.execute("UPDATE claim SET state = 'lost' WHERE device = ?", (self._device,))
            self._db.execute(
                "INSERT OR REPLACE INTO claim VALUES (?, ?, ?, 'holds')",
                (self._device, journal, epoch),
            )
        return True

    def leave(self, epoch: int, journal: str) -> None:
        """That engine has ended in order: other records may have the device. Nothing where it does not hold it."""
        self._known_holder = None
        self._db.execute(
            "UPDATE claim SET state = 'left' WHERE device = ? AND journal = ? AND epoch = ? AND state = 'holds'",
            (self._device, journal, epoch),
        )

    def last_seq(self, epoch: int, journal: str) -> int:
        """The highest sequence number taken from an engine; -1 before the first."""
        return self._number(
            "SELECT seq FROM number WHERE device = ? AND journal = ? AND epoch = ?",
            (self._device, journal, epoch),
            -1,
        )

    # -- who is in charge -----------------------------------------------------------------------

    def is_in_charge(self) -> bool:
        """Whether an engine is in charge of the device, and has not left it in order. A ledger that knows nothing of the
        device may have been lost: then somebody may be."""
        return self._number("SELECT somebody FROM charge WHERE device = ?", (self._device,), 1) == 1

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

    def receive(self, command: Command, epoch: int, seq: int, journal: str) -> None:
        """Accept a command and take its sequence number, in one transaction.

        An id is accepted once. Only what reads or sets a state (effect none, absolute) and was interrupted may be
        accepted anew.
        """
        with unflushed(self._db, unless=not self._flushes), transaction(self._db):
            known = self.entry(command.id)
            if known is not None and (
                command.effect == "once" or known.state in ("ended", "refused_forever")
            ):
                raise RuntimeError(f"command {command.id} is already {known.state}")
            self._take_seq(epoch, seq, journal)
            self._db.execute(
                "INSERT OR REPLACE INTO command (device, id, state, journal, epoch, seq, command)"
                " VALUES (?, ?, 'received', ?, ?, ?, ?)",
                (self._device, command.id, journal, epoch, seq, command.model_dump_json()),
            )

    def refuse(
        self, command_id: str, reason: str, detail: str, *, epoch: int, journal: str, seq: int = -1
    ) -> None:
        """Never act on that id. What was accepted before stays as it is."""
        with transaction(self._db):
            if seq >= 0:
                self._take_seq(epoch, seq, journal)
            self._db.execute(
                "INSERT OR IGNORE INTO command (device, id, state, journal, epoch, seq, reason, detail)"
                " VALUES (?, ?, 'refused_forever', ?, ?, ?, ?, ?)",
                (self._device, command_id, journal, epoch, seq, reason, detail),
            )

    def forget(self, epoch: int, horizon: int, journal: str) -> None:
        """Drop the oldest of what is closed here and will never be asked for again: commands of lower epochs, or with a
        number below `horizon` in this one, of the same records. Nothing where `horizon` is 0.

        Late copies of what is forgotten are still refused, by their epoch or their number. The newest are kept.
        """
        if horizon <= 0:
            return
        count = self._number(
            "SELECT COUNT(*) FROM command WHERE device = ? AND journal = ?", (self._device, journal)
        )
        if count <= _KEPT + _SLACK:
            return
        with transaction(self._db):
            self._db.execute(
                "DELETE FROM command WHERE device = ? AND state IN ('ended', 'settled', 'refused_forever')"
                " AND journal = ? AND (epoch < ? OR (epoch = ? AND seq < ?)) AND rowid <= (SELECT rowid FROM command"
                " WHERE device = ? AND journal = ? ORDER BY rowid DESC LIMIT 1 OFFSET ?)",
                (
                    *(self._device, journal, epoch, epoch, horizon),
                    *(self._device, journal, _KEPT),
                ),
            )
            self._db.execute(
                "DELETE FROM number WHERE device = ? AND journal = ? AND epoch < ?",
                (self._device, journal, epoch),
            )
            self._db.execute(
                "DELETE FROM safe_request WHERE device = ? AND armed = 1 AND rowid <= (SELECT rowid FROM"
                " safe_request WHERE device = ? ORDER BY rowid DESC LIMIT 1 OFFSET ?)",
                (self._device, self._device, _KEPT),
            )

    def prepare(self, command_id: str) -> None:
        """The driver is about to be called. Still certainly nothing happened."""
        with unflushed(self._db, unless=not self._flushes):
            self._step(command_id, "prepared", ("received",))

    def act(self, command_id: str, *, once: bool = True) -> None:
        """The physical act is about to begin: the point of no return."""
        order = "(SELECT MAX(act_order) + 1 FROM command AS c WHERE c.device = command.device)"
        with unflushed(self._db, unless=once or not self._flushes):
            self._step(command_id, "acting", ("prepared",), f"act_order = {order}")

    def end(self, command_id: str, outcome: Outcome, *, once: bool = True) -> None:
        """Record how it ended."""
        allowed: tuple[LedgerState, ...] = ("received", "prepared", "acting")
        with unflushed(self._db, unless=once or not self._flushes):
            self._step(command_id, "ended", allowed, "outcome = ?", outcome.model_dump_json())

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
            "list[tuple[str, LedgerState, str, int, int, str | None, str | None, str | None, str, str, int]]",
            self._db.execute(
                "SELECT id, state, journal, epoch, seq, command, outcome, settlement, reason, detail, act_order"
                f" FROM command WHERE device = ? AND {where} ORDER BY rowid",
                (self._device, *values),
            ).fetchall(),
        )
        return [
            LedgerEntry(
                id=row[0],
                state=row[1],
                journal=row[2],
                epoch=row[3],
                seq=row[4],
                command=Command.model_validate_json(row[5]) if row[5] else None,
                outcome=Outcome.model_validate_json(row[6]) if row[6] else None,
                settlement=Settlement.model_validate_json(row[7]) if row[7] else None,
                reason=row[8],
                detail=row[9],
                act_order=row[10],
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

    def _take_seq(self, epoch: int, seq: int, journal: str) -> None:
        self._db.execute(
            "INSERT INTO number VALUES (?, ?, ?, ?) ON CONFLICT (device, journal, epoch)"
            " DO UPDATE SET seq = excluded.seq WHERE excluded.seq > number.seq",
            (self._device, journal, epoch, seq),
        )

    def _number(self, query: str, values: tuple[str | int, ...], default: int = 0) -> int:
        row = cast("tuple[int | None] | None", self._db.execute(query, values).fetchone())
        return default if row is None or row[0] is None else row[0]

    def try_to_write(self) -> None:
        """sqlite3.Error where the file still takes nothing."""
        with transaction(self._db):
            self._db.execute("CREATE TABLE room (for_a_page)")
            self._db.execute("DROP TABLE room")
