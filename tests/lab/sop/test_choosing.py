"""Conditions over choices: what they come to over all combinations."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.domain.quantity import Quantity
from lab.sop.choosing import answer_over
from lab.sop.expression import ExpressionError, evaluate, parse_expression
from lab.sop.value import Truth, Value

X = Value.between("x", Quantity(0.0, "mL"), Quantity(10.0, "mL"))
CHOICES = {"a": ("p", "q", "r"), "b": ("p", "s")}


def over(text: str, **choices: tuple[str, ...]):
    return answer_over(parse_expression(text), {"x": X}, choices or CHOICES)


@pytest.mark.parametrize(
    ("text", "holds", "fails"),
    [
        ("a == 'p'", True, True),
        ("a == 'z'", False, True),
        ("a != 'z'", True, False),
        ("a == b", True, True),
        ("a == 'q' and a == 'r'", False, True),
        ("x <= 11 mL", True, False),
        ("a != 'p' or x <= 5 mL", True, True),
        ("a == 'z' or x > 11 mL", False, True),
    ],
)
def test_over_all_combinations(text: str, holds: bool, fails: bool):
    assert over(text) == Truth(may_hold=holds, may_fail=fails)


def test_a_value_stays_a_value_and_a_fault_a_fault():
    assert isinstance(over("x * 2"), Value)
    with pytest.raises(ExpressionError, match="text"):
        over("a + x")


def test_of_too_many_combinations_nothing_is_claimed():
    many = {f"n{k}": tuple(f"c{i}" for i in range(30)) for k in range(3)}
    text = " and ".join(f"{name} != 'zzz'" for name in many)
    assert over(text, **many) == Truth(may_hold=True, may_fail=True)
    few = dict(list(many.items())[:2])
    assert over(" and ".join(f"{n} != 'zzz'" for n in few), **few) == Truth.of(True)


TERMS = st.builds("{} {} '{}'".format, st.sampled_from("ab"), st.sampled_from(("==", "!=")), st.sampled_from("pqrs"))  # fmt: skip


@settings(deadline=None)
@given(st.lists(TERMS, min_size=1, max_size=4), st.sampled_from((" and ", " or ")))
def test_it_is_what_brute_force_finds(terms: list[str], joint: str):
    expression = parse_expression(joint.join(terms))
    found = []
    for a, b in itertools.product(CHOICES["a"], CHOICES["b"]):
        answer = evaluate(expression, {"a": a, "b": b})
        assert isinstance(answer, Truth)
        found.append(answer.may_hold)
    expected = Truth(may_hold=any(found), may_fail=not all(found))
    assert answer_over(expression, {}, CHOICES) == expected
