"""The search for the worst parameters, against a dense grid."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.domain.quantity import Quantity, parse_quantity
from lab.sop.expression import evaluate, parse_expression
from lab.sop.procedure import Box  # noqa: TC001
from lab.sop.search import Witness, find_beyond
from lab.sop.value import Value

BOX: Box = {
    "p": (Quantity(1.0, "mL"), Quantity(4.0, "mL")),
    "q": (Quantity(0.5, "mL"), Quantity(2.0, "mL")),
}
SHAPES = [
    "p + q",
    "p - q",
    "p * q / 1 mL",
    "p * (2 mL - q) / 1 mL",
    "p * p / 1 mL - 3 * p",
    "abs(p - 2 * q)",
    "min(p, 3 * q)",
    "max(p, 3 * q) - q",
    "sqrt(p * q)",
    "p / q * 1 mL",
    "p * q / (p + q)",
]


def compute(text: str):
    expression = parse_expression(text)

    def at(box: Box) -> Value:
        value = evaluate(expression, {n: Value.between(n, *limits) for n, limits in box.items()})
        assert isinstance(value, Value)
        return value

    return at


def grid_extreme(text: str, pick) -> float:
    at = compute(text)
    found = []
    for i, j in product(range(41), repeat=2):
        p, q = Quantity(1 + 3 * i / 40, "mL"), Quantity(0.5 + 1.5 * j / 40, "mL")
        found.append(at({"p": (p, p), "q": (q, q)}).centre)
    return pick(found)


@pytest.mark.parametrize("text", SHAPES)
def test_limits_inside_the_reach_have_a_witness(text):
    for pick, above in ((max, True), (min, False)):
        reach = grid_extreme(text, pick)
        limit = reach - 1e-7 if above else reach + 1e-7
        witness = find_beyond(compute(text), BOX, limit, above=above)
        assert witness is not None
        if witness.proven:
            point = {name: (value, value) for name, value in witness.parameters.items()}
            point = {**{name: (low, low) for name, (low, _) in BOX.items()}, **point}
            reached = compute(text)(point).centre
            assert (reached > limit) if above else (reached < limit)
            for name, value in witness.parameters.items():
                assert BOX[name][0].base <= value.base <= BOX[name][1].base


@pytest.mark.parametrize("text", SHAPES)
def test_limits_well_outside_the_reach_have_none(text):
    for pick, above in ((max, True), (min, False)):
        reach = grid_extreme(text, pick)
        room = 0.02 * abs(reach) + 2e-7
        limit = reach + room if above else reach - room
        assert find_beyond(compute(text), BOX, limit, above=above) is None


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.floats(-3.0, 3.0).map(lambda v: round(v, 2)), min_size=3, max_size=3),
    st.floats(-20.0, 20.0),
)
def test_linear_forms_are_decided_exactly(weights, limit_ml):
    a, b, c = weights
    text = f"{a!r} * p + {b!r} * q + {c!r} mL".replace("+ -", "- ")
    most = a * (4 if a > 0 else 1) + b * (2 if b > 0 else 0.5) + c
    if abs(most - limit_ml) < 1e-6:
        return
    witness = find_beyond(compute(text), BOX, limit_ml * 1e-6, above=True)
    assert (witness is not None) == (most > limit_ml)
    assert witness is None or witness.proven


def test_quantities_of_the_witness_are_in_the_units_of_the_file():
    witness = find_beyond(compute("p + q"), BOX, parse_quantity("5 mL").base, above=True)
    assert witness is not None
    assert {name: str(value) for name, value in witness.parameters.items()} == {
        "p": "4 mL",
        "q": "2 mL",
    }


def test_a_witness_in_words():
    many = {f"p{n}": Quantity(1.0, "mL") for n in range(9)}
    assert Witness(1.0, {}).words == ""
    assert Witness(1.0, {"p": Quantity(4.0, "mL")}).words == " at p = 4 mL"
    assert Witness(1.0, many).words.endswith("p5 = 1 mL, ...")
    assert "could not be shown" in Witness(1.0, {}, proven=False).words
