"""The tested points that may be the best, found without looking at all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from lab.optimize.acquire.noisy import baseline
from lab.optimize.model.families import default_families
from lab.optimize.model.likelihood import Problem
from lab.optimize.model.mixture import Mixture, fit_mixture

if TYPE_CHECKING:
    from lab.optimize.domain import Array


def _fitted(count: int) -> tuple[Mixture, Array]:
    rng = np.random.default_rng(count)
    points = rng.random((count, 3))
    outcomes = np.sin(5.0 * points[:, 0]) + points[:, 1] + 0.05 * rng.standard_normal(count)
    outcomes = (outcomes - outcomes.mean()) / outcomes.std(ddof=1)
    none = np.zeros(count)
    problem = Problem(points, outcomes, none, none + 1.0, np.arange(3))
    return fit_mixture(problem, default_families(3)), points


@pytest.mark.parametrize("count", [10, 32, 33, 127, 160, 400])
def test_they_are_the_ones_that_looking_at_all_would_find(count: int):
    mixture, points = _fitted(count)
    mean, variance = mixture.mean_and_variance(points)
    hopes = -(mean + np.sqrt(variance))
    expected = points[np.argsort(hopes, kind="stable")[:32]]
    assert baseline(mixture, points, 32).tolist() == expected.tolist()


def test_of_no_points_there_are_none():
    mixture, points = _fitted(10)
    assert baseline(mixture, points[:0], 32).shape == (0, 3)
