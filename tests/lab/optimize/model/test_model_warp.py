"""Outcomes to the model's scale and back: what is undone, what stays in order, what is bent."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import yeojohnson, yeojohnson_normmax

from lab.optimize.model.warp import fit_warp

RNG = np.random.Generator(np.random.PCG64(7))
SKEWED = np.exp(RNG.normal(0.0, 1.0, 60))
EVEN = RNG.normal(50.0, 3.0, 60)


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize("values", [SKEWED, -SKEWED, EVEN], ids=["high", "low", "even"])
def test_what_is_certain_comes_back_as_it_was(values: np.ndarray, sign: float):
    warp = fit_warp(values, sign)
    mean, sd = warp.moments(warp.forward(values), np.zeros(len(values)))
    assert mean == pytest.approx(values, rel=1e-9)
    assert sd == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_more_is_better_and_the_order_stays(sign: float):
    outcomes = fit_warp(SKEWED, sign).forward(SKEWED)
    assert list(np.argsort(outcomes)) == list(np.argsort(sign * SKEWED))
    assert outcomes.mean() == pytest.approx(0.0, abs=1e-12)
    assert outcomes.std(ddof=1) == pytest.approx(1.0)


def test_a_tail_is_drawn_in_as_the_likeliest_power_says():
    warp = fit_warp(SKEWED, 1.0)
    z = (SKEWED - SKEWED.mean()) / SKEWED.std(ddof=1)
    # scipy's own optimum; with many outcomes what was believed before hardly matters
    many = np.tile(SKEWED, 50)
    best = float(np.asarray(yeojohnson_normmax(z)))
    assert fit_warp(many, 1.0).power == pytest.approx(min(2.0, max(0.0, best)), abs=0.02)
    assert 0.0 <= warp.power < 0.5
    bent = np.asarray(yeojohnson(z, lmbda=warp.power))
    assert warp.forward(SKEWED) == pytest.approx(
        (bent - bent.mean()) / bent.std(ddof=1), rel=1e-6, abs=1e-9
    )


def test_few_outcomes_bend_less_than_many_of_the_same_skew():
    few, many = fit_warp(SKEWED[:8], 1.0).power, fit_warp(np.tile(SKEWED[:8], 20), 1.0).power
    assert abs(few - 1.0) < abs(many - 1.0)


def test_a_symmetric_response_is_hardly_bent_and_few_values_not_at_all():
    assert fit_warp(EVEN, 1.0).power == pytest.approx(1.0, abs=0.35)
    assert fit_warp(SKEWED, 1.0).power < 0.5
    assert fit_warp(SKEWED[:5], 1.0).power == 1.0
    assert fit_warp(SKEWED, 1.0, bent=False).power == 1.0


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_moments_are_those_of_many_draws(sign: float):
    warp = fit_warp(SKEWED, sign)
    means, variances = np.array([-1.0, 0.0, 2.0]), np.array([0.5, 0.04, 0.2])
    mean, sd = warp.moments(means, variances)
    draws = means[:, None] + np.sqrt(variances)[:, None] * RNG.normal(size=(3, 200_000))
    exact, _ = warp.moments(draws.reshape(-1), np.zeros(draws.size))
    exact = exact.reshape(draws.shape)
    assert mean == pytest.approx(exact.mean(axis=1), rel=0.01)
    assert sd == pytest.approx(exact.std(axis=1), rel=0.02)


def test_noise_is_bent_with_the_outcome():
    warp = fit_warp(SKEWED, 1.0)
    step = 1e-5
    slope = (warp.forward(SKEWED + step) - warp.forward(SKEWED - step)) / (2 * step)
    found = warp.variances(SKEWED, np.full(len(SKEWED), 0.3))
    assert found == pytest.approx((0.3 * slope) ** 2, rel=1e-4)


def test_equal_outcomes_have_no_scale_to_blow_up():
    warp = fit_warp(np.full(8, 3.0) + 1e-16, 1.0)
    assert warp.forward(np.full(8, 3.0)) == pytest.approx(0.0, abs=1e-9)
    assert warp.power == 1.0
