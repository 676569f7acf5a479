"""Whatever a file may hold: reading and computing an expression end in a result or in an ExpressionError."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeVar

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lab.domain.quantity import Quantity, parse_quantity
from lab.sop.expression import (
    FUNCTIONS,
    SERIES_FUNCTIONS,
    ExpressionError,
    evaluate,
    parse_expression,
    propagate,
)
from lab.sop.value import Computed, Truth, Value

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

_WORDS = [
    *FUNCTIONS, *SERIES_FUNCTIONS,
    *("+", "-", "*", "/", "**", "<", "<=", ">", ">=", "==", "!=", "(", ")", "(", ")", "(", ")", ","),
    *("and", "or", "not", "true", "false", "a", "b", "t", "n", "flag", "kind", "step.mass", "nothing"),
    *("0", "1", "2", "3", "1e300", "1e-300", ".5", "7.", "2mL"),
    *("2 mL", "3 g", "25 degC", "1 delta_degC", "0 s", "1e308 km", "5 %", "1 mol/L"),
    *("'water'", '"x"', "''", "'", '"', "${", "}", "\n", "é", "\x00", "µ"),
]  # fmt: skip

NAMES: dict[str, Computed] = {
    "a": Value.of(parse_quantity("2 mL")),
    "b": Value.between("b", Quantity(-1.0, "mL"), Quantity(3.0, "mL")),
    "t": Value.of(parse_quantity("25 degC")),
    "n": Value.between("n", Quantity(0.0, "dimensionless"), Quantity(2.0, "dimensionless")),
    "flag": Truth(may_hold=True, may_fail=True),
    "kind": "water",
}
ROWS: list[dict[str, Computed]] = [
    *({"step.mass": Value.of(Quantity(at, "g")), "n": Value(at * at)} for at in (0.0, 1.0, 2.0)),
    {"n": Value(3.0)},
    {"step.mass": Value.of(Quantity(2.0, "g")), "flag": Truth.of(True)},
]

UNCERTAIN = {"a": 1e-7, "b": 1e-6, "t": 0.5, "n": 3.0}
UNCERTAIN_ROWS = [{"step.mass": 1e-3, "n": 0.5}] * len(ROWS)


def found(text: str, compute: Callable[[], T]) -> T | None:
    """None after an ExpressionError, whose place must be within the text."""
    problem = None
    try:
        return compute()
    except ExpressionError as error:
        problem = error
    assert 0 <= problem.offset <= len(text)
    assert problem.code
    assert problem.message
    return None


def check(text: str) -> None:
    """No other error; a place within the text; a result that is a number, a truth or a text."""
    for rows in (None, (), ROWS):
        result = found(text, lambda rows=rows: evaluate(parse_expression(text), NAMES, rows))
        if result is None:
            continue
        assert isinstance(result, Value | Truth | str)
        if isinstance(result, Value):
            assert math.isfinite(result.centre)
            assert not math.isnan(result.low)
            assert not math.isnan(result.high)
            assert result.low <= result.high or math.isclose(result.low, result.high)
        if isinstance(result, Truth):
            assert result.may_hold or result.may_fail
    pair = found(
        text,
        lambda: propagate(parse_expression(text), NAMES, UNCERTAIN, ROWS, UNCERTAIN_ROWS),
    )
    if pair is not None:
        assert math.isfinite(pair[0].centre)
        assert 0.0 <= pair[1] < math.inf


@given(st.lists(st.sampled_from(_WORDS), max_size=14), st.sampled_from(["", " "]))
def test_words_in_any_order(words, between):
    check(between.join(words))


@given(st.text(max_size=60))
@example("\N{MATHEMATICAL DOUBLE-STRUCK DIGIT TWO} + \N{FULLWIDTH DIGIT TWO}")
@example("a\u00a0+\u2003b")
@example("٣ mL")
def test_any_text(text):
    check(text)


_leaf = st.sampled_from(
    ["a", "b", "t", "n", "flag", "kind", "step.mass", "2 mL", "3", "0", "1e300", "25 degC", "'water'", "true"]
)  # fmt: skip


def _compound(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    signs = st.sampled_from(["+", "-", "*", "/", "<", "==", "!=", "and", "or"])
    one = [name for name, (least, _) in {**FUNCTIONS, **SERIES_FUNCTIONS}.items() if least == 1]
    two = ["min", "max", "slope", "intercept", "r_squared"]
    return st.one_of(
        st.builds("({} {} {})".format, inner, signs, inner),
        st.builds("{}({})".format, st.sampled_from(one), inner),
        st.builds("{}({}, {})".format, st.sampled_from(two), inner, inner),
        st.builds("clamp({}, {}, {})".format, inner, inner, inner),
        st.builds("-{}".format, inner),
        st.builds("(not {})".format, inner),
        st.builds("({} ** {})".format, inner, st.integers(0, 5)),
    )


@given(st.recursive(_leaf, _compound, max_leaves=10))
@example("1e308 km * 10 - 1e308 km * 10 < 1 m")
@example("slope(n, step.mass) * 0 == 0 g")
@example("exp(slope(n, n)) / sd(n)")
@example("mean(1e308 * n) - mean(1e308 * n)")
@example("sd(1e300 * n) * sd(1e300 * n)")
@example("ln(exp(n)) / exp(n)")
def test_well_formed_expressions(text):
    check(text)


def test_depth_and_length_at_their_limits():
    for text in (
        "(" * 39 + "a" + ")" * 39,
        "(" * 40 + "a" + ")" * 40,
        "+".join(["a"] * 301),
        "+".join(["a"] * 302),
        "not " * 249 + "true",
        "-" * 999 + "a",
        "'" + "x" * 998 + "'",
        "'" + "x" * 999,
        "abs(" * 39 + "a" + ")" * 39,
        "sqrt(" * 39 + "a" + ")" * 39,
        "((((n**4)**4)**4)**4)**4",
        "*".join(["a"] * 290),
        "/".join(["a"] * 290),
        "*".join(["1e-300"] * 100),
        "1 mL *" * 160 + "a",
    ):
        check(text)


@pytest.mark.parametrize("odd", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("text", ["x + 1", "x < 1", "mean(x)", "min(x, 1)", "x"])
def test_odd_numbers_handed_in_are_refused(odd, text):
    with pytest.raises(ExpressionError) as caught:
        evaluate(parse_expression(text), {"x": Value(odd)}, [{"x": Value(odd)}])
    assert caught.value.code == "range"
