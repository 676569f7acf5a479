"""Guards of the product, each switched off alone or with the twin that covers for it, to see whether the simulation notices."""

from __future__ import annotations

import asyncio
import dataclasses
import math
from typing import TYPE_CHECKING

from lab.devices import (
    acting,
    device_line,
    execution,
    host,
    ledger,
    recall,
    safekeeping,
    transaction,
)
from lab.domain import event as ev
from lab.domain.command import Settlement
from lab.domain.state import LabState
from lab.engine import core, ending, gate, look, shell, start, steps, translate
from lab.engine import messages as msg
from lab.engine.look import Decision
from lab.faults import laboratory, store

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from lab.bus.envelope import CommandMessage


def _admitting(patch: pytest.MonkeyPatch, **instead: object) -> None:
    """The host's decision with some of what it looks at left out; a callable makes it from the message."""
    real = host.admit

    def blind(message, **seen):
        for name, value in instead.items():
            seen[name] = value(message) if callable(value) else value
        return real(message, **seen)

    patch.setattr(host, "admit", blind)


def _its_own(message: CommandMessage) -> ledger.Claim:
    """Whoever sends the command holds the device."""
    return ledger.Claim(message.journal, message.epoch, free=False)


def _no_withdrawal(patch: pytest.MonkeyPatch) -> None:
    """What a query or a refusal came before is told so, and not remembered as never to act."""
    known_or_withdrawn, on_command = recall.Recall.known_or_withdrawn, host.DeviceHost._on_command

    def forget(book, command):
        book._db.execute(
            "DELETE FROM command WHERE state = 'refused_forever' AND id = ?", (command,)
        )

    def known(self, asked, came_first):
        entry = known_or_withdrawn(self, asked, came_first)
        forget(self._ledger, asked.id)
        return entry

    def command(self, message, *, retained):
        on_command(self, message, retained=retained)
        forget(self._ledger, message.id)

    patch.setattr(recall.Recall, "known_or_withdrawn", known)
    patch.setattr(host.DeviceHost, "_on_command", command)


def no_ledger(patch: pytest.MonkeyPatch) -> None:
    """A repeated id is new each time."""
    real = ledger.DeviceLedger.receive

    def receive(self, command, epoch, seq, journal):
        self._db.execute("DELETE FROM command WHERE id = ?", (command.id,))
        real(self, command, epoch, seq, journal)

    _admitting(patch, known=None, last_seq=-1)
    patch.setattr(ledger.DeviceLedger, "receive", receive)


def no_withdrawal_expiry_and_sequence(patch: pytest.MonkeyPatch) -> None:
    """Three that cover for one another against a copy that comes when the step was tried again."""
    _no_withdrawal(patch)
    _admitting(patch, now=lambda message: message.sent_at, last_seq=-1)


def no_withdrawal_epoch_and_expiry(patch: pytest.MonkeyPatch) -> None:
    """Against a copy of an earlier engine's command."""
    _no_withdrawal(patch)
    _admitting(patch, now=lambda message: message.sent_at, holder=_its_own)


def retained_commands_taken(patch: pytest.MonkeyPatch) -> None:
    """With the ledger and the number, which would stop one that is known."""
    no_ledger(patch)
    _admitting(patch, retained=False, now=lambda message: message.sent_at)


def forgotten_ledger(patch: pytest.MonkeyPatch) -> None:
    """Each life of a host begins with an empty one, which says that it is the old one."""
    real = laboratory.Laboratory.ledger

    def fresh(self, name, process):
        if self._ledger_holders.get(name) is not process:
            self._ledgers.pop(name, None)
            self._ledgers_made = 0
        return real(self, name, process)

    patch.setattr(laboratory.Laboratory, "ledger", fresh)


def no_begin(patch: pytest.MonkeyPatch) -> None:
    """The ledger does not hear that an act begins."""
    patch.setattr(ledger.DeviceLedger, "act", lambda *_, **__: None)


def device_not_asked(patch: pytest.MonkeyPatch) -> None:
    """What was interrupted is taken for not done."""
    guess = Settlement(verdict="not_done", detail="guessed")
    patch.setattr(device_line, "settled_without_asking", lambda *_, **__: guess)


def unknown_is_guessed(patch: pytest.MonkeyPatch) -> None:
    """The engine takes what it doesn't know for not done, and tries again."""
    real = core._commands

    def commands(look):
        decision = real(look)
        settled = [
            ev.CommandSettled(
                command=entry.command.id,
                device=entry.command.device,
                settlement=Settlement(verdict="not_done", detail="guessed"),
                by="engine",
            )
            for entry in look.state.open_commands()
            if entry.status == "unknown"
        ]
        return Decision((*decision.events, *settled), decision.effects, decision.wake_s)

    _rule(patch, "_commands", commands)


def _rule(patch: pytest.MonkeyPatch, name: str, instead: Callable) -> None:
    real = getattr(core, name)
    patch.setattr(core, "_RULES", tuple(instead if r is real else r for r in core._RULES))


def no_intent_first(patch: pytest.MonkeyPatch) -> None:
    """Effects are carried out while the commit is still to come."""
    real = shell.Engine._durable

    async def durable(self, staged):
        sends = any(isinstance(event, ev.CommandIntended) for event, _ in staged)
        if not sends:
            return await real(self, staged)
        seq = self._state.seq
        records = [
            ev.Recorded(seq=seq + n, epoch=self._writer.epoch, at=at, event=event)
            for n, (event, at) in enumerate(staged, start=1)
        ]

        async def later():
            await asyncio.sleep(0.5)
            await self._writer.append(staged)

        self._spawn(later())
        return records

    patch.setattr(shell.Engine, "_durable", durable)


