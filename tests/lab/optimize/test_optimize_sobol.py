"""Sobol points: a function of seed and index, even, and different for each seed."""

from __future__ import annotations

import statistics

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.optimize.sobol import derived_seed, sobol_points


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**40),
    cuts=st.lists(st.integers(1, 5), min_size=1, max_size=5),
    dimension=st.integers(1, 8),
)
def test_a_point_depends_on_seed_and_index_however_the_sequence_is_cut(
    seed: int, cuts: list[int], dimension: int
):
    whole = sobol_points(seed, 0, sum(cuts), dimension)
    parts: list[tuple[float, ...]] = []
    for count in cuts:
        parts += sobol_points(seed, len(parts), count, dimension)
    assert parts == whole
    assert all(0.0 <= u < 1.0 for point in whole for u in point)


def test_seeds_make_different_sequences():
    assert sobol_points(1, 0, 4, 3) != sobol_points(2, 0, 4, 3)


@pytest.mark.parametrize("seed", range(5))
def test_sixteen_points_fill_every_sixteenth_of_each_factor(seed: int):
    points = sobol_points(seed, 0, 16, 3)
    for axis in range(3):
        assert sorted(int(point[axis] * 16) for point in points) == list(range(16))


def test_they_are_more_even_than_chance():
    """The mean of 64 Sobol points lies nearer to the middle than 64 random numbers' would."""
    errors = [
        abs(statistics.fmean(point[0] for point in sobol_points(seed, 0, 64, 2)) - 0.5)
        for seed in range(10)
    ]
    random_error = (1 / 12 / 64) ** 0.5
    assert max(errors) < random_error / 2


def test_no_points_are_no_points():
    assert sobol_points(1, 5, 0, 2) == []


def test_derived_seeds_tell_their_parts_apart():
    assert derived_seed(1, "a") == derived_seed(1, "a")
    assert len({derived_seed(1, 23), derived_seed(12, 3), derived_seed("1", "2", "3")}) == 3
    assert all(0 <= derived_seed("x", k) < 2**63 for k in range(100))


def test_derived_seeds_are_those_of_yesterday():
    """A changed hash would make every recorded campaign ask for other trials on replay."""
    assert derived_seed("sobol", 1) == 8547751099669917313
    assert sobol_points(1, 0, 1, 2)[0] == pytest.approx((0.9718281188979745, 0.5951287318021059))
