"""Functions over the iterations of a loop: figures, units, what is refused, and that ranges hold every value."""

from __future__ import annotations

import math
import statistics

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from lab.domain.quantity import Quantity, parse_quantity
from lab.sop.expression import SERIES_FUNCTIONS, ExpressionError, evaluate, parse_expression
from lab.sop.value import CalculationError, Computed, Truth, Value, from_number, plain

YES, NO, MAYBE = Truth.of(True), Truth.of(False), Truth(may_hold=True, may_fail=True)
ONE_COLUMN = [name for name, (most, _) in SERIES_FUNCTIONS.items() if most == 1]
TWO_COLUMNS = ("slope", "intercept", "r_squared")


def quantities(name: str, *texts: str) -> list[dict[str, Computed]]:
    return [{name: Value.of(parse_quantity(text))} for text in texts]


def points(x: list[float], y: list[float], x_unit: str = "", y_unit: str = ""):
    return [
        {"x": from_number(a, x_unit), "y": from_number(b, y_unit)}
        for a, b in zip(x, y, strict=True)
    ]


def compute(text: str, rows, names=None) -> Value:
    result = evaluate(parse_expression(text), names or {}, rows)
    assert isinstance(result, Value)
    return result


def refused(text: str, rows, names=None) -> ExpressionError:
    with pytest.raises(ExpressionError) as caught:
        evaluate(parse_expression(text), names or {}, rows)
    return caught.value


MASSES = quantities("m", "2 g", "4 g", "4 g", "5 g", "9000 mg")


@pytest.mark.parametrize(
    ("text", "unit_name", "expected"),
    [
        ("mean(m)", "g", 4.8),
        ("sd(m)", "g", statistics.stdev([2, 4, 4, 5, 9])),
        ("median(m)", "g", 4.0),
        ("sum(m)", "kg", 0.024),
        ("count(m)", "dimensionless", 5.0),
        ("first(m)", "g", 2.0),
        ("last(m)", "g", 9.0),
        ("least(m)", "g", 2.0),
        ("greatest(m)", "g", 9.0),
        ("mean(m / (2 g/mL))", "mL", 2.4),
        ("sd(m) / mean(m)", "percent", 100 * statistics.stdev([2, 4, 4, 5, 9]) / 4.8),
        ("mean(m) - m0", "g", 4.3),
        ("mean(m - m0)", "g", 4.3),
        ("count(m > 3 g)", "dimensionless", 4.0),
        ("count(m > 3 g) / count(m)", "dimensionless", 0.8),
        ("sum(m ** 2)", "g^2", 142.0),
        ("max(greatest(m), 10 g)", "g", 10.0),
    ],
)
def test_figures_and_units(text, unit_name, expected):
    result = compute(text, MASSES, {"m0": Value.of(parse_quantity("0.5 g"))})
    assert result.number(unit_name) == pytest.approx(expected, rel=1e-12)


def test_conditions_over_a_loop():
    assert evaluate(parse_expression("sd(m) < 3 g and count(m) >= 5"), {}, MASSES) == YES
    assert evaluate(parse_expression("last(m) > mean(m) + 10 g"), {}, MASSES) == NO


_columns = st.lists(st.floats(-1e6, 1e6).map(lambda x: round(x, 6)), min_size=3, max_size=12)


@given(_columns)
def test_python_statistics_is_the_judge(column):
    rows = [{"x": plain(x)} for x in column]
    scale = max(map(abs, column)) + 1.0
    for name, judge in (
        ("mean", statistics.fmean),
        ("sd", statistics.stdev),
        ("median", statistics.median),
        ("sum", math.fsum),
        ("least", min),
        ("greatest", max),
        ("count", len),
        ("first", lambda items: items[0]),
        ("last", lambda items: items[-1]),
    ):
        result = compute(f"{name}(x)", rows)
        assert result.centre == pytest.approx(judge(column), rel=1e-10, abs=1e-12 * scale), name
        assert result.radius == 0.0


@given(_columns, st.floats(-50.0, 50.0), st.floats(-50.0, 50.0))
def test_a_straight_line_is_found_again(column, slope, intercept):
    assume(max(column) - min(column) > 1e-3 * max(1.0, *map(abs, column)))
    rows = points(column, [intercept + slope * x for x in column])
    size = 1e-7 * (1.0 + abs(slope) * max(map(abs, column)) + abs(intercept))
    assert compute("slope(x, y)", rows).centre == pytest.approx(slope, abs=1e-5)
    assert compute("intercept(x, y)", rows).centre == pytest.approx(intercept, abs=100 * size)


