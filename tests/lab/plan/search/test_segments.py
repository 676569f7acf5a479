"""Where paths may be cut."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lab.plan.model.problem import Fixed, Job, Lag, Mode, Operation, Problem, Resource
from lab.plan.search.segments import segments


def chain(*lags: Lag, count: int = 5) -> Problem:
    operations = tuple(Operation(0, str(n), (Mode(0, 10),)) for n in range(count))
    return Problem("chain", (Resource("one"),), operations, lags, (Job("a"),))


STEPS = tuple(Lag(n, n + 1) for n in range(4))


def test_a_chain_without_limits_is_cut_everywhere():
    cut = segments(chain(*STEPS))
    assert cut.members == [[0], [1], [2], [3], [4]]
    assert cut.waits == [0, 1, 1, 1, 1]
    assert cut.after[0] == [1]


def test_a_longest_time_ties_its_ends_and_what_lies_between():
    cut = segments(chain(*STEPS, Lag(1, 3, None, 30)))
    assert sorted(map(tuple, cut.members)) == [(0,), (1, 2, 3), (4,)]
    assert cut.offset[1:4] == [0, 10, 20]


def test_a_blocked_station_ties_and_a_fixed_operation_does_not():
    problem = chain(*STEPS)
    blocking = tuple(
        replace(op, fetched_by=n + 1) if n < 4 else op for n, op in enumerate(problem.operations)
    )
    assert segments(replace(problem, operations=blocking)).members == [[0, 1, 2, 3, 4]]
    fixed = replace(blocking[0], fixed=Fixed(0, None, 0, 0, 10))
    cut = segments(replace(problem, operations=(fixed, *blocking[1:])))
    assert cut.members == [[1, 2, 3, 4]]
    assert cut.of[0] == -1


def test_a_circle_of_predecessors_is_refused():
    with pytest.raises(ValueError, match="circle"):
        segments(chain(*STEPS, Lag(4, 0)))


def test_crossing_limits_make_one_segment():
    cut = segments(chain(*STEPS, Lag(0, 2, None, 30), Lag(1, 3, None, 30)))
    assert sorted(map(len, cut.members)) == [1, 4]


def test_batches_of_one_programme_are_a_class():
    operations = tuple(
        Operation(n, str(n), (Mode(0, 10),), programme="x" if n < 2 else "y") for n in range(3)
    )
    problem = Problem(
        "ovens", (Resource("oven", 4, batch=True),), operations, (), tuple(Job(n) for n in "abc")
    )
    cut = segments(problem)
    assert cut.batch_class == [0, 0, 1]
    assert cut.class_size == [4, 4]
