"""The device host: stands between the bus and one driver, and sees to it that a physical act happens at most once.

Protocol, as seen by the engine (messages in `lab.bus.envelope`, topics in `lab.bus.topics`):
  command  -> `ack` at once (accepted, or refused and nothing will happen), `evt` outcome at the end. A repeated id gets
              its recorded answer and never acts again. One action at a time; a second one is refused as `busy`.
  query    -> `evt` query_reply. An id never seen is refused from then on, so that a late copy can't act.
  cancel   -> the action is stopped if it is in hand and the device made to stand still; its outcome says what came of it.
              An id never seen is refused from then on.
  safe     -> the running action is cancelled, the device made safe, `evt` safe_reply; commands are refused until a
              hello lifts the request by its id, also after a restart. It is obeyed from any epoch: nobody is asked
              twice for safety.
  hello    -> claims the device for an engine (`DeviceLedger.claim`); a heartbeat and the state answer it. What engines say
              that do not hold the device is answered by a heartbeat, which names the one that does.
  beat     -> the engine is in charge. Without one for `HostTiming.dead_man_s` the host makes its device safe by itself
              (`lab.devices.safekeeping`), under a request id of its own.

The ledger is written before and after each step of an action, so a new host on the same ledger knows what the old one
began (`lab.devices.ledger`). Ending the host (cancellation) therefore counts as a crash: what had begun is settled with
the device by the next host, before it takes a new command.
"""

from __future__ import annotations

import asyncio
import logging
import math
import sqlite3
from contextlib import suppress
from typing import TYPE_CHECKING

from pydantic import JsonValue, ValidationError

from lab.bus import topics
from lab.bus.envelope import (
    CancelMessage,
    CommandMessage,
    DeviceState,
    Downstream,
    EngineBeat,
    Hello,
    QueryMessage,
    SafeMessage,
    State,
    parse_downstream,
)
from lab.devices.acting import Acting
from lab.devices.admission import Accept, Mode, Refuse, admit
from lab.devices.capability import CAPABILITIES
from lab.devices.device_line import DeviceLine, HostTiming
from lab.devices.outbox import Outbox
from lab.devices.recall import Recall
from lab.devices.safekeeping import Safekeeping
from lab.devices.voice import Voice
from lab.devices.work import Work
from lab.domain.command import Command, Outcome
from lab.domain.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence
    from types import TracebackType
    from typing import Self

    from lab.bus.transport import Message, Subscription, Transport
    from lab.devices.driver import Driver
    from lab.devices.ledger import CommandLedger
    from lab.devices.manifest import Manifest
    from lab.domain.action import ActionSpec
    from lab.domain.clock import Clock
    from lab.domain.interlock import Interlock

__all__ = ["DeviceHost", "HostTiming"]

_LOG = logging.getLogger(__name__)


