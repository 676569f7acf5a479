"""Samples that share a furnace load, through the engine's core: a run is one load, heated by one command."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from lab.domain import event as ev
from tests.support.workload_batches import BatchedLab, batched_loop, batched_s3, judged

if TYPE_CHECKING:
    from tests.support.closed_loop import ClosedLoop

SAMPLES = 24


def exact(_, step) -> float:
    return step.duration_s


@pytest.fixture(scope="module")
def lab() -> BatchedLab:
    return batched_s3(SAMPLES)


@pytest.fixture(scope="module")
def done(lab: BatchedLab) -> ClosedLoop:
    return batched_loop(lab, takes=exact).run()


def test_every_sample_is_in_one_run_and_loads_are_full(lab):
    assert sorted(sample for group in lab.samples for sample in group) == list(range(SAMPLES))
    assert [len(group) for group in lab.samples] == [8, 8] + [1] * 8


def test_a_load_is_heated_at_once_and_no_limit_is_broken(lab, done):
    found = judged(lab, done)
    assert found.faults == []
    assert found.broken == set()
    assert sorted(found.loads) == [("600C", 8), ("900C", 8), ("900C", 8)]
    assert {run.status for run in done.state.runs.values()} == {"succeeded"}


def test_one_command_heats_all_of_a_load(done):
    heated = [
        event.command
        for event in done.events
        if isinstance(event, ev.CommandIntended) and event.command.device == "furnace_1"
    ]
    assert len(heated) == len({command.id for command in heated}) == 3


def test_the_journal_says_the_same_of_limits_as_the_workload(lab, done):
    assert done.broken == set()
    noisy = batched_loop(lab, seed=1).run()
    found = judged(lab, noisy)
    assert found.faults == []
    late = {
        sample
        for event in noisy.events
        if isinstance(event, ev.TimingRecorded) and not event.kept
        for sample in [int(event.window.partition("_")[0][1:])]
    }
    assert late == found.broken


@pytest.mark.parametrize("wrong", ["late", "early", "twice"])
def test_the_judge_sees_what_is_wrong(lab, done, wrong):
    """A sample that is cooled an hour late, one that is cooled before it is heated, a device that does two things."""
    run = next(run for run in done.state.runs.values() if "furnace_900C" in run.steps)
    first = lab.samples[run.trial - 1][0]
    heated = run.steps["furnace_900C"]
    path = f"s{first}_cool"
    assert heated.ended_s is not None
    if wrong == "late":
        change = {
            path: replace(
                run.steps[path], started_s=heated.ended_s + 3600, ended_s=heated.ended_s + 4800
            )
        }
    elif wrong == "early":
        change = {
            path: replace(run.steps[path], started_s=heated.started_s, ended_s=heated.ended_s)
        }
    else:
        move, other = (f"s{sample}_to_storage" for sample in lab.samples[run.trial - 1][:2])
        change = {move: replace(run.steps[other])}
    changed = replace(run, steps={**run.steps, **change})
    loop = batched_loop(lab, takes=exact)
    loop.state = replace(done.state, runs={**done.state.runs, run.id: changed})
    found = judged(lab, loop)
    if wrong == "late":
        assert found.broken == {first}
    else:
        assert found.faults
