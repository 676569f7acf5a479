"""Engines on different records and the same device hosts; and hosts whose ledger was lost."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from lab.domain import event as ev
from lab.domain.errors import RefusedError
from lab.domain.reduce import reduce_all
from lab.domain.state import LabState
from lab.engine import writer
from lab.engine.virtual_loop import run_virtual
from lab.records.database import database_url, open_database
from lab.records.journal import Journal
from lab.records.snapshots import newest_snapshot
from tests.lab.engine.shell_bench import ShellBench

if TYPE_CHECKING:
    from pathlib import Path

RUNS = ["kit-1/r001", "kit-1/r002"]


def other_records(bench: ShellBench, folder: Path, identity: str = "j2") -> None:
    bench.url = database_url(str(folder / f"{identity}.db"))
    bench.identity = identity


async def to_the_end(bench: ShellBench) -> LabState:
    async with bench.running() as (_, work):
        return await work


async def killed_after(bench: ShellBench, seconds: float) -> None:
    async with bench.running() as (_, work):
        await asyncio.wait((work,), timeout=seconds)
        assert not work.done()


def test_a_campaign_of_equal_name_in_other_records_acts_anew(tmp_path: Path) -> None:
    async def main() -> None:
        bench = ShellBench(tmp_path)
        async with bench.hosts():
            first = await to_the_end(bench)
            other_records(bench, tmp_path)
            second = await to_the_end(bench)
        assert (first.journal, second.journal) == ("j1", "j2")
        assert bench.devices["pump"].did("dose") == sorted(RUNS + RUNS), (
            "no recorded outcome instead of an act"
        )
        assert not set(first.commands) & set(second.commands)

    run_virtual(main())


def test_the_identity_of_records_is_drawn_once(tmp_path: Path) -> None:
    async def main() -> None:
        bench = ShellBench(tmp_path)
        async with bench.hosts():
            await killed_after(bench, 15)
            bench.identity = "drawn by the next process"
            async with bench.running(None) as (_, work):
                state = await work
        assert state.journal == "j1"
        starts = [r.event for r in bench.records() if isinstance(r.event, ev.EngineStarted)]
        assert [start.journal for start in starts] == ["j1", "j1"]
        assert bench.devices["pump"].did("dose") == RUNS

    run_virtual(main())


def test_devices_of_an_engine_that_died_are_not_taken_by_other_records(tmp_path: Path) -> None:
    async def main() -> None:
        bench = ShellBench(tmp_path)
        async with bench.hosts():
            await killed_after(bench, 15)
            done = list(bench.devices["pump"].acts)
            mine = bench.url
            other_records(bench, tmp_path)
            with pytest.raises(
                RefusedError, match=r"held by the engine of other records .* j1"
            ) as told:
                await to_the_end(bench)
            assert "--take-over" in told.value.hint
            assert bench.devices["pump"].acts == done
            bench.url, bench.identity = mine, "j1"
            async with bench.running(None) as (_, work):
                await work
            assert bench.devices["pump"].did("dose") == RUNS

    run_virtual(main())


def test_a_person_may_take_them_and_the_first_engine_then_ends_without_an_act(
    tmp_path: Path,
) -> None:
    async def main() -> None:
        bench = ShellBench(tmp_path)
        async with bench.hosts(), bench.running() as (_, first):
            await bench.clock.sleep(1.0)
            other_records(bench, tmp_path)
            bench.take_over = True
            async with bench.running() as (_, second):
                with pytest.raises(RefusedError, match="records j2"):
                    await first
                before = bench.devices["pump"].did("dose")
                await second
        assert before == []
        assert bench.devices["pump"].did("dose") == RUNS

    run_virtual(main())


def test_a_dose_is_not_repeated_because_its_ledger_was_lost(tmp_path: Path) -> None:
    """The device cannot tell, the ledger is gone: a person is asked. A retry would dose twice."""

    async def main() -> None:
        bench = ShellBench(tmp_path)
        bench.devices["pump"].can_tell = False
        async with bench.hosts(), bench.running() as (_, work):
            await bench.until(lambda: bool(bench.devices["pump"].acts))
            assert not work.done()
        bench.lose_ledger()
        async with bench.hosts(), bench.running(None) as (engine, work):
            await bench.until(lambda: bool(engine.state.questions))
            [question] = engine.state.questions.values()
            assert "ledger of its device host was replaced" in question.text
            await bench.clock.sleep(600)
            assert bench.devices["pump"].did("dose") == RUNS[:1]
            answered = await engine.request(
                "r", "answer", "Ada", "it is in the pot",
                {"question": question.id, "answer": "done"},
            )  # fmt: skip
            assert answered.accepted, answered.detail
            await work
        assert bench.devices["pump"].did("dose") == RUNS

    run_virtual(main())


def test_a_reading_is_repeated_where_its_ledger_was_lost(tmp_path: Path) -> None:
    async def main() -> None:
        bench = ShellBench(tmp_path)
        async with bench.hosts(), bench.running() as (engine, work):
            await bench.until(
                lambda: any(c.command.action == "weigh" for c in engine.state.open_commands())
            )
            assert not work.done()
        bench.lose_ledger()
        async with bench.hosts(), bench.running(None) as (engine, work):
            state = await work
        assert state.campaigns["kit-1"].status == "completed"
        assert bench.devices["pump"].did("dose") == RUNS

    run_virtual(main())


# -- snapshots ----------------------------------------------------------------------------------------


def newest(url: str) -> LabState:
    engine = open_database(url, read_only=True)
    try:
        return newest_snapshot(engine).state
    finally:
        engine.dispose()


def test_an_engine_that_dies_is_followed_by_one_that_starts_from_its_snapshot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "_KEEP_EVERY", 8)
    monkeypatch.setattr(writer, "_WORTH_KEEPING", 1)

    async def main() -> None:
        bench = ShellBench(tmp_path)
        async with bench.hosts():
            await killed_after(bench, 25)
            kept = newest(bench.url)
            assert kept.seq >= 16
            async with bench.running(None) as (_, work):
                state = await work
        assert bench.devices["pump"].did("dose") == RUNS
        records = bench.records()
        assert state == reduce_all(LabState(), records)
        assert kept == reduce_all(LabState(), records[: kept.seq])
        assert newest(bench.url) == state, "the end is kept, too"

    run_virtual(main())


def test_a_database_that_takes_no_snapshot_stops_no_engine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(_self: Journal, _state: LabState) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(writer, "_KEEP_EVERY", 8)
    monkeypatch.setattr(Journal, "keep", full)

    async def main() -> None:
        bench = ShellBench(tmp_path)
        async with bench.hosts():
            state = await to_the_end(bench)
        assert [run.status for run in state.runs.values()] == ["succeeded", "succeeded"]
        assert newest(bench.url).seq == 0

    run_virtual(main())
    assert "no snapshot was kept: the disk is full" in caplog.text
