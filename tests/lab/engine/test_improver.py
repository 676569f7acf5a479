"""The process that looks for better plans: a real one, and ones that die, hang or talk nonsense."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from dataclasses import replace

import pytest

from lab.engine.clock import ScaledClock, VirtualClock
from lab.engine.improver import InlineImprover, PlannerProcess, improver_for
from lab.engine.planner_child import improve_for
from lab.engine.virtual_loop import run_virtual
from lab.plan.improvement import PlanJob, job_of, weigh
from lab.plan.schedule import schedule
from lab.plan.snapshot import PlanningSnapshot, RunSnapshot
from tests.support.made_up_labs import plan_of, step

pytest.importorskip("numpy")
ortools = pytest.mark.skipif(
    __import__("importlib.util").util.find_spec("ortools") is None, reason="the plan extra"
)

LONG = plan_of(step("cut", "saw", 100), step("bake", "oven", 500, ["cut"]))
SHORT = plan_of(step("cut", "saw", 100), step("read", "reader", 10, ["cut"]))


def shop(samples: int = 5) -> tuple[PlanningSnapshot, PlanJob]:
    """The long one is worth most and stands last."""
    runs = [RunSnapshot(f"s{n}", (SHORT,)) for n in range(samples)]
    snapshot = PlanningSnapshot(0.0, (*runs, RunSnapshot("long", (LONG,))))
    first = schedule(snapshot)
    heavy = tuple(replace(r, priority=9) if r.run == "long" else r for r in snapshot.runs)
    snapshot = replace(snapshot, runs=heavy)
    return snapshot, job_of(snapshot, first.timeline.slots, first.plans)


def better(snapshot: PlanningSnapshot, job: PlanJob, slots) -> bool:
    plans = {run.run: run.plans[0] for run in job.snapshot.runs}
    return weigh(snapshot, job.slots, plans, slots).schedule is not None


def a_process(code: str, patience_s: float = 20.0) -> PlannerProcess:
    return PlannerProcess(0.1, (sys.executable, "-c", code), patience_s)


async def gone(pid: int) -> bool:
    for _ in range(200):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        await asyncio.sleep(0.05)
    return False


@pytest.mark.slow
@ortools
async def test_a_real_process_finds_a_better_plan_again_and_again_and_ends_with_the_engine():
    snapshot, job = shop()
    planner = PlannerProcess(1.0)
    try:
        first = await planner.improve(job)
        pid = planner.pid
        second = await planner.improve(job)
        assert planner.pid == pid, "the same process serves"
        for answer in (first, second):
            assert not answer.error
            assert answer.source in ("search", "solver")
            assert better(snapshot, job, answer.slots)
    finally:
        await planner.close()
    assert pid is not None
    assert await gone(pid)


@pytest.mark.slow
@ortools
async def test_one_that_is_killed_costs_its_answer_and_the_next_job_gets_another(caplog):
    snapshot, job = shop()
    planner = PlannerProcess(1.0)
    try:
        asked = asyncio.create_task(planner.improve(job))
        while planner.pid is None:
            await asyncio.sleep(0.01)
        killed = planner.pid
        os.kill(killed, signal.SIGKILL)
        with caplog.at_level(logging.WARNING):
            assert (await asked).slots == ()
        assert "given up" in caplog.text
        answer = await planner.improve(job)
        assert planner.pid != killed
        assert better(snapshot, job, answer.slots)
    finally:
        await planner.close()


async def test_one_that_hangs_is_given_up_and_killed(caplog):
    _, job = shop()
    deaf = "import time\nwhile True: time.sleep(1)"
    planner = a_process(deaf, patience_s=0.5)
    asked = asyncio.create_task(planner.improve(job))
    while planner.pid is None:
        await asyncio.sleep(0.01)
    pid = planner.pid
    with caplog.at_level(logging.WARNING):
        assert (await asked).slots == ()
    assert "no answer in time" in caplog.text
    assert planner.pid is None
    assert await gone(pid)


@pytest.mark.parametrize(
    "code",
    [
        "raise SystemExit(3)",
        "import sys; sys.stdin.buffer.read(4); sys.stdout.buffer.write(b'\\0\\0'); sys.stdout.flush()",
    ],
)
async def test_one_that_dies_or_breaks_off_has_found_nothing(code):
    _, job = shop()
    planner = a_process(code)
    assert (await planner.improve(job)).slots == ()
    await planner.close()


async def test_what_went_wrong_in_there_is_told(caplog):
    _, job = shop()
    told = (
        "import sys\n"
        "from lab.engine.planner_frames import PlanAnswer\n"
        "from lab.engine.solver.frames import frame, read_frame\n"
        "read_frame(sys.stdin.buffer)\n"
        "sys.stdout.buffer.write(frame(PlanAnswer(error='ValueError: so it is')))\n"
    )
    planner = a_process(told)
    with caplog.at_level(logging.WARNING):
        assert (await planner.improve(job)).slots == ()
    assert "so it is" in caplog.text
    await planner.close()


async def test_nobody_waits_for_it_when_the_engine_ends():
    _, job = shop()
    planner = a_process("import sys; sys.stdin.buffer.read()")
    asked = asyncio.create_task(planner.improve(job))
    while planner.pid is None:
        await asyncio.sleep(0.01)
    pid = planner.pid
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    assert await gone(pid)
    await planner.close()


def test_the_search_in_there_finds_what_pays_and_nothing_else():
    snapshot, job = shop()
    answer = improve_for(job, 0.3, None, 1)
    assert answer.source == "search"
    assert better(snapshot, job, answer.slots)
    best = replace(job, slots=answer.slots)
    assert improve_for(best, 0.2, None, 1).slots == ()
    no_order = replace(job, slots=job.slots[:-1])
    assert improve_for(no_order, 0.1, None, 1).slots == ()


def test_under_the_virtual_clock_the_same_job_gives_the_same_answer_and_few_runs_none():
    async def ask(samples: int):
        _, job = shop(samples)
        clock = VirtualClock(asyncio.get_running_loop())
        began = clock.monotonic()
        improver = InlineImprover(clock, 30)
        answer = await improver.improve(job)
        await improver.close()
        return answer, clock.monotonic() - began

    many, took = run_virtual(ask(16))
    assert took > 0, "thinking takes process time"
    snapshot, job = shop(16)
    assert better(snapshot, job, many.slots)
    assert run_virtual(ask(16))[0] == many
    assert run_virtual(ask(4))[0].slots == ()


def test_each_clock_has_its_own_way():
    async def virtual():
        return improver_for(VirtualClock(asyncio.get_running_loop()))

    assert isinstance(run_virtual(virtual()), InlineImprover)
    assert isinstance(improver_for(ScaledClock()), PlannerProcess)
    assert isinstance(improver_for(ScaledClock(60.0)), PlannerProcess)
    assert improver_for(ScaledClock(3600.0)) is None, "the plan would be past before it is there"
