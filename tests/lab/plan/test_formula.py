"""Formulas with numbers: which value a name has when a run has come so far, and when it has none."""

from __future__ import annotations

import math

import pytest

from lab.domain.plan import Binding, Formula
from lab.plan.formula import bound, evaluate_formula, measured
from lab.sop.expression import ExpressionError
from lab.sop.value import CalculationError, Truth, Value

MASS = Binding(unit="g", outputs=("first.mass", "again.mass"))
VOLUME = Binding(unit="mL", value=2.0)


def formula(expression: str, rows: tuple[dict[str, Binding], ...] | None = None, **names: Binding):
    return Formula(expression=expression, names=names, rows=rows)


@pytest.mark.parametrize(
    ("outputs", "grams"),
    [
        ({"first": {"mass": 3.0}}, 3.0),
        ({"first": {"mass": 3.0}, "again": {"mass": 4.0}}, 4.0),
        ({"first": {"mass": 3.0}, "again": {}}, 3.0),
        ({"first": {"mass": 3.0}, "again": {"mass": None}}, 3.0),
        ({"first": {"mass": 0}}, 0.0),
    ],
)
def test_the_last_output_that_is_there_counts(outputs, grams):
    found = measured(formula("mass", mass=MASS), outputs)
    assert found is not None
    assert found[0].centre == pytest.approx(grams / 1000)


@pytest.mark.parametrize(
    "value", [None, True, "heavy", math.nan, math.inf, [1.0], {"a": 1}], ids=repr
)
def test_what_is_no_number_is_no_measurement(value):
    assert measured(formula("mass", mass=MASS), {"first": {"mass": value}}) is None
    assert (
        measured(formula("mass / volume", mass=MASS, volume=VOLUME), {"first": {"mass": value}})
        is None
    )


def test_a_bad_last_output_does_not_fall_back_to_an_older_one():
    """What was measured last is not finite: that an older value stood in for it, nobody would know."""
    outputs = {"first": {"mass": 3.0}, "again": {"mass": math.nan}}
    assert measured(formula("mass", mass=MASS), outputs) is None


def test_values_that_the_plan_knows_need_no_outputs():
    value = evaluate_formula(formula("volume * 3", volume=VOLUME), {})
    assert isinstance(value, Value)
    assert value.centre == pytest.approx(6e-6)


@pytest.mark.parametrize(
    ("expression", "error"),
    [("mass", ExpressionError), ("mass >", ExpressionError), ("volume / (volume - volume)", CalculationError)],
)  # fmt: skip
def test_a_formula_without_a_value_says_so_and_is_no_measurement(expression, error):
    found = formula(expression, mass=MASS, volume=VOLUME)
    with pytest.raises((error, ExpressionError)):
        evaluate_formula(found, {})
    assert measured(found, {}) is None


@pytest.mark.parametrize(
    ("binding", "output", "sd_g"),
    [
        (MASS, {"mass": 3.0, "mass_sd": 0.03}, 0.03),
        (MASS.model_copy(update={"uncertainty": 0.04}), {"mass": 3.0}, 0.04),
        (MASS.model_copy(update={"relative_uncertainty": 0.01}), {"mass": 3.0}, 0.03),
        (MASS.model_copy(update={"uncertainty": 0.04}), {"mass": 3.0, "mass_sd": 0.03}, 0.05),
        (MASS.model_copy(update={"uncertainty": 0.04}), {"mass": 3.0, "mass_sd": math.nan}, 0.04),
        (MASS, {"mass": 3.0, "mass_sd": True}, None),
        (MASS, {"mass": 3.0}, None),
    ],
)
def test_uncertainties_are_combined_in_quadrature(binding, output, sd_g):
    found = measured(formula("mass", mass=binding), {"first": output})
    assert found is not None
    assert found[1] == (None if sd_g is None else pytest.approx(sd_g / 1000))


def test_the_uncertainty_of_a_quotient_is_propagated():
    rough = VOLUME.model_copy(update={"relative_uncertainty": 0.03})
    density = formula("mass / volume", mass=MASS, volume=rough)
    found = measured(density, {"first": {"mass": 3.0, "mass_sd": 0.12}})
    assert found is not None
    value, sd = found
    assert value.centre == pytest.approx(1500.0)  # kg/m3
    assert sd == pytest.approx(1500.0 * math.hypot(0.04, 0.03), rel=1e-3)


ROWS = tuple({"mass": Binding(unit="g", outputs=(f"weigh[{n}].mass",))} for n in (1, 2, 3))


def test_of_a_loop_only_rounds_count_in_which_every_name_has_a_value():
    series = formula("mean(mass)", rows=ROWS)
    outputs = {"weigh[1]": {"mass": 1.0}, "weigh[2]": {"mass": None}, "weigh[3]": {"mass": 5.0}}
    found = measured(series, outputs)
    assert found is not None
    assert found[0].centre == pytest.approx(0.003)
    _, rows = bound(series, outputs)
    assert rows is not None
    assert len(rows) == 2
    assert measured(series, {}) is None


def test_outside_a_loop_there_are_no_rounds():
    common, rows = bound(formula("mass", mass=MASS), {"first": {"mass": 1.0}})
    assert rows is None
    assert set(common.names) == {"mass"}


def test_a_formula_in_a_formula_has_the_value_of_its_own():
    density = formula("mass / volume", mass=MASS, volume=VOLUME)
    outer = formula("density * 2", density=Binding(formula=density))
    found = measured(outer, {"first": {"mass": 3.0}})
    assert found is not None
    assert found[0].centre == pytest.approx(3000.0)
    assert measured(outer, {}) is None


def test_conditions_and_texts_are_values_too():
    heavy = formula("mass > 2 g", mass=MASS)
    asked = formula("heavy", heavy=Binding(formula=heavy))
    value = evaluate_formula(asked, {"first": {"mass": 3.0}})
    assert isinstance(value, Truth)
    assert value.surely
    assert measured(asked, {"first": {"mass": 3.0}}) is None  # no number
    colour = Binding(outputs=("look.colour",))
    same = evaluate_formula(formula('colour == "red"', colour=colour), {"look": {"colour": "red"}})
    assert isinstance(same, Truth)
    assert same.surely
