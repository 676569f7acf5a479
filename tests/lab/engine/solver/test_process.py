"""The solver in its own process, and the tiers one after the other."""

from __future__ import annotations

import io
import json
import time
from dataclasses import replace
from pathlib import Path

import pytest

from lab.engine.solver.anytime import plan_anytime
from lab.engine.solver.frames import Better, Done, Request, Stop, frame, read_frame
from lab.engine.solver.process import SolverProcess, solver_installed
from lab.plan.cpsat.effort import Effort, Outcome
from lab.plan.formats import workload
from lab.plan.formats.shop import read_flexible_job_shop
from lab.plan.formats.workload import lab_workload
from lab.plan.model.problem import Job, Lag, Mode, Operation, Problem, Resource
from lab.plan.search.construct import Constructor
from lab.plan.search.pull_fifo import pull_fifo
from tests.support.plan_checker import violations
from tests.support.shop_rules import best_rule

DOCUMENT = json.loads((Path(workload.__file__).parent / "lab_workloads.json").read_text())
SHOP = Path(__file__).parents[3] / "data" / "scheduling" / "fjsp" / "mk05.fjs"


def shop() -> Problem:
    return read_flexible_job_shop(SHOP.read_text(), SHOP.name)[0].problem


@pytest.fixture(scope="module")
def solver():
    """One for all tests, which leave it alive: it serves again, whatever it was asked before."""
    with SolverProcess() as process:
        yield process


def collect(solver: SolverProcess, number: int, seconds: float = 60.0) -> tuple[list[Better], Done]:
    """All answers to a request, until it is done."""
    better: list[Better] = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for answer in solver.answers(0.05):
            if answer.number == number and isinstance(answer, Done):
                return better, answer
            if answer.number == number and isinstance(answer, Better):
                better.append(answer)
    raise AssertionError("the solver never ended")


def test_frames_survive_the_pipe_and_its_end():
    problem = lab_workload(DOCUMENT, "s3", 3)
    plan = Constructor(problem).best
    messages = [
        Request(1, problem, plan, Effort(seconds=1)),
        Stop(1),
        Better(1, plan),
        Done(1, Outcome(5, optimal=True)),
    ]
    stream = io.BytesIO(b"".join(map(frame, messages)) + b"\0\0")
    assert [read_frame(stream) for _ in messages] == messages
    assert read_frame(stream) is None


def test_it_improves_a_plan_and_serves_again(solver):
    problem = lab_workload(DOCUMENT, "s1", 6)
    plan = best_rule(shop())
    first, _ = collect(solver, solver.ask(shop(), plan, Effort(workers=1, deterministic=0.1)))
    assert first
    for answer in first:
        assert answer.plan.score < plan.score
        assert violations(shop(), answer.plan.placed) == []
    plan = Constructor(problem).best
    _, done = collect(solver, solver.ask(problem, plan, Effort(workers=1, deterministic=20.0)))
    assert done.outcome.optimal
    assert done.error == ""
    assert solver.alive


def test_a_search_is_stopped_early_even_before_it_has_begun(solver):
    number = solver.ask(shop(), best_rule(shop()), Effort(seconds=300, lns_only=True))
    solver.stop()
    assert collect(solver, number)[1].error == ""
    number = solver.ask(shop(), best_rule(shop()), Effort(seconds=300, lns_only=True))
    while not solver.answers(0.1):
        assert solver.alive
    solver.stop()
    assert collect(solver, number)[1].error == ""


def test_what_goes_wrong_in_there_is_told(solver):
    problem = lab_workload(DOCUMENT, "s1", 2)
    other = Constructor(lab_workload(DOCUMENT, "s1", 1)).best
    better, done = collect(solver, solver.ask(problem, other, Effort(seconds=1)))
    assert done.error
    assert better == []
    assert solver.alive


def test_a_dead_solver_leaves_the_plan_that_stands():
    solver = SolverProcess()
    assert solver.alive
    solver.close()
    assert not solver.alive
    solver.stop()
    planned = plan_anytime(shop(), 0.5, time.monotonic, solver)
    assert violations(shop(), planned.plan.placed) == []
    assert planned.plan.score <= best_rule(shop()).score


