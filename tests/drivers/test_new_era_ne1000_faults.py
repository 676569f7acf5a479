"""What the pump's driver makes of stalls, power cuts, people, noise and pulled cables."""

from __future__ import annotations

import asyncio

import pytest

from lab.devices.driver import DeviceError
from lab.devices.stream import StreamClosedError
from tests.bench.pump_stand import command, dispense, on_stand, refusal


def test_a_stall_is_a_partial_dose_and_says_how_much():
    async def test(stand, driver):
        error, begun = await refusal(driver, volume=4.0)
        assert (error.code, error.effect, begun) == ("stalled", "partial", True)
        assert "1.5 of 4 mL" in str(error)
        assert stand.pot_ml == pytest.approx(1.5)
        assert stand.pump.drive.state == "stopped"
        settlement = await driver.settle(command(volume=4.0))
        assert (settlement.verdict, settlement.outputs) == ("partial", {"volume": 1.5})

    on_stand(test, stall_after_ml=1.5)


def test_an_alarm_that_telemetry_has_seen_first_is_still_a_stall():
    async def test(stand, driver):
        dose = asyncio.create_task(refusal(driver, volume=4.0, rate=2.0))
        while not stand.pump.drive.alarm:
            await asyncio.sleep(0.01)
            stand.world.advance()
        await driver.read_telemetry()
        assert stand.pump.drive.alarm == ""
        error, _ = await dose
        assert (error.code, error.effect) == ("stalled", "partial")

    # a stall between two polls of the driver, which come each 4 s at this rate
    on_stand(test, stall_after_ml=1.5)


def test_power_lost_before_the_start_only_costs_a_new_start():
    async def test(stand, driver):
        stand.pump.power_cycle()
        assert await dispense(driver, volume=2.0) == {"volume": 2.0}
        assert stand.doses == [pytest.approx(2.0)]

    on_stand(test)


def test_power_lost_while_programming_writes_the_program_again():
    async def test(stand, driver):
        writes = iter(range(1000))

        def cut_power(data):
            if next(writes) == 8:
                stand.pump.power_cycle()
            return data

        stand.taps[0].to_device = cut_power
        assert await dispense(driver, volume=2.0) == {"volume": 2.0}
        assert stand.taps[0].sent.count(b"0CLDINF\r") == 2

    on_stand(test)


def test_a_pump_without_steady_power_does_nothing():
    async def test(stand, driver):
        def cut_power(data):
            if data == b"0CLDINF\r":
                stand.pump.power_cycle()
            return data

        stand.taps[0].to_device = cut_power
        error, begun = await refusal(driver, volume=2.0)
        assert (error.code, error.effect, begun) == ("power_lost", "none", False)
        assert stand.pot_ml == 0.0

    on_stand(test)


def test_power_lost_just_before_the_run_leaves_the_pump_at_rest():
    async def test(stand, driver):
        def cut_power(data):
            if data == b"0RUN1\r":
                stand.pump.power_cycle()
            return data

        stand.taps[0].to_device = cut_power
        error, begun = await refusal(driver, volume=2.0)
        assert (error.code, error.effect, begun) == ("refused", "none", True)
        await asyncio.sleep(60.0)
        assert stand.pot_ml == 0.0

    on_stand(test)


@pytest.mark.parametrize("at_s", [3.0, 15.0, 23.6])
def test_power_lost_during_a_dose_is_never_guessed_away(at_s):
    async def test(stand, driver):
        dose = asyncio.create_task(refusal(driver, volume=4.0, rate=20.0))
        await asyncio.sleep(at_s)
        stand.pump.power_cycle()
        error, begun = await dose
        assert (error.code, error.effect, begun) == ("power_lost", "unknown", True)
        for _ in range(2):  # and the pump remembers, also for those who come later
            again = await stand.driver()
            settlement = await again.settle(command(volume=4.0, rate=20.0))
            assert (settlement.verdict, settlement.outputs) == ("unknown", {})
            assert "power" in settlement.detail
            await again.disconnect()

    on_stand(test)


def test_somebody_who_stops_the_pump_by_hand_makes_it_a_partial_dose():
    async def test(stand, driver):
        dose = asyncio.create_task(refusal(driver, volume=4.0, rate=20.0))
        await asyncio.sleep(15.0)
        stand.inject(b"0STP\r0STP\r")
        error, _ = await dose
        assert (error.code, error.effect) == ("stopped", "partial")
        assert "of 4 mL delivered" in str(error)

    on_stand(test)


def test_somebody_who_pauses_the_pump_is_waited_for():
    async def test(stand, driver):
        dose = asyncio.create_task(dispense(driver, volume=4.0, rate=20.0))
        await asyncio.sleep(15.0)
        stand.inject(b"0STP\r")
        await asyncio.sleep(20.0)
        stand.inject(b"0RUN\r")
        assert await dose == {"volume": 4.0}
        assert stand.doses == [pytest.approx(4.0)]

    on_stand(test)


def test_a_pump_that_stays_paused_is_stopped_in_the_end():
    async def test(stand, driver):
        dose = asyncio.create_task(refusal(driver, volume=4.0, rate=20.0))
        await asyncio.sleep(15.0)
        stand.inject(b"0STP\r")
        error, _ = await dose
        assert (error.code, error.effect) == ("stopped", "partial")
        assert stand.pump.drive.state == "stopped"

    on_stand(test)


