"""Aborts and silences with real parts: journal, hosts on a ledger, the bus in memory, virtual time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from lab.domain import event as ev
from lab.engine.virtual_loop import run_virtual
from tests.lab.engine.shell_bench import KilledError, MortalJournal, ShellBench

if TYPE_CHECKING:
    from pathlib import Path

RUNS = ["kit-1/r001", "kit-1/r002"]


def words(bench: ShellBench) -> list[tuple[str, str]]:
    return [
        (record.event.run, record.event.outcome)
        for record in bench.records()
        if isinstance(record.event, ev.CancelSettled)
    ]


@pytest.mark.parametrize(
    ("after_s", "word", "doses"), [(1.0, "never_started", 0), (5.0, "ran_to_completion", 1)]
)
def test_one_run_is_aborted_and_the_next_takes_its_place(
    tmp_path: Path, after_s: float, word: str, doses: int
) -> None:
    async def main() -> None:
        bench = ShellBench(tmp_path)
        async with bench.hosts(), bench.running() as (engine, work):
            await bench.until(
                lambda: any(c.status == "accepted" for c in engine.state.open_commands())
            )
            await bench.clock.sleep(after_s)
            answer = await engine.request("a", "abort", "Ada", "spilled", {"run": RUNS[0]})
            assert answer.accepted
            began = bench.clock.monotonic()
            await bench.until(lambda: bool(words(bench)))
            assert bench.clock.monotonic() - began < 5, "not when the dose would have ended"
            assert words(bench) == [(RUNS[0], word)]
            state = await work
            assert state.runs[RUNS[0]].status == "aborted"
            assert state.runs[RUNS[1]].status == "succeeded"
            pump = bench.devices["pump"]
            assert pump.did("dose").count(RUNS[0]) == doses
            assert pump.did("empty") == RUNS[:1]
            assert bench.devices["balance"].made_safe == 0

    run_virtual(main())


def test_all_of_it_is_aborted_and_nothing_begins_after_it(tmp_path: Path) -> None:
    async def main() -> None:
        bench = ShellBench(tmp_path)
        async with bench.hosts(), bench.running() as (engine, work):
            await bench.until(
                lambda: any(c.status == "accepted" for c in engine.state.open_commands())
            )
            await bench.clock.sleep(5)
            assert (await engine.request("a", "abort", "Ada")).accepted
            state = await work
            assert state.campaigns["kit-1"].status == "stopped"
            assert set(bench.devices["pump"].did("dose")) <= set(RUNS[:1])
            assert bench.devices["balance"].acts == []

    run_virtual(main())


@pytest.mark.parametrize("durable", [False, True])
@pytest.mark.parametrize("appends", [1, 2, 3])
def test_an_engine_that_dies_while_it_aborts_is_followed_by_one_that_does(
    tmp_path: Path, appends: int, durable: bool
) -> None:
    async def main() -> None:
        bench = ShellBench(tmp_path)
        mortal: list[MortalJournal] = []

        def wrap(journal: object) -> MortalJournal:
            mortal.append(MortalJournal(journal, -1, durable=durable))  # pyright: ignore[reportArgumentType]
            return mortal[0]

        async with bench.hosts():
            async with bench.running(wrap=wrap) as (engine, work):
                await bench.until(
                    lambda: any(c.status == "accepted" for c in engine.state.open_commands())
                )
                mortal[0]._left = appends
                answer = asyncio.create_task(
                    engine.request("a", "abort", "Ada", "", {"run": RUNS[0]})
                )
                with pytest.raises(KilledError):
                    await work
                accepted = (await answer).accepted
            async with bench.running(None) as (_, work):
                state = await work
            aborted = state.runs[RUNS[0]].status == "aborted"
            if accepted or durable or appends > 1:
                assert aborted
                [(run, word)] = words(bench)
                assert (run, word) in {
                    (RUNS[0], "never_started"),
                    (RUNS[0], "ran_to_completion"),
                    (RUNS[0], "halted"),
                }
            assert bench.devices["pump"].did("dose").count(RUNS[0]) <= 1

    run_virtual(main())
