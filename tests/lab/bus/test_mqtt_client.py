"""The quick path: few reads and writes of the socket for many messages, and nothing lost where it takes them in parts."""

from __future__ import annotations

import asyncio
import socket

import pytest

from lab.bus import mqtt_client
from lab.bus.mqtt import MqttTransport
from lab.bus.mqtt_client import _Buffered


@pytest.fixture
def ends():
    plain, other = socket.socketpair()
    plain.setblocking(False)
    ours = _Buffered.of(plain)
    yield ours, other
    ours.close()
    other.close()


def test_it_reads_ahead_and_gives_in_the_parts_that_are_asked_for(ends):
    ours, other = ends
    with pytest.raises(BlockingIOError):
        ours.recv(1)
    other.send(b"abcdef")
    assert ours.recv(1) == b"a"
    assert ours.pending() == 5
    assert ours.recv(2) == b"bc"
    assert ours.recv(100) == b"def"
    assert ours.pending() == 0
    with pytest.raises(BlockingIOError):
        ours.recv(1)
    other.close()
    assert ours.recv(1) == b"", "the end is told"


def test_what_was_read_ahead_comes_before_the_end(ends):
    ours, other = ends
    other.send(b"last")
    other.close()
    assert ours.recv(2) + ours.recv(2) == b"last"
    assert ours.recv(1) == b""


def test_nothing_is_sent_before_the_flush_and_then_all_at_once(ends):
    ours, other = ends
    other.setblocking(False)
    assert ours.send(b"one ") == 4
    assert ours.send(bytearray(b"two")) == 3
    with pytest.raises(BlockingIOError):
        other.recv(100)
    assert ours.flush()
    assert other.recv(100) == b"one two"
    assert ours.flush(), "nothing is left"


def test_what_the_system_does_not_take_goes_later(ends):
    ours, other = ends
    much = bytes(range(256)) * 20_000
    ours.send(much)
    assert not ours.flush()
    got = bytearray()
    while len(got) < len(much):
        got += other.recv(1 << 20)
        ours.flush()
    assert bytes(got) == much, "in order, each byte once"
    assert ours.flush()


def test_the_last_words_are_sent_before_the_end(ends):
    ours, other = ends
    ours.send(b"goodbye")
    ours.close()
    assert other.recv(100) == b"goodbye"
    assert other.recv(100) == b""


def test_the_time_limit_of_the_plain_socket_is_kept():
    plain, other = socket.socketpair()
    plain.settimeout(3.5)
    with _Buffered.of(plain) as ours, other:
        assert ours.gettimeout() == 3.5
        assert plain.fileno() == -1, "it is not to be used any more"


@pytest.mark.system
async def test_a_hundred_messages_at_once_take_few_reads_and_writes(broker, monkeypatch):
    calls = {"recv": 0, "got": 0, "send": 0}

    class Counted(socket.socket):
        def recv(self, *args):
            calls["recv"] += 1
            found = super().recv(*args)
            calls["got"] += bool(found)
            return found

        def send(self, *args):
            calls["send"] += 1
            return super().send(*args)

    # The same methods, on a socket that counts what reaches the system.
    counting = type("Counting", (_Buffered, Counted), {})
    assert counting.__mro__[1:3] == (_Buffered, Counted)
    monkeypatch.setattr(mqtt_client, "_Buffered", counting)
    async with MqttTransport(broker.url) as transport:
        inbox = await transport.subscribe("many/+")
        calls.update(recv=0, got=0, send=0)
        await asyncio.gather(*(transport.publish(f"many/{n}", b"x" * 300) for n in range(100)))
        got = [await anext(inbox) for _ in range(100)]
    assert [message.topic for message in got] == [f"many/{n}" for n in range(100)]
    # Plainly three reads for each message and each confirmation, and a write for each of both. How many of them come at
    # once is the broker's affair; whatever came is one read and one in vain, and is answered by one write.
    assert calls["got"] <= 200
    assert calls["recv"] <= 2 * calls["got"] + 1
    assert calls["send"] <= calls["got"] + 2, "one for all that was published, and the goodbye"


@pytest.mark.system
async def test_more_than_the_system_takes_at_once_arrives_whole(broker):
    payload = bytes(range(256)) * 8_000
    async with MqttTransport(broker.url) as one, MqttTransport(broker.url) as other:
        inbox = await other.subscribe("big")
        async with asyncio.timeout(60):
            await asyncio.gather(*(one.publish("big", payload) for _ in range(5)))
            for _ in range(5):
                assert (await anext(inbox)).payload == payload


@pytest.mark.system
async def test_who_waits_for_a_confirmation_hears_of_the_loss(broker):
    """And publishes again on the next connection, which is the transport's business."""
    async with MqttTransport(broker.url) as transport:
        client = transport._client
        assert client is not None
        confirmed = client.send("a", b"1", qos=1, retain=False)
        assert confirmed is not None
        client.give_up()
        with pytest.raises(mqtt_client.aiomqtt.MqttError, match="lost"):
            await confirmed
        assert client.send("a", b"1", qos=0, retain=False) is None
    with pytest.raises(mqtt_client.aiomqtt.MqttError):
        client.send("a", b"1", qos=1, retain=False)


@pytest.mark.system
async def test_messages_that_nobody_confirms_go_out_together_and_starve_nobody(broker):
    async with MqttTransport(broker.url) as transport:
        inbox = await transport.subscribe("loose/+")
        client = transport._client
        assert client is not None
        sock = client._client.socket()
        assert isinstance(sock, _Buffered)
        turns, flushes, real = 0, 0, sock.flush

        async def other() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        def flush() -> bool:
            nonlocal flushes
            flushes += 1
            return real()

        sock.flush = flush
        beside = asyncio.create_task(other())
        for number in range(320):
            await transport.publish(f"loose/{number}", b"x", qos=0)
        assert 9 <= turns <= 30, "others had their turn, not after each message"
        assert flushes <= 30
        async with asyncio.timeout(20):
            got = [(await anext(inbox)).topic for _ in range(320)]
        assert got == [f"loose/{number}" for number in range(320)]
        # Confirmations still arrive: only what has none is not reported.
        async with asyncio.timeout(20):
            await transport.publish("loose/last", b"x", qos=1)
        beside.cancel()
        await asyncio.gather(beside, return_exceptions=True)