def test_making_safe_during_a_dose_stops_the_plunger_at_once():
    async def test(stand, driver):
        dose = asyncio.create_task(refusal(driver, volume=4.0, rate=20.0))
        await asyncio.sleep(15.2)
        await driver.make_safe()
        assert stand.pump.drive.state == "stopped"
        delivered = stand.pot_ml
        assert 1.0 < delivered < 1.2
        error, _ = await dose
        assert error.effect == "partial"
        await asyncio.sleep(60.0)
        assert stand.pot_ml == delivered
        await driver.make_safe()

    on_stand(test)


def test_a_stop_that_is_not_obeyed_is_an_alarm_for_people():
    async def test(stand, driver):
        stand.inject(b"0DIRWDR\r0RAT1.000MM\r0VOL5.000\r0RUN1\r")
        stand.taps[0].to_device = lambda data: data.replace(b"STP", b"VER")
        with pytest.raises(DeviceError, match="switch it off") as caught:
            await driver.make_safe()
        assert caught.value.code == "not_stopped"

    on_stand(test)


def test_noise_on_the_line_costs_time_but_no_dose():
    async def test(stand, driver):
        count = iter(range(10_000))

        def hurt(data):
            n = next(count)
            if n % 7 == 3:
                return b""  # lost
            if n % 7 == 5:
                return b"\xff\x02\x00" + data[:2]  # cut off
            return b"\x00?" + data if n % 2 else data

        stand.taps[0].to_driver = hurt
        for _ in range(3):
            assert await dispense(driver, volume=2.0, rate=20.0) == {"volume": 2.0}
        assert stand.doses == [pytest.approx(2.0)] * 3

    on_stand(test)


def test_commands_that_get_lost_are_sent_again_but_run_is_not():
    async def test(stand, driver):
        count = iter(range(10_000))
        stand.taps[0].to_device = lambda data: (
            b"" if next(count) % 5 == 2 and b"RUN" not in data else data
        )
        assert await dispense(driver, volume=2.0) == {"volume": 2.0}
        assert stand.taps[0].sent.count(b"0RUN1\r") == 1

    on_stand(test)


def test_a_lost_answer_to_run_does_not_lose_the_dose():
    async def test(stand, driver):
        stand.taps[0].to_driver = lambda data: b"" if stand.taps[0].sent[-1] == b"0RUN1\r" else data
        assert await dispense(driver, volume=4.0) == {"volume": 4.0}
        assert stand.doses == [pytest.approx(4.0)]

    on_stand(test)


def test_a_lost_run_is_told_as_no_answer_and_settles_as_not_done():
    async def test(stand, driver):
        stand.taps[0].to_device = lambda data: b"" if b"RUN" in data else data
        with pytest.raises(TimeoutError):
            await dispense(driver, volume=4.0)
        assert (await driver.settle(command(volume=4.0))).verdict == "not_done"

    on_stand(test)


def test_a_pump_that_refuses_to_run_has_done_nothing():
    async def test(stand, driver):
        stand.taps[0].to_device = lambda data: data.replace(b"RUN1", b"RUN99")
        error, begun = await refusal(driver, volume=4.0)
        assert (error.code, error.effect, begun) == ("refused", "none", True)

    on_stand(test)


def test_totals_that_do_not_clear_stop_the_dose_before_it_begins():
    async def test(stand, driver):
        await dispense(driver, volume=1.0)
        stand.taps[0].to_device = lambda data: data.replace(b"CLDWDR", b"CLDINF")
        error, begun = await refusal(driver, volume=1.0)
        assert (error.code, error.effect, begun) == ("not_cleared", "none", False)

    on_stand(test)


def test_answers_that_make_no_sense_are_no_dose_before_and_an_unknown_one_after_the_start():
    async def test(stand, driver):
        stand.taps[0].to_driver = lambda data: data.replace(b"ML", b"XL")
        error, begun = await refusal(driver, volume=1.0)
        assert (error.code, error.effect, begun) == ("bad_reply", "none", False)
        stand.taps[0].to_driver = lambda data: (
            data.replace(b"ML", b"XL") if b"0RUN1\r" in stand.taps[0].sent else data
        )
        error, begun = await refusal(driver, volume=1.0)
        assert (error.code, error.effect, begun) == ("bad_reply", "unknown", True)

    on_stand(test)


def test_a_cable_pulled_in_the_middle_is_told_and_settled_over_a_new_one():
    async def test(stand, driver):
        dose = asyncio.create_task(dispense(driver, volume=4.0, rate=20.0))
        await asyncio.sleep(15.0)
        await stand.taps[0].close()
        with pytest.raises(StreamClosedError):
            await dose
        await driver.disconnect()
        again = await stand.driver()
        settlement = await again.settle(command(volume=4.0, rate=20.0))
        assert (settlement.verdict, settlement.outputs) == ("done", {"volume": 4.0})
        assert stand.doses == [pytest.approx(4.0)]
        await again.disconnect()

    on_stand(test)
