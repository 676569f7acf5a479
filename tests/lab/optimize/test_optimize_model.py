"""The process itself: what it predicts, how it treats noise and failures, slices."""

from __future__ import annotations

import math
import random
import statistics
from typing import TYPE_CHECKING

import numpy as np
import pytest

from lab.domain.errors import InputError
from lab.optimize import Factor, Space, TrialRecord, best, suggest
from lab.optimize.acquisition import propose
from lab.optimize.model import fit_model, slice
from lab.optimize.model.threads import single_threaded
from lab.optimize.sobol import sobol_points

if TYPE_CHECKING:
    from lab.optimize import Direction

SPACE = Space(
    factors=(
        Factor(name="a", unit="mL", minimum=0.0, maximum=10.0),
        Factor(name="b", unit="degC", minimum=20.0, maximum=60.0),
    )
)


def _value(factors: dict[str, float]) -> float:
    return 5.0 + 2.0 * math.sin(factors["a"] / 2.0) - ((factors["b"] - 40.0) / 20.0) ** 2


def _history(
    n: int, *, noise: float = 0.0, sd: float | None = None, sign: float = 1.0
) -> list[TrialRecord]:
    rng = random.Random(n)
    records: list[TrialRecord] = []
    for number, point in enumerate(sobol_points(3, 0, n, 2), start=1):
        factors = SPACE.from_unit(point)
        value = sign * _value(factors) + rng.gauss(0.0, noise)
        records.append(
            TrialRecord(
                number=number,
                factors=factors,
                status="done",
                value=value,
                standard_deviation=sd,
            )
        )
    return records


def _predict(
    history: list[TrialRecord], points: list[dict[str, float]], direction: Direction = "maximize"
) -> tuple[list[float], list[float]]:
    with single_threaded():
        model = fit_model(SPACE, direction, history)
        rows = np.array([SPACE.to_unit(point) for point in points])
        return model.predict(rows)


def _checkpoints() -> list[dict[str, float]]:
    return [SPACE.from_unit(point) for point in sobol_points(99, 0, 50, 2)]


@pytest.mark.parametrize("direction", ["maximize", "minimize"])
def test_it_learns_a_smooth_function_in_its_own_unit(direction: Direction):
    means, deviations = _predict(_history(40), _checkpoints(), direction)
    errors = [mean - _value(point) for mean, point in zip(means, _checkpoints(), strict=True)]
    assert math.sqrt(statistics.fmean(error**2 for error in errors)) < 0.15
    assert all(0.0 <= sd < 1.0 for sd in deviations)


def test_its_intervals_hold_the_truth_about_as_often_as_they_say():
    means, deviations = _predict(_history(25, noise=0.1), _checkpoints())
    inside = [
        abs(mean - _value(point)) < 2.0 * sd
        for mean, sd, point in zip(means, deviations, _checkpoints(), strict=True)
    ]
    assert statistics.fmean(inside) >= 0.8
    # A negative control: intervals a tenth as wide don't.
    narrow = [
        abs(mean - _value(point)) < 0.2 * sd
        for mean, sd, point in zip(means, deviations, _checkpoints(), strict=True)
    ]
    assert statistics.fmean(narrow) < 0.6


def test_far_from_all_data_it_is_less_certain():
    known = [record for record in _history(20) if record.factors["a"] < 4.0]
    _, (near, far) = _predict(known, [known[0].factors, {"a": 10.0, "b": 20.0}])
    assert far > 5 * near


def test_given_standard_deviations_are_used_point_by_point():
    """Two readings disagree at one place; the model believes the one that's said to be sharp."""
    base = _history(20, sd=0.05)
    place = {"a": 5.0, "b": 40.0}
    low = TrialRecord(
        number=101, factors=place, status="done", value=_value(place), standard_deviation=0.05
    )
    high = TrialRecord(
        number=102,
        factors=place,
        status="done",
        value=_value(place) + 1.0,
        standard_deviation=1.0,
    )
    (believed,), _ = _predict([*base, low, high], [place])
    assert believed == pytest.approx(_value(place), abs=0.25)
    blind = [
        record.model_copy(update={"standard_deviation": None}) for record in [*base, low, high]
    ]
    (guessed,), _ = _predict(blind, [place])
    assert abs(guessed - _value(place)) > abs(believed - _value(place))


def _believes_given_noise(history: list[TrialRecord]) -> bool:
    with single_threaded():
        model = fit_model(SPACE, "maximize", history)
    return model.given


def test_standard_deviations_that_cannot_be_right_are_not_believed():
    good = _history(12, sd=0.05)
    assert _believes_given_noise(good)
    absurd = [record.model_copy(update={"standard_deviation": 50.0}) for record in good]
    zeros = [record.model_copy(update={"standard_deviation": 0.0}) for record in good]
    for history in (absurd, zeros, _history(12)):
        assert not _believes_given_noise(history)


def test_a_trial_without_a_standard_deviation_has_the_usual_one():
    good = _history(12, sd=0.05)
    at = [good[0].factors, good[5].factors]
    expected = _predict(good, at)
    for missing in (None, 0.0):
        history = [*good[1:], good[0].model_copy(update={"standard_deviation": missing})]
        assert _believes_given_noise(history)
        for found, right in zip(_predict(history, at), expected, strict=True):
            assert found == pytest.approx(right)


