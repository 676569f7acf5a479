"""Bytes that have arrived and wait for their reader, with an end."""

from __future__ import annotations

import asyncio

from lab.devices.stream import StreamClosedError

__all__ = ["ReceiveBuffer"]


class ReceiveBuffer:
    """One reader. What was fed before the end can still be read; after `clear` it can't."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._something = asyncio.Event()
        self._end = ""

    def feed(self, data: bytes) -> None:
        """Append bytes."""
        self._bytes += data
        self._something.set()

    def end(self, reason: str) -> None:
        """Nothing more will come; the first reason counts."""
        self._end = self._end or reason
        self._something.set()

    def clear(self) -> None:
        """Forget what was not read."""
        self._bytes.clear()

    @property
    def ended(self) -> bool:
        """Whether the end was told; bytes may still be there."""
        return bool(self._end)

    async def read(self) -> bytes:
        """All bytes that are there, at least one. StreamClosedError after the end."""
        while not self._bytes:
            if self._end:
                raise StreamClosedError(self._end)
            self._something.clear()
            await self._something.wait()
        data = bytes(self._bytes)
        self._bytes.clear()
        return data
