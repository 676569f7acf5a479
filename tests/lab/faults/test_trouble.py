"""Each trouble of the bad time does what its name says, and calm ends all of them."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from lab.faults import trouble
from lab.faults.knobs import Knobs, NetworkKnobs, RoomKnobs, StoreKnobs
from lab.faults.laboratory import Laboratory
from lab.faults.trouble import make_calm, troubles

QUIET = Knobs(frozenset(), 5.0, NetworkKnobs(), StoreKnobs(), RoomKnobs(), trials=3)


def told(lab: Laboratory) -> list[str]:
    return [moment.what for moment in lab.story.moments]


def live(knobs: Knobs, work, seed: int = 1) -> Laboratory:
    """A lab with its hosts and its engine at work, and `work` beside them."""
    lab = Laboratory(seed, knobs)

    async def main() -> None:
        for name in () if knobs.hosts_within else lab.capabilities:
            lab.loop.create_task(lab.keep_host(name))
        lab.loop.create_task(lab.keep_engine())
        await work(lab)

    try:
        lab.loop.run(main())
    finally:
        lab.close()
    return lab


async def all_of_them(lab: Laboratory) -> None:
    for event in troubles(lab):
        await event()  # pyright: ignore[reportGeneralTypeIssues]


def test_no_knob_no_trouble():
    assert troubles(Laboratory(1, QUIET)) == []


@pytest.mark.parametrize(
    ("knobs", "sign"),
    [
        (replace(QUIET, network=NetworkKnobs(outages=1)), "down"),
        (replace(QUIET, clock_jumps=1, jump_s=40.0), "is now 40 s off"),
        (replace(QUIET, power_cuts=1), "is gone for a moment"),
        (replace(QUIET, room=RoomKnobs(hangs=1)), "hangs"),
        (replace(QUIET, room=RoomKnobs(flaps=1)), "is opened"),
        (replace(QUIET, store=StoreKnobs(full=1)), "its disk is full for"),
        (replace(QUIET, store=StoreKnobs(ledgers_full=1)), "the disk of its ledger is full"),
    ],
)
def test_each_knob_brings_its_trouble(knobs, sign):
    assert len(troubles(Laboratory(1, knobs))) == 1
    lab = live(knobs, all_of_them)
    assert any(sign in what for what in told(lab)), told(lab)


def test_a_full_ledger_is_full_for_a_while_and_calm_empties_it():
    async def full_then_calm(lab: Laboratory) -> None:
        filling = asyncio.ensure_future(trouble._ledger_full(lab))
        while not any(disk.full for disk in lab.ledger_disks.values()):
            await asyncio.sleep(0.1)
        make_calm(lab)
        assert not any(disk.full for disk in lab.ledger_disks.values())
        await filling

    live(replace(QUIET, store=StoreKnobs(ledgers_full=1)), full_then_calm)


@pytest.mark.parametrize(
    ("where", "dead", "reboots"),
    [
        ("everywhere", {"engine", "pump-host", "balance-host", "drain-host"}, True),
        ("engine", {"engine"}, False),
        ("pump", {"pump-host"}, False),
    ],
)
def test_the_power_goes_everywhere_or_at_one_machine(monkeypatch, where, dead, reboots):
    async def cut(lab: Laboratory) -> None:
        await asyncio.sleep(1.0)
        processes = [*lab.engine_lives_alive(), *lab.host_processes.values()]
        monkeypatch.setattr(lab.rng, "choice", lambda _: where)
        monkeypatch.setattr(trouble, "_sometime", lambda _: asyncio.sleep(0))
        await trouble._power_cut(lab)
        gone = {process.name.split("-1")[0] for process in processes if not process.alive}
        assert gone == dead
        assert any("switched off" in what or "reboots" in what for what in told(lab)) == reboots

    live(replace(QUIET, power_cuts=1), cut)


def test_a_power_cut_takes_unflushed_rows_and_ledger_writes(monkeypatch):
    async def cut(lab: Laboratory) -> None:
        await asyncio.sleep(2.0)
        rows = len(lab.database.rows)
        monkeypatch.setattr(trouble, "_sometime", lambda _: asyncio.sleep(0))
        monkeypatch.setattr(lab.rng, "choice", lambda _: "everywhere")
        monkeypatch.setattr(lab.rng, "randint", lambda low, _high: low)
        unflushed = sum(disk.unflushed for disk in lab.ledger_disks.values())
        await trouble._power_cut(lab)
        assert len(lab.database.rows) == rows, "each commit is flushed"
        assert not any(disk.unflushed for disk in lab.ledger_disks.values())
        assert bool(unflushed) == any("ledger loses" in what for what in told(lab))

    live(replace(QUIET, power_cuts=1), cut)


@pytest.mark.parametrize("in_hand", [True, False])
def test_an_engine_is_paused_while_it_has_a_command_in_its_hand_or_at_any_time(
    monkeypatch, in_hand
):
    """The first of the two is what only its epoch, its expiry or a withdrawal stops afterwards."""

    async def paused(lab: Laboratory) -> None:
        draws = iter((0.0, 0.25, 0.0 if in_hand else 0.9))  # it is paused, for 11 s, and when

        async def now(_: Laboratory) -> None:
            await asyncio.sleep(0.5)
            monkeypatch.setattr(lab.rng, "random", lambda: next(draws, 0.5))

        monkeypatch.setattr(trouble, "_sometime", now)
        await trouble._second_engine(lab)
        [first] = [each for each in lab.engine_lives_alive() if each.paused_until > lab.loop.time()]
        assert first.before_command is None
        await asyncio.sleep(20.0)
        late = [
            each
            for each in lab.broker.commands
            if b'"op":"command"' in each.payload
            and b'"epoch":1,' in each.payload
            and each.at_s >= first.paused_until
        ]
        assert len(late) == in_hand

    live(replace(QUIET, second_engines=1), paused)


def test_an_engine_that_sends_nothing_more_is_not_waited_for_for_ever(monkeypatch):
    async def silent(lab: Laboratory) -> None:
        monkeypatch.setattr(trouble, "_sometime", lambda _: asyncio.sleep(0))
        monkeypatch.setattr(lab.rng, "random", lambda: 0.2)
        lab.start_engine()
        first = lab.engine_lives_alive()[-1]
        lab.broker._up.clear()  # nothing leaves any more
        began = lab.loop.time()
        await trouble._second_engine(lab)
        assert first.before_command is None
        assert lab.loop.time() - began < 2.0 * QUIET.bad_s

    live(replace(QUIET, second_engines=1), silent)
