"""What a device host accepts, refuses and reports."""

from __future__ import annotations

import asyncio
import json

import pytest

from lab.bus import topics
from lab.bus.envelope import Hello, QueryMessage, Telemetry
from lab.bus.memory import MemoryTransport
from lab.devices.driver import DeviceError
from lab.devices.ledger import Claim
from lab.devices.stream import StreamClosedError
from tests.lab.devices.fake_device import Bench, Script

# -- presence -----------------------------------------------------------------------------------


async def test_a_host_describes_its_device_and_beats(bench: Bench):
    async with bench.host():
        await bench.hears(lambda m: m.kind == "desc" and m.serial_number == "42")
        beat = await bench.hears(lambda m: m.kind == "hb" and m.state == "ready")
        assert (beat.boot, beat.epoch) == ("boot1", 0)
        async with MemoryTransport(bench.bus) as late:
            inbox = await late.subscribe("labwright/1/lab1/doser/desc", "labwright/1/+/+/state")
            kept = {topics.split(m.topic)[2]: m async for m in _first(inbox, 2)}
        assert all(message.retained for message in kept.values())
        description = json.loads(kept["desc"].payload)
        assert [c["name"] for c in description["capabilities"]] == [
            "liquid_dosing",
            "weighing",
            "heating_stirring",
        ]
        assert json.loads(kept["state"].payload)["state"] == "ready"
    await bench.state("disconnected", len(bench.heard) - 1)


async def _first(inbox, count):
    for _ in range(count):
        yield await anext(inbox)


async def test_the_last_state_after_an_orderly_end_is_disconnected(bench: Bench):
    hosting = bench.host()
    async with hosting:
        assert hosting.driver.open
    assert not hosting.driver.open
    await bench.quiet()
    assert bench.states()[-1] == "disconnected"


async def test_a_device_that_comes_late_is_found(bench: Bench):
    bench.device.plugged = False
    async with bench.host():
        await bench.state("disconnected")
        ack, _ = await bench.do(bench.command("early"))
        assert (ack.accepted, ack.reason) == (False, "disconnected")
        bench.device.plugged = True
        await bench.state("ready")
        _, outcome = await bench.do(bench.command("later"))
        assert outcome.result == "succeeded"
    assert bench.device.doses == [2.5]


async def test_telemetry_is_published_with_its_unit_and_never_nonsense(bench: Bench):
    inbox = await bench.engine.subscribe("labwright/1/lab1/doser/data/#")
    bench.device.telemetry = {"pressure": float("nan"), "undeclared": 1.0}
    async with bench.host():
        await asyncio.sleep(0.1)
        bench.device.telemetry = {"pressure": 1.5}
        async with asyncio.timeout(5):
            message = await anext(inbox)
    batch = Telemetry.model_validate_json(message.payload)
    assert message.topic.endswith("/data/pressure")
    assert (batch.unit, batch.samples[0][1]) == ("bar", 1.5)
    assert batch.boot
    assert batch.sent_at == bench.now


async def test_telemetry_finds_out_that_the_line_is_lost(bench: Bench):
    async with bench.host():
        start = len(bench.heard)
        bench.device.plugged = False
        await bench.state("disconnected", start)
        bench.device.plugged = True
        await bench.state("ready", start)


# -- an action ----------------------------------------------------------------------------------


async def test_a_command_is_acknowledged_acts_and_reports(bench: Bench):
    async with bench.host():
        ack, outcome = await bench.do(bench.command())
        assert ack.accepted
        assert (outcome.result, outcome.outputs) == ("succeeded", {"volume": 2.5})
        progress = await bench.hears(lambda m: m.kind == "progress")
        assert progress.values == {"volume": 1.25}
        assert bench.states()[-3:] == ["ready", "busy", "ready"]
    assert bench.device.doses == [2.5]
    entry = bench.ledger.device("doser").entry("c1")
    assert entry is not None
    assert (entry.state, entry.act_order) == ("ended", 1)


async def test_the_engine_may_send_the_next_command_as_soon_as_it_hears_the_outcome(bench: Bench):
    async with bench.host():
        for number in range(20):
            ack, outcome = await bench.do(bench.command(f"n{number}"))
            assert ack.accepted
            assert outcome.result == "succeeded"
    assert len(bench.device.doses) == 20


