"""The chance that a trial gives a value: where it is high and low, its gradient, and what it says of unknown places."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.optimize.model.success import Success, fit_success
from lab.optimize.model.threads import single_threaded

GROUPS = np.arange(2)


def _fitted(count: int = 40, edge: float = 0.6, seed: int = 1) -> tuple[Success, np.ndarray]:
    """Trials of which those beyond an edge in the first factor failed."""
    points = np.random.Generator(np.random.PCG64(seed)).random((count, 2))
    works = points[:, 0] < edge
    with single_threaded():
        success = fit_success(points[works], points[~works], GROUPS)
    assert success is not None
    return success, points


def test_nothing_failed_and_nothing_is_fitted():
    assert fit_success(np.array([[0.1, 0.2]]), np.empty((0, 2)), GROUPS) is None


def test_the_edge_is_found():
    success, _ = _fitted()
    row = np.stack([np.linspace(0.0, 1.0, 21), np.full(21, 0.5)], axis=1)
    chance = np.exp(success.log_chance(row))
    assert ((chance >= 0.0) & (chance <= 1.0)).all()
    assert chance[:9].min() > 0.9
    assert chance[-5:].max() < 0.1
    crossing = row[int(np.argmax(chance < 0.5)), 0]
    assert crossing == pytest.approx(0.6, abs=0.1)


def test_fresh_trials_are_told_apart():
    success, _ = _fitted()
    fresh = np.random.Generator(np.random.PCG64(2)).random((500, 2))
    told = np.exp(success.log_chance(fresh)) > 0.5
    assert (told == (fresh[:, 0] < 0.6)).mean() > 0.93


def test_far_from_all_trials_the_chance_is_about_the_share_that_worked():
    worked = np.array([[0.02, 0.02], [0.02, 0.06], [0.06, 0.02]])
    success = fit_success(worked, np.array([[0.1, 0.1]]), GROUPS)
    assert success is not None
    far = float(np.exp(success.log_chance(np.array([[1.0, 1.0]])))[0])
    assert 0.3 < far < 0.8  # worth a try, and no promise
    near = float(np.exp(success.log_chance(np.array([[0.1, 0.1]])))[0])
    assert near < 0.1


def test_more_failures_make_it_surer():
    points = np.array([[0.2, 0.2], [0.3, 0.6], [0.1, 0.9], [0.25, 0.4]])
    lost = np.array([[0.8, 0.5], [0.85, 0.45], [0.75, 0.55], [0.9, 0.5]])
    one = fit_success(points, lost[:1], GROUPS)
    four = fit_success(points, lost, GROUPS)
    assert one is not None
    assert four is not None
    beside = np.array([[0.92, 0.42]])
    assert four.log_chance(beside)[0] < one.log_chance(beside)[0] - 0.3


@settings(max_examples=30, deadline=None)
@given(st.tuples(st.floats(0.0, 1.0), st.floats(0.0, 1.0)))
def test_the_gradient_is_that_of_finite_differences(place: tuple[float, float]):
    success, _ = _FITTED
    point = np.array([place])
    value, gradient = success.log_chance_and_gradient(point)
    assert value == pytest.approx(success.log_chance(point))
    for k, step in enumerate(1e-5 * np.eye(2)):
        rise = success.log_chance(point + step) - success.log_chance(point - step)
        assert gradient[0, k] == pytest.approx(rise[0] / 2e-5, rel=1e-3, abs=1e-4)


_FITTED = _fitted()


def test_hopeless_places_have_a_finite_logarithm():
    success, points = _fitted(count=200)
    values = success.log_chance(points)
    assert np.isfinite(values).all()
    assert (values <= 0.0).all()
    assert np.isfinite(success.log_chance_and_gradient(points)[1]).all()


def test_columns_of_one_choice_share_a_lengthscale():
    points = np.eye(3)[[0, 1, 2, 0, 1]]
    success = fit_success(points[:3], points[3:], np.zeros(3, dtype=np.intp))
    assert success is not None
    assert len(set(success.process.lengths.tolist())) == 1
