"""The engine's writer: durable or not, patient where there is time, and snapshots that nobody waits for."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from lab.domain import event as ev
from lab.domain.errors import UnavailableError
from lab.domain.state import LabState
from lab.engine import writer
from lab.engine.clock import ScaledClock, VirtualClock
from lab.engine.writer import Writer

AT = datetime(2026, 1, 1, tzinfo=UTC)
FULL = UnavailableError("the records can't be written: the disk is full")


def staged(*actors: str) -> list[tuple[ev.Event, datetime]]:
    return [(ev.LabPaused(actor=actor), AT) for actor in actors]


class FakeJournal:
    """`fails` tells of each append in turn: "" it is kept, "before" nothing is, "after" it is and says that it isn't."""

    def __init__(self, *fails: str) -> None:
        self.epoch = 3
        self.rows: list[ev.Recorded] = []
        self.told = 0
        self.kept: list[int] = []
        self.readable = True
        self._fails = list(fails)

    def append(self, events: list[tuple[ev.Event, datetime]]) -> list[ev.Recorded]:
        how = self._fails.pop(0) if self._fails else ""
        records = [
            ev.Recorded(seq=len(self.rows) + n, epoch=3, at=at, event=event)
            for n, (event, at) in enumerate(events, start=1)
        ]
        if how != "before":
            self.rows += records
        if how:
            raise FULL
        self.told = len(self.rows)
        return records

    def caught_up(self) -> list[ev.Recorded]:
        if not self.readable:
            raise UnavailableError("the records can't be read: the server is away")
        late, self.told = self.rows[self.told :], len(self.rows)
        return late

    def read(self, after: int = 0) -> list[ev.Recorded]:
        return self.rows[after:]

    def load(self) -> LabState:
        return LabState()

    def keep(self, state: LabState) -> None:
        self.kept.append(state.seq)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:  # pyright: ignore[reportUnusedFunction]
    monkeypatch.setattr(writer, "_AGAIN_S", 0.01)


@pytest.fixture
async def patient():
    """Makes a writer on a fake journal; closes them."""
    made: list[Writer] = []

    def make(journal: FakeJournal) -> Writer:
        made.append(Writer(journal, ScaledClock(1.0)))
        return made[-1]

    yield make
    for each in made:
        await each.close()


async def test_what_is_appended_is_in_the_journal_and_nothing_is_no_append(patient):
    journal = FakeJournal()
    work = patient(journal)
    assert await work.append([]) == []
    records = await work.append(staged("Ada", "Bo"))
    assert await work.read(0) == records == journal.rows
    assert (work.epoch, work.trouble, work.beside) == (3, None, True)


async def test_a_failed_append_is_told_with_its_reason_and_since_when_until_one_succeeds(
    patient, caplog
):
    journal = FakeJournal("before", "before")
    work = patient(journal)
    since = None
    for _ in range(2):
        with pytest.raises(UnavailableError) as failed:
            await work.append(staged("Ada"))
        assert await work.hold(failed.value) == []
        assert work.trouble is not None
        assert work.trouble.text == FULL.message
        since = since or work.trouble.since
        assert work.trouble.since == since, "the first moment counts"
    assert caplog.text.count("nothing begins until they can be") == 1
    await work.append(staged("Ada"))
    assert work.trouble is None
    assert "the engine goes on" in caplog.text
    assert len(journal.rows) == 1


async def test_what_was_kept_though_its_answer_was_lost_comes_out(patient):
    journal = FakeJournal("after")
    work = patient(journal)
    with pytest.raises(UnavailableError) as failed:
        await work.append(staged("Ada"))
    assert await work.hold(failed.value) == journal.rows
    assert len(journal.rows) == 1


async def test_the_trouble_is_over_when_nothing_is_left_to_write(patient):
    # Else a lab that waits for people would refuse what they say, for ever: only a record ended the trouble.
    work = patient(FakeJournal("after"))
    with pytest.raises(UnavailableError) as failed:
        await work.append(staged("Ada"))
    await work.hold(failed.value)
    assert work.trouble is not None
    assert await work.append([]) == []
    assert work.trouble is None


async def test_records_that_can_t_be_read_either_are_waited_for(patient):
    journal = FakeJournal("after")
    journal.readable = False
    work = patient(journal)
    with pytest.raises(UnavailableError) as failed:
        await work.append(staged("Ada"))
    assert await work.hold(failed.value) == []
    journal.readable = True
    assert await work.hold(failed.value) == journal.rows


async def test_the_virtual_clock_has_nobody_to_wait_for():
    work = Writer(FakeJournal("before"), VirtualClock(asyncio.get_running_loop()))
    assert not work.beside
    with pytest.raises(UnavailableError) as failed:
        await work.append(staged("Ada"))
    with pytest.raises(UnavailableError, match="full"):
        await work.hold(failed.value)
    await work.close()


async def test_snapshots_are_written_when_enough_has_come_and_at_the_end(patient, monkeypatch):
    monkeypatch.setattr(writer, "_KEEP_EVERY", 10)
    monkeypatch.setattr(writer, "_WORTH_KEEPING", 3)
    journal = FakeJournal()
    work = patient(journal)
    assert await work.load() == LabState()
    for seq in (9, 10, 12):
        work.keep_now_and_then(LabState(seq=seq))
        await asyncio.sleep(0.05)
    await work.keep_at_the_end(LabState(seq=12))
    assert journal.kept == [10]
    await work.keep_at_the_end(LabState(seq=13))
    assert journal.kept == [10, 13]


async def test_a_snapshot_that_fails_stops_nothing(patient, monkeypatch, caplog):
    monkeypatch.setattr(writer, "_WORTH_KEEPING", 1)
    journal = FakeJournal()

    def full(_journal: FakeJournal, _state: LabState) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(FakeJournal, "keep", full)
    work = patient(journal)
    await work.keep_at_the_end(LabState(seq=5))
    assert "no snapshot was kept: no space left" in caplog.text
    assert len(await work.append(staged("Ada"))) == 1


async def test_after_its_end_the_journal_is_read_in_line(patient):
    journal = FakeJournal()
    work = patient(journal)
    await work.append(staged("Ada"))
    work.end()
    await work.close()
    assert await work.read(0) == journal.rows
