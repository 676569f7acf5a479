"""First files pass the check as they stand, and the first driver truly weighs."""

from __future__ import annotations

import asyncio
import importlib
import sys

import pytest
from ruamel.yaml import YAML

from lab.devices.capability import CAPABILITIES
from lab.devices.driver import Act, DriverContext
from lab.devices.manifest import Manifest
from lab.devices.memory_stream import stream_pair
from lab.domain.command import Command
from lab.domain.errors import InputError
from lab.engine.clock import ScaledClock
from lab.plan.bind import bind
from lab.plan.evaluate import evaluate_results
from lab.sop.load import load_campaign
from lab.sop.templates import KINDS, new_files
from tests.support.sop_files import DRIVERS, device_capabilities


def test_sop_lab_and_campaign_pass_together(tmp_path):
    for kind in ("sop", "lab", "campaign"):
        for path, text in new_files(kind, "my_first").items():
            (tmp_path / path).parent.mkdir(exist_ok=True)
            (tmp_path / path).write_text(text, encoding="utf-8")
            assert text.startswith("# yaml-language-server: $schema=../../schemas/")
    bundle = load_campaign(tmp_path / "my_first" / "campaign.yaml", CAPABILITIES, DRIVERS)
    assert bundle.diagnostics == ()
    (plan,) = bind(
        bundle.procedure,
        {"volume": 4.0},
        {},
        bundle.lab,
        CAPABILITIES,
        1,
        device_capabilities(bundle.lab),
    )
    assert plan.step("dose").args["volume"] == 4.0
    value, deviation, unit = evaluate_results(plan, {"weigh": {"mass": 4.0}})["dose_error"]
    assert (value, deviation, unit) == (pytest.approx(100 * 0.008 / 3.992), None, "percent")


def test_the_path_of_the_schemas_can_be_given():
    (text,) = new_files("lab", "bench", schemas="../s").values()
    assert text.startswith("# yaml-language-server: $schema=../s/lab.schema.json\n")


@pytest.mark.parametrize("name", ["My lab", "../x", "", "9lives", "a" * 51, "a-b", "é"])
def test_names_are_plain(name):
    with pytest.raises(InputError, match="can't be a name"):
        new_files("sop", name)


def test_unknown_kinds_get_a_suggestion():
    with pytest.raises(InputError) as caught:
        new_files("campain", "x")
    assert '"campaign"' in caught.value.hint
    assert KINDS == ("sop", "lab", "campaign", "driver")


class _Connector:
    def __init__(self, stream):
        self._stream = stream

    async def stream(self, url):
        return self._stream

    def http(self, url):
        raise AssertionError("a balance has no HTTP")

    async def messages(self, url):
        raise AssertionError("a balance has no bus of its own")


async def _balance(stream, answers):
    """The other side of the line: one answer to each line."""
    pending = b""
    while True:
        pending += await stream.read()
        while b"\r\n" in pending:
            line, pending = pending.split(b"\r\n", 1)
            await stream.write(answers[line] + b"\r\n")


async def test_the_driver_weighs(tmp_path, monkeypatch):
    files = new_files("driver", "my_balance")
    assert set(files) == {f"my_balance/{n}.py" for n in ("__init__", "wire", "driver")} | {
        "my_balance/manifest.yaml"
    }
    for path, text in files.items():
        # a package of its own name, so that the real `drivers` stays as it is
        target = tmp_path / "scaffolded_drivers" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text.replace("from drivers.", "from scaffolded_drivers."), "utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    module = importlib.import_module("scaffolded_drivers.my_balance.driver")
    manifest = Manifest.model_validate(YAML(typ="safe").load(files["my_balance/manifest.yaml"]))
    assert manifest.entry == "drivers.my_balance.driver:MyBalance"
    assert manifest.capabilities == ("weighing",)
    for action in CAPABILITIES["weighing"].actions:
        assert hasattr(module.MyBalance, action)

    answers = {b"I": b"Demo 1", b"T": b"OK", b"W": b"  12.3456 g"}
    ours, theirs = stream_pair()
    other = asyncio.create_task(_balance(theirs, answers))
    driver = module.MyBalance(
        DriverContext(name="b", url="sim:", connector=_Connector(ours), clock=ScaledClock())
    )
    try:
        assert (await driver.connect()).model == "Demo 1"
        begun = []
        act = Act(_command(), lambda: _note(begun), lambda values: _note(begun))
        assert await driver.tare(act) == {}
        outputs = await driver.weigh(act)
        assert outputs["mass"] == 12.3456
        assert set(outputs) == set(CAPABILITIES["weighing"].actions["weigh"].outputs)
        assert len(begun) == 2
        answers[b"W"] = b"overload"
        with pytest.raises(Exception, match="not a mass"):
            await driver.weigh(act)
        answers[b"T"] = b"ERR"
        with pytest.raises(Exception, match="to a tare"):
            await driver.tare(act)
        assert (await driver.settle(_command())).verdict == "not_done"
        assert await driver.read_telemetry() == {}
        await driver.make_safe()
    finally:
        await driver.disconnect()
        other.cancel()
        await asyncio.gather(other, return_exceptions=True)
        for name in [name for name in sys.modules if name.startswith("scaffolded_drivers")]:
            del sys.modules[name]


async def _note(seen):
    seen.append(True)


def _command() -> Command:
    return Command(
        id="0" * 32, run="r", step="s", attempt=1, device="b", action="weigh",
        effect="none", settle="query", timeout_s=10.0,
    )  # fmt: skip
