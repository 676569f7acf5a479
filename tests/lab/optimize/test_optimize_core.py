"""The written-out mathematics of the core against definitions that are slow and plain."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import multivariate_normal, norm

from lab.optimize.acquire.logei import log_h_and_slopes
from lab.optimize.acquire.noisy import NoisyImprovement, baseline
from lab.optimize.acquire.search import choose_starts, climb
from lab.optimize.model.families import families_for
from lab.optimize.model.fit import fit_family, spread_subset, start_of, subset
from lab.optimize.model.likelihood import Problem, objective, precision
from lab.optimize.model.mixture import Mixture, fit_mixture, loo_weights
from lab.optimize.model.process import cholesky, make_process
from lab.optimize.model.threads import single_threaded
from lab.optimize.sobol import normal_points

FAMILIES = families_for(3)


def _problem(n: int, *, noise: float = 0.1, seed: int = 0) -> Problem:
    rng = np.random.default_rng(seed)
    points = rng.random((n, 3))
    outcomes = np.sin(4 * points[:, 0]) + points[:, 1] ** 2 + noise * rng.standard_normal(n)
    outcomes = (outcomes - outcomes.mean()) / outcomes.std(ddof=1)
    return Problem(points, outcomes, np.zeros(n), np.ones(n), np.arange(3))


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_the_gradient_of_the_likelihood_is_that_of_finite_differences(family):
    problem = _problem(25)
    shared = Problem(
        problem.points,
        problem.outcomes,
        np.full(25, 0.01),
        np.where(np.arange(25) < 5, 0.5, 1.0),
        np.array([0, 0, 1]),
    )
    for case in (problem, shared):
        theta = start_of(family, case) + 0.3 * np.cos(np.arange(len(start_of(family, case))))
        _, gradient = objective(family, case, theta)
        for index, step in enumerate(1e-5 * np.eye(len(theta))):
            up, down = objective(family, case, theta + step), objective(family, case, theta - step)
            assert gradient[index] == pytest.approx((up[0] - down[0]) / 2e-5, rel=1e-4, abs=1e-5)


def test_the_likelihood_is_a_normal_density_times_the_priors():
    """Differences of two settings, so that constants of the priors drop out."""
    problem, family = _problem(15), FAMILIES[0]

    def plain(theta: np.ndarray) -> float:
        process = make_process(family, problem, theta)
        covariance = process.prior(problem.points, problem.points) + process.noise * np.eye(15)
        density = multivariate_normal.logpdf(
            problem.outcomes,
            np.full(15, process.mean),
            covariance,  # pyright: ignore[reportArgumentType]
        )
        prior = family.lengthscale
        lengths = np.exp(theta[:3])
        density += float((2.0 * np.log(lengths) - prior.second * lengths).sum())
        return -float(density + norm.logpdf(theta[3], -4.0, 1.0) - theta[3])

    one, two = start_of(family, problem), start_of(family, problem) + 0.4
    difference = objective(family, problem, one)[0] - objective(family, problem, two)[0]
    assert difference == pytest.approx(plain(one) - plain(two), rel=1e-5)


def test_a_matrix_that_is_not_positive_definite_has_no_precision():
    assert precision(np.array([[1.0, 2.0], [2.0, 1.0]])) is None
    solved = precision(np.array([[2.0, 0.5], [0.5, 1.0]]))
    assert solved is not None
    assert solved[0] @ np.array([[2.0, 0.5], [0.5, 1.0]]) == pytest.approx(np.eye(2))
    assert solved[1] == pytest.approx(math.log(1.75))
    with pytest.raises(ArithmeticError, match="not positive definite"):
        cholesky(np.array([[1.0, 2.0], [2.0, 1.0]]))
    singular = cholesky(np.ones((3, 3)))
    assert singular @ singular.T == pytest.approx(np.ones((3, 3)), abs=1e-3)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_leave_one_out_is_what_leaving_each_out_gives(family):
    problem = _problem(12)
    theta = start_of(family, problem)
    whole = make_process(family, problem, theta)
    for out in range(12):
        rows = np.array([row for row in range(12) if row != out])
        rest = subset(problem, rows)
        cross = whole.prior(problem.points[[out]], rest.points)
        covariance = whole.prior(rest.points, rest.points) + (whole.noise + 1e-8) * np.eye(11)
        mean = whole.mean + cross @ np.linalg.solve(covariance, rest.outcomes - whole.mean)
        variance = whole.scale + whole.noise - cross @ np.linalg.solve(covariance, cross.T)
        density = norm.logpdf(problem.outcomes[out], mean.item(), math.sqrt(variance.item()))
        assert whole.loo[out] == pytest.approx(density, rel=1e-4, abs=1e-5)


def test_a_fit_predicts_and_finds_the_noise():
    process, converged = fit_family(FAMILIES[0], _problem(60, noise=0.2))
    fresh = _problem(60, noise=0.0, seed=0)
    mean, variance = process.mean_and_variance(fresh.points)
    assert converged
    assert np.corrcoef(mean, fresh.outcomes)[0, 1] > 0.95
    assert (variance > 0).all()
    assert 0.02 < process.noise < 0.25
    quiet, _ = fit_family(FAMILIES[0], _problem(60, noise=0.0))
    assert quiet.noise < 0.1 * process.noise


def test_a_fit_of_many_points_learns_from_a_part_and_knows_them_all():
    problem = _problem(350)
    rows = spread_subset(problem, 300)
    assert len(set(rows.tolist())) == 300
    assert set(np.argsort(-problem.outcomes)[:100].tolist()) <= set(rows.tolist())
    process, converged = fit_family(FAMILIES[0], problem)
    assert converged
    assert len(process.alpha) == 350


def test_families_are_weighed_by_what_they_predict():
    problem = _problem(30)
    mixture = fit_mixture(problem, FAMILIES)
    assert sum(mixture.weights) == pytest.approx(1.0)
    scores = [fit_family(family, problem)[0].loo.sum() for family in FAMILIES]
    (kept,) = fit_mixture(problem, FAMILIES, "choose").members
    assert kept.family == FAMILIES[int(np.argmax(scores))]
    weights = loo_weights([fit_family(family, problem)[0] for family in FAMILIES])
    assert np.argmax(weights) == np.argmax(scores)
    mean, variance = mixture.mean_and_variance(problem.points)
    parts = [member.mean_and_variance(problem.points) for member in mixture.members]
    second = sum(w * (v + m**2) for w, (m, v) in zip(mixture.weights, parts, strict=True))
    assert variance == pytest.approx(second - mean**2)


@pytest.mark.parametrize("rule", ["average", "choose"])
def test_of_few_measurements_the_first_family_is_taken(rule):
    few = fit_mixture(_problem(7), FAMILIES[::-1], rule)
    assert [member.family for member in few.members] == [FAMILIES[-1]]
    chosen = [
        fit_mixture(_problem(8, seed=seed), FAMILIES, "choose").members[0].family.name
        for seed in range(6)
    ]
    assert len(set(chosen)) > 1


def test_of_many_measurements_a_part_chooses_and_all_are_believed():
    problem = _problem(140)
    mixture = fit_mixture(problem, FAMILIES)
    (member,) = mixture.members
    assert len(member.alpha) == 140
    part = subset(problem, spread_subset(problem, 100))
    assert member.family == fit_mixture(part, FAMILIES, "choose").members[0].family
    assert len(fit_mixture(part, FAMILIES).members) >= 1


def test_with_more_lengthscales_each_is_held_more_firmly():
    for few, many in ((2, 3), (3, 6), (6, 12)):
        loose, firm = families_for(few)[4].lengthscale, families_for(many)[4].lengthscale
        # the width of a Gamma in units of its mode
        assert math.sqrt(firm.first) / (firm.first - 1) < math.sqrt(loose.first) / (loose.first - 1)
        assert firm.mode == pytest.approx(families_for(many)[0].lengthscale.mode)
    assert families_for(1)[4].lengthscale == families_for(1)[0].lengthscale
    rng = np.random.default_rng(5)
    noise_alone = Problem(
        rng.random((12, 6)), rng.standard_normal(12), np.zeros(12), np.ones(12), np.arange(6)
    )
    free, held = (fit_family(families_for(6)[k], noise_alone)[0].lengths for k in (0, 4))
    assert held.min() > free.min()


def test_log_h_holds_from_hopeless_to_certain():
    for u in (-30.0, -5.0, -1.001, -1.0, 0.0, 4.0):
        exact = quad(lambda z, u=u: max(u + z, 0.0) * norm.pdf(z), -u, -u + 12, epsabs=0)[0]
        assert log_h_and_slopes(np.array([u]))[0][0] == pytest.approx(math.log(exact), rel=1e-6)
    far = log_h_and_slopes(np.array([-1e3, -1e4, -1e6, -1e8]))
    assert all(np.isfinite(part).all() for part in far)
    assert (np.diff(far[0]) < 0).all()
    for u in (-2e2, -3.0, -1.0, 2.0):
        step = 1e-5
        up, down = (log_h_and_slopes(np.array([u + s]))[0][0] for s in (step, -step))
        slope = log_h_and_slopes(np.array([u]))[1][0]
        assert slope == pytest.approx((up - down) / (2 * step), rel=1e-4)


def _acquisition(
    taken: np.ndarray, draws: int = 64
) -> tuple[NoisyImprovement, Mixture, np.ndarray]:
    problem = _problem(20)
    mixture = fit_mixture(problem, FAMILIES)
    base = baseline(mixture, problem.points, 20)
    normals = normal_points(1, draws, len(base) + len(taken))
    return NoisyImprovement(mixture, base, taken, normals), mixture, base


def test_noisy_improvement_is_that_of_joint_draws():
    taken, fresh = np.array([[0.3, 0.9, 0.5]]), np.random.default_rng(5).random((5, 3))
    acquisition, mixture, base = _acquisition(taken, 4096)
    known = np.concatenate([base, taken])
    rng = np.random.default_rng(0)
    expected = np.zeros(5)
    for member, weight in zip(mixture.members, mixture.weights, strict=True):
        points = np.concatenate([known, fresh])
        covariance = member.covariance(points)
        draws = member.mean_and_variance(points)[0] + (
            rng.standard_normal((200_000, len(points))) @ cholesky(covariance).T
        )
        gain = draws[:, len(known) :] - draws[:, : len(known)].max(axis=1, keepdims=True)
        expected += weight * np.maximum(gain, 0.0).mean(axis=0)
    good = expected > 1e-3
    assert good.any()
    assert np.exp(acquisition.value(fresh))[good] == pytest.approx(expected[good], rel=0.1)


def test_the_gradient_of_the_acquisition_is_that_of_finite_differences():
    acquisition, _, _ = _acquisition(np.array([[0.3, 0.9, 0.5]]))
    points = np.random.default_rng(2).random((4, 3))
    values, gradient = acquisition.value_and_gradient(points)
    assert values == pytest.approx(acquisition.value(points))
    for column in range(3):
        step = 1e-6 * np.eye(3)[column]
        numeric = (acquisition.value(points + step) - acquisition.value(points - step)) / 2e-6
        assert gradient[:, column] == pytest.approx(numeric, rel=1e-3, abs=1e-4)


def test_a_point_that_is_being_tried_is_worth_less_than_before():
    place = np.array([[0.4, 0.95, 0.5]])
    before = _acquisition(np.empty((0, 3)))[0].value(place)[0]
    assert _acquisition(place)[0].value(place)[0] < before - 1.0


def test_climbing_ends_higher_than_it_began_and_inside():
    acquisition, _, _ = _acquisition(np.empty((0, 3)))
    points = np.random.default_rng(3).random((200, 3))
    starts = choose_starts(points, acquisition.value(points), 4, 0.2)
    gaps = [math.dist(a, b) for i, a in enumerate(starts) for b in starts[:i]]
    assert min(gaps) > 0.2
    with single_threaded():
        ends, values = climb(acquisition, starts)
    assert values.max() > acquisition.value(starts).max()
    assert ((ends >= 0.0) & (ends <= 1.0)).all()
