"""Replicates merged: the same likelihood and the same belief as all readings one by one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lab.optimize.model.families import families_for
from lab.optimize.model.fit import subset
from lab.optimize.model.likelihood import Problem, objective
from lab.optimize.model.process import make_process
from lab.optimize.model.replicates import Told, merge

RNG = np.random.Generator(np.random.PCG64(3))
PLACES = RNG.random((7, 2))
ROWS = np.array([0, 1, 2, 0, 3, 0, 4, 5, 2, 6])
POINTS = PLACES[ROWS]
OUTCOMES = np.sin(5.0 * POINTS[:, 0]) + POINTS[:, 1] + RNG.normal(0.0, 0.2, len(ROWS))
FAMILY = families_for(2)[0]


def _apart() -> Problem:
    n = len(OUTCOMES)
    return Problem(POINTS, OUTCOMES, np.zeros(n), np.ones(n), np.arange(2))


def _merged() -> Problem:
    told = merge(POINTS, OUTCOMES)
    return Problem(
        told.points, told.outcomes, told.given, told.share, np.arange(2), within=told.within
    )


def test_they_become_mean_count_and_scatter_in_the_order_in_which_points_came():
    told = merge(POINTS, OUTCOMES)
    assert told.points == pytest.approx(PLACES)
    assert told.share[0] == pytest.approx(1 / 3)
    assert told.outcomes[2] == pytest.approx(OUTCOMES[[2, 8]].mean())
    assert told.within[0] == 3
    pairs = OUTCOMES[[0, 3, 5]], OUTCOMES[[2, 8]]
    assert told.within[1] == pytest.approx(sum(((v - v.mean()) ** 2).sum() for v in pairs))


def test_distinct_points_are_left_alone():
    told = merge(PLACES, PLACES[:, 0])
    assert told.points == pytest.approx(PLACES)
    assert told.share == pytest.approx(1.0)
    assert told.within == (0, 0.0)


def test_the_likelihood_differs_by_a_constant_only():
    thetas = [np.log([0.4, 0.7, noise]) for noise in (0.01, 0.1, 0.5)]
    gaps = [objective(FAMILY, _apart(), t)[0] - objective(FAMILY, _merged(), t)[0] for t in thetas]
    assert gaps == pytest.approx([gaps[0]] * 3, abs=1e-4)
    # and without the scatter it would not
    without = replace(_merged(), within=(0, 0.0))
    wrong = [objective(FAMILY, _apart(), t)[0] - objective(FAMILY, without, t)[0] for t in thetas]
    assert max(wrong) - min(wrong) > 0.5


def test_the_gradient_is_that_of_the_value():
    theta, step = np.log([0.4, 0.7, 0.05]), 1e-5
    _, gradient = objective(FAMILY, _merged(), theta)
    for k in range(3):
        up, down = theta.copy(), theta.copy()
        up[k] += step
        down[k] -= step
        slope = objective(FAMILY, _merged(), up)[0] - objective(FAMILY, _merged(), down)[0]
        assert gradient[k] == pytest.approx(slope / (2 * step), rel=1e-4, abs=1e-6)


def test_what_is_believed_elsewhere_is_the_same():
    theta, new = np.log([0.4, 0.7, 0.05]), RNG.random((20, 2))
    apart = make_process(FAMILY, _apart(), theta).mean_and_variance(new)
    merged = make_process(FAMILY, _merged(), theta).mean_and_variance(new)
    assert merged[0] == pytest.approx(apart[0], abs=1e-5)
    assert merged[1] == pytest.approx(apart[1], abs=1e-5)


# -- readings with standard deviations of their own ------------------------------------------------

GIVEN = np.array([0.01, 0.2, 0.05, 0.4, 0.02, 0.09, 0.3, 0.01, 0.5, 0.04])
LOST = np.array([[0.9, 0.1], [0.2, 0.8]])


def _readings(*, apart: bool) -> Problem:
    """With two rows after them that are no readings, as failed trials are."""
    told = Told(POINTS, OUTCOMES, GIVEN) if apart else merge(POINTS, OUTCOMES, GIVEN)
    return Problem(
        np.concatenate([told.points, LOST]),
        np.concatenate([told.outcomes, [-1.0, -1.0]]),
        np.concatenate([told.given, [0.3, 0.3]]),
        np.concatenate([told.share, np.ones(2)]),
        np.arange(2),
        readings=told.readings,
    )


def test_readings_are_weighed_by_the_inverse_of_their_variance():
    told = merge(POINTS, OUTCOMES, GIVEN)
    assert told.points == pytest.approx(PLACES)
    assert told.rows.tolist() == ROWS.tolist()
    weights = 1.0 / GIVEN[[2, 8]]
    assert told.outcomes[2] == pytest.approx(weights @ OUTCOMES[[2, 8]] / weights.sum())
    assert told.given[2] == pytest.approx(1.0 / weights.sum())
    assert told.readings is not None
    noisy = told.readings.merged(1e6)[0]  # much noise on top: all count alike
    assert noisy[2] == pytest.approx(OUTCOMES[[2, 8]].mean(), abs=1e-4)
    alone = merge(PLACES, PLACES[:, 0], GIVEN[:7])
    assert alone.readings is None
    assert alone.given.tolist() == GIVEN[:7].tolist()


@pytest.mark.parametrize("noise", [1e-4, 0.03, 0.5])
def test_the_belief_is_that_of_all_readings_one_by_one(noise: float):
    theta, new = np.log([0.4, 0.7, noise]), RNG.random((20, 2))
    apart = make_process(FAMILY, _readings(apart=True), theta).mean_and_variance(new)
    merged = make_process(FAMILY, _readings(apart=False), theta).mean_and_variance(new)
    assert merged[0] == pytest.approx(apart[0], abs=1e-5)
    assert merged[1] == pytest.approx(apart[1], abs=1e-5)
    plain = merge(
        POINTS, OUTCOMES
    )  # what would be believed if all readings were taken as equally good
    equal = Problem(plain.points, plain.outcomes, plain.given, plain.share, np.arange(2))
    assert (
        np.abs(make_process(FAMILY, equal, theta).mean_and_variance(new)[0] - apart[0]).max() > 0.01
    )


def test_their_likelihood_and_its_gradient_are_those_of_all_readings():
    thetas = [np.log([0.4, 0.7, noise]) for noise in (0.001, 0.05, 0.5)]
    both = [[objective(FAMILY, _readings(apart=a), t) for a in (True, False)] for t in thetas]
    gaps = [apart[0] - merged[0] for apart, merged in both]
    assert gaps == pytest.approx([gaps[0]] * 3, abs=1e-4)
    for apart, merged in both:
        assert merged[1] == pytest.approx(apart[1], rel=1e-3, abs=1e-4)


def test_a_part_of_the_rows_keeps_its_readings():
    whole = _readings(apart=False)
    part = subset(whole, np.array([0, 2, 8]))
    assert part.readings is not None
    assert part.readings.rows.tolist() == [0, 1, 0, 0, 1]
    outcomes, variances = part.measured(0.05)
    known = whole.measured(0.05)
    assert outcomes == pytest.approx(known[0][[0, 2, 8]])
    assert variances == pytest.approx(known[1][[0, 2, 8]])
    assert subset(whole, np.array([7, 8])).readings is None
