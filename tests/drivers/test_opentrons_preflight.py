"""Our protocols before the vendor's own analysis (package opentrons 9.0.0, a child process each, 2 to 4 s)."""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from drivers.opentrons_robot import driver as driver_module
from drivers.opentrons_robot import preflight
from drivers.opentrons_robot.deck import parse_deck
from drivers.opentrons_robot.preflight import PreflightError, PreflightReport, analyse
from drivers.opentrons_robot.protocol import compile_protocol
from drivers.opentrons_robot.volumes import Levels, Transfer, check_transfers, sample_transfers
from lab.devices.driver import DeviceError
from lab.engine.virtual_loop import run_virtual
from tests.drivers.opentrons_kit import bench, command, flex, ot2

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

RECIPE = [Transfer("water", "A1", 130.0), Transfer("red", "A1", 12.5), Transfer("blue", "A1", 40.0)]


def document(settings: dict[str, Any], transfers: list[Transfer] = RECIPE) -> dict[str, Any]:
    deck = parse_deck(settings, "robot")
    return compile_protocol(
        deck, transfers, Levels.full(deck), label="c0ffee", step="dose.1", title="a dose"
    ).document


_ONE_CHILD = """
import json, sys
from drivers.opentrons_robot.preflight import _MARK, _child
for line in sys.stdin:
    sys.stdout.write(f"\\n{_MARK}{json.dumps(_child(line.encode()))}\\n")
    sys.stdout.flush()
"""


@pytest.fixture(scope="module")
def report_of(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Callable[[dict[str, Any]], PreflightReport]]:
    """The analysis of one protocol after the other in one child, whose start is what takes the time."""
    folder = tmp_path_factory.mktemp("opentrons")
    with (
        (folder / "said").open("wb") as said,
        subprocess.Popen(
            [sys.executable, "-P", "-c", _ONE_CHILD],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said, text=True,
            env={**os.environ, "OT_API_CONFIG_DIR": str(folder)},
        ) as child,
    ):  # fmt: skip
        asked, told = child.stdin, child.stdout
        assert asked is not None
        assert told is not None

        def report(protocol: dict[str, Any]) -> PreflightReport:
            asked.write(json.dumps(protocol) + "\n")
            asked.flush()
            for line in told:
                if line.startswith(preflight._MARK):
                    return preflight._report(line.encode(), b"")
            pytest.fail((folder / "said").read_text(errors="replace"))

        yield report
        child.kill()


@pytest.mark.parametrize("settings", [ot2(), flex()], ids=["OT-2", "Flex"])
def test_a_good_protocol_is_ok_and_its_volumes_are_ours(settings: dict[str, Any]) -> None:
    protocol = document(settings)
    report = analyse(json.dumps(protocol).encode())
    assert report.errors == ()
    assert report.ok
    ours = [item["key"] for item in protocol["commands"]]
    assert [key for key in report.keys if key in ours] == ours
    assert report.command_count == len(ours) + 1, "the robot homes first"
    plate = settings["plate"]["slot"]
    rack = settings["stock_rack"]["slot"]
    assert report.wells[f"slot-{plate}:A1"] == pytest.approx(182.5)
    assert report.wells[f"slot-{rack}:A1"] == pytest.approx(12_000.0 - 12.5)


def _too_much(protocol: dict[str, Any]) -> None:
    next(c for c in protocol["commands"] if c["commandType"] == "aspirate")["params"]["volume"] = (
        350
    )


def _no_tip(protocol: dict[str, Any]) -> None:
    protocol["commands"] = [c for c in protocol["commands"] if c["commandType"] != "pickUpTip"]


def _unknown_labware(protocol: dict[str, Any]) -> None:
    first = next(c for c in protocol["commands"] if c["commandType"] == "loadLabware")
    first["params"]["loadName"] = "acme_plate"


def _no_schema(protocol: dict[str, Any]) -> None:
    del protocol["liquidSchemaId"]


@pytest.mark.parametrize(
    ("spoil", "error"),
    [
        (_too_much, "InvalidAspirateVolumeError"),
        (_no_tip, "TipNotAttachedError 3005"),
        (_unknown_labware, "opentrons/acme_plate/1"),
        (_no_schema, "ProtocolFilesInvalid"),
    ],
)
def test_bad_protocols_are_refused(report_of: Any, spoil: Any, error: str) -> None:
    protocol = copy.deepcopy(document(ot2()))
    spoil(protocol)
    assert report_of(document(ot2())).ok
    report = report_of(protocol)
    assert not report.ok
    assert error in "; ".join(report.errors)


def test_why_we_check_volumes_ourselves(report_of: Any) -> None:
    """The vendor's analysis passes what would flood the plate; our own check does not."""
    deck = parse_deck(ot2(tips="fresh", mix=None), "robot")
    flood = [Transfer("water", "A1", 300.0), Transfer("red", "A1", 300.0)]
    report = report_of(document(ot2(tips="fresh", mix=None), flood))
    assert report.ok, "if this fails, the vendor has learned it: drop our reason, keep our check"
    assert report.wells["slot-1:A1"] > 360.0
    assert [problem.code for problem in check_transfers(deck, flood)] == ["overfill"]


