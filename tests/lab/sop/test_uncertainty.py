"""Propagation of uncertainty: examples of the GUM and of Eurachem, closed forms, and the exact rule for sums."""

from __future__ import annotations

import math
import statistics
from importlib import import_module
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.domain.quantity import Quantity
from lab.sop.expression import ExpressionError, parse_expression, propagate
from lab.sop.value import Computed, Truth, Value, from_number, plain


def combined(text: str, given_values, rows=None, row_values=None) -> tuple[Value, float]:
    """`given_values`: name -> (number, standard uncertainty, unit). Rows likewise."""

    def split(items) -> tuple[dict[str, Computed], dict[str, float]]:
        names: dict[str, Computed] = {}
        uncertainties: dict[str, float] = {}
        for name, (number, uncertainty, unit) in items.items():
            names[name] = from_number(number, unit)
            factor = Quantity(0.0, unit or "dimensionless").definition.factor
            uncertainties[name] = uncertainty * factor
        return names, uncertainties

    names, uncertainties = split(given_values)
    if row_values is None:
        return propagate(parse_expression(text), names, uncertainties, rows)
    pairs = [split(row) for row in row_values]
    return propagate(
        parse_expression(text), names, uncertainties,
        [row for row, _ in pairs], [own for _, own in pairs],
    )  # fmt: skip


def refused(text: str, *arguments) -> ExpressionError:
    with pytest.raises(ExpressionError) as caught:
        propagate(parse_expression(text), *arguments)
    return caught.value


# -- textbook examples ---------------------------------------------------------------------------


def test_end_gauge_of_the_gum():
    """JCGM 100:2008, H.1: first order gives 32 nm (the 34 nm there include second-order terms)."""
    value, uncertainty = combined(
        "standard + difference - standard * (d_expansion * d_room + expansion * d_gauge)",
        {
            "standard": (50_000_623.0, 25.0, "nm"),
            "difference": (215.0, 9.7, "nm"),
            "expansion": (11.5e-6, 1.2e-6, "1/K"),
            "d_expansion": (0.0, 0.58e-6, "1/K"),
            "d_room": (-0.1, 0.41, "delta_degC"),
            "d_gauge": (0.0, 0.029, "delta_degC"),
        },
    )
    assert value.number("nm") == pytest.approx(50_000_838.0)
    assert uncertainty / 1e-9 == pytest.approx(math.hypot(25, 9.7, 2.9, 16.6), abs=0.1)
    assert round(uncertainty / 1e-9) == 32


def test_thermometer_calibration_of_the_gum():
    """JCGM 100:2008, H.3: a line through 11 corrections, each with s = 0.0035 degC."""
    readings = [
        21.521,
        22.012,
        22.512,
        23.003,
        23.507,
        23.999,
        24.513,
        25.002,
        25.503,
        26.010,
        26.511,
    ]
    corrections = [-171, -169, -166, -159, -164, -165, -156, -157, -159, -161, -160]
    rows = [
        {"t": (reading, 0.0, "degC"), "b": (correction / 1000, 0.0035, "delta_degC")}
        for reading, correction in zip(readings, corrections, strict=True)
    ]
    value, uncertainty = combined("intercept(t - 20 degC, b)", {}, row_values=rows)
    assert value.number("delta_degC") == pytest.approx(-0.1712, abs=5e-5)
    assert uncertainty == pytest.approx(0.0029, abs=5e-5)
    value, uncertainty = combined("slope(t, b)", {}, row_values=rows)
    assert value.number("dimensionless") == pytest.approx(0.00218, abs=5e-6)
    assert uncertainty == pytest.approx(0.00067, abs=5e-6)
    # at 30 degC both are used, and their correlation counts: H.3.4
    value, uncertainty = combined(
        "intercept(t - 20 degC, b) + slope(t, b) * 10 delta_degC", {}, row_values=rows
    )
    assert value.number("delta_degC") == pytest.approx(-0.1494, abs=5e-5)
    assert uncertainty == pytest.approx(0.0041, abs=5e-5)


def test_calibration_standard_of_eurachem():
    """Eurachem/CITAC guide CG 4, example A1: cadmium in nitric acid, 1002.7 mg/L with 0.9 mg/L."""
    value, uncertainty = combined(
        "m * purity / v",
        {"m": (100.28, 0.05, "mg"), "purity": (0.9999, 0.000058, ""), "v": (100.0, 0.07, "mL")},
    )
    assert value.number("mg/L") == pytest.approx(1002.7, abs=0.05)
    assert uncertainty / 1e-3 == pytest.approx(0.9, abs=0.05)


