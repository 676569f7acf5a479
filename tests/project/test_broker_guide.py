"""The Mosquitto configuration of docs/how-to/connect_a_real_lab.md is accepted, and its access list refuses."""

from __future__ import annotations

import asyncio
import re
import shutil
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import aiomqtt
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

GUIDE = Path(__file__).parents[2] / "docs" / "how-to" / "connect_a_real_lab.md"
LAB = "labwright/1/electrolyte_cell"
PASSWORD = "for this test only"

pytestmark = pytest.mark.system


def printed(file_name: str) -> str:
    pattern = rf"^```conf\n# /etc/mosquitto/\S*{re.escape(file_name)}\n(.*?)^```$"
    found = re.search(pattern, GUIDE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    assert found, f"{GUIDE.name} prints no {file_name}"
    return found[1]


@pytest.fixture
def broker_port(tmp_path: Path) -> Iterator[int]:
    program = shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
    if program is None or shutil.which("mosquitto_passwd") is None:
        pytest.skip("Mosquitto is not installed here")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    passwords = tmp_path / "labwright.passwd"
    passwords.touch(mode=0o600)
    for user in ("engine", "balance_host"):
        subprocess.run(["mosquitto_passwd", "-b", passwords, user, PASSWORD], check=True)
    (tmp_path / "labwright.acl").write_text(printed("labwright.acl"))
    (tmp_path / "labwright.acl").chmod(0o600)
    settings = printed("labwright.conf").replace("/etc/mosquitto/", f"{tmp_path}/")
    settings = settings.replace("listener 1883 192.168.10.2", f"listener {port} 127.0.0.1")
    # started by root, Mosquitto would drop to a user who can't read the folder of a test
    settings += f"persistence_location {tmp_path}/\nuser root\n"
    (tmp_path / "labwright.conf").write_text(settings)
    log = (tmp_path / "log").open("w")
    process = subprocess.Popen(
        [program, "-c", tmp_path / "labwright.conf"], stdout=log, stderr=subprocess.STDOUT
    )
    try:
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert process.poll() is None, (tmp_path / "log").read_text()
            time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.wait(timeout=10)
        log.close()


def client(port: int, user: str) -> aiomqtt.Client:
    return aiomqtt.Client("127.0.0.1", port, username=user, password=PASSWORD)


async def arrivals(port: int, reader: str, writer: str, topics: list[str]) -> list[str]:
    """Which of these topics `reader` gets to hear when `writer` publishes to each of them."""
    async with client(port, reader) as listening:
        await listening.subscribe(f"{LAB}/#", qos=1)
        for topic in topics:
            # a connection each: some versions of Mosquitto cut it when they deny a message
            with suppress(aiomqtt.MqttError):
                async with client(port, writer) as speaking:
                    await speaking.publish(topic, b"x", qos=1)
        heard: list[str] = []
        async with asyncio.timeout(10):
            async for message in listening.messages:
                heard.append(str(message.topic))
                if heard[-1] == topics[-1]:  # the last one is always a lawful one
                    return heard
    return heard


async def test_a_host_writes_its_own_device_and_no_commands(broker_port: int):
    own = [f"{LAB}/balance/{leaf}" for leaf in ("desc", "state", "ack", "evt", "data/mass", "hb")]
    foreign = [f"{LAB}/balance/cmd", f"{LAB}/pump/state", f"{LAB}/_event"]
    heard = await arrivals(broker_port, "engine", "balance_host", [*foreign, *own])
    assert heard == own


async def test_the_engine_commands_and_a_host_hears_its_own_device_only(broker_port: int):
    commands = [f"{LAB}/pump/cmd", f"{LAB}/balance/cmd"]
    assert await arrivals(broker_port, "balance_host", "engine", commands) == commands[1:]
    assert await arrivals(broker_port, "engine", "engine", [f"{LAB}/balance/state", *commands]) == (
        commands
    )


async def test_nobody_comes_in_without_a_password(broker_port: int):
    with pytest.raises(aiomqtt.MqttError):
        async with aiomqtt.Client("127.0.0.1", broker_port):
            pass
