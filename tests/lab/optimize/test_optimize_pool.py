"""A list of candidates: how a table is read, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from lab.domain.errors import InputError
from lab.optimize.pool import Pool
from lab.optimize.space import Category, Factor

COLUMNS = {
    "solvent": [s for s in ("water", "toluene", "thf") for _ in range(20)],
    "temperature": [20.0 + 3.0 * k for _ in range(3) for k in range(20)],
    "pressure": [1.0] * 60,
}
POOL = Pool.from_columns(COLUMNS)


def test_numbers_are_ranges_text_is_a_choice_and_one_value_is_no_factor():
    assert POOL.space.names == ("solvent", "temperature")
    solvent, temperature = POOL.space.factors
    assert isinstance(solvent, Category)
    assert isinstance(temperature, Factor)
    assert solvent.choices == ("thf", "toluene", "water")
    assert (temperature.minimum, temperature.maximum) == (20.0, 77.0)
    assert len(POOL) == 60


def test_each_candidate_is_found_by_its_settings():
    for index in range(60):
        assert POOL.find(POOL.values(index)) == index
    assert POOL.find({"solvent": "thf", "temperature": 21.0}) is None


def test_descriptors_say_what_is_alike():
    numbers = {"water": (78.0, 1.0), "toluene": (2.4, 0.1), "thf": (7.6, 0.9)}
    pool = Pool.from_columns(COLUMNS, {"solvent": numbers})
    encoded = pool.space.encode(pool.rows)
    one_hot = POOL.space.encode(POOL.rows)
    assert encoded.shape[1] < one_hot.shape[1]
    assert encoded.min() == 0.0
    assert encoded.max() == 1.0


@pytest.mark.parametrize(
    ("columns", "descriptors", "words"),
    [
        ({}, {}, "no table"),
        ({"a": []}, {}, "no table"),
        ({"a": [1.0, 2.0], "b": [1.0]}, {}, "no table"),
        ({"a": [1.0, float("nan")]}, {}, "candidate 2: a is nan"),
        ({"a": [1.0, 1.0]}, {}, "alike"),
        ({"a": [1.0, 2.0, 1.0]}, {}, "more than once"),
        ({"a": ["x", "y"]}, {"a": {"x": (1.0,)}}, "no descriptors of y"),
        ({"a": ["x", "y"]}, {"b": {}}, "which is no column"),
    ],
)
def test_what_is_no_pool_is_refused(columns: dict, descriptors: dict, words: str):
    with pytest.raises(InputError, match=words):
        Pool.from_columns(columns, descriptors)


def test_settings_may_be_arrays():
    pool = Pool.from_columns({"a": np.arange(5.0), "b": np.array(["x", "y", "x", "y", "x"])})
    assert pool.values(1) == {"a": 1.0, "b": "y"}
