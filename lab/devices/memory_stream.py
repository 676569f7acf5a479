"""A byte line inside one event loop: two ends, no threads; for simulators under any clock."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from lab.devices.receive_buffer import ReceiveBuffer
from lab.devices.stream import StreamClosedError

if TYPE_CHECKING:
    from lab.devices.stream import ByteStream

__all__ = ["MemoryStream", "stream_pair"]


class MemoryStream:
    """One end of a pair. What the other end wrote before it closed can still be read, then the line is closed."""

    def __init__(self) -> None:
        self._received = ReceiveBuffer()
        self._other: MemoryStream | None = None

    def join(self, other: MemoryStream) -> None:
        """Make two ends one line."""
        self._other, other._other = other, self

    async def read(self) -> bytes:
        """All bytes that are there, at least one."""
        return await self._received.read()

    async def write(self, data: bytes) -> None:
        """Hand the bytes to the other end, then give way once as a real line does."""
        if self._received.ended or self._other is None:
            raise StreamClosedError("the line is closed")
        self._other._received.feed(data)
        await asyncio.sleep(0)

    async def close(self) -> None:
        """End the line for both sides."""
        self._received.clear()
        self._received.end("the line was closed here")
        if self._other is not None:
            self._other._received.end("the other side closed the line")


def stream_pair() -> tuple[ByteStream, ByteStream]:
    """Two ends of a new line: what is written to one is read from the other."""
    left, right = MemoryStream(), MemoryStream()
    left.join(right)
    return left, right
