"""CP-SAT: better plans only, the same ones every time, and the same optima as PyJobShop."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path

import pyjobshop
import pytest

from lab.plan.cpsat.effort import Effort
from lab.plan.cpsat.solve import improve
from lab.plan.cpsat.symmetry import alike, in_order
from lab.plan.formats import workload
from lab.plan.formats.slab import TABLES, read_slab
from lab.plan.formats.workload import lab_workload
from lab.plan.model.bounds import lower_bound
from lab.plan.model.problem import Closed, Job, Lag, Mode, Operation, Problem, Resource
from lab.plan.model.solution import Solution, score
from lab.plan.search.construct import Constructor
from tests.support.plan_checker import violations
from tests.support.random_problems import random_problem

DATA = Path(__file__).parents[3] / "data" / "scheduling"
DOCUMENT = json.loads((Path(workload.__file__).parent / "lab_workloads.json").read_text())
STEADY = Effort(workers=1, deterministic=0.5, seed=3)


def solved(problem: Problem, effort: Effort = STEADY, free: list[int] | None = None):
    first = Constructor(problem).best
    found: list[Solution] = []
    outcome = improve(problem, first, effort, found.append, free)
    return first, found, outcome


@pytest.mark.parametrize("block", range(6))
def test_every_plan_of_a_laboratory_with_everything_can_be_played(block):
    better = 0
    for seed in range(block * 10, block * 10 + 10):
        problem = random_problem(seed)
        first, found, outcome = solved(problem, Effort(workers=1, deterministic=0.15))
        assert not outcome.refused, f"seed {seed}: the model refuses a plan that stands"
        last = first
        for plan in found:
            wrong = violations(problem, plan.placed, broken_lags_allowed=first.score.broken > 0)
            assert wrong == [], f"seed {seed}"
            assert plan.score < last.score
            assert plan.score == score(problem, plan.placed)
            last = plan
        if outcome.bound is not None:
            assert outcome.bound <= last.makespan
        better += bool(found)
    assert better, "it never helps"


def test_one_worker_and_deterministic_time_give_the_same_plan_twice():
    folder = DATA / "slab" / "RNAseq_N5"
    tables = {name: (folder / name).read_text() for name in TABLES}
    problem = read_slab(tables, folder.name).problem
    effort = Effort(workers=1, deterministic=1.0, seed=5)
    assert solved(problem, effort) == solved(problem, effort)


def test_symmetry_finds_the_optimum_of_blocking_samples():
    problem = lab_workload(DOCUMENT, "s2", 12)
    _, found, outcome = solved(problem, Effort(workers=1, deterministic=20.0))
    best = found[-1].makespan if found else Constructor(problem).best.makespan
    assert outcome.optimal
    assert best == outcome.bound == lower_bound(problem)


def test_a_window_leaves_the_rest_where_it_is():
    problem = lab_workload(DOCUMENT, "s1", 12)
    first = Constructor(problem).best
    window = {n for n, op in enumerate(problem.operations) if 3 <= op.job < 8}
    found: list[Solution] = []
    outcome = improve(problem, first, Effort(workers=1, deterministic=2.0), found.append, window)
    assert outcome.bound is None, "a window proves nothing of the whole"
    for plan in found:
        assert violations(problem, plan.placed) == []
        for n, (before, after) in enumerate(zip(first.placed, plan.placed, strict=True)):
            assert n in window or before == after


def test_neighbourhoods_alone_prove_nothing():
    problem = lab_workload(DOCUMENT, "s1", 4)
    assert solved(problem, replace(STEADY, lns_only=True))[2].bound is None


def test_equal_samples_are_alike_and_sorting_them_keeps_the_plan_valid():
    problem = lab_workload(DOCUMENT, "s3", 9)
    groups = alike(problem)
    assert sorted(len(group) for group in groups) == [3, 3, 3]
    plan = Constructor(problem).best
    ordered = in_order(groups, plan.placed)
    assert violations(problem, ordered) == []
    assert score(problem, ordered) == plan.score
    for group in groups:
        for stage in zip(*group, strict=True):
            starts = [ordered[n].start for n in stage]
            assert starts == sorted(starts)
    due = (replace(problem.jobs[0], due=5, tardiness=1), *problem.jobs[1:])
    assert sorted(len(group) for group in alike(replace(problem, jobs=due))) == [2, 3, 3]


def _random_shop(seed: int) -> Problem:
    """Machines with breaks, lags with a most, alternatives: what PyJobShop can say as well."""
    chance = random.Random(seed)
    operations: list[Operation] = []
    lags: list[Lag] = []
    for job in range(4):
        for position in range(3):
            machines = chance.sample(range(3), chance.choice((1, 1, 2)))
            modes = tuple(Mode(machine, chance.randint(1, 9)) for machine in machines)
            operations.append(Operation(job, f"{job}.{position}", modes))
            if position:
                number = len(operations) - 1
                most = chance.choice((None, None, 4))
                lags.append(Lag(number - 1, number, chance.choice((0, 2)), most))
    resources = tuple(
        Resource(f"machine {n}", closed=(Closed(start := chance.randint(3, 12), start + 3, 1),))
        for n in range(3)
    )
    jobs = tuple(Job(str(n)) for n in range(4))
    return Problem(f"shop {seed}", resources, tuple(operations), tuple(lags), jobs)


def _pyjobshop_optimum(problem: Problem) -> int:
    model = pyjobshop.Model()
    machines = [
        model.add_machine(breaks=[(closed.start, closed.end) for closed in resource.closed])
        for resource in problem.resources
    ]
    jobs = [model.add_job() for _ in problem.jobs]
    tasks = [model.add_task(job=jobs[op.job]) for op in problem.operations]
    for task, op in zip(tasks, problem.operations, strict=True):
        for mode in op.modes:
            model.add_mode(task, machines[mode.station or 0], mode.duration)
    for lag in problem.lags:
        first, second = tasks[lag.first], tasks[lag.second]
        model.add_end_before_start(first, second, lag.least or 0)
        if lag.most is not None:
            model.add_start_before_end(second, first, -lag.most)
    result = model.solve(time_limit=20, display=False, num_workers=1)
    assert result.status.value == "Optimal"
    return round(result.objective)


@pytest.mark.parametrize("seed", range(8))
def test_pyjobshop_finds_the_same_optima(seed):
    problem = _random_shop(seed)
    first, found, outcome = solved(problem, Effort(workers=1, deterministic=20.0))
    best = found[-1] if found else first
    assert outcome.optimal
    assert violations(problem, best.placed) == []
    assert best.makespan == outcome.bound == _pyjobshop_optimum(problem)


@pytest.mark.parametrize("weight", [0, 3])
def test_a_sample_of_which_all_is_done_has_no_say(weight):
    """Its job stays in the problem, so that numbers keep their meaning, but has no operation."""
    problem = lab_workload(DOCUMENT, "screen", 3)
    done = replace(
        problem,
        operations=tuple(replace(op, job=op.job + 1) for op in problem.operations),
        jobs=(Job("done", weight, due=1, tardiness=weight), *problem.jobs),
    )
    first, found, outcome = solved(done)
    usual, better, _ = solved(problem)
    assert not outcome.refused
    assert [first, *found][-1].makespan == [usual, *better][-1].makespan