@pytest.mark.parametrize(
    ("changes", "reason", "says"),
    [
        ({"action": "explode"}, "unknown_action", "dispense"),
        ({"args": {"volume": -1.0}}, "bad_args", "below the minimum 0 mL"),
        ({"args": {}}, "bad_args", "volume: is missing"),
        ({"args": {"volume": 1.0, "colour": 3}}, "bad_args", "colour: no such argument"),
        ({"args": {"volume": "1"}}, "bad_args", "must be a number"),
        ({"args": {"volume": True}}, "bad_args", "must be a number"),
        ({"effect": "none"}, "bad_args", "differ in version"),
        ({"timeout_s": 0.0}, "bad_args", "timeout_s"),
        ({"sent_at": 960.0}, "expired", "10.0 s"),
        ({"epoch": 0}, "stale_epoch", "took over"),
        ({"seq": 0}, "stale_seq", "late or doubled"),
    ],
)
async def test_what_is_wrong_is_refused_for_ever(bench: Bench, changes, reason, says):
    async with bench.host():
        await bench.hello(epoch=1)
        await bench.do(bench.command("first"))
        wrong = bench.command("wrong", **changes)
        ack, _ = await bench.do(wrong)
        assert (ack.accepted, ack.reason) == (False, reason)
        assert says in ack.detail
        # The engine was told that nothing will happen: no better copy of that id may act either.
        again, _ = await bench.do(bench.command("wrong"))
        assert (again.accepted, again.reason) == (False, reason)
        assert (await bench.query("wrong")).status == "never_seen"
    assert bench.device.doses == [2.5]


async def test_the_limits_are_checked_at_the_device(bench: Bench):
    async with bench.host():
        hot = bench.command("hot", "heat", args={"temperature": 310.1})
        ack, _ = await bench.do(hot)
        assert (ack.reason, bench.device.temperatures) == ("bad_args", [])
        assert "above the maximum 310 degC" in ack.detail
        just = bench.command("just", "heat", args={"temperature": 310.0})
        assert (await bench.do(just))[1].result == "succeeded"


async def test_a_retained_command_never_acts(bench: Bench):
    await bench.send(bench.command("old"), retain=True)
    async with bench.host():
        ack = await bench.hears(lambda m: m.kind == "ack")
        assert (ack.accepted, ack.reason) == (False, "retained")
        ack, _ = await bench.do(bench.command("old"))
        assert not ack.accepted
    assert bench.device.doses == []


async def test_a_retained_hello_or_query_is_ignored(bench: Bench):
    await bench.send(Hello(journal="j1", epoch=99), retain=True)
    async with bench.host():
        await bench.quiet()
        assert bench.ledger.device("doser").holder() == Claim()
    await bench.send(QueryMessage(journal="j1", ledger="l1", id="q", epoch=5), retain=True)
    async with bench.host():
        await bench.quiet()
        assert bench.ledger.device("doser").entry("q") is None


@pytest.mark.parametrize("payload", [b"", b"\xff\xfe", b"[]", b'{"op":"command"}', b"{" * 5000])
async def test_nonsense_is_ignored_and_the_host_lives(bench: Bench, payload):
    async with bench.host():
        await bench.send(payload)
        assert (await bench.do(bench.command()))[1].result == "succeeded"


async def test_one_action_at_a_time(bench: Bench):
    bench.script.after_begin = asyncio.Event()
    async with bench.host():
        await bench.send(bench.command("one"))
        await bench.reaches("after_begin")
        assert (await bench.query("one")).status == "running"
        ack, _ = await bench.do(bench.command("two"))
        assert (ack.accepted, ack.reason) == (False, "busy")
        bench.script.after_begin.set()
        assert (await bench.outcome("one")).outcome.result == "succeeded"
    assert bench.device.doses == [2.5]


# -- repeats, epochs, queries -------------------------------------------------------------------


async def test_a_repeated_id_gets_the_recorded_answer_and_never_acts(bench: Bench):
    async with bench.host():
        message = bench.command()
        _, first = await bench.do(message)
        _, second = await bench.do(message)
        _, anew = await bench.do(message.model_copy(update={"seq": 77, "epoch": 3}))
        assert first == second == anew
    async with bench.host():
        assert (await bench.do(message))[1] == first
    assert bench.device.doses == [2.5]


async def test_a_copy_while_it_runs_is_acknowledged_only(bench: Bench):
    bench.script.after_begin = asyncio.Event()
    async with bench.host():
        message = bench.command()
        await bench.send(message)
        await bench.reaches("after_begin")
        await bench.send(message)
        await bench.send(message)
        await bench.quiet()
        bench.script.after_begin.set()
        await bench.outcome("c1")
        await bench.quiet()
    assert [m.accepted for m in bench.heard if m.kind == "ack"] == [True, True, True]
    assert len([m for m in bench.heard if m.kind == "outcome"]) == 1
    assert bench.device.doses == [2.5]