@given(_columns, _columns)
def test_linear_regression_of_python_is_the_judge(x, y):
    x, y = x[: min(len(x), len(y))], y[: min(len(x), len(y))]
    assume(max(x) - min(x) > 1.0)
    assume(max(y) - min(y) > 1.0)
    judge = statistics.linear_regression(x, y)
    rows = points(x, y)
    size = max(map(abs, y)) + abs(judge.slope) * max(map(abs, x))
    assert compute("slope(x, y)", rows).centre == pytest.approx(judge.slope, rel=1e-6, abs=1e-6)
    assert compute("intercept(x, y)", rows).centre == pytest.approx(
        judge.intercept, abs=1e-6 * size
    )
    r = statistics.correlation(x, y)
    assert compute("r_squared(x, y)", rows).centre == pytest.approx(r * r, abs=1e-9)


def test_a_calibration_line_has_units():
    rows = points([0.0, 1.0, 2.0, 4.0], [0.02, 0.13, 0.20, 0.43], "mmol/L")
    names: dict[str, Computed] = {"path": from_number(10.0, "mm")}
    fit = statistics.linear_regression([0.0, 1.0, 2.0, 4.0], [0.02, 0.13, 0.20, 0.43])
    per_molar = compute("slope(x, y) / path", rows, names).number("L/mol/cm")
    assert per_molar == pytest.approx(1000.0 * fit.slope)
    assert compute("(0.3 - intercept(x, y)) / slope(x, y)", rows).number("mmol/L") == pytest.approx(
        (0.3 - fit.intercept) / fit.slope
    )
    assert compute("r_squared(x, y)", rows).number("percent") == pytest.approx(99.5, abs=0.4)


def test_temperatures_and_their_differences():
    rows = quantities("t", "20 degC", "21 degC", "25 degC")
    assert compute("mean(t)", rows).bounds("degC") == (22.0, 22.0)
    assert compute("median(t)", rows).bounds("degC") == (21.0, 21.0)
    assert compute("greatest(t) - least(t)", rows).bounds("delta_degC") == (5.0, 5.0)
    assert compute("last(t)", rows).bounds("degC") == (25.0, 25.0)
    assert compute("sd(t)", rows).number("delta_degC") == pytest.approx(math.sqrt(7.0))
    assert compute("sum(t - 20 degC)", rows).number("delta_degC") == pytest.approx(6.0)
    with pytest.raises(CalculationError, match="temperature difference"):
        compute("sd(t)", rows).bounds("degC")
    error = refused("1 + sum(t)", rows)
    assert (error.code, error.offset) == ("dimension", 4)
    assert "sums temperatures" in error.message


def test_a_standard_deviation_of_kelvin_is_a_difference():
    rows = quantities("t", "300 K", "302 K")
    assert compute("sd(t)", rows).number("delta_degC") == pytest.approx(math.sqrt(2.0))
    with pytest.raises(CalculationError):
        compute("sd(t)", rows).bounds("degC")


def test_lines_over_temperatures():
    rows = points([10.0, 20.0, 30.0], [1.0, 2.0, 4.0], "degC", "bar")
    assert compute("slope(x, y)", rows).number("bar/K") == pytest.approx(0.15)
    assert compute("intercept(x - 20 degC, y)", rows).number("bar") == pytest.approx(7 / 3)
    error = refused("intercept(x, y)", rows)
    assert (error.code, "subtract the temperature" in error.hint) == ("dimension", True)
    back = points([0.0, 60.0, 120.0], [20.0, 23.0, 26.0], "s", "degC")
    assert compute("slope(x, y)", back).number("K/min") == pytest.approx(3.0)
    assert compute("intercept(x, y)", back).bounds("degC") == (20.0, 20.0)
    kelvin = points([0.0, 60.0], [293.15, 296.15], "s", "K")
    assert compute("intercept(x, y)", kelvin).number("degC") == pytest.approx(20.0)


def test_what_cannot_vary_has_no_spread_at_all():
    rows = quantities("m", "0.1 g", "0.1 g", "0.1 g")
    assert compute("sd(m)", rows).centre == 0.0
    assert evaluate(parse_expression("mean(m) == 0.1 g"), {}, rows) == YES


def test_an_iteration_that_was_skipped_is_left_out():
    rows: list[dict[str, Computed]] = [
        {"m": plain(1.0), "v": plain(2.0)},
        {"v": plain(4.0)},
        {},
        {"m": plain(3.0), "v": plain(8.0)},
    ]
    assert compute("count(m)", rows).centre == 2.0
    assert compute("count(v)", rows).centre == 3.0
    assert compute("mean(m)", rows).centre == 2.0
    assert compute("sum(v)", rows).centre == 14.0
    assert compute("slope(v, m)", rows).centre == pytest.approx(1 / 3)


