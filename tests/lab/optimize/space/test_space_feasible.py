"""Empty spaces are found before any experiment is spent, and the guilty constraints are named."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from lab.domain.errors import EmptySpaceError, InputError
from lab.optimize import AtMost, Campaign, Factor, Levels, Space, suggest
from lab.optimize.space.feasible import demand_linear, nearest
from lab.optimize.space.region import Region


def _factors(names: str, maximum: float = 1.0, step: float | None = None) -> tuple[Factor, ...]:
    return tuple(Factor(name, "1", 0, maximum, step) for name in names)


def test_constraints_that_contradict_one_another_are_named_and_the_innocent_are_not():
    space = Space(
        factors=_factors("abc"), constraints=("a + b >= 1.5", "a <= 0.3", "b + c <= 1.9", "c >= a")
    )
    with pytest.raises(InputError) as caught:
        suggest(space, "maximize", [], 1, seed=0, initial=4)
    assert "`a + b >= 1.5`; `a <= 0.3`" in caught.value.message
    assert "c >= a" not in caught.value.message


def test_a_single_impossible_constraint_is_named_alone():
    space = Space(factors=_factors("ab", step=0.3), constraints=("a + b == 1", "a >= b"))
    with pytest.raises(InputError, match="ranges keeps `a \\+ b == 1`"):
        suggest(space, "maximize", [], 1, seed=0, initial=4)


def test_too_few_components_cannot_make_up_the_sum():
    space = Space(
        factors=_factors("abcd", maximum=0.3),
        constraints=("a + b + c + d == 1",),
        at_most=(AtMost(("a", "b", "c", "d"), 3),),
    )
    with pytest.raises(InputError, match=r"a \+ b \+ c \+ d == 1`; at most 3 of a, b, c, d"):
        suggest(space, "maximize", [], 1, seed=0, initial=4)


def test_what_is_held_may_empty_the_space_and_is_named():
    space = Space(factors=_factors("ab"), constraints=("a + b <= 0.9",))
    assert suggest(space, "maximize", [], 1, seed=0, initial=4, held={"a": 0.5})
    with pytest.raises(EmptySpaceError, match=r"with a held at 0\.95"):
        suggest(space, "maximize", [], 1, seed=0, initial=4, held={"a": 0.95})


def test_a_curved_constraint_that_nothing_keeps_is_said_not_to_be_found():
    space = Space(
        factors=_factors("ab"), constraints=("a * b >= 0.5", "a + b <= 1.2")
    )  # a b is at most 0.36 on a + b = 1.2
    with pytest.raises(EmptySpaceError, match=r"no point was found .*a \* b >= 0.5"):
        suggest(space, "maximize", [], 1, seed=0, initial=4)


def test_a_narrow_curved_region_is_found():
    space = Space(
        factors=_factors("abcd"), constraints=("a * b * c * d >= 0.6", "a + b + c + d <= 3.6")
    )
    for item in suggest(space, "maximize", [], 5, seed=0, initial=5):
        assert space.broken(item.factors) == []


def test_the_nearest_lawful_row_is_that_of_brute_force():
    space = Space(
        factors=(*_factors("abc", step=0.25), Levels("d", "1", (0.0, 0.1, 1.0))),
        constraints=("a + b + c + d == 2.1", "a >= b"),
        at_most=(AtMost(("a", "b", "c"), 2),),
    )
    region = Region(space)
    demand_linear(region)
    levels = [level.tolist() for level in region.levels if level is not None]
    everything = np.array(list(itertools.product(*levels)))
    lawful = everything[region.lawful(everything)]
    assert 0 < len(lawful) < len(everything)
    rng = np.random.default_rng(0)
    for target in rng.uniform(size=(20, 4)):
        found = nearest(region, target)
        assert found is not None
        assert region.lawful(found[None])[0]
        wanted = np.abs(lawful - target).sum(axis=1).min()
        assert np.abs(found - target).sum() == pytest.approx(wanted)


def test_a_campaign_of_an_empty_space_is_refused_before_anything_is_asked():
    space = Space(factors=_factors("ab"), constraints=("a >= 0.6", "a + b <= 0.5"))
    with pytest.raises(InputError, match="the space is empty"):
        Campaign(space, "maximize").ask()