async def test_a_lower_epoch_is_fenced_off_also_after_a_restart(bench: Bench):
    async with bench.host():
        await bench.hello(epoch=5)
        beat = await bench.hears(lambda m: m.kind == "hb" and m.epoch == 5)
        assert beat.state == "ready"
    async with bench.host():
        ack, _ = await bench.do(bench.command(epoch=4))
        assert ack.reason == "stale_epoch"
        await bench.hello(epoch=4)  # a zombie: changes nothing
        assert (await bench.do(bench.command("c2", epoch=5)))[1].result == "succeeded"
    assert bench.device.doses == [2.5]


async def test_the_query_of_a_zombie_withdraws_nothing(bench: Bench):
    async with bench.host():
        await bench.hello(epoch=5)
        await bench.send(QueryMessage(journal="j1", ledger="l1", id="c1", epoch=4))
        assert (await bench.do(bench.command(epoch=5)))[1].result == "succeeded"


async def test_a_query_before_the_command_withdraws_it(bench: Bench):
    async with bench.host():
        message = bench.command()
        assert (await bench.query("c1")).status == "never_seen"
        ack, _ = await bench.do(message)
        assert (ack.accepted, ack.reason) == (False, "withdrawn")
        assert (await bench.query("c1")).status == "never_seen"
    assert bench.device.doses == []


async def test_a_query_after_the_end_gets_the_outcome(bench: Bench):
    async with bench.host():
        _, outcome = await bench.do(bench.command())
        reply = await bench.query("c1", epoch=2)
    assert (reply.status, reply.outcome) == ("ended", outcome)


# -- errors -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("script", "result", "code", "doses"),
    [
        (Script(error_before=DeviceError("stall", "x")), "failed_no_effect", "stall", 0),
        (Script(error_before=TimeoutError()), "failed_no_effect", "timeout", 0),
        (Script(error_before=StreamClosedError()), "failed_no_effect", "line_lost", 0),
        (Script(error_before=ZeroDivisionError()), "failed_no_effect", "driver_fault", 0),
        (
            Script(error_after_begin=DeviceError("stall", "x", effect="partial")),
            "failed_partial",
            "stall",
            0,
        ),
        (
            Script(error_after_begin=DeviceError("stall", "x", effect="unknown")),
            "unknown",
            "stall",
            0,
        ),
        (Script(error_after_begin=DeviceError("no", "x")), "failed_no_effect", "no", 0),
        # After the begin the device is asked, and its counter tells:
        (Script(error_after_begin=TimeoutError()), "failed_no_effect", "timeout", 0),
        (Script(error_after_act=TimeoutError()), "succeeded", "", 1),
        (Script(error_after_act=StreamClosedError()), "succeeded", "", 1),
        (Script(error_after_act=KeyError("bug")), "succeeded", "", 1),
        # Nonsense values: the dose was made, but nobody knows how much.
        (Script(outputs={"volume": float("nan")}), "unknown", "bad_output", 1),
        (Script(outputs={}), "unknown", "bad_output", 1),
        (Script(outputs={"volume": "2"}), "unknown", "bad_output", 1),
    ],
)
async def test_how_a_failure_is_reported(bench: Bench, script, result, code, doses):
    async with bench.host(script):
        ack, outcome = await bench.do(bench.command())
        assert ack.accepted
        assert (outcome.result, outcome.error_code) == (result, code)
        assert (outcome.error == "") == (result == "succeeded")
        assert (await bench.query("c1")).status in ("ended", "settled")
    assert len(bench.device.doses) == doses


async def test_the_device_is_asked_over_a_new_connection(bench: Bench):
    bench.script.error_after_act = StreamClosedError("pulled")
    async with bench.host():
        _, outcome = await bench.do(bench.command())
    assert (outcome.result, outcome.outputs) == ("succeeded", {"volume": 2.5})
    assert (bench.device.asked, bench.device.connections) == (["c1"], 2)


