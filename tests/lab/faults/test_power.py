"""The disk under a ledger: flushed is flushed, what is not may go, and only the newest of it; a full one takes nothing."""

from __future__ import annotations

import random
import sqlite3
from typing import Literal

import pytest

from lab.devices.ledger import CommandLedger
from lab.domain.command import Command, Outcome
from lab.faults.power import LedgerDisk


class Bench:
    """A ledger in memory on such a disk."""

    def __init__(self) -> None:
        self.disks: list[LedgerDisk] = []

        def make(*args, **more):
            self.disks.append(LedgerDisk.take(*args, **more))
            return self.disks[0]

        self.book = CommandLedger(identity="one", factory=make, plays_disk=True)
        self.ledger = self.book.device("pump")

    @property
    def disk(self) -> LedgerDisk:
        return self.disks[0]

    def receive(self, name: str, effect: Literal["absolute", "once"] = "once") -> None:
        command = Command(
            id=name, run="r", step="s", attempt=1, device="pump", action="dispense",
            args={}, effect=effect, settle="query", timeout_s=10.0,
        )  # fmt: skip
        self.ledger.receive(command, 1, int(name), "j")

    def state(self, name: str) -> str:
        entry = self.ledger.entry(name)
        return "never seen" if entry is None else entry.state


class Worst(random.Random):
    """Loses as much as there is."""

    def randint(self, a: int, b: int) -> int:
        return a


@pytest.fixture
def bench():
    bench = Bench()
    yield bench
    bench.book.close()


def test_what_was_flushed_stays_and_with_it_all_that_was_written_before(bench):
    bench.receive("1")
    bench.ledger.prepare("1")
    assert bench.disk.unflushed == 2
    bench.ledger.act("1")
    assert bench.disk.unflushed == 0
    assert bench.disk.lose_power(Worst()) == 0
    assert bench.state("1") == "acting"


def test_what_was_not_flushed_goes_and_the_ledger_works_on(bench):
    bench.receive("1")
    bench.ledger.refuse("2", "late", "too late", epoch=1, journal="j")
    bench.receive("3")
    bench.ledger.prepare("3")
    assert bench.disk.lose_power(Worst()) == 2
    assert [bench.state(name) for name in "123"] == ["received", "refused_forever", "never seen"]
    bench.receive("3")
    bench.ledger.prepare("3")
    bench.ledger.act("3")
    bench.ledger.end("3", Outcome(result="succeeded"))
    assert bench.state("3") == "ended"
    assert bench.ledger.last_seq(1, "j") == 3


def test_only_the_newest_goes(bench):
    seen = set()
    for seed in range(40):
        fresh = Bench()
        for name in "123":
            fresh.receive(name)
        fresh.disk.lose_power(random.Random(seed))
        left = "".join(name for name in "123" if fresh.state(name) == "received")
        assert "123".startswith(left)
        seen.add(left)
        fresh.book.close()
    assert seen == {"", "1", "12", "123"}


def test_readings_are_not_flushed_and_acts_that_happen_once_are(bench):
    for name, effect in (("1", "absolute"), ("2", "once")):
        bench.receive(name, effect)
        bench.ledger.prepare(name)
        bench.ledger.act(name, once=effect == "once")
        assert bool(bench.disk.unflushed) == (effect == "absolute")


def test_a_full_disk_refuses_every_write_and_tells_what_it_knows(bench):
    bench.receive("1")
    bench.disk.full = True
    for write in (
        lambda: bench.receive("2"),
        lambda: bench.ledger.prepare("1"),
        lambda: bench.ledger.enter_safe("s"),
        bench.ledger.try_to_write,
    ):
        with pytest.raises(sqlite3.OperationalError, match="full"):
            write()
    assert bench.state("1") == "received"
    bench.disk.full = False
    bench.ledger.prepare("1")
