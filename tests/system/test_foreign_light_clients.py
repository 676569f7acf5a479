"""Clients that this project did not write drive our simulated CLSLab:Light over a real Mosquitto.

The client of the `self-driving-lab-demo` package pins old and heavy libraries, so it lives in an environment of its own:
make one, `pip install --no-deps self-driving-lab-demo==0.8.13`, add `paho-mqtt numpy pandas scipy scikit-learn
plotly similaritymeasures requests pyserial click`, and name its interpreter in LABWRIGHT_SDL_DEMO_PYTHON.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import socket
import subprocess
from contextlib import asynccontextmanager
from random import Random
from typing import Any

import pytest

from drivers.clslab_light.driver import ClslabLight
from drivers.clslab_light.wire import CHANNELS
from lab.devices.driver import DriverContext
from lab.engine.clock import ScaledClock
from simulators.chemistry import light
from simulators.clslab_light import ClslabLightSimulator
from simulators.contract import SimulatorContext
from simulators.world import World
from tests.bench.devices import act

MqttTransport = pytest.importorskip("lab.bus.mqtt").MqttTransport
MOSQUITTO = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
PICO = "foreign"

pytestmark = pytest.mark.skipif(not MOSQUITTO, reason="needs Mosquitto (apt install mosquitto)")


@asynccontextmanager
async def device():
    """A broker of our own with the simulated device on it; yields the port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    broker = await asyncio.create_subprocess_exec(
        str(MOSQUITTO), "-p", str(port), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )  # fmt: skip
    try:
        await until_open(port)
        clock = ScaledClock(20)
        context = SimulatorContext(
            "light", World(1, clock), clock, Random(1), {"pico_id": PICO, "ambient": 0.0}
        )
        async with MqttTransport(f"mqtt://127.0.0.1:{port}") as transport:
            serving = asyncio.create_task(ClslabLightSimulator(context).serve(transport))
            await asyncio.sleep(0.2)
            try:
                yield port
            finally:
                serving.cancel()
                await asyncio.gather(serving, return_exceptions=True)
    finally:
        broker.terminate()
        await broker.wait()


async def until_open(port):
    for _ in range(100):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.05)
            continue
        writer.close()
        await writer.wait_closed()
        return
    pytest.fail("Mosquitto did not start")


async def run(*command, timeout_s=60, **environment):
    process = await asyncio.create_subprocess_exec(
        *command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, **environment},
    )
    try:
        async with asyncio.timeout(timeout_s):
            out, err = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, err.decode()
    return out.decode()


def check_spectrum(found, red, green, blue):
    for name, expected in light.counts(red, green, blue).items():
        assert found[name] == pytest.approx(expected, abs=6 * (expected + 1) ** 0.5)


async def test_the_published_client_measures_on_our_simulator():
    python = os.environ.get("LABWRIGHT_SDL_DEMO_PYTHON", "")
    if not python:
        pytest.skip("set LABWRIGHT_SDL_DEMO_PYTHON (see the head of this file)")
    script = (
        "import json, sys\n"
        "from self_driving_lab_demo.utils.observe import mqtt_observe_sensor_data\n"
        "found = mqtt_observe_sensor_data(72, 150, 40, pico_id=sys.argv[1], hostname='127.0.0.1',"
        " port=int(sys.argv[2]), tls=False, username=None, password=None, timeout=30, queue_timeout=30)\n"
        "print(json.dumps(found))\n"
    )
    async with device() as port:
        out = await run(python, "-c", script, PICO, str(port), PYTHONPATH="")
    found = json.loads(out.splitlines()[-1])
    check_spectrum(found, 72, 150, 40)
    assert set(found["background"]) == set(CHANNELS)


@pytest.mark.skipif(not shutil.which("mosquitto_rr"), reason="needs mosquitto-clients")
async def test_the_broker_s_own_command_line_client_measures_on_our_simulator():
    request = {"R": 200, "G": 0, "B": 0, "_session_id": "s", "_experiment_id": "e", "note": "kept"}
    prefix = f"sdl-demo/picow/{PICO}/"
    async with device() as port:
        out = await run(
            "mosquitto_rr", "-p", str(port), "-q", "2", "-W", "20",
            "-t", prefix + "GPIO/28", "-e", prefix + "as7341/", "-m", json.dumps(request),
        )  # fmt: skip
    found = json.loads(out)
    assert found["_input_message"] == request
    check_spectrum(found, 200, 0, 0)


async def test_our_driver_measures_over_the_same_broker():
    class Connector:
        async def messages(self, url):
            return await MqttTransport(url).__aenter__()

    connector: Any = Connector()
    async with device() as port:
        context = DriverContext(
            "light", f"mqtt://127.0.0.1:{port}", connector, ScaledClock(20), {"pico_id": PICO}
        )
        driver = ClslabLight(context)
        try:
            identity = await driver.connect()
            outputs = await driver.measure_spectrum(act(), red=72.0, green=150.0, blue=40.0)
        finally:
            await driver.disconnect()
    assert identity.serial_number == PICO
    for name, expected in light.counts(72, 150, 40).items():
        assert outputs[name] == pytest.approx(expected, abs=9 * (expected + 1) ** 0.5)
