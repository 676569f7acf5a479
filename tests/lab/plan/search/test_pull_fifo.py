"""Pull-FIFO gives what was measured for our workloads, and knows its limits."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from lab.plan.formats import workload
from lab.plan.formats.workload import lab_workload
from lab.plan.model.problem import Job, Lag, Mode, Operation, Problem, Resource
from lab.plan.model.solution import broken_lags
from lab.plan.search.pull_fifo import pull_fifo
from tests.support.plan_checker import violations

DOCUMENT = json.loads((Path(workload.__file__).parent / "lab_workloads.json").read_text())


@pytest.mark.parametrize("case", DOCUMENT["pull_fifo"])
def test_what_was_measured(case):
    name, samples = case.split("-")
    problem = lab_workload(DOCUMENT, name, int(samples))
    plan = pull_fifo(problem)
    assert plan.makespan == DOCUMENT["pull_fifo"][case]["makespan"]
    assert len(broken_lags(problem, plan.placed)) == DOCUMENT["pull_fifo"][case]["broken_holds"]
    if samples == "24":
        assert violations(problem, plan.placed, broken_lags_allowed=True) == []


def test_samples_that_want_each_others_stations_get_stuck():
    def step(number: int, job: int, station: int, *, last: bool = False) -> Operation:
        after = None if last else number + 1
        before = None if number % 2 == 0 else number - 1
        return Operation(
            job, str(number), (Mode(station, 5),), (2,), 1, comes_from=before, fetched_by=after
        )

    operations = step(0, 0, 0), step(1, 0, 1, last=True), step(2, 1, 1), step(3, 1, 0, last=True)
    problem = Problem(
        "swap",
        (Resource("a"), Resource("b"), Resource("arm")),
        operations,
        (Lag(0, 1), Lag(2, 3)),
        (Job("x"), Job("y")),
    )
    with pytest.raises(ValueError, match="stuck"):
        pull_fifo(problem)
    two = replace(operations[0], modes=(Mode(0, 5), Mode(1, 5)))
    with pytest.raises(ValueError, match="one station"):
        pull_fifo(replace(problem, operations=(two, *operations[1:])))
