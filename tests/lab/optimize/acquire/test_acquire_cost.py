"""Costs: learned from trials or asked of a function, and the gain per cost."""

from __future__ import annotations

import numpy as np
import pytest

from lab.domain.errors import InputError
from lab.optimize import Factor, Space, TrialRecord
from lab.optimize.acquire.cost import Cheapness, cheapness, checked_cost
from lab.optimize.acquire.total import Total
from lab.optimize.model.threads import single_threaded
from lab.optimize.sobol import sobol_points

SPACE = Space((Factor("t", "degC", 20.0, 120.0), Factor("b", "1", 0.0, 1.0)))


def _cost(factors) -> float:
    return 0.5 + 0.02 * (factors["t"] - 20.0)


def _lawful(count: int) -> list[dict[str, float]]:
    return [SPACE.from_unit(point) for point in sobol_points(1, 0, count, 2)]


def _records(count: int) -> list[TrialRecord]:
    return [
        TrialRecord(number=k, factors=f, status="done", value=0.0, cost=_cost(f))
        for k, f in enumerate(_lawful(count), 1)
    ]


def _from_function() -> Cheapness:
    with single_threaded():
        made = cheapness(SPACE, [], _cost, _lawful)
    assert made is not None
    return made


@pytest.mark.parametrize("told", [False, True])
def test_costs_are_predicted(told: bool):
    if told:
        with single_threaded():
            made = cheapness(SPACE, _records(24), None, _lawful)
        assert made is not None
    else:
        made = _from_function()
    for t in (25.0, 60.0, 110.0):
        point = np.array(SPACE.to_unit({"t": t, "b": 0.3}))
        assert made.cost(point) == pytest.approx(_cost({"t": t}), rel=0.15 if told else 0.03)


def test_the_value_is_minus_the_logarithm_with_its_gradient():
    made = _from_function()
    points = np.array(sobol_points(3, 0, 5, 2))
    value, gradient = made.value_and_gradient(points)
    assert value == pytest.approx([-np.log(made.cost(point)) for point in points])
    for k in range(2):
        step = np.zeros(2)
        step[k] = 1e-6
        slope = (made.value(points + step) - made.value(points - step)) / 2e-6
        assert gradient[:, k] == pytest.approx(slope, abs=1e-5)


def test_few_told_costs_say_nothing():
    with single_threaded():
        assert cheapness(SPACE, _records(2), None, _lawful) is None
        assert cheapness(SPACE, _records(3), None, _lawful) is not None


def test_equal_costs_prefer_nothing():
    with single_threaded():
        made = cheapness(SPACE, [], lambda _: 3.0, _lawful)
    assert made is not None
    assert made.value(np.array(sobol_points(3, 0, 5, 2))) == pytest.approx([-np.log(3.0)] * 5)


@pytest.mark.parametrize("cost", [0.0, -1.0, float("nan"), float("inf")])
def test_a_cost_that_is_none_is_refused(cost: float):
    with pytest.raises(InputError, match=r"a cost of .* of a trial with t=30.0, b=0.5"):
        checked_cost(lambda _: cost, {"t": 30.0, "b": 0.5})
    with pytest.raises(InputError, match="trial 1: a cost of"):
        TrialRecord(number=1, factors={}, status="done", value=1.0, cost=cost)


def test_acquisitions_add_up():
    made = _from_function()
    points = np.array(sobol_points(3, 0, 4, 2))
    total = Total((made, made), -1.5)
    assert total.value(points) == pytest.approx(2.0 * made.value(points) - 1.5)
    value, gradient = total.value_and_gradient(points)
    assert value == pytest.approx(total.value(points))
    assert gradient == pytest.approx(2.0 * made.value_and_gradient(points)[1])
