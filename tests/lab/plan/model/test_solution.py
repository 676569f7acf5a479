"""What a plan is worth, added up by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.plan.model.problem import ORIGIN, Job, Lag, Mode, Operation, Problem, Resource
from lab.plan.model.solution import Placed, Score, Solution, broken_lags, excess, score

TWO = Problem(
    "two",
    (Resource("m"),),
    (Operation(0, "a", (Mode(0, 4),)), Operation(1, "b", (Mode(0, 6),))),
    (),
    (Job("a", weight=2, due=3, tardiness=5), Job("b")),
)
PLACED = (Placed(0, None, 1, 2, 6), Placed(0, None, 7, 8, 14))


def test_marks_are_the_three_times():
    assert [PLACED[1].at(mark) for mark in ("start", "begin", "end")] == [7, 8, 14]


def test_cost_is_weighted_ends_tardiness_and_penalties():
    assert score(TWO, PLACED) == Score(0, 2 * 6 + 5 * 3, 14)
    soft = replace(TWO, lags=(Lag(0, 1, None, 0, "end", "begin", penalty=7),))
    assert score(soft, PLACED) == Score(0, 27 + 7 * 2, 14)
    hard = replace(TWO, lags=(Lag(0, 1, None, 0, "end", "begin"),))
    assert score(hard, PLACED) == Score(2, 27, 14)
    early = replace(TWO, jobs=(Job("a", due=9, tardiness=5), Job("b")))
    assert score(early, PLACED).cost == 0


def test_a_job_without_operations_ends_at_once():
    problem = replace(TWO, jobs=(*TWO.jobs, Job("none", weight=9)))
    assert score(problem, PLACED) == score(TWO, PLACED)
    assert score(replace(TWO, operations=(), lags=()), ()) == Score(0, 0, 0)


@pytest.mark.parametrize(
    ("lag", "over"),
    [
        (Lag(0, 1), -1),  # least 0 from end to start: there is 1 to spare
        (Lag(0, 1, 1), 0),
        (Lag(0, 1, 3), 2),
        (Lag(0, 1, None, 1), 0),
        (Lag(0, 1, None, 0), 1),
        (Lag(0, 1, 5, 0), 4),
        (Lag(0, 1, None, 5, "start", "end"), 8),
        (Lag(ORIGIN, 1, None, 10, "start", "end"), 4),
        (Lag(ORIGIN, 0, 3, None, "start", "begin"), 1),
    ],
)
def test_excess_is_the_distance_beyond_the_nearer_limit(lag, over):
    assert excess(lag, PLACED) == over


def test_only_limits_that_must_hold_are_named_as_broken():
    lags = (
        Lag(0, 1, None, 0, name="hard"),
        Lag(0, 1, None, 0, penalty=1, name="soft"),
        Lag(0, 1, None, 9, name="kept"),
    )
    [broken] = broken_lags(replace(TWO, lags=lags), PLACED)
    assert (broken.lag.name, broken.by) == ("hard", 1)


@given(st.integers(0, 9), st.integers(0, 9), st.integers(0, 9))
def test_broken_comes_before_cost_and_cost_before_makespan(a, b, c):
    assert Score(a, b + 1, 0) > Score(a, b, 99)
    assert Score(a + 1, 0, 0) > Score(a, 99, 99)
    assert Score(a, b, c) < Score(a, b, c + 1)


def test_a_solution_knows_its_makespan():
    assert Solution(PLACED, score(TWO, PLACED)).makespan == 14
