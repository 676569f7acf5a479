"""Tasks for people, asked and answered through the shell with real parts."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from lab.domain import event as ev
from lab.engine.virtual_loop import run_virtual
from tests.lab.engine.kit import KitContext, campaign_started, plan_of, step
from tests.lab.engine.shell_bench import (
    ShellBench,
)

if TYPE_CHECKING:
    from pathlib import Path


def _asking(simulated: dict[str, object], **more: object) -> KitContext:
    task = {
        "prompt": "Read the meter",
        "fields": {"ph": {"kind": "quantity", "maximum": 14}, "note": {"kind": "text"}},
        "simulated_answers": simulated,
        **more,
    }
    return KitContext(plan_of(step("read", "operator", manual=task), results=(), stations=()))


@pytest.mark.parametrize(
    ("simulated", "words"),
    [
        ({"ph": 7.0, "note": "clear"}, ""),
        ({"ph": 7.0}, "give note under 'simulate'"),
        ({}, "give ph, note under 'simulate'"),
        ({"ph": 15.0, "note": "odd"}, "are wrong: 'ph' must be a number of at most 14"),
    ],
)
def test_a_simulated_person_answers_as_the_procedure_says_or_the_step_fails(
    tmp_path: Path, simulated: dict[str, object], words: str
) -> None:
    async def main() -> None:
        bench = ShellBench(tmp_path, _asking(simulated, sign="witness"), campaign_started(trials=1))
        async with bench.hosts(), bench.running() as (_, work):
            state = await asyncio.wait_for(work, 3600)
        [run] = state.runs.values()
        said = [r.event for r in bench.records() if isinstance(r.event, ev.TaskAnswered)]
        assert all(event.simulated and event.actor == "simulated operator" for event in said)
        if words:
            assert words in run.reason
            assert run.status == "failed"
            return
        assert run.status == "succeeded"
        assert run.steps["read"].outputs == simulated
        seen = [r.event for r in bench.records() if isinstance(r.event, ev.TaskWitnessed)]
        assert [(event.actor, event.simulated) for event in seen] == [("simulated witness", True)]

    run_virtual(main())


def test_a_task_waits_for_a_person_through_a_pause_and_is_not_taken_for_simulated(
    tmp_path: Path,
) -> None:
    async def main() -> None:
        bench = ShellBench(tmp_path, _asking({"ph": 7.0, "note": "x"}), campaign_started(trials=1))
        bench.simulate_people = False
        async with bench.hosts(), bench.running() as (engine, work):
            await bench.until(lambda: bool(engine.state.tasks))
            assert (await engine.request("p", "pause", "Ada")).accepted
            [task] = engine.state.tasks
            args = {"question": task, "answers": {"ph": "6.5", "note": "ok"}}
            answer = await engine.request("a", "answer", "Ada", "", args)
            assert answer.accepted, answer.detail
            state = await work
        [run] = state.runs.values()
        assert run.steps["read"].outputs == {"ph": 6.5, "note": "ok"}
        [said] = [r.event for r in bench.records() if isinstance(r.event, ev.TaskAnswered)]
        assert not said.simulated

    run_virtual(main())
