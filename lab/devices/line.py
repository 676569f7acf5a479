"""Question and answer over a byte stream: framing, real time-outs, one exchange at a time.

A driver opens its stream and puts a `Line` on it with the decoder of its wire codec. The decoder
knows the protocol and no I/O; the line knows I/O and no protocol. Time-outs are those of real
communication, not process time. Only asyncio primitives are used, so it works under every clock.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from lab.devices.stream import StreamClosedError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from lab.devices.stream import ByteStream

__all__ = ["Decoder", "Line", "TerminatedLines"]

Frame = TypeVar("Frame")
FrameOut = TypeVar("FrameOut", covariant=True)

_TURNS = 4
"""Of bytes in a socket's buffer."""


class Decoder(Protocol[FrameOut]):
    """Bytes in, whole frames out, however the bytes were cut."""

    def feed(self, data: bytes) -> Sequence[FrameOut]:
        """Take bytes as they arrived; return the frames now whole, oldest first. Never raises."""
        ...

    def reset(self) -> None:
        """Forget an unfinished frame."""
        ...


class TerminatedLines:
    """Frames that end with a terminator, e.g. CR LF; the frame comes without it.

    `limit` bytes without a terminator are line noise: they are dropped up to the next terminator.
    """

    def __init__(self, terminator: bytes, limit: int = 4096) -> None:
        if not terminator:
            raise ValueError("a terminator needs at least one byte")
        self._terminator = terminator
        self._limit = limit
        self._buffer = b""
        self._overlong = False

    def feed(self, data: bytes) -> list[bytes]:
        *frames, self._buffer = (self._buffer + data).split(self._terminator)
        if self._overlong and frames:
            del frames[0]
            self._overlong = False
        if len(self._buffer) > self._limit:
            # A terminator may be cut in two: its first bytes must stay.
            kept = len(self._terminator) - 1
            self._buffer = self._buffer[-kept:] if kept else b""
            self._overlong = True
        return frames

    def reset(self) -> None:
        self._buffer = b""
        self._overlong = False


class Line(Generic[Frame]):
    """One exchange at a time over a stream that it owns.

    TimeoutError: no (whole) frame came in time. StreamClosedError: the other side went away.
    A read that timed out stays pending and is taken up by the next one: no byte gets lost.
    """

    def __init__(self, stream: ByteStream, decoder: Decoder[Frame], *, turns: int = _TURNS) -> None:
        """`turns`: passes of the event loop that bytes which lie in the stream need to reach a waiting reader."""
        self._stream = stream
        self._decoder = decoder
        self._frames: list[Frame] = []
        self._pending: asyncio.Task[bytes] | None = None
        self._lock = asyncio.Lock()
        self._turns = turns

    @asynccontextmanager
    async def exchange(self) -> AsyncGenerator[None]:
        """Hold the line for several reads and writes; what lay in it is dropped first."""
        async with self._lock:
            await self.drain()
            yield

    async def request(self, data: bytes, timeout_s: float) -> Frame:
        """Drop what lies in the line, send `data`, return the first frame that follows."""
        async with self.exchange():
            await self.write(data)
            return await self.read_line(timeout_s)

    async def write(self, data: bytes) -> None:
        """Send bytes. Call it inside of `exchange()`, where nobody else uses the line."""
        await self._stream.write(data)

    async def read_line(self, timeout_s: float) -> Frame:
        """The next whole frame, within `timeout_s` real seconds."""
        try:
            async with asyncio.timeout(timeout_s):
                while not self._frames:
                    self._frames += self._decoder.feed(await self._chunk())
        except TimeoutError:
            raise TimeoutError(f"no complete reply within {timeout_s:g} s") from None
        return self._frames.pop(0)

    async def drain(self) -> None:
        """Drop everything that has arrived: late replies, printed lines, noise."""
        while True:
            task = self._reading()
            for _ in range(self._turns):
                if not task.done():
                    await asyncio.sleep(0)
            if not task.done():
                break
            self._pending = None
            task.result()
        self._frames.clear()
        self._decoder.reset()

    async def close(self) -> None:
        """Free the stream. Safe to call twice and while a read is pending."""
        task, self._pending = self._pending, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        await self._stream.close()

    async def _chunk(self) -> bytes:
        task = self._reading()
        await asyncio.wait({task})  # unlike `await task`, its cancellation leaves the read alive
        if self._pending is task:
            self._pending = None
        if task.cancelled():
            raise StreamClosedError("the line was closed")
        return task.result()

    def _reading(self) -> asyncio.Task[bytes]:
        if self._pending is None:
            self._pending = asyncio.ensure_future(self._read())
        return self._pending

    async def _read(self) -> bytes:
        return await self._stream.read()
