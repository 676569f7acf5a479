"""Driver against simulator over a line in memory."""

from __future__ import annotations

import asyncio
import statistics

import pytest

from drivers.atlas_ezo_ph import wire
from drivers.atlas_ezo_ph.driver import AtlasEzoPh
from lab.devices.driver import DeviceError
from lab.devices.stream import StreamClosedError
from lab.domain.errors import InputError
from simulators.atlas_ezo_ec import AtlasEzoEcSimulator
from simulators.atlas_ezo_ph import AtlasEzoPhSimulator
from simulators.chemistry.acid_base import ph
from tests.bench.devices import Bench, act
from tests.bench.virtual import run_virtual

IDEAL = {"offset_mv": 0.0, "slope_percent": 100.0, "drift_mv_per_h": 0.0, "noise_mv": 0.0}
CONSTANT = {**IDEAL, "model": "constant", "ph": 7.25}
PHOSPHATE = {"KH2PO4": 0.025, "Na2HPO4": 0.025}
PHTHALATE = {"KHP": 0.05}
BORAX = {"borax": 0.01}
SAMPLE = {"acetic_acid": 0.05, "sodium_acetate": 0.1}


def circuit(bench, **settings):
    immerse(bench, PHOSPHATE)
    return AtlasEzoPhSimulator(bench.simulator_context("probe", **{"at": "cup", **settings}))


def immerse(bench, contents, celsius=25.0, volume_ml=20.0):
    bench.world.fill("cup", volume_ml, 1.0, contents).temperature_c = celsius


def on_bench(test, *, settings=None, **simulate):
    async def main():
        bench = Bench()
        simulator = circuit(bench, **simulate)
        async with bench.connected(AtlasEzoPh, simulator, settings) as driver:
            return await test(bench, driver)

    return run_virtual(main())


async def refused(action, **args):
    """The error of an action that must fail, and whether it had begun."""
    begun = []
    with pytest.raises(DeviceError) as caught:
        await action(act(begun=begun), **args)
    return caught.value.code, caught.value.effect, bool(begun)


def test_setting_up_silences_it_checks_the_kind_and_leaves_the_calibration():
    async def test(bench, driver):
        assert bench.taps[0].sent == [b"*OK,1\r", b"C,0\r", b"i\r"]
        await driver.make_safe()
        assert await driver.read_telemetry() == {}
        assert bench.taps[0].sent[3:] == []

    on_bench(test)


def test_it_says_what_it_is():
    async def main():
        bench = Bench()
        bench.attach(circuit(bench, firmware="1.98"))
        driver = AtlasEzoPh(bench.driver_context("probe", {}))
        identity = await driver.connect()
        assert (identity.manufacturer, identity.model, identity.firmware) == (
            "Atlas Scientific", "EZO-pH", "1.98"
        )  # fmt: skip
        await driver.disconnect()
        await driver.disconnect()
        with pytest.raises(StreamClosedError, match="probe is not connected"):
            await driver.measure(act())
        await bench.end()

    run_virtual(main())


# -- measuring -----------------------------------------------------------------------------------


def test_the_reading_is_the_mean():
    async def test(bench, driver):
        began = bench.clock.monotonic()
        progress = []
        outputs = await driver.measure(act(progress=progress), readings=5, temperature=25.0)
        assert outputs["ph"] == pytest.approx(7.25)
        # Without scatter only the rounding to 0.001 is left.
        assert outputs["ph_sd"] == pytest.approx(0.001 / 12**0.5)
        assert bench.clock.monotonic() - began == pytest.approx(0.3 + 5 * 0.9, abs=0.1)
        assert [item["readings"] for item in progress] == [1, 2, 3, 4, 5]
        assert bench.taps[0].sent[3:] == [b"T,25.00\r"] + 5 * [b"R\r"]

    on_bench(test, **CONSTANT)


def test_the_uncertainty_is_that_of_the_mean():
    async def test(bench, driver):
        few = [await driver.measure(act(), readings=5) for _ in range(100)]
        spread = statistics.stdev(float(result["ph"]) for result in few)
        said = statistics.fmean(float(result["ph_sd"]) for result in few)
        assert said == pytest.approx(spread, rel=0.25)
        assert spread == pytest.approx(0.5 / 59.16 / 5**0.5, rel=0.25)

    on_bench(test, noise_mv=0.5)


