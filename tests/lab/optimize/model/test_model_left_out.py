"""Trials predicted without having been shown: numbers, bounds, grades and zeros judged by what really came of them."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lab.optimize import Campaign, Factor, Options, Space, TrialRecord
from lab.optimize.evidence import evidence
from lab.optimize.model.fitted_model import times_chance
from lab.optimize.model.left_out import inside, missed, predicted_left_out
from lab.optimize.sobol import sobol_points

SPACE = Space((Factor("a", "1", 0.0, 1.0), Factor("b", "1", 0.0, 1.0)))
LEVELS = ("clear", "hazy", "precipitate")


def _history(value, count: int, seed: int = 1, **more) -> list[TrialRecord]:
    rng = np.random.default_rng(seed)
    found: list[TrialRecord] = []
    for k, point in enumerate(sobol_points(seed, 0, count, 2), 1):
        factors = SPACE.from_unit(point)
        told = value(float(factors["a"]), float(factors["b"]), rng)
        found.append(TrialRecord(number=k, factors=factors, status="done", **told))
    return found


def test_the_share_of_an_interval_that_lies_near_the_middle_counts():
    low, high = np.array([0.0, 0.3, 0.9, 0.5]), np.array([1.0, 0.7, 1.0, 0.5])
    assert inside(low, high, 0.25) == pytest.approx((0.5 + 1.0 + 0.0 + 1.0) / 4)
    assert inside(low, high, 0.45) == pytest.approx((0.9 + 1.0 + 0.5 + 1.0) / 4)


def _graded(a: float, b: float, rng) -> dict:
    behind = 3.0 * a + b + 0.3 * rng.normal()
    return {"value": float(np.searchsorted([1.2, 2.6], behind))}


def test_grades_are_scored_by_their_chances():
    found = evidence(SPACE, "minimize", _history(_graded, 50), options=Options(levels=LEVELS))
    calibration = found.calibration
    assert calibration.count == 50
    assert 0.0 < calibration.log_loss < 0.6 * math.log(3.0)
    assert 0.4 < calibration.mean_squared_z < 1.8
    assert 0.3 < calibration.coverage_50 < 0.7
    assert 0.75 < calibration.coverage_90 < 0.99
    hits = [round(row.mean) == row.value for row in found.left_out]
    assert np.mean(hits) > 0.7
    assert all(0.0 <= row.mean <= 2.0 for row in found.left_out)


def test_grades_without_a_pattern_are_predicted_by_their_shares():
    history = _history(lambda a, b, rng: {"value": float(rng.integers(3))}, 60)
    calibration = evidence(SPACE, "maximize", history, options=Options(levels=LEVELS)).calibration
    assert calibration.log_loss == pytest.approx(math.log(3.0), abs=0.25)


def _rising(a: float, b: float, rng) -> dict:
    value = 10.0 * (a + b) + 0.5 * rng.normal()
    return {"value": min(value, 12.0), "side": "above" if value > 12.0 else None}


def test_what_is_beyond_the_range_counts_by_the_chance_to_be_there():
    history = _history(_rising, 40)
    beyond = [record.number for record in history if record.side]
    assert 8 < len(beyond) < 32
    found = evidence(SPACE, "maximize", history)
    assert found.calibration.count == 40
    assert 0.5 < found.calibration.mean_squared_z < 1.8
    assert found.calibration.coverage_90 > 0.75
    means = {row.trial: row.mean for row in found.left_out}
    assert np.mean([means[number] > 12.0 for number in beyond]) > 0.8
    plain = [record.model_copy(update={"side": None}) for record in history]
    shown = evidence(SPACE, "maximize", plain)
    assert max(means.values()) > max(row.mean for row in shown.left_out) + 1.0


def test_all_results_beyond_the_range_have_no_number_to_be_judged_by():
    history = [r.model_copy(update={"value": 12.0, "side": "above"}) for r in _history(_rising, 6)]
    found = evidence(SPACE, "maximize", history)
    assert found.calibration.mean_squared_z == 1.0
    assert np.isfinite(found.calibration.log_loss)


def _starting(a: float, b: float, rng) -> dict:
    """Nothing where a is high, and a narrow range of values elsewhere."""
    return {"value": 0.0 if a > 0.7 else 50.0 + 10.0 * b + rng.normal()}


def test_zeros_with_reasons_of_their_own_are_judged_by_the_chance_to_be_above_zero():
    history = _history(_starting, 50)
    found = evidence(SPACE, "maximize", history, options=Options(zeros=True))
    plain = evidence(SPACE, "maximize", history)
    assert found.calibration.count == plain.calibration.count == 50
    errors = {
        name: np.mean([abs(row.mean - row.value) for row in shown.left_out])
        for name, shown in (("zeros", found), ("plain", plain))
    }
    assert errors["zeros"] < errors["plain"]
    assert 0.3 < found.calibration.mean_squared_z < 2.0
    assert 0.3 < found.calibration.coverage_50 < 0.8
    assert found.calibration.coverage_90 > 0.8
    rows = {row.trial: row for row in found.left_out}
    for record in history:
        if record.value == 0.0 and record.factors["a"] > 0.85:  # pyright: ignore[reportOperatorIssue]
            assert rows[record.number].mean < 25.0


def test_replicates_with_standard_deviations_are_judged_once_and_by_their_mean():
    campaign = Campaign(SPACE, "maximize", seed=1, initial=0)
    for k, point in enumerate(sobol_points(1, 0, 10, 2)):
        factors = SPACE.from_unit(point)
        for error in (-0.2, 0.2):
            value = float(factors["a"]) + float(factors["b"]) + error * (k + 1) / 10
            campaign.add(factors, value, sd=0.2)
    found = campaign.evidence()
    assert len(found.left_out) == 20
    assert found.calibration.count == 10
    pairs = zip(found.left_out[::2], found.left_out[1::2], strict=True)
    assert all(one.mean == other.mean and one.value != other.value for one, other in pairs)


def test_zeros_that_are_values_like_others_have_no_model_of_their_own():
    """A slope that ends at zero: the surface of values says more than a chance and a value."""
    from lab.optimize.model import fit_model
    from lab.optimize.model.threads import single_threaded

    slope = _history(lambda a, b, rng: {"value": max(0.0, round(20.0 * (a + b) - 12.0, 9))}, 40)
    jump = _history(_starting, 40)
    assert sum(record.value == 0.0 for record in slope) > 4
    with single_threaded():
        found = [
            fit_model(SPACE, "maximize", history, options=Options(zeros=True)).above
            for history in (slope, jump, jump[:6])
        ]
    assert found[0] is None
    assert found[1] is not None
    assert found[2] is not None  # of so few neither is known to be better


def test_what_is_missed_is_the_mean_distance_of_the_left_out():
    from lab.optimize.model import fit_model
    from lab.optimize.model.threads import single_threaded

    history = _history(_starting, 20)
    with single_threaded():
        model = fit_model(SPACE, "maximize", history, options=Options(zeros=True))
        found, _ = predicted_left_out(model, history)
        assert missed(model, history) == pytest.approx(
            np.mean([abs(row.value - row.mean) for row in found])
        )
    mean, sd = times_chance(np.array([0.25]), np.array([8.0]), np.array([1.0]))
    assert mean[0] == pytest.approx(2.0)
    assert sd[0] == pytest.approx(np.sqrt(0.25 * 65.0 - 4.0))