class DeviceHost:
    """Serves one device: `async with DeviceHost(...):` or `await host.run()`.

    `transport` is connected by the caller. `boot` is new at each start. `real_time` gives the Unix time by which commands
    expire: the engine's kind of time, so the process clock's where nothing else is given.
    `simulated`: a simulator is on the line; kept with everything that is measured. `interlocks`: those on the device's own
    signals; they are looked at before each action.
    """

    def __init__(
        self,
        lab_id: str,
        device_name: str,
        driver: Driver,
        manifest: Manifest,
        transport: Transport,
        ledger: CommandLedger,
        clock: Clock,
        *,
        boot: str,
        real_time: Callable[[], float] | None = None,
        timing: HostTiming | None = None,
        simulated: bool = False,
        interlocks: Sequence[Interlock] = (),
    ) -> None:
        self._lab = lab_id
        self._name = device_name
        self._driver = driver
        self._manifest = manifest
        self._transport = transport
        self._ledger = ledger.device(device_name)
        self._clock = clock
        self._boot = boot
        self._real_time = real_time or (lambda: clock.now().timestamp())
        self._timing = timing or HostTiming()
        self._specs = [CAPABILITIES[name] for name in manifest.capabilities]
        self._actions: dict[str, ActionSpec] = {}
        for capability in self._specs:
            self._actions |= capability.actions
        self._outbox = Outbox(transport)
        self._voice = Voice(
            lab_id, device_name, self._outbox, ledger=ledger.identity, simulated=simulated
        )
        self._line = DeviceLine(
            device_name,
            driver,
            self._ledger,
            self._timing,
            lambda: self._safe.requests,
            self._on_line_change,
        )
        self._acting = Acting(
            device_name, driver, self._line, self._ledger, clock, self._timing, interlocks
        )
        self._safe = Safekeeping(
            device_name,
            boot,
            self._ledger,
            self._timing.dead_man_s,
            self._begin_safe,
            # Its own engine starts right after it, and is not missed before.
            counts_from_start=not self._timing.safe_on_error,
        )
        self._work: Work | None = None
        self._work_task: asyncio.Task[None] | None = None
        self._recall = Recall(self._ledger, self._voice, self._line, self._in_hand, self._spawn)
        self._ledger_trouble = ""
        self._unconfirmed_safe = ""
        self._making_safe: asyncio.Task[None] | None = None
        self._tasks: asyncio.TaskGroup | None = None
        self._listening = asyncio.Event()
        self._main: asyncio.Task[None] | None = None

    # -- life -----------------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        """Start; returns when the host listens, connected to its device or not yet."""
        self._main = asyncio.create_task(self.run(), name=f"host {self._name}")
        listening = asyncio.create_task(self._listening.wait())
        try:
            await asyncio.wait((self._main, listening), return_when=asyncio.FIRST_COMPLETED)
        finally:
            listening.cancel()
        if self._main.done():
            self._main.result()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._main is not None:
            # Another engine that has taken the lab looks after its devices.
            failed = isinstance(error, Exception) and not isinstance(error, RefusedError)
            if failed and self._timing.safe_on_error and not self._main.done():
                await self._end_safe()
            self._main.cancel()
            with suppress(asyncio.CancelledError):
                await self._main

    async def _end_safe(self) -> None:
        self._safe.give_up("the engine in its process has failed")
        if self._making_safe is not None:
            await asyncio.wait(
                (self._making_safe,), timeout=2 * (self._timing.grace_s + self._timing.safe_s)
            )

    async def run(self) -> None:
        """Serve until cancelled, or until the transport ends. Disconnects the driver in any case."""
        subscription = await self._transport.subscribe(
            topics.cmd(self._lab, self._name), topics.engine_beat(self._lab)
        )
        try:
            async with asyncio.TaskGroup() as tasks:
                self._tasks = tasks
                self._voice.describe(self._manifest, self._specs, None)
                self._announce()
                loops = [
                    tasks.create_task(self._outbox.run()),
                    tasks.create_task(self._line.keep_open()),
                    tasks.create_task(self._beat()),
                    tasks.create_task(self._safe.watch()),
                ]
                if self._manifest.telemetry:
                    loops.append(tasks.create_task(self._measure()))
                self._listening.set()
                await self._listen(subscription)
                for loop in loops:
                    loop.cancel()
                if self._work_task is not None:
                    self._work_task.cancel()
        except* Exception:
            # Its timer ends with it.
            if self._timing.dead_man_s is not None or self._timing.safe_on_error:
                confirmed = False
                with suppress(Exception):
                    confirmed, _ = await self._line.make_safe()
                what = "was made safe" if confirmed else "could NOT be made safe: see to it"
                _LOG.error("%s: its host fails; the device %s", self._name, what)
            raise
        finally:
            self._tasks = None
            await self._line.close()
            await self._say_goodbye(subscription)

    async def _say_goodbye(self, subscription: Subscription) -> None:
        gone = State(
            device=self._name,
            ledger=self._ledger.identity,
            state="disconnected",
            detail="the device host ended",
        )
        topic = topics.state(self._lab, self._name)
        with suppress(Exception):
            async with asyncio.timeout(self._timing.grace_s):
                await subscription.close()
                await self._transport.publish(topic, gone.model_dump_json().encode(), retain=True)

    # -- loops ----------------------------------------------------------------------------------

    async def _listen(self, subscription: Subscription) -> None:
        async for message in subscription:
            try:
                self._handle(message)
            except ValidationError as error:
                _LOG.warning("%s: message ignored: %s", message.topic, error)
            except sqlite3.Error as error:
                # As if it had been lost on its way: nothing was begun, and nobody was told that it was.
                self._ledger_fails(error)

    async def _beat(self) -> None:
        while True:
            try:
                if self._ledger_trouble:
                    self._ledger.try_to_write()
                    self._safe.write_down()
                    self._ledger_trouble = ""
                    self._announce()
            except sqlite3.Error as error:
                self._ledger_fails(error)
            # Also then: who falls silent counts as lost, and his commands as unknown.
            try:
                self._say_alive()
            except sqlite3.Error as error:
                self._ledger_fails(error)  # nor read: nobody knows who holds the device
            await asyncio.sleep(self._timing.heartbeat_s)

    def _ledger_fails(self, error: sqlite3.Error) -> None:
        """A full disk, a fault of the disk: the host serves on, takes nothing, and tries again at each beat."""
        trouble = f"the command ledger can't be written: {error}"
        if trouble != self._ledger_trouble:
            self._ledger_trouble = trouble
            _LOG.error("%s: %s", self._name, trouble)
            self._announce()

    async def _measure(self) -> None:
        while True:
            await self._clock.sleep(self._timing.telemetry_s)
            if self._work is not None or not self._line.connected or self._line.lock.locked():
                continue
            async with self._line.lock:
                values = await self._line.read_telemetry()
            at, sent_at = self._clock.now().timestamp(), self._real_time()
            for channel, unit in self._manifest.telemetry.items():
                value = values.get(channel)
                if value is not None and math.isfinite(value):
                    self._voice.telemetry(self._boot, channel, unit, value, at=at, sent_at=sent_at)

    # -- messages -------------------------------------------------------------------------------

    def _handle(self, message: Message) -> None:
        asked = parse_downstream(message.payload)
        if isinstance(asked, CommandMessage):
            self._on_command(asked, retained=message.retained)
            return
        if message.retained:
            _LOG.warning("%s: a retained %s is ignored", self._name, asked.op)
            return
        if isinstance(asked, SafeMessage):
            # Before anything that may fail.
            self._safe.enter(asked.id)
            self._claim(asked)
            return
        holds = self._claim(asked)
        if isinstance(asked, EngineBeat):
            if holds:
                self._on_beat(asked)
        elif not holds:
            _LOG.warning(
                "%s: %s is ignored: its engine (epoch %d) does not hold the device",
                *(self._name, asked.op, asked.epoch),
            )
            self._say_alive()
        elif isinstance(asked, QueryMessage):
            self._recall.answer(asked)
        elif isinstance(asked, CancelMessage):
            self._on_cancel(asked)
        else:
            self._on_hello(asked)

    def _claim(self, asked: Downstream) -> bool:
        """Whether what an engine says may be obeyed, which a newer engine's first message makes so."""
        taken = asked.takes if isinstance(asked, Hello) else None
        takes = None if taken is None else (taken.epoch, taken.journal)
        return self._ledger.claim(asked.epoch, asked.journal, takes)

    def _on_beat(self, beat: EngineBeat) -> None:
        self._safe.hear(beat, self._real_time() - beat.sent_at)
        if beat.leaving:
            self._say_alive()

    def _on_hello(self, hello: Hello) -> None:
        if hello.lifts:
            self._safe.lift(hello.lifts)
        # An engine that has just started wants to hear the state, known to others or not.
        self._voice.forget_state()
        self._announce()
        self._say_alive()

    def _on_command(self, message: CommandMessage, *, retained: bool) -> None:
        known = self._ledger.entry(message.id)
        holds = not retained and self._claim(message)
        decision = admit(
            message,
            retained=retained,
            known=known,
            ledger=self._ledger.identity,
            holder=self._ledger.holder(),
            last_seq=self._ledger.last_seq(message.epoch, message.journal),
            now=self._real_time(),
            mode=self._mode(),
            actions=self._actions,
        )
        if holds:
            self._ledger.forget(message.epoch, message.horizon, message.journal)
        if isinstance(decision, Refuse):
            self._ledger.refuse(
                message.id,
                decision.reason,
                decision.detail,
                epoch=message.epoch,
                journal=message.journal,
                seq=-1 if retained else message.seq,
            )
            self._recall.refused(message.id, decision.reason, decision.detail)
        elif isinstance(decision, Accept):
            self._safe.feed(self._real_time() - message.sent_at)
            self._start(message, decision.args)
        elif known is not None:
            self._recall.repeat(known)

    def _start(self, message: CommandMessage, args: dict[str, JsonValue]) -> None:
        command = Command(
            device=self._name,
            **message.model_dump(
                include={"id", "run", "step", "attempt", "action", "effect", "settle", "timeout_s"}
            ),
            args=args,
        )
        self._ledger.receive(command, message.epoch, message.seq, message.journal)
        self._voice.accepted(message.id)
        self._line.in_hand = command.id
        self._work = Work(
            command,
            self._actions[command.action],
            args,
            self._ledger,
            lambda values: self._voice.progress(command.id, values),
        )
        self._work_task = self._spawn(self._perform(self._work))
        self._announce()

    def _on_cancel(self, message: CancelMessage) -> None:
        if self._work is not None and self._in_hand(message.id):
            self._work.stop.set()
            return
        came_first = f"{message.actor} cancelled it before it came"
        self._recall.repeat(self._recall.known_or_withdrawn(message, came_first))

    def _begin_safe(self, request_id: str) -> None:
        self._announce()
        if self._work is not None:
            self._work.stop.set()
        self._line.hurry()
        self._making_safe = self._spawn(self._make_safe(request_id))

    # -- acting ---------------------------------------------------------------------------------

    async def _perform(self, work: Work) -> None:
        try:
            async with self._line.lock:
                outcome = await self._acting.carry_out(work)
            # The line is free from here on: who must make the device safe does not wait for a place on the disk.
            work.end()
            await self._record_end(work.command, outcome)
        finally:
            work.end()
            self._line.in_hand = ""
        # Free before the engine hears of the end: its next command may follow at once.
        self._work = self._work_task = None
        self._announce()
        self._voice.outcome(work.command.id, outcome)

    async def _record_end(self, command: Command, outcome: Outcome) -> None:
        """Tried until it is written: what is known must not become unknown for want of a place on the disk."""
        while True:
            try:
                self._ledger.end(command.id, outcome, once=command.effect == "once")
                return
            except sqlite3.Error as error:
                self._ledger_fails(error)
                await asyncio.sleep(self._timing.heartbeat_s)

    async def _make_safe(self, request_id: str) -> None:
        work = self._work
        if work is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(2 * self._timing.grace_s + self._timing.safe_s):
                    await work.ended.wait()
        result = work.made_safe if work is not None else None
        if result is None:
            async with self._line.lock:
                result = await self._line.make_safe()
        self._line.rest()
        confirmed, detail = result
        try:
            self._ledger.confirm_safe(request_id, confirmed=confirmed, detail=detail)
        except sqlite3.Error as error:
            self._ledger_fails(error)
        self._announce()
        self._unconfirmed_safe = "" if confirmed else request_id
        self._voice.safe_reply(request_id, confirmed=confirmed, detail=detail)
        if self._line.put_off:
            async with self._line.lock:
                await self._line.settle_interrupted()

    # -- state ----------------------------------------------------------------------------------

    def _in_hand(self, command_id: str) -> bool:
        return self._work is not None and self._work.command.id == command_id

    def _mode(self) -> Mode:
        if self._safe.requests:
            return "safe"
        if not self._line.connected:
            return "disconnected"
        return "ready" if self._work is None else "busy"

    def _state(self) -> DeviceState:
        # A device that can't be reached is not known to be safe.
        if not self._line.connected:
            return "fault" if self._line.fault else "disconnected"
        if self._ledger_trouble and not self._safe.requests:
            return "fault"
        return self._mode()

    def _announce(self) -> None:
        self._voice.state(self._state(), self._detail(), self._safe.requests)

    def _say_alive(self) -> None:
        self._voice.heartbeat(
            self._boot, self._ledger.holder(), self._state(), self._detail(), self._safe.requests
        )

    def _detail(self) -> str:
        return self._line.trouble or self._ledger_trouble or self._safe.explain()

    def _on_line_change(self) -> None:
        self._announce()
        if self._line.connected:
            self._voice.describe(self._manifest, self._specs, self._line.identity)
            if self._unconfirmed_safe:
                self._voice.safe_reply(self._unconfirmed_safe, confirmed=True)
                self._unconfirmed_safe = ""

    def _spawn(self, job: Coroutine[None, None, None]) -> asyncio.Task[None]:
        if self._tasks is None:
            raise RuntimeError("the device host is not running")
        return self._tasks.create_task(job)
