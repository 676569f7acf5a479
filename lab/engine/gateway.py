"""The engine's side of the bus: commands out, reports in, heartbeats watched."""

from __future__ import annotations

import asyncio
import logging
import math
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from lab.bus import topics
from lab.bus.envelope import (
    CancelMessage,
    CommandMessage,
    Description,
    Downstream,
    EngineBeat,
    Heartbeat,
    Held,
    Hello,
    QueryMessage,
    SafeMessage,
    State,
    Telemetry,
    Upstream,
    parse_upstream,
)
from lab.engine.messages import DeviceLost, Outranked, Signal

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Coroutine

    from lab.bus.transport import Message, Subscription, Transport
    from lab.domain.command import Command

__all__ = ["DeviceGateway"]

_LOG = logging.getLogger(__name__)

_BEATS_MISSED = 5
_FOREIGN_BEATS = 3
"""So many in a row that name another engine are no remains of the past: each is an answer to a claim."""
_LEAVE_S = 2.0
"""Real seconds for the hosts' answers to the engine's last word."""
_EXPIRY_S = 30.0
"""Real seconds that a command may be on its way; a host refuses it later."""


class DeviceGateway:
    """Talks to the device hosts of one lab. One instance per engine process, used from its loop.

    `deliver` gets every valid report, a `DeviceLost` when a device falls silent, and an `Outranked` when another engine
    holds it. `take_over`: a person means to have the devices also where other records hold them. `beat_s`: real seconds between two
    signs of life for the hosts' dead-man timers; None where no host waits for one. `signals`: devices and channels whose
    live values are delivered. `wall` is Unix time, of which process time makes `speed` seconds in one.
    """

    def __init__(
        self,
        transport: Transport,
        lab: str,
        devices: tuple[str, ...],
        deliver: Callable[[Upstream | Signal | DeviceLost | Outranked], None],
        wall: Callable[[], float],
        *,
        heartbeat_s: float = 1.0,
        beat_s: float | None = None,
        signals: Collection[tuple[str, str]] = (),
        speed: float = 1.0,
        actor: str = "engine",
        take_over: bool = False,
    ) -> None:
        self._transport = transport
        self._lab = lab
        self._devices = devices
        self._held = Held(journal="", epoch=0)
        self._take_over = take_over
        self._deliver = deliver
        self._wall = wall
        self._heartbeat_s = heartbeat_s
        self._beat_s = beat_s
        self._signals = tuple(sorted(signals))
        self._speed = speed
        self._actor = actor
        self._seq = dict.fromkeys(devices, 0)
        self._open_numbers: dict[str, dict[str, int]] = {device: {} for device in devices}
        self._heard: dict[str, float] = {}
        self._boots: dict[str, str] = {}
        self._last_beats: dict[str, tuple[bytes, Heartbeat]] = {}
        """Topic -> text and meaning."""
        self._states: dict[str, State] = {}
        self._lost: set[str] = set()
        self._mine: set[str] = set()
        self._foreign = dict.fromkeys(devices, 0)
        self._greeted: dict[str, float] = {}
        self._left = asyncio.Event()
        self.hushed = False
        """No beats: the engine lives, but nobody is in charge."""
        self._subscription: Subscription | None = None
        self._living: asyncio.Task[None] | None = None
        self._tasks: list[asyncio.Task[None]] = []

    async def start(
        self, epoch: int, journal: str, signals: Collection[tuple[str, str]] = ()
    ) -> None:
        """Subscribe, listen, and claim the devices for the engine of an epoch on the records of an identity. `signals`:
        live values that are heard beside those of the start."""
        self._signals = tuple(sorted({*self._signals, *signals}))
        self._held = Held(journal=journal, epoch=epoch)
        self._subscription = await self._transport.subscribe(
            *topics.status_of_all(self._lab),
            *(topics.data(self._lab, device, channel) for device, channel in self._signals),
        )
        self._tasks = [
            asyncio.create_task(self._listen(self._subscription), name="gateway-listen"),
            asyncio.create_task(self._watch(), name="gateway-watch"),
        ]
        await self.hello()
        if self._beat_s is not None:
            self._living = asyncio.create_task(self._live(self._beat_s), name="gateway-live")
            self._tasks.append(self._living)

    async def leave(self) -> None:
        """Tell all hosts that the engine ends in order: no timer need run for it, and other records may have the devices.
        Waits a little for their word, because hosts in this process end with it."""
        if self._living is not None:
            self._living.cancel()
        await self._say_beat(leaving=True)
        with suppress(TimeoutError):
            async with asyncio.timeout(_LEAVE_S):
                while self._mine - self._lost:
                    self._left.clear()
                    await self._left.wait()

    async def close(self) -> None:
        """Stop listening. Safe to call twice."""
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with suppress(asyncio.CancelledError):
                await task
        self._tasks = []
        if self._subscription is not None:
            await self._subscription.close()
            self._subscription = None

    async def hello(self) -> None:
        """Tell every host the present epoch."""
        for device in self._devices:
            await self._send(device, self._hello())

    def _hello(self, takes: Held | None = None, lifts: tuple[str, ...] = ()) -> Hello:
        return Hello(epoch=self._held.epoch, journal=self._held.journal, takes=takes, lifts=lifts)

    async def lift(self, device: str, requests: tuple[str, ...]) -> None:
        """Tell a host that these safe requests no longer hold."""
        await self._send(device, self._hello(lifts=requests))

    async def command(self, command: Command, ledger: str, still_open: Collection[str]) -> None:
        """Send a command whose intent is durable. `ledger`: the one that its device's host had then; `still_open`: the
        device's commands that are not closed in the journal."""
        self._seq[command.device] += 1
        numbers = self._open_numbers[command.device]
        numbers[command.id] = self._seq[command.device]
        for closed in numbers.keys() - {*still_open, command.id}:
            del numbers[closed]
        # One that was sent in an earlier epoch has no number here: then nothing may be forgotten yet.
        known = all(name in numbers for name in still_open)
        await self._send(
            command.device,
            CommandMessage(
                id=command.id,
                epoch=self._held.epoch,
                journal=self._held.journal,
                ledger=ledger,
                seq=self._seq[command.device],
                run=command.run,
                step=command.step,
                attempt=command.attempt,
                action=command.action,
                args=command.args,
                effect=command.effect,
                settle=command.settle,
                timeout_s=command.timeout_s,
                sent_at=self._wall(),
                expires_s=_EXPIRY_S,
                actor=self._actor,
                horizon=min(numbers.values()) if known else 0,
            ),
        )

    async def query(self, command: str, device: str, ledger: str) -> None:
        """Ask what became of a command that was meant for a ledger."""
        order = QueryMessage(id=command, ledger=ledger, **self._held.model_dump())
        await self._send(device, order)

    async def cancel(self, command: str, device: str, ledger: str, actor: str) -> None:
        """Have a command stopped, or refused if it comes later."""
        order = CancelMessage(id=command, ledger=ledger, actor=actor, **self._held.model_dump())
        await self._send(device, order)

    async def safe(self, actor: str, id: str) -> None:
        """Ask every device to reach its safe state."""
        for device in self._devices:
            await self._send(device, SafeMessage(id=id, actor=actor, **self._held.model_dump()))

    async def _live(self, beat_s: float) -> None:
        while True:
            if not self.hushed:
                await self._say_beat()
            await asyncio.sleep(beat_s)

    async def _say_beat(self, *, leaving: bool = False) -> None:
        beat = EngineBeat(sent_at=self._wall(), leaving=leaving, **self._held.model_dump())
        topic = topics.engine_beat(self._lab)
        payload = beat.model_dump_json().encode()
        await self._transport.publish(topic, payload, qos=1 if leaving else 0)

    async def _send(self, device: str, message: Downstream) -> None:
        payload = message.model_dump_json().encode()
        await self._transport.publish(topics.cmd(self._lab, device), payload)

    async def _listen(self, subscription: Subscription) -> None:
        async for message in subscription:
            self._take(message)

    def _take(self, message: Message) -> None:
        try:
            _, device, leaf = topics.split(message.topic)
            if leaf.startswith("data/"):
                self._take_signal(device, leaf.removeprefix("data/"), message)
                return
            report = self._read(message)
        except (ValueError, ValidationError):
            _LOG.warning("dropped a malformed message on %s", message.topic)
            return
        if report.device != device or device not in self._seq:
            return
        if message.retained and not isinstance(report, Description):
            # What a broker kept says what was, not what is; the heartbeat tells.
            if isinstance(report, State):
                self._states.setdefault(device, report)
            return
        if isinstance(report, Heartbeat):
            self._beat(report)
            return
        if isinstance(report, State):
            self._states[device] = report
            if report.state not in ("ready", "busy"):
                self._deliver(report)
                return
            # Ready is believed only from a device whose heart beats.
            if device not in self._heard:
                return
        self._deliver(report)

    def _read(self, message: Message) -> Upstream:
        """A heartbeat says nearly always what it said before, and is read only where it does not."""
        payload, report = self._last_beats.get(message.topic, (b"", None))
        if report is not None and payload == message.payload:
            return report
        report = parse_upstream(message.payload)
        if isinstance(report, Heartbeat) and report.device in self._seq:
            self._last_beats[message.topic] = message.payload, report
        return report

    def _take_signal(self, device: str, channel: str, message: Message) -> None:
        live = Telemetry.model_validate_json(message.payload)
        if (live.device, live.channel) != (device, channel) or message.retained or not live.samples:
            return
        under_way_s = max(0.0, self._wall() - live.sent_at) * self._speed
        last_s = live.samples[-1][0]
        for told_s, value in live.samples:
            age_s = under_way_s + last_s - told_s
            self._deliver(
                Signal(device, channel, live.unit, value, live.boot, told_s=told_s, age_s=age_s)
            )

    def _beat(self, beat: Heartbeat) -> None:
        device = beat.device
        now = asyncio.get_running_loop().time()
        first = device not in self._heard or device in self._lost
        rebooted = self._boots.get(device, beat.boot) != beat.boot
        self._heard[device] = now
        self._boots[device] = beat.boot
        self._lost.discard(device)
        if rebooted:
            # Its open commands have nobody who works on them any more: the core will ask.
            self._deliver(DeviceLost(device))
        self._look_who_holds(beat)
        if first or rebooted or self._is_news(beat):
            state = State(
                device=device,
                ledger=beat.ledger,
                state=beat.state,
                detail=beat.detail,
                safe_requests=beat.safe_requests,
            )
            self._states[device] = state
            self._deliver(state)

    def _is_news(self, beat: Heartbeat) -> bool:
        known = self._states.get(beat.device)
        told = (beat.state, beat.safe_requests, beat.ledger)
        return known is None or (known.state, known.safe_requests, known.ledger) != told

    def _look_who_holds(self, beat: Heartbeat) -> None:
        """A device that is not ours is claimed. One that other engines hold in spite of that ends this one; a single beat
        does not, because it may have been under way since before."""
        device, told = beat.device, Held(journal=beat.journal, epoch=beat.epoch)
        if told == self._held:
            self._foreign[device] = 0
            if beat.free:
                self._mine.discard(device)
                self._left.set()
            else:
                self._mine.add(device)
            return
        over = told.journal == self._held.journal and told.epoch > self._held.epoch
        others = told.journal != self._held.journal and (not beat.free or device in self._mine)
        if not over and not others:
            self._foreign[device] = 0
            now = asyncio.get_running_loop().time()
            if now - self._greeted.get(device, -math.inf) >= self._heartbeat_s:
                self._greeted[device] = now
                self._spawn(self._send(device, self._hello()))
            return
        self._foreign[device] += 1
        if self._foreign[device] == _FOREIGN_BEATS:
            self._deliver(Outranked(device, told.epoch, told.journal))
        elif self._foreign[device] < _FOREIGN_BEATS:
            may_take = others and self._take_over and device not in self._mine
            self._spawn(self._send(device, self._hello(takes=told if may_take else None)))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.append(task)
        task.add_done_callback(self._forget)

    def _forget(self, task: asyncio.Task[None]) -> None:
        if task in self._tasks:
            self._tasks.remove(task)

    async def _watch(self) -> None:
        limit = _BEATS_MISSED * self._heartbeat_s
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(self._heartbeat_s)
            for device in self._devices:
                heard = self._heard.get(device)
                silent = heard is not None and loop.time() - heard > limit
                if silent and device not in self._lost:
                    self._lost.add(device)
                    self._states.pop(device, None)
                    self._deliver(DeviceLost(device))
