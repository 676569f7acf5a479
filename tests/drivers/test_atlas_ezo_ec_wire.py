"""The digits that an EZO-EC circuit shows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.atlas_ezo_ec import wire
from lab.devices import ezo


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.0, "0.00"), (0.07, "0.07"), (99.99, "99.99"), (99.999, "100.0"), (100.12, "100.1"),
     (999.96, "1000"), (1413.4, "1413"), (9130.2, "9130"), (12884.0, "12880"), (499_960.0, "500000")],
)  # fmt: skip
def test_digits_become_fewer_as_the_value_rises(value, shown):
    assert wire.format_conductivity(value) == shown


@given(st.floats(0.0, 500_000.0))
def test_a_shown_value_is_within_half_its_last_digit(value):
    shown = ezo.single_value([ezo.decode(wire.format_conductivity(value).encode())])
    assert abs(shown - value) <= wire.resolution_us_cm(shown) / 2 + 1e-6
