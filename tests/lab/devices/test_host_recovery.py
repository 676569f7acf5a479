"""Hosts die at every point of an action; the next one on the same ledger tells the truth and never acts twice."""

from __future__ import annotations

import asyncio
import logging

import pytest

from tests.lab.devices.fake_device import Bench, Script

POINTS = ["before_begin", "after_begin", "after_act"]


async def _crash_at(bench: Bench, point: str, message) -> None:
    script = Script.waiting_at(point)
    hosting = bench.host(script)
    await hosting.__aenter__()
    await bench.send(message)
    await bench.reaches(point)
    await hosting.crash()
    bench.script = Script()


@pytest.mark.parametrize(
    ("point", "verdict", "doses", "asked"),
    [
        ("before_begin", "not_done", 0, False),  # certain from the ledger alone
        ("after_begin", "not_done", 0, True),
        ("after_act", "done", 1, True),
    ],
)
async def test_the_next_host_settles_what_the_dead_one_began(
    bench: Bench, point, verdict, doses, asked
):
    message = bench.command()
    await _crash_at(bench, point, message)
    async with bench.host():
        reply = await bench.query("c1", epoch=2)
        assert (reply.status, reply.settlement.verdict) == ("settled", verdict)
        again = await bench.query("c1", epoch=2)
        assert again.settlement == reply.settlement
        # A late copy, and a resend with a newer number: neither acts.
        for copy in (message, bench.command(epoch=2)):
            ack, outcome = await bench.do(copy)
            assert ack.accepted
            assert outcome.result == ("succeeded" if verdict == "done" else "failed_no_effect")
        assert len(bench.device.doses) == doses
        # A new attempt has a new id.
        assert (await bench.do(bench.command("c2", epoch=2)))[1].result == "succeeded"
    assert len(bench.device.doses) == doses + 1
    assert bench.device.asked == (["c1"] if asked else [])


@pytest.mark.parametrize("point", POINTS)
async def test_a_resend_without_a_query_does_not_act_either(bench: Bench, point):
    message = bench.command()
    await _crash_at(bench, point, message)
    doses = len(bench.device.doses)
    async with bench.host():
        _, outcome = await bench.do(message)
        assert outcome.result == ("succeeded" if doses else "failed_no_effect")
    assert len(bench.device.doses) == doses


async def test_a_crash_after_the_end_repeats_the_outcome(bench: Bench):
    message = bench.command()
    async with bench.host():
        _, outcome = await bench.do(message)
    async with bench.host():
        reply = await bench.query("c1", epoch=2)
        assert (reply.status, reply.outcome) == ("ended", outcome)
    assert bench.device.doses == [2.5]


async def test_the_device_is_asked_before_a_new_act_moves_its_counters(bench: Bench):
    await _crash_at(bench, "after_act", bench.command("one"))
    async with bench.host():
        # No query yet: the new command follows at once.
        assert (await bench.do(bench.command("two", epoch=2)))[1].result == "succeeded"
        reply = await bench.query("one", epoch=2)
        assert (reply.status, reply.settlement.verdict) == ("settled", "done")
    assert bench.device.asked == ["one"]
    assert len(bench.device.doses) == 2


async def test_a_device_that_is_away_after_the_crash_is_asked_when_it_returns(bench: Bench):
    await _crash_at(bench, "after_act", bench.command())
    bench.device.plugged = False
    async with bench.host():
        assert (await bench.query("c1", epoch=2)).status == "running"
        bench.device.plugged = True
        await bench.state("ready", len(bench.heard))
        reply = await bench.query("c1", epoch=2)
        assert (reply.status, reply.settlement.verdict) == ("settled", "done")


async def test_a_setting_may_be_sent_again_under_its_id_but_a_late_copy_not(bench: Bench):
    hosting = bench.host(Script(after_begin=asyncio.Event()))
    await hosting.__aenter__()
    message = bench.command("h", "heat")
    await bench.send(message)
    await bench.reaches("heating")
    await hosting.crash()
    bench.script = Script()
    async with bench.host():
        assert (await bench.query("h", epoch=2)).settlement.verdict == "not_done"
        # The late copy could undo a newer setting: it is answered, not carried out.
        assert (await bench.do(message))[1].result == "failed_no_effect"
        assert bench.device.temperatures == [60.0]
        anew = bench.command("h", "heat", epoch=2)
        assert (await bench.do(anew))[1].result == "succeeded"
        assert (await bench.do(anew))[1].result == "succeeded"
    assert bench.device.temperatures == [60.0, 60.0]


async def test_killed_again_while_it_settles(bench: Bench):
    await _crash_at(bench, "after_act", bench.command())
    bench.device.settle_as = "fails"
    async with bench.host():
        pass
    bench.device.settle_as = "by_count"
    async with bench.host():
        reply = await bench.query("c1", epoch=2)
        assert reply.settlement.verdict == "done"
    assert bench.device.doses == [2.5]


