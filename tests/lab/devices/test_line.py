"""The line helper over memory and over a real socket."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.devices import line as line_module
from lab.devices.line import Line, TerminatedLines
from lab.devices.memory_stream import stream_pair
from lab.devices.stream import StreamClosedError
from tests.bench.socket_stream import SocketStream


@pytest.fixture(params=["memory", "tcp"])
async def ends(request):
    """A line and the far end of it."""
    if request.param == "memory":
        near, far = stream_pair()
        line = Line(near, TerminatedLines(b"\r\n"))
        yield line, far
        await line.close()
        await far.close()
        return
    accepted = asyncio.get_running_loop().create_future()
    server = await asyncio.start_server(
        lambda reader, writer: accepted.set_result(SocketStream(reader, writer)), "127.0.0.1", 0
    )
    near = SocketStream(*await asyncio.open_connection(*server.sockets[0].getsockname()))
    far = await accepted
    line = Line(near, TerminatedLines(b"\r\n"))
    yield line, far
    await line.close()
    await far.close()
    server.close()
    await server.wait_closed()


async def answer(far, *replies):
    """Read a request, then write the replies."""
    request = await far.read()
    for reply in replies:
        await far.write(reply)
    return request


async def test_a_request_gets_the_first_line_that_follows(ends):
    line, far = ends
    responder = asyncio.create_task(answer(far, b"S S", b" 1 g\r", b"\nmore\r\n"))
    assert await line.request(b"S\r\n", 5.0) == b"S S 1 g"
    assert await responder == b"S\r\n"
    assert await line.read_line(5.0) == b"more"


async def test_what_lay_in_the_line_is_not_taken_for_the_answer(ends):
    line, far = ends
    await far.write(b"printed by hand\r\nhalf a li")
    await asyncio.sleep(0.05)
    responder = asyncio.create_task(answer(far, b"answer\r\n"))
    assert await line.request(b"?", 5.0) == b"answer"
    await responder


async def test_a_missing_answer_is_a_timeout_and_a_late_one_gets_lost(ends):
    line, far = ends
    with pytest.raises(TimeoutError, match=r"0\.02 s"):
        await line.request(b"?", 0.02)
    await far.read()
    await far.write(b"late\r\n")
    await asyncio.sleep(0.02)
    responder = asyncio.create_task(answer(far, b"right\r\n"))
    assert await line.request(b"?", 5.0) == b"right"
    await responder


async def test_a_read_that_timed_out_loses_no_byte(ends):
    line, far = ends
    with pytest.raises(TimeoutError):
        await line.read_line(0.02)
    await far.write(b"ab")
    with pytest.raises(TimeoutError):
        await line.read_line(0.05)
    await far.write(b"c\r\n")
    assert await line.read_line(5.0) == b"abc"


async def test_the_other_side_going_away_is_told(ends):
    line, far = ends
    await far.close()
    with pytest.raises(StreamClosedError):
        await line.read_line(5.0)
    with pytest.raises(StreamClosedError):
        await line.drain()


async def test_exchanges_do_not_mix(ends):
    line, far = ends

    async def echo():
        for _ in range(6):
            await far.write(b"re " + await far.read() + b"\r\n")

    responder = asyncio.create_task(echo())
    asked = [b"%d" % n for n in range(6)]
    replies = await asyncio.gather(*(line.request(text, 5.0) for text in asked))
    assert replies == [b"re " + text for text in asked]
    await responder


async def test_a_line_can_be_closed_while_somebody_reads(ends):
    line, _ = ends
    reading = asyncio.create_task(line.read_line(5.0))
    await asyncio.sleep(0.01)
    await line.close()
    with pytest.raises(StreamClosedError):
        await reading
    await line.close()


def test_a_terminator_needs_a_byte():
    with pytest.raises(ValueError, match="at least one byte"):
        TerminatedLines(b"")


@given(
    st.lists(st.binary(max_size=20).filter(lambda line: not set(line) & {13, 10}), max_size=5),
    st.lists(st.integers(0, 7), max_size=10),
)
def test_lines_come_whole_however_the_bytes_are_cut(lines, sizes):
    stream = b"".join(line + b"\r\n" for line in lines)
    decoder, found = TerminatedLines(b"\r\n"), []
    for size in sizes:
        found += decoder.feed(stream[:size])
        stream = stream[size:]
    assert found + decoder.feed(stream) == lines


@pytest.mark.parametrize("terminator", [b"\r", b"\r\n"])
def test_endless_noise_is_dropped_up_to_the_next_terminator(terminator):
    decoder = TerminatedLines(terminator, limit=10)
    assert decoder.feed(b"x" * 30) == []
    assert decoder.feed(b"yyy" + terminator + b"good" + terminator) == [b"good"]


def test_a_terminator_cut_in_two_ends_an_overlong_line():
    decoder = TerminatedLines(b"\r\n", limit=4)
    assert decoder.feed(b"xxxxxxx\r") == []
    assert decoder.feed(b"\nok\r\n") == [b"ok"]


async def test_who_is_told_of_the_end_and_who_comes_after_hear_the_same(ends):
    line, far = ends
    reading = asyncio.create_task(line.read_line(5.0))
    await asyncio.sleep(0.01)
    await far.close()
    with pytest.raises(StreamClosedError) as first:
        await reading
    for _ in range(2):
        with pytest.raises(StreamClosedError) as again:
            await line.read_line(5.0)
        assert str(again.value) == str(first.value)


async def test_what_came_whole_before_the_end_is_still_read(ends):
    line, far = ends
    with pytest.raises(TimeoutError):
        await line.read_line(0.01)
    await far.write(b"one\r\ntwo\r\nhalf")
    await far.close()
    await asyncio.sleep(0.05)
    assert [await line.read_line(5.0) for _ in range(2)] == [b"one", b"two"]
    with pytest.raises(StreamClosedError):
        await line.read_line(5.0)


async def test_a_second_reader_is_refused_and_the_first_goes_on(ends):
    line, far = ends
    reading = asyncio.create_task(line.read_line(5.0))
    await asyncio.sleep(0.01)
    with pytest.raises(RuntimeError, match="somebody reads"):
        await line.read_line(5.0)
    await far.write(b"mine\r\n")
    assert await reading == b"mine"


async def test_who_is_cancelled_loses_nothing_for_the_next(ends):
    line, far = ends
    reading = asyncio.create_task(line.read_line(5.0))
    await asyncio.sleep(0.01)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    await far.write(b"kept\r\n")
    assert await line.read_line(5.0) == b"kept"


async def test_of_what_nobody_reads_the_oldest_goes(monkeypatch):
    monkeypatch.setattr(line_module, "_KEPT", 3)
    near, far = stream_pair()
    line = Line(near, TerminatedLines(b"\n"))
    with pytest.raises(TimeoutError):
        await line.read_line(0.01)
    await far.write(b"1\n2\n3\n4\n5\n")
    await asyncio.sleep(0.01)
    assert [await line.read_line(5.0) for _ in range(3)] == [b"3", b"4", b"5"]
    await line.close()


async def test_a_protocol_that_numbers_its_answers_waits_for_no_turn(monkeypatch):
    near, far = stream_pair()
    line = Line(near, TerminatedLines(b"\n"), turns=0)

    async def no_sleep(_):
        pytest.fail("the loop was asked for a turn")

    with monkeypatch.context() as patch:
        patch.setattr(line_module.asyncio, "sleep", no_sleep)
        await line.drain()
    await far.write(b"answer\n")
    assert await line.read_line(5.0) == b"answer"
    await line.close()
