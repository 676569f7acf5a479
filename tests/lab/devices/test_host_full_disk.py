"""A ledger that can't be written: nothing is begun, nothing that is known is lost, and the host serves on."""

from __future__ import annotations

import asyncio
import sqlite3
from typing import TYPE_CHECKING, cast

import pytest

from lab.bus.envelope import QueryMessage
from tests.lab.devices.fake_device import Bench, Script

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    async with Bench() as bench:
        yield bench


def refuse_writes(bench: Bench, *, on: bool = True) -> None:
    """SQLite itself refuses every write from now on."""
    bench.ledger._db.execute(f"PRAGMA query_only = {int(on)}")


async def test_a_command_that_can_t_be_written_down_is_not_begun_and_not_answered(bench: Bench):
    async with bench.host():
        refuse_writes(bench)
        start = len(bench.heard)
        await bench.send(bench.command("c1"))
        fault = await bench.state("fault", start)
        assert "the command ledger can't be written" in fault.detail
        await bench.quiet()
        assert not [m for m in bench.heard[start:] if m.kind == "ack"]
        assert bench.device.doses == []
        # As if the message had been lost on its way; the host is there for the next one.
        refuse_writes(bench, on=False)
        await bench.state("ready", start)
        assert (await bench.do(bench.command("c1")))[1].result == "succeeded"
        assert bench.device.doses == [2.5]


async def test_the_heart_beats_on_and_says_fault_while_nothing_can_be_written(bench: Bench):
    async with bench.host():
        refuse_writes(bench)
        await bench.send(bench.command("c1"))
        await bench.state("fault", 0)
        for _ in range(3):
            await bench.hears(lambda m: m.kind == "hb" and m.state == "fault", len(bench.heard))
        refuse_writes(bench, on=False)
        await bench.hears(lambda m: m.kind == "hb" and m.state == "ready", len(bench.heard))


async def test_a_full_disk_is_noticed_by_the_file_s_own_limit(bench: Bench):
    db = bench.ledger._db
    (pages,) = db.execute("PRAGMA page_count").fetchone()
    async with bench.host():
        db.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(sqlite3.OperationalError, match="full"):
            bench.ledger.device("doser").try_to_write()
        start, number = len(bench.heard), 0
        while not [m for m in bench.heard[start:] if m.kind == "state" and m.state == "fault"]:
            number += 1
            assert number < 200
            await bench.send(bench.command(f"c{number}", "weigh"))
            await bench.quiet()
        db.execute("PRAGMA max_page_count = 100000")
        await bench.hears(lambda m: m.kind == "hb" and m.state == "ready", len(bench.heard))
        assert (await bench.do(bench.command("last")))[1].result == "succeeded"


@pytest.mark.parametrize("point", ["before_begin", "after_act"])
async def test_what_is_under_way_begins_nothing_and_forgets_nothing(bench: Bench, point: str):
    script = Script.waiting_at(point)
    async with bench.host(script):
        start = len(bench.heard)
        await bench.send(bench.command("c1"))
        await bench.reaches(point)
        refuse_writes(bench)
        gate = getattr(script, point)
        gate.set()
        await bench.hears(lambda m: m.kind == "state" and "ledger" in m.detail, start)
        assert not [m for m in bench.heard[start:] if m.kind == "outcome"]
        assert (await bench.query("c1")).status == "running"
        refuse_writes(bench, on=False)
        outcome = (await bench.outcome("c1", start)).outcome
        if point == "before_begin":
            assert (outcome.result, outcome.error_code) == ("failed_no_effect", "ledger")
            assert bench.device.doses == []
        else:
            assert outcome.result == "succeeded"
            assert bench.device.doses == [2.5]
        entry = bench.ledger.device("doser").entry("c1")
        assert entry is not None
        assert entry.outcome == outcome


async def test_the_device_is_made_safe_although_nothing_can_be_written(bench: Bench):
    async with bench.host():
        refuse_writes(bench)
        reply = await bench.safe("s1")
        assert reply.confirmed
        assert bench.device.made_safe == 1
        assert (await bench.state("safe")).safe_requests == ("s1",)
        refuse_writes(bench, on=False)
        assert (await bench.do(bench.command("c1")))[0].reason == "safe"
        await bench.hears(lambda m: m.kind == "hb" and not m.detail, len(bench.heard))
        assert [request.id for request in bench.ledger.device("doser").safe_in_force()] == ["s1"]
    async with bench.host():
        assert (await bench.do(bench.command("c2")))[0].reason == "safe"
        await bench.hello(lifts=("s1",))
        assert (await bench.do(bench.command("c3")))[1].result == "succeeded"