def test_titration_of_eurachem():
    """Eurachem/CITAC guide CG 4, example A2: sodium hydroxide, 0.10214 mol/L with 0.00010 mol/L."""
    value, uncertainty = combined(
        "repeatability * m * purity / (molar_mass * v)",
        {
            "repeatability": (1.0, 0.0005, ""),
            "m": (0.3888, 0.00013, "g"),
            "purity": (1.0, 0.00029, ""),
            "molar_mass": (204.2212, 0.0038, "g/mol"),
            "v": (18.64, 0.013, "mL"),
        },
    )
    assert value.number("mol/L") == pytest.approx(0.10214, abs=5e-6)
    assert uncertainty / 1000.0 == pytest.approx(0.00010, abs=5e-6)


def test_density():
    value, uncertainty = combined("m / v", {"m": (5.0, 0.01, "g"), "v": (4.0, 0.02, "mL")})
    assert value.number("g/mL") == pytest.approx(1.25)
    assert uncertainty / 1000.0 == pytest.approx(1.25 * math.hypot(0.01 / 5, 0.02 / 4), rel=1e-4)


def test_dilution_in_two_steps():
    value, uncertainty = combined(
        "stock * v1 / v2 * v3 / v4",
        {
            "stock": (1.0, 0.002, "mol/L"),
            "v1": (10.0, 0.02, "mL"), "v2": (100.0, 0.1, "mL"),
            "v3": (5.0, 0.015, "mL"), "v4": (50.0, 0.05, "mL"),
        },
    )  # fmt: skip
    relative = math.hypot(0.002, 0.002, 0.001, 0.003, 0.001)
    assert value.number("mmol/L") == pytest.approx(10.0)
    assert uncertainty == pytest.approx(10.0 * relative, rel=1e-4)  # mol/m^3 is mmol/L


@pytest.mark.parametrize(
    ("text", "x", "u", "expected"),
    [
        ("x ** 3", 2.0, 0.001, 12 * 0.001),
        ("sqrt(x)", 4.0, 0.01, 0.0025),
        ("exp(x)", 1.0, 0.001, math.e * 0.001),
        ("ln(x)", 5.0, 0.01, 0.002),
        ("-log10(x)", 1e-4, 1e-6, 0.01 / math.log(10)),
        ("1 / x", 4.0, 0.01, 0.01 / 16),
        ("abs(x)", -4.0, 0.01, 0.01),
        ("clamp(x, 0, 1)", 0.5, 0.01, 0.01),
        ("clamp(x, 0, 1)", 2.0, 0.01, 0.0),
        ("max(x, 1)", 2.0, 0.01, 0.01),
        ("x - x", 2.0, 0.5, 0.0),
        ("x + x", 2.0, 0.5, 1.0),
        ("3", 2.0, 0.5, 0.0),
    ],
)
def test_rules_of_one_input(text, x, u, expected):
    _, uncertainty = combined(text, {"x": (x, u, "")})
    assert uncertainty == pytest.approx(expected, rel=2e-4, abs=1e-15)


def test_a_temperature_has_an_uncertainty_in_kelvin():
    value, uncertainty = combined("t + 5 delta_degC", {"t": (20.0, 0.5, "degC")})
    assert (value.number("degC"), uncertainty) == (25.0, pytest.approx(0.5))


# -- over loops ----------------------------------------------------------------------------------


def test_a_mean_of_independent_readings():
    rows = [{"m": (x, 0.3, "g")} for x in (1.0, 2.0, 4.0)]
    value, uncertainty = combined("mean(m)", {}, row_values=rows)
    assert value.number("g") == pytest.approx(7 / 3)
    assert uncertainty == pytest.approx(0.3e-3 / math.sqrt(3))


def test_what_all_iterations_have_in_common_does_not_average_out():
    rows = [{"m": (x, 0.3, "g")} for x in (1.0, 2.0, 4.0)]
    _, uncertainty = combined("mean(m - tare)", {"tare": (0.5, 0.2, "g")}, row_values=rows)
    assert uncertainty == pytest.approx(1e-3 * math.hypot(0.3 / math.sqrt(3), 0.2))
    _, uncertainty = combined("tare + mean(m - tare)", {"tare": (0.5, 0.2, "g")}, row_values=rows)
    assert uncertainty == pytest.approx(1e-3 * 0.3 / math.sqrt(3))


