"""What a subscriber reads from: a queue with an end, shared by all transports."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

from lab.bus.wildcards import check_pattern, matches

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from lab.bus.transport import Message

__all__ = ["Inbox", "Inboxes"]

_TOPICS = 10_000
"""Topics whose takers are kept in mind."""


class Inbox:
    """A `Subscription`: iterate it in one task. `close()` ends the iteration and drops what was not read."""

    def __init__(
        self, patterns: tuple[str, ...], on_close: Callable[[Inbox], Awaitable[None]]
    ) -> None:
        if not patterns:
            raise ValueError("a subscription needs at least one topic pattern")
        self.patterns = tuple(check_pattern(pattern) for pattern in patterns)
        self._exact = {pattern for pattern in self.patterns if not set("+#") & set(pattern)}
        self._wild = [pattern for pattern in self.patterns if pattern not in self._exact]
        self._on_close = on_close
        self._messages: deque[Message] = deque()
        self._something = asyncio.Event()
        self._closed = False

    def wants(self, topic: str) -> bool:
        """Whether a message of that topic belongs here."""
        if self._closed:
            return False
        if topic in self._exact:
            return True
        # Asked for each message and each subscription: most have no wildcards.
        return bool(self._wild) and any(matches(pattern, topic) for pattern in self._wild)

    def deliver(self, message: Message) -> None:
        """Append one message. Nothing happens after the end."""
        if not self._closed:
            self._messages.append(message)
            self._something.set()

    def end(self) -> None:
        """End the iteration without telling the transport (which calls this when it leaves)."""
        self._closed = True
        self._messages.clear()
        self._something.set()

    def __aiter__(self) -> Inbox:
        return self

    async def __anext__(self) -> Message:
        while not self._messages:
            if self._closed:
                raise StopAsyncIteration
            self._something.clear()
            await self._something.wait()
        return self._messages.popleft()

    async def close(self) -> None:
        """End the iteration and give the patterns back. Safe to call twice."""
        if not self._closed:
            self.end()
            await self._on_close(self)


class Inboxes:
    """Several, in order of subscription. Iterate it for all of them."""

    def __init__(self) -> None:
        self._all: list[Inbox] = []
        self._takers: dict[str, tuple[Inbox, ...]] = {}

    def add(self, inbox: Inbox) -> None:
        """At the end."""
        self._all.append(inbox)
        self._takers.clear()

    def remove(self, inbox: Inbox) -> None:
        """An unknown one is ignored."""
        if inbox in self._all:
            self._all.remove(inbox)
            self._takers.clear()

    def clear(self) -> None:
        """Remove all."""
        self._all.clear()
        self._takers.clear()

    def takers(self, topic: str) -> tuple[Inbox, ...]:
        """Which of them want messages of that topic. Kept in mind: a lab has many subscriptions and few takers of a message."""
        takers = self._takers.get(topic)
        if takers is None:
            if len(self._takers) >= _TOPICS:
                self._takers.clear()
            takers = tuple(inbox for inbox in self._all if inbox.wants(topic))
            self._takers[topic] = takers
        return takers

    def __iter__(self) -> Iterator[Inbox]:
        return iter(self._all)

    def __contains__(self, inbox: object) -> bool:
        return inbox in self._all
