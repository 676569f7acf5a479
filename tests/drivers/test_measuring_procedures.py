"""Three textbook procedures with drivers and simulators alone: what is measured must lead back to what was put in."""

from __future__ import annotations

import asyncio
import math
import statistics
from contextlib import AsyncExitStack

import pytest

from drivers.atlas_ezo_ph.driver import AtlasEzoPh
from drivers.ika_hotplate.driver import IkaHotplate
from drivers.mettler_toledo_sics.driver import MTSics
from drivers.new_era_ne1000.driver import NE1000
from lab.devices.driver import DriverContext
from lab.engine.clock import VirtualClock
from simulators.chemistry.saponification import ACTIVATION_ENERGY_KJ_MOL, RATE_CONSTANT
from simulators.chemistry.water import density_g_per_ml
from simulators.lab import SimulatedDevice, SimulatedLab, SimulatedLiquid
from tests.bench.devices import act
from tests.bench.pump_stand import SETTINGS
from tests.bench.virtual import run_virtual

DRIVERS = {
    "pump": (NE1000, "simulators.ne1000:NE1000Simulator", SETTINGS),
    "balance": (MTSics, "simulators.mt_sics:MTSicsSimulator", {}),
    "probe": (AtlasEzoPh, "simulators.atlas_ezo_ph:AtlasEzoPhSimulator", {}),
    "plate": (IkaHotplate, "simulators.ika_hotplate:IkaHotplateSimulator", {}),
}


class Connector:
    """A line to the simulator of that name in a simulated lab."""

    def __init__(self, lab, name):
        self._lab, self._name = lab, name

    async def stream(self, url):
        return self._lab.stream(self._name)


def in_lab(test, *, stock, devices, **options):
    """Run `test(world, drivers, clock)`; `devices` are names, or `name_2` for another of the kind, with settings."""

    async def main():
        clock = VirtualClock(asyncio.get_running_loop())
        simulated = tuple(
            SimulatedDevice(name, DRIVERS[name.split("_")[0]][1], "stream", settings=settings)
            for name, settings in devices.items()
        )
        lab = SimulatedLab(
            seed=5,
            clock=clock,
            stock=stock,
            vessels_ml={"pot": 250.0},
            devices=simulated,
            **options,
        )
        async with AsyncExitStack() as stack:
            stack.push_async_callback(lab.close)
            drivers = {}
            for name in devices:
                made, _, settings = DRIVERS[name.split("_")[0]]
                context = DriverContext(name, "sim:", Connector(lab, name), clock, settings)  # type: ignore[arg-type]
                drivers[name] = made(context)
                await drivers[name].connect()
                stack.push_async_callback(drivers[name].disconnect)
            return await test(lab.world, drivers, clock)

    return run_virtual(main())


# -- gravimetric calibration of a pump -----------------------------------------------------------


@pytest.mark.parametrize("bias", [0.025, -0.01])
def test_weighing_water_finds_by_how_much_a_pump_doses_wrongly(bias):
    async def test(world, drivers, clock):
        errors = []
        for _ in range(6):
            await drivers["balance"].tare(act("tare"))
            await drivers["pump"].dispense(act("dispense"), volume=10.0, rate=20.0)
            weighed = await drivers["balance"].weigh(act("weigh"))
            volume_ml = float(weighed["mass"]) / density_g_per_ml(20.0)
            errors.append(volume_ml / 10.0 - 1.0)
        return errors

    errors = in_lab(
        test,
        stock={"water": SimulatedLiquid(500.0)},
        devices={
            "pump": {"draws": "water", "into": "pot", "dose_bias": bias, "dose_cv": 0.002},
            "balance": {"at": "pot", "noise_g": 0.0004},
        },
        temperature_c=20.0,
    )
    found, scatter = statistics.fmean(errors), statistics.stdev(errors)
    assert found == pytest.approx(bias, abs=3 * 0.002 / 6**0.5)
    assert scatter < 0.006


# -- saponification, followed by pH --------------------------------------------------------------


async def calibrate(world, probe, celsius):
    """Mid and high in buffers that stand where the sample will stand."""
    for point, contents, value in (
        ("mid", {"KH2PO4": 0.025, "Na2HPO4": 0.025}, 6.865),
        ("high", {"NaHCO3": 0.025, "Na2CO3": 0.025}, 10.012),
    ):
        world.fill("pot", 50.0, 1.0, contents).temperature_c = celsius
        outputs = await probe.calibrate(act("calibrate"), point=point, value=value)
    return outputs["slope"]


