"""Values of parameters: within the SOP's limits or refused, in the declared unit, and never of another kind."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.domain.errors import InputError, RefusedError
from lab.domain.quantity import Quantity
from lab.plan.parameters import ROUNDING, bind_parameters
from tests.support.flat_sops import EQUIPMENT, dose, read, weigh

SOP = read(
    EQUIPMENT
    + f"""
parameters:
  amount: {{unit: mL, minimum: 1 mL, maximum: 5 mL, default: 2 mL, role: factor}}
  warmth: {{unit: degC, minimum: 5 degC, maximum: 80 degC, default: 25 degC, role: fixed}}
  careful: {{type: yes_no, default: false, role: fixed}}
  liquid: {{type: choice, choices: [water, brine], default: water, role: fixed}}
  note: {{type: text, default: none, role: fixed}}
procedure:
  - {dose("first", "${amount}")}
  - {weigh()}
results:
  mass: {{from: weigh.mass, unit: g}}
"""
)


def bound(factors: dict[str, Any] | None = None, **fixed: Any):
    return bind_parameters(SOP, factors or {}, fixed)


def test_what_is_not_given_has_its_default():
    found = bound()
    assert {name: (q.magnitude, q.unit) for name, q in found.quantities.items()} == {
        "amount": (2.0, "mL"),
        "warmth": (25.0, "degC"),
    }
    assert found.settings == {"careful": False, "liquid": "water", "note": "none"}
    assert found.box == {name: (q, q) for name, q in found.quantities.items()}
    assert (
        found.words
        == "amount = 2 mL, warmth = 25 degC, careful = False, liquid = water, note = none"
    )


@pytest.mark.parametrize(
    ("given_value", "magnitude"),
    [(3, 3.0), (3.5, 3.5), (Quantity(3.0, "mL"), 3.0), (Quantity(0.003, "L"), 3.0), (Quantity(2000.0, "uL"), 2.0)],
)  # fmt: skip
def test_numbers_are_in_the_declared_unit_and_quantities_are_brought_to_it(given_value, magnitude):
    amount = bound({"amount": given_value}).quantities["amount"]
    assert amount.magnitude == pytest.approx(magnitude)
    assert amount.unit == "mL"


def test_a_factor_comes_before_what_is_fixed():
    assert bound({"amount": 4.0}, amount=3.0).quantities["amount"].magnitude == 4.0


@given(st.floats(-10, 10, allow_nan=False))
def test_a_value_is_within_its_limits_or_refused(value):
    try:
        found = bound({"amount": value}).quantities["amount"].magnitude
    except RefusedError:
        assert not 1.0 <= value <= 5.0
        return
    assert 1.0 <= found <= 5.0
    assert found == pytest.approx(value, abs=5 * ROUNDING)


@pytest.mark.parametrize(
    ("value", "found"), [(1 - 1e-10, 1.0), (5 + 1e-10, 5.0), (1.0, 1.0), (5.0, 5.0)]
)
def test_a_rounding_error_is_put_on_the_limit(value, found):
    assert bound({"amount": value}).quantities["amount"].magnitude == found


@pytest.mark.parametrize("value", [1 - 1e-6, 5 + 1e-6, 1e300])
def test_more_than_that_is_refused_at_the_parameter(value):
    with pytest.raises(RefusedError, match="outside the SOP's limits 1 mL to 5 mL") as raised:
        bound({"amount": value})
    [finding] = raised.value.diagnostics
    assert finding.severity == "safety"
    assert "amount:" in finding.source_line


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
def test_what_is_not_finite_is_no_number(value):
    with pytest.raises(InputError, match="is not a finite number"):
        bound({"amount": value})


@pytest.mark.parametrize(
    ("factors", "fixed", "message"),
    [
        ({"amuont": 2.0}, {}, '"amuont" is not a parameter of small'),
        ({}, {"amuont": 2.0}, '"amuont" is not a parameter of small'),
        (
            {"careful": 1.0},
            {},
            '"careful" is a yes/no, and only quantities and choices can be varied',
        ),
        ({"liquid": 1.0}, {}, "liquid: 1.0 stands where a text is due"),
        ({"amount": Quantity(2.0, "g")}, {}, "amount: "),
        ({}, {"amount": "2"}, "amount: 2 stands where a quantity is due"),
        ({}, {"amount": True}, "amount: True stands where a quantity is due"),
        ({}, {"careful": "yes"}, "careful: yes stands where yes or no is due"),
        ({}, {"careful": 1.0}, "careful: 1.0 stands where yes or no is due"),
        ({}, {"liquid": "wter"}, 'liquid: "wter" is not one of the choices'),
        ({}, {"liquid": 3.0}, "liquid: 3.0 stands where a text is due"),
        ({}, {"note": False}, "note: False stands where a text is due"),
    ],
)
def test_what_is_of_another_kind_is_refused_with_what_would_be_right(factors, fixed, message):
    with pytest.raises(InputError) as raised:
        bound(factors, **fixed)
    assert raised.value.message.startswith(message)
    assert raised.value.hint


def test_a_misspelt_name_is_answered_with_the_one_that_was_meant():
    with pytest.raises(InputError) as raised:
        bound({"amuont": 2.0})
    assert "amount" in (raised.value.hint or "")
    with pytest.raises(InputError) as raised:
        bound(liquid="brin")
    assert "brine" in (raised.value.hint or "")


def test_a_text_that_reads_like_a_quantity_stays_a_text():
    assert bound(note=Quantity(5.0, "mL")).settings["note"] == "5 mL"
    assert bound(liquid="brine", careful=True).settings == {
        "careful": True,
        "liquid": "brine",
        "note": "none",
    }


def test_temperatures_are_brought_to_their_unit_as_points_of_a_scale():
    warmth = bound(warmth=Quantity(300.0, "K")).quantities["warmth"]
    assert warmth.magnitude == pytest.approx(26.85)
    with pytest.raises(RefusedError):
        bound(warmth=Quantity(200.0, "degF"))
