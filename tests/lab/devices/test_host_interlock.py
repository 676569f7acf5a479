"""Where the signal is the device's own, its host looks at it just before the act."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lab.domain.interlock import Interlock
from tests.lab.devices.fake_device import Script

if TYPE_CHECKING:
    from tests.lab.devices.fake_device import Bench

PRESSURE = Interlock(
    name="pressure",
    device="doser",
    signal="pressure",
    unit="bar",
    maximum=2.0,
    max_age_s=15.0,
    blocks=("doser",),
    actions=("dispense",),
)


@pytest.fixture
def locked(bench: Bench) -> Bench:
    bench.interlocks = (PRESSURE,)
    return bench


async def test_it_acts_while_the_value_is_within_its_limits(locked: Bench):
    locked.device.telemetry = {"pressure": 2.0}
    async with locked.host():
        assert (await locked.do(locked.command()))[1].result == "succeeded"
    assert locked.device.doses == [2.5]


@pytest.mark.parametrize("telemetry", [{"pressure": 2.1}, {"pressure": float("nan")}, {}])
async def test_it_does_not_act_otherwise_and_says_why(locked: Bench, telemetry):
    locked.device.telemetry = telemetry
    async with locked.host():
        ack, outcome = await locked.do(locked.command())
        assert ack.accepted
        assert (outcome.result, outcome.error_code) == ("failed_no_effect", "interlock")
        assert "pressure of doser" in outcome.error
        entry = locked.ledger.device("doser").entry("c1")
        assert entry is not None
        assert entry.act_order == 0
        locked.device.telemetry = {"pressure": 1.0}
        assert (await locked.do(locked.command("c1")))[1].error_code == "interlock", "an id is over"
        assert (await locked.do(locked.command("c2")))[1].result == "succeeded"
    assert locked.device.doses == [2.5]


async def test_other_actions_are_not_asked_about(locked: Bench):
    locked.device.telemetry = {"pressure": 9.0}
    async with locked.host():
        assert (await locked.do(locked.command("w", "weigh")))[1].result == "succeeded"


async def test_the_value_is_read_at_that_moment_and_not_remembered(locked: Bench):
    locked.device.telemetry = {"pressure": 1.0}
    async with locked.host(Script.waiting_at("after_act")):
        await locked.send(locked.command())
        await locked.reaches("after_act")
        locked.device.telemetry = {"pressure": 9.0}
        assert locked.script.after_act is not None
        locked.script.after_act.set()
        assert (await locked.outcome("c1")).outcome.result == "succeeded", "it had begun before"
        assert (await locked.do(locked.command("c2")))[1].error_code == "interlock"


async def test_it_may_be_made_safe_whatever_the_interlock_says(locked: Bench):
    locked.device.telemetry = {"pressure": 9.0}
    async with locked.host():
        assert (await locked.safe()).confirmed
    assert locked.device.made_safe == 1
