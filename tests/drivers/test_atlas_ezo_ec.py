"""Driver against simulator over a line in memory."""

from __future__ import annotations

import asyncio
import statistics

import pytest

from drivers.atlas_ezo_ec import wire
from drivers.atlas_ezo_ec.driver import AtlasEzoEc
from lab.devices.driver import DeviceError
from lab.devices.memory_stream import stream_pair
from lab.devices.stream import StreamClosedError
from lab.domain.errors import InputError
from simulators.atlas_ezo_ec import AtlasEzoEcSimulator
from simulators.chemistry.electrolyte import conductivity_ms_cm
from tests.bench.devices import Bench, act
from tests.bench.virtual import run_virtual

QUIET = {"model": "constant", "conductivity_ms_cm": 1.413, "relative_noise": 0.0}


def circuit(bench, **settings):
    bench.world.fill("cell", 10.0, 1.2, {"LiPF6": 1.0})
    return AtlasEzoEcSimulator(bench.simulator_context("probe", **{"at": "cell", **settings}))


def on_bench(test, *, settings=None, **simulate):
    async def main():
        bench = Bench()
        simulator = circuit(bench, **{**QUIET, **simulate})
        async with bench.connected(AtlasEzoEc, simulator, settings) as driver:
            return await test(bench, driver)

    return run_virtual(main())


def talk(*commands, wait_s=1.0, **simulate):
    """What the circuit itself says to each command after its first moments, line by line."""

    async def main():
        bench = Bench()
        ours, theirs = stream_pair()
        serving = asyncio.create_task(circuit(bench, **{**QUIET, **simulate}).serve(theirs))
        said = []
        await ours.read()
        for command in commands:
            await ours.write(command + b"\r")
            await bench.clock.sleep(wait_s)
            said.append((await ours.read()).split(b"\r")[:-1])
        await ours.close()
        await serving
        return said

    return run_virtual(main())


def test_setting_up_silences_the_continuous_readings_and_checks_the_kind():
    async def test(bench, driver):
        await bench.clock.sleep(60)
        reader = asyncio.create_task(bench.taps[0].inner.read())
        await asyncio.sleep(30)
        assert not reader.done()
        reader.cancel()
        await asyncio.gather(reader, return_exceptions=True)
        assert bench.taps[0].sent == [
            b"*OK,1\r", b"C,0\r", b"i\r", b"K,?\r", b"O,?\r", b"T,25.00\r"
        ]  # fmt: skip

    on_bench(test)


def test_without_the_driver_it_sends_a_reading_each_second():
    async def main():
        bench = Bench()
        ours, theirs = stream_pair()
        serving = asyncio.create_task(circuit(bench, **QUIET).serve(theirs))
        await bench.clock.sleep(5.5)
        assert await ours.read() == b"*RS\r*RE\r" + 5 * b"1413\r"
        await ours.close()
        await serving

    run_virtual(main())


def test_the_reading_is_the_mean_in_ms_per_cm():
    async def test(bench, driver):
        began = bench.clock.monotonic()
        progress = []
        outputs = await driver.measure(act(progress=progress), readings=5)
        assert outputs["conductivity"] == pytest.approx(1.413)
        assert bench.clock.monotonic() - began == pytest.approx(3.0, abs=0.1)
        assert len(progress) == 5
        # Without scatter only the rounding to 1 uS/cm is left.
        assert outputs["conductivity_sd"] == pytest.approx(0.001 / 12**0.5)

    on_bench(test)


def test_the_uncertainty_is_that_of_the_mean():
    async def test(bench, driver):
        few = [await driver.measure(act(), readings=5) for _ in range(100)]
        spread = statistics.stdev(float(result["conductivity"]) for result in few)
        said = statistics.fmean(float(result["conductivity_sd"]) for result in few)
        assert said == pytest.approx(spread, rel=0.25)
        assert spread == pytest.approx(1.413 * 0.01 / 5**0.5, rel=0.25)

    on_bench(test, relative_noise=0.01)


def test_it_sees_the_electrolyte_at_the_temperature_it_has():
    async def test(bench, driver):
        for celsius in (22.0, 25.0, 35.0):
            bench.world.vessel("cell").temperature_c = celsius
            outputs = await driver.measure(act(), readings=1)
            true = conductivity_ms_cm(1.0, celsius + 273.15)
            assert outputs["conductivity"] == pytest.approx(true, abs=0.006)
        assert true > 9.13

    on_bench(test, model="electrolyte")


def test_compensation_follows_the_rule_for_water_when_asked_for():
    async def test(bench, driver):
        return (await driver.measure(act(), readings=1))["conductivity"]

    assert on_bench(test, settings={"compensation_c": 35}) == pytest.approx(1.413 / 1.2, abs=1e-3)


