"""A byte line inside one event loop: two ends, no threads; for simulators under any clock."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from lab.devices.stream import StreamClosedError

if TYPE_CHECKING:
    from lab.devices.stream import ByteStream

__all__ = ["MemoryStream", "stream_pair"]


class MemoryStream:
    """One end of a pair. What the other end wrote before it closed can still be read, then the line is closed."""

    def __init__(self) -> None:
        self._received = bytearray()
        self._something = asyncio.Event()
        self._closed = False
        self._ended = False
        self._other: MemoryStream | None = None

    def join(self, other: MemoryStream) -> None:
        """Make two ends one line."""
        self._other, other._other = other, self

    async def read(self) -> bytes:
        """All bytes that are there, at least one."""
        while not self._received:
            if self._closed or self._ended:
                raise StreamClosedError("the line is closed")
            self._something.clear()
            await self._something.wait()
        data = bytes(self._received)
        self._received.clear()
        return data

    async def write(self, data: bytes) -> None:
        """Hand the bytes to the other end, then give way once as a real line does."""
        other = self._other
        if self._closed or self._ended or other is None:
            raise StreamClosedError("the line is closed")
        other._received += data
        other._something.set()
        await asyncio.sleep(0)

    async def close(self) -> None:
        """End the line for both sides."""
        if self._closed:
            return
        self._closed = True
        self._received.clear()
        self._something.set()
        if self._other is not None:
            self._other._ended = True
            self._other._something.set()


def stream_pair() -> tuple[ByteStream, ByteStream]:
    """Two ends of a new line: what is written to one is read from the other."""
    left, right = MemoryStream(), MemoryStream()
    left.join(right)
    return left, right
