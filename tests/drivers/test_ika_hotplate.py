"""Driver against simulator over a line in memory, with hours of process in milliseconds."""

from __future__ import annotations

import asyncio

import pytest

from drivers.ika_hotplate.driver import IkaHotplate
from lab.devices.driver import DeviceError
from lab.devices.stream import StreamClosedError
from lab.domain.errors import InputError
from simulators.ika_hotplate import IkaHotplateSimulator
from tests.bench.devices import Bench, act
from tests.bench.virtual import run_virtual


def plate(bench, **settings):
    return IkaHotplateSimulator(bench.simulator_context("plate", **{"at": "cell", **settings}))


def on_bench(test, *, settings=None, **simulate):
    """Run `test(bench, driver)` with a connected pair."""

    async def main():
        bench = Bench()
        async with bench.connected(IkaHotplate, plate(bench, **simulate), settings) as driver:
            return await test(bench, driver)

    return run_virtual(main())


def test_it_says_what_it_is_and_starts_from_everything_off():
    async def test(bench, driver):
        sent = bench.taps[0].sent
        assert sent[0] == b"IN_NAME \r\n"
        assert b"STOP_1 \r\n" in sent
        assert b"STOP_4 \r\n" in sent
        assert bench.kinds() == []

    on_bench(test)


def test_another_device_on_the_line_is_refused_and_the_line_is_freed():
    async def main():
        bench = Bench()
        with pytest.raises(DeviceError) as caught:
            async with bench.connected(IkaHotplate, plate(bench, name="EUROSTAR 60")):
                pass
        assert caught.value.code == "wrong_device"
        with pytest.raises(StreamClosedError):
            await bench.taps[0].inner.write(b"x")
        await bench.end()

    run_virtual(main())


def test_a_medium_at_room_temperature_reaches_25_degc_in_minutes_and_stays():
    async def test(bench, driver):
        progress = []
        outputs = await driver.heat(act(progress=progress), temperature=25.0, tolerance=0.3)
        assert outputs["temperature"] == pytest.approx(25.0, abs=0.301)
        assert 60 < bench.clock.monotonic() < 6 * 60
        assert progress[0]["temperature"] == pytest.approx(22.0, abs=0.2)
        for _ in range(60):
            await bench.clock.sleep(60)
            assert bench.temperature("cell") == pytest.approx(25.0, abs=0.3)

    on_bench(test)


def test_nothing_comes_back_before_the_temperature_is_stable():
    async def test(bench, driver):
        await driver.heat(act(), temperature=25.0, tolerance=0.3)
        return bench.clock.monotonic()

    hasty = on_bench(test, settings={"stable_s": 0})
    patient = on_bench(test, settings={"stable_s": 120})
    assert patient - hasty > 100


def test_above_the_safety_limit_is_refused_before_anything_is_sent():
    async def test(bench, driver):
        begun = []
        with pytest.raises(DeviceError) as caught:
            await driver.heat(act(begun=begun), temperature=150.0)
        assert (caught.value.code, caught.value.effect) == ("above_safety_limit", "none")
        assert not begun
        assert not any(b"OUT_SP_1" in line or b"START" in line for line in bench.taps[0].sent)

    on_bench(test, safety_limit_c=100.0)


def test_a_setpoint_that_the_plate_clips_is_noticed_by_reading_back():
    async def test(bench, driver):
        with pytest.raises(DeviceError, match="shows 50") as caught:
            await driver.heat(act(), temperature=80.0)
        assert caught.value.code == "not_taken"
        assert "heater_on" not in bench.kinds()

    on_bench(test, safety_limit_c=100.0)


def test_a_lost_command_is_said_again():
    async def test(bench, driver):
        lost = []

        def lose_first(data):
            if data.startswith(b"OUT_SP_4") and not lost:
                lost.append(data)
                return b""
            return data

        bench.taps[0].to_device = lose_first
        assert (await driver.stir(act(), speed=300.0))["speed"] == pytest.approx(300, abs=15)
        assert lost

    on_bench(test)


def test_stirring_starts_turns_and_stops():
    async def test(bench, driver):
        assert (await driver.stir(act(), speed=600.0))["speed"] == pytest.approx(600, rel=0.05)
        assert (await driver.stir(act(), speed=0.0))["speed"] < 10
        assert bench.kinds() == ["motor_on", "motor_off"]

    on_bench(test)


