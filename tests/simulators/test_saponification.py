"""The kinetics of ethyl acetate and base against the published numbers and the laws of second order."""

from __future__ import annotations

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from simulators.chemistry.saponification import rate_constant, reacted

CONCENTRATIONS = st.floats(0.0, 1.0)
TIMES = st.floats(0.0, 1e5)


def test_the_published_rate_constant_and_activation_energy():
    assert rate_constant(298.15) == pytest.approx(0.1120)
    slope = (math.log(rate_constant(308.15)) - math.log(rate_constant(288.15))) / (
        1 / 308.15 - 1 / 288.15
    )
    assert -slope * 8.314462618 / 4184.0 == pytest.approx(11.56)
    assert rate_constant(308.15) / rate_constant(298.15) == pytest.approx(1.88, abs=0.02)


def test_another_rate_law_may_be_set():
    assert rate_constant(298.15, 0.2) == 0.2
    assert rate_constant(350.0, 0.2, 0.0) == 0.2


def test_equal_concentrations_halve_after_one_over_k_c():
    half_time_s = 1.0 / (0.112 * 0.05)
    assert reacted(0.05, 0.05, 0.112, half_time_s) == pytest.approx(0.025)
    assert reacted(0.05, 0.05, 0.112, 3 * half_time_s) == pytest.approx(0.0375)


def test_a_great_excess_makes_it_first_order():
    left = 1e-4 - reacted(1e-4, 1.0, 0.112, 10.0)
    assert left == pytest.approx(1e-4 * math.exp(-1.12), rel=1e-3)


@pytest.mark.parametrize(("one", "other"), [(0.05, 0.03), (0.03, 0.05), (0.04, 0.04 + 1e-12)])
def test_small_steps_of_the_rate_law_lead_to_the_same(one, other):
    x, steps = 0.0, 20_000
    for _ in range(steps):
        x += 0.112 * (one - x) * (other - x) * 600.0 / steps
    assert reacted(one, other, 0.112, 600.0) == pytest.approx(x, rel=1e-4)


@given(CONCENTRATIONS, CONCENTRATIONS, TIMES, TIMES)
def test_two_intervals_are_as_good_as_one(one, other, first_s, second_s):
    whole = reacted(one, other, 0.112, first_s + second_s)
    x = reacted(one, other, 0.112, first_s)
    x += reacted(max(0.0, one - x), max(0.0, other - x), 0.112, second_s)
    assert x == pytest.approx(whole, rel=1e-6, abs=1e-12)


@given(CONCENTRATIONS, CONCENTRATIONS, TIMES)
@example(0.5625, 5e-324, 30.0)
def test_no_more_reacts_than_there_is(one, other, seconds):
    x = reacted(one, other, 0.112, seconds)
    assert 0.0 <= x <= min(one, other)
    assert x == reacted(other, one, 0.112, seconds)


def test_the_smaller_one_is_used_up_in_the_end():
    assert reacted(0.05, 0.03, 0.112, 1e9) == pytest.approx(0.03)
    assert reacted(0.05, 0.0, 0.112, 1e9) == 0.0


@pytest.mark.parametrize("values", [(-1, 1, 1, 1), (1, -1, 1, 1), (1, 1, -1, 1), (1, 1, 1, -1)])
def test_what_can_not_be_negative_is_refused(values):
    with pytest.raises(ValueError, match="can't be negative"):
        reacted(*map(float, values))


def test_below_absolute_zero_is_nothing():
    with pytest.raises(ValueError, match="0 K"):
        rate_constant(0.0)
