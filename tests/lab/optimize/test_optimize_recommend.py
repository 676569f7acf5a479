"""Which tested trial is recommended: not the luckiest, and in the direction that was asked for."""

from __future__ import annotations

import math
import random

import pytest

from lab.optimize import Factor, Space, TrialRecord, best
from lab.optimize.recommend import recommend
from lab.optimize.sobol import sobol_points

SPACE = Space((Factor("a", "mL", 0.0, 10.0), Factor("b", "degC", 20.0, 60.0)))


def _value(factors: dict[str, float]) -> float:
    return 5.0 + 2.0 * math.sin(factors["a"] / 2.0) - ((factors["b"] - 40.0) / 20.0) ** 2


def _history(noise: float = 0.0) -> list[TrialRecord]:
    rng = random.Random(30)
    made = [SPACE.from_unit(point) for point in sobol_points(3, 0, 30, 2)]
    return [
        TrialRecord(number=k, factors=f, status="done", value=_value(f) + rng.gauss(0.0, noise))
        for k, f in enumerate(made, 1)
    ]


def test_the_recommended_point_is_not_the_luckiest_reading():
    history = _history(0.05)
    flop = {"a": 9.0, "b": 60.0}
    lucky = [
        TrialRecord(number=60, factors=flop, status="done", value=7.5),
        TrialRecord(number=61, factors=flop, status="done", value=_value(flop)),
        TrialRecord(number=62, factors=flop, status="done", value=_value(flop) - 0.1),
    ]
    luckiest = best("maximize", [*history, *lucky])
    assert luckiest is not None
    assert luckiest.number == 60
    advice = recommend(SPACE, "maximize", [*history, *lucky])
    assert advice is not None
    assert advice.trial.number < 60
    assert advice.mean == pytest.approx(_value(advice.trial.factors), abs=0.3)
    assert advice.standard_deviation > 0


def test_the_recommendation_turns_with_the_direction_and_is_the_same_each_time():
    history = _history()
    high = recommend(SPACE, "maximize", history)
    low = recommend(SPACE, "minimize", history)
    assert high is not None
    assert low is not None
    assert high.mean > low.mean + 2.0
    assert recommend(SPACE, "maximize", history) == high


def test_without_a_value_nothing_is_recommended():
    failed = TrialRecord(number=1, factors={"a": 1.0, "b": 30.0}, status="failed")
    waiting = failed.model_copy(update={"number": 2, "status": "pending"})
    assert recommend(SPACE, "maximize", [failed, waiting]) is None
    assert recommend(SPACE, "maximize", []) is None
