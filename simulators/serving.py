"""Simulators behind real lines: pseudo-terminals, TCP and HTTP, on the loopback interface only.

Each server has a `url` for the device's entry in `lab.yaml` and is ended by `await server.close()`. A simulator lives
on between connections.

Pseudo-terminals (Linux) have two traps, which are handled here. When no program has the terminal open, reading at our
end fails: so we keep it open ourselves. And the kernel drops 7-bit and parity settings, so asking for them a second
time changes nothing and fails with EINVAL: so we set its speed back to 50 baud again and again, which means nothing
to a pseudo-terminal, but makes every request of a client a change.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import termios
import tty
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import TYPE_CHECKING, Any

from lab.devices.receive_buffer import ReceiveBuffer
from lab.devices.serial_stream import SocketStream
from lab.devices.stream import StreamClosedError

if TYPE_CHECKING:
    from lab.devices.stream import ByteStream

__all__ = ["HttpServer", "PtyServer", "TcpServer", "serve_http", "serve_pty", "serve_tcp"]

_LOG = logging.getLogger(__name__)
_HOST = "127.0.0.1"
_RESET_S = 0.1
_FULL_S = 0.5
"""How long a full terminal buffer is waited for, before what nobody read is dropped as a real line would."""
_INPUT_SPEED, _OUTPUT_SPEED = 4, 5

Serve = Callable[["ByteStream"], Awaitable[None]]
"""`simulators.contract.StreamSimulator.serve`."""


async def serve_tcp(serve: Serve, port: int = 0) -> TcpServer:
    """Serve each connection, several at a time; port 0 takes a free one."""
    server = TcpServer(serve)
    await server.start(port)
    return server


async def serve_pty(serve: Serve) -> PtyServer:
    """Serve a new pseudo-terminal; clients may come and go."""
    return PtyServer(serve, asyncio.get_running_loop())


async def serve_http(app: Callable[[Any, Any, Any], Awaitable[None]]) -> HttpServer:
    """Serve an ASGI application on a free port."""
    server = HttpServer(app)
    await server.start()
    return server


async def _serve_one(serve: Serve, stream: ByteStream) -> None:
    try:
        await serve(stream)
    except StreamClosedError:
        pass
    except Exception:
        _LOG.exception("the simulator failed; the connection is closed")
    finally:
        await stream.close()


class TcpServer:
    """A simulator at `socket://127.0.0.1:port`."""

    def __init__(self, serve: Serve) -> None:
        self.url = ""
        self._serve = serve
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    async def start(self, port: int) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._accept, _HOST, port)
        self.url = f"socket://{_HOST}:{self._server.sockets[0].getsockname()[1]}"

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # asyncio sets TCP_NODELAY on every connection that it accepts.
        task = asyncio.create_task(_serve_one(self._serve, SocketStream(reader, writer)))
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)

    async def close(self) -> None:
        """End all connections and stop listening."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
        await _cancel(*self._connections)


class PtyServer:
    """A simulator at `serial:///dev/pts/N`; `path` is the device file."""

    def __init__(self, serve: Serve, loop: asyncio.AbstractEventLoop) -> None:
        self._stream = _PtyStream(loop)
        self.path = self._stream.path
        self.url = f"serial://{self.path}"
        self._tasks = (
            loop.create_task(_serve_one(serve, self._stream)),
            loop.create_task(self._stream.keep_changeable()),
        )

    async def close(self) -> None:
        """End the simulator and remove the terminal; an open client sees it vanish."""
        await _cancel(*self._tasks)
        await self._stream.close()


class _PtyStream:
    """Our end of a pseudo-terminal as a byte line."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._master, self._slave = os.openpty()
        os.set_blocking(self._master, False)
        tty.setraw(self._slave)
        self.path = os.ttyname(self._slave)
        self._received = ReceiveBuffer()
        self._make_changeable()
        loop.add_reader(self._master, self._receive)

    async def keep_changeable(self) -> None:
        """See the module's second trap; runs until cancelled."""
        while True:
            await asyncio.sleep(_RESET_S)
            self._make_changeable()

    def _make_changeable(self) -> None:
        settings = termios.tcgetattr(self._slave)
        if settings[_OUTPUT_SPEED] != termios.B50:
            settings[_INPUT_SPEED] = settings[_OUTPUT_SPEED] = termios.B50
            with suppress(termios.error):
                termios.tcsetattr(self._slave, termios.TCSANOW, settings)

    def _receive(self) -> None:
        try:
            self._received.feed(os.read(self._master, 4096))
        except BlockingIOError:
            pass
        except OSError as error:
            self._loop.remove_reader(self._master)
            self._received.end(f"the terminal is gone: {error}")

    async def read(self) -> bytes:
        return await self._received.read()

    async def write(self, data: bytes) -> None:
        left = memoryview(data)
        while left:
            if self._received.ended:
                raise StreamClosedError("the terminal is closed")
            try:
                left = left[os.write(self._master, left) :]
            except BlockingIOError:
                await self._make_room()
            except OSError as error:
                raise StreamClosedError(f"the terminal is gone: {error}") from error

    async def _make_room(self) -> None:
        room = asyncio.Event()
        self._loop.add_writer(self._master, room.set)
        try:
            async with asyncio.timeout(_FULL_S):
                await room.wait()
        except TimeoutError:
            termios.tcflush(self._slave, termios.TCIFLUSH)
        finally:
            self._loop.remove_writer(self._master)

    async def close(self) -> None:
        if self._master < 0:
            return
        self._loop.remove_reader(self._master)
        self._received.end("the terminal was closed")
        os.close(self._master)
        os.close(self._slave)
        self._master = self._slave = -1


class HttpServer:
    """A simulator at `http://127.0.0.1:port`."""

    def __init__(self, app: Callable[[Any, Any, Any], Awaitable[None]]) -> None:
        import uvicorn

        class Server(uvicorn.Server):
            """Leaves the signals to the program that it runs in."""

            def capture_signals(self) -> AbstractContextManager[None]:  # pyright: ignore[reportIncompatibleMethodOverride]
                return nullcontext()

        self.url = ""
        self._server = Server(
            uvicorn.Config(
                app, host=_HOST, log_config=None, access_log=False, timeout_graceful_shutdown=2
            )
        )
        self._socket = socket.socket()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Listen; returns when requests are answered."""
        self._socket.bind((_HOST, 0))
        self.url = f"http://{_HOST}:{self._socket.getsockname()[1]}"
        self._task = asyncio.create_task(self._run())
        while not self._server.started:
            if self._task.done():
                self._socket.close()
                raise RuntimeError("the HTTP simulator did not start") from self._task.exception()
            await asyncio.sleep(0.01)

    async def _run(self) -> None:
        try:
            await self._server.serve(sockets=[self._socket])
        except SystemExit as error:
            # In a task it would end the whole program.
            raise RuntimeError("the application's own start-up failed") from error

    async def close(self) -> None:
        """Answer what is under way, then stop."""
        self._server.should_exit = True
        if self._task is not None:
            await self._task
        self._socket.close()


async def _cancel(*tasks: asyncio.Task[None]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
