"""The dye example: files that agree with each other, a known optimum, and a loop that sees it."""

from __future__ import annotations

import asyncio
from itertools import product
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from drivers.opentrons_robot.deck import parse_deck
from drivers.opentrons_robot.driver import OpentronsRobot
from drivers.opentrons_robot.volumes import Transfer, check_transfers
from drivers.teaching_plate_reader.driver import TeachingPlateReader
from lab.devices.capability import CAPABILITIES
from lab.devices.driver import Act, DriverContext
from lab.devices.memory_stream import stream_pair
from lab.domain.command import Command
from lab.domain.errors import InputError, RefusedError
from lab.domain.quantity import Quantity
from lab.engine.clock import VirtualClock
from lab.engine.virtual_loop import run_virtual
from lab.plan.bind import bind
from lab.sop.load import CampaignBundle, load_campaign
from simulators.chemistry.dyes import well_absorbance
from simulators.contract import SimulatorContext
from simulators.opentrons_robot import OpentronsSimulator
from simulators.plate_reader import PlateReaderSimulator
from simulators.world import World
from tests.drivers.opentrons_kit import OneDevice

if TYPE_CHECKING:
    import httpx

    from lab.devices.stream import ByteStream
    from lab.domain.plan import Plan

FOLDER = Path(__file__).parents[2] / "sops" / "dye_matching"
DRIVERS = {"opentrons_robot": ("liquid_handling",), "teaching_plate_reader": ("absorbance",)}
DEVICES = {"robot": ("liquid_handling",), "reader": ("absorbance",)}
HIDDEN = {"red_volume": 18.0, "yellow_volume": 42.0, "blue_volume": 27.0}
WAVELENGTHS = (450.0, 520.0, 630.0)
DIAMETER_MM = 6.86


def target(bundle: CampaignBundle, wave: float) -> float:
    """The absorbance that is sought at a wavelength."""
    value = bundle.campaign.fixed[f"target_{wave:.0f}"]
    assert isinstance(value, Quantity)
    return value.magnitude


@pytest.fixture(scope="module")
def bundle() -> CampaignBundle:
    return load_campaign(FOLDER / "campaign.yaml", CAPABILITIES, DRIVERS)


def plan(bundle: CampaignBundle, recipe: dict[str, float], number: int = 1) -> Plan:
    found = bind(
        bundle.procedure, recipe, bundle.campaign.fixed, bundle.lab, CAPABILITIES, number, DEVICES
    )
    return found[0]


def stocks(bundle: CampaignBundle) -> dict[str, dict[str, float]]:
    assert bundle.lab.simulation is not None
    return {
        name: {species: amount.to("mol/L").magnitude for species, amount in stock.contents.items()}
        for name, stock in bundle.lab.simulation.stock.items()
    }


def ideal_distance(bundle: CampaignBundle, recipe: dict[str, float]) -> float:
    """What the SOP's `distance` is without any error."""
    dyes = {name.removesuffix("_volume"): volume for name, volume in recipe.items()}
    volumes = {**dyes, "water": 200.0 - sum(dyes.values())}
    targets = [target(bundle, wave) for wave in WAVELENGTHS]
    return sum(
        abs(well_absorbance(volumes, stocks(bundle), wave, DIAMETER_MM) - target)
        for wave, target in zip(WAVELENGTHS, targets, strict=True)
    )


def test_the_files_are_without_findings(bundle: CampaignBundle) -> None:
    assert bundle.diagnostics == ()


def test_a_misspelt_stock_is_found_in_the_file(tmp_path: Path) -> None:
    for path in FOLDER.glob("*.yaml"):
        text = path.read_text(encoding="utf-8")
        if path.name == "sop.yaml":
            text = text.replace("yellow: ${yellow_volume}", "yelow: ${yellow_volume}")
        (tmp_path / path.name).write_text(text, encoding="utf-8")
    with pytest.raises((InputError, RefusedError)) as refused:
        load_campaign(tmp_path / "campaign.yaml", CAPABILITIES, DRIVERS)
    assert any("yelow" in finding.text() for finding in refused.value.diagnostics)


