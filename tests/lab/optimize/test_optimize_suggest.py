"""The entry point: Sobol start, the hand-over to the model, pending and failed trials, refusals."""

from __future__ import annotations

import math
import random
from itertools import pairwise

import pytest

from lab.domain.errors import InputError
from lab.optimize import Direction, Factor, Space, TrialRecord, suggest
from lab.optimize.sobol import sobol_points

SPACE = Space(
    factors=(
        Factor(name="a", unit="mL", minimum=0.5, maximum=7.0),
        Factor(name="b", unit="mL", minimum=0.0, maximum=3.0),
    )
)


def _value(factors: dict[str, float]) -> float:
    return 9.0 - (factors["a"] - 4.0) ** 2 - (factors["b"] - 1.0) ** 2


def _record(number: int, a: float, b: float, noise: float = 0.0) -> TrialRecord:
    factors = {"a": a, "b": b}
    return TrialRecord(number=number, factors=factors, status="done", value=_value(factors) + noise)


def _history(n: int, seed: int = 0) -> list[TrialRecord]:
    rng = random.Random(seed)
    return [
        _record(k, *SPACE.from_unit((u, v)).values(), noise=rng.gauss(0, 0.02))
        for k, (u, v) in enumerate(sobol_points(seed, 0, n, 2), start=1)
    ]


def _ask(history: list[TrialRecord], n: int = 2, **kwargs: object):
    options: dict[str, object] = {"seed": 5, "initial": 6, **kwargs}
    direction: Direction = "maximize"
    return suggest(SPACE, direction, history, n, **options)  # pyright: ignore[reportArgumentType]


def test_the_first_trials_are_the_first_sobol_points_of_the_seed():
    points = [SPACE.from_unit(point) for point in sobol_points(5, 0, 6, 2)]
    first = _ask([], 4)
    assert [item.factors for item in first] == points[:4]
    assert [item.origin for item in first] == ["sobol"] * 4
    assert [item.number for item in first] == [1, 2, 3, 4]
    assert all(item.predicted_mean is None and item.acquisition is None for item in first)
    pending = [
        TrialRecord(number=item.number, factors=item.factors, status="pending") for item in first
    ]
    assert [item.factors for item in _ask(pending)] == points[4:]


def test_a_batch_over_the_end_of_the_start_is_part_sobol_part_model():
    history = _history(5)
    sobol, model = _ask(history)
    assert (sobol.origin, model.origin) == ("sobol", "model")
    assert (sobol.number, model.number) == (6, 7)
    assert sobol.factors != model.factors


def test_a_model_suggestion_brings_its_evidence():
    history = _history(8)
    for item in _ask(history):
        assert item.origin == "model"
        assert item.predicted_mean is not None
        assert item.predicted_sd is not None
        assert item.acquisition is not None
        assert 0 < item.predicted_sd < 20
        assert item.nearest_trial in range(1, 9)
        assert item.note


def test_the_prediction_is_near_the_truth_where_much_was_measured():
    (item,) = _ask(_history(40), 1)
    assert item.predicted_mean is not None
    assert item.predicted_mean == pytest.approx(_value(item.factors), abs=0.1)


def test_method_sobol_never_asks_a_model():
    history = _history(20)
    points = [SPACE.from_unit(point) for point in sobol_points(5, 20, 3, 2)]
    assert [item.factors for item in _ask(history, 3, method="sobol")] == points


def test_minimising_is_maximising_with_the_sign_turned():
    history = _history(10)
    turned = [
        record.model_copy(update={"value": None if record.value is None else -record.value})
        for record in history
    ]
    up = suggest(SPACE, "maximize", history, 1, seed=5, initial=6)[0]
    down = suggest(SPACE, "minimize", turned, 1, seed=5, initial=6)[0]
    assert up.predicted_mean is not None
    assert down.predicted_mean is not None
    # The random draws differ with the direction, so the points agree but not to the last bit.
    assert down.factors["a"] == pytest.approx(up.factors["a"], abs=0.2)
    assert down.factors["b"] == pytest.approx(up.factors["b"], abs=0.2)
    assert down.predicted_mean == pytest.approx(-up.predicted_mean, abs=0.1)


@pytest.mark.parametrize("n", [2, 4])
def test_points_of_a_batch_are_distinct_from_each_other_and_from_pending_ones(n: int):
    history = _history(12)
    waiting = [
        TrialRecord(number=item.number, factors=item.factors, status="pending")
        for item in _ask(history, n)
    ]
    everything = waiting + [
        TrialRecord(number=item.number, factors=item.factors, status="pending")
        for item in _ask([*history, *waiting], n)
    ]
    units = sorted(SPACE.to_unit(record.factors) for record in everything)
    assert len(units) == 2 * n
    for one, other in pairwise(units):
        assert max(abs(x - y) for x, y in zip(one, other, strict=True)) > 1e-4


def test_a_pending_trial_moves_the_next_suggestion_away():
    history = _history(12)
    alone = _ask(history, 1)[0]
    waiting = TrialRecord(number=alone.number, factors=alone.factors, status="pending")
    second = _ask([*history, waiting], 1)[0]
    distance = math.dist(SPACE.to_unit(alone.factors), SPACE.to_unit(second.factors))
    assert distance > 0.01


