"""Grades: cut points, chances and moments, and what a campaign that is told grades believes."""

from __future__ import annotations

import numpy as np
import pytest

from lab.optimize.history import TrialRecord
from lab.optimize.model import fit_model
from lab.optimize.model.grades import NOISE, Grades, fit_grades
from lab.optimize.model.threads import single_threaded
from lab.optimize.options import Options
from lab.optimize.sobol import sobol_points
from lab.optimize.space import Factor, Space

SPACE = Space((Factor("a", "1", 0.0, 1.0), Factor("b", "1", 0.0, 1.0)))
LEVELS = ("clear", "hazy", "precipitate")


def test_cut_points_have_the_shares_that_were_seen_and_an_unseen_grade_keeps_a_place():
    grades = fit_grades(np.array([0.0] * 5 + [1.0] * 4 + [2.0]), 4, 1.0)
    assert np.diff(grades.cuts).min() > 0.0
    chances = grades.chances(np.zeros(1), np.full(1, 1.0 + NOISE))[0]
    assert chances == pytest.approx(np.array([5.5, 4.5, 1.5, 0.5]) / 12.0)
    assert chances.sum() == pytest.approx(1.0)


def test_where_less_is_better_the_lowest_grade_lies_highest():
    up, down = (fit_grades(np.array([0.0, 0.0, 0.0, 1.0]), 3, sign) for sign in (1.0, -1.0))
    assert down.cuts == pytest.approx(-up.cuts[::-1])
    high = np.array([3.0])
    assert up.moments(high, np.array([0.01]))[0][0] > 1.9
    assert down.moments(high, np.array([0.01]))[0][0] < 0.1
    bounds = down.bounds(np.array([0.0, 1.0, 2.0]))
    assert bounds.low[0] == down.cuts[1]
    assert bounds.high[0] == np.inf
    assert (bounds.low[1], bounds.high[1]) == tuple(down.cuts)
    assert bounds.low[2] == -np.inf


def test_moments_are_those_of_draws():
    grades = Grades(-1.0, np.array([-0.5, 0.7]))
    mean, variance = np.array([0.2]), np.array([0.6])
    draws = np.random.Generator(np.random.PCG64(1)).normal(0.2, np.sqrt(0.6), 100_000)
    places = 2.0 - np.searchsorted(grades.cuts, draws)
    shown, sd = grades.moments(mean, variance)
    assert shown[0] == pytest.approx(places.mean(), abs=0.01)
    assert sd[0] == pytest.approx(places.std(), abs=0.01)
    assert grades.better(0.2, 0.6, 1.0) == pytest.approx((places < 1.0).mean(), abs=0.01)
    assert grades.better(0.2, 0.6, 0.0) == 0.0
    sure = grades.moments(np.array([0.2, 5.0]), np.zeros(2))
    assert sure[0].tolist() == [1.0, 0.0]
    assert sure[1] == pytest.approx(0.0)


def _grade(factors, cuts=(1.0, 2.5)) -> int:
    return int(np.searchsorted(cuts, 8.0 * (factors["a"] - 0.7) ** 2 + factors["b"]))


def _history(count: int, seed: int = 1) -> list[TrialRecord]:
    found: list[TrialRecord] = []
    for k, point in enumerate(sobol_points(seed, 0, count, 2), 1):
        factors = SPACE.from_unit(point)
        found.append(
            TrialRecord(number=k, factors=factors, status="done", value=float(_grade(factors)))
        )
    return found


def test_a_campaign_of_grades_predicts_grades_of_trials_that_it_was_not_shown():
    history = _history(40)
    with single_threaded():
        model = fit_model(SPACE, "minimize", history, options=Options(levels=LEVELS))
        test = np.array(sobol_points(9, 0, 200, 2))
        means, deviations = model.predict(test)
    truth = np.array([_grade(SPACE.from_unit(point)) for point in test])
    assert (np.round(means) == truth).mean() > 0.85
    assert min(means) >= 0.0
    assert max(means) <= 2.0
    sure = np.array(deviations) < 0.1
    assert (np.round(means) == truth)[sure].mean() > 0.95
    assert model.grades is not None
    assert model.better(test[:1], 0.0) == 0.0
    assert model.sign == -1.0


def test_one_grade_alone_and_failures_beside_grades_are_believed():
    same = [record.model_copy(update={"value": 1.0}) for record in _history(6)]
    failed = TrialRecord(number=7, factors={"a": 0.5, "b": 0.5}, status="failed")
    with single_threaded():
        model = fit_model(SPACE, "maximize", [*same, failed], options=Options(levels=LEVELS))
        means, _ = model.predict(model.tested)
    assert means[:6] == pytest.approx([1.0] * 6, abs=0.5)
    assert model.success is not None
    assert model.better(model.tested[:1], 1.0) == pytest.approx(0.1, abs=0.1)