def test_a_blocked_bar_is_reported_and_the_motor_stopped():
    async def test(bench, driver):
        with pytest.raises(DeviceError) as caught:
            await driver.stir(act(), speed=300.0)
        assert caught.value.code == "stalled"
        assert bench.kinds()[-1] == "motor_off"

    on_bench(test, blocked=True)


def test_a_temperature_that_never_comes_ends_with_the_heater_off():
    async def test(bench, driver):
        with pytest.raises(DeviceError) as caught:
            await driver.heat(act(timeout_s=120.0), temperature=90.0)
        assert caught.value.code == "not_reached"
        assert bench.kinds()[-1] == "heater_off"

    on_bench(test)


# -- the watchdog ----------------------------------------------------------------------------------


def test_the_watchdog_is_armed_before_the_heater_goes_on():
    async def test(bench, driver):
        await driver.heat(act(), temperature=25.0)
        sent = bench.taps[0].sent
        assert sent.index(b"OUT_WD1@300 \r\n") < sent.index(b"START_1 \r\n")

    on_bench(test)


def test_while_the_driver_lives_the_heater_stays_on_for_hours():
    async def test(bench, driver):
        await driver.heat(act(), temperature=40.0)
        await bench.clock.sleep(4 * 3600)
        bench.world.advance()
        assert "watchdog_expired" not in bench.kinds()
        assert bench.temperature("cell") == pytest.approx(40.0, abs=0.3)

    on_bench(test)


def test_when_the_driver_is_gone_the_plate_switches_itself_off():
    async def test(bench, driver):
        await driver.heat(act(), temperature=40.0)
        await driver.stir(act(), speed=300.0)
        await driver.disconnect()
        left = bench.clock.monotonic()
        await bench.clock.sleep(7200)
        assert bench.temperature("cell") < 30.0
        assert bench.kinds()[-3:] == ["watchdog_expired", "heater_off", "motor_off"]
        at = next(entry.at_s for entry in bench.world.acts if entry.kind == "watchdog_expired")
        assert left < at <= left + 300  # at its own time, not when somebody looked

    on_bench(test)


def test_a_silent_line_is_noticed_as_an_expired_watchdog_and_heating_works_again_after_it():
    async def test(bench, driver):
        heating = asyncio.create_task(driver.heat(act(), temperature=90.0))
        await bench.clock.sleep(60)
        bench.taps[0].to_device = lambda data: b"" if b"WD1" in data else data
        with pytest.raises(DeviceError) as caught:
            await heating
        assert caught.value.code == "watchdog_expired"
        await bench.clock.sleep(300)
        bench.world.advance()
        assert "heater_off" in bench.kinds()
        bench.taps[0].to_device = lambda data: data
        await driver.heat(act(), temperature=40.0)
        assert bench.kinds()[-1] == "heater_on"

    on_bench(test)


# -- making safe, and losing the line -----------------------------------------------------------------


def test_make_safe_ends_a_heating_in_progress_and_nothing_starts_again():
    async def test(bench, driver):
        heating = asyncio.create_task(driver.heat(act(), temperature=90.0))
        await driver.stir(act(), speed=300.0)
        await bench.clock.sleep(60)
        await driver.make_safe()
        with pytest.raises(DeviceError) as caught:
            await heating
        assert caught.value.code == "interrupted"
        bench.world.advance()
        assert sorted(bench.kinds()[-2:]) == ["heater_off", "motor_off"]

    on_bench(test)


@pytest.mark.parametrize("turns", range(1, 60, 4))
def test_make_safe_wins_at_whatever_moment_it_comes(turns):
    async def test(bench, driver):
        heating = asyncio.create_task(driver.heat(act(), temperature=90.0))
        for _ in range(turns):
            await asyncio.sleep(0)
        await driver.make_safe()
        with pytest.raises(DeviceError, match="switched off"):
            await heating
        await bench.clock.sleep(10)
        bench.world.advance()
        kinds = bench.kinds()
        assert kinds.count("heater_on") == kinds.count("heater_off")

    on_bench(test)


