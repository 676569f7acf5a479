"""What a point promises where it may fail: both logarithms together, in continuous spaces and in lists."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lab.optimize import Factor, Space, TrialRecord, suggest
from lab.optimize.acquire.likely import Likely
from lab.optimize.acquire.noisy import NoisyImprovement
from lab.optimize.model import fit_model
from lab.optimize.model.success import fit_success
from lab.optimize.model.threads import single_threaded
from lab.optimize.pool import Pool
from lab.optimize.sobol import normal_points
from lab.optimize.suggest import suggest_from

SPACE = Space((Factor("a", "1", 0.0, 1.0), Factor("b", "1", 0.0, 1.0)))
RNG = np.random.Generator(np.random.PCG64(8))


def _trial(number: int, a: float, b: float, edge: float = 0.7) -> TrialRecord:
    """A slope towards larger `a`, of which the upper end fails."""
    works = a < edge
    return TrialRecord(
        number=number,
        factors={"a": a, "b": b},
        status="done" if works else "failed",
        value=a - (b - 0.4) ** 2 if works else None,
    )


HISTORY = [_trial(k, *point) for k, point in enumerate(RNG.random((24, 2)).tolist(), start=1)]


def test_values_and_gradients_are_sums():
    with single_threaded():
        model = fit_model(SPACE, "maximize", HISTORY)
        assert model.success is not None
        normals = normal_points(3, 16, len(model.measured))
        promise = NoisyImprovement(model.mixture, model.measured, model.pending, normals)
        likely = Likely(promise, model.success)
        points = RNG.random((7, 2))
        value, gradient = likely.value_and_gradient(points)
        assert likely.value(points) == pytest.approx(value)
        assert value == pytest.approx(promise.value(points) + model.success.log_chance(points))
        for k, step in enumerate(1e-5 * np.eye(2)):
            rise = likely.value(points + step) - likely.value(points - step)
            assert gradient[:, k] == pytest.approx(rise / 2e-5, rel=1e-3, abs=1e-3)


def test_the_chance_is_shown_once_something_failed():
    (with_failures,) = suggest(SPACE, "maximize", HISTORY, 1, seed=1, initial=4)
    assert with_failures.chance is not None
    assert 0.5 < with_failures.chance <= 1.0
    done = [record for record in HISTORY if record.status == "done"]
    (without,) = suggest(SPACE, "maximize", done, 1, seed=1, initial=4)
    assert without.chance is None


def test_without_its_failures_the_same_history_leads_into_the_failing_region():
    told = suggest(SPACE, "maximize", HISTORY, 4, seed=1, initial=4)
    done = [record for record in HISTORY if record.status == "done"]
    dropped = suggest(SPACE, "maximize", done, 4, seed=1, initial=4)
    assert sum(float(item.factors["a"]) > 0.7 for item in told) <= 1
    assert sum(float(item.factors["a"]) > 0.7 for item in dropped) >= 3


def test_a_trial_that_was_aborted_says_nothing_of_its_point():
    aborted = [
        record.model_copy(update={"status": "aborted"}) if record.status == "failed" else record
        for record in HISTORY
    ]
    with single_threaded():
        assert fit_model(SPACE, "maximize", aborted).success is None


def test_a_failure_is_doubted_as_a_value():
    """One failure right beside a good trial does not drag the trial down with it."""
    good = [_trial(k, 0.1 * k, 0.4) for k in range(1, 7)]
    failed = TrialRecord(number=9, factors={"a": 0.66, "b": 0.4}, status="failed")
    with single_threaded():
        alone = fit_model(SPACE, "maximize", good).predict(np.array([[0.6, 0.4]]))[0][0]
        beside = fit_model(SPACE, "maximize", [*good, failed]).predict(np.array([[0.6, 0.4]]))[0][0]
    third = good[2].value
    assert third is not None
    assert beside > third
    assert beside <= alone + 0.05


def test_candidates_of_a_list_that_would_fail_are_left():
    columns = {
        "a": [round(0.05 * (k % 21), 2) for k in range(21 * 11)],
        "b": [round(0.1 * (k // 21), 1) for k in range(21 * 11)],
    }
    pool = Pool.from_columns(columns)
    rows = RNG.permutation(len(pool))[:30]
    history: list[TrialRecord] = []
    for number, row in enumerate(rows.tolist(), start=1):
        values = pool.values(row)
        history.append(_trial(number, float(values["a"]), float(values["b"])))
    told = suggest_from(pool, "maximize", history, 4, seed=1, initial=4)
    assert all(item.chance is not None for item in told)
    assert sum(float(item.factors["a"]) >= 0.7 for item in told) <= 1
    done = [record for record in history if record.status == "done"]
    dropped = suggest_from(pool, "maximize", done, 4, seed=1, initial=4)
    assert sum(float(item.factors["a"]) >= 0.7 for item in dropped) >= 3
    assert all(item.chance is None for item in dropped)


def test_a_sure_failure_is_worth_nothing():
    success = fit_success(RNG.random((20, 2)) * 0.4, 0.6 + RNG.random((20, 2)) * 0.4, np.arange(2))
    assert success is not None

    class Flat:
        def value(self, points: np.ndarray) -> np.ndarray:
            return np.zeros(len(points))

        def value_and_gradient(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            return np.zeros(len(points)), np.zeros_like(points)

    likely = Likely(Flat(), success)
    assert likely.value(np.array([[0.2, 0.2]]))[0] > math.log(0.9)
    assert likely.value(np.array([[0.8, 0.8]]))[0] < math.log(0.1)