def test_noise_beyond_the_given_one_is_inferred():
    """Too small standard deviations don't make it follow every reading."""
    history = _history(40, noise=0.5, sd=0.001)
    means, _ = _predict(history, [record.factors for record in history])
    residuals = [(r.value or 0.0) - m for r, m in zip(history, means, strict=True)]
    assert statistics.pstdev(residuals) > 0.2


def test_a_failed_trial_enters_as_the_worst_value_in_either_direction():
    directions: tuple[Direction, Direction] = ("maximize", "minimize")
    for direction in directions:
        history = _history(15)
        place = {"a": 3.0, "b": 40.0}
        failed = [
            TrialRecord(number=50 + k, factors=place, status="failed", value=None) for k in range(3)
        ]
        values = [record.value for record in history if record.value is not None]
        worst = min(values) if direction == "maximize" else max(values)
        (without,), _ = _predict(history, [place], direction)
        (with_failed,), _ = _predict([*history, *failed], [place], direction)
        assert abs(with_failed - worst) < abs(without - worst)


def test_a_pending_trial_does_not_change_the_prediction():
    history = _history(12)
    waiting = TrialRecord(number=90, factors={"a": 1.0, "b": 30.0}, status="pending")
    assert _predict(history, _checkpoints()) == _predict([*history, waiting], _checkpoints())


def test_without_a_value_there_is_no_model():
    nothing = [TrialRecord(number=1, factors={"a": 1.0, "b": 30.0}, status="failed")]
    with pytest.raises(InputError, match="no trial has given a value yet"):
        _predict(nothing, _checkpoints())
    with pytest.raises(InputError, match="no trial has given a value yet"):
        slice(SPACE, "maximize", nothing, "a")


def test_one_value_is_enough_for_a_prediction():
    (mean,), (sd,) = _predict(_history(1), [_history(1)[0].factors])
    assert mean == pytest.approx(_history(1)[0].value or 0.0, abs=0.1)
    assert sd > 0


def test_a_slice_over_two_factors_has_a_row_for_each_y():
    grid = slice(SPACE, "maximize", _history(40), "a", "b", points=11)
    assert grid.x[0] == 0.0
    assert grid.x[-1] == 10.0
    assert grid.y[0] == 20.0
    assert grid.y[-1] == 60.0
    assert len(grid.mean) == len(grid.standard_deviation) == 11
    assert all(len(row) == 11 for row in (*grid.mean, *grid.standard_deviation))
    # Row j belongs to y[j]: in the middle of b it's higher than at its ends, by 1.
    for j, i in ((0, 3), (5, 3), (10, 8), (5, 8)):
        truth = _value({"a": grid.x[i], "b": grid.y[j]})
        assert grid.mean[j][i] == pytest.approx(truth, abs=0.4)


def test_a_slice_along_one_factor_holds_the_others():
    history = _history(40)
    line = slice(SPACE, "maximize", history, "b", at={"a": 9.0}, points=5)
    assert line.factor_y is None
    assert line.y == ()
    assert len(line.mean) == 1
    assert line.mean[0][2] == pytest.approx(_value({"a": 9.0, "b": 40.0}), abs=0.3)
    champion = best("maximize", history)
    assert champion is not None
    free = slice(SPACE, "maximize", history, "b", points=5)
    held = slice(SPACE, "maximize", history, "b", at={"a": champion.factors["a"]}, points=5)
    assert free == held


@pytest.mark.parametrize(
    ("x", "y", "at", "points", "words"),
    [
        ("c", None, {}, 5, "c is not a factor"),
        ("a", "c", {}, 5, "c is not a factor"),
        ("a", None, {"c": 1.0}, 5, "c is not a factor"),
        ("a", "a", {}, 5, "a on both axes"),
        ("a", None, {}, 1, "a grid of 1 points"),
        ("a", None, {"b": math.nan}, 5, "factor b is nan"),
    ],
)
def test_a_slice_that_makes_no_sense_is_refused(
    x: str, y: str | None, at: dict[str, float], points: int, words: str
):
    with pytest.raises(InputError, match=words):
        slice(SPACE, "maximize", _history(5), x, y, at, points=points)


def test_a_fit_that_fails_falls_back_to_the_priors_and_says_so(monkeypatch: pytest.MonkeyPatch):
    def refuse(_family: object, _problem: object, theta: np.ndarray):
        return math.inf, np.zeros_like(theta)

    history = _history(10)
    fitted = suggest(SPACE, "maximize", history, 1, seed=0, initial=4)[0]
    assert "fit failed" not in fitted.note
    monkeypatch.setattr("lab.optimize.model.fit.objective", refuse)
    items = suggest(SPACE, "maximize", history, 2, seed=0, initial=4)
    assert all("fit failed" in item.note and item.origin == "model" for item in items)
    assert items[0].factors != fitted.factors


def test_where_every_good_point_is_taken_a_spread_out_one_stands_in(
    monkeypatch: pytest.MonkeyPatch,
):
    """With all points within half the range counted as one experiment, few are new."""
    monkeypatch.setattr("lab.optimize.acquisition._TOO_CLOSE", 0.9)
    history = _history(10)
    first, second = propose(SPACE, "maximize", history, 2, seed=0)
    assert first.origin == "model"
    assert second.origin == "random"
    assert second.acquisition is None
    assert second.predicted_mean is not None
    assert "already being tried" in second.note
    distance = math.dist(SPACE.to_unit(first.factors), SPACE.to_unit(second.factors))
    assert distance > 0.05