def test_the_command_says_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "protocol.json"
    path.write_text("{}", encoding="utf-8")
    assert preflight._main([str(path)]) == 1
    assert "not ok" in capsys.readouterr().out
    assert preflight._main([]) == 2
    assert preflight._main([str(tmp_path / "missing.json")]) == 2


# -- how the driver uses it (the analysis itself is replaced) -----------------------------------------


class _Analysis:
    def __init__(self) -> None:
        self.calls = 0
        self.errors: tuple[str, ...] = ()

    async def __call__(self, content: bytes, *, clock_speed: float) -> PreflightReport:
        self.calls += 1
        keys = tuple(item["key"] for item in json.loads(content)["commands"])
        return PreflightReport(not self.errors, self.errors, len(keys), keys, {})


@pytest.fixture
def analysis(monkeypatch: pytest.MonkeyPatch) -> _Analysis:
    replacement = _Analysis()
    monkeypatch.setattr(driver_module, "analyse_async", replacement)
    monkeypatch.setattr(driver_module, "_analysed_decks", set())
    return replacement


@pytest.mark.parametrize(("mode", "calls"), [("first", 1), ("always", 2), ("never", 0)])
def test_how_often_it_is_asked(analysis: _Analysis, mode: str, calls: int) -> None:
    async def work() -> None:
        stand = bench(preflight=mode)
        await stand.connected()
        driver = await stand.connected()
        for number in (1, 2):
            await stand.dose(driver, command(number, red=20.0))

    run_virtual(work())
    assert analysis.calls == calls


def test_a_refused_protocol_never_reaches_the_robot(analysis: _Analysis) -> None:
    analysis.errors = ("TipNotAttachedError 3005: no tip",)

    async def work() -> None:
        stand = bench(preflight="always")
        driver = await stand.connected()
        for number in (1, 2):
            with pytest.raises(DeviceError, match="TipNotAttachedError") as refused:
                await stand.dose(driver, command(number, red=20.0))
            assert (refused.value.code, refused.value.effect) == ("preflight", "none")
        assert not any(item.startswith("POST") for item in stand.line.seen)

    run_virtual(work())
    assert analysis.calls == 2


def test_a_deck_that_fails_is_not_connected_and_asked_again(analysis: _Analysis) -> None:
    analysis.errors = ("LocationIsOccupiedError 4000: slot 1",)

    async def work() -> None:
        stand = bench(preflight="first")
        for _ in range(2):
            with pytest.raises(DeviceError, match="LocationIsOccupied") as refused:
                await stand.connected()
            assert refused.value.code == "preflight"
        analysis.errors = ()
        await stand.dose(await stand.connected(), command(1, red=20.0))

    run_virtual(work())
    assert analysis.calls == 3


def test_the_sample_touches_every_labware_and_pipette(report_of: Any) -> None:
    deck = parse_deck(ot2(), "robot")
    samples = sample_transfers(deck)
    assert check_transfers(deck, samples) == []
    assert {item.stock for item in samples} == set(deck.stocks)
    made = document(ot2(), samples)
    loaded = {
        str(command["params"].get("pipetteName") or command["params"]["loadName"])
        for command in made["commands"]
        if command["commandType"] in ("loadPipette", "loadLabware")
    }
    assert len(loaded) == 6
    picked = {c["params"]["pipetteId"] for c in made["commands"] if c["commandType"] == "pickUpTip"}
    assert picked == {"pipette-left", "pipette-right"}
    assert report_of(made).ok
    assert sample_transfers(parse_deck(ot2(dead_volume_ul=12_000.0), "robot")) == []


def test_an_analysis_that_cannot_run_is_a_fault_not_a_pass(
    monkeypatch: pytest.MonkeyPatch, analysis: _Analysis
) -> None:
    monkeypatch.setattr(preflight, "_child_command", lambda: (["false"], {}))
    with pytest.raises(PreflightError, match="did not run"):
        analyse(b"{}")
    monkeypatch.setattr(driver_module, "analyse_async", preflight.analyse_async)

    async def work() -> None:
        stand = bench(preflight="first")
        with pytest.raises(DeviceError, match="preflight: never") as refused:
            await stand.connected()
        assert refused.value.code == "preflight"

    run_virtual(work())


async def test_on_a_real_clock_the_loop_stays_free(monkeypatch: pytest.MonkeyPatch) -> None:
    script = "import sys,time; sys.stdin.read(); time.sleep(0.3); print('labwright-analysis:' + sys.argv[1])"
    answer = json.dumps({"errors": [], "keys": ["a"], "wells": {}})
    import asyncio
    import sys

    monkeypatch.setattr(
        preflight, "_child_command", lambda: ([sys.executable, "-c", script, answer], {})
    )
    turns = 0
    task = asyncio.create_task(preflight.analyse_async(b"{}", clock_speed=1.0))
    while not task.done():
        await asyncio.sleep(0.01)
        turns += 1
    assert (await task).keys == ("a",)
    assert turns > 5