@given(
    st.lists(st.floats(-5.0, 5.0).map(lambda x: round(x, 2)), min_size=3, max_size=8, unique=True),
    st.floats(0.001, 1.0),
)
def test_a_slope_has_the_uncertainty_of_least_squares(x, u):
    """u / sqrt(Sxx), and for the intercept u * sqrt(1/n + mean(x)^2 / Sxx), for equal weights."""
    rows = [{"x": (a, 0.0, "mL"), "y": (0.3 * a + 1.0, u, "g")} for a in x]
    mean = statistics.fmean(x)
    squares = sum((a - mean) ** 2 for a in x)
    _, slope = combined("slope(x, y)", {}, row_values=rows)
    assert slope / 1000.0 == pytest.approx(u / math.sqrt(squares), rel=1e-6)
    _, intercept = combined("intercept(x, y)", {}, row_values=rows)
    assert intercept / 1e-3 == pytest.approx(
        u * math.sqrt(1 / len(x) + mean * mean / squares), rel=1e-6
    )


def test_a_loop_that_lacks_readings_is_taken_as_it_is():
    rows: list[dict[str, Computed]] = [{"m": plain(1.0)}, {}, {"m": plain(3.0)}]
    uncertain = [{"m": 0.2}, {"m": 9.0}, {}]
    value, uncertainty = propagate(parse_expression("sum(m)"), {}, {}, rows, uncertain)
    assert (value.centre, uncertainty) == (4.0, pytest.approx(0.2))


def test_a_name_inside_and_outside_is_two_inputs_when_iterations_have_their_own():
    rows: list[dict[str, Computed]] = [{"m": plain(1.0)}, {"m": plain(3.0)}]
    names: dict[str, Computed] = {"m": plain(3.0)}
    _, uncertainty = propagate(
        parse_expression("m - mean(m)"), names, {"m": 0.3}, rows, [{"m": 0.4}, {"m": 0.4}]
    )
    assert uncertainty == pytest.approx(math.hypot(0.3, 0.2, 0.2))


# -- linear functions: the rule is exact ---------------------------------------------------------

_factor = st.floats(-100.0, 100.0).map(lambda x: round(x, 3))
_inputs = st.lists(st.tuples(_factor, _factor, st.floats(0.0, 10.0)), min_size=1, max_size=6)


@given(_inputs, _inputs, _factor)
def test_linear_functions_are_exact(common, iterations, weight):
    """a1*x1 + a2*x2 + ... + w * mean(y): the squares of a*u and of w*u/n add up."""
    names: dict[str, Computed] = {f"x{at}": plain(x) for at, (_, x, _) in enumerate(common)}
    terms = [f"({factor:.3f}) * x{at}" for at, (factor, *_) in enumerate(common)]
    text = " + ".join([*terms, f"({weight:.3f}) * mean(y)"])
    rows = [{"y": plain(y)} for _, y, _ in iterations]
    value, uncertainty = propagate(
        parse_expression(text), names, {f"x{at}": u for at, (*_, u) in enumerate(common)},
        rows, [{"y": u} for *_, u in iterations],
    )  # fmt: skip
    parts = [factor * u for factor, _, u in common]
    parts += [weight * u / len(iterations) for *_, u in iterations]
    assert uncertainty == pytest.approx(math.hypot(*parts), rel=1e-9, abs=1e-8)
    truth = sum(factor * x for factor, x, _ in common)
    truth += weight * statistics.fmean(y for _, y, _ in iterations)
    assert value.centre == pytest.approx(truth, rel=1e-9, abs=1e-8)


@given(
    st.sampled_from(["x * y", "x / y", "sqrt(x) * exp(-y)", "ln(x / y)", "x ** 3 - 2 * x * y", "(x + y) / (x * y)"]),
    st.floats(1.0, 10.0),
    st.floats(1.0, 10.0),
    st.floats(1e-6, 1e-4),
    st.floats(1e-6, 1e-4),
)  # fmt: skip
def test_the_uncertainties_package_agrees(text, x, y, ux, uy):
    package: Any = import_module("uncertainties")
    mathematics: Any = import_module("uncertainties.umath")
    names: dict[str, Computed] = {"x": plain(x), "y": plain(y)}
    value, uncertainty = propagate(parse_expression(text), names, {"x": ux, "y": uy})
    judge = eval(
        text,
        {
            "__builtins__": {},
            "sqrt": mathematics.sqrt,
            "exp": mathematics.exp,
            "ln": mathematics.log,
        },
        {"x": package.ufloat(x, ux), "y": package.ufloat(y, uy)},
    )
    assert value.centre == pytest.approx(judge.nominal_value, rel=1e-9, abs=1e-12)
    assert uncertainty == pytest.approx(judge.std_dev, rel=1e-5, abs=1e-12)


