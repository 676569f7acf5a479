"""Values beyond plain arithmetic: weighted sums, values without bounds, truths. The rest: test_expression.py."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.domain.quantity import Quantity, parse_quantity
from lab.sop.value import CalculationError, Truth, Value, from_number, hull, plain

YES, NO, MAYBE = Truth.of(True), Truth.of(False), Truth(may_hold=True, may_fail=True)
UNBOUNDED = Value(3.0, error=math.inf)


def between(name: str, low: float, high: float, unit_name: str = "dimensionless") -> Value:
    return Value.between(name, Quantity(low, unit_name), Quantity(high, unit_name))


_small = st.floats(-10.0, 10.0).map(lambda number: round(number, 3))


@given(
    st.lists(
        st.tuples(_small, _small, st.floats(0.0, 5.0), st.floats(0.0, 1.0)), min_size=1, max_size=6
    )
)
def test_a_weighted_sum_holds_every_value_in_it(items):
    values = [between(f"p{at % 3}", x, x + width) for at, (_, x, width, _) in enumerate(items)]
    weights = [weight for weight, *_ in items]
    total = Value.weighted(values, weights, "plain")
    # names that come twice are one parameter: it stands at the same part of each of its ranges
    parts = [items[at % 3 if at % 3 < len(items) else 0][3] for at in range(len(items))]
    truth = sum(
        weight * (x + width * part)
        for (weight, x, width, _), part in zip(items, parts, strict=True)
    )
    assert total.low - 1e-9 <= truth <= total.high + 1e-9


def test_what_all_have_in_common_cancels_in_a_weighted_sum():
    shared = between("p", 1.0, 2.0)
    values = [shared + plain(0.5), shared + plain(0.7), shared + plain(0.9)]
    third = 1.0 / 3.0
    assert Value.weighted(values, [1.0 - third, -third, -third], "plain").radius == 0.0
    assert Value.weighted(values, [third, third, third], "plain").low == pytest.approx(1.7)


def test_a_weighted_sum_of_numbers_is_a_number_in_their_dimension():
    values = [from_number(20.0, "degC"), from_number(30.0, "degC")]
    result = Value.weighted(values, [0.5, 0.5], "point")
    assert result.bounds("degC") == (25.0, 25.0)
    assert Value.weighted(values, [1.0, -1.0], "difference").number("delta_degC") == -10.0


def test_what_cancels_in_a_weighted_sum_is_exactly_zero():
    values = [plain(0.1), plain(0.2), plain(0.3)]
    assert Value.weighted(values, [1.0, 1.0, -1.0], "plain").centre == 0.0


def test_a_weighted_sum_beyond_all_numbers_is_none():
    values = [plain(1e308), plain(1e308), plain(-1e308)]
    assert not math.isfinite(Value.weighted(values, [10.0, 10.0, 10.0], "plain").centre)


@given(_small, st.floats(0.0, 5.0))
def test_a_hull_has_the_bounds_it_was_given(low, width):
    result = hull(low, low + width, ())
    assert (result.low, result.high) == pytest.approx((low, low + width), abs=1e-12)


@pytest.mark.parametrize("ends", [(1.0, math.inf), (-math.inf, 1.0), (-math.inf, math.inf)])
def test_a_hull_may_be_open(ends):
    low, high = ends
    result = hull(low, high, ())
    assert (result.low, result.high) == ends
    assert math.isfinite(result.centre)


def test_a_value_without_bounds_has_none_in_any_unit():
    with pytest.raises(CalculationError, match="has no bounds") as caught:
        UNBOUNDED.bounds("dimensionless")
    assert caught.value.code == "range"
    with pytest.raises(CalculationError, match="but a volume is due"):
        UNBOUNDED.bounds("mL")
    assert UNBOUNDED.number("dimensionless") == 3.0


@pytest.mark.parametrize("other", [plain(2.0), plain(-2.0), plain(0.0), between("p", -1.0, 4.0)])
def test_calculating_with_no_bounds_gives_no_bounds_and_no_nonsense(other):
    for result in (UNBOUNDED * other, other * UNBOUNDED, UNBOUNDED + other, other - UNBOUNDED):
        assert not any(map(math.isnan, (result.low, result.high, result.centre, result.radius)))
        if other.radius or other.centre:
            assert (result.low, result.high) == (-math.inf, math.inf)


def test_nothing_of_a_value_without_bounds_is_nothing():
    result = UNBOUNDED * plain(0.0)
    assert (result.low, result.high) == (0.0, 0.0)


def test_a_value_without_bounds_may_be_zero():
    assert (UNBOUNDED / plain(2.0)).high == math.inf
    with pytest.raises(CalculationError, match="may divide by zero"):
        _ = plain(1.0) / UNBOUNDED
    assert UNBOUNDED.compare(plain(0.0), "==") == MAYBE
    assert UNBOUNDED.compare(plain(0.0), ">") == MAYBE


def test_half_a_value_without_bounds_is_compared_by_the_half_it_has():
    size = UNBOUNDED.absolute()
    assert (size.low, size.high) == (0.0, math.inf)
    assert size.compare(plain(-1.0), ">").surely
    assert size.root().low == 0.0


def test_a_root_of_squared_temperature_differences_is_a_difference():
    step = Value.of(parse_quantity("3 delta_degC"))
    assert (step * step).root().number("delta_degC") == pytest.approx(3.0)
    with pytest.raises(CalculationError, match="temperature difference"):
        (step * step).root().bounds("degC")


def test_truths():
    assert YES.surely
    assert not NO.surely
    assert not MAYBE.surely
    assert (~YES, ~NO, ~MAYBE) == (NO, YES, MAYBE)


def test_two_truths_are_the_same_for_every_way_they_can_turn_out():
    def ways(truth: Truth) -> set[bool]:
        return {
            answer for answer in (True, False) if (truth.may_hold if answer else truth.may_fail)
        }

    for first, second in itertools.product((YES, NO, MAYBE), repeat=2):
        found = {a == b for a in ways(first) for b in ways(second)}
        assert ways(first.same_as(second)) == found
