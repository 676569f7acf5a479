"""A real pseudo-terminal in front of a stream simulator, for client libraries that open a serial port."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pty
import tty
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from lab.devices.stream import StreamClosedError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

__all__ = ["PtyStream", "pty_port"]


class PtyStream:
    """The master end of a pty. The slave end stays open here too, so a client may come and go."""

    def __init__(self) -> None:
        self._master, self._slave = pty.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self.path = os.ttyname(self._slave)
        self._ended = False
        self._ready = asyncio.Event()
        asyncio.get_running_loop().add_reader(self._master, self._ready.set)

    async def read(self) -> bytes:
        while not self._ended:
            with contextlib.suppress(BlockingIOError):
                return os.read(self._master, 4096)
            self._ready.clear()
            await self._ready.wait()
        raise StreamClosedError("the pty is closed")

    async def write(self, data: bytes) -> None:
        os.write(self._master, data)

    async def close(self) -> None:
        if self._ended:
            return
        self._ended = True
        asyncio.get_running_loop().remove_reader(self._master)
        self._ready.set()
        os.close(self._master)
        os.close(self._slave)


@asynccontextmanager
async def pty_port(simulator: Any) -> AsyncIterator[str]:
    """Serve a simulator on a pty; yields the path of the port to open."""
    stream = PtyStream()
    serving = asyncio.create_task(simulator.serve(stream))
    try:
        yield stream.path
    finally:
        await stream.close()
        await serving