def kinetics(celsius):
    """(k in L/(mol s), slope of the electrode) as a person would find them: 1/c against time, c from the pH."""

    async def test(world, drivers, clock):
        slope = await calibrate(world, drivers["probe"], 25.0)
        world.fill("pot", 0.0, 1.0, {})
        for name in ("base", "ester"):
            world.vessel(name).temperature_c = celsius
        async with asyncio.TaskGroup() as group:
            for name in ("pump_base", "pump_ester"):
                group.create_task(drivers[name].dispense(act("dispense"), volume=25.0, rate=25.0))
        times_s, values = [], []
        for _ in range(10):
            measured = await drivers["probe"].measure(
                act("measure"), readings=10, temperature=celsius
            )
            times_s.append(clock.monotonic())
            values.append(float(measured["ph"]))
            await clock.sleep(60.0)
        world.advance()
        pot = world.vessel("pot")
        left = pot.concentration("NaOH")
        # The base left at the end, as a titration would give it, scales the series.
        end_ph = float(
            (await drivers["probe"].measure(act("measure"), readings=10, temperature=celsius))["ph"]
        )
        concentrations = [left * 10.0 ** (value - end_ph) for value in values]
        fit = statistics.linear_regression(times_s, [1.0 / c for c in concentrations])
        return fit.slope, slope

    pump = {"dose_cv": 0.001, "into": "pot"}
    return in_lab(
        test,
        stock={
            "base": SimulatedLiquid(500.0, 1.0, {"NaOH": 0.1}),
            "ester": SimulatedLiquid(500.0, 1.0, {"ethyl_acetate": 0.1}),
        },
        devices={
            "pump_base": {"draws": "base", **pump},
            "pump_ester": {"draws": "ester", **pump},
            "probe": {"at": "pot", "noise_mv": 0.05},
        },
        temperature_c=25.0,
        chemistry="saponification",
    )


def test_the_rate_constant_and_its_activation_energy_are_found_again():
    k25, slope = kinetics(25.0)
    assert slope == pytest.approx(96.5, abs=1.0)
    assert k25 == pytest.approx(RATE_CONSTANT, rel=0.06)
    k40, _ = kinetics(40.0)
    energy = 8.314e-3 * math.log(k40 / k25) / (1 / 298.15 - 1 / 313.15)
    assert energy == pytest.approx(ACTIVATION_ENERGY_KJ_MOL, rel=0.15)


def quenched(celsius):
    """(pH after acid in excess, share of the ester that was left), from 4 minutes at about that temperature."""

    async def test(world, drivers, clock):
        await drivers["pump_base"].dispense(act("dispense"), volume=25.0, rate=25.0)
        await drivers["plate"].heat(act("heat"), temperature=celsius, tolerance=1.0)
        await drivers["pump_ester"].dispense(act("dispense"), volume=25.0, rate=25.0)
        await clock.sleep(120.0)
        await drivers["pump_acid"].dispense(act("dispense"), volume=30.0, rate=25.0)
        await drivers["plate"].stop(act("stop"))
        measured = await drivers["probe"].measure(act("measure"))
        pot = world.vessel("pot")
        ester_mol = pot.amounts_mol["ethyl_acetate"]
        await clock.sleep(7200.0)
        world.advance()
        assert pot.amounts_mol["ethyl_acetate"] == ester_mol
        return float(measured["ph"]), ester_mol / 2.5e-3

    stock = {
        "base": SimulatedLiquid(500.0, 1.0, {"NaOH": 0.1}),
        "ester": SimulatedLiquid(500.0, 1.0, {"ethyl_acetate": 0.1}),
        "acid": SimulatedLiquid(500.0, 1.0, {"HCl": 0.1}),
    }
    devices = {
        **{f"pump_{name}": {"draws": name, "into": "pot"} for name in stock},
        "plate": {"at": "pot"},
        "probe": {"at": "pot"},
    }
    return in_lab(test, stock=stock, devices=devices, chemistry="saponification")


def test_the_hotplate_hastens_it_and_acid_stops_it():
    cold_ph, cold = quenched(25.0)
    warm_ph, warm = quenched(45.0)
    assert 0.1 < warm < 0.8 * cold < 0.4
    # The excess of acid is 6 mmol/L, however far it went: acetic acid is hardly dissociated in it.
    assert (cold_ph, warm_ph) == (pytest.approx(2.2, abs=0.3), pytest.approx(2.2, abs=0.3))