def acts_not_flushed(patch: pytest.MonkeyPatch) -> None:
    """The point of no return outlives the host's process, and no power cut."""
    patch.setattr(ledger, "unflushed", lambda db, **_: transaction.unflushed(db))


def commits_not_flushed(patch: pytest.MonkeyPatch) -> None:
    """The database says that it has written what only the system's memory has."""
    patch.setattr(store.Database, "flush", lambda _: None)


def decided_before_the_hold(patch: pytest.MonkeyPatch) -> None:
    """What an append whose answer was lost made durable is taken for new by the engine that tries again."""
    patch.setattr(store.MemoryJournal, "caught_up", lambda _: [])


def ids_without_attempt(patch: pytest.MonkeyPatch) -> None:
    real = start.command_id
    patch.setattr(start, "command_id", lambda records, run, step, _: real(records, run, step, 1))


def partial_is_repeated(patch: pytest.MonkeyPatch) -> None:
    """What acted in part is tried again."""
    real = steps._Ending.of_command

    def of_command(self, entry):
        if entry.status in ("failed_partial", "settled_partial"):
            return [self._failed("in part", retry_after=0.0)]
        return real(self, entry)

    patch.setattr(steps._Ending, "of_command", of_command)


def places_not_kept(patch: pytest.MonkeyPatch) -> None:
    """A sample enters where another one is."""
    real = gate._Bench.__init__

    def init(self, look):
        real(self, look)
        self._held = {}

    patch.setattr(gate._Bench, "__init__", init)
    patch.setattr(gate._Bench, "keep", lambda *_, **__: None)


def places_left_full(patch: pytest.MonkeyPatch) -> None:
    """Nobody is asked whether the pot is empty."""
    patch.setattr(ending, "left_full", lambda *_: {})


def starts_while_paused(patch: pytest.MonkeyPatch) -> None:
    real = core._gate

    def always(look):
        running = dataclasses.replace(look.state, mode="running")
        return real(dataclasses.replace(look, state=running))

    _rule(patch, "_gate", always)


def cancellations_unsettled(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(translate, "cancels_settled", lambda *_: [])


def interlocks_ignored(patch: pytest.MonkeyPatch) -> None:
    """By the engine and by the host."""

    async def never(self, command):
        return ""

    patch.setattr(LabState, "interlocked", lambda *_: None)
    patch.setattr(acting.Acting, "_interlocked", never)


def host_clock_believed(patch: pytest.MonkeyPatch) -> None:
    """A live value is dated by the clock of its host's process."""
    real = look.Inflight.hear

    def hear(self, message, now_s):
        if isinstance(message, msg.Signal):
            message = dataclasses.replace(message, age_s=now_s - message.told_s)
        real(self, message, now_s)

    patch.setattr(look.Inflight, "hear", hear)


def no_dead_man(patch: pytest.MonkeyPatch) -> None:
    async def for_ever(self):
        await asyncio.Event().wait()

    patch.setattr(safekeeping.Safekeeping, "watch", for_ever)


def queries_once(patch: pytest.MonkeyPatch) -> None:
    """A query that was lost is not repeated."""
    patch.setattr(core, "_QUERY_AGAIN_S", math.inf)


def waits_for_ever(patch: pytest.MonkeyPatch) -> None:
    """An overdue command stays open."""
    patch.setattr(core, "_GRACE_S", math.inf)


def values_twice(patch: pytest.MonkeyPatch) -> None:
    real = steps._Ending._observations
    patch.setattr(steps._Ending, "_observations", lambda *args: real(*args) * 2)


def nonsense_taken(patch: pytest.MonkeyPatch) -> None:
    """Outputs are taken as they come."""
    patch.setattr(execution, "finding_in_outputs", lambda *_: "")


def clock_runs_back(patch: pytest.MonkeyPatch) -> None:
    """An engine goes by its own clock alone."""
    real = laboratory.SimulatedClock.__init__
    patch.setattr(laboratory.SimulatedClock, "__init__", lambda self, lab, *_: real(self, lab))
    patch.setattr(shell.Engine, "_stamp", lambda self: self._clock.now())


def requests_taken_twice(patch: pytest.MonkeyPatch) -> None:
    real = translate._request

    def request(state, message):
        return real(dataclasses.replace(state, requests={}), message)

    async def ask(self, request, verb, actor, reason="", args=None):
        future = self._answers.setdefault(request, asyncio.get_running_loop().create_future())
        self._inbox.put_nowait(shell.msg.Requested(request, verb, actor, reason, args or {}))
        return await asyncio.shield(future)

    patch.setattr(translate, "_request", request)
    patch.setattr(shell.Engine, "request", ask)


GUARDS: dict[str, Callable[[pytest.MonkeyPatch], None]] = {
    guard.__name__: guard
    for guard in (
        no_ledger,
        no_withdrawal_expiry_and_sequence,
        no_withdrawal_epoch_and_expiry,
        retained_commands_taken,
        forgotten_ledger,
        no_begin,
        device_not_asked,
        unknown_is_guessed,
        no_intent_first,
        acts_not_flushed,
        commits_not_flushed,
        decided_before_the_hold,
        ids_without_attempt,
        partial_is_repeated,
        places_not_kept,
        places_left_full,
        starts_while_paused,
        cancellations_unsettled,
        interlocks_ignored,
        host_clock_believed,
        no_dead_man,
        queries_once,
        waits_for_ever,
        values_twice,
        nonsense_taken,
        clock_runs_back,
        requests_taken_twice,
    )
}