def test_deck_and_lab_file_agree(bundle: CampaignBundle) -> None:
    robot = bundle.lab.devices["robot"]
    deck = parse_deck(robot.settings, "robot")
    assert list(deck.stocks) == list(robot.draws)
    for name, stock in deck.stocks.items():
        assert bundle.lab.stock[name].volume.to("uL").magnitude == pytest.approx(stock.volume_ul)
    well = deck.plate.definition.wells["A1"]
    station = bundle.lab.stations["plate"]
    assert station.capacity.to("uL").magnitude == pytest.approx(well.capacity_ul)
    assert station.wells == len(deck.plate.definition.wells)


def test_the_whole_budget_fits_the_deck_whatever_the_optimiser_asks(bundle: CampaignBundle) -> None:
    deck = parse_deck(bundle.lab.devices["robot"].settings, "robot")
    for volumes in ((60.0, 60.0, 60.0), (5.0, 5.0, 5.0)):
        recipe = dict(zip(HIDDEN, volumes, strict=True))
        transfers: list[Transfer] = []
        for number in range(1, bundle.campaign.budget.trials + 1):
            step = plan(bundle, recipe, number).step("dose")
            wanted = step.args["volumes"]
            assert isinstance(wanted, dict)
            transfers += [
                Transfer(stock, str(step.args["well"]), float(str(volume)))
                for stock, volume in wanted.items()
            ]
        assert check_transfers(deck, transfers) == []
        assert check_transfers(deck, transfers * 10), "and a campaign ten times as long does not"


def test_each_run_has_a_well_of_its_own(bundle: CampaignBundle) -> None:
    wells = [str(plan(bundle, HIDDEN, number).step("dose").args["well"]) for number in range(1, 97)]
    assert wells[:2] == ["A1", "A2"]
    assert wells[12] == "B1"
    assert wells[95] == "H12"
    assert len(set(wells)) == 96
    with pytest.raises(RefusedError):
        plan(bundle, HIDDEN, 97)


def test_targets_are_the_colour_of_the_hidden_recipe(bundle: CampaignBundle) -> None:
    assert ideal_distance(bundle, HIDDEN) < 0.0015, "three targets, each rounded to 0.001"


def test_brute_force_finds_the_hidden_recipe_and_no_other(bundle: CampaignBundle) -> None:
    grid = range(5, 61)
    known = stocks(bundle)
    # 200 uL in all wells: the path is the same, so absorbance adds up and can be tabulated
    scale = {
        (dye, wave): well_absorbance({dye: 1e-6, "water": 200.0}, known, wave, DIAMETER_MM) * 1e6
        for dye in ("red", "yellow", "blue")
        for wave in WAVELENGTHS
    }

    def rough(red: float, yellow: float, blue: float) -> float:
        return sum(
            abs(
                scale["red", wave] * red
                + scale["yellow", wave] * yellow
                + scale["blue", wave] * blue
                - target(bundle, wave)
            )
            for wave in WAVELENGTHS
        )

    nearest = sorted(product(grid, grid, grid), key=lambda volumes: rough(*volumes))[:40]
    exact = sorted(
        (ideal_distance(bundle, dict(zip(HIDDEN, map(float, item), strict=True))), item)
        for item in nearest
    )
    assert exact[0][1] == (18, 42, 27)
    assert exact[0][0] < 0.0015
    assert exact[1][0] > 5 * exact[0][0]


def test_a_random_recipe_is_far_away(bundle: CampaignBundle) -> None:
    random = Random(1)
    distances = [
        ideal_distance(bundle, {name: random.uniform(5.0, 60.0) for name in HIDDEN})
        for _ in range(200)
    ]
    assert sum(distances) / len(distances) > 0.5


# -- through drivers and simulators -----------------------------------------------------------------


