"""A byte stream on the master side of a pseudo-terminal, so that a foreign program can open the other side."""

from __future__ import annotations

import asyncio
import os
import termios
import tty

__all__ = ["PtyStream"]


class PtyStream:
    """`port` is what a client opens. One slave descriptor stays open here, so the line outlives its clients."""

    def __init__(self) -> None:
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self.port = os.ttyname(self._slave)
        self._received: asyncio.Queue[bytes] = asyncio.Queue()
        asyncio.get_running_loop().add_reader(self._master, self._take)

    def forget_settings(self) -> None:
        """Set an odd baud rate. Linux drops parity and 7 bits on a pty and glibc reports EINVAL for it, unless
        something else changes in the same request: so a client that asks for 9600 7E1 gets through."""
        settings = termios.tcgetattr(self._slave)
        settings[4] = settings[5] = termios.B50
        termios.tcsetattr(self._slave, termios.TCSANOW, settings)

    def _take(self) -> None:
        self._received.put_nowait(os.read(self._master, 4096))

    async def read(self) -> bytes:
        return await self._received.get()

    async def write(self, data: bytes) -> None:
        os.write(self._master, data)

    async def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._master)
        os.close(self._master)
        os.close(self._slave)
