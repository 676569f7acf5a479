"""The byte stream contract: what a driver sees of a serial port, a socket or a simulator in memory."""

from __future__ import annotations

from typing import Protocol

__all__ = ["ByteStream", "StreamClosedError"]


class StreamClosedError(ConnectionError):
    """The other side went away: port unplugged, socket closed, simulator ended."""


class ByteStream(Protocol):
    """Ordered bytes both ways. One reader and one writer at a time.

    Implementations: `lab.devices.serial_stream` (pyserial: `serial:///dev/ttyUSB0?baud=9600`, `socket://host:port`)
    and `lab.devices.memory_stream` (a pair in one loop, for simulators under any clock).
    """

    async def read(self) -> bytes:
        """At least one byte, as soon as any is there; b"" never. Raises StreamClosedError at the end."""
        ...

    async def write(self, data: bytes) -> None:
        """Hand all bytes to the line. Raises StreamClosedError when it is gone."""
        ...

    async def close(self) -> None:
        """Free the line. Safe to call twice."""
        ...
