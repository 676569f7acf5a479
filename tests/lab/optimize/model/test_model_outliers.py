"""Outcomes that the others contradict: found, and not mistaken for peaks, steps or confirmed discoveries."""

from __future__ import annotations

import numpy as np
import pytest

from lab.optimize.model.outliers import contradicted
from lab.optimize.model.threads import single_threaded
from lab.optimize.sobol import sobol_points

GROUPS = np.arange(2)


def _points(count: int, seed: int = 1) -> np.ndarray:
    return np.array(sobol_points(seed, 0, count, 2))


def _hill(points: np.ndarray) -> np.ndarray:
    return 10.0 * np.exp(-4.0 * ((points - [0.6, 0.4]) ** 2).sum(axis=1))


def _found(points: np.ndarray, outcomes: np.ndarray) -> set[int]:
    with single_threaded():
        return set(np.flatnonzero(contradicted(points, outcomes, GROUPS)).tolist())


@pytest.mark.parametrize("seed", range(4))
def test_a_tenth_of_gross_errors_is_found_and_nothing_else(seed: int):
    rng = np.random.default_rng(seed)
    points = _points(40, seed)
    outcomes = _hill(points) + rng.normal(0.0, 0.1, 40)
    wrong = rng.choice(40, 4, replace=False)
    outcomes[wrong] += rng.choice([-1.0, 1.0], 4) * rng.uniform(8.0, 60.0, 4)
    assert _found(points, outcomes) == set(wrong.tolist())


@pytest.mark.parametrize("seed", range(4))
def test_honest_noise_has_no_outliers(seed: int):
    points = _points(40, seed)
    outcomes = _hill(points) + np.random.default_rng(seed).normal(0.0, 0.5, 40)
    assert len(_found(points, outcomes)) <= 1  # 4 standard deviations: one in 16 000 outcomes


def test_the_scale_and_the_level_do_not_matter():
    points = _points(30)
    outcomes = _hill(points)
    outcomes[[3, 17]] = 90.0, -70.0
    assert _found(points, outcomes) == {3, 17}
    assert _found(points, 1e6 + 1e-3 * outcomes) == {3, 17}


def test_a_surprise_that_was_measured_twice_is_believed():
    points = _points(30)
    outcomes = _hill(points) + np.random.default_rng(1).normal(0.0, 0.05, 30)
    outcomes[5] = 45.0
    assert _found(points, outcomes) == {5}
    again = np.concatenate([points, points[5:6]])
    assert _found(again, np.append(outcomes, 45.03)) == set()
    assert _found(again, np.append(outcomes, _hill(points[5:6]))) == {5}


def test_few_outcomes_and_rough_ones_have_no_outliers():
    points = _points(30)
    outcomes = _hill(points)
    outcomes[2] = 500.0
    assert _found(points[:7], outcomes[:7]) == set()  # of seven nobody can tell
    rough = np.random.default_rng(3).standard_cauchy(30) ** 3
    with single_threaded():
        assert contradicted(points, rough, GROUPS).mean() <= 0.35


def test_equal_outcomes_but_one():
    points = _points(20)
    outcomes = np.zeros(20)
    assert _found(points, outcomes) == set()
    outcomes[4] = 1.0
    assert _found(points, outcomes) <= {4}
