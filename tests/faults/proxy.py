"""A way to a broker that goes bad: it cuts connections, holds bytes back and changes some."""

from __future__ import annotations

import asyncio
import random
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["FlakyProxy", "flaky_proxy"]


class FlakyProxy:
    """Runs in a thread of its own. The shares count chunks of bytes; `calm` ends all faults."""

    def __init__(self, target: int, seed: int) -> None:
        self.port = 0
        self.cuts = 0
        self.delays = 0
        self.corrupted = 0
        self.calm = False
        self._target = target
        self._random = random.Random(seed)
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self._thread.start()
        self._ready.wait(10)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        server.close()
        left = asyncio.all_tasks(self._loop)
        for task in left:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        self._loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.close()
            return
        pumps = (
            asyncio.create_task(self._pump(reader, back)),
            asyncio.create_task(self._pump(there, writer)),
        )
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            for end in (writer, back):
                end.close()
                with suppress(OSError):
                    await end.wait_closed()

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await source.read(4096):
                chance = 1.0 if self.calm else self._random.random()
                if chance < 0.004:
                    self.cuts += 1
                    return
                if chance < 0.03:
                    self.delays += 1
                    await asyncio.sleep(self._random.random())
                elif chance < 0.034:
                    self.corrupted += 1
                    where = self._random.randrange(len(data))
                    data = data[:where] + bytes([data[where] ^ 0x55]) + data[where + 1 :]
                sink.write(data)
                await sink.drain()


@contextmanager
def flaky_proxy(target: int, seed: int) -> Iterator[FlakyProxy]:
    """A proxy before a local port, while entered."""
    proxy = FlakyProxy(target, seed)
    proxy.start()
    try:
        yield proxy
    finally:
        proxy.stop()
