"""The race of the tiers, by a clock that goes on when it is asked."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path

import pytest

from lab.engine.solver.anytime import plan_anytime
from lab.engine.solver.process import SolverProcess
from lab.plan.formats import workload
from lab.plan.formats.shop import read_job_shop
from lab.plan.formats.workload import lab_workload
from lab.plan.model.problem import FOREVER, Closed, Job, Mode, Operation, Problem, Resource
from lab.plan.search.construct import Constructor, Unplaced
from lab.plan.shop.search import ShopSearch
from tests.support.plan_checker import violations
from tests.support.shop_rules import best_rule, random_shop

DOCUMENT = json.loads((Path(workload.__file__).parent / "lab_workloads.json").read_text())
JOB_SHOPS = Path(__file__).parents[3] / "data" / "scheduling" / "jsp" / "jsp_selected.json"


class Wall:
    """Each look at it takes a hundredth of a second."""

    def __init__(self) -> None:
        self.now = 50.0

    def __call__(self) -> float:
        self.now += 0.01
        return self.now


def job_shop(name: str) -> Problem:
    found = read_job_shop(JOB_SHOPS.read_text(), JOB_SHOPS.name)
    return next(item.problem for item in found if item.name == name)


def test_time_that_is_used_up_already_leaves_the_first_plan():
    problem, wall = lab_workload(DOCUMENT, "s3", 12), Wall()
    planned = plan_anytime(problem, 1.0, wall, since=wall.now - 5.0)
    assert planned.first_seconds > 5.0
    assert planned.plan == Constructor(problem).best
    assert len(planned.history) == 1
    assert planned.seconds >= planned.first_seconds


def test_the_first_plan_counts_from_when_the_time_began():
    problem = lab_workload(DOCUMENT, "s1", 3)
    assert plan_anytime(problem, 0.0, Wall()).first_seconds < 0.1


def test_without_a_solver_the_search_uses_all_of_its_time_and_stands_by_the_best():
    problem, wall = lab_workload(DOCUMENT, "screen", 12), Wall()
    planned = plan_anytime(problem, 3.0, wall)
    assert 3.0 <= planned.seconds < 3.2
    makespans = [makespan for _, makespan in planned.history]
    assert makespans == sorted(makespans, reverse=True)
    assert len(makespans) > 1
    assert makespans[-1] == planned.plan.makespan
    assert violations(problem, planned.plan.placed) == []


def test_it_ends_when_the_bound_is_reached():
    problem = job_shop("la01")
    planned = plan_anytime(problem, 100.0, Wall())
    assert (planned.plan.makespan, planned.bound, planned.status) == (666, 666, "optimal")
    assert planned.seconds < 50


@pytest.mark.parametrize("seed", range(8))
def test_a_shop_begins_no_worse_than_its_rules_and_the_same_time_gives_the_same_plan(seed):
    problem = random_shop(seed)
    planned = plan_anytime(problem, 0.15, Wall(), seed=seed)
    assert planned.history[0][1] <= best_rule(problem).makespan
    assert planned.bound <= planned.plan.makespan
    assert violations(problem, planned.plan.placed) == []
    assert plan_anytime(problem, 0.15, Wall(), seed=seed).plan == planned.plan


def test_a_shop_whose_jobs_have_a_worth_is_planned_for_that_worth():
    """The makespan is the same in either order; the job that is worth more ends first."""
    operations = tuple(Operation(n, str(n), (Mode(0, 5),)) for n in range(2))
    jobs = Job("cheap", 1), Job("dear", 9)
    problem = Problem("worth", (Resource("one"),), operations, (), jobs)
    plan = plan_anytime(problem, 0.5, Wall()).plan
    assert [place.start for place in plan.placed] == [5, 0]


def test_a_plan_that_stands_is_only_given_up_for_a_better_one():
    problem = job_shop("la21")
    good = ShopSearch(problem, 1)
    left = iter(range(3))
    good.improve(lambda: next(left, None) is not None)
    planned = plan_anytime(problem, 0.1, Wall(), standing=good.best)
    assert planned.plan.makespan <= good.makespan < planned.history[0][1]


def test_what_never_has_a_place_is_told():
    operation = Operation(0, "never", (Mode(0, 5),))
    shut = Resource("shut", closed=(Closed(0, FOREVER, 1),))
    with pytest.raises(Unplaced):
        plan_anytime(Problem("shut", (shut,), (operation,), (), (Job("0"),)), 1.0, Wall())


def test_the_solver_is_no_worse_on_batches_and_proves_nothing_there():
    problem = lab_workload(DOCUMENT, "s3", 9)
    with SolverProcess() as solver:
        planned = plan_anytime(problem, 1.0, time.monotonic, solver)
    assert violations(problem, planned.plan.placed) == []
    assert planned.plan.score <= Constructor(problem).best.score
    assert planned.bound < planned.plan.makespan or planned.status == "optimal"


def test_the_solver_proves_what_the_search_can_not():
    problem = lab_workload(DOCUMENT, "screen", 4)
    with SolverProcess() as solver:
        planned = plan_anytime(problem, 30.0, time.monotonic, solver)
    assert planned.status == "optimal"
    assert planned.bound == planned.plan.makespan
    alone = plan_anytime(problem, 0.5, Wall())
    assert alone.bound <= planned.bound <= alone.plan.makespan


def test_a_dead_solver_does_not_end_the_search():
    problem = lab_workload(DOCUMENT, "screen", 12)
    solver = SolverProcess()
    solver.close()
    planned = plan_anytime(problem, 3.0, Wall(), solver)
    assert planned.seconds >= 3.0
    assert planned.plan.makespan < Constructor(problem).best.makespan


def test_an_objective_besides_the_makespan_is_not_done_when_the_bound_is_reached():
    problem = lab_workload(DOCUMENT, "s2", 3)
    valued = replace(problem, jobs=tuple(Job(job.name, 1) for job in problem.jobs))
    assert plan_anytime(valued, 1.0, Wall()).seconds >= 1.0
