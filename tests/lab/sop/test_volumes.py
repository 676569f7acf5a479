"""Volume bookkeeping: levels by hand, and the search for the worst parameters against a dense grid."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.devices.capability import CAPABILITIES
from lab.domain.quantity import Quantity, parse_quantity
from lab.sop.check import check_sop
from lab.sop.expression import evaluate, parse_expression
from lab.sop.procedure import Box, parameter_values
from lab.sop.value import Value
from lab.sop.volumes import Movement, fill_levels, find_beyond
from tests.support.sop_files import changed, sop_findings


def ml(amount: float) -> Value:
    return Value.of(Quantity(amount, "mL"))


def moves(*entries: tuple[str, str, str, float]) -> list[Movement]:
    return [Movement(step, source, target, ml(volume)) for step, source, target, volume in entries]


def levels(needs: dict[str, tuple[str, ...]], *entries: tuple[str, str, str, float]) -> dict:
    found = fill_levels("pot", needs, moves(*entries))
    return {step: value.number("mL") for step, value in found}


def test_doses_in_a_row_add_up():
    needs = {"a": (), "b": ("a",), "c": ("b",)}
    assert levels(needs, ("a", "x", "pot", 1), ("b", "y", "pot", 2), ("c", "z", "pot", 3)) == {
        "a": 1.0,
        "b": 3.0,
        "c": 6.0,
    }


def test_doses_at_the_same_time_all_count():
    needs = {"a": (), "b": (), "c": ("a",)}
    # b may be done before, at the same time as, or after the others
    assert levels(needs, ("a", "x", "pot", 1), ("b", "y", "pot", 2), ("c", "z", "pot", 4)) == {
        "a": 3.0,
        "b": 7.0,
        "c": 7.0,
    }


def test_a_removal_counts_where_it_is_certainly_done():
    needs = {"a": (), "out": ("a",), "b": ("out",)}
    assert levels(needs, ("a", "x", "pot", 5), ("out", "pot", "w", 5), ("b", "y", "pot", 3)) == {
        "a": 5.0,
        "b": 3.0,
    }


def test_a_removal_at_the_same_time_does_not_count():
    needs = {"a": (), "out": ("a",), "b": ("a",)}
    assert levels(needs, ("a", "x", "pot", 5), ("out", "pot", "w", 5), ("b", "y", "pot", 3))[
        "b"
    ] == pytest.approx(8.0)


def test_no_credit_for_more_than_was_there():
    needs = {"a": (), "out": ("a",), "b": ("out",)}
    assert levels(needs, ("a", "x", "pot", 1), ("out", "pot", "w", 9), ("b", "y", "pot", 4))[
        "b"
    ] == pytest.approx(4.0)


def test_a_removal_beside_a_dose_is_taken_as_early_as_it_could_be():
    # out may run before a: then it takes nothing, and both doses are in the pot after b
    needs = {"a": (), "out": (), "b": ("a", "out")}
    assert levels(needs, ("a", "x", "pot", 5), ("out", "pot", "w", 5), ("b", "y", "pot", 3))[
        "b"
    ] == pytest.approx(8.0)


def test_other_containers_do_not_count():
    assert levels({"a": ()}, ("a", "x", "cell", 5)) == {}


def test_a_second_filling_that_overflows_is_found():
    """Each dose alone fits; together, without emptying between, they do not."""
    text = """
  - id: dose_again
    title: Dose again
    equipment: solvent_pump
    action: dispense
    with: {volume: 15 mL}
    duration: 20 s
    timeout: 5 min
  - id: transfer
"""
    findings = sop_findings(("  - id: transfer\n", text.lstrip("\n")))
    assert [(item.code, item.severity) for item in findings] == [("overfill", "safety")]
    assert '"pot" would hold 27 mL' in findings[0].message
    # emptied before, the same dose is fine
    after = text.replace("  - id: transfer\n", "").replace("15 mL", "15 mL").lstrip("\n")
    assert sop_findings(("  - id: stir\n", after + "  - id: stir\n")) == []


SAFE_POUR = """    - id: rescue
      title: Pour it over
      equipment: transfer_pump
      action: dispense
      with: {{volume: {volume}}}
      duration: 70 s
      timeout: 5 min

procedure:
"""


@pytest.mark.parametrize(
    ("volume", "severity"), [("13 mL", None), ("14 mL", "warning"), ("26 mL", "safety")]
)
def test_what_makes_a_run_safe_must_not_overflow(volume, severity):
    findings = sop_findings(("\nprocedure:\n", SAFE_POUR.format(volume=volume)))
    assert [item.severity for item in findings] == ([severity] if severity else [])
    assert all(item.source_line.strip() == "- id: rescue" for item in findings)


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
        value = evaluate(expression, dict(parameter_values(box)))
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


def test_a_product_of_parameters_is_not_refused_for_its_looks():
    """Plain intervals would give 12 mL * 1 for the sum; the true worst case fits."""
    text = changed(
        "sop",
        ("${total_volume - concentrate_volume - dilute_volume}",
         "${(total_volume - concentrate_volume - dilute_volume) * (10 mL / total_volume)}"),
        ("capacity: 20 mL", "capacity: 14 mL"),
    )  # fmt: skip
    found, findings = check_sop(text, "sop.yaml", CAPABILITIES)
    assert found is not None, [item.text() for item in findings]


def test_quantities_of_the_witness_are_in_the_units_of_the_file():
    witness = find_beyond(compute("p + q"), BOX, parse_quantity("5 mL").base, above=True)
    assert witness is not None
    assert {name: str(value) for name, value in witness.parameters.items()} == {
        "p": "4 mL",
        "q": "2 mL",
    }