@pytest.mark.parametrize("celsius", [15.0, 35.0])
def test_the_slope_is_corrected_for_the_temperature_that_is_given(celsius):
    async def test(bench, driver):
        immerse(bench, PHTHALATE, celsius)
        outputs = await driver.measure(act(), readings=1, temperature=celsius)
        assert outputs["ph"] == pytest.approx(ph(PHTHALATE, celsius), abs=0.001)
        outputs = await driver.measure(act(), readings=1)
        assert abs(outputs["ph"] - ph(PHTHALATE, celsius)) > 0.05

    on_bench(test, **IDEAL)


@pytest.mark.parametrize("contents", [{"HCl": 12.0}, {"NaOH": 12.0}])
def test_the_end_of_the_scale_is_no_measurement(contents):
    async def test(bench, driver):
        immerse(bench, contents)
        assert await refused(driver.measure) == ("out_of_range", "none", False)

    on_bench(test, **IDEAL)


def test_an_electrode_in_air_betrays_itself_by_its_uncertainty():
    async def test(bench, driver):
        immerse(bench, {}, volume_ml=0.0)
        assert (await driver.measure(act(), readings=10))["ph_sd"] > 0.05

    on_bench(test, **IDEAL)


# -- calibrating ---------------------------------------------------------------------------------


async def calibrate(bench, driver, point, contents, value, celsius=25.0):
    immerse(bench, contents, celsius)
    begun = []
    outputs = await driver.calibrate(
        act(begun=begun), point=point, value=value, temperature=celsius
    )
    assert begun == [True]
    return outputs


def test_two_buffers_take_out_what_is_wrong_with_the_electrode():
    async def test(bench, driver):
        async def error():
            immerse(bench, SAMPLE)
            outputs = await driver.measure(act(), readings=10)
            return abs(float(outputs["ph"]) - ph(SAMPLE))

        assert await error() > 0.1
        assert await calibrate(bench, driver, "mid", PHOSPHATE, 6.865) == {"slope": 100.0}
        assert await error() > 0.05
        outputs = await calibrate(bench, driver, "low", PHTHALATE, 4.005)
        assert outputs["slope"] == pytest.approx(96.5, abs=0.6)
        assert await error() < 0.02
        assert b"Cal,mid,6.865\r" in bench.taps[0].sent
        assert b"Cal,low,4.005\r" in bench.taps[0].sent

    on_bench(test)


def test_the_slope_is_that_of_the_point_s_own_side():
    async def test(bench, driver):
        await calibrate(bench, driver, "mid", PHOSPHATE, 6.865)
        outputs = await calibrate(bench, driver, "high", BORAX, 9.18)
        assert outputs["slope"] == pytest.approx(92.0, abs=1.2)

    on_bench(test, slope_percent=92.0)


def test_buffers_that_are_not_at_25_degrees_serve_as_well():
    async def test(bench, driver):
        await calibrate(bench, driver, "mid", PHOSPHATE, 6.881, celsius=20.0)
        outputs = await calibrate(bench, driver, "low", PHTHALATE, 4.002, celsius=20.0)
        assert outputs["slope"] == pytest.approx(96.5, abs=0.6)
        immerse(bench, SAMPLE, 35.0)
        outputs = await driver.measure(act(), temperature=35.0)
        assert outputs["ph"] == pytest.approx(ph(SAMPLE, 35.0), abs=0.03)

    on_bench(test)


def test_a_calibration_is_kept_when_the_line_is_not():
    async def main():
        bench = Bench()
        simulator = circuit(bench)
        async with bench.connected(AtlasEzoPh, simulator) as driver:
            await calibrate(bench, driver, "mid", PHOSPHATE, 6.865)
        async with bench.connected(AtlasEzoPh, simulator) as driver:
            immerse(bench, PHTHALATE)
            await driver.calibrate(act(), point="low", value=4.005)

    run_virtual(main())


