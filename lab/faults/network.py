"""A broker and the ways to it, as bad as the knobs say: lossy, doubling, slow, forgetful, sometimes away."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.bus.inbox import Inbox
from lab.bus.transport import Message

if TYPE_CHECKING:
    import random
    from types import TracebackType
    from typing import Self

    from lab.faults.knobs import NetworkKnobs
    from lab.faults.loop import Process, SimulationLoop
    from lab.faults.story import Story

__all__ = ["Broker", "Delivery", "SimulatedTransport"]

_HOP_S = 0.002
_RARE = 0.02


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message as it reached a process."""

    at_s: float
    to: Process
    topic: str
    payload: bytes


class Broker:
    """One for the lab. `calm()` ends all faults for good."""

    def __init__(
        self, loop: SimulationLoop, rng: random.Random, knobs: NetworkKnobs, story: Story
    ) -> None:
        self._loop = loop
        self._rng = rng
        self._knobs = knobs
        self._story = story
        self._seats: list[tuple[Process, Inbox]] = []
        self._routes: dict[str, list[tuple[Process, Inbox]]] = {}
        """Topic -> who wants it, while nobody comes or goes."""
        self._retained: dict[str, bytes] = {}
        self._up = asyncio.Event()
        self._up.set()
        self._bad = knobs.any
        self._under_way = 0
        self.commands: list[Delivery] = []
        """What reached device hosts on their `cmd` topics."""
        self.beats: list[Delivery] = []
        """The engines' signs of life that reached device hosts."""

    def calm(self) -> None:
        """From now on every message arrives once, in order."""
        self._bad = False
        self._up.set()

    async def away(self, seconds: float, *, forgets: bool) -> None:
        """Down for so long, then back, with or without what it had retained. What was under way is lost."""
        self._story.tell("broker", f"down{', forgets' if forgets else ''}")
        self._up.clear()
        await asyncio.sleep(seconds)
        if forgets:
            self._retained.clear()
        self._up.set()
        self._story.tell("broker", "back")

    async def publish(self, topic: str, payload: bytes, *, retain: bool) -> None:
        """Take a message; waits while the broker is away."""
        if not self._up.is_set():
            await self._up.wait()
        if self._bad:
            topic, payload, retain = self._spoil(topic, payload, retain)
        if retain:
            self._retained.pop(topic, None)
            if payload:
                self._retained[topic] = payload
        wanted = self._routes.get(topic)
        if wanted is None:
            wanted = self._routes[topic] = [seat for seat in self._seats if seat[1].wants(topic)]
        for process, inbox in wanted:
            if process.alive:
                self._send(process, inbox, topic, payload)
        if wanted:
            await asyncio.sleep(0)

    def _spoil(self, topic: str, payload: bytes, retain: bool) -> tuple[str, bytes, bool]:
        knobs, rng = self._knobs, self._rng
        if knobs.junk and rng.random() < knobs.junk:
            self._story.tell("network", f"spoils a message on {topic}")
            match rng.randrange(4):
                case 0:
                    payload = payload[: rng.randrange(len(payload))]
                case 1:
                    payload = b"\xff" + payload * 50
                case 2:
                    payload = b'{"v": 1, "op": "command", "id": NaN}'
                case _:
                    payload = payload.replace(b'"v":1', b'"v":2', 1)
        if knobs.retains and topic.endswith("/cmd") and rng.random() < knobs.retains:
            self._story.tell("network", f"a message on {topic} is retained by mistake")
            retain = True
        return topic, payload, retain

    def _send(self, process: Process, inbox: Inbox, topic: str, payload: bytes) -> None:
        if not self._bad:
            self._arrive_after(_HOP_S, process, inbox, topic, payload)
            return
        knobs, rng = self._knobs, self._rng
        if knobs.limit and self._under_way >= knobs.limit:
            self._story.tell("broker", f"its queue is full: drops {topic}")
            return
        copies = 1
        if rng.random() < knobs.loses:
            copies = 0
        elif rng.random() < knobs.doubles:
            copies = 2 + (rng.random() < _RARE)
        for _ in range(copies):
            delay = _HOP_S + rng.random() * knobs.jitter_s
            if rng.random() < knobs.late:
                delay += rng.random() * knobs.late_s
            self._arrive_after(delay, process, inbox, topic, payload)

    def _arrive_after(
        self, delay: float, process: Process, inbox: Inbox, topic: str, payload: bytes
    ) -> None:
        self._under_way += 1
        self._loop.world.context.run(
            self._loop.call_later, delay, self._arrive, process, inbox, topic, payload
        )

    def _arrive(self, process: Process, inbox: Inbox, topic: str, payload: bytes) -> None:
        self._under_way -= 1
        if not process.alive or not self._up.is_set():
            return
        if topic.endswith("/cmd"):
            self.commands.append(Delivery(self._loop.time(), process, topic, payload))
        elif topic.endswith("/_engine"):
            self.beats.append(Delivery(self._loop.time(), process, topic, payload))
        inbox.deliver(Message(topic, payload))

    def attach(self, process: Process, inbox: Inbox) -> None:
        """Begin delivery, first of what was retained."""
        self._seats = [seat for seat in self._seats if seat[0].alive]
        self._seats.append((process, inbox))
        self._routes.clear()
        for topic, payload in self._retained.items():
            if inbox.wants(topic):
                inbox.deliver(Message(topic, payload, retained=True))

    def detach(self, inbox: Inbox) -> None:
        """End delivery."""
        self._seats = [seat for seat in self._seats if seat[1] is not inbox]
        self._routes.clear()


class SimulatedTransport:
    """One process's connection; fulfils `lab.bus.transport.Transport`."""

    def __init__(self, broker: Broker, process: Process) -> None:
        self._broker = broker
        self._process = process
        self._inboxes: list[Inbox] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for inbox in self._inboxes:
            self._broker.detach(inbox)
            inbox.end()

    async def publish(
        self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False
    ) -> None:
        """Hand over a message; the network does with it what it does, whatever `qos`."""
        del qos
        if self._process.before_command is not None and b'"op":"command"' in payload:
            happens, self._process.before_command = self._process.before_command, None
            happens()
            await asyncio.sleep(
                0
            )  # where that has stopped the process, it goes on when it wakes up
        await self._broker.publish(topic, payload, retain=retain)

    async def subscribe(self, *patterns: str) -> Inbox:
        """Start receiving."""
        inbox = Inbox(patterns, self._release)
        self._inboxes.append(inbox)
        self._broker.attach(self._process, inbox)
        return inbox

    async def _release(self, inbox: Inbox) -> None:
        self._broker.detach(inbox)
