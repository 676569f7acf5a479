"""The driver against the simulator over ASGI in one virtual loop: doses, refusals, faults, settlement."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from lab.devices.driver import DeviceError
from lab.domain.errors import InputError
from lab.engine.virtual_loop import run_virtual
from tests.drivers.opentrons_kit import bench, command, flex, ot2

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

RECIPE = {"water": 110.0, "red": 12.5, "yellow": 40.0, "blue": 37.5}


def virtual(work: Callable[[], Awaitable[Any]]) -> Any:
    async def main() -> Any:
        return await work()

    return run_virtual(main())


@pytest.mark.parametrize("robot", ["OT-2", "Flex"])
def test_a_dose_moves_what_was_asked(robot: str) -> None:
    async def work() -> None:
        stand = bench(**(flex() if robot == "Flex" else {}))
        driver = await stand.connected()
        start = stand.clock.monotonic()
        assert await stand.dose(driver, command(1, **RECIPE)) == {"volume": 200.0}
        well = stand.world.vessel("plate:A1")
        assert well.volume_ml == pytest.approx(0.2, rel=0.04)
        assert well.amounts_mol["blue_dye"] == pytest.approx(37.5e-9, rel=0.08)
        assert 12.0 - stand.world.vessel("red").volume_ml == pytest.approx(0.0125, rel=0.08)
        assert {into for into, _ in stand.doses()} == {"plate:A1"}
        assert 20.0 < stand.clock.monotonic() - start < 300.0
        assert stand.begun == [command(1).id]
        assert {"status": "running"} in stand.progress
        run = (await driver._connected().runs())[0]
        assert (run.status, run.current) == ("succeeded", False)
        await driver.disconnect()
        await driver.disconnect()

    virtual(work)


def test_identity_comes_from_the_robot() -> None:
    async def work() -> None:
        stand = bench()
        identity = await stand.driver().connect()
        assert identity.model == "OT-2 Standard"
        assert identity.firmware == "8.1.0"
        assert identity.simulated

    virtual(work)


def test_same_seed_same_doses() -> None:
    async def work() -> list[tuple[str, float]]:
        stand = bench()
        driver = await stand.connected()
        for number in range(1, 4):
            await stand.dose(driver, command(number, red=20.0, water=50.0))
        return stand.doses()

    first = virtual(work)
    assert first == virtual(work)
    volumes = [volume for _, volume in first]
    assert len(set(volumes)) == len(volumes), "each dose has an error of its own"


def test_pipetting_error_can_be_switched_off() -> None:
    async def work() -> None:
        stand = bench(simulate={"pipetting_cv": 0.0})
        await stand.dose(await stand.connected(), command(1, **RECIPE))
        assert stand.world.vessel("plate:A1").volume_ml == pytest.approx(0.2, abs=1e-12)

    virtual(work)


def test_begin_comes_after_the_run_exists_and_before_it_is_played() -> None:
    async def work() -> None:
        stand = bench()
        driver = await stand.connected()
        order = command(1, red=20.0)
        seen: list[str] = []
        act = stand.act(order, at_begin=lambda: seen.extend(stand.line.seen))
        await driver.dose_well(act, well="A1", volumes={"red": 20.0})
        assert "POST /runs" in seen
        assert not any(item.endswith("/actions") for item in seen)

    virtual(work)


@pytest.mark.parametrize(
    ("volumes", "well", "code"),
    [
        ({"green": 20.0}, "A1", "unknown_stock"),
        ({"red": 20.0}, "Z9", "unknown_well"),
        ({"red": -1.0}, "A1", "bad_volume"),
        ({"red": float("nan")}, "A1", "bad_volume"),
        ({"red": 0.5}, "A1", "bad_volume"),
        ({"water": 400.0}, "A1", "overfill"),
        ({"water": 350.0}, "A1", "contact"),
    ],
)
def test_refused_before_anything_is_sent(volumes: dict[str, float], well: str, code: str) -> None:
    async def work() -> None:
        stand = bench()
        driver = await stand.connected()
        before = list(stand.line.seen)
        with pytest.raises(DeviceError) as refused:
            await driver.dose_well(stand.act(command(1)), well=well, volumes=volumes)
        assert (refused.value.code, refused.value.effect) == (code, "none")
        assert stand.line.seen == before
        assert not stand.begun

    virtual(work)


def test_nothing_to_dose_is_done_without_the_robot() -> None:
    async def work() -> None:
        stand = bench()
        driver = await stand.connected()
        assert await stand.dose(driver, command(1, red=0.0, blue=0)) == {"volume": 0.0}
        assert not any(item.startswith("POST") for item in stand.line.seen)

    virtual(work)


def test_levels_count_from_dose_to_dose_and_over_a_restart() -> None:
    async def work() -> None:
        stand = bench(dead_volume_ul=11900.0)
        driver = await stand.connected()
        await stand.dose(driver, command(1, red=60.0))
        assert await driver.read_telemetry() == {"lowest_stock": 11940.0}
        reborn = await stand.connected()
        with pytest.raises(DeviceError) as refused:
            await stand.dose(reborn, command(2, red=60.0))
        assert refused.value.code == "overdraw"
        assert "40 uL can be drawn" in str(refused.value)
        # a new filling has its own count
        await stand.dose(await stand.connected(load="2"), command(3, red=60.0))

    virtual(work)


def test_a_well_that_is_dosed_twice_counts_both() -> None:
    async def work() -> None:
        stand = bench()
        driver = await stand.connected()
        await stand.dose(driver, command(1, water=200.0))
        with pytest.raises(DeviceError) as refused:
            await stand.dose(await stand.connected(), command(2, water=200.0))
        assert refused.value.code == "overfill"

    virtual(work)


@pytest.mark.parametrize(
    "mounted",
    [
        {"left": "p20_single_gen2"},
        {"left": "p300_single_gen2", "right": "p20_single_gen2"},
    ],
)
def test_connect_refuses_other_pipettes(mounted: dict[str, str]) -> None:
    async def work() -> None:
        stand = bench(simulate={"mounted": mounted})
        with pytest.raises(DeviceError) as refused:
            await stand.connected()
        assert refused.value.code == "wrong_pipette"

    virtual(work)


def test_connect_refuses_another_robot() -> None:
    async def work() -> None:
        stand = bench(**flex())
        stand.settings = ot2()
        with pytest.raises(DeviceError) as refused:
            await stand.connected()
        assert refused.value.code == "wrong_robot"

    virtual(work)


def test_connect_without_a_robot_is_a_connection_error() -> None:
    async def work() -> None:
        stand = bench()
        stand.line.cut()
        with pytest.raises(ConnectionError):
            await stand.connected()

    virtual(work)


def test_another_run_on_the_robot_is_respected() -> None:
    async def work() -> None:
        stand = bench()
        driver = await stand.connected()
        other = asyncio.create_task(stand.dose(driver, command(1, **RECIPE)))
        await stand.clock.sleep(20.0)
        second = await stand.connected()
        with pytest.raises(DeviceError) as refused:
            await stand.dose(second, command(2, red=20.0))
        assert (refused.value.code, refused.value.effect) == ("robot_busy", "none")
        assert command(2).id not in stand.begun
        assert await other == {"volume": 200.0}

    virtual(work)


def test_an_idle_run_left_by_somebody_is_no_obstacle() -> None:
    async def work() -> None:
        stand = bench()
        driver = await stand.connected()
        stand.simulator.store.create(None)
        assert await stand.dose(driver, command(1, red=20.0)) == {"volume": 20.0}

    virtual(work)


@pytest.mark.parametrize(
    ("fault", "effect", "moved"),
    [
        ({"run": 1, "command": "pickUpTip"}, "none", 0),
        ({"run": 1, "command": "home"}, "none", 0),
        ({"run": 1, "command": "aspirate"}, "partial", 0),
        ({"run": 1, "command": "dispense", "occurrence": 2}, "partial", 1),
    ],
)
def test_a_command_that_fails_names_its_step_and_effect(
    fault: dict[str, Any], effect: str, moved: int
) -> None:
    async def work() -> None:
        stand = bench(simulate={"fail": fault})
        driver = await stand.connected()
        with pytest.raises(DeviceError) as failed:
            await stand.dose(driver, command(1, **RECIPE))
        assert (failed.value.code, failed.value.effect) == ("run_failed", effect)
        assert f"simulated fault in {fault['command']}" in str(failed.value)
        if fault["command"] != "home":
            assert "dose.1/" in str(failed.value)
        assert len(stand.doses()) == moved
        lowest = (await driver.read_telemetry())["lowest_stock"]
        assert (lowest == 12000.0) == (effect == "none")
        # the robot is free for the next one
        assert await stand.dose(driver, command(2, red=20.0)) == {"volume": 20.0}

    virtual(work)


def test_make_safe_stops_the_run_and_the_dose_is_partial() -> None:
    async def work() -> None:
        stand = bench()
        driver = await stand.connected()
        dose = asyncio.create_task(stand.dose(driver, command(1, **RECIPE)))
        await stand.clock.sleep(40.0)
        await driver.make_safe()
        with pytest.raises(DeviceError) as failed:
            await dose
        assert (failed.value.code, failed.value.effect) == ("run_stopped", "partial")
        count = len(stand.world.acts)
        await stand.clock.sleep(300.0)
        assert len(stand.world.acts) == count, "nothing moves any more"
        await driver.make_safe()

    virtual(work)


def test_make_safe_makes_a_waiting_run_unplayable() -> None:
    async def work() -> None:
        stand = bench()
        driver = await stand.connected()
        run = stand.simulator.store.create(None)
        await driver.make_safe()
        assert run.status == "stopped"
        assert stand.simulator.store.current_id is None

    virtual(work)


def test_make_safe_without_an_answer_is_an_error() -> None:
    async def work() -> None:
        stand = bench()
        driver = await stand.connected()
        stand.line.cut()
        with pytest.raises(ConnectionError):
            await driver.make_safe()

    virtual(work)


def test_the_robots_own_analysis_is_heeded() -> None:
    async def work() -> None:
        stand = bench()
        driver = await stand.connected()
        analysed = stand.simulator._analyse

        def not_ok(content: bytes, document: dict[str, Any]) -> dict[str, Any]:
            return analysed(content, document) | {
                "result": "not-ok",
                "errors": [{"errorType": "DeckConflictError", "errorCode": "4000", "detail": "no"}],
            }

        stand.simulator._analyse = not_ok  # type: ignore[method-assign]
        with pytest.raises(DeviceError) as refused:
            await stand.dose(driver, command(1, red=20.0))
        assert refused.value.code == "analysis"
        assert "DeckConflictError" in str(refused.value)
        assert not stand.simulator.store.runs

        def short(content: bytes, document: dict[str, Any]) -> dict[str, Any]:
            whole = analysed(content, document)
            return whole | {"commands": whole["commands"][:-1]}

        stand.simulator._analyse = short  # type: ignore[method-assign]
        with pytest.raises(DeviceError, match=r"analysed .* of .* commands"):
            await stand.dose(driver, command(2, red=20.0))

    virtual(work)


def test_settings_are_checked_when_the_driver_is_made() -> None:
    async def work() -> None:
        stand = bench()
        with pytest.raises(InputError, match=r"robot: settings\.robot: .*'OT-2' or 'Flex'"):
            stand.driver(robot="OT-9")
        with pytest.raises(InputError, match=r"simulate\.pipeting_cv: no such setting"):
            bench(simulate={"pipeting_cv": 0.1})

    virtual(work)