@pytest.mark.parametrize("edge", ["low", "high"])
def test_an_optimum_in_a_corner_is_reached_and_not_passed(edge: str):
    sign = 1.0 if edge == "high" else -1.0
    history = [
        TrialRecord(
            number=record.number,
            factors=record.factors,
            status="done",
            value=sign * (record.factors["a"] + record.factors["b"]),
        )
        for record in _history(10)
    ]
    corner = {"a": 7.0, "b": 3.0} if edge == "high" else {"a": 0.5, "b": 0.0}
    items = _ask(history, 3)
    # The acquisition is highest a little inside the corner (its own maximum, checked on a grid).
    assert items[0].factors == pytest.approx(corner, abs=0.2)
    for item in items:
        assert 0.5 <= item.factors["a"] <= 7.0
        assert 0.0 <= item.factors["b"] <= 3.0


def test_while_nothing_is_measured_the_even_spread_goes_on():
    failed = [
        TrialRecord(number=record.number, factors=record.factors, status="failed")
        for record in _history(9)
    ]
    items = _ask(failed)
    assert [item.origin for item in items] == ["sobol", "sobol"]
    assert "0 of 2 values" in items[0].note
    assert [item.factors for item in items] == [
        SPACE.from_unit(point) for point in sobol_points(5, 9, 2, 2)
    ]
    one_value = [*failed, _record(10, 4.0, 1.0)]
    assert _ask(one_value)[0].origin == "sobol"
    assert _ask([*one_value, _record(11, 3.0, 1.0)])[0].origin == "model"


def test_failed_trials_count_for_the_start_and_teach_the_model():
    """Of two equal hills the one where trials fail is left alone."""
    done = [
        TrialRecord(number=k, factors={"a": a, "b": 1.5}, status="done", value=value)
        for k, (a, value) in enumerate([(3.75, 0.0), (1.5, 2.0), (2.0, 2.2), (6.0, 2.0)], start=1)
    ]
    failed = [
        TrialRecord(number=5 + k, factors={"a": a, "b": b}, status="failed")
        for k, (a, b) in enumerate([(5.5, 1.5), (6.0, 0.5), (6.0, 2.5), (6.7, 1.5)])
    ]
    items = suggest(SPACE, "maximize", [*done, *failed], 3, seed=0, initial=4)
    assert all(item.origin == "model" for item in items)
    assert all(item.factors["a"] < 5.0 for item in items)


@pytest.mark.parametrize("scale", [1e-15, 1e-3, 1.0, 1e12])
def test_the_unit_of_the_objective_changes_nothing_but_the_numbers(scale: float):
    history = [
        record.model_copy(update={"value": (record.value or 0.0) * scale})
        for record in _history(10)
    ]
    (item,) = _ask(history, 1)
    (plain,) = _ask(_history(10), 1)
    assert item.predicted_mean is not None
    assert plain.predicted_mean is not None
    assert item.origin == "model"
    assert item.predicted_mean / scale == pytest.approx(plain.predicted_mean, abs=0.2)


@pytest.mark.parametrize("value", [0.0, 1.0, -1e9])
def test_equal_outcomes_are_no_obstacle(value: float):
    flat = [record.model_copy(update={"value": value}) for record in _history(8)]
    items = _ask(flat, 3)
    assert len({tuple(item.factors.values()) for item in items}) == 3


def test_replicates_and_trials_outside_the_range_are_taken_in():
    history = [_record(k, 4.0, 1.0, noise=0.01 * k) for k in range(1, 9)]
    history += [_record(20, 9.0, 1.0), _record(21, 2.0, 3.5), _record(22, 1.0, 0.1)]
    for item in _ask(history, 2):
        assert 0.5 <= item.factors["a"] <= 7.0
        assert item.number in (23, 24)


@pytest.mark.parametrize("dimension", [1, 12])
def test_one_factor_or_many(dimension: int):
    space = Space(
        factors=tuple(
            Factor(name=f"x{i}", unit="1", minimum=0, maximum=1) for i in range(dimension)
        )
    )
    history = [
        TrialRecord(
            number=k,
            factors=space.from_unit(point),
            status="done",
            value=-sum((u - 0.4) ** 2 for u in point),
        )
        for k, point in enumerate(sobol_points(0, 0, 10, dimension), start=1)
    ]
    items = suggest(space, "maximize", history, 2, seed=0, initial=4)
    assert [item.origin for item in items] == ["model", "model"]
    assert all(len(item.factors) == dimension for item in items)


@pytest.mark.parametrize(
    ("n", "initial", "words"), [(0, 6, "0 trials asked for"), (1, -1, "-1 initial trials")]
)
def test_numbers_out_of_range_are_refused(n: int, initial: int, words: str):
    with pytest.raises(InputError, match=words):
        suggest(SPACE, "maximize", [], n, seed=0, initial=initial)


def test_a_history_of_another_space_is_refused():
    stranger = TrialRecord(number=1, factors={"a": 1.0, "z": 1.0}, status="pending")
    with pytest.raises(InputError, match="trial 1: no value for factor b"):
        _ask([stranger])
