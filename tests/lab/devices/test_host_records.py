"""Whose commands a device host obeys: those of the records that hold the device, meant for the ledger that it has."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from lab.bus import topics
from lab.bus.envelope import CancelMessage, EngineBeat, Held
from lab.devices.ledger import Claim, CommandLedger
from tests.lab.devices.fake_device import Script

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from tests.lab.devices.fake_device import Bench

OTHER: dict[str, Any] = {"journal": "j2"}


def holder(bench: Bench) -> Claim:
    return bench.ledger.device("doser").holder()


async def leave(bench: Bench, epoch: int = 1, journal: str = "j1") -> None:
    beat = EngineBeat(journal=journal, epoch=epoch, sent_at=bench.now, leaving=True)
    await bench.engine.publish(topics.engine_beat("lab1"), beat.model_dump_json().encode())
    await bench.quiet()


# -- other records --------------------------------------------------------------------------------


async def test_commands_of_other_records_are_refused_while_an_engine_holds_the_device(
    bench: Bench, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.ERROR)
    async with bench.host():
        await bench.hello(epoch=5)
        ack, _ = await bench.do(bench.command("theirs", epoch=9, **OTHER))
        assert (ack.accepted, ack.reason) == (False, "outranked")
        assert bench.device.doses == []
        assert (await bench.do(bench.command("ours", epoch=5)))[1].result == "succeeded"


async def test_an_engine_of_other_records_is_told_who_holds_the_device(bench: Bench):
    async with bench.host():
        await bench.hello(epoch=5)
        for message in (
            CancelMessage(journal="j2", ledger="l1", id="x", epoch=9, actor="Ada"),
            bench.command("x", epoch=9, **OTHER),
        ):
            await bench.send(message)
        start = len(bench.heard)
        await bench.hello(epoch=9, **OTHER)
        beat = await bench.hears(lambda m: m.kind == "hb", start)
        assert (beat.journal, beat.epoch, beat.free) == ("j1", 5, False)
        assert holder(bench) == Claim("j1", 5, free=False)


async def test_what_other_records_ask_is_not_answered_and_not_remembered(bench: Bench):
    async with bench.host():
        assert (await bench.do(bench.command("c1")))[1].result == "succeeded"
        start = len(bench.heard)
        for message in (
            bench.command("c2").model_copy(update={"op": "hello"}),
            CancelMessage(journal="j2", ledger="l1", id="c2", epoch=9, actor="Ada"),
        ):
            await bench.send(message)
        await bench.quiet()
        assert not [m for m in bench.heard[start:] if m.kind == "ack"]
        assert (await bench.do(bench.command("c2")))[1].result == "succeeded"


async def test_other_records_get_the_device_when_its_engine_has_left_in_order(bench: Bench):
    async with bench.host():
        await bench.hello(epoch=5)
        start = len(bench.heard)
        await leave(bench, epoch=5)
        beat = await bench.hears(lambda m: m.kind == "hb", start)
        assert (beat.epoch, beat.free) == (5, True)
    async with bench.host():
        assert (await bench.do(bench.command(epoch=1, **OTHER)))[1].result == "succeeded"
        late, _ = await bench.do(bench.command("late", epoch=5))
        assert late.reason == "outranked"
        await bench.hello(epoch=5)
        assert holder(bench) == Claim("j2", 1, free=False), "a late copy of its hello, too"


async def test_they_get_it_by_force_only_from_the_holder_whom_a_person_meant(bench: Bench):
    async with bench.host():
        await bench.hello(epoch=5)
        await bench.hello(epoch=1, takes=Held(journal="j1", epoch=4), **OTHER)
        assert holder(bench) == Claim("j1", 5, free=False)
        takes = Held(journal="j1", epoch=5)
        await bench.hello(epoch=1, takes=takes, **OTHER)
        assert (await bench.do(bench.command("c1", epoch=1, **OTHER)))[1].result == "succeeded"
        # The first engine's next start takes it back; a copy of the word that took it changes nothing then.
        await bench.hello(epoch=6, takes=Held(journal="j2", epoch=1))
        await bench.hello(epoch=1, takes=takes, **OTHER)
        assert holder(bench) == Claim("j1", 6, free=False)


async def test_everybody_may_make_it_safe_and_only_its_holder_lifts_that(bench: Bench):
    async with bench.host():
        await bench.hello(epoch=5)
        assert (await bench.safe("s2")).confirmed
        await bench.hello(epoch=9, lifts=("s2",), **OTHER)
        assert (await bench.do(bench.command(epoch=5)))[0].reason == "safe"
        await bench.hello(epoch=5, lifts=("s2",))
        assert (await bench.do(bench.command("c2", epoch=5)))[1].result == "succeeded"


async def test_equal_names_in_other_records_are_other_commands(bench: Bench):
    async with bench.host():
        assert (await bench.do(bench.command("c-of-j1")))[1].result == "succeeded"
        await leave(bench)
        assert (await bench.do(bench.command("c-of-j2", seq=1, **OTHER)))[1].result == "succeeded"
        assert len(bench.device.doses) == 2


# -- another ledger -------------------------------------------------------------------------------


def lose_ledger(bench: Bench, identity: str = "l2") -> None:
    bench.ledger.close()
    bench.ledger = CommandLedger(identity=identity)


async def test_a_lost_ledger_answers_nothing_about_what_was_sent_to_it(bench: Bench):
    async with bench.host():
        assert (await bench.do(bench.command("c1")))[1].result == "succeeded"
    lose_ledger(bench)
    async with bench.host():
        assert (await bench.query("c1")).status == "forgotten"
        assert (await bench.query("c1")).status == "forgotten", "also when it is asked again"
        assert (await bench.query("new", ledger="l2")).status == "never_seen"
        assert (await bench.query("of an old version", ledger="")).status == "never_seen"


async def test_a_late_copy_does_not_act_where_the_ledger_was_lost(bench: Bench):
    message = bench.command("c1")
    async with bench.host():
        assert (await bench.do(message))[1].result == "succeeded"
    lose_ledger(bench)
    async with bench.host():
        start = len(bench.heard)
        await bench.send(message)
        reply = await bench.hears(lambda m: m.kind == "query_reply", start)
        assert reply.status == "forgotten"
        await bench.quiet()
        assert not [m for m in bench.heard[start:] if m.kind == "ack"], (
            "a refusal would say that nothing happened"
        )
        assert bench.device.doses == [2.5]
        assert (await bench.do(bench.command("c2", ledger="l2")))[1].result == "succeeded"


async def test_a_cancellation_proves_nothing_where_the_ledger_was_lost(bench: Bench):
    async with bench.host(Script()):
        assert (await bench.do(bench.command("c1")))[1].result == "succeeded"
    lose_ledger(bench)
    async with bench.host():
        start = len(bench.heard)
        await bench.send(CancelMessage(journal="j1", ledger="l1", id="c1", epoch=1, actor="Ada"))
        reply = await bench.hears(lambda m: m.kind == "query_reply", start)
        assert (reply.id, reply.status) == ("c1", "forgotten")


async def test_state_and_beat_tell_the_ledger(bench: Bench):
    async with bench.host():
        beat = await bench.hears(lambda m: m.kind == "hb")
        state = await bench.state("ready")
    lose_ledger(bench, "another")
    start = len(bench.heard)
    async with bench.host():
        later = await bench.state("ready", start)
    assert (beat.ledger, state.ledger, later.ledger) == ("l1", "l1", "another")


def test_a_ledger_keeps_the_identity_that_it_was_made_with(tmp_path: Path):
    names: list[str] = []
    for offered in ("a", "b"):
        book = CommandLedger(tmp_path / "ledger.db", identity=offered)
        names.append(book.identity)
        book.close()
    assert names == ["a", "a"]