async def test_the_transport_ends_and_the_host_ends_with_it(bench: Bench):
    hosting = bench.host(Script(after_begin=asyncio.Event()))
    async with hosting:
        await bench.send(bench.command())
        await bench.reaches("after_begin")
        await hosting.transport.__aexit__(None, None, None)
        main = hosting.host._main
        assert main is not None
        async with asyncio.timeout(5):
            await asyncio.wait((main,))
    entry = bench.ledger.device("doser").entry("c1")
    assert entry is not None
    assert entry.state == "acting"


async def test_trouble_with_the_transport_never_ends_an_action(bench: Bench, caplog):
    caplog.set_level(logging.ERROR)
    hosting = bench.host()
    async with hosting:

        async def broken(*_, **__):
            raise OSError("network is down")

        whole, hosting.transport.publish = hosting.transport.publish, broken
        await bench.send(bench.command())
        await bench.reaches("after_act")
        await bench.quiet()
        hosting.transport.publish = whole
        assert (await bench.query("c1")).outcome.result == "succeeded"
    assert bench.device.doses == [2.5]


async def test_a_transport_that_blocks_holds_up_neither_device_nor_safety(bench: Bench):
    hosting = bench.host()
    async with hosting:
        gate = asyncio.Event()
        whole = hosting.transport.publish

        async def blocked(*args, **kwargs):
            await gate.wait()
            await whole(*args, **kwargs)

        hosting.transport.publish = blocked
        await bench.send(bench.command())
        await bench.reaches("after_act")
        await bench.quiet()
        entry = bench.ledger.device("doser").entry("c1")
        assert entry is not None
        assert entry.state == "ended"
        gate.set()
        assert (await bench.outcome("c1")).outcome.result == "succeeded"


# -- safe ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("point", "result", "doses"),
    [
        ("before_begin", "failed_no_effect", 0),
        ("after_begin", "failed_no_effect", 0),
        ("after_act", "succeeded", 1),
    ],
)
async def test_safe_stops_the_running_action_and_keeps_the_books_honest(
    bench: Bench, point, result, doses
):
    async with bench.host(Script.waiting_at(point)):
        await bench.send(bench.command())
        await bench.reaches(point)
        reply = await bench.safe()
        assert reply.confirmed
        assert bench.device.made_safe == 1
        outcome = (await bench.outcome("c1")).outcome
        assert outcome.result == result
        if result != "succeeded":
            assert outcome.error_code == "stopped"
        assert bench.states()[-1] == "safe"
        ack, _ = await bench.do(bench.command("c2"))
        assert (ack.accepted, ack.reason) == (False, "safe")
    assert len(bench.device.doses) == doses


async def test_a_setting_that_was_stopped_is_partial(bench: Bench):
    async with bench.host(Script(after_begin=asyncio.Event())):
        await bench.send(bench.command("h", "heat"))
        await bench.reaches("heating")
        await bench.safe()
        outcome = (await bench.outcome("h")).outcome
    assert (outcome.result, outcome.error_code) == ("failed_partial", "stopped")


async def test_safe_outlives_a_restart_and_only_a_person_lifts_it(bench: Bench):
    async with bench.host():
        await bench.safe("s1")
    async with bench.host():
        assert bench.device.made_safe == 2  # made safe again: it may have been power-cycled
        await bench.hello(epoch=2)
        assert (await bench.do(bench.command("a", epoch=2)))[0].reason == "safe"
        await bench.hello(epoch=1, lifts=("s1",))  # a zombie's
        assert (await bench.do(bench.command("b", epoch=2)))[0].reason == "safe"
        await bench.hello(epoch=2, lifts=("s1",))
        assert (await bench.do(bench.command("c", epoch=2)))[1].result == "succeeded"


async def test_a_late_copy_of_a_named_rearm_does_not_lift_a_newer_safe(bench: Bench):
    async with bench.host():
        await bench.safe("s1")
        await bench.hello(lifts=("s1",))
        assert (await bench.do(bench.command("a")))[1].result == "succeeded"
        await bench.safe("s2")
        await bench.hello(lifts=("s1",))
        assert (await bench.do(bench.command("b")))[0].reason == "safe"
        await bench.hello(lifts=("s2",))
        assert (await bench.do(bench.command("c")))[1].result == "succeeded"


async def test_what_keeps_a_device_safe_is_told_by_name_until_it_is_lifted(bench: Bench):
    async with bench.host():
        for request in ("s1", "s2"):
            await bench.safe(request)
        start = len(bench.heard)
        await bench.hello()
        state = await bench.state("safe", start)
        beat = await bench.hears(lambda m: m.kind == "hb", start)
        assert state.safe_requests == beat.safe_requests == ("s1", "s2")
        start = len(bench.heard)
        await bench.hello(lifts=("s2",))
        assert (await bench.state("safe", start)).safe_requests == ("s1",)
        await bench.hello(lifts=("s1",))
        assert (await bench.state("ready", start)).safe_requests == ()


