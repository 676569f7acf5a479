"""A whole lab whose database can't be written for a while: held, told, safe, and going on by itself."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import datetime

import pytest

from lab.faults.invariants import violations
from lab.faults.knobs import Knobs, NetworkKnobs, RoomKnobs, StoreKnobs
from lab.faults.laboratory import DEAD_MAN_S, Laboratory
from lab.faults.people import People
from lab.faults.store import Database

QUIET = Knobs(frozenset(), 100.0, NetworkKnobs(), StoreKnobs(), RoomKnobs(), trials=3, warms=True)
FROM_S, FOR_S = 6.0, 20.0


class Held:
    """The lab's disk is full from 6 s on, for so long."""

    def __init__(self, knobs: Knobs = QUIET, seconds: float = FOR_S) -> None:
        self.lab = Laboratory(4, knobs)
        self._seconds = seconds
        self.until_s = FROM_S + seconds

    async def _live(self, work) -> None:
        lab = self.lab
        lab.loop.create_task(People(lab).attend())
        for name in lab.capabilities:
            lab.loop.create_task(lab.keep_host(name))
        engine = lab.loop.create_task(lab.keep_engine())
        await asyncio.sleep(FROM_S)
        lab.database.full_until_s = self.until_s
        await work(self)
        async with asyncio.timeout(3600):
            await engine

    def live(self, work) -> None:
        self.lab.loop.run(self._live(work))

    def events(self, kind: str) -> list[tuple[float, dict]]:
        told = zip(self.lab.database.committed_s, self.lab.database.rows, strict=True)
        return [(at, event) for at, row in told if (event := json.loads(row.body))["kind"] == kind]

    def close(self) -> None:
        self.lab.close()


@pytest.fixture
def held():
    each = Held()
    yield each
    each.close()


async def nothing(held: Held) -> None:
    await asyncio.sleep(FOR_S / 2)
    engine = held.lab.engine
    assert engine is not None
    assert engine.trouble is not None
    assert "full" in engine.trouble.text


def test_nothing_begins_meanwhile_and_afterwards_all_goes_on(held):
    held.live(nothing)
    assert violations(held.lab) == []
    during = [a for a in held.lab.room.acts if FROM_S + 2.0 < a.at_s < held.until_s]
    assert during == [], "what was under way ends, and nothing begins"
    assert any(act.at_s > held.until_s for act in held.lab.room.acts)
    assert len(held.events("trial_completed")) == 3
    assert len(held.events("engine_started")) == 1, "it is the same engine"
    assert held.events("question_asked") == []


def test_intents_are_decided_anew_so_their_time_is_true(held):
    held.live(nothing)
    rows = zip(held.lab.database.committed_s, held.lab.database.rows, strict=True)
    first = held.lab.database.rows[0].at
    started = next(iter(held.lab.database.committed_s))
    for at_s, row in rows:
        stamped = datetime.fromisoformat(row.at) - datetime.fromisoformat(first)
        assert at_s - started - stamped.total_seconds() < 1.0, (
            "no event is older than the write that made it durable"
        )


def test_the_hosts_make_their_devices_safe_when_it_lasts_and_not_before():
    for seconds, safe in ((DEAD_MAN_S / 2, False), (DEAD_MAN_S * 3, True)):
        held = Held(replace(QUIET, dead_man=True), seconds)
        held.live(lambda each: asyncio.sleep(each._seconds))
        by_itself = [
            event
            for _, event in held.events("device_state_changed")
            if any(name.startswith("dead-man-") for name in event["safe_requests"])
        ]
        assert bool(by_itself) == safe
        assert violations(held.lab) == []
        held.close()


def test_only_to_make_safe_is_obeyed_and_it_is_recorded_later(held):
    async def press(each: Held) -> None:
        await asyncio.sleep(3.0)
        engine = each.lab.engine
        assert engine is not None
        for verb in ("pause", "stop", "rearm"):
            refused = await engine.request(f"x-{verb}", verb, "Ada")
            assert not refused.accepted
            assert "ask again when they can" in refused.detail
        asking = asyncio.ensure_future(engine.request("x-safe", "safe", "Ada"))
        await asyncio.sleep(5.0)
        assert not asking.done(), "it is not on record yet"
        kept = each.lab._ledgers["heater"].device("heater").safe_in_force()
        assert [request.id for request in kept] == ["safe-x-safe"], "and obeyed"
        each.lab.calm = True
        assert (await asking).accepted

    held.live(press)
    assert violations(held.lab) == []
    assert [event["request"] for _, event in held.events("request_received")][:1] == ["x-safe"]
    [(at_s, _)] = held.events("lab_made_safe")
    assert at_s >= held.until_s


def test_a_lost_answer_is_found_out_and_its_commands_are_asked_for(monkeypatch):
    held = Held(seconds=0.0)
    lab = held.lab
    lost: list[str] = []
    real = Database.fails

    def fails(database: Database) -> str:
        if lab.loop.time() > FROM_S and not lost and lab.engine is not None:
            lost.append("once")
            return "after"
        return real(database)

    monkeypatch.setattr(Database, "fails", fails)
    held.live(lambda _: asyncio.sleep(0))
    assert lost
    assert violations(lab) == []
    assert len(held.events("trial_completed")) == 3
    held.close()
