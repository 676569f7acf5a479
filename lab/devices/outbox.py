"""What a device host has to say, in order. Posting never waits: a broker that is away must not hold up a pump."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import BaseModel

    from lab.bus.transport import Transport

__all__ = ["Outbox"]

_LOG = logging.getLogger(__name__)
_FEW = 100
_MANY = 10_000


@dataclass(frozen=True, slots=True)
class _Letter:
    topic: str
    payload: bytes
    qos: int
    retain: bool


class Outbox:
    """Messages wait here until the transport takes them. Every one may be lost; the ledger keeps what matters."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._letters: deque[_Letter] = deque()
        self._something = asyncio.Event()
        self._empty = asyncio.Event()
        self._empty.set()

    def post(
        self,
        topic: str,
        message: BaseModel | bytes,
        *,
        qos: int = 1,
        retain: bool = False,
        droppable: bool = False,
    ) -> None:
        """Put a message, or its text, in line. What is `droppable` (heartbeats, progress, telemetry) is dropped in a jam."""
        if len(self._letters) >= (_FEW if droppable else _MANY):
            if not droppable:
                _LOG.warning("%s: message dropped, %d are waiting", topic, len(self._letters))
            return
        text = message if isinstance(message, bytes) else message.model_dump_json().encode()
        self._letters.append(_Letter(topic, text, qos, retain))
        self._empty.clear()
        self._something.set()

    async def run(self) -> None:
        """Publish what is posted, for ever."""
        while True:
            while self._letters:
                letter = self._letters[0]
                try:
                    await self._transport.publish(
                        letter.topic, letter.payload, qos=letter.qos, retain=letter.retain
                    )
                except Exception as error:
                    # Whatever the transport's trouble is, the device must stay in hand.
                    _LOG.warning("%s: message lost: %s", letter.topic, error)
                self._letters.popleft()
            self._empty.set()
            self._something.clear()
            await self._something.wait()

    async def drain(self) -> None:
        """Return when all that was posted has been handed over."""
        await self._empty.wait()
