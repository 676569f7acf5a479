"""A command is stopped at its device, and its outcome says in honest words what came of that."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from lab.bus.envelope import CancelMessage
from lab.devices.driver import DeviceError
from tests.lab.devices.fake_device import Script

if TYPE_CHECKING:
    from lab.domain.command import Outcome
    from tests.lab.devices.fake_device import Bench


async def cancelled(bench: Bench, id: str = "c1", epoch: int = 1) -> Outcome:
    start = len(bench.heard)
    await bench.send(CancelMessage(journal="j1", ledger="l1", id=id, epoch=epoch, actor="Ada"))
    return (await bench.outcome(id, start)).outcome


@pytest.mark.parametrize(
    ("point", "result", "word", "doses"),
    [
        ("before_begin", "failed_no_effect", "never_started", 0),
        ("after_begin", "failed_no_effect", "halted", 0),
        ("after_act", "succeeded", "ran_to_completion", 1),
    ],
)
async def test_a_running_action_is_stopped_and_the_device_stands_still(
    bench: Bench, point, result, word, doses
):
    async with bench.host(Script.waiting_at(point)):
        await bench.send(bench.command())
        await bench.reaches(point)
        outcome = await cancelled(bench)
        assert (outcome.result, outcome.cancelled) == (result, word)
        assert bench.device.made_safe == 1
        assert len(bench.device.doses) == doses
        bench.script.before_begin = bench.script.after_begin = bench.script.after_act = None
        assert (await bench.do(bench.command("c2")))[1].result == "succeeded", "no re-arming is due"
    assert "safe" not in bench.states()


@pytest.mark.parametrize(("action", "point"), [("heat", "heating"), ("weigh", "weigh")])
async def test_settings_and_readings_are_halted_too(bench: Bench, action, point):
    gate = asyncio.Event()
    async with bench.host(Script(before_begin=gate, after_begin=gate)):
        await bench.send(bench.command("c1", action))
        await bench.reaches(point)
        assert (await cancelled(bench)).cancelled == "halted"


async def test_a_driver_that_ends_by_itself_halts_at_a_boundary(bench: Bench):
    stall = DeviceError("stall", "stopped after the first stroke", effect="partial")
    script = Script(error_after_begin=stall, after_begin=asyncio.Event(), swallow_cancel_s=0.0)
    async with bench.host(script):
        await bench.send(bench.command())
        await bench.reaches("after_begin")
        outcome = await cancelled(bench)
    assert (outcome.result, outcome.cancelled) == ("failed_partial", "halted_at_boundary")


async def test_without_the_device_s_word_it_is_unconfirmed(bench: Bench):
    async with bench.host(Script.waiting_at("after_begin")):
        await bench.send(bench.command())
        await bench.reaches("after_begin")
        bench.device.safe_fails = True
        outcome = await cancelled(bench)
        assert outcome.cancelled == "unconfirmed"
        bench.device.safe_fails = False


async def test_an_unplugged_device_is_unconfirmed(bench: Bench):
    async with bench.host(Script.waiting_at("after_begin")):
        await bench.send(bench.command())
        await bench.reaches("after_begin")
        bench.device.plugged = False
        outcome = await cancelled(bench)
    assert (outcome.result, outcome.cancelled) == ("unknown", "unconfirmed")
    assert bench.device.made_safe == 0


async def test_what_can_not_be_settled_is_unconfirmed_though_it_stands_still(bench: Bench):
    bench.device.settle_as = "unknown"
    async with bench.host(Script.waiting_at("after_begin")):
        await bench.send(bench.command())
        await bench.reaches("after_begin")
        outcome = await cancelled(bench)
    assert (outcome.result, outcome.cancelled) == ("unknown", "unconfirmed")


async def test_a_cancellation_that_comes_first_keeps_the_command_from_ever_acting(bench: Bench):
    async with bench.host():
        command = bench.command()
        await bench.send(CancelMessage(journal="j1", ledger="l1", id="c1", epoch=1, actor="Ada"))
        ack = await bench.hears(lambda m: m.kind == "ack" and m.id == "c1")
        assert (ack.accepted, ack.reason) == (False, "withdrawn")
        assert (await bench.do(command))[0].reason == "withdrawn"
    assert bench.device.doses == []


async def test_of_what_is_over_the_outcome_is_told_again(bench: Bench):
    async with bench.host():
        await bench.do(bench.command())
        outcome = await cancelled(bench)
        assert (outcome.result, outcome.cancelled) == ("succeeded", None)
        assert bench.device.made_safe == 0
    assert len(bench.device.doses) == 1


async def test_what_a_crash_interrupted_is_settled_with_the_device(bench: Bench):
    hosting = bench.host(Script.waiting_at("after_act"))
    await hosting.__aenter__()
    await bench.send(bench.command())
    await bench.reaches("after_act")
    await hosting.crash()
    async with bench.host(Script()):
        assert (await cancelled(bench)).result == "succeeded"
    assert len(bench.device.doses) == 1


async def test_the_wrong_command_and_the_wrong_engine_stop_nothing(bench: Bench):
    async with bench.host(Script.waiting_at("after_begin")):
        await bench.hello(epoch=2)
        await bench.send(bench.command(epoch=2))
        await bench.reaches("after_begin")
        await bench.send(
            CancelMessage(journal="j1", ledger="l1", id="c1", epoch=1, actor="a zombie")
        )
        await bench.send(
            CancelMessage(journal="j1", ledger="l1", id="another", epoch=2, actor="Ada")
        )
        await bench.quiet()
        assert bench.device.made_safe == 0
        assert bench.script.after_begin is not None
        bench.script.after_begin.set()
        assert (await bench.outcome("c1")).outcome.result == "succeeded"


async def test_the_same_cancellation_twice_is_one(bench: Bench):
    async with bench.host(Script.waiting_at("after_begin")):
        await bench.send(bench.command())
        await bench.reaches("after_begin")
        first = await cancelled(bench)
        assert await cancelled(bench) == first, "from the ledger"
    assert bench.device.made_safe == 1
