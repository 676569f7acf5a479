"""A dose and a host that dies at any moment: the world gets it exactly once, or a person is asked."""

from __future__ import annotations

import asyncio

import pytest

from tests.bench.pump_stand import Stand, command, dispense, on_stand
from tests.bench.virtual import run_virtual


async def crashed_dose(stand, *, after_writes, heard, away_s, volume=4.0):
    """A host that dies at a write, comes back after `away_s`, and does what the protocol says.

    Returns whether it died at all, and the verdict.
    """
    driver = await stand.driver()
    tap, begun = stand.taps[-1], []
    dose = asyncio.create_task(dispense(driver, begun, volume=volume, rate=20.0))
    writes = iter(range(10_000))

    def die(data):
        if next(writes) != after_writes:
            return data
        dose.cancel()
        return data if heard else b""

    tap.to_device = die
    await asyncio.gather(dose, return_exceptions=True)
    died = dose.cancelled()
    await driver.disconnect()
    await asyncio.sleep(away_s)
    again = await stand.driver()
    verdict = "not_done"
    if begun:
        verdict = (await again.settle(command(volume=volume, rate=20.0))).verdict
    if verdict == "not_done":
        assert await dispense(again, volume=volume, rate=20.0) == {"volume": volume}
    await again.disconnect()
    return died, verdict


@pytest.mark.parametrize("heard", [True, False])
@pytest.mark.parametrize("away_s", [0.0, 5.0, 15.0, 600.0])
def test_a_crash_at_any_moment_doses_exactly_once(heard, away_s):
    async def main():
        verdicts = []
        for after_writes in range(200):
            stand = Stand()
            died, verdict = await crashed_dose(
                stand, after_writes=after_writes, heard=heard, away_s=away_s
            )
            await stand.end()
            assert stand.doses == [pytest.approx(4.0)], after_writes
            assert stand.pot_ml == pytest.approx(4.0)
            if not died:
                break
            verdicts.append(verdict)
        else:
            pytest.fail("the dose never ended")
        # both kinds of crash were met: before the pump ran, and after
        assert verdicts[0] == "not_done"
        assert verdicts[-1] == "done"
        assert set(verdicts) == {"done", "not_done"}

    run_virtual(main())


def test_a_crash_of_the_settling_itself_changes_nothing():
    async def main():
        for after_writes in range(40):
            stand = Stand()
            await crashed_dose(stand, after_writes=10_000, heard=True, away_s=0.0)
            for _ in range(2):
                driver = await stand.driver()
                task = asyncio.create_task(driver.settle(command(volume=4.0, rate=20.0)))
                writes = iter(range(10_000))

                def die(data, task=task, writes=writes, after=after_writes):
                    if next(writes) == after:
                        task.cancel()
                    return data

                stand.taps[-1].to_device = die
                await asyncio.gather(task, return_exceptions=True)
                await driver.disconnect()
            driver = await stand.driver()
            settlement = await driver.settle(command(volume=4.0, rate=20.0))
            assert (settlement.verdict, settlement.outputs) == ("done", {"volume": 4.0})
            await driver.disconnect()
            await stand.end()
            assert stand.doses == [pytest.approx(4.0)]

    run_virtual(main())


def test_a_run_that_comes_late_does_not_start_a_dose_that_was_declared_not_done():
    async def test(stand, driver):
        stand.taps[0].to_device = lambda data: b"" if b"RUN" in data else data
        with pytest.raises(TimeoutError):
            await dispense(driver, volume=4.0)
        for _ in range(2):  # also when it is asked twice
            assert (await driver.settle(command(volume=4.0))).verdict == "not_done"
        stand.inject(b"0RUN1\r")
        await asyncio.sleep(60.0)
        assert stand.pot_ml == 0.0
        stand.taps[0].to_device = lambda data: data
        assert await dispense(driver, volume=4.0) == {"volume": 4.0}
        assert stand.doses == [pytest.approx(4.0)]

    on_stand(test)


def test_a_run_that_comes_late_while_settling_is_noticed():
    async def test(stand, driver):
        stand.taps[0].to_device = lambda data: b"" if b"RUN" in data else data
        with pytest.raises(TimeoutError):
            await dispense(driver, volume=4.0)

        def late(data):
            if data == b"0FUNSTP\r":
                stand.taps[0].to_device = lambda data: data
                stand.inject(b"0PHN1\r0RUN1\r")
            return data

        stand.taps[0].to_device = late
        settlement = await driver.settle(command(volume=4.0))
        assert (settlement.verdict, settlement.outputs) == ("done", {"volume": 4.0})
        assert stand.doses == [pytest.approx(4.0)]

    on_stand(test)


def test_a_pump_that_can_not_be_kept_from_starting_is_not_declared_as_not_done():
    async def test(stand, driver):
        stand.taps[0].to_device = lambda data: b"" if b"RUN" in data else data
        with pytest.raises(TimeoutError):
            await dispense(driver, volume=4.0)
        stand.taps[0].to_device = lambda data: data.replace(b"FUNSTP", b"FUNXXX")
        assert (await driver.settle(command(volume=4.0))).verdict == "unknown"

    on_stand(test)


def test_a_dose_stopped_on_the_way_settles_as_partial_with_what_was_delivered():
    async def test(stand, driver):
        dose = asyncio.create_task(dispense(driver, volume=4.0, rate=20.0))
        await asyncio.sleep(15.0)
        dose.cancel()
        await asyncio.gather(dose, return_exceptions=True)
        stand.inject(b"0STP\r")  # paused by hand: nobody is there to go on
        settlement = await driver.settle(command(volume=4.0, rate=20.0))
        assert settlement.verdict == "partial"
        delivered = settlement.outputs["volume"]
        assert delivered == pytest.approx(stand.pot_ml, abs=2e-3)
        assert f"{delivered:g} of 4 mL" in settlement.detail
        assert stand.pump.drive.state == "stopped"

    on_stand(test)


def test_a_dose_stopped_while_drawing_is_partial_too_because_the_syringe_is_not_empty():
    async def test(stand, driver):
        dose = asyncio.create_task(dispense(driver, volume=4.0, rate=20.0))
        await asyncio.sleep(6.0)
        dose.cancel()
        await asyncio.gather(dose, return_exceptions=True)
        stand.inject(b"0STP\r0STP\r")
        settlement = await driver.settle(command(volume=4.0, rate=20.0))
        assert (settlement.verdict, settlement.outputs) == ("partial", {"volume": 0.0})

    on_stand(test)


def test_the_totals_of_another_program_say_nothing():
    async def test(stand, driver):
        await dispense(driver, volume=3.0)
        settlement = await driver.settle(command(volume=4.0))
        assert settlement.verdict == "unknown"
        assert "another program" in settlement.detail

    on_stand(test)


@pytest.mark.parametrize(
    ("args", "verdict"),
    [
        ({"volume": 0.0}, "done"),
        ({}, "unknown"),
        ({"volume": "much"}, "unknown"),
        ({"volume": 99.0}, "unknown"),
    ],
)
def test_commands_that_can_not_be_of_this_pump_are_settled_without_it(args, verdict):
    async def test(stand, driver):
        before = len(stand.taps[0].sent)
        assert (await driver.settle(command(**args))).verdict == verdict
        assert len(stand.taps[0].sent) == before

    on_stand(test)


def test_telemetry_is_empty_while_an_alarm_is_reported():
    async def test(stand, driver):
        stand.pump.power_cycle()
        assert await driver.read_telemetry() == {}
        assert await driver.read_telemetry() == {"infused_volume": 0.0, "withdrawn_volume": 0.0}

    on_stand(test)
