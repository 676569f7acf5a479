"""A byte stream over a real TCP socket, and a server that puts a simulator behind one."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from lab.devices.stream import StreamClosedError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

__all__ = ["SocketConnector", "SocketStream", "tcp_server"]


class SocketStream:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def read(self) -> bytes:
        try:
            data = await self._reader.read(4096)
        except ConnectionError as error:
            raise StreamClosedError(str(error)) from error
        if not data:
            raise StreamClosedError("the socket is closed")
        return data

    async def write(self, data: bytes) -> None:
        if self._writer.is_closing():
            raise StreamClosedError("the socket is closed")
        self._writer.write(data)
        await self._writer.drain()

    async def close(self) -> None:
        self._writer.close()
        try:
            await self._writer.wait_closed()
        except ConnectionError:
            return


class SocketConnector:
    """Opens `socket://host:port` for a driver."""

    async def stream(self, url: str) -> SocketStream:
        host, _, port = url.removeprefix("socket://").partition(":")
        return SocketStream(*await asyncio.open_connection(host, int(port)))


@asynccontextmanager
async def tcp_server(simulator: Any) -> AsyncIterator[str]:
    """Serve a simulator on a free port of the loopback; yields its URL."""
    sessions: list[asyncio.Task[None]] = []
    streams: list[SocketStream] = []

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        streams.append(SocketStream(reader, writer))
        sessions.append(asyncio.ensure_future(simulator.serve(streams[-1])))

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    try:
        yield f"socket://{host}:{port}"
    finally:
        server.close()
        await server.wait_closed()
        for stream in streams:
            await stream.close()
        await asyncio.gather(*sessions)
