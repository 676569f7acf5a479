"""Bounds that hold, and limits that cannot."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from lab.plan.formats import workload
from lab.plan.formats.shop import read_job_shop
from lab.plan.formats.workload import lab_workload
from lab.plan.model.bounds import impossible_lags, least_end, lower_bound, without
from lab.plan.model.problem import ORIGIN, Fixed, Job, Lag, Mode, Operation, Problem, Resource
from lab.plan.search.construct import Constructor

DOCUMENT = json.loads((Path(workload.__file__).parent / "lab_workloads.json").read_text())


@pytest.mark.parametrize("case", ["s1-24", "s1-96", "s2-24", "s2-96"])
def test_bottleneck_bounds_are_the_published_ones(case):
    name, samples = case.split("-")
    assert lower_bound(lab_workload(DOCUMENT, name, int(samples))) == DOCUMENT["bounds"][case]


def test_the_open_door_of_an_oven_counts():
    """Twelve full batches, and eight moves by one arm before each."""
    problem = lab_workload(DOCUMENT, "s3", 96)
    bound = lower_bound(problem)
    assert bound == 1866 > DOCUMENT["bounds"]["s3-96"]
    assert Constructor(problem).best.makespan >= bound
    two_arms = tuple(
        replace(resource, capacity=2) if resource.name == "arm" else resource
        for resource in problem.resources
    )
    assert lower_bound(replace(problem, resources=two_arms)) == 1866 - 48


def test_one_machine_at_a_time_counts_heads_and_tails_together():
    """The preemptive bound of ft10 is 808 (Carlier and Pinson, Manage. Sci. 35, 164 (1989)); its load alone says 796."""
    file = Path(__file__).parents[3] / "data" / "scheduling" / "jsp" / "jsp_selected.json"
    by_name = {item.name: item.problem for item in read_job_shop(file.read_text(), file.name)}
    assert lower_bound(by_name["ft10"]) == 808
    assert lower_bound(by_name["la01"]) == 666


def test_a_second_place_takes_the_one_machine_bound_away():
    """A long tail that comes late has to wait for nobody: what is running is interrupted."""
    operations = (
        Operation(0, "long", (Mode(0, 10),)),
        Operation(1, "late", (Mode(0, 2),), release=3),
        Operation(1, "tail", (Mode(1, 20),)),
    )
    jobs = Job("a"), Job("b")
    problem = Problem("two", (Resource("one"), Resource("two")), operations, (Lag(1, 2),), jobs)
    assert lower_bound(problem) == 25
    short = replace(operations[2], modes=(Mode(1, 1),))
    problem = replace(problem, operations=(*operations[:2], short))
    assert lower_bound(problem) == 12
    roomy = replace(problem, resources=(Resource("one", 2), Resource("two")))
    assert lower_bound(roomy) == 10


def chain(most: int | None, *, rest: int = 0) -> Problem:
    operations = tuple(Operation(0, f"step {n}", (Mode(n, 10),)) for n in range(3))
    lags = [Lag(0, 1, rest), Lag(1, 2)]
    if most is not None:
        lags.append(Lag(0, 2, None, most, "end", "begin", name="hold"))
    resources = tuple(Resource(f"station {n}") for n in range(3))
    return Problem("chain", resources, operations, tuple(lags), (Job("sample A"),))


def test_an_impossible_hold_is_named_with_sample_steps_and_excess():
    assert impossible_lags(chain(10)) == []
    (found,) = impossible_lags(chain(10, rest=7))
    assert found == ("sample A", "step 0", "step 2", 2, 7)
    (found,) = impossible_lags(chain(4))
    assert found.by == 6
    assert impossible_lags(without(chain(4), {found.lag})) == []


def test_a_deadline_and_what_runs_count_as_well():
    problem = chain(None)
    late = replace(problem, lags=(*problem.lags, Lag(ORIGIN, 2, None, 25, "end", "end")))
    (found,) = impossible_lags(late)
    assert (found.first, found.by) == ("time zero", 5)
    begun = replace(problem.operations[0], fixed=Fixed(0, None, 0, 0, 18))
    running = replace(late, operations=(begun, *problem.operations[1:]))
    assert impossible_lags(running)[0].by == 13
    assert least_end(running) == 38


def test_an_alternative_or_a_batch_is_not_called_impossible():
    problem = chain(9)
    quick = replace(problem.operations[1], modes=(Mode(1, 10), Mode(1, 4)))
    operations = (problem.operations[0], quick, problem.operations[2])
    assert impossible_lags(replace(problem, operations=operations)) == []
