"""Constraints as people write them: what they mean, what is linear, what is refused and where."""

from __future__ import annotations

import numpy as np
import pytest

from lab.domain.errors import InputError
from lab.optimize import Category, Factor
from lab.optimize.space.formula import compile_formula

FACTORS = (
    Factor("a", "mL", 0, 10),
    Factor("b", "uL", 0, 5000),
    Factor("t", "degC", 20, 90),
    Factor("n", "1", 1, 8),
    Category("solvent", ("water", "ethanol")),
)


def _holds(text: str, **values: object) -> bool:
    base: dict[str, object] = {"a": 1.0, "b": 1000.0, "t": 25.0, "n": 2.0, "solvent": "water"}
    return compile_formula(text, FACTORS).holds({**base, **values})


@pytest.mark.parametrize(
    ("text", "yes", "no"),
    [
        ("a + b <= 2 mL", {"b": 1000.0}, {"b": 1001.0}),
        ("a + b == 2 mL", {"b": 1000.0}, {"b": 999.0}),
        ("a != b", {"b": 2000.0}, {"b": 1000.0}),
        ("t < 60 degC", {"t": 59.0}, {"t": 61.0}),
        ("a * b >= 1 mL^2", {"b": 1000.0}, {"b": 900.0}),
        ("a / (b + 1 mL) < 0.6", {"b": 1000.0}, {"b": 400.0}),
        ("n ** 2 <= 9", {"n": 3.0}, {"n": 4.0}),
        ("abs(n - 4) <= 1", {"n": 5.0}, {"n": 2.0}),
        ("exp(n) < 8 and ln(n) > 0.5", {"n": 2.0}, {"n": 1.0}),
        ("log10(n) + sqrt(n) > 1.7", {"n": 2.0}, {"n": 1.0}),
        ("min(a, b) <= 1 mL", {"b": 1000.0}, {"a": 2.0, "b": 2000.0}),
        ("max(a, b, 2 mL) <= 2 mL", {"a": 2.0}, {"a": 3.0}),
        ("clamp(n, 2, 4) >= 4 or n < 2", {"n": 7.0}, {"n": 3.0}),
        ("solvent != 'water' or t <= 80 degC", {"t": 85.0, "solvent": "ethanol"}, {"t": 85.0}),
        ("solvent == 'water'", {}, {"solvent": "ethanol"}),
        ("not (a > 2 mL or n > 3)", {}, {"n": 4.0}),
        ("-a >= -1 mL", {}, {"a": 1.1}),
    ],
)
def test_what_holds_and_what_does_not(text: str, yes: dict[str, object], no: dict[str, object]):
    assert _holds(text, **yes)
    assert not _holds(text, **no)


def test_many_points_are_asked_at_once():
    formula = compile_formula("a + b <= 2 mL", FACTORS)
    slack = formula.slack({"a": np.array([0.5, 1.0, 2.0]), "b": np.array([500.0, 1000.0, 500.0])})
    assert (slack >= 0).tolist() == [True, True, False]
    assert slack[0] > slack[1] == 0.0


def test_what_cannot_be_computed_does_not_hold():
    formula = compile_formula("sqrt(n) < 3", FACTORS)
    assert formula.slack({"n": np.array([-1.0])}).tolist() == [-np.inf]


def test_linear_parts_are_found_with_their_coefficients():
    formula = compile_formula("2 * a + b / 2 <= 3 mL and t - 30 degC >= 5 K", FACTORS)
    assert not formula.curved
    one, two = formula.linear
    assert not one.equal
    assert one.coefficients == pytest.approx({"a": -2e-6, "b": -0.5e-9})
    assert one.constant == pytest.approx(3e-6)
    assert two.coefficients == pytest.approx({"t": 1.0})
    assert two.constant == pytest.approx(273.15 - 303.15 - 5.0)


def test_an_equality_is_linear_and_says_so():
    (line,) = compile_formula("a + b == 5 mL", FACTORS).linear
    assert line.equal


def test_a_part_that_bends_is_told_from_one_that_does_not():
    formula = compile_formula("a * b <= 3 mL^2 and a <= 2 mL", FACTORS)
    assert formula.curved
    assert len(formula.linear) == 1
    assert compile_formula("a <= 2 mL or n > 3", FACTORS).linear == ()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a + t <= 3 mL", "character 3"),
        ("a + b <= 3 g", "character 7"),
        ("a + c <= 3 mL", 'nothing called "c"'),
        ("a + b", "this is a value"),
        ("1 < 2", "names no factor"),
        ("a + b <=", "ends too early"),
        ("a * a == 4 mL^2", "only an equality that is linear"),
        ("a == 2 mL or n == 3", "only an equality that is linear"),
        ("not a == b", "only an equality that is linear"),
        ("a + b >= 16 mL", "holds nowhere"),
        ("solvent == 3", "compares"),
        ("solvent + 1 > 2", "text"),
        ("mean(a) > 1 mL", "loop"),
        ("a / b < 2", "may divide by zero"),
    ],
)
def test_what_makes_no_constraint_is_refused_with_its_place(text: str, words: str):
    with pytest.raises(InputError) as caught:
        compile_formula(text, FACTORS)
    assert words in caught.value.message
    assert text in caught.value.message


def test_two_categories_are_not_compared():
    both = (*FACTORS, Category("other", ("water", "oil")))
    with pytest.raises(InputError, match="a number is due"):
        compile_formula("solvent == other or n > 2", both)


def test_a_unit_that_nobody_knows_is_named_with_its_factor():
    with pytest.raises(InputError, match="factor x"):
        compile_formula("x > 2", (Factor("x", "bananas", 0, 3),))