def test_stop_leaves_everything_off_and_settles_as_done():
    async def test(bench, driver):
        await driver.heat(act(), temperature=25.0)
        await driver.stir(act(), speed=300.0)
        assert (await driver.settle(act("stop").command)).verdict == "not_done"
        assert await driver.stop(act("stop")) == {}
        assert (await driver.settle(act("stop").command)).verdict == "done"

    on_bench(test)


def test_settling_compares_what_is_with_what_was_wanted():
    async def test(bench, driver):
        heat = act("heat", temperature=25.0, tolerance=0.5)
        assert (await driver.settle(heat.command)).verdict == "not_done"
        await driver.heat(heat, temperature=25.0, tolerance=0.5)
        settled = await driver.settle(heat.command)
        assert settled.verdict == "done"
        assert settled.outputs["temperature"] == pytest.approx(25.0, abs=0.5)
        stir = act("stir", speed=200.0)
        assert (await driver.settle(stir.command)).verdict == "not_done"
        await driver.stir(stir, speed=200.0)
        assert (await driver.settle(stir.command)).verdict == "done"

    on_bench(test)


def test_an_unplugged_line_is_reported_as_such():
    async def test(bench, driver):
        heating = asyncio.create_task(driver.heat(act(), temperature=90.0))
        await bench.clock.sleep(30)
        await bench.taps[0].close()
        with pytest.raises(StreamClosedError):
            await heating

    on_bench(test)


def test_a_loose_plug_does_not_cool_the_sample():
    async def test(bench, driver):
        await driver.heat(act(), temperature=40.0)
        await bench.taps[0].close()
        await driver.disconnect()
        await bench.clock.sleep(20)
        await driver.connect()
        await bench.clock.sleep(3600)
        assert bench.temperature("cell") == pytest.approx(40.0, abs=0.3)
        assert "heater_off" not in bench.kinds()

    on_bench(test)


def test_a_plug_that_was_out_for_too_long_leaves_everything_off():
    async def test(bench, driver):
        await driver.heat(act(), temperature=40.0)
        await driver.disconnect()
        await bench.clock.sleep(400)
        await driver.connect()
        bench.world.advance()
        assert bench.kinds()[-1] == "heater_off"
        assert (await driver.stir(act(), speed=200.0))["speed"] > 0

    on_bench(test)


def test_silence_is_a_timeout_after_three_tries():
    async def test(bench, driver):
        bench.taps[0].to_driver = lambda data: b""
        tap = bench.taps[0]
        tap.sent.clear()
        with pytest.raises(TimeoutError, match="IN_PV_1"):
            await driver.read_telemetry()
        assert tap.sent == [b"IN_PV_1 \r\n"] * 3

    on_bench(test)


def test_garbage_is_asked_again_and_then_reported():
    async def test(bench, driver):
        tap, spoiled = bench.taps[0], []

        def spoil_one(data):
            if not spoiled:
                spoiled.append(data)
                return b"\xd5\xff?\x00 \r\n"
            return data

        tap.to_driver = spoil_one
        assert (await driver.read_telemetry())["temperature"] == pytest.approx(22.0, abs=0.2)
        tap.to_driver = lambda data: b"25.3 9 \r\n"
        with pytest.raises(DeviceError) as caught:
            await driver.read_telemetry()
        assert caught.value.code == "bad_reply"

    on_bench(test)


def test_replies_that_arrive_byte_by_byte_are_read():
    async def test(bench, driver):
        tap, waiting = bench.taps[0], bytearray()
        inner_read = tap.inner.read

        async def one_byte():
            if not waiting:
                waiting.extend(await inner_read())
            return bytes([waiting.pop(0)])

        tap.inner.read = one_byte
        assert (await driver.read_telemetry())["temperature"] == pytest.approx(22.0, abs=0.2)

    on_bench(test)


@pytest.mark.parametrize(
    "settings", [{"watchdog_s": 10}, {"watchdog_s": 2000}, {"pause_s": -1}, {"wachdog_s": 60}]
)
def test_wrong_settings_are_refused_by_name(settings):
    async def main():
        with pytest.raises(InputError, match="settings of plate"):
            IkaHotplate(Bench().driver_context("plate", settings))

    run_virtual(main())
