"""Columns of descriptors: which are kept, which follow others, in words."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lab.sop.columns import REDUNDANT, scale_columns, told_apart

TABLE = np.array(
    [[80.0, 1.0, 7.0, 0.0], [24.0, 1.0, 9.0, 0.7], [2.0, 1.0, 7.0, 1.0]]
)  # the second is constant, the fourth falls as the first rises


def test_constant_and_following_columns_are_left_out_and_said():
    told = told_apart(TABLE)
    assert told.kept == (0, 2)
    assert told.follows == {3: (0, pytest.approx(-0.9998, abs=1e-4))}
    assert told.left_out(("eps", "phase", "pH", "logP")) == [
        "phase (the same for all)",
        "logP (correlates by -1.00 with eps)",
    ]


def test_the_order_of_the_columns_decides_which_is_kept():
    told = told_apart(TABLE[:, ::-1])
    assert told.kept == (0, 1)
    assert list(told.follows) == [3]


def test_nothing_is_left_out_of_independent_columns():
    told = told_apart(np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]))
    assert told.kept == (0, 1)
    assert told.left_out(("a", "b")) == []


def test_what_is_needed_to_tell_rows_apart_is_kept_though_it_follows():
    told = told_apart(
        np.array([[0.0, 0.0, 5.0], [1.0, 1.0, 5.0], [1.0, 0.9, 5.0], [0.0, 0.1, 5.0]])
    )
    assert told.kept == (0, 1)
    assert told.follows == {}
    assert told.left_out(("a", "b", "c")) == ["c (the same for all)"]


def test_one_column_is_enough():
    assert told_apart(np.array([[1.0], [2.0]])).kept == (0,)


def test_scaling_is_from_nothing_to_one():
    assert scale_columns(TABLE).tolist() == [
        [1.0, 0.0, 0.0, 0.0],
        [pytest.approx(22 / 78), 0.0, 1.0, 0.7],
        [0.0, 0.0, 0.0, 1.0],
    ]


@settings(deadline=None, max_examples=60)
@given(arrays(np.float64, (5, 4), elements=st.integers(-3, 3).map(float)))
def test_what_is_kept_tells_as_many_rows_apart_and_repeats_nothing(table: np.ndarray):
    told = told_apart(table)
    assert len(np.unique(table[:, told.kept], axis=0)) == len(np.unique(table, axis=0))
    varies = {k for k in range(4) if len(set(table[:, k].tolist())) > 1}
    assert set(told.kept) | set(told.follows) == varies
    assert not set(told.kept) & set(told.follows)
    for column, (earlier, correlation) in told.follows.items():
        assert earlier in told.kept
        assert earlier < column
        assert abs(correlation) > REDUNDANT
        assert correlation == pytest.approx(np.corrcoef(table[:, column], table[:, earlier])[0, 1])