def test_an_empty_cell_conducts_nothing():
    async def test(bench, driver):
        bench.world.fill("cell", 0.0, 1.0, {})
        assert (await driver.measure(act(), readings=2))["conductivity"] == 0.0

    on_bench(test)


def test_the_cell_constant_is_set_once_and_kept():
    async def main():
        bench = Bench()
        simulator = circuit(bench, **QUIET, probe_k=0.1)
        for expected in (1, 0):
            async with bench.connected(AtlasEzoEc, simulator, {"cell_constant": 0.1}) as driver:
                assert bench.taps[-1].sent.count(b"K,0.10\r") == expected
                outputs = await driver.measure(act(), readings=1)
                assert outputs["conductivity"] == pytest.approx(1.413, abs=1e-3)

    run_virtual(main())


def test_other_outputs_are_switched_off():
    async def main():
        bench = Bench()
        simulator = circuit(bench, **QUIET)
        bench.attach(simulator)
        line = await bench.stream("sim:")
        await line.write(b"O,TDS,1\r")
        await bench.clock.sleep(1)
        await line.close()
        async with bench.connected(AtlasEzoEc, simulator) as driver:
            assert b"O,TDS,0\r" in bench.taps[-1].sent
            assert (await driver.measure(act(), readings=1))["conductivity"] == 1.413

    run_virtual(main())


def test_a_sleeping_circuit_is_woken():
    async def main():
        bench = Bench()
        simulator = circuit(bench, **QUIET)
        bench.attach(simulator)
        line = await bench.stream("sim:")
        await line.write(b"Sleep\r")
        await bench.clock.sleep(1)
        await line.close()
        async with bench.connected(AtlasEzoEc, simulator) as driver:
            assert bench.taps[-1].sent[:2] == [b"*OK,1\r", b"*OK,1\r"]
            assert (await driver.measure(act(), readings=1))["conductivity"] == 1.413

    run_virtual(main())


# -- the circuit's own words ---------------------------------------------------------------------


def test_the_circuit_answers_in_its_own_words():
    said = talk(
        b"C,0", b"i", b"STATUS", b"cal,?", b"K,?", b"T,?", b"O,?", b"Name,pot", b"name,?", b"?"
    )
    assert said[0][-1] == b"*OK"
    assert said[1:] == [
        [b"?I,EC,2.16", b"*OK"], [b"?STATUS,P,5.038", b"*OK"], [b"?CAL,0", b"*OK"],
        [b"?K,1.00", b"*OK"], [b"?T,25.00", b"*OK"], [b"?O,EC", b"*OK"], [b"*OK"],
        [b"?NAME,pot", b"*OK"], [b"*ER"],
    ]  # fmt: skip


@pytest.mark.parametrize(
    "command",
    [b"K,0", b"K,x", b"O,S,1", b"O,EC", b"Cal,one", b"Cal,mid,7", b"Baud,1", b"C,100", b"L,2", b"\xff", b"R,1",
     b"T,nan", b"*OK", b"Name,12345678901234567"],
)  # fmt: skip
def test_what_it_does_not_know_is_an_error(command):
    assert talk(b"C,0", command)[1] == [b"*ER"]


def test_the_confirmation_can_be_switched_off():
    assert talk(b"C,0", b"*OK,?")[1] == [b"?*OK,1"]
    assert talk(b"C,0", b"R")[1] == [b"1413", b"*OK"]

    async def main():
        bench = Bench()
        ours, theirs = stream_pair()
        serving = asyncio.create_task(circuit(bench, **QUIET).serve(theirs))
        await ours.write(b"C,0\r*OK,0\rR\r")
        await bench.clock.sleep(2)
        assert (await ours.read()).endswith(b"*OK\r1413\r")
        await ours.close()
        await serving

    run_virtual(main())


def test_a_factory_reset_restarts_it():
    said = talk(b"C,0", b"Factory")
    assert said[1][:3] == [b"*OK", b"*RS", b"*RE"]


def test_calibration_takes_out_what_is_wrong_with_the_cell():
    def measured(*calibration):
        return float(talk(b"C,0", *calibration, b"R", cell_error=1.2, offset_us_cm=7.0)[-1][0])

    assert measured() == pytest.approx(1413 * 1.2 + 7, abs=1)
    assert measured(b"Cal,one,1413") == pytest.approx(1413, abs=1)
    assert measured(b"Cal,one,1413", b"Cal,clear") == pytest.approx(1413 * 1.2 + 7, abs=1)
    assert talk(b"C,0", b"Cal,low,84", b"Cal,?")[-1][0] == b"?CAL,1"
    assert talk(b"C,0", b"Cal,low,84", b"Cal,high,1413", b"Cal,?")[-1][0] == b"?CAL,2"


