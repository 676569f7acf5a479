"""Samples that are alike may change places: the plan stays valid and worth the same, and only such samples count as alike."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lab.plan.cpsat.symmetry import alike, in_order
from lab.plan.formats.workload import lab_workload
from lab.plan.model.problem import Fixed, Job, Lag, Mode, Operation, Problem, Resource, Use
from lab.plan.model.solution import broken_lags, score
from lab.plan.search.construct import Constructor
from tests.lab.plan.formats.test_readers import DOCUMENT
from tests.support.plan_checker import violations
from tests.support.random_problems import random_problem


def pairs(count: int = 3, **more) -> Problem:
    """So many samples with the same two steps and a hold between them."""
    operations: list[Operation] = []
    lags: list[Lag] = []
    for job in range(count):
        first = len(operations)
        operations.append(Operation(job, f"{job}.0", (Mode(0, 4),), (2,), 1))
        operations.append(
            Operation(job, f"{job}.1", (Mode(1, 3, (Use(3),)),), (2,), 1, comes_from=first)
        )
        lags += [Lag(first, first + 1), Lag(first, first + 1, None, 2, "end", "begin", name="hold")]
    resources = Resource("m"), Resource("n"), Resource("arm"), Resource("person")
    jobs = tuple(Job(f"s{n}", more.get("weight", 0)) for n in range(count))
    return Problem("pairs", resources, tuple(operations), tuple(lags), jobs)


def test_equal_samples_are_one_group_in_the_order_of_their_operations():
    assert alike(pairs()) == [[[0, 1], [2, 3], [4, 5]]]
    assert alike(pairs(1)) == []


def changed(number: int, **more) -> Problem:
    problem = pairs()
    operations = list(problem.operations)
    operations[number] = replace(operations[number], **more)
    return replace(problem, operations=tuple(operations))


@pytest.mark.parametrize(
    "more",
    [
        {"modes": (Mode(0, 5),)},
        {"modes": (Mode(1, 4),)},
        {"modes": (Mode(0, 4), Mode(1, 4))},
        {"modes": (Mode(0, 4, (Use(3),)),)},
        {"move": 2},
        {"carriers": ()},
        {"programme": "hot"},
        {"family": "salt"},
        {"release": 1},
        {"fetched_by": 3},
        {"fixed": Fixed(0, 2, 0, 1, 5)},
    ],
)
def test_any_difference_makes_a_sample_another_one(more):
    assert alike(changed(2, **more)) == [[[0, 1], [4, 5]]]


@pytest.mark.parametrize(
    "job", [Job("s1", 2), Job("s1", 0, 50), Job("s1", 0, None, 3)], ids=["weight", "due", "tardy"]
)
def test_so_does_what_it_is_worth(job):
    problem = pairs()
    jobs = (problem.jobs[0], job, problem.jobs[2])
    assert alike(replace(problem, jobs=jobs)) == [[[0, 1], [4, 5]]]


@pytest.mark.parametrize(
    "lag",
    [
        Lag(2, 3, None, 3, "end", "begin"),
        Lag(2, 3, 1),
        Lag(2, 3, None, 2, "end", "begin", penalty=4),
        Lag(-1, 2, 5),
    ],
)
def test_so_does_a_limit_of_its_own(lag):
    problem = pairs()
    assert alike(replace(problem, lags=(*problem.lags, lag))) == [[[0, 1], [4, 5]]]


def test_samples_that_wait_for_each_other_are_left_alone():
    problem = pairs(4)
    assert alike(replace(problem, lags=(*problem.lags, Lag(1, 2)))) == [[[4, 5], [6, 7]]]


@pytest.mark.parametrize("weight", [0, 3])
def test_put_in_order_a_plan_is_as_good_and_each_stage_is_in_turn(weight):
    problem = pairs(5, weight=weight)
    plan = Constructor(problem).best
    placed = list(plan.placed)
    for one, two in ((0, 6), (1, 7), (2, 8), (3, 9)):  # two pairs of samples have changed places
        placed[one], placed[two] = placed[two], placed[one]
    found = in_order(alike(problem), placed)
    assert violations(problem, found, broken_lags_allowed=plan.score.broken > 0) == []
    assert score(problem, found) == plan.score
    for stage in (0, 1):
        starts = [found[2 * job + stage].start for job in range(5)]
        assert starts == sorted(starts)
    assert in_order([], placed) == placed


@pytest.mark.parametrize("case", ["s1-6", "s2-6", "s3-12"])
def test_the_workloads_keep_their_worth_in_order(case):
    name, samples = case.split("-")
    problem = lab_workload(DOCUMENT, name, int(samples))
    groups = alike(problem)
    assert sum(len(group) for group in groups) == int(samples)
    plan = Constructor(problem).best
    found = in_order(groups, plan.placed)
    assert violations(problem, found, broken_lags_allowed=True) == []
    assert score(problem, found).makespan == plan.makespan
    assert len(broken_lags(problem, found)) <= len(broken_lags(problem, plan.placed))


@pytest.mark.parametrize("seed", range(40))
def test_whatever_counts_as_alike_can_be_put_in_order(seed):
    problem = random_problem(seed)
    plan = Constructor(problem, seed).best
    found = in_order(alike(problem), plan.placed)
    if plan.score.broken:
        return  # sorted, a hold that one sample breaks may be shared by two
    assert violations(problem, found) == []
    assert score(problem, found).broken == 0
    assert score(problem, found).makespan == plan.makespan
