"""Rows of other campaigns and fidelities: they help where they are related, and have no say where they are not."""

from __future__ import annotations

import numpy as np
import pytest

from lab.domain.errors import InputError
from lab.optimize import Earlier, Factor, Space, TrialRecord
from lab.optimize.model.families import default_families
from lab.optimize.model.fit import fit_family
from lab.optimize.model.joined import earlier_rows, expected_best, join
from lab.optimize.model.likelihood import Problem, objective
from lab.optimize.model.mixture import fit_mixture
from lab.optimize.model.replicates import Told
from lab.optimize.model.tensors import as_botorch, tensor
from lab.optimize.model.threads import single_threaded
from lab.optimize.model.turned import turn
from lab.optimize.sobol import sobol_points

SPACE = Space((Factor("a", "1", 0.0, 2.0), Factor("b", "1", 0.0, 1.0)))
TEST = np.array(sobol_points(9, 0, 200, 2))


def _f(points: np.ndarray) -> np.ndarray:
    return np.sin(4.0 * points[:, 0]) + np.cos(3.0 * points[:, 1])


def _problem(points: np.ndarray, outcomes: np.ndarray) -> Problem:
    ones = np.ones(len(outcomes))
    return Problem(points, outcomes, 0.0 * ones, ones, np.arange(2))


def _told(points: np.ndarray, outcomes: np.ndarray) -> Told:
    return Told(points, outcomes, np.zeros(len(outcomes)))


def _joined(others: list[Told], count: int = 6):
    points = np.array(sobol_points(4, 0, count, 2))
    own = _problem(points, _f(points))
    with single_threaded():
        mixture = fit_mixture(own)
        return own, mixture, join(mixture, own, others)


def _error(mixture) -> float:
    with single_threaded():
        mean, _ = mixture.mean_and_variance(TEST)
    return float(np.sqrt(((mean - _f(TEST)) ** 2).mean()))


def test_related_rows_help_where_own_ones_are_few():
    points = np.array(sobol_points(5, 0, 30, 2))
    _, alone, joined = _joined([_told(points, _f(points) + 0.1 * points[:, 0])])
    assert joined.share > 0.5
    assert _error(joined.mixture) < 0.5 * _error(alone)
    assert joined.whole.own == 6
    assert joined.whole.apart is not None
    assert joined.whole.apart[0] > 1.0  # nearly the same outcome


def test_unrelated_rows_lose_their_say():
    points = np.array(sobol_points(5, 0, 30, 2))
    noise = np.random.default_rng(2).normal(size=30)
    _, alone, joined = _joined([_told(points, noise)], count=14)
    assert joined.share < 0.5
    assert _error(joined.mixture) < 1.3 * _error(alone)
    _, alone, turned = _joined([_told(points, -_f(points))], count=14)
    assert _error(turned.mixture) < 1.3 * _error(alone)


def test_one_group_may_help_while_another_does_not():
    points = np.array(sobol_points(5, 0, 30, 2))
    good, bad = _told(points, _f(points)), _told(points, -_f(points[::-1]))
    _, alone, joined = _joined([bad, good], count=8)
    assert joined.whole.apart is not None
    assert joined.whole.apart[1] > 2.0 * joined.whole.apart[0]
    assert _error(joined.mixture) < _error(alone)


def test_of_many_rows_a_part_is_kept():
    points = np.array(sobol_points(5, 0, 400, 2))
    _, _, joined = _joined([_told(points, _f(points))])
    assert len(joined.whole.outcomes) == 106


def test_the_gradient_of_the_hyperparameters_is_that_of_differences():
    points = np.array(sobol_points(5, 0, 10, 2))
    own = np.array(sobol_points(4, 0, 6, 2))
    whole = Problem(
        points=np.concatenate([np.c_[own, np.zeros(6)], np.c_[points, np.ones(10)]]),
        outcomes=np.concatenate([_f(own), _f(points)]),
        given=np.zeros(16),
        share=np.ones(16),
        groups=np.arange(3),
        apart=1,
    )
    family = default_families(2)[0]
    theta = np.array([-0.5, -0.3, 0.4, -3.0])
    value, gradient = objective(family, whole, theta)
    for k in range(4):
        step = np.zeros(4)
        step[k] = 1e-6
        up, down = (objective(family, whole, theta + s)[0] for s in (step, -step))
        assert gradient[k] == pytest.approx((up - down) / 2e-6, rel=1e-4, abs=1e-5)
    assert np.isfinite(value)


