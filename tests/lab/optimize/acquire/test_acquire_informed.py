"""What a measurement of some fidelity says of the target."""

from __future__ import annotations

import numpy as np
import pytest

from lab.optimize.acquire.informed import Informed
from lab.optimize.model.joined import Joined, join
from lab.optimize.model.likelihood import Problem
from lab.optimize.model.mixture import fit_mixture
from lab.optimize.model.replicates import Told
from lab.optimize.model.threads import single_threaded
from lab.optimize.sobol import sobol_points

AT = np.array([[0.31, 0.74], [0.9, 0.1]])


def _f(points: np.ndarray) -> np.ndarray:
    return np.sin(4.0 * points[:, 0]) + np.cos(3.0 * points[:, 1])


def _joined(low, count: int = 20) -> Joined:
    own = np.array(sobol_points(4, 0, 8, 2))
    other = np.array(sobol_points(5, 0, count, 2))
    problem = Problem(own, _f(own), np.zeros(8), np.ones(8), np.arange(2))
    with single_threaded():
        return join(fit_mixture(problem), problem, [Told(other, low(other), np.zeros(count))])


GOOD = _joined(lambda points: _f(points) + 0.2 * points[:, 1])


def test_the_target_says_most_and_a_noisy_copy_less():
    target = Informed(GOOD.whole, 1.0, None, []).value(AT)
    lower = Informed(GOOD.whole, 1.0, 0, []).value(AT)
    assert (target <= 0.0).all()
    assert (lower < target).all()
    assert lower == pytest.approx(Informed(GOOD.whole, 0.25, 0, []).value(AT) + np.log(2.0))


def test_an_unrelated_fidelity_says_little():
    noise = np.random.default_rng(1)
    bad = _joined(lambda points: noise.normal(size=len(points)))
    worse = Informed(bad.whole, 1.0, 0, []).value(AT)
    assert (worse < Informed(GOOD.whole, 1.0, 0, []).value(AT) - 0.5).all()


def test_what_is_being_tried_says_little_more_there_and_as_much_elsewhere():
    free = Informed(GOOD.whole, 1.0, 0, []).value(AT)
    tried = Informed(GOOD.whole, 1.0, 0, [(AT[:1], 0)]).value(AT)
    assert tried[0] < free[0] - 0.2
    assert tried[1] == pytest.approx(free[1], abs=0.1)
    target = Informed(GOOD.whole, 1.0, None, []).value(AT)
    assert Informed(GOOD.whole, 1.0, None, [(AT[:1], None)]).value(AT)[0] < target[0] - 0.2


def test_it_is_the_correlation_of_draws():
    """Against draws of the target and of what the lower fidelity would measure, at one point."""
    process = GOOD.whole
    assert process.aside is not None
    assert process.apart is not None
    code = np.array([[1.0 / process.apart[0]]])
    scaled = AT[:1] / process.lengths
    rows = np.concatenate([process.scaled, scaled, scaled])
    aside = np.concatenate([process.aside, 0.0 * code, code])
    whole = np.c_[rows, aside]
    r2 = ((whole[:, None] - whole[None]) ** 2).sum(axis=2)
    root5 = np.sqrt(5.0 * r2)
    if process.family.shape == "matern52":
        kernel = (1.0 + root5 + root5**2 / 3.0) * np.exp(-root5)
    else:
        kernel = np.exp(-0.5 * r2)
    n = len(process.outcomes)
    known = process.scale * kernel[:n, :n] + np.diag(process.noises)
    cross = process.scale * kernel[n:, :n]
    left = process.scale * kernel[n:, n:] - cross @ np.linalg.solve(known, cross.T)
    expected = left[0, 1] / np.sqrt(left[0, 0] * (left[1, 1] + process.noise))
    assert np.exp(Informed(process, 1.0, 0, []).value(AT[:1])[0]) == pytest.approx(
        expected, rel=1e-6
    )


def test_its_gradient():
    informed = Informed(GOOD.whole, 0.7, 0, [(AT[:1], None)])
    points = np.array(sobol_points(8, 0, 4, 2))
    value, gradient = informed.value_and_gradient(points)
    assert value == pytest.approx(informed.value(points))
    step = np.array([[1e-5, 0.0]], dtype=np.float64)
    slope = (informed.value(points + step) - informed.value(points - step)) / 2e-5
    assert gradient[:, 0] == pytest.approx(slope, rel=1e-2, abs=1e-4)
