"""The embedded broker: amqtt in a process of its own, for first steps, classes and tests. Real labs run Mosquitto.

It listens on the loopback interface only and takes everybody who can reach that. What amqtt 0.12 does not do right is
never relied on by the rest of the house: last will, take-over of a client id, access lists, MQTT 5; retained messages
of foreign topics are dropped by `lab.bus.mqtt`. asyncio sets TCP_NODELAY on its side of each connection by itself.

    python -m lab.bus.broker --port 1883

prints the broker's URL when it accepts connections, and ends in order on SIGTERM, on Ctrl-C and, with `--child`, when
its standard input closes: a parent that dies in whatever way takes its broker along.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import logging
import os
import signal
import socket
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from lab.domain.errors import LabError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType
    from typing import Self

__all__ = ["EmbeddedBroker", "free_port", "main", "run_broker", "serve_broker"]

_HOST = "127.0.0.1"
_START_S = 30.0
_END_S = 5.0
_SHUTDOWN_S = 0.5
_PORTS = range(20_000, 30_000)
"""Below the ports that systems give to outgoing connections, so that none of these takes ours in between."""


def free_port() -> int:
    """A loopback TCP port that nobody listens on. Another process may take it before it is used."""
    first = os.getpid() * 13 % len(_PORTS)
    for step in range(len(_PORTS)):
        port = _PORTS[(first + step) % len(_PORTS)]
        if _is_free(port):
            return port
    raise UnavailableError(
        "no free TCP port on this machine", hint="end what listens on 20000-30000"
    )


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_HOST, port))
        except OSError:
            return False
        return True


async def serve_broker(port: int, *, on_ready: Callable[[str], None], until: asyncio.Event) -> None:
    """Serve on loopback until the event is set. UnavailableError when amqtt is missing or the port is taken."""
    if importlib.util.find_spec("amqtt") is None:
        raise UnavailableError(
            "the embedded broker is not installed",
            hint="pip install 'labwright[broker]', or run Mosquitto and give its URL",
        )
    if not _is_free(port):
        raise UnavailableError(
            f"port {port} is in use", hint="end what listens there, or choose another --port"
        )
    from amqtt.broker import Broker  # pyright: ignore[reportMissingTypeStubs] - untyped library
    from amqtt.errors import AMQTTError  # pyright: ignore[reportMissingTypeStubs]

    plugin = "amqtt.plugins.authentication.AnonymousAuthPlugin"
    broker = Broker(
        {
            "listeners": {"default": {"type": "tcp", "bind": f"{_HOST}:{port}"}},
            "plugins": {plugin: {"allow_anonymous": True}},
        }
    )
    try:
        await broker.start()
    except AMQTTError as error:
        raise UnavailableError(f"the broker can't listen on port {port}: {error}") from error
    on_ready(f"mqtt://{_HOST}:{port}")
    await until.wait()
    with suppress(Exception):
        # It hangs on clients that come back meanwhile; nothing is lost, for all is in memory.
        async with asyncio.timeout(_SHUTDOWN_S):
            await broker.shutdown()


def run_broker(port: int) -> None:
    """Serve until SIGTERM or Ctrl-C; prints the URL. Port 0 takes a free one. For the command line."""
    asyncio.run(_serve_until_told(port or free_port(), child=False))


async def _serve_until_told(port: int, *, child: bool) -> None:
    logging.disable(logging.CRITICAL)  # amqtt reports each client that leaves without a word
    end = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end.set)
    if child:
        # Readable means closed: nobody writes to it.
        loop.add_reader(sys.stdin.fileno(), end.set)
    try:
        await serve_broker(port, on_ready=lambda url: print(url, flush=True), until=end)
    finally:
        if child:
            loop.remove_reader(sys.stdin.fileno())


class EmbeddedBroker:
    """A broker process that lives as long as the context: `async with EmbeddedBroker() as broker: broker.url`."""

    def __init__(self, port: int = 0) -> None:
        """`port` 0 takes a free one."""
        self._port = port
        self._process: asyncio.subprocess.Process | None = None
        self.url = ""
        """`mqtt://127.0.0.1:port`, once entered."""

    @property
    def pid(self) -> int:
        """The broker's process id; 0 when it does not run."""
        running = self._process is not None and self._process.returncode is None
        return self._process.pid if running and self._process is not None else 0

    async def __aenter__(self) -> Self:
        """Start; returns when it accepts connections. UnavailableError when it does not start."""
        port = self._port or free_port()
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "lab.bus.broker", "--child", "--port", str(port)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            # Ctrl-C at the terminal is for the parent, which needs its broker to the end.
            start_new_session=True,
        )
        try:
            self.url = await self._first_line(self._process)
        except BaseException:
            await self._end()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._end()

    async def _first_line(self, process: asyncio.subprocess.Process) -> str:
        line = b""
        if process.stdout is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(_START_S):
                    line = await process.stdout.readline()
        text = line.decode(errors="replace").strip()
        if not text.startswith("mqtt://"):
            raise UnavailableError(
                f"the embedded broker did not start: {text or 'no answer'}",
                hint="run `lab broker` by itself to see why, or give the URL of another broker",
            )
        return text

    async def _end(self) -> None:
        process = self._process
        if process is None:
            return
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.terminate()
            try:
                async with asyncio.timeout(_END_S):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()
        if process.stdin is not None:
            process.stdin.close()
            with suppress(OSError):
                await process.stdin.wait_closed()


def main(arguments: Sequence[str] | None = None) -> int:
    """`python -m lab.bus.broker`; the exit code is that of `lab.domain.errors`."""
    parser = argparse.ArgumentParser(
        prog="python -m lab.bus.broker", description=run_broker.__doc__
    )
    parser.add_argument("--port", type=int, default=1883)
    parser.add_argument("--child", action="store_true", help="end when standard input closes")
    options = parser.parse_args(arguments)
    try:
        asyncio.run(_serve_until_told(options.port or free_port(), child=options.child))
    except LabError as error:
        # On standard output, where the parent reads it.
        print(f"{error.message} ({error.hint})", flush=True)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
