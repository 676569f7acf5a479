"""Calibration, importances and stopping, against functions of which everything is known."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest

from lab.domain.errors import InputError
from lab.optimize import Campaign, Category, Factor, Space, TrialRecord
from lab.optimize.evidence import Calibration, evidence, stopping
from lab.optimize.model import fit_model
from lab.optimize.sobol import sobol_points

CUBE = Space(factors=tuple(Factor(name, "mL", 0, 4) for name in "abc"))


def _history(value, trials: int, noise: float = 0.0, space: Space = CUBE) -> list[TrialRecord]:
    rng = random.Random(1)
    return [
        TrialRecord(
            number=k,
            factors=space.from_unit(point),
            status="done",
            value=value(*space.from_unit(point).values()) + rng.gauss(0, noise),
        )
        for k, point in enumerate(sobol_points(1, 0, trials, space.dimension), start=1)
    ]


def test_left_out_trials_are_predicted_as_if_they_had_not_been_made():
    """Against the slow definition: the same hyperparameters, the trial's row really taken away."""
    history = _history(lambda a, b, c: a + math.sin(b) + 0.1 * c, 12, 0.1)
    found = evidence(CUBE, "maximize", history)
    model = fit_model(CUBE, "maximize", history)
    (process,) = model.mixture.members
    covariance = np.linalg.inv(process.root.T @ process.root)
    truth = process.mean + covariance @ process.alpha
    for k in range(12):
        rest = [i for i in range(12) if i != k]
        solved = np.linalg.solve(covariance[np.ix_(rest, rest)], covariance[rest, k])
        mean = process.mean + solved @ (truth[rest] - process.mean)
        variance = covariance[k, k] - solved @ covariance[rest, k]
        (shown,), (deviation,) = model.in_unit(np.array([mean]), np.array([variance]))
        assert found.left_out[k].trial == k + 1
        assert found.left_out[k].value == history[k].value
        assert found.left_out[k].mean == pytest.approx(shown, abs=1e-6)
        assert found.left_out[k].standard_deviation == pytest.approx(deviation, rel=1e-5)


def test_the_direction_only_turns_the_sign():
    history = _history(lambda a, b, c: a + b * c, 15, 0.1)
    up, down = evidence(CUBE, "maximize", history), evidence(CUBE, "minimize", history)
    for one, other in zip(up.left_out, down.left_out, strict=True):
        assert one.mean == pytest.approx(other.mean, abs=0.05)


def test_a_smooth_function_with_honest_noise_is_well_calibrated():
    found = evidence(CUBE, "maximize", _history(lambda a, b, c: a + math.sin(b), 60, 0.1))
    assert found.calibration.count == 60
    assert 0.6 < found.calibration.mean_squared_z < 1.5
    assert 0.35 <= found.calibration.coverage_50 <= 0.65
    assert found.calibration.coverage_90 >= 0.8
    assert found.calibration.log_loss < 0.0
    assert "as sure as it should be" in found.calibration.words


def test_noise_alone_cannot_be_predicted_and_the_score_says_so():
    found = evidence(CUBE, "maximize", _history(lambda a, b, c: 0.0, 40, 1.0))
    assert found.calibration.log_loss == pytest.approx(0.5 * math.log(2 * math.pi) + 0.5, abs=0.15)


@pytest.mark.parametrize(
    ("mean_squared_z", "words"), [(3.0, "too sure"), (0.2, "too modest"), (1.1, "as sure")]
)
def test_calibration_in_words(mean_squared_z: float, words: str):
    assert words in Calibration(50, 0.0, mean_squared_z, 0.5, 0.9).words


def test_sobol_indices_of_a_function_of_which_they_are_known():
    """f = 3 a + b + a c about the middle: by hand, with u = a/4 - 1/2 uniform of variance 1/12."""
    history = _history(lambda a, b, c: 3 * (a - 2) + (b - 2) + (a - 2) * (c - 2), 80)
    found = {item.factor: item for item in evidence(CUBE, "maximize", history).importances}
    var = 16 / 12
    whole = 9 * var + var + var**2
    assert found["a"].first_order == pytest.approx(9 * var / whole, abs=0.03)
    assert found["b"].first_order == pytest.approx(var / whole, abs=0.03)
    assert found["c"].first_order == pytest.approx(0.0, abs=0.03)
    assert found["a"].total == pytest.approx((9 * var + var**2) / whole, abs=0.03)
    assert found["c"].total == pytest.approx(var**2 / whole, abs=0.03)


