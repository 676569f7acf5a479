"""The shell with real parts: SQLite journal, device hosts on a ledger, the bus in memory, virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from lab.bus import topics
from lab.bus.envelope import CommandMessage, State, parse_downstream
from lab.bus.memory import MemoryTransport
from lab.domain import event as ev
from lab.domain.reduce import reduce_all
from lab.domain.state import LabState
from lab.engine import shell
from lab.engine.virtual_loop import run_virtual
from lab.records.database import open_database
from lab.records.verify import first_broken_row
from tests.lab.engine.kit import campaign_started
from tests.lab.engine.shell_bench import (
    LAB,
    KilledError,
    MortalJournal,
    ShellBench,
    rich_context,
)

if TYPE_CHECKING:
    from pathlib import Path

    from lab.engine.shell import Engine

RUNS = ["kit-1/r001", "kit-1/r002"]


def assert_completed(bench: ShellBench, state: LabState) -> None:
    campaign = state.campaigns["kit-1"]
    assert campaign.status == "completed", campaign.reason
    assert [trial.status for trial in campaign.trials.values()] == ["done", "done"]
    assert bench.devices["pump"].did("dose") == RUNS, "each dose once, none lost"
    assert reduce_all(LabState(), bench.records()) == state
    engine = open_database(bench.url, read_only=True)
    assert first_broken_row(engine) is None
    engine.dispose()


async def whole(folder: Path) -> tuple[ShellBench, LabState, str]:
    folder.mkdir(exist_ok=True)
    bench = ShellBench(folder)
    async with bench.hosts(), bench.running() as (_, work):
        state = await work
    return bench, state, bench.records()[-1].hash


def test_a_small_campaign_runs_to_its_end_and_the_same_way_each_time(tmp_path: Path) -> None:
    async def main() -> list[str]:
        bench, state, head = await whole(tmp_path / "a")
        assert_completed(bench, state)
        return [head]

    async def again() -> str:
        return (await whole(tmp_path / "b"))[2]

    [head] = run_virtual(main())
    assert len(head) == 64
    assert run_virtual(again()) == head


@pytest.mark.parametrize("seconds", [0.5, 3.0, 8.0, 11.0, 15.0, 20.0, 24.0, 33.0])
@pytest.mark.parametrize("hosts_die_too", [False, True])
def test_what_was_cancelled_in_the_middle_goes_on(
    tmp_path: Path, seconds: float, hosts_die_too: bool
) -> None:
    async def main() -> None:
        bench = ShellBench(tmp_path)
        async with bench.hosts():
            async with bench.running() as (_, work):
                await asyncio.wait((work,), timeout=seconds)
                assert not work.done()
            if not hosts_die_too:
                async with bench.running(None) as (_, work):
                    assert_completed(bench, await work)
                return
        async with bench.hosts(), bench.running(None) as (_, work):
            assert_completed(bench, await work)

    run_virtual(main())


Judge = Callable[[ShellBench, LabState], None]


async def _killed(
    bench: ShellBench, at: int, judge: Judge, *, durable: bool, hosts_die_too: bool
) -> bool:
    """One life to the n-th append and one after it. False when the campaign needed fewer appends."""
    async with bench.hosts():
        wrap = lambda journal: MortalJournal(journal, at, durable=durable)  # noqa: E731 - read once
        async with bench.running(wrap=wrap) as (engine, work):
            await _with_answers(bench, engine, work)
            if work.exception() is None:
                return False
            assert isinstance(work.exception(), KilledError)
        begun = any(isinstance(record.event, ev.CampaignStarted) for record in bench.records())
        start = None if begun else bench.start
        if not hosts_die_too:
            async with bench.running(start) as (engine, work):
                await _with_answers(bench, engine, work)
                judge(bench, work.result())
            return True
    async with bench.hosts(), bench.running(start) as (engine, work):
        await _with_answers(bench, engine, work)
        judge(bench, work.result())
    return True


async def _with_answers(bench: ShellBench, engine: Engine, work: asyncio.Task[LabState]) -> None:
    """Until the engine has ended or died; somebody skips whatever step is held."""
    while not work.done():
        for name, question in engine.state.questions.items():
            assert question.step, f"needless: {question.text}"
            args = {"question": name, "answer": "skip"}
            request = f"skip-{name}-{engine.epoch}"
            asked = asyncio.create_task(engine.request(request, "answer", "Ada", "", args))
            await asyncio.wait((asked, work), return_when=asyncio.FIRST_COMPLETED)
            await asyncio.wait((asked,), timeout=10)
            break
        await asyncio.wait((work,), timeout=5.0)


@pytest.mark.faults
@pytest.mark.parametrize("durable", [False, True])
@pytest.mark.parametrize("hosts_die_too", [False, True])
def test_a_death_at_any_append_loses_and_repeats_nothing(
    lives: Path, durable: bool, hosts_die_too: bool
) -> None:
    async def life(at: int) -> bool:
        folder = lives / str(at)
        folder.mkdir()
        return await _killed(
            ShellBench(folder), at, assert_completed, durable=durable, hosts_die_too=hosts_die_too
        )

    at = 1
    while run_virtual(life(at)):
        at += 1
    assert at > 10, "the campaign had many moments to die at"


def assert_rich(bench: ShellBench, state: LabState) -> None:
    """Loop and branch went one way only, people were asked, what acts once has acted once."""
    [run] = state.runs.values()
    statuses = {path: step.status for path, step in run.steps.items()}
    assert run.status == "succeeded", run.reason
    assert {path for path, status in statuses.items() if status == "skipped"} == {
        "more[3].dose",
        "more[3].measure",
        "wait",
        "stir",
    }
    assert run.decisions == {"more[1]": False, "more[2]": True, "full": True}
    acts = [path for _, path, _ in bench.devices["pump"].acts]
    assert sorted(acts) == ["more[1].dose", "more[2].dose", "pour"]
    assert run.steps["look"].outputs == {"clear": True}
    assert run.timing["rest"].kept
    assert [flag.kind for flag in run.flags] == ["skipped"]
    assert reduce_all(LabState(), bench.records()) == state


def assert_made_good(bench: ShellBench, state: LabState) -> None:
    """The failed step was made good before the pot was emptied, each once."""
    [run] = state.runs.values()
    assert run.status == "failed"
    assert "spilt" in run.reason
    acts = [path for _, path, _ in bench.devices["pump"].acts]
    assert acts == ["more[1].dose", "more[2].dose", "pour", "mop", "empty"]


@pytest.mark.faults
@pytest.mark.parametrize("durable", [False, True])
@pytest.mark.parametrize(("ends", "judge"), [("well", assert_rich), ("badly", assert_made_good)])
def test_a_death_at_any_append_changes_no_decision(
    lives: Path, durable: bool, ends: str, judge: Judge
) -> None:
    async def life(at: int) -> bool:
        folder = lives / str(at)
        folder.mkdir()
        bench = ShellBench(folder, rich_context(ends), campaign_started(trials=1, parallel=1))
        return await _killed(bench, at, judge, durable=durable, hosts_die_too=True)

    at = 1
    while run_virtual(life(at)):
        at += 1
    assert at > 20, "the procedure had many moments to die at"


def test_nothing_is_sent_that_is_not_durable(tmp_path: Path) -> None:
    async def main() -> None:
        for at in range(2, 12):
            folder = tmp_path / str(at)
            folder.mkdir()
            bench = ShellBench(folder)
            async with MemoryTransport(bench.bus) as listener:
                inbox = await listener.subscribe(topics.cmd(LAB, "+"))
                sent: list[str] = []

                async def listen(inbox=inbox, sent=sent) -> None:
                    async for message in inbox:
                        asked = parse_downstream(message.payload)
                        if isinstance(asked, CommandMessage):
                            sent.append(asked.id)

                listening = asyncio.create_task(listen())
                wrap = lambda journal, at=at: MortalJournal(journal, at, durable=False)  # noqa: E731
                async with bench.hosts(), bench.running(wrap=wrap) as (engine, work):
                    await asyncio.wait((work,))
                    assert isinstance(work.exception(), KilledError)
                    answer = await engine.request("late", "pause", "Ada")
                    assert not answer.accepted
                    assert "ended" in answer.detail
            await listening
            durable = {
                record.event.command.id
                for record in bench.records()
                if isinstance(record.event, ev.CommandIntended)
            }
            assert set(sent) == durable
            assert len(sent) == len(durable)

    run_virtual(main())


def test_who_waits_for_an_answer_when_the_engine_dies_is_told(tmp_path: Path) -> None:
    async def main() -> None:
        bench = ShellBench(tmp_path)
        wrap = lambda journal: MortalJournal(journal, 2, durable=False)  # noqa: E731
        async with bench.running(wrap=wrap) as (engine, work):
            await asyncio.sleep(0)
            answer = await asyncio.wait_for(engine.request("r", "pause", "Ada"), 60)
            assert not answer.accepted
            assert "ended" in answer.detail
            await asyncio.wait((work,))

    run_virtual(main())


# -- requests ---------------------------------------------------------------------------------------


async def _working(bench: ShellBench, engine: Engine) -> None:
    """Until the first dose is under way."""
    await bench.until(lambda: any(c.status == "accepted" for c in engine.state.open_commands()))


def dosing(bench: ShellBench) -> list[str]:
    return bench.devices["pump"].did("dose")


def test_pause_holds_and_resume_goes_on(tmp_path: Path) -> None:
    async def main() -> None:
        bench = ShellBench(tmp_path)
        async with bench.hosts(), bench.running() as (engine, work):
            await _working(bench, engine)
            assert (await engine.request("p", "pause", "Ada", "lunch")).accepted
            await bench.clock.sleep(3600)
            assert not engine.state.open_commands()
            assert dosing(bench) == RUNS[:1]
            again = await engine.request("p", "pause", "Ada", "lunch")
            assert again.accepted, "a repeated id gets its first answer"
            assert not (await engine.request("p2", "pause", "Ada")).accepted
            assert (await engine.request("r", "resume", "Ada")).accepted
            assert_completed(bench, await work)

    run_virtual(main())


def test_stop_lets_the_step_end_empties_the_pot_and_stops_the_campaign(tmp_path: Path) -> None:
    async def main() -> None:
        bench = ShellBench(tmp_path)
        async with bench.hosts(), bench.running() as (engine, work):
            await _working(bench, engine)
            assert (await engine.request("s", "stop", "Ada", "fire drill")).accepted
            state = await work
            assert state.campaigns["kit-1"].status == "stopped"
            assert dosing(bench) == RUNS[:1]
            assert bench.devices["pump"].did("empty") == RUNS[:1]
            assert state.runs[RUNS[0]].status == "aborted"

    run_virtual(main())


def test_safe_reaches_every_device_and_holds_until_a_person_rearms(tmp_path: Path) -> None:
    async def main() -> None:
        bench = ShellBench(tmp_path)
        async with bench.hosts(), bench.running() as (engine, work):
            await _working(bench, engine)
            assert (await engine.request("s", "safe", "Ada", "smoke")).accepted
            await bench.clock.sleep(600)
            assert [device.made_safe for device in bench.devices.values()] == [1, 1]
            assert {d.state for d in engine.state.devices.values()} == {"safe"}
            before = list(bench.devices["pump"].acts)
            await bench.clock.sleep(3600)
            assert bench.devices["pump"].acts == before
            assert not (await engine.request("x", "rearm", " ")).accepted
            assert (await engine.request("s2", "safe", "Grace", "once more")).accepted
            await bench.clock.sleep(60)
            assert [device.made_safe for device in bench.devices.values()] == [2, 2]
            assert (await engine.request("r", "rearm", "Grace")).accepted
            state = await work
            assert state.runs[RUNS[0]].status == "aborted"
            assert state.runs[RUNS[1]].status == "succeeded"

    run_virtual(main())


@pytest.mark.parametrize("durable", [False, True])
def test_an_engine_that_dies_while_it_makes_safe_is_followed_by_one_that_does(
    tmp_path: Path, durable: bool
) -> None:
    async def main() -> None:
        bench = ShellBench(tmp_path)
        async with bench.hosts():
            mortal: list[MortalJournal] = []

            def wrap(journal: object) -> MortalJournal:
                mortal.append(MortalJournal(journal, -1, durable=durable))  # pyright: ignore[reportArgumentType]
                return mortal[0]

            async with bench.running(wrap=wrap) as (engine, work):
                await _working(bench, engine)
                mortal[0]._left = 1
                await engine.request("s", "safe", "Ada", "smoke")
                await asyncio.wait((work,))
            assert bench.devices["balance"].made_safe == 0
            async with bench.running(None) as (engine, work):
                if not durable:
                    assert_completed(bench, await work)
                    return
                await bench.until(lambda: bench.devices["balance"].made_safe > 0)
                assert engine.state.mode == "safe"
                await engine.request("r", "rearm", "Grace")
                assert (await work).campaigns["kit-1"].status == "completed"

    run_virtual(main())


def test_a_stop_outlives_safe(tmp_path: Path) -> None:
    async def main() -> None:
        bench = ShellBench(tmp_path)
        async with bench.hosts(), bench.running() as (engine, work):
            await _working(bench, engine)
            await engine.request("1", "stop", "Ada", "enough")
            await engine.request("2", "safe", "Ada", "smoke")
            answer = await engine.request("3", "rearm", "Grace")
            assert answer.accepted
            assert "Ada" in answer.detail
            state = await work
            assert state.campaigns["kit-1"].status == "stopped"
            assert "enough" in state.campaigns["kit-1"].reason

    run_virtual(main())


def test_safe_and_rearm_in_one_breath_are_both_done(tmp_path: Path) -> None:
    async def main() -> None:
        bench = ShellBench(tmp_path)
        async with bench.hosts(), bench.running() as (engine, work):
            await _working(bench, engine)
            answers = await asyncio.gather(
                engine.request("1", "safe", "Ada"), engine.request("2", "rearm", "Grace")
            )
            assert all(answer.accepted for answer in answers)
            state = await work
            assert bench.devices["balance"].made_safe == 1
            assert state.runs[RUNS[0]].status in ("aborted", "failed")
            assert state.runs[RUNS[1]].status == "succeeded"

    run_virtual(main())


@pytest.mark.parametrize("word", ["done", "not_done", "partial", "discarded"])
def test_what_a_device_cannot_tell_is_answered_by_a_person(tmp_path: Path, word: str) -> None:
    async def main() -> None:
        bench = ShellBench(tmp_path)
        pump = bench.devices["pump"]
        async with bench.running() as (engine, work):
            async with bench.hosts():
                await bench.until(lambda: len(pump.acts) == 1)
            pump.can_tell = False
            if word == "not_done":
                pump.acts.clear()  # the syringe was empty, as a person can see
            async with bench.hosts():
                await bench.until(lambda: bool(engine.state.questions), 60)
                [question] = engine.state.questions.values()
                assert "the diary is wet" in question.text
                await bench.clock.sleep(3600)
                assert len(dosing(bench)) <= 1, "nothing is repeated while the question is open"
                for wrong in ({"question": "q-0", "answer": word}, {"question": question.id}):
                    assert not (
                        await engine.request(str(wrong), "answer", "Ada", "", wrong)
                    ).accepted
                right = {"question": question.id, "answer": word}
                assert (await engine.request("right", "answer", "Ada", "I looked", right)).accepted
                state = await work
                ending = "succeeded" if word in ("done", "not_done") else "failed"
                assert state.runs[RUNS[0]].status == ending
                assert dosing(bench) == RUNS

    run_virtual(main())


# -- records ----------------------------------------------------------------------------------------


def test_events_gives_the_past_and_then_what_happens(tmp_path: Path) -> None:
    async def main() -> None:
        bench = ShellBench(tmp_path)

        async def listen(engine: Engine, after: int) -> list[ev.Recorded]:
            return [record async for record in engine.events(after)]

        async with bench.hosts(), bench.running() as (engine, work):
            await _working(bench, engine)
            all_of_it = asyncio.create_task(listen(engine, 0))
            later = asyncio.create_task(listen(engine, 10))
            await work
            heard = await asyncio.wait_for(all_of_it, 60)
            assert heard[10:] == await asyncio.wait_for(later, 60)
            assert await listen(engine, 10) == heard[10:], "also when the engine has ended"
        assert heard == bench.records()

    run_virtual(main())


@pytest.mark.parametrize("fails", ["at_once", "in_the_middle"])
def test_an_optimiser_that_fails_ends_the_campaign_when_the_bench_is_free(
    tmp_path: Path, fails: str
) -> None:
    asked: list[int] = []

    def suggest(state: LabState, campaign: str, count: int) -> tuple[object, ...]:
        from tests.lab.engine.shell_bench import suggest as usual

        asked.append(count)
        if fails == "in_the_middle" and len(asked) == 1:
            return usual(state, campaign, count)
        raise ArithmeticError("matrix is singular")

    async def main() -> None:
        bench = ShellBench(tmp_path)
        async with bench.hosts(), bench.running(suggest=suggest) as (_, work):
            state = await asyncio.wait_for(work, 3600)
            campaign = state.campaigns["kit-1"]
            assert campaign.status == "failed"
            assert "singular" in campaign.reason
            statuses = [trial.status for trial in campaign.trials.values()]
            assert statuses == ([] if fails == "at_once" else ["done"])
            assert len(asked) <= 3

    run_virtual(main())


# -- people -----------------------------------------------------------------------------------------


def test_reports_that_say_nothing_new_are_not_decided_upon(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decisions = 0
    real = shell.decide

    def counted(*args: Any) -> Any:
        nonlocal decisions
        decisions += 1
        return real(*args)

    async def main() -> None:
        bench = ShellBench(tmp_path)
        async with (
            bench.hosts(),
            bench.running() as (engine, work),
            MemoryTransport(bench.bus) as other,
        ):
            await _working(bench, engine)
            status = engine.state.devices["balance"]
            before = decisions
            for detail in ("", "", "", "warm", "warm"):
                state = State(device="balance", ledger=status.ledger, state="ready", detail=detail)
                await other.publish(topics.state(LAB, "balance"), state.model_dump_json().encode())
                await asyncio.sleep(0.001)
            assert engine.state.devices["balance"].detail == "warm"
            assert 0 < decisions - before <= 2, "one is news: it is decided upon until all rests"
            assert_completed(bench, await work)

    monkeypatch.setattr(shell, "decide", counted)
    run_virtual(main())
