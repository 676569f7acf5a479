"""Spread points: lawful, spread as they should be, and each a function of its index alone."""

from __future__ import annotations

import numpy as np
import pytest

from lab.domain.errors import InputError
from lab.optimize import AtMost, Category, Factor, Levels, Space
from lab.optimize.sobol import sobol_points
from lab.optimize.space.region import Region
from lab.optimize.space.sampling import sample


def _factors(names: str, step: float | None = None) -> tuple[Factor, ...]:
    return tuple(Factor(name, "1", 0, 1, step) for name in names)


SPACES = {
    "plain": Space(factors=_factors("ab")),
    "mixed": Space(
        factors=(*_factors("a"), Levels("n", "1", (0, 1, 3)), Category("s", ("x", "y", "z"))),
        constraints=("s != 'x' or a <= 0.5",),
    ),
    "mixture": Space(factors=_factors("abc"), constraints=("a + b + c == 1",)),
    "grid mixture": Space(factors=_factors("abcd", 0.1), constraints=("a + b + c + d == 1",)),
    "half grid": Space(
        factors=(*_factors("a", 0.2), *_factors("bc")), constraints=("a + b + c == 1",)
    ),
    "few of many": Space(
        factors=_factors("abcdef"),
        constraints=("a + b + c + d + e + f == 1",),
        at_most=(AtMost(tuple("abcdef"), 2),),
    ),
    "narrow": Space(factors=_factors("ab"), constraints=("abs(a - b) <= 0.01", "a * b >= 0.04")),
}


@pytest.mark.parametrize("name", SPACES)
def test_every_point_is_lawful_and_on_its_levels(name: str):
    space = SPACES[name]
    rows = sample(Region(space), 3, 0, 100)
    assert rows.shape == (100, len(space.factors))
    for row in rows:
        assert space.broken(space.values(row)) == []
    assert len(np.unique(rows, axis=0)) > 20


@pytest.mark.parametrize("name", SPACES)
def test_a_point_depends_on_its_index_and_the_seed_alone(name: str):
    region = Region(SPACES[name])
    whole = sample(region, 3, 200, 70)
    parts = [sample(Region(SPACES[name]), 3, first, 14) for first in range(200, 270, 14)]
    assert np.array_equal(whole, np.concatenate(parts))
    assert not np.array_equal(whole, sample(region, 4, 200, 70))


def test_a_plain_space_gives_the_sobol_points_that_it_always_gave():
    rows = sample(Region(SPACES["plain"]), 5, 3, 4)
    assert rows.tolist() == [list(point) for point in sobol_points(5, 3, 4, 2)]


def test_a_mixture_is_spread_evenly_over_its_triangle():
    rows = sample(Region(SPACES["mixture"]), 1, 0, 3000)
    # Uniform on the simplex: mean 1/3, variance 1/18, P(a < 1/2) = 3/4.
    assert rows.mean(axis=0) == pytest.approx([1 / 3] * 3, abs=0.02)
    assert rows.var(axis=0) == pytest.approx([1 / 18] * 3, abs=0.006)
    assert (rows[:, 0] < 0.5).mean() == pytest.approx(0.75, abs=0.03)


def test_a_narrow_band_is_spread_along_its_length():
    rows = sample(Region(SPACES["narrow"]), 1, 0, 1000)
    assert rows[:, 0].min() < 0.25
    assert rows[:, 0].max() > 0.95
    assert rows[:, 0].mean() == pytest.approx(0.6, abs=0.04)


def test_every_choice_of_components_comes_up():
    rows = sample(Region(SPACES["few of many"]), 1, 0, 400)
    patterns = {tuple((row > 0).tolist()) for row in rows}
    assert len(patterns) == 15
    assert all(sum(pattern) == 2 for pattern in patterns)


@pytest.mark.parametrize("name", ["plain", "mixed", "mixture", "grid mixture", "few of many"])
def test_held_factors_stay_where_they_are_held(name: str):
    region = Region(SPACES[name], {"a": 0.2})
    rows = sample(region, 1, 0, 30)
    assert set(rows[:, 0].tolist()) == {0.2}
    assert region.lawful(rows).all()


@pytest.mark.parametrize(
    ("held", "words"),
    [
        ({"q": 1.0}, "q is not a factor"),
        ({"a": 1.5}, "outside 0 to 1"),
        ({"a": "x"}, "give a number"),
        ({"n": 2.0}, "none of its levels"),
        ({"s": "w"}, "the choices are: x, y, z"),
    ],
)
def test_a_value_that_the_space_does_not_have_cannot_be_held(held: dict[str, object], words: str):
    with pytest.raises(InputError) as caught:
        Region(SPACES["mixed"], held)
    assert words in f"{caught.value.message} {caught.value.hint}"
