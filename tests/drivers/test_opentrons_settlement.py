"""Crashes and cuts at every moment of a dose: settled by the robot's own records, never dosed twice."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from drivers.opentrons_robot.client import LinkError
from lab.devices.driver import DeviceError
from lab.engine.virtual_loop import run_virtual
from tests.drivers.opentrons_kit import bench, command

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

pytestmark = pytest.mark.faults

RECIPE = {"water": 110.0, "red": 12.5, "yellow": 40.0, "blue": 37.5}


def virtual(work: Callable[[], Awaitable[Any]]) -> Any:
    async def main() -> Any:
        return await work()

    return run_virtual(main())


def _is_play(request: Any) -> bool:
    return request.url.path.endswith("/actions")


@pytest.mark.parametrize(
    ("path", "lost", "begun"),
    [
        ("/protocols", "request", False),
        ("/protocols", "answer", False),
        ("/runs", "request", False),
        ("/runs", "answer", False),
    ],
)
def test_cut_before_begin_has_no_effect(path: str, lost: str, begun: bool) -> None:
    async def work() -> None:
        stand = bench()
        driver = await stand.connected()
        stand.line.lose = lambda request: lost if request.method == "POST" else ""
        if path == "/runs":
            stand.line.lose = lambda request: (
                lost if request.method == "POST" and request.url.path == "/runs" else ""
            )
        order = command(1, red=20.0)
        with pytest.raises(LinkError):
            await stand.dose(driver, order)
        assert bool(stand.begun) is begun
        stand.line.mend()
        assert (await driver.settle(order)).verdict == "not_done"
        await stand.clock.sleep(300.0)
        assert stand.doses() == []
        # the same order can now be given again, under a new id
        assert await stand.dose(driver, command(2, red=20.0)) == {"volume": 20.0}
        assert len(stand.doses()) == 1

    virtual(work)


def test_play_lost_on_the_way_is_made_impossible() -> None:
    async def work() -> None:
        stand = bench()
        driver = await stand.connected()
        stand.line.lose = lambda request: "request" if _is_play(request) else ""
        with pytest.raises(DeviceError) as failed:
            await stand.dose(driver, command(1, red=20.0))
        assert (failed.value.code, failed.value.effect) == ("not_played", "none")
        run = next(iter(stand.simulator.store.runs.values()))
        assert run.status == "stopped"
        assert stand.simulator.store.current_id is None
        stand.line.mend()
        await stand.clock.sleep(300.0)
        assert stand.doses() == []
        assert (await driver.settle(command(1, red=20.0))).verdict == "not_done"

    virtual(work)


def test_play_whose_answer_is_lost_is_followed_to_its_end() -> None:
    async def work() -> None:
        stand = bench()
        driver = await stand.connected()
        stand.line.lose = lambda request: "answer" if _is_play(request) else ""
        assert await stand.dose(driver, command(1, red=20.0)) == {"volume": 20.0}
        assert len(stand.doses()) == 1

    virtual(work)


def test_a_short_cut_during_the_run_is_ridden_out() -> None:
    async def work() -> None:
        stand = bench()
        driver = await stand.connected()
        dose = asyncio.create_task(stand.dose(driver, command(1, **RECIPE)))
        await stand.clock.sleep(20.0)
        stand.line.cut()
        await stand.clock.sleep(2.0)
        stand.line.mend()
        assert await dose == {"volume": 200.0}

    virtual(work)


def test_connection_lost_after_play_is_settled_by_the_robot() -> None:
    async def work() -> None:
        stand = bench()
        driver = await stand.connected()
        order = command(1, **RECIPE)
        dose = asyncio.create_task(stand.dose(driver, order))
        await stand.clock.sleep(20.0)
        stand.line.cut()
        with pytest.raises(ConnectionError):
            await dose
        assert stand.begun == [order.id]
        with pytest.raises(ConnectionError):
            await driver.settle(order)
        stand.line.mend()
        settlement = await (await stand.connected()).settle(order)
        assert settlement.verdict == "done"
        assert settlement.outputs == {"volume": 200.0}
        assert len(stand.doses()) == 4, "each stock once"

    virtual(work)


@pytest.mark.parametrize("killed_after", [0.1, 0.35, 2.0, 10.0, 40.0, 70.0, 120.0, 400.0])
def test_killed_at_any_moment_it_is_settled_without_a_second_dose(killed_after: float) -> None:
    """The process dies (its task is cancelled); another one asks the robot, and doses only what was not done."""

    async def work() -> None:
        stand = bench()
        order = command(1, **RECIPE)
        dose = asyncio.create_task(stand.dose(await stand.connected(), order))
        await stand.clock.sleep(killed_after)
        dose.cancel()
        await asyncio.gather(dose, return_exceptions=True)
        driver = await stand.connected()
        settlement = await driver.settle(order)
        again = await driver.settle(order)
        assert again.verdict == settlement.verdict, "asking twice gives the same answer"
        if order.id not in stand.begun:
            assert settlement.verdict == "not_done"
        if settlement.verdict == "not_done":
            assert await stand.dose(driver, command(2, **RECIPE)) == {"volume": 200.0}
        else:
            assert settlement.verdict == "done"
        await stand.clock.sleep(500.0)
        assert stand.world.vessel("plate:A1").volume_ml == pytest.approx(0.2, rel=0.05)
        assert (await driver.read_telemetry())["lowest_stock"] == pytest.approx(11890.0)

    virtual(work)


def test_killed_between_begin_and_play_is_not_done() -> None:
    async def work() -> None:
        stand = bench()
        driver = await stand.connected()
        order = command(1, red=20.0)

        def die() -> None:
            raise asyncio.CancelledError

        with pytest.raises(asyncio.CancelledError):
            await driver.dose_well(stand.act(order, die), well="A1", volumes={"red": 20.0})
        assert stand.begun == [order.id]
        run = next(iter(stand.simulator.store.runs.values()))
        assert run.status == "idle"
        reborn = await stand.connected()
        assert (await reborn.settle(order)).verdict == "not_done"
        assert run.status == "stopped", "fenced off: nobody can play it now"
        assert await reborn.read_telemetry() == {"lowest_stock": 12000.0}

    virtual(work)


@pytest.mark.parametrize(("fault", "verdict"), [("pickUpTip", "not_done"), ("dispense", "partial")])
def test_settling_a_run_that_failed(fault: str, verdict: str) -> None:
    async def work() -> None:
        stand = bench(simulate={"fail": {"run": 1, "command": fault}})
        driver = await stand.connected()
        order = command(1, **RECIPE)
        dose = asyncio.create_task(stand.dose(driver, order))
        await stand.clock.sleep(9.0)
        dose.cancel()
        await asyncio.gather(dose, return_exceptions=True)
        settlement = await (await stand.connected()).settle(order)
        assert settlement.verdict == verdict
        assert "failed" in settlement.detail

    virtual(work)


def test_settling_a_paused_run_asks_for_a_person() -> None:
    async def work() -> None:
        stand = bench()
        driver = await stand.connected()
        order = command(1, **RECIPE)
        dose = asyncio.create_task(stand.dose(driver, order))
        await stand.clock.sleep(20.0)
        dose.cancel()
        await asyncio.gather(dose, return_exceptions=True)
        store = stand.simulator.store
        run = next(iter(store.runs.values()))
        store.act(run, "pause")
        settlement = await driver.settle(order)
        assert settlement.verdict == "unknown"
        assert "paused" in settlement.detail
        store.act(run, "play")
        assert (await driver.settle(order)).verdict == "done"

    virtual(work)


def test_a_command_that_the_robot_may_have_forgotten_stays_unknown() -> None:
    async def work() -> None:
        stand = bench()
        driver = await stand.connected()
        stranger = command(99, red=20.0)
        assert (await driver.settle(stranger)).verdict == "not_done"
        for number in range(1, 22):
            order = command(number, red=2.0).model_copy(
                update={"args": {"well": f"A{(number - 1) % 12 + 1}", "volumes": {"red": 2.0}}}
            )
            await stand.dose(driver, order)
        assert len(stand.simulator.store.runs) == 20
        assert (await driver.settle(stranger)).verdict == "unknown"

    virtual(work)
