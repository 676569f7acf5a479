"""The `ika` package, which this project did not write, drives our simulated hotplate over a real pty at 9600 7E1.

Its `read_device_name` is left out: it compares the reply, line end included, with bare names, so it fails with any
instrument that ends its lines as the manual says.
"""

from __future__ import annotations

import asyncio
import time
from random import Random

import pytest

from lab.engine.clock import ScaledClock
from simulators.contract import SimulatorContext
from simulators.ika_hotplate import IkaHotplateSimulator
from simulators.world import World
from tests.bench.pty_line import PtyStream

stirrer = pytest.importorskip("ika.magnetic_stirrer", reason="pip install ika==2.0.3")


def drive(port):
    """What a user of that package does; returns what it saw."""
    plate = stirrer.MagneticStirrer(port)
    try:
        seen = {
            "before": plate.probe_temperature(),
            "limit": plate.hardware_safety_temperature(),
            "safe_speed": plate.set_wd_safety_limit_speed(100),
        }
        plate.set_target_temperature(40)
        plate.set_target_stir_rate(300)
        seen["target"] = plate.target_temperature()
        seen["target_rate"] = plate.target_stir_rate()
        plate.watchdog_mode_1(1500)
        seen["echo"] = plate._ser.read_until(b"\r").strip()  # the client leaves it in the line
        plate.start_heating()
        plate.start_stirring()
        until = time.monotonic() + 60
        while plate.probe_temperature() < 39.5 and time.monotonic() < until:
            pass
        seen |= {
            "after": plate.probe_temperature(),
            "plate": plate.hotplate_sensor_temperature(),
            "rate": plate.stir_rate(),
            "viscosity": plate.viscosity_trend(),
        }
        plate.stop_heating()
        plate.stop_stirring()
        time.sleep(0.3)
        seen["stopped"] = plate.stir_rate()
        return seen
    finally:
        plate._ser.close()


async def test_a_foreign_client_heats_and_stirs():
    clock = ScaledClock(300)
    world = World(1, clock)
    context = SimulatorContext("plate", world, clock, Random(1), {"at": "cell"})
    line = PtyStream()
    serving = asyncio.create_task(IkaHotplateSimulator(context).serve(line))
    try:
        line.forget_settings()
        seen = await asyncio.to_thread(drive, line.port)
    finally:
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
        await line.close()
    assert seen["before"] == pytest.approx(22.0, abs=0.2)
    assert (seen["limit"], seen["safe_speed"]) == (360.0, 100.0)
    assert (seen["target"], seen["target_rate"]) == (40.0, 300.0)
    assert seen["echo"] == b"1500"
    assert seen["after"] == pytest.approx(40.0, abs=1.0)
    assert seen["plate"] > seen["after"] - 1.0
    assert seen["rate"] == pytest.approx(300, abs=15)
    assert seen["viscosity"] > 0
    assert seen["stopped"] < 10
    kinds = [entry.kind for entry in world.acts]
    assert kinds == ["heater_on", "motor_on", "heater_off", "motor_off"]