async def test_a_cable_pulled_in_mid_dose_is_unknown_until_the_device_is_back(bench: Bench):
    bench.script.after_act = asyncio.Event()
    bench.script.error_after_act = StreamClosedError("pulled")
    async with bench.host():
        await bench.send(bench.command())
        await bench.reaches("after_act")
        bench.device.plugged = False
        bench.script.after_act.set()
        assert (await bench.outcome("c1")).outcome.result == "unknown"
        assert (await bench.query("c1")).status == "running"  # still being found out
        bench.device.plugged = True
        await bench.hears(lambda m: m.kind == "hb" and m.state == "ready", len(bench.heard))
        reply = await bench.query("c1")
        assert (reply.status, reply.settlement.verdict) == ("settled", "done")
        assert reply.settlement.outputs == {"volume": 2.5}
        # A copy of the command now tells the same.
        assert (await bench.do(bench.command()))[1].result == "succeeded"
    assert bench.device.doses == [2.5]


async def test_the_counters_are_not_asked_after_another_act(bench: Bench):
    bench.script.error_after_begin = DeviceError("stall", "x", effect="unknown")
    async with bench.host():
        assert (await bench.do(bench.command("one")))[1].result == "unknown"
        bench.script.error_after_begin = None
        assert (await bench.do(bench.command("two")))[1].result == "succeeded"
        reply = await bench.query("one")
    assert (reply.status, reply.settlement.verdict) == ("settled", "unknown")
    assert "has acted since" in reply.settlement.detail
    assert bench.device.asked == []


async def test_what_the_device_can_not_tell_is_left_to_a_person(bench: Bench):
    bench.device.settle_as = "unknown"
    bench.script.error_after_act = TimeoutError()
    async with bench.host():
        assert (await bench.do(bench.command()))[1].result == "unknown"
        reply = await bench.query("c1")
    assert (reply.settlement.verdict, reply.settlement.detail) == (
        "unknown",
        "the counter was reset",
    )


async def test_a_device_that_never_answers_the_question_ends_with_a_person(bench: Bench):
    bench.device.settle_as = "fails"
    bench.script.error_after_act = TimeoutError()
    async with bench.host():
        assert (await bench.do(bench.command()))[1].result == "unknown"
        replies = [await bench.query("c1")]
        while replies[-1].status == "running" and len(replies) < 20:
            replies.append(await bench.query("c1"))
    assert replies[-1].status == "settled"
    assert replies[-1].settlement.verdict == "unknown"
    assert "3 times in vain" in replies[-1].settlement.detail
    assert len(bench.device.asked) == 3


async def test_a_read_never_has_an_effect(bench: Bench):
    for number, error in enumerate((TimeoutError(), DeviceError("x", "y", effect="unknown"))):
        bench.script.error_before = error
        async with bench.host():
            _, outcome = await bench.do(bench.command(f"w{number}", "weigh"))
            assert outcome.result == "failed_no_effect"
    bench.script.error_before = None
    bench.script.outputs = {"mass": float("inf"), "mass_sd": 0.1}
    async with bench.host():
        _, outcome = await bench.do(bench.command("w3", "weigh"))
        assert (outcome.result, outcome.error_code) == ("failed_no_effect", "bad_output")


async def test_a_setting_that_was_interrupted_may_be_set_again(bench: Bench):
    bench.script.error_after_begin = TimeoutError()
    async with bench.host():
        _, outcome = await bench.do(bench.command("h", "heat"))
    assert outcome.result == "failed_no_effect"
    assert bench.device.asked == []


async def test_the_time_limit_bounds_a_driver_that_hangs(bench: Bench):
    bench.script.before_begin = asyncio.Event()
    async with bench.host():
        _, outcome = await bench.do(bench.command(timeout_s=0.05))
        assert (outcome.result, outcome.error_code) == ("failed_no_effect", "timeout")
        assert "0.05 s" in outcome.error
        bench.script.before_begin = None
        bench.script.after_act = asyncio.Event()
        _, outcome = await bench.do(bench.command("c2", timeout_s=0.05))
        assert outcome.result == "succeeded"  # as the device says
    assert bench.device.doses == [2.5]


@pytest.mark.parametrize("holds_on_s", [0.0, 0.05, 0.6])
async def test_a_driver_that_ignores_its_time_limit_can_not_begin_late(bench: Bench, holds_on_s):
    bench.script.before_begin = asyncio.Event()
    bench.script.swallow_cancel_s = holds_on_s
    async with bench.host():
        _, outcome = await bench.do(bench.command(timeout_s=0.02))
        assert outcome.result == "failed_no_effect"
        await asyncio.sleep(holds_on_s + 0.1)  # the driver has gone on to `act.begin()` by now
    assert bench.device.doses == []


async def test_a_driver_without_begin_is_named_in_the_log(bench: Bench, caplog):
    bench.script.skip_begin = True
    async with bench.host():
        assert (await bench.do(bench.command()))[1].result == "succeeded"
    assert "acted without act.begin()" in caplog.text