# -- faults --------------------------------------------------------------------------------------


def test_garbage_on_the_line_is_read_again():
    async def test(bench, driver):
        tap, spoiled = bench.taps[0], []

        def spoil(data):
            if b"1413" in data and len(spoiled) < 2:
                spoiled.append(data)
                return data.replace(b"1413", b"1\xff13")
            return data

        tap.to_driver = spoil
        assert (await driver.measure(act(), readings=1))["conductivity"] == 1.413
        tap.to_driver = lambda data: data.replace(b"1413", b"14#3")
        with pytest.raises(DeviceError) as caught:
            await driver.measure(act(), readings=1)
        assert (caught.value.code, caught.value.effect) == ("bad_reply", "none")

    on_bench(test)


def test_a_reading_that_slips_in_is_not_counted_twice():
    async def test(bench, driver):
        await bench.taps[0].inner.write(b"C,1\r")
        await bench.clock.sleep(1.5)
        outputs = await driver.measure(act(), readings=10)
        assert outputs["conductivity"] == pytest.approx(1.413)
        assert bench.taps[0].sent.count(b"R\r") >= 10

    on_bench(test)


def test_a_restart_in_the_middle_is_named_and_it_is_set_up_again():
    async def test(bench, driver):
        tap, done = bench.taps[0], []

        def restart(data):
            if b"1413" in data and not done:
                done.append(data)
                return b"*RS\r*RE\r"
            return data

        tap.to_driver = restart
        with pytest.raises(DeviceError) as caught:
            await driver.measure(act(), readings=1)
        assert caught.value.code == "rebooted"
        assert tap.sent.count(b"C,0\r") == 2
        assert (await driver.measure(act(), readings=1))["conductivity"] == 1.413

    on_bench(test)


@pytest.mark.parametrize("code", [b"*OV\r", b"*UV\r"])
def test_a_bad_supply_voltage_spoils_the_reading(code):
    async def test(bench, driver):
        tap = bench.taps[0]
        tap.to_driver = lambda data: code + data
        with pytest.raises(DeviceError) as caught:
            await driver.measure(act(), readings=1)
        assert caught.value.code == "supply_voltage"

    on_bench(test)


def test_silence_and_an_unplugged_line():
    async def test(bench, driver):
        bench.taps[0].to_driver = lambda data: b""
        with pytest.raises(TimeoutError):
            await driver.measure(act(), readings=1)
        await bench.taps[0].close()
        with pytest.raises(StreamClosedError):
            await driver.measure(act(), readings=1)

    on_bench(test)


def test_a_ph_circuit_is_refused():
    async def main():
        bench = Bench()
        simulator = circuit(bench, **QUIET)
        bench.attach(simulator)
        driver = AtlasEzoEc(bench.driver_context("probe", {}))
        bench.to_driver = lambda data: data.replace(b"?I,EC", b"?I,pH")
        with pytest.raises(DeviceError, match="EZO-pH") as caught:
            await driver.connect()
        assert caught.value.code == "wrong_device"
        await bench.end()

    run_virtual(main())


@pytest.mark.parametrize("settings", [{"cell_constant": 0.01}, {"cell": 1}])
def test_wrong_settings_are_refused_by_name(settings):
    async def main():
        with pytest.raises(InputError, match="settings of probe"):
            AtlasEzoEc(Bench().driver_context("probe", settings))

    run_virtual(main())


@pytest.mark.parametrize("settings", [{"model": "tea"}, {"relative_noise": "low"}])
def test_wrong_settings_of_the_simulator_are_refused(settings):
    async def main():
        with pytest.raises(InputError, match="simulate"):
            circuit(Bench(), **settings)

    run_virtual(main())


@pytest.mark.parametrize("readings", [1, 5, 12])
def test_a_measurement_takes_as_long_as_it_is_told_beforehand(readings):
    told = wire.durations("measure", {"readings": readings}, {})
    assert told is not None

    async def test(bench, driver):
        began = bench.clock.monotonic()
        await driver.measure(act(), readings=readings)
        assert bench.clock.monotonic() - began == pytest.approx(told, rel=0.02, abs=0.05)

    on_bench(test)


@pytest.mark.parametrize(
    ("action", "args"),
    [("calibrate", {"readings": 3}), ("measure", {}), ("measure", {"readings": "3"})],
)
def test_what_else_it_does_is_left_to_the_procedure(action, args):
    assert wire.durations(action, args, {}) is None