def test_a_name_of_the_loop_is_never_taken_from_outside():
    """The last reading stands outside under the same name; it must not count twice."""
    rows: list[dict[str, Computed]] = [{"m": plain(1.0)}, {}]
    names: dict[str, Computed] = {"m": plain(100.0), "k": plain(2.0)}
    assert compute("sum(m)", rows, names).centre == 1.0
    assert compute("sum(m * k)", rows, names).centre == 2.0
    assert compute("m - sum(m)", rows, names).centre == 99.0
    assert compute("sum(k)", rows, names).centre == 4.0


def test_texts_and_answers_of_iterations():
    rows: list[dict[str, Computed]] = [
        {"clear": NO, "colour": "red"},
        {"clear": YES, "colour": "red"},
        {"clear": YES, "colour": "blue"},
    ]
    assert compute("count(clear)", rows).centre == 2.0
    assert compute("count(not clear)", rows).centre == 1.0
    assert compute("count(colour)", rows).centre == 3.0
    assert compute("count(colour == 'red' and clear)", rows).centre == 1.0
    assert evaluate(parse_expression("last(clear) and not first(clear)"), {}, rows) == YES
    assert evaluate(parse_expression("last(colour)"), {}, rows) == "blue"
    for text, words in (("mean(clear)", "a condition"), ("greatest(colour)", "a text")):
        error = refused(text, rows)
        assert (error.code, words in error.message) == ("expression", True)


def test_a_count_of_what_may_hold_is_a_range():
    rows: list[dict[str, Computed]] = [{"clear": YES}, {"clear": MAYBE}, {"clear": NO}]
    assert compute("count(clear)", rows).bounds("dimensionless") == (1.0, 2.0)


@pytest.mark.parametrize("name", ONE_COLUMN)
def test_a_loop_without_a_value_gives_none(name):
    for rows in ((), [{}], [{"n": plain(1.0)}]):
        if name == "count":
            assert compute("count(m)", rows).centre == 0.0
        else:
            error = refused(f"1 + {name}(m)", rows)
            assert (error.code, error.offset) == ("series", 4)
            assert "no iteration gave a value" in error.message


@pytest.mark.parametrize("name", SERIES_FUNCTIONS)
def test_where_there_is_no_loop_they_cannot_be_used(name):
    operands = "m, m" if name in TWO_COLUMNS else "m"
    error = refused(f"1 + {name}({operands})", None, {"m": plain(1.0)})
    assert (error.code, error.offset) == ("series", 4)
    assert f"{name} looks at the iterations of a loop" in error.message
    assert error.hint


@pytest.mark.parametrize(
    ("text", "x", "y", "words"),
    [
        ("sd(x)", [1.0], [1.0], "sd of 1 iteration"),
        ("slope(x, y)", [1.0], [1.0], "slope of 1 iteration"),
        ("intercept(x, y)", [1.0], [1.0], "intercept of 1 iteration"),
        ("r_squared(x, y)", [1.0, 2.0], [1.0, 2.0], "r_squared of 2 iterations"),
        ("slope(x, y)", [0.1, 0.1, 0.1], [1.0, 2.0, 3.0], "x is the same"),
        ("intercept(x, y)", [0.1, 0.1, 0.1], [1.0, 2.0, 3.0], "x is the same"),
        ("r_squared(x, y)", [0.1, 0.1, 0.1], [1.0, 2.0, 3.0], "x is the same"),
        ("r_squared(x, y)", [1.0, 2.0, 3.0], [0.1, 0.1, 0.1], "y is the same"),
    ],
)
def test_too_few_or_too_much_alike(text, x, y, words):
    error = refused(f"1 * {text}", points(x, y))
    assert (error.code, error.offset) == ("series", 4)
    assert words in error.message


def test_what_goes_wrong_in_an_iteration_names_it():
    rows = [{"m": plain(1.0)}, {"m": plain(0.0)}]
    error = refused("1 + mean(1 / m)", rows)
    assert (error.code, error.offset) == ("division", 11)
    assert error.message == "divides by zero in iteration 2"


def test_iterations_must_measure_the_same():
    error = refused("mean(m)", quantities("m", "1 g", "1 mL"))
    assert (error.code, error.message) == ("dimension", "puts a volume beside a mass")
    error = refused("mean(t)", quantities("t", "1 degC", "1 delta_degC"))
    assert error.code == "dimension"


@pytest.mark.parametrize("size", [1e-200, 1e-9, 1e150])
def test_small_and_large_numbers_are_not_lost_in_squares(size):
    rows = points([0.0, size, 2 * size], [0.0, 3.0, 6.0])
    assert compute("slope(x, y)", rows).centre == pytest.approx(3.0 / size)
    assert compute("sd(x)", rows).centre == pytest.approx(size)
    assert compute("r_squared(x, y)", rows).centre == pytest.approx(1.0)


