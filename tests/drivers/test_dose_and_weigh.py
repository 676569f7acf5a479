"""Pump and balance on one pot: over memory on a virtual clock, and over real sockets on a fast one."""

from __future__ import annotations

import asyncio

import pytest

from drivers.mettler_toledo_sics.driver import MTSics
from drivers.new_era_ne1000.driver import NE1000
from lab.devices.driver import DriverContext
from lab.engine.clock import ScaledClock
from simulators.contract import SimulatorContext
from simulators.mt_sics import MTSicsSimulator
from simulators.ne1000 import NE1000Simulator
from simulators.world import World
from tests.bench.devices import Bench, act
from tests.bench.pump_stand import SETTINGS
from tests.bench.socket_stream import SocketConnector, tcp_server
from tests.bench.virtual import run_virtual

STOCKS = {
    "concentrate": (1.31, {"LiPF6": 2.0}),
    "dilute": (1.11, {"LiPF6": 0.5}),
    "solvent": (1.05, {}),
}
RECIPE = {"concentrate": 4.0, "dilute": 1.0, "solvent": 5.0}
EXPECTED_G = sum(volume * STOCKS[name][0] for name, volume in RECIPE.items())


def fill(world):
    for name, (density, contents) in STOCKS.items():
        world.fill(name, 400.0, density, contents)
    world.vessel("pot", 20.0)


async def recipe(pumps, balance):
    """Tare, dose all stocks at the same time, weigh."""
    await balance.tare(act("tare"))
    async with asyncio.TaskGroup() as group:
        for name, volume in RECIPE.items():
            group.create_task(pumps[name].dispense(act("dispense"), volume=volume, rate=20.0))
    return await balance.weigh(act("weigh"))


def check(world, outputs):
    assert outputs["mass"] == pytest.approx(EXPECTED_G, abs=2e-3)
    assert world.vessel("pot").concentration("LiPF6") == pytest.approx(0.85, abs=1e-3)
    assert {key: total.count for key, total in world.doses().items()} == {
        (name, "pot"): 1 for name in RECIPE
    }


class OneLine(Bench):
    """A bench whose lines lead to a simulator of their own, in the world of another bench."""

    def __init__(self, bench, simulator):
        super().__init__()
        self.world = bench.world
        self.attach(simulator)


def test_three_doses_at_once_weigh_what_they_should():
    async def main():
        bench = Bench()
        fill(bench.world)
        cell = OneLine(bench, MTSicsSimulator(bench.simulator_context("balance", at="pot")))
        balance = MTSics(cell.driver_context("balance", {}))
        lines, pumps = [cell], {}
        for name in RECIPE:
            simulator = NE1000Simulator(bench.simulator_context(name, draws=name, into="pot"))
            lines.append(OneLine(bench, simulator))
            pumps[name] = NE1000(lines[-1].driver_context(name, SETTINGS))
        for driver in (balance, *pumps.values()):
            await driver.connect()
        check(bench.world, await recipe(pumps, balance))
        for driver in (balance, *pumps.values()):
            await driver.disconnect()
        for line in lines:
            await line.end()

    run_virtual(main())


async def test_it_does_so_over_real_sockets_too():
    clock = ScaledClock(100.0)
    world = World(5, clock)
    fill(world)

    def context(device, **settings):
        return SimulatorContext(device, world, clock, world.random_for(device), settings)

    def driver_context(device, url, settings):
        return DriverContext(device, url, SocketConnector(), clock, settings)  # type: ignore[arg-type]

    simulators = {name: NE1000Simulator(context(name, draws=name, into="pot")) for name in RECIPE}
    scale = MTSicsSimulator(context("balance", at="pot"))
    async with (
        tcp_server(scale) as scale_url,
        tcp_server(simulators["concentrate"]) as url_1,
        tcp_server(simulators["dilute"]) as url_2,
        tcp_server(simulators["solvent"]) as url_3,
    ):
        balance = MTSics(driver_context("balance", scale_url, {}))
        pumps = {
            name: NE1000(driver_context(name, url, SETTINGS))
            for name, url in zip(RECIPE, (url_1, url_2, url_3), strict=True)
        }
        for driver in (balance, *pumps.values()):
            identity = await driver.connect()
            assert not identity.simulated  # nothing in the driver knows
        check(world, await recipe(pumps, balance))
        for driver in (balance, *pumps.values()):
            await driver.disconnect()


async def test_a_cut_socket_in_the_middle_of_a_dose_settles_over_a_new_one():
    clock = ScaledClock(100.0)
    world = World(5, clock)
    fill(world)
    simulator = NE1000Simulator(
        SimulatorContext(
            "pump", world, clock, world.random_for("pump"), {"draws": "solvent", "into": "pot"}
        )
    )
    async with tcp_server(simulator) as url:
        context = DriverContext("pump", url, SocketConnector(), clock, SETTINGS)  # type: ignore[arg-type]
        first = NE1000(context)
        await first.connect()
        begun: list[bool] = []
        one = act("dispense", begun=begun, volume=4.0, rate=20.0)
        dose = asyncio.create_task(first.dispense(one, volume=4.0, rate=20.0))
        while not begun:
            await asyncio.sleep(0.001)
        await clock.sleep(8.0)
        await first.disconnect()
        await asyncio.gather(dose, return_exceptions=True)
        again = NE1000(context)
        await again.connect()
        settlement = await again.settle(one.command)
        # either RUN was cut off too, or the pump has ended the dose by itself
        verdicts = {"done": 1, "not_done": 0}
        assert settlement.verdict in verdicts
        world.advance()
        assert len(world.doses()) == verdicts[settlement.verdict]
        await again.disconnect()
