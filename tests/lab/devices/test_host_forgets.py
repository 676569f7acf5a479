"""A host that forgets what is over still acts on nothing twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lab.devices import ledger as ledger_module

if TYPE_CHECKING:
    from tests.lab.devices.fake_device import Bench


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger_module, "_KEPT", 2)
    monkeypatch.setattr(ledger_module, "_SLACK", 0)


def known(bench: Bench) -> list[str]:
    rows = bench.ledger._db.execute("SELECT id FROM command ORDER BY rowid")
    return [name for (name,) in rows]


async def test_late_copies_of_what_is_forgotten_are_refused(bench: Bench):
    async with bench.host():
        messages = [bench.command(f"c{n}", horizon=n) for n in range(1, 9)]
        for message in messages:
            assert (await bench.do(message))[1].result == "succeeded"
        assert "c1" not in known(bench)
        for message in messages:
            await bench.send(message)
        await bench.quiet()
        assert len(bench.device.doses) == 8
        refused = [m for m in bench.heard if m.kind == "ack" and not m.accepted]
        assert {m.reason for m in refused} == {"stale_seq"}


async def test_copies_of_a_lower_epoch_are_refused_too(bench: Bench):
    async with bench.host():
        first = bench.command("c1", horizon=1)
        await bench.do(first)
        for n in range(2, 6):
            await bench.do(bench.command(f"c{n}", epoch=2, seq=n, horizon=n))
        assert "c1" not in known(bench)
        ack, _ = await bench.do(first)
        assert ack.reason == "stale_epoch"
    assert len(bench.device.doses) == 5


async def test_without_a_horizon_everything_is_kept(bench: Bench):
    async with bench.host():
        for n in range(1, 9):
            await bench.do(bench.command(f"c{n}"))
    assert len(known(bench)) == 8


async def test_a_command_that_is_still_open_for_the_engine_is_answered(bench: Bench):
    async with bench.host():
        await bench.do(bench.command("asked"))
        for n in range(2, 9):
            await bench.do(bench.command(f"c{n}", horizon=1))
        reply = await bench.query("asked")
    assert reply.status == "ended"
    assert reply.outcome.result == "succeeded"


async def test_the_horizon_of_a_stale_engine_reaches_no_newer_epoch(bench: Bench):
    async with bench.host():
        await bench.hello(epoch=5)
        await bench.do(bench.command("asked", epoch=5, seq=1))
        for n in range(2, 9):
            await bench.do(bench.command(f"c{n}", epoch=5, seq=n))
        await bench.do(bench.command("late", epoch=4, seq=99, horizon=99))
        assert (await bench.query("asked", epoch=5)).status == "ended"
