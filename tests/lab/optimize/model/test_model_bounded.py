"""Bounds instead of values: the belief is the exact one, as far as two moments go, and fits and fields stay as they were."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm, truncnorm

from lab.optimize.model.bounded import (
    Bounds,
    log_mass,
    measured_within,
    propagated,
    settled,
)
from lab.optimize.model.families import families_for
from lab.optimize.model.likelihood import Problem
from lab.optimize.model.process import make_process
from lab.optimize.model.threads import single_threaded

RNG = np.random.Generator(np.random.PCG64(3))
FAMILY = families_for(1)[0]
GROUPS = np.arange(1)


def _bounds(low, high, noise=0.05, *, start=0, inferred=False) -> Bounds:
    low, high = np.array(low, dtype=float), np.array(high, dtype=float)
    return Bounds(start, low, high, np.full(len(low), noise), inferred)


@pytest.mark.parametrize("mean", [-60.0, -6.0, -0.3, 0.0, 1.2, 8.0, 70.0])
def test_the_probability_between_bounds_is_exact_also_in_the_tails(mean: float):
    low, high = np.array([-1.0, -np.inf, 0.5, 0.0]), np.array([0.5, 0.2, np.inf, 1e-3])
    variance = np.full(4, 1.7)
    value, slope, curvature = log_mass(np.full(4, mean), variance, low, high)
    if abs(mean) < 8.0:
        sd = np.sqrt(variance)
        expected = np.log(norm.cdf((high - mean) / sd) - norm.cdf((low - mean) / sd))
        assert value == pytest.approx(expected, rel=1e-6, abs=1e-9)
    assert np.isfinite(value).all()
    step = 1e-4 * max(1.0, abs(mean))
    up, down = (log_mass(np.full(4, mean + s), variance, low, high) for s in (step, -step))
    assert slope == pytest.approx((up[0] - down[0]) / (2 * step), rel=1e-4, abs=1e-6)
    assert curvature == pytest.approx((up[1] - down[1]) / (2 * step), rel=1e-3, abs=1e-5)
    assert (curvature <= 1e-12).all()


def test_one_outcome_between_bounds_has_the_moments_of_a_truncated_normal_number():
    low, high, noise = -0.4, 0.9, 1e-6
    value, variance = measured_within(_bounds([low], [high], noise))
    precision = 1.0 + 1.0 / variance[0]
    exact = truncnorm(low, high)
    assert value[0] / variance[0] / precision == pytest.approx(exact.mean(), abs=1e-3)
    assert 1.0 / precision == pytest.approx(exact.var(), rel=1e-3)


def test_what_is_far_inside_its_bounds_says_nothing():
    _, variance = measured_within(_bounds([-30.0, -1.0], [30.0, np.inf]))
    assert variance[0] >= 1e5
    assert 0.1 < variance[1] < 10.0


def test_the_belief_of_several_is_that_of_draws_that_keep_the_bounds():
    """Two exact outcomes and three of which bounds are known: posterior moments against rejection sampling."""
    points = np.array([[0.0], [1.0], [0.25], [0.5], [0.6]])
    noise = 0.04
    prior = np.exp(-0.5 * (points - points.T) ** 2 / 0.3**2)
    low, high = np.array([0.3, -np.inf, -0.5]), np.array([np.inf, 0.6, 0.8])
    outcomes, variances = np.array([0.5, -0.4, 0.0, 0.0, 0.0]), np.full(5, noise)
    bounds = _bounds(low, high, noise, start=2)
    outcomes[2:], variances[2:] = measured_within(bounds)
    told, given = propagated(prior, outcomes, variances, bounds, bounds.noise)
    assert (told[:2] == outcomes[:2]).all()
    solved = np.linalg.inv(prior + np.diag(given))
    mean = float(solved.sum(axis=0) @ told) / float(solved.sum())
    posterior = mean + prior @ solved @ (told - mean)
    spread = np.sqrt(np.diag(prior - prior @ solved @ prior))
    gain = prior[:, :2] @ np.linalg.inv(prior[:2, :2] + noise * np.eye(2))
    centre = mean + gain @ (outcomes[:2] - mean)
    cover = prior - gain @ prior[:2]
    draws = RNG.multivariate_normal(centre, cover + 1e-10 * np.eye(5), 200_000)
    seen = draws[:, 2:] + np.sqrt(noise) * RNG.standard_normal((len(draws), 3))
    kept = draws[((seen > low) & (seen < high)).all(axis=1)]
    assert len(kept) > 5_000
    assert posterior == pytest.approx(kept.mean(axis=0), abs=0.03)
    assert spread == pytest.approx(kept.std(axis=0), abs=0.03)


def test_numbers_that_allow_no_belief_leave_the_rows_as_they_were():
    prior = -np.eye(2)
    bounds = _bounds([0.0], [np.inf], start=1)
    told, given = propagated(prior, np.zeros(2), np.ones(2), bounds, bounds.noise)
    assert told.tolist() == [0.0, 0.0]
    assert given.tolist() == [1.0, 1.0]


def _problem(points, outcomes, bounded: int) -> Problem:
    count = len(outcomes)
    share = np.ones(count)
    share[count - bounded :] = 0.0
    return Problem(points, outcomes, np.zeros(count), share, GROUPS)


def test_a_plateau_is_seen_to_go_on_rising_behind_the_end_of_the_range():
    """A slope that an instrument shows up to 0.5 only: taken as values it ends there."""
    points = np.linspace(0.0, 1.0, 12)[:, None]
    truth = 3.0 * points[:, 0] - 1.5
    shown = np.minimum(truth, 0.5)
    exact = int((truth <= 0.5).sum())
    ends = np.full(12 - exact, 0.5)
    bounds = _bounds(ends, np.full(len(ends), np.inf), 0.0, start=exact, inferred=True)
    with single_threaded():
        problem = settled(FAMILY, _problem(points, shown, len(ends)), bounds)
        theta = np.log([0.6, 0.01])
        known = make_process(FAMILY, problem, theta).mean_and_variance(points)
        plain = make_process(FAMILY, _problem(points, shown, 0), theta).mean_and_variance(points)
    assert (problem.outcomes[:exact] == shown[:exact]).all()
    assert (problem.outcomes[exact:] > 0.5).all()
    assert known[0][-1] > 0.7
    assert plain[0][-1] < 0.55
    assert known[1][-1] > 10.0 * plain[1][-1]
    assert known[0][exact - 1] == pytest.approx(shown[exact - 1], abs=0.1)


def test_equal_arguments_give_equal_measurements():
    points = RNG.random((8, 1))
    bounds = _bounds([-np.inf] * 4 + [0.0] * 4, [0.0] * 4 + [np.inf] * 4)
    with single_threaded():
        one, other = (settled(FAMILY, _problem(points, np.zeros(8), 8), bounds) for _ in range(2))
    assert one.outcomes.tobytes() == other.outcomes.tobytes()
    assert one.given.tobytes() == other.given.tobytes()
