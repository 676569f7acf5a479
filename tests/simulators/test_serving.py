"""Simulators behind real lines, reached by clients that know nothing of us."""

from __future__ import annotations

import asyncio
import signal
import socket
import time
from pathlib import Path

import httpx
import pytest
import serial

from lab.devices.serial_stream import SocketStream, open_serial
from lab.devices.stream import StreamClosedError
from simulators.serving import serve_http, serve_pty, serve_tcp


class Counter:
    """Answers each line with its number; remembers over connections."""

    def __init__(self) -> None:
        self.count = 0
        self.served = 0

    async def serve(self, stream) -> None:
        self.served += 1
        waiting = b""
        while True:
            waiting += await stream.read()
            while b"\r" in waiting:
                line, _, waiting = waiting.partition(b"\r")
                if line == b"boom":
                    raise ZeroDivisionError
                self.count += 1
                await stream.write(b"%s %d\r\n" % (line, self.count))


def ask_by_pyserial(path: str, question: bytes, **settings) -> bytes:
    with serial.Serial(path, timeout=5, **settings) as port:
        port.write(question + b"\r")
        return port.read_until(b"\r\n")


@pytest.fixture
async def pty():
    counter = Counter()
    server = await serve_pty(counter.serve)
    yield counter, server
    await server.close()


@pytest.fixture
async def tcp():
    counter = Counter()
    server = await serve_tcp(counter.serve)
    yield counter, server
    await server.close()


async def test_a_pty_survives_clients_that_come_and_go(pty):
    counter, server = pty
    assert server.url == f"serial://{server.path}"
    for number in range(1, 4):
        answer = await asyncio.to_thread(ask_by_pyserial, server.path, b"q", baudrate=19200)
        assert answer == b"q %d\r\n" % number
    assert counter.served == 1


async def test_a_foreign_client_with_parity_can_open_it_again(pty):
    _, server = pty
    for number in range(1, 4):
        answer = await asyncio.to_thread(
            ask_by_pyserial,
            server.path,
            b"IN_PV_1",
            bytesize=serial.SEVENBITS,
            parity=serial.PARITY_EVEN,
        )
        assert answer == b"IN_PV_1 %d\r\n" % number
        await asyncio.sleep(0.25)


async def test_a_foreign_client_may_change_its_settings_while_open(pty):
    _, server = pty

    def talk() -> list[bytes]:
        with serial.Serial(server.path, bytesize=7, parity="E", timeout=5) as port:
            answers = []
            for limit in (4.0, 3.0):
                port.write(b"q\r")
                answers.append(port.read_until(b"\r\n"))
                time.sleep(0.3)
                port.timeout = limit  # pyserial applies all settings again
            return answers

    assert await asyncio.to_thread(talk) == [b"q 1\r\n", b"q 2\r\n"]


async def test_what_nobody_reads_does_not_stop_the_simulator():
    chattered = 0

    async def chatter(stream) -> None:
        nonlocal chattered
        for _ in range(40):
            await stream.write(b"reading 1.234\r\n" * 100)
            chattered += 1
        await stream.read()

    server = await serve_pty(chatter)
    try:
        async with asyncio.timeout(30):
            while chattered < 40:
                await asyncio.sleep(0.05)
        client = await open_serial(server.url)
        await client.close()
    finally:
        await server.close()


async def test_our_own_stream_on_a_served_pty(pty):
    _, server = pty
    stream = await open_serial(server.url + "?baud=9600")
    await stream.write(b"q\r")
    data = b""
    while not data.endswith(b"\r\n"):
        data += await stream.read()
    assert data == b"q 1\r\n"
    await server.close()
    with pytest.raises(StreamClosedError):
        async with asyncio.timeout(5):
            await stream.read()
    await stream.close()
    assert not Path(server.path).exists()


async def test_tcp_serves_several_connections_and_remembers(tcp):
    counter, server = tcp
    port = int(server.url.rsplit(":", 1)[1])

    def ask() -> bytes:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
            client.sendall(b"q\r")
            return client.recv(100)

    with socket.create_connection(("127.0.0.1", port)):  # idle beside the others
        answers = [await asyncio.to_thread(ask) for _ in range(3)]
    assert answers == [b"q 1\r\n", b"q 2\r\n", b"q 3\r\n"]
    assert counter.served == 4


async def test_a_simulator_that_fails_closes_its_connection_only(tcp, caplog):
    _, server = tcp
    stream = await open_serial(server.url)
    await stream.write(b"boom\r")
    with pytest.raises(StreamClosedError):
        async with asyncio.timeout(5):
            await stream.read()
    await stream.close()
    assert "the simulator failed" in caplog.text
    again = await open_serial(server.url)
    await again.write(b"q\r")
    assert await again.read() == b"q 1\r\n"
    await again.close()


async def test_no_delay_is_set_on_both_sides(tcp):
    _, server = tcp
    stream = await open_serial(server.url)
    assert isinstance(stream, SocketStream)
    raw = stream._writer.get_extra_info("socket")
    assert raw.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0
    await stream.close()


async def test_a_closed_server_is_gone(tcp):
    _, server = tcp
    stream = await open_serial(server.url)
    await server.close()
    with pytest.raises(StreamClosedError):
        async with asyncio.timeout(5):
            await stream.read()
    await stream.close()
    with pytest.raises(OSError, match=r"refused|Connect"):
        socket.create_connection(("127.0.0.1", int(server.url.rsplit(":", 1)[1]))).close()


async def _app(scope, receive, send):
    if scope["type"] == "lifespan":
        while (await receive())["type"] != "lifespan.shutdown":
            await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})
        return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": scope["path"].encode()})


async def test_http_is_served_and_leaves_the_signals_alone():
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    server = await serve_http(_app)
    try:
        assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before
        async with httpx.AsyncClient(base_url=server.url) as client:
            assert (await client.get("/health")).text == "/health"
    finally:
        await server.close()
    async with httpx.AsyncClient(base_url=server.url) as client:
        with pytest.raises(httpx.ConnectError):
            await client.get("/health")


async def test_an_application_that_can_not_start_is_told():
    async def broken(scope, receive, send):
        if scope["type"] == "lifespan":
            await receive()
            await send({"type": "lifespan.startup.failed", "message": "no"})

    with pytest.raises(RuntimeError, match="did not start"):
        await serve_http(broken)
