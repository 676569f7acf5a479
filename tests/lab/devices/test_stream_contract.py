"""One contract for byte lines: in memory, over a real pseudo-terminal, over a real TCP socket."""

from __future__ import annotations

import asyncio
import os
import socket
import tty
from contextlib import asynccontextmanager

import pytest

from lab.devices.memory_stream import stream_pair
from lab.devices.serial_stream import open_serial
from lab.devices.stream import StreamClosedError


class FarEnd:
    """The other side of a line, by plain means."""

    def __init__(self, send, take, hang_up) -> None:
        self.send = send
        self.take = take
        self.hang_up = hang_up


@asynccontextmanager
async def memory_line():
    ours, theirs = stream_pair()

    async def take(count: int) -> bytes:
        data = b""
        while len(data) < count:
            data += await theirs.read()
        return data

    yield ours, FarEnd(theirs.write, take, theirs.close)
    await ours.close()
    await theirs.close()


@asynccontextmanager
async def pty_line():
    master, slave = os.openpty()
    tty.setraw(slave)
    path = os.ttyname(slave)
    ours = await open_serial(f"serial://{path}?baud=9600")
    os.close(slave)
    open_ends = [master]

    async def send(data: bytes) -> None:
        await asyncio.to_thread(os.write, master, data)

    async def take(count: int) -> bytes:
        data = b""
        while len(data) < count:
            data += await asyncio.to_thread(os.read, master, 4096)
        return data

    async def hang_up() -> None:
        os.close(open_ends.pop())

    yield ours, FarEnd(send, take, hang_up)
    await ours.close()
    for end in open_ends:
        os.close(end)


@asynccontextmanager
async def tcp_line():
    listener = socket.create_server(("127.0.0.1", 0))
    ours = await open_serial(f"socket://127.0.0.1:{listener.getsockname()[1]}")
    theirs, _ = listener.accept()
    listener.close()

    async def take(count: int) -> bytes:
        data = b""
        while len(data) < count:
            data += await asyncio.to_thread(theirs.recv, 4096)
        return data

    async def send(data: bytes) -> None:
        await asyncio.to_thread(theirs.sendall, data)

    async def hang_up() -> None:
        theirs.close()

    yield ours, FarEnd(send, take, hang_up)
    await ours.close()
    theirs.close()


LINES = {"memory": memory_line, "pty": pty_line, "tcp": tcp_line}


@pytest.fixture(params=list(LINES))
async def line(request):
    async with asyncio.timeout(20), LINES[request.param]() as ends:
        yield ends


async def read_until(stream, count: int) -> bytes:
    data = b""
    async with asyncio.timeout(10):
        while len(data) < count:
            more = await stream.read()
            assert more, "read() must never return nothing"
            data += more
    return data


async def test_question_and_answer(line):
    ours, theirs = line
    for number in range(20):
        question, answer = b"Q%d\r" % number, b"A%d\r\n" % number
        await ours.write(question)
        assert await theirs.take(len(question)) == question
        await theirs.send(answer)
        assert await read_until(ours, len(answer)) == answer


async def test_every_byte_passes_unchanged(line):
    ours, theirs = line
    every = bytes(range(256))
    await ours.write(every)
    assert await theirs.take(256) == every
    await theirs.send(every)
    assert await read_until(ours, 256) == every


async def test_what_came_in_pieces_is_read_in_order(line):
    ours, theirs = line
    for piece in (b"S S  ", b"   100.00", b" g\r\n"):
        await theirs.send(piece)
        await asyncio.sleep(0.01)
    assert await read_until(ours, 19 - 1) == b"S S     100.00 g\r\n"


async def test_a_reader_waits_until_something_comes(line):
    ours, theirs = line
    reading = asyncio.create_task(ours.read())
    await asyncio.sleep(0.05)
    assert not reading.done()
    await theirs.send(b"!")
    assert await reading == b"!"


async def test_a_cancelled_read_loses_nothing(line):
    ours, theirs = line
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await ours.read()
    await theirs.send(b"late")
    assert await read_until(ours, 4) == b"late"


async def test_the_other_side_hangs_up(line):
    ours, theirs = line
    await theirs.send(b"last words")
    assert await read_until(ours, 10) == b"last words"
    reading = asyncio.create_task(ours.read())
    await asyncio.sleep(0.05)
    await theirs.hang_up()
    with pytest.raises(StreamClosedError):
        async with asyncio.timeout(5):
            await reading
    with pytest.raises(StreamClosedError):
        await ours.read()

    async def write_on() -> None:
        for _ in range(
            20
        ):  # a socket may take the first bytes before it learns that nobody is there
            await ours.write(b"hello?")
            await asyncio.sleep(0.01)

    with pytest.raises(StreamClosedError):
        await write_on()


async def test_closing_here_ends_reading_and_writing(line):
    ours, _ = line
    reading = asyncio.create_task(ours.read())
    await asyncio.sleep(0.02)
    await ours.close()
    await ours.close()
    with pytest.raises(StreamClosedError):
        async with asyncio.timeout(5):
            await reading
    with pytest.raises(StreamClosedError):
        await ours.write(b"x")


async def test_a_long_message_passes(line):
    ours, theirs = line
    long = bytes(n % 251 for n in range(20_000))
    taking = asyncio.create_task(theirs.take(len(long)))
    await ours.write(long)
    assert await taking == long
