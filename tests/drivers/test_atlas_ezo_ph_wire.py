"""The commands and digits that are the pH circuit's own."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.atlas_ezo_ph import wire
from lab.devices import ezo
from lab.devices.capability import CAPABILITIES


@pytest.mark.parametrize(
    ("point", "value", "command"),
    [
        ("mid", 7.0, "Cal,mid,7.00"),
        ("mid", 6.865, "Cal,mid,6.865"),
        ("low", 4.005, "Cal,low,4.005"),
        ("low", 4.0, "Cal,low,4.00"),
        ("high", 10.012, "Cal,high,10.012"),
        ("high", 9.18, "Cal,high,9.18"),
    ],
)
def test_a_point_is_named_with_its_buffer(point, value, command):
    assert wire.calibration(point, value) == command


@given(st.sampled_from(sorted(wire.POINTS)), st.floats(0.0, 14.0))
def test_no_more_than_half_the_last_digit_is_lost(point, value):
    sent = wire.calibration(point, value)
    assert float(sent.rpartition(",")[2]) == pytest.approx(value, abs=0.0005 + 1e-9)
    assert ezo.encode(sent).endswith(b"\r")


@pytest.mark.parametrize(
    ("value", "shown"),
    [(9.56, "9.560"), (7.0004, "7.000"), (0.0, "0.001"), (-3.0, "0.001"), (14.7, "14.000")],
)
def test_readings_have_three_decimals_and_an_end(value, shown):
    assert wire.format_ph(value) == shown


def test_slopes_of_the_datasheet():
    frame = ezo.decode(b"?Slope,99.7,100.3,-0.89")
    assert isinstance(frame, ezo.Query)
    slopes = wire.Slopes(*ezo.numbers(frame.fields))
    assert slopes.encode() == "99.7,100.3,-0.89"
    assert [slopes.at(point) for point in ("low", "mid", "high")] == [99.7, 100.0, 100.3]


def test_the_points_are_those_of_the_contract_and_cover_the_scale():
    choices = CAPABILITIES["ph"].actions["calibrate"].args["point"].choices
    assert tuple(wire.POINTS) == choices
    ranges = list(wire.POINTS.values())
    assert (ranges[0][0], ranges[-1][1]) == (0.0, 14.0)
    assert [low for low, _ in ranges[1:]] == [high for _, high in ranges[:-1]]