async def test_the_same_request_after_a_rearm_is_obeyed_again(bench: Bench):
    async with bench.host():
        await bench.safe("s1")
        await bench.hello(lifts=("s1",))
        await bench.safe("s1")
        assert (await bench.do(bench.command()))[0].reason == "safe"
    assert bench.device.made_safe == 2


async def test_safe_is_obeyed_from_an_old_epoch(bench: Bench):
    async with bench.host():
        await bench.hello(epoch=9)
        assert (await bench.safe(epoch=1)).confirmed
        assert (await bench.do(bench.command(epoch=9)))[0].reason == "safe"
        assert bench.ledger.device("doser").holder().epoch == 9


async def test_a_device_that_can_not_be_reached_is_not_called_safe(bench: Bench):
    async with bench.host():
        start = len(bench.heard)
        bench.device.plugged = False
        await bench.state("disconnected", start)
        reply = await bench.safe()
        assert not reply.confirmed
        assert reply.detail
        assert bench.states()[-1] == "disconnected"
        start = len(bench.heard)
        bench.device.plugged = True
        later = await bench.hears(lambda m: m.kind == "safe_reply" and m.confirmed, start)
        assert later.id == "s1"
        await bench.state("safe", start)
    assert bench.device.made_safe >= 1


async def test_a_device_that_fails_to_become_safe_is_tried_again(bench: Bench):
    bench.device.safe_fails = True
    hosting = bench.host()
    await hosting.transport.__aenter__()
    async with hosting.host:
        await bench.state("ready")
        reply = await bench.safe()
        assert not reply.confirmed
        start = len(bench.heard)
        bench.device.safe_fails = False
        await bench.hears(lambda m: m.kind == "safe_reply" and m.confirmed, start)
    await hosting.transport.__aexit__(None, None, None)
    assert bench.device.made_safe >= 1


async def test_the_device_is_made_safe_before_it_is_asked_anything(bench: Bench):
    async with bench.host(Script(after_act=asyncio.Event())):
        await bench.send(bench.command())
        await bench.reaches("after_act")
        await bench.safe()
        await bench.outcome("c1")
    assert bench.device.calls == ["safe", "settle"]


@pytest.mark.parametrize("holds_on_s", [0.0, 0.05, 0.6])
@pytest.mark.parametrize("point", ["before_begin", "after_begin"])
async def test_a_driver_that_ignores_its_cancellation_does_not_hold_up_safety(
    bench: Bench, point, holds_on_s
):
    async with bench.host(Script.waiting_at(point, holds_on_s)):
        await bench.send(bench.command())
        await bench.reaches(point)
        assert (await bench.safe()).confirmed
        assert bench.device.made_safe >= 1
        await asyncio.sleep(holds_on_s + 0.1)  # the rest of the driver's own doings
    if point == "before_begin":
        assert bench.device.doses == []  # nothing begins after an accepted stop


async def test_a_long_question_to_the_device_does_not_keep_it_from_being_made_safe(bench: Bench):
    await _crash_at(bench, "after_act", bench.command())
    bench.device.settle_waits = asyncio.Event()
    async with bench.host():
        async with asyncio.timeout(5):
            while not bench.device.asked:
                await asyncio.sleep(0.002)
        assert (await bench.safe("s1")).confirmed
        assert bench.device.calls[-1] == "safe"
        # Asked again by itself, before anything new may begin.
        async with asyncio.timeout(5):
            while len(bench.device.asked) < 2:
                await asyncio.sleep(0.002)
        bench.device.settle_waits.set()
        reply = await bench.query("c1")
        assert (reply.status, reply.settlement.verdict) == ("settled", "done")
        await bench.hello(lifts=("s1",))
        assert (await bench.do(bench.command("c2")))[1].result == "succeeded"


async def test_live_values_that_don_t_come_do_not_keep_it_from_being_made_safe_either(
    bench: Bench,
):
    bench.device.settle_waits = asyncio.Event()
    async with bench.host() as host:
        async with asyncio.timeout(5):
            while not host._line.lock.locked():
                await asyncio.sleep(0.002)
        start = asyncio.get_running_loop().time()
        assert (await bench.safe("s1")).confirmed
        assert asyncio.get_running_loop().time() - start < 0.25, "half of what a reading may take"
        bench.device.settle_waits.set()
        bench.device.telemetry = {"pressure": 2.0}
        await bench.hello(lifts=("s1",))
        assert (await bench.do(bench.command("c1")))[1].result == "succeeded"


async def test_a_request_that_comes_before_the_question_puts_it_off(bench: Bench):
    await _crash_at(bench, "after_act", bench.command())
    async with bench.host() as host:
        await bench.query("c1")
        line, entry = host._line, bench.ledger.device("doser").entry("c1")
        assert entry is not None
        assert entry.command is not None
        asked = len(bench.device.asked)
        line.hurry()
        assert await line.ask(entry.command) is None
        assert await line.read_telemetry() == {}
        assert len(bench.device.asked) == asked
        line.rest()
        settlement = await line.ask(entry.command)
        assert settlement is not None
        assert settlement.verdict == "done"
