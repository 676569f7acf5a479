"""A device host as a value without a loop: it follows the protocol of `lab.devices.host`, and counts what it did."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from lab.bus import envelope as env
from lab.domain.command import Command, Outcome, Settlement
from lab.domain.ids import dead_man_id

if TYPE_CHECKING:
    from lab.engine import messages as msg

Ending = Literal["succeeded", "failed_no_effect", "failed_partial", "unknown"]


@dataclass
class Entry:
    """A line of a host's ledger."""

    command: Command | None
    acted: bool = False
    refused: str = ""
    outcome: Outcome | None = None
    interrupted: bool = False
    can_tell: bool = True

    @property
    def running(self) -> bool:
        return not self.refused and self.outcome is None and not self.interrupted


@dataclass
class Host:
    """One device with its host. `acts` counts what physically happened, by run and step."""

    name: str
    ledger: dict[str, Entry] = field(default_factory=dict)
    acts: dict[tuple[str, str], int] = field(default_factory=dict)
    epoch: int = 0
    safe: list[str] = field(default_factory=list)
    """Requests that keep it safe."""
    silences: int = 0
    up: bool = True
    fault: bool = False
    out: list[msg.Message] = field(default_factory=list)
    readings: dict[str, float] = field(default_factory=dict)
    """Step -> mass; 1 g elsewhere."""

    def reading(self, command: Command) -> dict[str, float]:
        return {"mass": self.readings.get(command.step, 1.0)}

    @property
    def hand(self) -> Entry | None:
        return next((entry for entry in self.ledger.values() if entry.running), None)

    def state(self) -> env.State:
        name = "fault" if self.fault else "safe" if self.safe else "busy" if self.hand else "ready"
        return env.State.model_validate(
            {"device": self.name, "ledger": "l1", "state": name, "safe_requests": tuple(self.safe)}
        )

    def take_command(self, command: Command, epoch: int) -> None:
        known = self.ledger.get(command.id)
        if known is not None:
            self._repeat(command.id, known)
            return
        reason = (
            "stale_epoch" if epoch < self.epoch
            else "safe" if self.safe
            else "disconnected" if self.fault
            else "busy" if self.hand
            else ""
        )  # fmt: skip
        self.epoch = max(self.epoch, epoch)
        self.ledger[command.id] = Entry(command, refused=reason)
        self._ack(command.id, reason)

    def _ack(self, id: str, reason: str) -> None:
        self.out.append(env.Ack(device=self.name, id=id, accepted=not reason, reason=reason))

    def _repeat(self, id: str, known: Entry) -> None:
        self._ack(id, known.refused)
        if known.outcome is not None:
            self.out.append(env.OutcomeMessage(device=self.name, id=id, outcome=known.outcome))

    def act(self) -> None:
        """The command in hand moves matter: the point of no return."""
        entry = self.hand
        if entry is None or entry.command is None or entry.acted:
            return
        entry.acted = True
        key = (entry.command.run, entry.command.step)
        self.acts[key] = self.acts.get(key, 0) + 1

    def end(self, how: Ending, *, halted: bool = False) -> None:
        entry = self.hand
        if entry is None or entry.command is None:
            return
        if how in ("succeeded", "failed_partial"):
            self.act()
        elif how == "failed_no_effect" and entry.acted:
            how = "unknown"
        outputs = self.reading(entry.command) if how == "succeeded" else {}
        entry.outcome = Outcome.model_validate(
            {
                "result": how,
                "outputs": outputs,
                "error": "" if how == "succeeded" else how,
                "error_code": "stopped" if halted else "",
                "cancelled": ("halted" if entry.acted else "never_started") if halted else None,
            }
        )
        self._repeat(entry.command.id, entry)

    def make_safe(self, id: str, epoch: int) -> None:
        self.epoch = max(self.epoch, epoch)
        if id not in self.safe:
            self.safe.append(id)
        entry = self.hand
        if entry is not None:
            self.end("failed_partial" if entry.acted else "failed_no_effect", halted=True)
        self.out.append(env.SafeReply(device=self.name, id=id, confirmed=True))
        self.out.append(self.state())

    def cancel(self, id: str, epoch: int) -> None:
        if epoch < self.epoch:
            return
        self.epoch = epoch
        entry = self.ledger.get(id)
        if entry is None:
            self.ledger[id] = Entry(None, refused="withdrawn")
            self._ack(id, "withdrawn")
        elif entry is self.hand:
            self.end("failed_partial" if entry.acted else "failed_no_effect", halted=True)
        else:
            self._repeat(id, entry)

    def abandon(self) -> None:
        """No sign of the engine: it makes its device safe by itself."""
        if not self.safe:
            self.silences += 1
            self.make_safe(dead_man_id("b", self.silences), self.epoch)

    def hello(self, epoch: int, lifts: tuple[str, ...] = ()) -> None:
        if epoch < self.epoch:
            return
        self.epoch = epoch
        self.safe = [name for name in self.safe if name not in lifts]
        self.out.append(self.state())

    def reboot(self, *, can_tell: bool) -> None:
        entry = self.hand
        if entry is not None:
            entry.interrupted, entry.can_tell = True, can_tell

    def query(self, id: str, epoch: int) -> None:
        if epoch < self.epoch:
            return
        self.epoch = epoch
        entry = self.ledger.setdefault(id, Entry(None, refused="withdrawn"))
        reply: dict[str, object] = {"device": self.name, "id": id}
        if entry.refused:
            reply["status"] = "never_seen"
        elif entry.running:
            reply["status"] = "running"
        elif entry.outcome is not None and entry.outcome.result != "unknown":
            reply |= {"status": "ended", "outcome": entry.outcome}
        else:
            verdict = "done" if entry.acted else "not_done"
            command = entry.command if verdict == "done" else None
            outputs = self.reading(command) if command is not None else {}
            settled = Settlement.model_validate(
                {"verdict": verdict if entry.can_tell else "unknown", "outputs": outputs}
            )
            reply |= {"status": "settled", "outcome": entry.outcome, "settlement": settled}
        self.out.append(env.QueryReply.model_validate(reply))
