"""The simulated pump driven by NESP-Lib, a client that this project did not write, on a real pty.

It opens every pump with a safe-mode packet, goes on in basic mode, and can switch to safe mode with
heartbeats: both framings are spoken by somebody who knows nothing of our codec.
"""

from __future__ import annotations

import asyncio
from random import Random

import pytest

from lab.engine.clock import ScaledClock
from simulators.contract import SimulatorContext
from simulators.ne1000 import NE1000Simulator
from simulators.world import World
from tests.bench.pty_port import pty_port

nesp_lib = pytest.importorskip(
    "nesp_lib", reason="NESP-Lib is not installed: pip install nesp-lib", exc_type=ImportError
)


class Foreign:
    """World, pump, and a function that runs blocking client code against its port."""

    def __init__(self, speed=60.0):
        clock = ScaledClock(speed)
        self.world = World(1, clock)
        self.world.fill("stock", 500.0, 1.0, {})
        self.pump = NE1000Simulator(
            SimulatorContext(
                "pump", self.world, clock, Random(1), {"draws": "stock", "into": "pot"}
            )
        )

    async def run(self, work, **options):
        async with pty_port(self.pump) as path:

            def session():
                with nesp_lib.Port(path, 19_200) as port:
                    return work(nesp_lib.Pump(port, **options))

            async with asyncio.timeout(60):
                return await asyncio.to_thread(session)

    def volume_ml(self, vessel):
        self.world.advance()
        return self.world.vessel(vessel).volume_ml


async def test_it_opens_the_pump_and_knows_it():
    def identify(pump):
        return pump.model_number, pump.firmware_version, pump.firmware_upgrade, pump.status

    assert await Foreign().run(identify, model_number=1000) == (
        1000,
        (3, 923),
        0,
        nesp_lib.Status.STOPPED,
    )


async def test_another_model_is_noticed_by_the_client():
    with pytest.raises(nesp_lib.ModelException):
        await Foreign().run(lambda pump: pump, model_number=500)


async def test_its_settings_come_back():
    def configure(pump):
        pump.syringe_diameter_mm = 26.7
        pump.pumping_volume_ml = 2.5
        pump.pumping_rate_ml_per_min = 20.0
        pump.pumping_direction = nesp_lib.PumpingDirection.WITHDRAW
        return (
            pump.syringe_diameter_mm,
            pump.pumping_volume_ml,
            pump.pumping_rate_ml_per_min,
            pump.pumping_direction,
            pump.safe_mode_timeout_s,
        )

    assert await Foreign().run(configure) == (
        26.7,
        pytest.approx(2.5),
        pytest.approx(20.0),
        nesp_lib.PumpingDirection.WITHDRAW,
        0,
    )


async def test_a_rate_out_of_range_is_refused_as_the_client_expects():
    def too_fast(pump):
        pump.syringe_diameter_mm = 26.7
        pump.pumping_rate_ml_per_min = 100.0

    with pytest.raises(ValueError, match="rate invalid"):
        await Foreign().run(too_fast)


def draw_and_deliver(pump):
    """Draw 2 mL, deliver 1.5 mL; the second phase of the program stays as from the factory."""
    pump.syringe_diameter_mm = 26.7
    pump.pumping_rate_ml_per_min = 20.0
    pump.volume_infused_clear()
    pump.volume_withdrawn_clear()
    pump.pumping_direction = nesp_lib.PumpingDirection.WITHDRAW
    pump.pumping_volume_ml = 2.0
    pump.run(wait_while_running=False)
    while pump.volume_withdrawn_ml < 1.0:
        assert pump.running
    pump.stop(wait_while_running=False)
    pump.stop()
    return pump.volume_infused_ml, pump.volume_withdrawn_ml, pump.status


@pytest.mark.parametrize("safe_mode_timeout_s", [0, 200])
async def test_it_draws_and_stops_in_both_modes(safe_mode_timeout_s):
    foreign = Foreign(speed=20.0)
    await foreign.run(lambda pump: pump.status)  # clears the power-up alarm

    def work(pump):
        try:
            return draw_and_deliver(pump)
        finally:
            pump.safe_mode_timeout_s = 0  # ends its heartbeat thread

    infused, withdrawn, status = await foreign.run(work, safe_mode_timeout_s=safe_mode_timeout_s)
    assert infused == 0.0
    assert status == nesp_lib.Status.STOPPED
    assert 1.0 <= withdrawn <= 2.0
    assert foreign.volume_ml("stock") == pytest.approx(500.0 - withdrawn, abs=2e-3)
    assert foreign.volume_ml("pot") == 0.0


async def test_a_stall_is_an_alarm_for_the_client():
    def deliver_from_an_empty_syringe(pump):
        pump.pumping_direction = nesp_lib.PumpingDirection.INFUSE
        pump.pumping_volume_ml = 1.0
        pump.run()

    with pytest.raises(nesp_lib.StatusAlarmException):
        await Foreign().run(deliver_from_an_empty_syringe)
