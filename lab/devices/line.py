"""Question and answer over a byte stream: framing, real time-outs, one exchange at a time.

A driver opens its stream and puts a `Line` on it with the decoder of its wire codec. The decoder
knows the protocol and no I/O; the line knows I/O and no protocol. Time-outs are those of real
communication, not process time. Only asyncio primitives are used, so it works under every clock.
"""

from __future__ import annotations

import asyncio
from collections import deque
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
_KEPT = 10_000
"""Frames that nobody reads; older ones go."""


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
    """One exchange at a time over a stream that it owns, read by a task of its own from the first use on.

    TimeoutError: no (whole) frame came in time. StreamClosedError: the other side went away.
    """

    def __init__(self, stream: ByteStream, decoder: Decoder[Frame], *, turns: int = _TURNS) -> None:
        """`turns`: passes of the event loop that bytes which lie in the stream need to reach a waiting reader; 0 where the
        protocol itself tells an old answer from a new one."""
        self._stream = stream
        self._decoder = decoder
        self._frames: deque[Frame] = deque(maxlen=_KEPT)
        self._chunks = 0
        self._reader: asyncio.Task[None] | None = None
        self._waiter: asyncio.Future[None] | None = None
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
        """The next whole frame, within `timeout_s` real seconds. One caller at a time."""
        if not self._frames:
            self._read()
            if self._waiter is not None:
                raise RuntimeError("somebody reads this line already")
            loop = asyncio.get_running_loop()
            waiter = self._waiter = loop.create_future()
            timer = loop.call_later(timeout_s, _give_up, waiter, timeout_s)
            try:
                await waiter
            finally:
                timer.cancel()
                self._waiter = None
        return self._frames.popleft()

    async def drain(self) -> None:
        """Drop everything that has arrived: late replies, printed lines, noise."""
        self._read()
        seen = -1
        while seen != self._chunks:
            seen = self._chunks
            for _ in range(self._turns):
                await asyncio.sleep(0)
        self._read()
        self._frames.clear()
        self._decoder.reset()

    async def close(self) -> None:
        """Free the stream. Safe to call twice and while a read is pending."""
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.cancel()
            await asyncio.gather(reader, return_exceptions=True)
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(StreamClosedError("the line was closed"))
        await self._stream.close()

    def _read(self) -> None:
        """See to it that somebody reads. Raises what has ended the reading."""
        if self._reader is None:
            self._reader = asyncio.ensure_future(self._take_all())
        elif self._reader.done():
            reader, self._reader = self._reader, None
            reader.result()

    async def _take_all(self) -> None:
        while True:
            try:
                chunk = await self._stream.read()
            except Exception as error:
                if self._waiter is None or self._waiter.done():
                    raise
                # Told to who waits; the next one reads, and hears, for himself.
                self._reader = None
                self._waiter.set_exception(error)
                return
            self._chunks += 1
            self._frames += self._decoder.feed(chunk)
            if self._frames and self._waiter is not None and not self._waiter.done():
                self._waiter.set_result(None)


def _give_up(waiter: asyncio.Future[None], timeout_s: float) -> None:
    if not waiter.done():
        waiter.set_exception(TimeoutError(f"no complete reply within {timeout_s:g} s"))
