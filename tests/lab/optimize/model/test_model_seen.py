"""What trials that gave something are to the process: which row each has, and on what scale."""

from __future__ import annotations

import numpy as np
import pytest

from lab.optimize.model.seen import Results, see

POINTS = np.array([[0.1], [0.2], [0.3], [0.1], [0.5], [0.6]])
GROUPS = np.arange(1)


def _results(values, deviations=None, sides=None) -> Results:
    count = len(values)
    return Results(
        POINTS[:count],
        np.array(values, dtype=float),
        np.zeros(count) if deviations is None else np.array(deviations),
        [None] * count if sides is None else sides,
    )


def test_values_are_merged_and_keep_their_rows():
    seen = see(_results([1.0, 2.0, 3.0, 5.0]), 1.0, [], (), zeros=False)
    assert seen.rows.tolist() == [0, 1, 2, 0]
    assert seen.exact.share.tolist() == [0.5, 1.0, 1.0]
    assert seen.bounds is None
    assert len(seen.zeros) == 0
    assert not seen.given
    problem = seen.problem(np.array([[0.9]]), GROUPS, doubt=0.3)
    assert len(problem.points) == 4
    assert problem.outcomes[3] == problem.outcomes[:3].min()
    assert problem.given.tolist() == [0.0, 0.0, 0.0, 0.3]


@pytest.mark.parametrize(("sign", "up"), [(1.0, True), (-1.0, False)])
def test_what_is_beyond_the_range_has_one_bound(sign: float, up: bool):
    sides = [None, None, "above", None, "below", None]
    seen = see(_results([1.0, 2.0, 9.0, 4.0, 0.5, 3.0], sides=sides), sign, [], (), zeros=False)
    assert seen.rows.tolist() == [0, 1, 3, 0, 4, 2]
    bounds = seen.bounds
    assert bounds is not None
    assert bounds.start == 3
    assert bounds.inferred
    ends = seen.warp.forward(np.array([9.0, 0.5]))
    first, second = (bounds.low[0], bounds.high[0]), (bounds.low[1], bounds.high[1])
    assert first == ((ends[0], np.inf) if up else (-np.inf, ends[0]))
    assert second == ((-np.inf, ends[1]) if up else (ends[1], np.inf))
    assert seen.measured[3:].tolist() == [[0.3], [0.5]]
    problem = seen.problem(np.empty((0, 1)), GROUPS, doubt=0.3)
    assert problem.share[3:].tolist() == [0.0, 0.0]
    assert (problem.given[3:] > 0.0).all()


def test_zeros_stand_apart_and_do_not_bend_the_scale():
    seen = see(_results([0.0, 20.0, 22.0, 0.0, 21.0]), 1.0, [], (), zeros=True)
    assert seen.rows.tolist() == [3, 0, 1, 4, 2]
    assert seen.zeros.tolist() == [[0.1], [0.1]]
    assert seen.warp.center == pytest.approx(21.0)
    plain = see(_results([0.0, 20.0, 22.0, 0.0, 21.0]), 1.0, [], (), zeros=False)
    assert plain.warp.center == pytest.approx(12.6)
    assert len(plain.zeros) == 0
    few = see(_results([0.0, 20.0, 0.0]), 1.0, [], (), zeros=True)
    assert len(few.zeros) == 0  # of one value above zero nothing is known of those


def test_grades_are_bounds_alone():
    seen = see(_results([0.0, 1.0, 2.0, 1.0]), -1.0, [], ("x", "y", "z"), zeros=False)
    assert seen.rows.tolist() == [0, 1, 2, 3]  # of replicates each one counts
    assert seen.bounds is not None
    assert not seen.bounds.inferred
    assert (seen.warp.sign, seen.warp.scale, seen.warp.power) == (-1.0, 1.0, 1.0)
    problem = seen.problem(np.array([[0.9]]), GROUPS, doubt=0.3)
    assert problem.outcomes[0] > problem.outcomes[1] > problem.outcomes[2]
    assert problem.outcomes[4] == problem.outcomes[2]  # what failed counts as the worst


def test_standard_deviations_are_believed_if_they_are_smaller_than_the_spread():
    told = [1.0, 2.0, 3.0, 2.0]
    seen = see(_results(told, [0.1, 0.0, 0.2, 0.4]), 1.0, [], (), zeros=False)
    assert seen.given
    assert seen.exact.readings is not None
    assert len(seen.exact.given) == 3
    each = see(_results(told[:3], [0.1, 0.0, 0.2]), 1.0, [], (), zeros=False).exact.given
    assert each[1] == pytest.approx(each.mean(), rel=0.5)  # without its own it has the usual one
    assert each[2] > 3.0 * each[0]
    wrong_unit = see(_results(told, [100.0] * 4), 1.0, [], (), zeros=False)
    assert not wrong_unit.given
    assert wrong_unit.exact.readings is None
