"""The same simulator behind a real HTTP server on loopback, driven by the driver on a fast real clock."""

from __future__ import annotations

import asyncio
import socket
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import uvicorn

from drivers.opentrons_robot.driver import OpentronsRobot
from lab.devices.driver import Act, DriverContext
from lab.engine.clock import ScaledClock
from simulators.contract import SimulatorContext
from simulators.opentrons_robot import OpentronsSimulator
from simulators.world import World
from tests.drivers.opentrons_kit import STOCKS, command, ot2

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from lab.domain.command import Command

SPEED = 200.0
RECIPE = {"water": 110.0, "red": 40.0, "blue": 50.0}


class RealConnector:
    """Real sockets."""

    async def stream(self, url: str) -> Any:
        raise NotImplementedError(url)

    def http(self, url: str) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=url)

    async def messages(self, url: str) -> Any:
        raise NotImplementedError(url)


@asynccontextmanager
async def served(app: Any, port: int = 0) -> AsyncIterator[int]:
    """Yields the port; the server is gone afterwards."""
    listening = socket.create_server(("127.0.0.1", port))
    config = uvicorn.Config(app, log_level="error", lifespan="off", ws="none")
    server = uvicorn.Server(config)
    task = asyncio.create_task(server._serve([listening]))
    try:
        while not server.started:
            await asyncio.sleep(0.01)
        yield int(listening.getsockname()[1])
    finally:
        server.should_exit = True
        server.force_exit = True
        await task
        listening.close()


class Rig:
    def __init__(self) -> None:
        self.clock = ScaledClock(SPEED)
        self.world = World(5, self.clock)
        for name in STOCKS:
            self.world.fill(name, 12.0, 1.0, {}, capacity_ml=15.0)
        self.simulator = OpentronsSimulator(
            SimulatorContext(
                "robot",
                self.world,
                self.clock,
                self.world.random_for("robot"),
                {**ot2(), "into": "plate"},
            )
        )
        self.begun: list[str] = []

    async def driver(self, port: int) -> OpentronsRobot:
        driver = OpentronsRobot(
            DriverContext("robot", f"http://127.0.0.1:{port}", RealConnector(), self.clock, ot2())
        )
        await driver.connect()
        return driver

    def act(self, order: Command) -> Act:
        async def begin() -> None:
            self.begun.append(order.id)

        async def progress(_: Any) -> None:
            return

        return Act(order, begin, progress)


async def test_a_dose_over_real_http() -> None:
    rig = Rig()
    async with served(rig.simulator.app) as port:
        driver = await rig.driver(port)
        outputs = await driver.dose_well(rig.act(command(1)), well="C4", volumes=RECIPE)
        assert outputs == {"volume": 200.0}
        assert rig.world.vessel("plate:C4").volume_ml == pytest.approx(0.2, rel=0.05)
        assert rig.begun == [command(1).id]
        await driver.disconnect()
    await rig.simulator.close()


@pytest.mark.faults
async def test_the_server_dies_during_a_dose_and_comes_back() -> None:
    """The robot goes on while nobody can reach it; what became of the dose is asked for afterwards."""
    rig = Rig()
    order = command(1, **RECIPE)
    async with served(rig.simulator.app) as port:
        driver = await rig.driver(port)
        dose = asyncio.create_task(driver.dose_well(rig.act(order), well="A1", volumes=RECIPE))
        while not rig.begun:
            await asyncio.sleep(0.005)
        await rig.clock.sleep(10.0)
    with pytest.raises(ConnectionError):
        await dose
    with pytest.raises(ConnectionError):
        await driver.settle(order)
    await driver.disconnect()
    async with served(rig.simulator.app) as port:
        reborn = await rig.driver(port)
        settlement = await reborn.settle(order)
        assert settlement.verdict == "done"
        assert settlement.outputs == {"volume": 200.0}
        assert await reborn.read_telemetry() == {"lowest_stock": 11_890.0}
        await reborn.disconnect()
    assert sum(total.volume_ml for total in rig.world.doses().values()) == pytest.approx(
        0.2, rel=0.05
    )
    await rig.simulator.close()


async def test_nobody_there_and_somebody_else_there() -> None:
    rig = Rig()
    with pytest.raises(ConnectionError):
        await rig.driver(9)

    async def stranger(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"<html>It works!</html>"})

    async with served(stranger) as port:
        with pytest.raises(ConnectionError, match="not an answer of a robot"):
            await rig.driver(port)
