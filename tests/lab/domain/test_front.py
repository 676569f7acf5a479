"""Fronts and the volumes that they enclose, against the definitions."""

from __future__ import annotations

from itertools import combinations
from math import prod

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.domain.front import hypervolume, nondominated


def _rows(columns: int, most: int = 7):
    numbers = st.integers(-3, 6).map(float)
    return st.lists(st.tuples(*[numbers] * columns), max_size=most)


def _by_inclusion_and_exclusion(rows: list[tuple[float, ...]], worst: tuple[float, ...]) -> float:
    """The union of boxes: sums of the volumes of all intersections, with turning signs."""
    total = 0.0
    for count in range(1, len(rows) + 1):
        for some in combinations(rows, count):
            sides = [max(0.0, min(row[k] for row in some) - low) for k, low in enumerate(worst)]
            total += (-1) ** (count + 1) * prod(sides)
    return total


@pytest.mark.parametrize("columns", [1, 2, 3, 4])
def test_the_volume_is_that_of_the_union_of_boxes(columns: int):
    @given(_rows(columns))
    def check(rows: list[tuple[float, ...]]):
        worst = (0.0, -1.0, 0.5, 0.0)[:columns]
        assert hypervolume(rows, worst) == pytest.approx(_by_inclusion_and_exclusion(rows, worst))

    check()


def test_volumes_that_are_known():
    assert hypervolume([], (0.0, 0.0)) == 0.0
    assert hypervolume([(1.0, 1.0)], (0.0, 0.0)) == 1.0
    assert hypervolume([(2.0, 1.0), (1.0, 2.0)], (0.0, 0.0)) == 3.0
    assert hypervolume([(2.0, 1.0), (2.0, 1.0)], (0.0, 0.0)) == 2.0
    assert hypervolume([(2.0, 0.0)], (0.0, 0.0)) == 0.0  # on the edge encloses nothing
    assert hypervolume([(1.0, 2.0, 3.0), (3.0, 2.0, 1.0)], (0.0, 0.0, 0.0)) == 10.0


@given(_rows(3))
def test_the_front_is_what_nothing_beats_and_encloses_all_that_the_rows_do(
    rows: list[tuple[float, ...]],
):
    kept = nondominated(rows)
    for i, row in enumerate(rows):
        beaten = any(
            all(a >= b for a, b in zip(other, row, strict=True)) and other != row for other in rows
        )
        assert (i in kept) != beaten
    worst = (-4.0, -4.0, -4.0)
    whole = hypervolume(rows, worst)
    assert hypervolume([rows[i] for i in kept], worst) == pytest.approx(whole)


def test_equal_rows_are_all_on_the_front():
    assert nondominated([(1.0, 2.0), (1.0, 2.0), (0.0, 2.0)]) == [0, 1]
