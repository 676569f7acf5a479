"""The driver of docs/how-to/write_a_driver.md works as it is printed there, against its printed simulator."""

from __future__ import annotations

import asyncio
import importlib
import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from ruamel.yaml import YAML

from lab.devices.driver import Act, DeviceError, DriverContext
from lab.devices.manifest import Manifest
from lab.devices.memory_stream import stream_pair
from lab.devices.stream import StreamClosedError
from lab.domain.command import Command
from simulators.contract import SimulatorContext
from simulators.world import World

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lab.devices.stream import ByteStream

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "how-to" / "write_a_driver.md"
FILES = re.compile(r"^```\w+\n# ((?:drivers|simulators)/\S+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def printed_files() -> dict[str, str]:
    return dict(FILES.findall(GUIDE.read_text(encoding="utf-8")))


def write_files(root: Path) -> None:
    for name, text in printed_files().items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (root / "drivers" / "acme_dropper" / "__init__.py").write_text("", encoding="utf-8")


def printed_manifest() -> Manifest:
    text = printed_files()["drivers/acme_dropper/manifest.yaml"]
    return Manifest.model_validate(YAML(typ="safe").load(text))


def load(reference: str) -> type:
    module, name = reference.split(":")
    return getattr(importlib.import_module(module), name)


class SkippingClock:
    """Process time that passes at once; enough where one task alone waits."""

    speed = float("inf")

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.seconds += seconds
        await asyncio.sleep(0)


class Bench:
    """The printed driver and the printed simulator on a line in memory."""

    def __init__(self, driver: type[Any], simulator: type[Any], **settings: float | str) -> None:
        self.clock = SkippingClock()
        self.world = World(seed=1, clock=self.clock)
        self.world.vessel("bottle").volume_ml = 100.0
        self.simulator = simulator(
            SimulatorContext("dropper", self.world, self.clock, Random(1), settings)
        )
        self.driver = driver(DriverContext("dropper", "sim:", self, self.clock))
        self.reports: list[Mapping[str, Any]] = []
        self.begun = 0
        self.tasks: list[asyncio.Task[None]] = []
        self.far_ends: list[ByteStream] = []

    async def stream(self, url: str) -> ByteStream:
        assert url == "sim:"
        near, far = stream_pair()
        self.far_ends.append(far)
        self.tasks.append(asyncio.create_task(self.simulator.serve(far)))
        return near

    def http(self, url: str) -> Any:
        raise AssertionError(f"a stream device asked for HTTP at {url}")

    async def messages(self, url: str) -> Any:
        raise AssertionError(f"a stream device asked for messages at {url}")

    def act(self, command: Command) -> Act:
        async def begin() -> None:
            self.begun += 1

        async def progress(values: Mapping[str, Any]) -> None:
            self.reports.append(values)

        return Act(command, begin, progress)

    async def close(self) -> None:
        await self.driver.disconnect()
        await asyncio.gather(*self.tasks)


def command(number: int = 1, volume: float = 2.5) -> Command:
    return Command(
        id=f"{number:032x}"[::-1],
        run="r",
        step="dose",
        attempt=1,
        device="dropper",
        action="dispense",
        args={"volume": volume, "rate": 10.0},
        effect="once",
        settle="query",
        timeout_s=600.0,
    )


@pytest.fixture
def classes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[type, type]]:
    import drivers
    import simulators

    write_files(tmp_path)
    monkeypatch.setattr(drivers, "__path__", [*drivers.__path__, str(tmp_path / "drivers")])
    monkeypatch.setattr(
        simulators, "__path__", [*simulators.__path__, str(tmp_path / "simulators")]
    )
    manifest = printed_manifest()
    yield load(manifest.entry), load(manifest.simulator)
    for name in [name for name in sys.modules if "acme_dropper" in name]:
        del sys.modules[name]
    for package in (drivers, simulators):
        vars(package).pop("acme_dropper", None)


def test_the_guide_prints_every_part():
    assert sorted(printed_files()) == [
        "drivers/acme_dropper/driver.py",
        "drivers/acme_dropper/manifest.yaml",
        "drivers/acme_dropper/wire.py",
        "simulators/acme_dropper.py",
    ]


