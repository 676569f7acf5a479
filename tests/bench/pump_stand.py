"""A simulated pump between a full bottle and an empty pot, and the driver for it."""

from __future__ import annotations

import pytest

from drivers.new_era_ne1000.driver import NE1000
from drivers.new_era_ne1000.wire import RequestDecoder
from lab.devices.driver import DeviceError
from simulators.ne1000 import NE1000Simulator
from tests.bench.devices import Bench, act
from tests.bench.virtual import run_virtual

__all__ = ["SETTINGS", "Stand", "command", "dispense", "on_stand", "refusal"]

SETTINGS = {"syringe_diameter_mm": 26.7, "syringe_volume_ml": 50}


class Stand(Bench):
    """A pump between a full bottle and an empty pot, and drivers for it."""

    def __init__(self, **simulate):
        super().__init__()
        self.world.fill("stock", 400.0, 1.31, {"salt": 2.0})
        self.pump = NE1000Simulator(
            self.simulator_context("pump", draws="stock", into="pot", **simulate)
        )
        self.attach(self.pump)

    async def driver(self, **settings):
        driver = NE1000(self.driver_context("pump", {**SETTINGS, **settings}))
        await driver.connect()
        return driver

    @property
    def pot_ml(self):
        self.world.advance()
        return self.world.vessel("pot").volume_ml

    @property
    def doses(self):
        self.world.advance()
        return [a.detail["volume_ml"] for a in self.world.acts if a.kind == "dispense"]

    def inject(self, data):
        return b"".join(self.pump.answer(packet) for packet in RequestDecoder().feed(data))


def on_stand(test, *, settings=None, **simulate):
    """Run `test(stand, driver)` under the virtual clock."""

    async def main():
        stand = Stand(**simulate)
        driver = await stand.driver(**(settings or {}))
        try:
            return await test(stand, driver)
        finally:
            await driver.disconnect()
            await stand.end()

    return run_virtual(main())


def command(**args):
    return act("dispense", **args).command


async def dispense(driver, begun=None, progress=None, **args):
    one = act("dispense", begun=begun, progress=progress, **args)
    return await driver.dispense(one, **args)


async def refusal(driver, **args):
    """The error of a dose that must fail, and whether it had begun."""
    begun = []
    with pytest.raises(DeviceError) as caught:
        await dispense(driver, begun, **args)
    return caught.value, bool(begun)