class Bench:
    """Robot and reader over one world, as the lab file describes them."""

    def __init__(self, bundle: CampaignBundle, seed: int) -> None:
        self.clock = VirtualClock(asyncio.get_running_loop())
        self.world = World(seed, self.clock)
        for name, contents in stocks(bundle).items():
            self.world.fill(name, 12.0, 1.0, contents, capacity_ml=15.0)
        devices = bundle.lab.devices
        robot, reader = devices["robot"], devices["reader"]
        self.robot_simulator = OpentronsSimulator(
            self._context("robot", {**robot.settings, "into": robot.into, **robot.simulate})
        )
        self.reader_simulator = PlateReaderSimulator(
            self._context("reader", {"at": reader.at, **reader.simulate})
        )
        import httpx

        transport = httpx.ASGITransport(app=self.robot_simulator.app)
        self.robot = OpentronsRobot(
            DriverContext(
                "robot",
                "sim:",
                OneDevice(transport),
                self.clock,
                # the vendor's analysis has tests of its own, and takes seconds
                {**robot.settings, "preflight": "never"},
            )
        )
        self.reader = TeachingPlateReader(DriverContext("reader", "sim:", self, self.clock))
        self.tasks: list[asyncio.Task[None]] = []

    def _context(self, name: str, settings: dict[str, Any]) -> SimulatorContext:
        return SimulatorContext(name, self.world, self.clock, self.world.random_for(name), settings)

    async def stream(self, url: str) -> ByteStream:
        here, there = stream_pair()
        self.tasks.append(asyncio.create_task(self.reader_simulator.serve(there)))
        return here

    def http(self, url: str) -> httpx.AsyncClient:
        raise NotImplementedError(url)

    async def messages(self, url: str) -> Any:
        raise NotImplementedError(url)

    async def run(self, bundle: CampaignBundle, recipe: dict[str, float], number: int) -> float:
        """One run of the plan, step by step; the result is the SOP's `distance`."""
        made = plan(bundle, recipe, number)
        outputs: dict[str, dict[str, Any]] = {}
        for device, path in ((self.robot, "dose"), (self.reader, "read")):
            step = made.step(path)
            command = Command(
                id=f"{number}-{path}",
                run=f"dyes/r{number:03d}",
                step=path,
                attempt=1,
                device=step.device,
                action=step.action,
                args=step.args,
                effect=step.effect,
                settle=step.settle,
                timeout_s=step.timeout_s,
            )

            async def nothing(*_: Any) -> None:
                return

            action = getattr(device, step.action)
            outputs[path] = dict(await action(Act(command, nothing, nothing), **step.args))
        targets = [target(bundle, wave) for wave in WAVELENGTHS]
        return sum(
            abs(outputs["read"][f"absorbance_{index}"] - target)
            for index, target in enumerate(targets, start=1)
        )


def test_the_loop_sees_the_optimum_through_all_errors(bundle: CampaignBundle) -> None:
    async def work() -> list[float]:
        bench = Bench(bundle, seed=11)
        await bench.robot.connect()
        await bench.reader.connect()
        recipes = [HIDDEN, HIDDEN, {**HIDDEN, "red_volume": 28.0}, {**HIDDEN, "blue_volume": 40.0}]
        found = [
            await bench.run(bundle, recipe, number)
            for number, recipe in enumerate(recipes, start=1)
        ]
        assert bench.clock.monotonic() < 4 * 180.0, "the planner counts on two minutes for a dose"
        await bench.reader.disconnect()
        await bench.robot.disconnect()
        await asyncio.gather(*bench.tasks)
        return found

    distances = run_virtual(work())
    assert distances == run_virtual(work()), "the same seed gives the same run"
    first, again, redder, bluer = distances
    assert 0.0 < first < 0.08
    assert 0.0 < again < 0.08
    assert first != again
    assert redder > 0.15
    assert bluer > 0.2


def test_duration_in_the_sop_is_what_a_dose_takes(bundle: CampaignBundle) -> None:
    async def work() -> tuple[float, float]:
        bench = Bench(bundle, seed=2)
        await bench.robot.connect()
        await bench.reader.connect()
        start = bench.clock.monotonic()
        await bench.run(bundle, HIDDEN, 1)
        taken = bench.clock.monotonic() - start
        await bench.reader.disconnect()
        await asyncio.gather(*bench.tasks)
        made = plan(bundle, HIDDEN)
        return taken, sum(made.step(path).duration_s for path in ("dose", "read"))

    taken, planned = run_virtual(work())
    assert taken == pytest.approx(planned, rel=0.3)