# -- edges ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "x", "u", "expected"),
    [
        ("sqrt(x)", 0.5, 1.0, math.sqrt(1.5) - math.sqrt(0.5)),
        ("sqrt(-x)", -0.5, 1.0, math.sqrt(1.5) - math.sqrt(0.5)),
        ("ln(x)", 1.0, 1.0, math.log(2.0)),
        ("1 / x", 2.0, 2.0, 0.25),
    ],
)
def test_at_the_edge_one_side_must_do(text, x, u, expected):
    _, uncertainty = combined(text, {"x": (x, u, "")})
    assert uncertainty == pytest.approx(expected)


def test_beyond_both_edges_there_is_no_uncertainty():
    names: dict[str, Computed] = {"x": plain(0.5)}
    error = refused("1 + ln(x) + ln(1 - x)", names, {"x": 2.0})
    assert (error.code, error.offset) == ("uncertainty", 7)
    assert '"x"' in error.message


@pytest.mark.parametrize("u", [-1.0, math.nan, math.inf])
def test_an_uncertainty_is_a_number_from_zero_up(u):
    names: dict[str, Computed] = {"x": plain(1.0)}
    error = refused("2 * x", names, {"x": u})
    assert (error.code, error.offset) == ("uncertainty", 4)
    error = refused("mean(x)", {}, {}, [names], [{"x": u}])
    assert (error.code, error.offset) == ("uncertainty", 5)
    assert propagate(parse_expression("2"), names, {"x": u})[1] == 0.0


def test_texts_and_answers_are_not_uncertain():
    names: dict[str, Computed] = {"kind": "water", "clear": Truth.of(True)}
    rows: list[dict[str, Computed]] = [{"clear": Truth.of(True)}]
    assert "a text" in refused("kind", names, {}).message
    assert "a condition" in refused("kind == 'water'", names, {}).message
    error = refused("count(clear)", {}, {}, rows, [{"clear": 0.1}])
    assert (error.code, error.offset) == ("uncertainty", 6)
    assert propagate(parse_expression("count(clear)"), {}, {}, rows)[1] == 0.0


def test_uncertainties_stand_beside_their_iterations():
    rows: list[dict[str, Computed]] = [{"x": plain(1.0)}]
    for given_rows in (rows, (), None):
        error = refused("mean(x)", {}, {}, given_rows, [{"x": 0.1}, {"x": 0.1}])
        assert error.code == "uncertainty"
        assert "2 iterations" in error.message


def test_what_cannot_be_computed_has_no_uncertainty_either():
    names: dict[str, Computed] = {"x": plain(0.0)}
    error = refused("1 / x", names, {"x": 0.1})
    assert (error.code, error.offset) == ("division", 2)
    assert refused("1 + y", names, {"y": 0.1}).code == "reference"
    assert refused("mean(x)", names, {}).code == "series"


def test_an_uncertainty_beyond_all_numbers_is_refused():
    names: dict[str, Computed] = {"x": plain(0.0), "y": plain(0.0)}
    uncertain = {"x": 1.5e308, "y": 1.5e308}
    assert refused("x - y", names, uncertain).code == "uncertainty"


def test_ranges_count_with_their_middle():
    low, high = Quantity(1.0, "mL"), Quantity(3.0, "mL")
    names: dict[str, Computed] = {"v": Value.between("v", low, high), "d": from_number(2.0, "g/mL")}
    value, uncertainty = propagate(parse_expression("v * d"), names, {"v": 0.1e-6})
    assert value.bounds("g") == (4.0, 4.0)
    assert uncertainty == pytest.approx(0.2e-3)
    value, _ = propagate(parse_expression("mean(v)"), {}, {}, [names])
    assert value.bounds("mL") == (2.0, 2.0)


def test_what_was_handed_in_is_left_as_it_was():
    names: dict[str, Computed] = {"k": plain(2.0)}
    rows: list[dict[str, Computed]] = [{"x": plain(1.0)}, {"x": plain(2.0)}]
    before = (dict(names), [dict(row) for row in rows])
    tree = parse_expression("k * slope(x, x * k)")
    first = propagate(tree, names, {"k": 0.1}, rows, [{"x": 0.1}] * 2)
    assert propagate(tree, names, {"k": 0.1}, rows, [{"x": 0.1}] * 2) == first
    assert (names, rows) == before
