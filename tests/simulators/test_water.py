"""The density of water against the table of its source."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.chemistry.water import density_g_per_ml


@pytest.mark.parametrize(
    ("celsius", "density"),
    [
        (0.0, 0.9998428),
        (4.0, 0.9999749),
        (10.0, 0.9997027),
        (15.0, 0.9991026),
        (20.0, 0.9982067),
        (25.0, 0.9970470),
        (30.0, 0.9956488),
        (40.0, 0.9922152),
    ],
)
def test_the_published_table(celsius, density):
    assert density_g_per_ml(celsius) == pytest.approx(density, abs=2e-7)


@given(st.floats(4.0, 40.0), st.floats(4.0, 40.0))
def test_above_4_degrees_warmer_water_is_lighter(one, other):
    low, high = sorted((one, other))
    assert density_g_per_ml(high) <= density_g_per_ml(low)


@pytest.mark.parametrize("celsius", [-0.1, 40.1, float("nan")])
def test_outside_of_its_range_it_says_nothing(celsius):
    with pytest.raises(ValueError, match="0 to 40 degC"):
        density_g_per_ml(celsius)
