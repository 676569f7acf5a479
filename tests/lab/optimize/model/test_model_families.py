"""The families of prior belief: the published numbers, and which is taken where."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lab.optimize.model.families import (
    MANY,
    NOISE,
    UNEXPLAINED,
    Family,
    Prior,
    default_families,
    families_for,
    front_families,
    pool_families,
)
from lab.optimize.model.fit import fit_family
from lab.optimize.model.likelihood import Problem, objective


@pytest.mark.parametrize(("dimension", "middle"), [(4, 4.8), (25, 6.0), (100, 8.0)])
def test_many_descriptors_have_the_published_prior(dimension: int, middle: float):
    """Chen, Fleck and Stuyver 2026: Gamma(2 m, 2) and Gamma(m, 1), m = 0.4 root d + 4."""
    family = families_for(dimension)[2]
    assert family.shape == "matern52"
    scale = family.scale or Prior("gamma", 0.0, 0.0)
    assert [family.lengthscale.kind, scale.kind] == ["gamma", "gamma"]
    assert (family.lengthscale.first, family.lengthscale.second) == pytest.approx((2 * middle, 2.0))
    assert (scale.first, scale.second) == pytest.approx((middle, 1.0))
    assert family.noise == UNEXPLAINED


@pytest.mark.parametrize("dimension", [1, 6, 40])
def test_the_short_prior_has_its_mode_where_the_long_one_has(dimension: int):
    named = {family.name: family for family in families_for(dimension)}
    mode = math.exp(math.sqrt(2.0) - 3.0) * math.sqrt(dimension)
    for name in ("smooth-short", "smooth-long", "very-smooth", "steady", "steady-smooth"):
        assert named[name].lengthscale.mode == pytest.approx(mode)
        assert named[name].scale is None
        assert named[name].noise == NOISE


def test_beyond_many_lengthscales_columns_are_descriptors():
    for choose in (default_families, pool_families):
        assert [family.name for family in choose(MANY + 1)] == ["descriptors"]
        assert "descriptors" not in [family.name for family in choose(MANY)]


def test_each_family_has_the_noise_of_its_own():
    """The likelihood differs by the two priors of the noise alone."""
    rng = np.random.Generator(np.random.PCG64(1))
    points = rng.random((9, 3))
    outcomes = rng.normal(size=9)
    problem = Problem(points, outcomes, np.zeros(9), np.ones(9), np.arange(3))
    first = families_for(3)[0]
    other = Family(first.name, first.shape, first.lengthscale, None, UNEXPLAINED)
    for log_noise in (-3.0, -1.0):
        theta = np.array([0.1, -0.2, 0.3, log_noise])
        gap = objective(other, problem, theta)[0] - objective(first, problem, theta)[0]
        z = log_noise - NOISE.first
        expected = 0.5 * math.exp(log_noise) - 0.5 * log_noise - (0.5 * z * z + log_noise)
        assert gap == pytest.approx(expected)


def test_what_descriptors_do_not_say_is_believed_to_be_noise():
    """Outcomes that hang on a column that the model is not shown."""
    rng = np.random.Generator(np.random.PCG64(2))
    points = rng.random((12, 30))
    hidden = rng.normal(size=12)
    problem = Problem(points, hidden, np.zeros(12), np.ones(12), np.arange(30))
    family = families_for(30)[2]
    sure = Family(family.name, family.shape, family.lengthscale, family.scale, NOISE)
    assert fit_family(family, problem)[0].noise > 3.0 * fit_family(sure, problem)[0].noise


def test_a_front_weighs_the_prior_that_lets_lengthscales_be_long():
    assert [one.name for one in front_families(4)] == ["steady", "steady-smooth", "smooth-long"]
    for dimension in (1, 2, MANY + 1, 60):
        assert front_families(dimension) == default_families(dimension)
