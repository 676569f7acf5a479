"""The bus inside one event loop: no broker, no threads, the same order each time.

One `MemoryBus` stands for the broker; each party connects with its own `MemoryTransport(bus)`. A message is in
every matching inbox, in order of subscription, before `publish` gives way to other tasks. It serves under any
event loop, the virtual one included.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from lab.bus.inbox import Inbox, Inboxes
from lab.bus.transport import Message
from lab.bus.wildcards import check_topic

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

__all__ = ["MemoryBus", "MemoryTransport"]


class MemoryBus:
    """What a broker keeps: the subscriptions in order, and one retained message for each topic."""

    def __init__(self) -> None:
        self._inboxes = Inboxes()
        self._retained: dict[str, bytes] = {}

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Put a message into every inbox that wants it. An empty retained payload forgets the kept one."""
        check_topic(topic)
        if retain:
            # Removed first, so that the order of topics is the order of their latest message.
            self._retained.pop(topic, None)
            if payload:
                self._retained[topic] = payload
        for inbox in self._inboxes.takers(topic):
            inbox.deliver(Message(topic, payload))

    def attach(self, inbox: Inbox) -> None:
        """Begin delivery, first of what was retained before."""
        self._inboxes.add(inbox)
        for topic, payload in self._retained.items():
            if inbox.wants(topic):
                inbox.deliver(Message(topic, payload, retained=True))

    def detach(self, inbox: Inbox) -> None:
        """End delivery; an unknown inbox is ignored."""
        self._inboxes.remove(inbox)


class MemoryTransport:
    """One party's connection to a `MemoryBus`; fulfils `lab.bus.transport.Transport`."""

    def __init__(self, bus: MemoryBus) -> None:
        self._bus = bus
        self._inboxes: list[Inbox] = []
        self._entered = 0

    async def __aenter__(self) -> Self:
        self._entered += 1
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._entered -= 1
        if self._entered > 0:
            return  # shared in one process: the last to leave closes it
        for inbox in self._inboxes:
            self._bus.detach(inbox)
            inbox.end()
        self._inboxes.clear()

    async def publish(
        self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False
    ) -> None:
        """Deliver at once; `qos` makes no difference here. RuntimeError outside `async with`."""
        del qos
        self._require_connection()
        self._bus.publish(topic, payload, retain=retain)
        # Gives way once, as every real transport does: a publisher in a loop must not starve the readers.
        await asyncio.sleep(0)

    async def subscribe(self, *patterns: str) -> Inbox:
        """Start receiving, retained messages first. RuntimeError outside `async with`."""
        self._require_connection()
        inbox = Inbox(patterns, self._release)
        self._inboxes.append(inbox)
        self._bus.attach(inbox)
        return inbox

    async def _release(self, inbox: Inbox) -> None:
        self._bus.detach(inbox)
        if inbox in self._inboxes:
            self._inboxes.remove(inbox)

    def _require_connection(self) -> None:
        if self._entered <= 0:
            raise RuntimeError("the transport is not connected: use `async with transport:`")
