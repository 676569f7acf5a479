"""Real byte lines: serial ports by pyserial, one reader thread per port; TCP sockets by asyncio.

A port is opened exclusively, so that two programs never mix their questions. On a Linux pseudo-terminal the kernel
knows neither 7 bits nor parity and refuses such settings the second time they are asked for (EINVAL), so there the
line is opened as 8N1, which is logged; the bytes are the same.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import threading
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

import serial
from serial.tools import list_ports

from lab.devices.line_url import SocketUrl, parse_line_url
from lab.devices.receive_buffer import ReceiveBuffer
from lab.devices.stream import StreamClosedError
from lab.domain.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from lab.devices.line_url import SerialUrl
    from lab.devices.stream import ByteStream

__all__ = ["SerialStream", "SocketStream", "open_serial"]

_LOG = logging.getLogger(__name__)

_CONNECT_S = 5.0
_POLL_S = 0.2
"""How long the reader thread waits at most before it looks whether it should end."""
_WRITE_S = 10.0
_END_S = 2.0


async def open_serial(url: str) -> ByteStream:
    """Open `serial:///dev/ttyX?baud=...` or `socket://host:port` (see `lab.devices.line_url`).

    InputError for a wrong URL, UnavailableError with a hint where the port can't be opened.
    """
    line = parse_line_url(url)
    if isinstance(line, SocketUrl):
        return await SocketStream.connect(line)
    opened = await asyncio.to_thread(_open_port, _for_pty(line))
    return SerialStream(line.port, opened, asyncio.get_running_loop())


class SocketStream:
    """A TCP connection as a byte line. asyncio sets TCP_NODELAY."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def connect(cls, line: SocketUrl) -> SocketStream:
        """Connect. UnavailableError where nobody answers."""
        where = f"{line.host}:{line.port}"
        try:
            async with asyncio.timeout(_CONNECT_S):
                reader, writer = await asyncio.open_connection(line.host, line.port)
        except (OSError, TimeoutError) as error:
            raise UnavailableError(
                f"nothing answers at {where}: {error or 'no answer in time'}",
                hint="is the device (or its serial server) switched on, and are address and port right?",
            ) from error
        return cls(reader, writer)

    async def read(self) -> bytes:
        """At least one byte."""
        try:
            data = await self._reader.read(4096)
        except OSError as error:
            raise StreamClosedError(f"the connection broke: {error}") from error
        if not data:
            raise StreamClosedError("the other side closed the connection")
        return data

    async def write(self, data: bytes) -> None:
        """Hand all bytes to the connection."""
        if self._writer.is_closing():
            raise StreamClosedError("the connection is closed")
        try:
            self._writer.write(data)
            await self._writer.drain()
        except OSError as error:
            raise StreamClosedError(f"the connection broke: {error}") from error

    async def close(self) -> None:
        """Free the connection."""
        self._writer.close()
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(_END_S):
                await self._writer.wait_closed()


class SerialStream:
    """An open serial port as a byte line."""

    def __init__(self, name: str, port: serial.Serial, loop: asyncio.AbstractEventLoop) -> None:
        self._name = name
        self._port = port
        self._loop = loop
        self._received = ReceiveBuffer()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._receive, name=f"serial {name}", daemon=True)
        self._thread.start()

    async def read(self) -> bytes:
        """All bytes that are there, at least one."""
        return await self._received.read()

    async def write(self, data: bytes) -> None:
        """Returns when the system has taken all bytes. TimeoutError when flow control holds them back."""
        if self._received.ended:
            raise StreamClosedError(f"{self._name} is closed")
        try:
            await asyncio.to_thread(self._port.write, data)
        except serial.SerialTimeoutException as error:
            raise TimeoutError(f"{self._name} takes no bytes: flow control?") from error
        except (OSError, TypeError) as error:  # TypeError: pyserial, closed meanwhile
            self._received.end(f"{self._name} is gone: {error}")
            raise StreamClosedError(f"{self._name} is gone: {error}") from error

    async def close(self) -> None:
        """Free the port."""
        self._received.clear()
        self._received.end(f"{self._name} is closed")
        if self._closing.is_set():
            return
        self._closing.set()
        with suppress(OSError, AttributeError):  # some kinds of port can't be interrupted
            self._port.cancel_read()
        await asyncio.to_thread(self._thread.join, _END_S)
        with suppress(OSError):
            await asyncio.to_thread(self._port.close)

    def _receive(self) -> None:
        """The reader thread: waits for the first byte, takes all that are there."""
        reason = ""
        while not self._closing.is_set():
            try:
                data = self._port.read(max(1, self._port.in_waiting))
            except (OSError, TypeError) as error:
                reason = f"{self._name} is gone: {error}"
                break
            if data and not self._tell(self._received.feed, data):
                return
        self._tell(self._received.end, reason or f"{self._name} is closed")

    def _tell(self, what: Callable[..., None], detail: bytes | str) -> bool:
        try:
            self._loop.call_soon_threadsafe(what, detail)
        except RuntimeError:
            return False  # the loop has ended; nobody listens
        return True


def _for_pty(line: SerialUrl) -> SerialUrl:
    if not str(Path(line.port).resolve()).startswith("/dev/pts/") or line.framing[:2] == "8N":
        return line
    _LOG.warning("%s is a pseudo-terminal: opened as 8N1 instead of %s", line.port, line.framing)
    return replace(line, bytesize=8, parity="N", stopbits=1)


def _open_port(line: SerialUrl) -> serial.Serial:
    try:
        return serial.Serial(
            line.port,
            baudrate=line.baud,
            bytesize=line.bytesize,
            parity=line.parity,
            stopbits=line.stopbits,
            xonxoff=line.xonxoff,
            rtscts=line.rtscts,
            timeout=_POLL_S,
            write_timeout=_WRITE_S,
            exclusive=True,
        )
    except (OSError, ValueError) as error:
        raise UnavailableError(
            f"can't open serial port {line.port}: {error}", hint=_hint(line.port, error)
        ) from error


def _hint(port: str, error: Exception) -> str:
    number = error.errno if isinstance(error, OSError) else None
    if number == errno.EACCES:
        return "give this user the right to use serial ports (on Debian: the group `dialout`), then log in again"
    if number in (errno.EBUSY, errno.EAGAIN, errno.EWOULDBLOCK) or "lock" in str(error):
        return "another program uses the port; close it"
    ports = cast("Iterable[object]", list_ports.comports())  # pyright: ignore[reportUnknownMemberType] - untyped library
    there = ", ".join(str(getattr(found, "device", found)) for found in ports)
    return f"is the cable of {port} plugged in? Ports of this computer: {there or 'none'}"
