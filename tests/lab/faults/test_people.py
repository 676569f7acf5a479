"""Operators look before they answer, and bring the lab back to work once all is calm."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from types import SimpleNamespace

import pytest

from lab.domain.command import Command
from lab.domain.state import LabState
from lab.faults.knobs import Knobs, NetworkKnobs, RoomKnobs, StoreKnobs
from lab.faults.laboratory import Laboratory
from lab.faults.people import People

QUIET = Knobs(frozenset(), 5.0, NetworkKnobs(), StoreKnobs(), RoomKnobs())


class FakeEngine:
    """Takes every request, and never answers one that is named so."""

    def __init__(self) -> None:
        self.state = LabState()
        self.asked: list[tuple[str, str, dict[str, str]]] = []

    async def request(self, name, verb, actor, reason, args):
        self.asked.append((name, verb, args))
        if verb == "stop":
            await asyncio.Event().wait()


@pytest.fixture
def bench():
    lab = Laboratory(1, QUIET)
    engine = FakeEngine()
    lab._reachable.append((engine, lab.loop.world))  # pyright: ignore
    yield lab, engine, People(lab)
    lab.close()


def test_each_request_has_an_id_of_its_own_and_an_answer_is_not_waited_for_for_ever(bench):
    lab, engine, people = bench

    async def press() -> None:
        for verb in ("pause", "resume", "stop", "pause"):
            await people.say(verb)

    lab.loop.run(press())
    ids = {name for name, _, _ in engine.asked}
    assert ids == {"p1", "p2", "p3", "p4"}
    assert 20.0 <= lab.loop.time() < 21.0


def test_where_no_engine_can_be_reached_nobody_is_asked(bench):
    lab, engine, people = bench
    lab._reachable.clear()
    lab.loop.run(people.say("pause"))
    assert engine.asked == []


@pytest.mark.parametrize(("after_s", "word"), [(None, "not_done"), (5.0, "done"), (0.8, "partial")])
def test_what_is_said_of_a_dose_is_what_the_bench_shows(bench, after_s, word):
    lab, engine, people = bench
    machine = lab.room.machine("pump")

    async def dose() -> None:
        if after_s is not None:
            machine.answer("1 D 1001")
            await asyncio.sleep(after_s)
            machine.answer("2 X")

    lab.loop.run(dose())
    command = Command(
        id="c", run="r", step="s", attempt=1, device="pump", action="dispense",
        args={"volume": 1.001}, effect="once", settle="query", timeout_s=10.0,
    )  # fmt: skip
    engine.state = replace(engine.state, commands={"c": SimpleNamespace(command=command)})  # pyright: ignore
    question = SimpleNamespace(id="q", command="c", choices=("done", "not_done"))
    assert people._seen(question) == word  # pyright: ignore[reportArgumentType]
    machine.hung_until = 99.0
    assert people._seen(question) == "", "nothing is said while it hangs"  # pyright: ignore[reportArgumentType]