async def test_a_request_that_was_never_written_can_be_lifted(bench: Bench):
    async with bench.host():
        refuse_writes(bench)
        await bench.safe("s1")
        refuse_writes(bench, on=False)
        await bench.hello(lifts=("s1",))
        await bench.state("ready")
        assert (await bench.do(bench.command("c1")))[1].result == "succeeded"


async def test_what_the_device_says_of_an_interrupted_command_is_asked_again(bench: Bench):
    script = Script.waiting_at("after_act")
    hosting = bench.host(script)
    async with hosting:
        await bench.send(bench.command("c1"))
        await bench.reaches("after_act")
    bench.script = Script()
    bench.device.plugged = False
    async with bench.host():
        refuse_writes(bench)
        bench.device.plugged = True
        start = len(bench.heard)
        await bench.hears(lambda m: m.kind == "desc" and m.serial_number == "42", start)
        assert (await bench.query("c1")).status == "running"
        refuse_writes(bench, on=False)
        reply = await bench.query("c1")
        assert (reply.status, reply.settlement.verdict) == ("settled", "done")
        assert bench.device.doses == [2.5]


@pytest.mark.parametrize("action", ["dispense", "heat"])
async def test_who_makes_it_safe_does_not_wait_until_an_end_can_be_written(
    bench: Bench, action: str
):
    script = Script(after_begin=asyncio.Event())
    async with bench.host(script):
        await bench.send(bench.command("c1", action))
        await bench.reaches("after_begin" if action == "dispense" else "heating")
        refuse_writes(bench)
        assert script.after_begin is not None
        script.after_begin.set()
        await bench.state("fault")
        assert (await bench.safe("s1")).confirmed
        assert bench.device.made_safe == 1
        # It is not forgotten over that: still in hand, and told when it can be kept.
        assert (await bench.query("c1")).status == "running"
        start = len(bench.heard)
        refuse_writes(bench, on=False)
        assert (await bench.outcome("c1", start)).outcome.result == "succeeded"
        assert bench.device.made_safe == 1


async def test_a_line_that_comes_back_is_made_safe_although_the_request_could_not_be_written(
    bench: Bench,
):
    async with bench.host():
        bench.device.plugged = False
        refuse_writes(bench)
        assert not (await bench.safe("s1")).confirmed
        assert bench.device.made_safe == 0
        start = len(bench.heard)
        bench.device.plugged = True
        reply = await bench.hears(lambda m: m.kind == "safe_reply" and m.id == "s1", start)
        assert reply.confirmed
        assert bench.device.made_safe == 1
        await bench.hears(lambda m: m.kind == "hb" and m.state == "safe", len(bench.heard))
        connections = bench.device.connections
        await asyncio.sleep(0.1)
        assert bench.device.connections == connections, "it is opened once, not for ever"


class Dead:
    """A disk that neither takes nor gives anything."""

    def execute(self, *_):
        raise sqlite3.OperationalError("disk I/O error")


async def test_a_dead_disk_ends_nothing_and_keeps_no_device_from_being_made_safe(bench: Bench):
    script = Script.waiting_at("after_act")
    async with bench.host(script) as host:
        await bench.send(bench.command("c1"))
        await bench.reaches("after_act")
        disk, host._ledger._db = host._ledger._db, cast("sqlite3.Connection", Dead())
        assert script.after_act is not None
        script.after_act.set()
        assert (await bench.safe("s1")).confirmed
        assert bench.device.made_safe == 1
        start = len(bench.heard)
        for message in (
            bench.command("c2"),
            QueryMessage(journal="j1", ledger="l1", id="c1", epoch=1),
        ):
            await bench.send(message)
        await asyncio.sleep(0.1)
        assert not [m for m in bench.heard[start:] if m.kind in ("ack", "query_reply", "outcome")]
        # The disk is there again: what was known is written, and told.
        host._ledger._db = disk
        assert (await bench.outcome("c1", start)).outcome.result == "succeeded"
        await bench.hears(lambda m: m.kind == "hb" and m.state == "safe", len(bench.heard))
        await bench.hello(lifts=("s1",))
        assert (await bench.do(bench.command("c3")))[1].result == "succeeded"


async def test_with_a_dead_disk_a_line_that_comes_back_is_made_safe_and_serves(bench: Bench):
    async with bench.host() as host:
        bench.device.plugged = False
        await bench.state("disconnected")
        disk, host._ledger._db = host._ledger._db, cast("sqlite3.Connection", Dead())
        assert not (await bench.safe("s1")).confirmed
        start = len(bench.heard)
        bench.device.plugged = True
        reply = await bench.hears(lambda m: m.kind == "safe_reply" and m.id == "s1", start)
        assert reply.confirmed
        assert bench.device.made_safe == 1
        host._ledger._db = disk
        await bench.hears(lambda m: m.kind == "hb" and m.state == "safe", len(bench.heard))
        assert host._ledger.safe_in_force()[0].id == "s1"