def test_cleared_it_is_as_far_off_as_before():
    async def test(bench, driver):
        before = await driver.measure(act(), readings=1)
        await calibrate(bench, driver, "mid", PHOSPHATE, 6.865)
        begun = []
        assert await driver.clear_calibration(act(begun=begun)) == {}
        assert begun == [True]
        after = await driver.measure(act(), readings=1)
        assert after["ph"] == pytest.approx(before["ph"], abs=0.01)
        assert await refused(driver.calibrate, point="low", value=4.005) == (
            "mid_first", "none", False
        )  # fmt: skip

    on_bench(test)


@pytest.mark.parametrize(("point", "value"), [("mid", 4.005), ("low", 6.865), ("high", 7.0)])
def test_a_buffer_that_can_not_be_the_point_is_refused_before_anything_is_sent(point, value):
    async def test(bench, driver):
        said = len(bench.taps[0].sent)
        assert await refused(driver.calibrate, point=point, value=value) == (
            "wrong_point", "none", False
        )  # fmt: skip
        assert len(bench.taps[0].sent) == said

    on_bench(test)


@pytest.mark.parametrize("point", ["low", "high"])
def test_the_mid_point_comes_first(point):
    async def test(bench, driver):
        value = {"low": 4.005, "high": 9.18}[point]
        assert await refused(driver.calibrate, point=point, value=value) == (
            "mid_first", "none", False
        )  # fmt: skip
        assert not any(sent.startswith(b"Cal,l") for sent in bench.taps[0].sent)

    on_bench(test)


def test_an_electrode_that_was_left_in_the_first_buffer_is_noticed():
    async def test(bench, driver):
        await calibrate(bench, driver, "mid", PHOSPHATE, 6.865)
        assert await refused(driver.calibrate, point="low", value=4.005) == (
            "refused", "none", True
        )  # fmt: skip

    on_bench(test)


def test_nothing_is_calibrated_before_the_readings_come_to_rest():
    async def test(bench, driver):
        immerse(bench, {}, volume_ml=0.0)
        began = bench.clock.monotonic()
        assert await refused(driver.calibrate, point="mid", value=6.865) == (
            "unsteady", "none", False
        )  # fmt: skip
        assert 20.0 <= bench.clock.monotonic() - began < 22.0
        assert not any(sent.startswith(b"Cal") for sent in bench.taps[0].sent)

    on_bench(test, settings={"steady_within_s": 20}, **IDEAL)


def test_three_readings_that_agree_are_rest():
    async def test(bench, driver):
        progress = []
        await driver.calibrate(act(progress=progress), point="mid", value=7.25)
        assert [item["ph"] for item in progress] == [7.25] * 3

    on_bench(test, settings={"steady_within_s": 0}, **CONSTANT)


def test_whatever_is_unknown_may_be_done_again():
    async def test(bench, driver):
        for action in ("measure", "calibrate", "clear_calibration"):
            assert (await driver.settle(act(action).command)).verdict == "not_done"

    on_bench(test)


# -- faults --------------------------------------------------------------------------------------


def test_garbage_on_the_line_is_read_again():
    async def test(bench, driver):
        tap, spoiled = bench.taps[0], []

        def spoil(data):
            if b"7.25" in data and len(spoiled) < 2:
                spoiled.append(data)
                return data.replace(b"7.25", b"7\xff25")
            return data

        tap.to_driver = spoil
        assert (await driver.measure(act(), readings=1))["ph"] == 7.25
        tap.to_driver = lambda data: data.replace(b"7.25", b"7#25")
        assert await refused(driver.measure) == ("bad_reply", "none", False)

    on_bench(test, **CONSTANT)


def test_a_restart_in_the_middle_is_named_and_it_is_set_up_again():
    async def test(bench, driver):
        tap, done = bench.taps[0], []

        def restart(data):
            if b"7.25" in data and not done:
                done.append(data)
                return b"*RS\r*RE\r"
            return data

        tap.to_driver = restart
        assert await refused(driver.measure) == ("rebooted", "none", False)
        assert tap.sent.count(b"C,0\r") == 2
        assert (await driver.measure(act(), readings=1))["ph"] == 7.25

    on_bench(test, **CONSTANT)