def test_predictions_have_the_right_gradients_and_are_those_of_botorch():
    points = np.array(sobol_points(5, 0, 12, 2))
    _, _, joined = _joined([_told(points, _f(points) + 0.3)])
    process = joined.whole
    at = TEST[:5]
    mean, by_mean, variance, by_variance = process.mean_and_variance_with_gradients(at)
    for k in range(2):
        step = np.zeros(2)
        step[k] = 1e-6
        up, down = (process.mean_and_variance(at + s) for s in (step, -step))
        assert by_mean[:, k] == pytest.approx((up[0] - down[0]) / 2e-6, rel=1e-4, abs=1e-6)
        assert by_variance[:, k] == pytest.approx((up[1] - down[1]) / 2e-6, rel=1e-3, abs=1e-5)
    theirs = as_botorch(process).posterior(tensor(at))
    assert theirs.mean[:, 0].numpy() == pytest.approx(mean, abs=1e-6)
    assert theirs.variance[:, 0].numpy() == pytest.approx(variance, abs=1e-6)
    flat = turn(process, at[:1])  # one point lies in one direction of its own
    assert flat.process.mean_and_variance(flat.points(at[:1]))[0] == pytest.approx(mean[:1])


def test_rows_of_another_campaign_are_standardised_by_themselves_and_merged():
    history = tuple(
        TrialRecord(number=k, factors={"a": a, "b": 0.5}, status="done", value=900.0 + 50.0 * a)
        for k, a in enumerate((0.0, 1.0, 1.0, 2.0))
    )
    (told,) = earlier_rows(SPACE, -1.0, [Earlier("old", history)])
    assert told.points.tolist() == [[0.0, 0.5], [0.5, 0.5], [1.0, 0.5]]
    assert told.share.tolist() == [1.0, 0.5, 1.0]
    assert told.outcomes[0] > 1.0 > told.outcomes[1] > -1.0 > told.outcomes[2]
    with pytest.raises(InputError, match="no measured trial"):
        Earlier("old", (history[0].model_copy(update={"status": "failed", "value": None}),))


def test_an_end_of_a_range_is_no_number_of_another_campaign():
    history = tuple(
        TrialRecord(
            number=k, factors={"a": a, "b": 0.5}, status="done", value=a, side="above" if a > 1 else None
        )
        for k, a in enumerate((0.0, 0.5, 1.0, 2.0))
    )  # fmt: skip
    (told,) = earlier_rows(SPACE, 1.0, [Earlier("old", history)])
    assert told.points[:, 0].tolist() == [0.0, 0.25, 0.5]
    named = tuple(
        TrialRecord(
            number=r.number, factors=r.factors, status="done", outcomes={"y": r.value or 0.0, "z": 1.0},
            sides={"y": "above"} if r.side else {},
        )
        for r in history
    )  # fmt: skip
    (told,) = earlier_rows(SPACE, 1.0, [Earlier("old", named)], "y")
    assert len(told.points) == 3
    (told,) = earlier_rows(SPACE, 1.0, [Earlier("old", named)], "z")
    assert len(told.points) == 4


def test_what_they_expect_to_be_the_best_is_lawful():
    space = Space(SPACE.factors, constraints=("a <= 1",))
    history = tuple(
        TrialRecord(
            number=k, factors={"a": 2.0 * x, "b": y}, status="done", value=x - (y - 0.5) ** 2
        )
        for k, (x, y) in enumerate(sobol_points(3, 0, 16, 2))
    )
    found = expected_best(space, "maximize", [Earlier("old", history)], 1, None)
    assert 0.8 < found["a"] <= 1.0
    assert found["b"] == pytest.approx(0.5, abs=0.2)
    held = expected_best(space, "minimize", [Earlier("old", history)], 1, {"b": 0.9})
    assert held["b"] == pytest.approx(0.9)
    assert held["a"] < 0.3


def test_a_process_without_others_has_only_own_rows():
    points = np.array(sobol_points(4, 0, 6, 2))
    with single_threaded():
        process, _ = fit_family(default_families(2)[0], _problem(points, _f(points)))
    assert process.own == 6
    assert process.aside is None
    assert not process.shift.any()
