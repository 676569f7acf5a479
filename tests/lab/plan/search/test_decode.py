"""Whatever the keys, a plan comes out that can be played; and keys, weights and patience do what they are for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.plan.formats.workload import lab_workload
from lab.plan.model.problem import Job, Lag, Mode, Operation, Problem, Resource
from lab.plan.model.solution import Placed, score
from lab.plan.model.verify import faults
from lab.plan.search.arrays import compile_problem
from lab.plan.search.decode import decode
from tests.lab.plan.formats.test_readers import DOCUMENT
from tests.support.plan_checker import violations
from tests.support.random_problems import random_problem


def decoded(problem: Problem, weight: int, keys, wait: int = 0, rest: int = 0):
    tables = compile_problem(problem)
    count, classes = len(tables.segment), max(1, len(tables.class_size))
    whole = np.resize(np.array(keys, dtype=np.int64), count)
    patience = np.array([[wait] * classes, [rest] * classes], dtype=np.int64)
    rows, worth = decode(tables, weight, whole, patience)
    placed = [
        Placed(int(mode), None if carrier < 0 else int(carrier), int(start), int(begin), int(end))
        for mode, carrier, start, begin, end, _ in rows
    ]
    return placed, tuple(int(part) for part in worth), rows[:, 5]


@settings(deadline=None, max_examples=150)
@given(
    st.integers(0, 400),
    st.sampled_from([0, 1]),
    st.lists(st.integers(-1_000_000, 1_000_000), min_size=1, max_size=12),
    st.sampled_from([0, 3, 1 << 30]),
    st.sampled_from([0, 4]),
)
def test_any_keys_give_a_plan_that_can_be_played(seed, weight, keys, wait, rest):
    problem = random_problem(seed)
    placed, worth, done = decoded(problem, weight, keys, wait, rest)
    if not done.all():
        return  # some operations find no place in that order: the search drops it
    assert violations(problem, placed, broken_lags_allowed=worth[0] > 0) == []
    assert faults(problem, placed) == []
    assert worth == tuple(score(problem, placed))
    again = decoded(problem, weight, keys, wait, rest)
    assert (again[0], again[1]) == (placed, worth)


def line(*durations: int) -> Problem:
    """Samples with one operation each, on one machine."""
    operations = tuple(Operation(n, f"{n}", (Mode(0, time),)) for n, time in enumerate(durations))
    return Problem(
        "line", (Resource("m"),), operations, (), tuple(Job(f"{n}") for n in range(len(durations)))
    )


@given(st.permutations(range(5)))
def test_with_weight_0_the_keys_are_the_order(order):
    keys = np.empty(5, dtype=np.int64)
    keys[list(order)] = np.arange(5)
    placed, _, _ = decoded(line(3, 1, 4, 1, 5), 0, keys)
    assert sorted(range(5), key=lambda n: placed[n].start) == list(order)


def test_with_weight_1_a_key_is_a_head_start():
    """The second sample is there 5 later; a head start of 6 brings it first, one of 4 does not."""
    operations = (Operation(0, "a", (Mode(0, 9),)), Operation(1, "b", (Mode(0, 9),), release=5))
    problem = Problem("two", (Resource("m"),), operations, (), (Job("a"), Job("b")))
    assert [p.start for p in decoded(problem, 1, [0, -4])[0]] == [0, 9]
    assert [p.start for p in decoded(problem, 1, [0, -6])[0]] == [14, 5]


def oven(*releases: int) -> Problem:
    """Samples that come one by one to an oven for three."""
    operations = tuple(
        Operation(n, f"{n}", (Mode(0, 10),), programme="hot", release=time)
        for n, time in enumerate(releases)
    )
    jobs = tuple(Job(f"{n}") for n in range(len(releases)))
    return Problem("oven", (Resource("oven", 3, batch=True),), operations, (), jobs)


@pytest.mark.parametrize(
    ("wait", "begins"),
    [(0, [0, 10, 20]), (4, [4, 4, 14]), (8, [8, 8, 8]), (1 << 30, [8, 8, 8])],
)
def test_patience_is_how_long_a_batch_waits_for_the_next_sample(wait, begins):
    """It counts from when the first one is there, whether the oven is free by then or not."""
    placed, _, _ = decoded(oven(0, 4, 8), 1, [0], wait)
    assert [place.begin for place in placed] == begins


def test_a_full_batch_waits_for_nobody():
    placed, _, _ = decoded(oven(0, 0, 0, 2), 1, [0], 1 << 30)
    assert [place.begin for place in placed] == [0, 0, 0, 10]


def test_programmes_never_share_a_batch():
    problem = oven(0, 0)
    other = Operation(2, "2", (Mode(0, 10),), programme="warm")
    problem = Problem(
        "oven", problem.resources, (*problem.operations, other), (), (*problem.jobs, Job("2"))
    )
    placed, _, _ = decoded(problem, 1, [0], 1 << 30)
    assert placed[0].begin == placed[1].begin != placed[2].begin


def test_what_follows_a_batch_rests_so_that_the_next_can_be_loaded():
    first = oven(0, 0).operations
    after = tuple(Operation(n, f"{n}.1", (Mode(1, 2),), comes_from=n) for n in range(len(first)))
    lags = tuple(Lag(n, n + 2) for n in range(2))
    resources = Resource("oven", 3, batch=True), Resource("bench", 2)
    problem = Problem("rest", resources, (*first, *after), lags, (Job("0"), Job("1")))
    soon = decoded(problem, 1, [0], 0, 0)[0]
    later = decoded(problem, 1, [0], 0, 6)[0]
    assert [place.start for place in soon[2:]] == [10, 10]
    assert all(place.start in (10, 16) for place in later[2:])


@pytest.mark.parametrize("name", ["s1", "s2", "s3"])
def test_workloads_in_any_order_of_samples(name):
    problem = lab_workload(DOCUMENT, name, 8)
    chance = np.random.default_rng(3)
    for _ in range(4):
        keys = chance.integers(-200, 200, size=64)
        placed, worth, done = decoded(problem, 1, keys, 120)
        if done.all():
            assert violations(problem, placed, broken_lags_allowed=worth[0] > 0) == []