def test_a_restart_while_calibrating_is_no_success():
    async def test(bench, driver):
        tap = bench.taps[0]
        asked = []

        def restart(data):
            if tap.sent[-1].startswith(b"Cal,mid") and not asked:
                asked.append(data)
                return b"*RS\r*RE\r"
            return data

        tap.to_driver = restart
        assert await refused(driver.calibrate, point="mid", value=7.25) == (
            "rebooted", "none", True
        )  # fmt: skip

    on_bench(test, **CONSTANT)


@pytest.mark.parametrize("code", [b"*OV\r", b"*UV\r"])
def test_a_bad_supply_voltage_spoils_the_reading(code):
    async def test(bench, driver):
        bench.taps[0].to_driver = lambda data: code + data
        assert await refused(driver.measure) == ("supply_voltage", "none", False)

    on_bench(test, **CONSTANT)


def test_a_firmware_without_slope_is_named():
    async def test(bench, driver):
        tap = bench.taps[0]
        tap.to_device = lambda data: data.replace(b"Slope", b"Slop")
        assert await refused(driver.calibrate, point="mid", value=7.25) == (
            "refused", "none", True
        )  # fmt: skip

    on_bench(test, **CONSTANT)


def test_silence_and_an_unplugged_line():
    async def test(bench, driver):
        bench.taps[0].to_driver = lambda data: b""
        with pytest.raises(TimeoutError):
            await driver.measure(act(), readings=1)
        await bench.taps[0].close()
        with pytest.raises(StreamClosedError):
            await driver.measure(act(), readings=1)

    on_bench(test, **CONSTANT)


def test_a_conductivity_circuit_is_refused():
    async def main():
        bench = Bench()
        bench.attach(AtlasEzoEcSimulator(bench.simulator_context("probe", at="cup")))
        driver = AtlasEzoPh(bench.driver_context("probe", {}))
        with pytest.raises(DeviceError, match="expected an EZO-pH, found EZO-EC") as caught:
            await driver.connect()
        assert caught.value.code == "wrong_device"
        await bench.end()

    run_virtual(main())


def test_a_sleeping_circuit_is_woken():
    async def main():
        bench = Bench()
        simulator = circuit(bench, **CONSTANT)
        bench.attach(simulator)
        line = await bench.stream("sim:")
        await line.write(b"Sleep\r")
        await bench.clock.sleep(1)
        await line.close()
        async with bench.connected(AtlasEzoPh, simulator) as driver:
            assert bench.taps[-1].sent[:2] == [b"*OK,1\r", b"*OK,1\r"]
            assert (await driver.measure(act(), readings=1))["ph"] == 7.25

    run_virtual(main())


def test_a_line_that_is_cut_while_it_waits_for_rest_ends_the_action():
    async def test(bench, driver):
        immerse(bench, {}, volume_ml=0.0)
        work = asyncio.create_task(driver.calibrate(act(), point="mid", value=6.865))
        await bench.clock.sleep(10.0)
        await bench.taps[0].close()
        with pytest.raises(StreamClosedError):
            await work

    on_bench(test, **IDEAL)


@pytest.mark.parametrize("settings", [{"steady_ph": 0}, {"steady_within_s": -1}, {"cell": 1}])
def test_wrong_settings_are_refused_by_name(settings):
    async def main():
        with pytest.raises(InputError, match="settings of probe"):
            AtlasEzoPh(Bench().driver_context("probe", settings))

    run_virtual(main())


@pytest.mark.parametrize("readings", [1, 5, 12])
def test_a_measurement_takes_as_long_as_it_is_told_beforehand(readings):
    told = wire.durations("measure", {"readings": readings}, {})
    assert told is not None

    async def test(bench, driver):
        began = bench.clock.monotonic()
        await driver.measure(act(), readings=readings)
        assert bench.clock.monotonic() - began == pytest.approx(told, rel=0.02, abs=0.05)

    on_bench(test, **CONSTANT)


@pytest.mark.parametrize(
    ("action", "args"),
    [("calibrate", {"readings": 3}), ("measure", {}), ("measure", {"readings": "3"})],
)
def test_what_else_it_does_is_left_to_the_procedure(action, args):
    assert wire.durations(action, args, {}) is None