def test_a_factor_that_does_nothing_has_no_share_and_a_long_lengthscale():
    history = _history(lambda a, b, c: math.sin(2 * a), 40, 0.01)
    found = {item.factor: item for item in evidence(CUBE, "maximize", history).importances}
    assert found["a"].total > 0.95  # pyright: ignore[reportOptionalOperand]
    assert found["b"].total < 0.03  # pyright: ignore[reportOptionalOperand]
    long, short = found["b"].lengthscale, found["a"].lengthscale
    assert long is not None
    assert short is not None
    assert long > 3 * short


def test_tied_factors_have_no_shares():
    space = Space(factors=CUBE.factors, constraints=("a + b <= 6 mL",))
    found = evidence(space, "maximize", _history(lambda a, b, c: a, 12))
    assert all(item.first_order is None and item.total is None for item in found.importances)
    assert all(item.lengthscale is not None for item in found.importances)


def test_a_category_has_a_share_and_no_lengthscale():
    space = Space(factors=(Factor("a", "mL", 0, 1), Category("s", ("p", "q"))))
    history = [
        TrialRecord(
            number=k,
            factors={"a": k % 7 / 7, "s": "pq"[k % 2]},
            status="done",
            value=5.0 * (k % 2) + k % 7 / 7,
        )
        for k in range(1, 21)
    ]
    found = evidence(space, "maximize", history).importances
    assert found[1].lengthscale is None
    assert found[1].first_order > 0.9  # pyright: ignore[reportOptionalOperand]


@pytest.mark.parametrize("ask", [lambda c: c.evidence(), lambda c: c.stopping(0.1)])
def test_too_few_trials_say_nothing(ask):
    campaign = Campaign(CUBE)
    for item in campaign.ask(2):
        campaign.tell(item.number, 1.0)
    with pytest.raises(InputError, match="2 measured trials say nothing"):
        ask(campaign)


@pytest.mark.parametrize("within", [0.0, -1.0, math.nan, math.inf])
def test_a_distance_is_above_zero(within: float):
    with pytest.raises(InputError, match="to the optimum"):
        stopping(CUBE, "maximize", [], within)


def test_stopping_grows_surer_as_the_optimum_is_closed_in():
    def value(a: float, b: float, c: float) -> float:
        return -((a - 1) ** 2) - (b - 3) ** 2 - 0.1 * (c - 2) ** 2

    space = CUBE
    few = _history(value, 8)
    many = _history(value, 40)
    top = TrialRecord(number=41, factors={"a": 1.0, "b": 3.0, "c": 2.0}, status="done", value=0.0)
    early = stopping(space, "maximize", few, 0.2)
    late = stopping(space, "maximize", [*many, top], 0.2)
    assert late.trial == 41
    assert late.probability > 0.95
    assert early.probability < 0.5
    assert 0.0 <= late.expected_gain < 0.1 < early.expected_gain


def test_the_probability_is_that_of_the_truth_over_many_functions():
    """Functions drawn from the model's own prior: what is said with probability p is true p of the time."""
    from lab.optimize.model.families import default_families
    from lab.optimize.model.kernel import correlation, squared_distances

    family = default_families(1)[0]
    space = Space(factors=(Factor("x", "1", 0, 1),))
    grid = np.linspace(0, 1, 201)[:, None]
    length = 0.15
    covariance = correlation(family.shape, squared_distances(grid / length, grid / length))
    lower = np.linalg.cholesky(covariance + 1e-8 * np.eye(201))
    rng = np.random.default_rng(3)
    said, true = [], []
    for _ in range(40):
        values = lower @ rng.standard_normal(201)
        tested = rng.choice(201, size=9, replace=False)
        history = [
            TrialRecord(
                number=k,
                factors={"x": float(grid[i, 0])},
                status="done",
                value=float(values[i]),
            )
            for k, i in enumerate(tested.tolist(), start=1)
        ]
        found = stopping(space, "maximize", history, 0.3)
        said.append(found.probability)
        true.append(values.max() - values[tested[found.trial - 1]] <= 0.3)
    # 40 yes/no outcomes of mean p have a standard error of at most 0.08.
    assert np.mean(said) == pytest.approx(np.mean(true), abs=0.2)
    sure = np.array(said) > 0.8
    assert np.mean(np.array(true)[sure]) > 0.7