async def test_it_doses_what_it_was_asked(classes: tuple[type, type]):
    bench = Bench(*classes)
    identity = await bench.driver.connect()
    assert (identity.model, identity.serial_number) == ("Dropper 1", "SN0042")
    outputs = await bench.driver.dispense(bench.act(command()), volume=2.5, rate=10.0)
    assert outputs == {"volume": pytest.approx(2.5)}
    assert bench.world.vessel("beaker").volume_ml == pytest.approx(2.5)
    assert bench.begun == 1
    assert bench.reports
    assert (await bench.driver.settle(command())).verdict == "done"
    assert (await bench.driver.settle(command(2))).verdict == "not_done"
    await bench.driver.make_safe()
    await bench.close()


async def test_a_refused_dose_has_no_effect(classes: tuple[type, type]):
    bench = Bench(*classes)
    await bench.driver.connect()
    with pytest.raises(DeviceError) as caught:
        await bench.driver.dispense(bench.act(command(volume=90.0)), volume=90.0, rate=10.0)
    assert (caught.value.code, caught.value.effect) == ("refused", "none")
    assert bench.world.vessel("beaker").volume_ml == 0.0
    await bench.close()


async def test_a_jam_is_a_partial_effect(classes: tuple[type, type]):
    bench = Bench(*classes, jam_after_ml=1.0)
    await bench.driver.connect()
    with pytest.raises(DeviceError) as caught:
        await bench.driver.dispense(bench.act(command()), volume=2.5, rate=10.0)
    assert (caught.value.code, caught.value.effect) == ("cut_short", "partial")
    settlement = await bench.driver.settle(command())
    assert settlement.verdict == "partial"
    assert settlement.outputs["volume"] == pytest.approx(1.0)
    await bench.close()


async def test_after_a_crash_in_mid_dose_the_device_is_asked(classes: tuple[type, type]):
    bench = Bench(*classes)
    await bench.driver.connect()
    dosing = asyncio.create_task(bench.driver.dispense(bench.act(command()), volume=2.5, rate=10.0))
    while not bench.reports:
        await asyncio.sleep(0)
    dosing.cancel()
    await asyncio.gather(dosing, return_exceptions=True)
    await bench.driver.disconnect()

    await bench.driver.connect()
    assert (await bench.driver.settle(command())).verdict == "done"
    assert bench.world.vessel("beaker").volume_ml == pytest.approx(2.5)
    assert [act.kind for act in bench.world.acts] == ["dispense"]
    await bench.close()


async def test_something_else_on_the_line_is_refused(classes: tuple[type, type]):
    bench = Bench(*classes)
    bench.simulator.answer = lambda line: b"S S 100.00 g"
    with pytest.raises(DeviceError) as caught:
        await bench.driver.connect()
    assert caught.value.code == "wrong_device"
    await bench.close()


async def test_a_line_that_is_cut_ends_the_dose(classes: tuple[type, type]):
    bench = Bench(*classes)
    await bench.driver.connect()
    dosing = asyncio.create_task(bench.driver.dispense(bench.act(command()), volume=2.5, rate=10.0))
    while not bench.reports:
        await asyncio.sleep(0)
    await bench.far_ends[-1].close()
    with pytest.raises(StreamClosedError):
        await dosing
    await bench.close()


def test_every_error_code_is_in_the_printed_manifest():
    files = printed_files()
    raised = set(re.findall(r'DeviceError\(\s*"(\w+)"', files["drivers/acme_dropper/driver.py"]))
    assert raised == set(printed_manifest().errors)


@pytest.mark.slow
def test_the_printed_code_passes_the_house_checks(tmp_path: Path):
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for package in ("lab", "drivers", "simulators"):
        shutil.copytree(ROOT / package, tmp_path / package)
    write_files(tmp_path)
    files = sorted(name for name in printed_files() if name.endswith(".py"))
    for tool in (
        ["ruff", "check", "--no-cache", *files],
        ["ruff", "format", "--check", "--no-cache", *files],
        ["pyright", "--pythonpath", sys.executable, *files],
    ):
        done = subprocess.run(
            [sys.executable, "-m", *tool],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=110,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
