"""The factor space: ranges, names, and the way to the unit cube and back."""

from __future__ import annotations

import math
from dataclasses import FrozenInstanceError

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from lab.domain.errors import InputError
from lab.optimize import Factor, Space


def _space() -> Space:
    return Space(
        factors=(
            Factor(name="temperature", unit="degC", minimum=20.0, maximum=90.0),
            Factor(name="flow", unit="mL/min", minimum=-1.0, maximum=0.5),
        )
    )


def test_corners_of_the_range_are_corners_of_the_cube():
    space = _space()
    assert space.to_unit({"temperature": 20.0, "flow": 0.5}) == (0.0, 1.0)
    assert space.from_unit((0.0, 1.0)) == {"temperature": 20.0, "flow": 0.5}
    assert space.from_unit((0.5, 0.5)) == {"temperature": 55.0, "flow": -0.25}


def test_the_order_of_the_values_does_not_matter():
    space = _space()
    assert space.to_unit({"flow": 0.5, "temperature": 20.0}) == (0.0, 1.0)


@given(
    low=st.floats(-1e6, 1e6),
    span=st.floats(1e-3, 1e6),
    u=st.floats(0.0, 1.0),
)
def test_there_and_back_again_inside_the_range(low: float, span: float, u: float):
    space = Space(factors=(Factor(name="a", unit="1", minimum=low, maximum=low + span),))
    values = space.from_unit((u,))
    factor = space.factors[0]
    assert isinstance(factor, Factor)
    assert factor.minimum <= values["a"] <= factor.maximum
    # The cube's coordinate is as exact as the range's own rounding allows.
    rounding = 4 * math.ulp(max(abs(factor.minimum), abs(factor.maximum), 1.0)) / span
    assert space.to_unit(values)[0] == pytest.approx(u, abs=rounding + 1e-12)


def test_points_outside_the_cube_are_cut_off_at_the_limits():
    assert _space().from_unit((-1e-9, 1.0 + 1e-9)) == {"temperature": 20.0, "flow": 0.5}


def test_values_outside_the_range_have_coordinates_outside_the_cube():
    assert _space().to_unit({"temperature": 160.0, "flow": -1.0}) == (2.0, 0.0)


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (1.0, 1.0, "not below"),
        (2.0, 1.0, "not below"),
        (math.nan, 1.0, "not finite"),
        (0.0, math.inf, "not finite"),
        (-1e308, 1e308, "not finite"),
    ],
)
def test_a_range_that_cannot_be_searched_is_refused(low: float, high: float, words: str):
    with pytest.raises(InputError, match=words) as caught:
        Factor(name="a", unit="1", minimum=low, maximum=high)
    assert "factor a" in caught.value.message
    assert caught.value.hint


def test_a_factor_needs_a_name():
    with pytest.raises(InputError, match="no name"):
        Factor(name="", unit="1", minimum=0, maximum=1)


def test_a_space_needs_factors_with_names_of_their_own():
    with pytest.raises(InputError, match="empty"):
        Space(factors=())
    a = Factor(name="a", unit="1", minimum=0, maximum=1)
    with pytest.raises(InputError, match="a is listed twice"):
        Space(factors=(a, a))


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"temperature": 20.0}, "no value for factor flow"),
        ({"temperature": 20.0, "flow": 0.0, "pressure": 1.0}, "pressure is not a factor"),
        ({"temperature": math.nan, "flow": 0.0}, "temperature is nan"),
        ({"temperature": math.inf, "flow": 0.0}, "temperature is inf"),
    ],
)
def test_values_that_do_not_fit_the_space_are_refused(values: dict[str, float], words: str):
    with pytest.raises(InputError, match=words) as caught:
        _space().check(values, "trial 3")
    assert caught.value.message.startswith("trial 3:")


def test_a_point_of_another_dimension_is_refused():
    with pytest.raises(InputError, match="3 coordinates in 2 columns"):
        _space().from_unit((0.1, 0.2, 0.3))


def test_a_space_survives_json():
    space = _space()
    adapter = TypeAdapter(Space)
    assert adapter.validate_json(adapter.dump_json(space)) == space
    with pytest.raises(ValidationError, match="unit"):
        adapter.validate_python({"factors": [{"name": "a", "minimum": 0, "maximum": 1}]})


def test_a_space_is_frozen():
    with pytest.raises(FrozenInstanceError):
        setattr(_space().factors[0], "minimum", 3.0)  # noqa: B010 - an assignment wouldn't type-check
