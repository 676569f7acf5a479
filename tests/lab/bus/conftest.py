"""The three kinds of bus, each with a broker that can be stopped and started again."""

from __future__ import annotations

import asyncio
import os
import shutil
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from lab.bus.broker import EmbeddedBroker, free_port
from lab.bus.memory import MemoryBus, MemoryTransport
from lab.bus.mqtt import MqttTransport

_MOSQUITTO_CONF = """\
listener {port} 127.0.0.1
allow_anonymous {anonymous}
persistence false
set_tcp_nodelay {nodelay}
max_queued_messages 0
log_type none
{more}
"""


def mosquitto_binary() -> str | None:
    return shutil.which("mosquitto", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")


def need_mosquitto() -> None:
    """Skip without a Mosquitto to start and stop; fail under CI=true."""
    if mosquitto_binary() is not None:
        return
    text = (
        "no Mosquitto: install it (LABWRIGHT_MQTT_URL helps only tests that leave the broker alone)"
    )
    if os.environ.get("CI", "").lower() in ("1", "true", "yes"):
        pytest.fail(f"{text} (CI must not skip it)", pytrace=False)
    pytest.skip(text)


class Mosquitto:
    """A Mosquitto process of our own on a free port."""

    def __init__(self, *, anonymous: bool = True, nodelay: bool = True, more: str = "") -> None:
        self.port = free_port()
        self.url = f"mqtt://127.0.0.1:{self.port}"
        self._text = _MOSQUITTO_CONF.format(
            port=self.port,
            anonymous=str(anonymous).lower(),
            nodelay=str(nodelay).lower(),
            more=more,
        )
        if os.getuid() == 0:
            self._text += "user root\n"  # else it gives up the right to read its own files
        self._folder = TemporaryDirectory()
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        binary = mosquitto_binary()
        assert binary is not None
        conf = Path(self._folder.name) / "mosquitto.conf"
        conf.write_text(self._text)
        self._process = await asyncio.create_subprocess_exec(
            binary,
            "-c",
            str(conf),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        async with asyncio.timeout(10):
            while True:
                assert self._process.returncode is None, "mosquitto ended at once"
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                except OSError:
                    await asyncio.sleep(0.02)
                else:
                    writer.close()
                    await writer.wait_closed()
                    return

    async def stop(self, *, kill: bool = False) -> None:
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            process.kill() if kill else process.terminate()
            await process.wait()

    async def close(self) -> None:
        await self.stop()
        self._folder.cleanup()


class _Embedded:
    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"mqtt://127.0.0.1:{self.port}"
        self._broker: EmbeddedBroker | None = None

    async def start(self) -> None:
        self._broker = EmbeddedBroker(self.port)
        await self._broker.__aenter__()

    async def stop(self, *, kill: bool = False) -> None:
        if self._broker is not None:
            await self._broker.__aexit__(None, None, None)
            self._broker = None

    close = stop


class Bus:
    """Makes transports. `broker` is None where there is nothing to stop."""

    def __init__(self, make, broker=None, prefix: str = "t") -> None:
        self.transport = make
        self.broker = broker
        self.prefix = prefix
        """All topics of a test begin with it: a given broker may be shared."""


@asynccontextmanager
async def open_bus(kind: str, unique: str):
    if kind == "memory":
        hub = MemoryBus()
        yield Bus(lambda: MemoryTransport(hub))
        return
    given = os.environ.get("LABWRIGHT_MQTT_URL")
    if kind == "mosquitto" and given:
        yield Bus(lambda: MqttTransport(given), prefix=f"labwright-test/{unique}")
        return
    if kind == "mosquitto":
        need_mosquitto()
    broker = Mosquitto() if kind == "mosquitto" else _Embedded()
    await broker.start()
    try:
        yield Bus(lambda: MqttTransport(broker.url), broker)
    finally:
        await broker.close()


@pytest.fixture(params=["memory", "embedded", "mosquitto"])
async def bus(request, tmp_path):
    async with open_bus(request.param, tmp_path.name) as made:
        yield made


@pytest.fixture(params=["embedded", "mosquitto"])
async def broker(request):
    """A broker that a test may stop and start."""
    if request.param == "mosquitto":
        need_mosquitto()
    made = Mosquitto() if request.param == "mosquitto" else _Embedded()
    await made.start()
    try:
        yield made
    finally:
        await made.close()
