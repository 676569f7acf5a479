"""The simulated database keeps the contract of the real journal, and fails in the ways it is told."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest

from lab.domain.errors import RefusedError
from lab.domain.event import EngineStarted
from lab.faults.knobs import StoreKnobs
from lab.faults.loop import Process, SimulationLoop
from lab.faults.store import Database, DiskError, MemoryJournal
from lab.faults.story import Story
from lab.records.database import database_url
from lab.records.journal import Journal

AT = datetime(2026, 1, 1, tzinfo=UTC)


def event(number: int) -> EngineStarted:
    return EngineStarted(epoch=number, version="0", clock="virtual")


def database(fails: float = 0.0) -> Database:
    return Database(random.Random(1), StoreKnobs(fails), Story(lambda: 0.0))


def process() -> Process:
    return Process(SimulationLoop(random.Random(1)), "engine")


class Memory:
    def __init__(self, _folder) -> None:
        self.database = database()
        self.process = process()

    def open(self) -> MemoryJournal:
        self.process = process()
        return MemoryJournal(self.database, self.process)


class File:
    def __init__(self, folder) -> None:
        self.url = database_url(str(folder / "lab.db"))

    def open(self) -> Journal:
        return Journal(self.url)


@pytest.fixture(params=[Memory, File])
def store(request, tmp_path):
    return request.param(tmp_path)


def test_both_number_chain_and_give_back_what_was_appended(store):
    journal = store.open()
    first = journal.append([(event(1), AT), (event(2), AT + timedelta(seconds=1))])
    second = journal.append([(event(3), AT)])
    assert [record.seq for record in (*first, *second)] == [1, 2, 3]
    assert journal.read() == [*first, *second]
    assert journal.read(after=2) == second
    assert journal.head == second[-1].hash
    journal.close()
    again = store.open()
    assert (again.epoch, again.seq, again.head) == (journal.epoch + 1, 3, journal.head)
    again.close()


def test_both_give_the_same_hashes(tmp_path):
    heads = []
    for kind in (Memory, File):
        journal = kind(tmp_path).open()
        journal.append([(event(1), AT)])
        heads.append(journal.head)
        journal.close()
    assert heads[0] == heads[1]


def test_both_refuse_a_second_engine_until_the_first_has_let_go(store):
    journal = store.open()
    with pytest.raises(RefusedError):
        store.open()
    journal.close()
    store.open().close()


def test_death_frees_the_lock():
    kept, first = database(), process()
    MemoryJournal(kept, first)
    first.kill()
    assert MemoryJournal(kept, process()).epoch == 2


def test_a_failed_commit_keeps_nothing_or_all_of_it():
    nothing = database()
    journal = MemoryJournal(nothing, process())
    nothing.knobs = StoreKnobs(fails=1.0, after=0.0)
    with pytest.raises(DiskError, match="full"):
        journal.append([(event(1), AT)])
    assert (nothing.rows, journal.seq) == ([], 0)
    nothing.knobs = StoreKnobs(fails=1.0, after=1.0)
    with pytest.raises(DiskError, match="lost"):
        journal.append([(event(1), AT)])
    assert len(nothing.rows) == 1
    nothing.calm = True
    with pytest.raises(DiskError, match="row 1 is there already"):
        journal.append([(event(2), AT)])
    [late] = journal.caught_up()
    assert late.event == event(1)
    assert journal.append([(event(2), AT)])[0].seq == 2
    MemoryJournal(nothing, journal._process)
    with pytest.raises(RefusedError, match="another engine has taken"):
        journal.append([(event(3), AT)])
    with pytest.raises(RefusedError, match="another engine has taken"):
        journal.caught_up()


def test_a_full_disk_takes_nothing_until_there_is_room():
    kept = database()
    kept.full_until_s = 1.0
    with pytest.raises(DiskError, match="opened"):
        MemoryJournal(kept, process())
    kept.calm = True
    MemoryJournal(kept, process()).append([(event(1), AT)])


def test_a_power_cut_takes_what_was_not_flushed_and_nothing_else(monkeypatch):
    kept = database()
    journal = MemoryJournal(kept, process())
    first = journal.append([(event(1), AT)])
    kept.lose_power()
    assert (journal.read(), kept.epoch) == (first, 1)
    monkeypatch.setattr(Database, "flush", lambda _: None)
    journal.append([(event(2), AT), (event(3), AT)])
    kept.lose_power()
    assert journal.read() == first
    assert len(kept.committed_s) == 1
    assert "loses 2 rows" in kept.story.moments[-1].what


def test_a_database_that_fails_may_not_open():
    with pytest.raises(DiskError, match="opened"):
        MemoryJournal(database(fails=1.0), process())