def test_the_best_plan_only_gets_better_and_is_never_worse_than_a_rule(solver):
    assert solver_installed()
    planned = plan_anytime(shop(), 2.0, time.monotonic, solver)
    makespans = [makespan for _, makespan in planned.history]
    times = [when for when, _ in planned.history]
    assert makespans == sorted(makespans, reverse=True)
    assert times == sorted(times)
    assert makespans[0] <= best_rule(shop()).makespan
    assert makespans[-1] == planned.plan.makespan
    assert planned.bound <= planned.plan.makespan
    assert violations(shop(), planned.plan.placed) == []


def test_no_time_at_all_still_gives_a_plan():
    problem = lab_workload(DOCUMENT, "s3", 12)
    planned = plan_anytime(problem, 0.0, time.monotonic)
    assert violations(problem, planned.plan.placed) == []
    assert planned.status == "feasible"
    assert planned.first_seconds <= planned.seconds


def test_an_impossible_hold_is_named_and_the_rest_is_planned(solver):
    problem = lab_workload(DOCUMENT, "s1", 3)
    hold = next(n for n, lag in enumerate(problem.lags) if lag.most is not None)
    lags = list(problem.lags)
    lags[hold] = replace(lags[hold], most=0)
    planned = plan_anytime(replace(problem, lags=tuple(lags)), 1.0, time.monotonic, solver)
    (found,) = planned.impossible
    assert (found.job, found.by) == ("sample 0", 1)
    assert "furnace" in found.first
    assert "cool" in found.second
    assert planned.status == "infeasible"
    assert planned.plan.score.broken == 1
    assert violations(problem, planned.plan.placed) == []


def screen(samples: int, *, blocking: bool) -> Problem:
    """Six steps on an arm, a dispenser, two heaters and an HPLC."""
    resources = Resource("arm"), Resource("dispenser"), Resource("heater", 2), Resource("hplc")
    steps = [(1, 90), (2, 600), (1, 60), (2, 300), (3, 420), (None, 0)]
    operations: list[Operation] = []
    lags: list[Lag] = []
    for job in range(samples):
        for position, (station, duration) in enumerate(steps):
            number = len(operations)
            operations.append(
                Operation(
                    job,
                    f"{job}.{position}",
                    (Mode(station, duration),),
                    (0,),
                    30,
                    comes_from=number - 1 if position else None,
                    fetched_by=number + 1 if blocking and station is not None else None,
                )
            )
            if position:
                lags.append(Lag(number - 1, number))
    jobs = tuple(Job(str(job)) for job in range(samples))
    return Problem(f"screen {samples}", resources, tuple(operations), tuple(lags), jobs)


@pytest.mark.parametrize("samples", [12, 24])
def test_a_screen_is_never_planned_worse_than_greedily(solver, samples):
    problem = screen(samples, blocking=False)
    planned = plan_anytime(problem, 0.9, time.monotonic, solver)
    assert violations(problem, planned.plan.placed) == []
    assert planned.plan.makespan <= pull_fifo(problem).makespan
    assert planned.plan.makespan <= 1.15 * planned.bound


@pytest.mark.parametrize("samples", [12, 24])
def test_a_blocking_screen_is_planned_where_greed_gets_stuck(solver, samples):
    problem = screen(samples, blocking=True)
    with pytest.raises(ValueError, match="stuck"):
        pull_fifo(problem)
    first = Constructor(problem).best
    planned = plan_anytime(problem, 0.9, time.monotonic, solver)
    assert violations(problem, planned.plan.placed) == []
    assert planned.plan.makespan <= first.makespan
    assert planned.plan.makespan <= 1.1 * planned.bound


def test_it_says_when_it_can_be_asked_and_nobody_waits_for_a_dead_one():
    with SolverProcess() as process:
        assert process.wait_until_ready(60.0)
    assert not process.wait_until_ready(60.0)
