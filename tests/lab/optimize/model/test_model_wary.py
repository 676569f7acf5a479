"""Models that expect less of what nobody has tried: far away only, and nothing else about them changes."""

from __future__ import annotations

import numpy as np
import pytest

from lab.optimize.model.families import families_for
from lab.optimize.model.likelihood import Problem
from lab.optimize.model.mixture import Mixture, fit_mixture

RNG = np.random.default_rng(4)
POINTS = RNG.random((14, 3)) * 0.2
OUTCOMES = np.sin(6.0 * POINTS[:, 0]) + POINTS[:, 1]
FAR = np.full((1, 3), 30.0)


@pytest.fixture(scope="module")
def mixture() -> Mixture:
    scaled = (OUTCOMES - OUTCOMES.mean()) / OUTCOMES.std(ddof=1)
    none = np.zeros(14)
    return fit_mixture(Problem(POINTS, scaled, none, none + 1.0, np.arange(3)), families_for(3))


def test_far_away_the_outcome_is_expected_so_many_deviations_lower(mixture: Mixture):
    lower = mixture.wary(2.0)
    for before, after in zip(mixture.members, lower.members, strict=True):
        assert after.mean == pytest.approx(before.mean - 2.0 * np.sqrt(before.scale))
        mean, variance = after.mean_and_variance(FAR)
        assert mean[0] == pytest.approx(after.mean)
        assert variance == before.mean_and_variance(FAR)[1]


def test_what_was_measured_is_still_believed(mixture: Mixture):
    """By the noise alone the two may differ there: what is measured outweighs what is expected."""
    before, after = (
        mixture.mean_and_variance(POINTS)[0],
        mixture.wary(2.0).mean_and_variance(POINTS)[0],
    )
    assert np.abs(before - after).max() < 0.1
    assert (
        np.abs(mixture.mean_and_variance(FAR)[0] - mixture.wary(2.0).mean_and_variance(FAR)[0])
        > 1.0
    )


def test_it_is_the_process_of_that_prior_mean(mixture: Mixture):
    """Rasmussen and Williams 2006, equation 2.38, with the covariance written out."""
    for process in mixture.members:
        other = process.expecting(-1.5)
        own = process.prior(POINTS, POINTS) + np.diag(process.noises)
        new = RNG.random((5, 3)) * 0.3
        expected = -1.5 + process.prior(new, POINTS) @ np.linalg.solve(own, process.outcomes + 1.5)
        np.testing.assert_allclose(other.mean_and_variance(new)[0], expected, rtol=1e-6, atol=1e-8)


def test_without_doubt_nothing_changes(mixture: Mixture):
    new = RNG.random((6, 3))
    np.testing.assert_allclose(
        mixture.wary(0.0).mean_and_variance(new)[0], mixture.mean_and_variance(new)[0], atol=1e-12
    )
