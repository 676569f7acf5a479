"""What the Opentrons tests share: a deck, a driver on a simulator in one virtual loop, a breakable line."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx

from drivers.opentrons_robot.driver import OpentronsRobot
from lab.devices.driver import Act, DriverContext
from lab.domain.command import Command
from lab.engine.clock import VirtualClock
from simulators.contract import SimulatorContext
from simulators.opentrons_robot import OpentronsSimulator
from simulators.world import World

if TYPE_CHECKING:
    from collections.abc import Callable

    from lab.domain.clock import Clock

STOCKS = ("red", "yellow", "blue", "water")


def ot2(**changes: Any) -> dict[str, Any]:
    """Settings of an OT-2 with two pipettes."""
    settings: dict[str, Any] = {
        "robot": "OT-2",
        "pipettes": [
            {
                "name": "p20_single_gen2",
                "mount": "left",
                "tip_racks": [{"slot": "8", "labware": "opentrons_96_tiprack_20ul"}],
            },
            {
                "name": "p300_single_gen2",
                "mount": "right",
                "tip_racks": [
                    {"slot": "9", "labware": "opentrons_96_tiprack_300ul"},
                    {"slot": "6", "labware": "opentrons_96_tiprack_300ul"},
                ],
            },
        ],
        "plate": {"slot": "1", "labware": "corning_96_wellplate_360ul_flat"},
        "stock_rack": {"slot": "4", "labware": "nest_12_reservoir_15ml"},
        "stocks": {
            name: {"well": f"A{number}", "volume_ul": 12000}
            for number, name in enumerate(STOCKS, start=1)
        },
        "mix": {"times": 2, "volume_ul": 100},
        "preflight": "never",
    }
    return settings | changes


def flex(**changes: Any) -> dict[str, Any]:
    """Settings of a Flex."""
    return ot2(
        robot="Flex",
        pipettes=[
            {
                "name": "p50_single_flex",
                "mount": "left",
                "tip_racks": [{"slot": "B2", "labware": "opentrons_flex_96_tiprack_50ul"}],
            },
            {
                "name": "p1000_single_flex",
                "mount": "right",
                "tip_racks": [{"slot": "B3", "labware": "opentrons_flex_96_tiprack_1000ul"}],
            },
        ],
        plate={"slot": "D1", "labware": "corning_96_wellplate_360ul_flat"},
        stock_rack={"slot": "D2", "labware": "nest_12_reservoir_15ml"},
        **changes,
    )


def command(number: int = 1, **volumes: float) -> Command:
    """A dose into A1."""
    return Command(
        id=f"{number:032x}",
        run=f"dyes/r{number:03d}",
        step="dose",
        attempt=1,
        device="robot",
        action="dose_well",
        args={"well": "A1", "volumes": {**volumes}},
        effect="once",
        settle="query",
        timeout_s=900.0,
    )


class BreakableTransport(httpx.AsyncBaseTransport):
    """Passes requests on to the app, until told to lose them (or only their answers)."""

    def __init__(self, app: Any) -> None:
        self._inner = httpx.ASGITransport(app=app)
        self.lose: Callable[[httpx.Request], str] = lambda _request: ""
        """Returns "", "request" or "answer"."""
        self.seen: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.seen.append(f"{request.method} {request.url.path}")
        lost = self.lose(request)
        if lost == "request":
            raise httpx.ConnectError("cut", request=request)
        response = await self._inner.handle_async_request(request)
        if lost == "answer":
            raise httpx.ReadError("cut", request=request)
        return response

    def cut(self) -> None:
        """Lose everything from now on."""
        self.lose = lambda _request: "request"

    def mend(self) -> None:
        """Lose nothing any more."""
        self.lose = lambda _request: ""


class OneDevice:
    """A connector to one HTTP app."""

    def __init__(self, transport: httpx.AsyncBaseTransport) -> None:
        self.transport = transport

    async def stream(self, url: str) -> Any:
        raise NotImplementedError(url)

    def http(self, url: str) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=self.transport, base_url="http://robot.simulated")

    async def messages(self, url: str) -> Any:
        raise NotImplementedError(url)


@dataclass
class Bench:
    """A simulated robot with its line and any number of drivers one after the other."""

    settings: dict[str, Any]
    clock: Clock
    world: World
    simulator: OpentronsSimulator
    line: BreakableTransport
    begun: list[str] = field(default_factory=list)
    progress: list[Any] = field(default_factory=list)

    def driver(self, **changes: Any) -> OpentronsRobot:
        context = DriverContext(
            name="robot",
            url="sim:",
            connector=OneDevice(self.line),
            clock=self.clock,
            settings=self.settings | changes,
        )
        return OpentronsRobot(context)

    async def connected(self, **changes: Any) -> OpentronsRobot:
        driver = self.driver(**changes)
        await driver.connect()
        return driver

    def act(self, order: Command, at_begin: Callable[[], None] | None = None) -> Act:
        async def begin() -> None:
            self.begun.append(order.id)
            if at_begin is not None:
                at_begin()

        async def progress(values: Any) -> None:
            self.progress.append(dict(values))

        return Act(order, begin, progress)

    async def dose(self, driver: OpentronsRobot, order: Command) -> Any:
        volumes = order.args["volumes"]
        well = order.args["well"]
        assert isinstance(volumes, dict)
        assert isinstance(well, str)
        return await driver.dose_well(self.act(order), well=well, volumes=volumes)  # type: ignore[arg-type]

    def doses(self) -> list[tuple[str, float]]:
        """What really arrived: (vessel, mL) of each dispense (mixing is logged as such)."""
        return [
            (str(act.detail["into"]), float(act.detail["volume_ml"]))
            for act in self.world.acts
            if act.kind == "dispense"
        ]


def bench(simulate: dict[str, Any] | None = None, **settings: Any) -> Bench:
    """A bench in the running (virtual) loop, stocks filled with 12 mL each."""
    clock = VirtualClock(asyncio.get_running_loop())  # type: ignore[arg-type]
    world = World(7, clock)
    driver_settings = ot2(**settings) if settings.get("robot") != "Flex" else settings
    for name in STOCKS:
        vessel = world.vessel(name, 15.0)
        vessel.volume_ml = vessel.mass_g = 12.0
        vessel.amounts_mol[f"{name}_dye"] = 12e-6
    simulator = OpentronsSimulator(
        SimulatorContext(
            device="robot",
            world=world,
            clock=clock,
            random=world.random_for("robot"),
            settings={**driver_settings, "into": "plate", **(simulate or {})},
        )
    )
    return Bench(driver_settings, clock, world, simulator, BreakableTransport(simulator.app))