def test_a_sum_beyond_all_numbers_is_refused():
    assert refused("sum(x)", [{"x": plain(1.7e308)}] * 2).code == "range"


# -- over ranges ---------------------------------------------------------------------------------

_row = st.tuples(*[st.floats(-3.0, 3.0).map(lambda x: round(x, 2))] * 4)
_width = st.sampled_from([0.0, 0.0, 0.1, 1.0, 5.0])


@given(st.lists(_row, min_size=3, max_size=6), _width, _width, _width, st.data())
def test_ranges_hold_every_value_in_them(rows, common, own_x, own_y, data):
    """x = a + p*b + own and y likewise, p common to all rows: any choice of all of them lies in the result."""

    def part() -> float:
        return data.draw(st.floats(-1.0, 1.0))

    def variable(name: str, radius: float) -> Value:
        return Value.between(
            name, Quantity(-radius, "dimensionless"), Quantity(radius, "dimensionless")
        )

    p = part() * common
    ranges: list[dict[str, Computed]] = []
    numbers: list[dict[str, Computed]] = []
    for at, (a, b, c, d) in enumerate(rows):
        x, y = part() * own_x, part() * own_y
        ranges.append({
            "x": plain(a) + variable("p", common) * plain(b) + variable(f"x{at}", own_x),
            "y": plain(c) + variable("p", common) * plain(d) + variable(f"y{at}", own_y),
        })  # fmt: skip
        numbers.append({"x": plain(a + p * b + x), "y": plain(c + p * d + y)})
    for name in SERIES_FUNCTIONS:
        text = f"{name}(x, y)" if name in TWO_COLUMNS else f"{name}(x)"
        try:
            truth = compute(text, numbers).centre
        except ExpressionError:  # a line through points with one x: refused, see below
            continue
        result = compute(text, ranges)
        slack = 1e-9 * (1.0 + abs(truth))
        assert result.low - slack <= truth <= result.high + slack, name


def test_ranges_that_rows_share_cancel():
    shared = Value.between("p", Quantity(1.0, "mL"), Quantity(2.0, "mL"))
    rows: list[dict[str, Computed]] = [
        {"x": shared + from_number(x, "mL"), "y": from_number(2.0 * x, "g")}
        for x in (0.0, 1.0, 3.0)
    ]
    assert compute("sd(x)", rows).bounds("mL") == pytest.approx((statistics.stdev([0, 1, 3]),) * 2)
    assert compute("slope(x, y)", rows).bounds("g/mL") == pytest.approx((2.0, 2.0))
    assert compute("r_squared(x, y)", rows).bounds("dimensionless") == pytest.approx((1.0, 1.0))
    assert compute("mean(x) - first(x)", rows).bounds("mL") == pytest.approx((4 / 3, 4 / 3))
    low, high = compute("intercept(x, y)", rows).bounds("g")
    assert low <= -4.0 <= -2.0 <= high


def test_a_line_over_a_range_of_doses_is_bounded():
    """Each dose is so many times a parameter, as when stock is added step by step."""
    dose = Value.between("dose", Quantity(0.1, "mL"), Quantity(0.2, "mL"))
    rows: list[dict[str, Computed]] = [
        {"x": dose * plain(x), "y": from_number(x, "g")} for x in (1.0, 2.0, 3.0)
    ]
    low, high = compute("slope(x, y)", rows).bounds("g/mL")
    assert low <= 5.0
    assert high >= 10.0


def test_a_slope_whose_x_may_all_be_the_same_has_units_but_no_bounds():
    rows: list[dict[str, Computed]] = [
        {"x": Value.between(f"x{at}", Quantity(0.0 + at, "mL"), Quantity(5.0, "mL")), "y": from_number(at, "g")}
        for at in range(3)
    ]  # fmt: skip
    for text, unit_name in (("slope(x, y)", "g/mL"), ("intercept(x, y)", "g")):
        result = compute(text, rows)
        assert (result.low, result.high) == (-math.inf, math.inf)
        assert math.isfinite(result.number(unit_name))
        with pytest.raises(CalculationError, match="no bounds"):
            result.bounds(unit_name)
        with pytest.raises(CalculationError, match="is due here"):
            result.bounds("s")
    assert evaluate(parse_expression("slope(x, y) > 0 g/mL"), {}, rows) == MAYBE
    assert compute("r_squared(x, y)", rows).bounds("dimensionless") == (0.0, 1.0)


def test_x_that_is_surely_the_same_is_refused_over_ranges_too():
    shared = Value.between("p", Quantity(1.0, "mL"), Quantity(2.0, "mL"))
    rows: list[dict[str, Computed]] = [{"x": shared, "y": plain(at)} for at in range(3)]
    for name in TWO_COLUMNS:
        assert refused(f"{name}(x, y)", rows).code == "series"
