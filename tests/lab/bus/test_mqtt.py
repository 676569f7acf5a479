"""Broker URLs, refused connections, and the brokers' own behaviour."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import time
from pathlib import Path

import pytest

from lab.bus import mqtt_client
from lab.bus.broker import EmbeddedBroker, free_port, main
from lab.bus.mqtt import BrokerAddress, MqttTransport, parse_broker_url
from lab.domain.errors import InputError, UnavailableError
from tests.lab.bus.conftest import Mosquitto, need_mosquitto


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("mqtt://localhost", BrokerAddress("localhost", 1883)),
        ("mqtt://10.0.0.7:1884/", BrokerAddress("10.0.0.7", 1884)),
        (" mqtt://ada:p%40ss%3A@lab.example:1", BrokerAddress("lab.example", 1, "ada", "p@ss:")),
        ("mqtt://[::1]:1883", BrokerAddress("::1", 1883)),
        ("mqtt://ada@host", BrokerAddress("host", 1883, "ada")),
    ],
)
def test_broker_urls(url, address):
    assert parse_broker_url(url) == address


@pytest.mark.parametrize(
    "url",
    [
        "",
        "localhost:1883",
        "http://localhost",
        "mqtt://",
        "mqtt://host:port",
        "mqtt://host:99999",
        "mqtt://host:0",
        "mqtt://host/topic",
        "mqtt://host?x=1",
        "mqtts://host",
    ],
)
def test_what_is_no_broker_url_is_refused_with_the_right_form(url):
    with pytest.raises(InputError) as caught:
        parse_broker_url(url)
    assert "mqtt://host:1883" in caught.value.hint


def test_a_password_is_never_shown():
    address = parse_broker_url("mqtt://ada:hunter2@host:1883")
    assert str(address) == "mqtt://ada@host:1883"
    assert "hunter2" not in repr(address)
    for wrong in ("http://ada:hunter2@host", "mqtt://ada:hunter2@host/x", "ada:hunter2@host"):
        with pytest.raises(InputError) as caught:
            parse_broker_url(wrong)
        assert "hunter2" not in str(caught.value)


async def test_a_refused_connection_names_the_broker_and_what_to_do():
    url = f"mqtt://127.0.0.1:{free_port()}"
    with pytest.raises(UnavailableError, match=url) as caught:
        async with MqttTransport(url):
            pass
    assert "lab broker" in caught.value.hint


async def test_a_server_that_is_no_broker():
    """It hangs up at once."""

    async def hang_up(_reader, writer):
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        with pytest.raises(UnavailableError):
            async with asyncio.timeout(30):
                await MqttTransport(f"mqtt://127.0.0.1:{port}").__aenter__()


async def test_nobody_publishes_before_connecting():
    transport = MqttTransport("mqtt://127.0.0.1:1")
    with pytest.raises(UnavailableError, match="is closed"):
        await transport.publish("a", b"")


@pytest.mark.system
async def test_a_wrong_password_is_told_at_once(tmp_path):
    need_mosquitto()
    process = await asyncio.create_subprocess_exec(
        "mosquitto_passwd", "-b", "-c", str(tmp_path / "passwords"), "ada", "right"
    )
    assert await process.wait() == 0
    broker = Mosquitto(anonymous=False, more=f"password_file {tmp_path / 'passwords'}")
    await broker.start()
    try:
        good = broker.url.replace("://", "://ada:right@")
        async with MqttTransport(good) as transport:
            subscription = await transport.subscribe("a")
            await transport.publish("a", b"1")
            assert (await anext(subscription)).payload == b"1"
        for bad in (good.replace("right", "wrong"), broker.url):
            with pytest.raises(UnavailableError) as caught:
                async with MqttTransport(bad):
                    pass
            assert "wrong" not in str(caught.value)
    finally:
        await broker.close()


@pytest.mark.system
async def test_no_delay_is_set_on_the_socket(broker):
    async with MqttTransport(broker.url) as transport:
        assert transport._client is not None
        raw = transport._client._client.socket()
        assert isinstance(raw, socket.socket)
        assert raw.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0


async def echo_s(url: str) -> float:
    """Seconds that twenty questions and their answers take, one after the other, between two clients."""
    async with MqttTransport(url) as asking, MqttTransport(url) as answering:
        questions = await answering.subscribe("question")
        answers = await asking.subscribe("answer")

        async def answer() -> None:
            async for _ in questions:
                await answering.publish("answer", b"x")

        task = asyncio.create_task(answer())
        began = time.perf_counter()
        for _ in range(20):
            await asking.publish("question", b"x")
            await anext(aiter(answers))
        taken = time.perf_counter() - began
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    return taken


@pytest.mark.skipif(not hasattr(socket, "TCP_QUICKACK"), reason="only Linux acknowledges at once")
async def test_a_broker_as_it_comes_is_not_waited_for(monkeypatch):
    """Mosquitto without `set_tcp_nodelay` holds a message back until the one before it was acknowledged."""
    need_mosquitto()
    broker = Mosquitto(nodelay=False)
    await broker.start()
    try:
        at_once = min([await echo_s(broker.url) for _ in range(3)])
        monkeypatch.setattr(mqtt_client, "_QUICKACK", None)
        late = min([await echo_s(broker.url) for _ in range(2)])
    finally:
        await broker.close()
    assert late > 4 * at_once


@pytest.mark.system
async def test_two_clients_of_the_same_name_do_not_stop_each_other_for_good(broker):
    # Mosquitto drops the older one, amqtt neither; ours comes back either way.
    async with MqttTransport(broker.url, "twin") as one:
        await one.subscribe("a")
        async with MqttTransport(broker.url, "twin") as two:
            async with asyncio.timeout(10):
                await two.publish("a", b"1")
        async with asyncio.timeout(20):
            await one.publish("a", b"2")


# -- the embedded broker ------------------------------------------------------------------------


async def test_the_embedded_broker_lives_as_long_as_its_context():
    async with EmbeddedBroker() as broker:
        pid = broker.pid
        assert broker.url.startswith("mqtt://127.0.0.1:")
        os.kill(pid, 0)
        async with MqttTransport(broker.url) as transport:
            await transport.publish("a", b"")
    assert broker.pid == 0
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
async def test_it_listens_on_the_loopback_only():
    async with EmbeddedBroker() as broker:
        port = int(broker.url.rsplit(":", 1)[1])
        rows = [row.split() for row in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        listening = [row[1] for row in rows if row[3] == "0A"]
        assert [at for at in listening if at.endswith(f":{port:04X}")] == [f"0100007F:{port:04X}"]


async def test_a_port_in_use_is_told():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(UnavailableError, match=f"port {port} is in use"):
            async with EmbeddedBroker(port):
                pass


def test_as_a_command_it_says_why_it_does_not_start(capsys, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setattr("logging.disable", lambda level: None)
    assert main(["--port", str(free_port())]) == 3
    assert "pip install 'labwright[broker]'" in capsys.readouterr().out


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_it_in_order(how):
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "lab.bus.broker", "--port", str(free_port())),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    url = (await process.stdout.readline()).decode().strip()
    async with MqttTransport(url) as transport:
        await transport.publish("a", b"")
        process.send_signal(how)
        async with asyncio.timeout(15):
            assert await process.wait() == 0
    assert await process.stderr.read() == b""


async def test_it_ends_with_its_parent():
    """The parent is killed, so it can't clean up."""
    code = (
        "import asyncio\n"
        "from lab.bus.broker import EmbeddedBroker\n"
        "async def main():\n"
        "    async with EmbeddedBroker() as broker:\n"
        "        print(broker.url, broker.pid, flush=True)\n"
        "        await asyncio.Event().wait()\n"
        "asyncio.run(main())\n"
    )
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE
    )
    assert parent.stdout is not None
    url, _ = (await parent.stdout.readline()).decode().split()
    async with MqttTransport(url) as transport:
        await transport.publish("a", b"")
    parent.kill()
    await parent.wait()
    port = int(url.rsplit(":", 1)[1])
    async with asyncio.timeout(15):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except ConnectionRefusedError:
                break
            writer.close()
            await writer.wait_closed()
            await asyncio.sleep(0.1)
