"""exp, ln, log10 and clamp: judged by Python's math at points, and over ranges by every point within them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.domain.quantity import Quantity, parse_quantity
from lab.sop.functions import clamp, decimal_logarithm, exponential, natural_logarithm
from lab.sop.value import CalculationError, Value, plain


def value(text: str) -> Value:
    return Value.of(parse_quantity(text))


def between(low: float, high: float, unit_name: str = "dimensionless") -> Value:
    return Value.between("p", Quantity(low, unit_name), Quantity(high, unit_name))


@given(st.floats(-50.0, 50.0))
def test_of_one_number_they_are_what_python_says(x):
    assert exponential(plain(x)).centre == math.exp(x)
    if x > 0.0:
        assert natural_logarithm(plain(x)).centre == math.log(x)
        assert decimal_logarithm(plain(x)).centre == math.log10(x)
    assert exponential(plain(x)).radius == 0.0


@given(st.floats(0.001, 20.0), st.floats(0.0, 20.0), st.floats(0.0, 1.0))
def test_ranges_hold_every_value_in_them(low, width, where):
    given_range = between(low, low + width)
    point = low + width * where
    for function, judge in (
        (exponential, math.exp),
        (natural_logarithm, math.log),
        (decimal_logarithm, math.log10),
    ):
        result, truth = function(given_range), judge(point)
        slack = 1e-12 * (1.0 + abs(truth))
        assert result.low - slack <= truth <= result.high + slack


@pytest.mark.parametrize("function", [exponential, natural_logarithm, decimal_logarithm])
@pytest.mark.parametrize(("text", "words"), [("2 mL", "a volume"), ("25 degC", "a temperature")])
def test_only_plain_numbers_are_taken(function, text, words):
    with pytest.raises(CalculationError, match=words) as caught:
        function(value(text))
    assert caught.value.code == "dimension"
    assert "divide it" in caught.value.hint


@pytest.mark.parametrize("function", [natural_logarithm, decimal_logarithm])
@pytest.mark.parametrize(
    ("low", "high", "verb"),
    [(-1.0, 2.0, "may take"), (0.0, 2.0, "may take"), (-2.0, -1.0, "takes"), (0.0, 0.0, "takes")],
)
def test_there_is_no_logarithm_of_zero_and_below(function, low, high, verb):
    with pytest.raises(CalculationError, match=f"^{verb} the logarithm") as caught:
        function(between(low, high))
    assert caught.value.code == "range"


def test_an_exponential_beyond_all_numbers_is_refused():
    assert exponential(plain(-1000.0)).centre == 0.0
    with pytest.raises(CalculationError, match="too large"):
        exponential(plain(1000.0))
    with pytest.raises(CalculationError, match="too large"):
        exponential(between(0.0, 1000.0))


@given(st.floats(-10.0, 10.0), st.floats(-10.0, 10.0), st.floats(0.0, 10.0))
def test_clamp_stays_within_its_limits(x, low, width):
    result = clamp(plain(x), plain(low), plain(low + width))
    assert result.centre == pytest.approx(min(max(x, low), low + width), abs=1e-13)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [("0 mL", "1 mL", 1.0), ("3 mL", "9 mL", 3.0), ("0 L", "1 L", 2.0)],
)
def test_clamp_keeps_units(low, high, expected):
    result = clamp(value("2 mL"), value(low), value(high))
    assert result.number("mL") == pytest.approx(expected)


def test_clamp_of_temperatures_is_a_temperature():
    result = clamp(value("25 degC"), value("30 degC"), value("40 degC"))
    assert result.number("degC") == pytest.approx(30.0)


def test_clamp_of_a_range_is_bounded_by_the_limits():
    assert clamp(between(-5.0, 9.0), plain(0.0), plain(4.0)).bounds("dimensionless") == (0.0, 4.0)
    inside = between(1.0, 2.0)
    assert clamp(inside, plain(0.0), plain(4.0)) is inside


@pytest.mark.parametrize(
    ("low", "high", "verb"),
    [(plain(2.0), plain(1.0), "is above"), (between(0.0, 2.0), plain(1.0), "may be above")],
)
def test_clamp_refuses_limits_in_the_wrong_order(low, high, verb):
    with pytest.raises(CalculationError, match=verb) as caught:
        clamp(plain(0.0), low, high)
    assert caught.value.code == "range"


def test_limits_that_move_together_are_never_in_the_wrong_order():
    low = between(0.0, 2.0)
    assert clamp(plain(9.0), low, low + plain(0.5)).high == pytest.approx(2.5)


def test_clamp_refuses_limits_of_another_kind():
    with pytest.raises(CalculationError, match="compares"):
        clamp(value("2 mL"), value("0 g"), value("1 g"))
