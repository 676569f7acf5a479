"""What names mean: values, outputs of steps and calls, rounds of loops; and how uncertain they are."""

from __future__ import annotations

import math
import statistics

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.devices.capability import CAPABILITIES
from lab.domain.quantity import Quantity, QuantityError
from lab.plan.formula import evaluate_formula, measured
from lab.sop.expression import ExpressionError
from lab.sop.formulas import Formulas
from lab.sop.planned import Planned, difference_in
from lab.sop.references import References
from lab.sop.unfold import Scope
from lab.sop.value import Truth, Value
from tests.support.flat_sops import EQUIPMENT, dose, read, small, weigh

PARAMETERS = """
parameters:
  amount: {unit: mL, minimum: 0 mL, maximum: 5 mL, default: 2 mL, role: factor}
  dry: {type: yes_no, default: true, role: fixed}
  liquid: {type: text, default: water, role: fixed}
derived:
  mass_due: {unit: g, value: "${amount * water.density}"}
"""
LOOPS = f"""
procedure:
  - {weigh("tare")}
  - id: levels
    for_each:
      name: level
      in: [1 mL, 2 mL, 4 mL]
      steps:
        - {dose("fill", "${level}")}
        - id: readings
          repeat:
            max_iterations: 2
            steps:
              - {weigh("read", "outputs: {mass: {uncertainty: 1 percent}}")}
        - {weigh("after", "outputs: {mass: {uncertainty: 2 mg}}")}
  - id: others
    for_each: {{name: word, in: [a, b], steps: [{weigh("other")}]}}
results:
  mass: {{from: tare.mass, unit: g}}
"""
SOP = read(EQUIPMENT + PARAMETERS + LOOPS)
TOP = Scope(SOP.sop, SOP.document)
FORMULAS = Formulas(References(SOP.flat, CAPABILITIES), Planned({}, {}))
OUTPUTS = {
    "tare": {"mass": 0.5},
    "after[1]": {"mass": 1.0},
    "after[2]": {"mass": 2.0},
    "after[3]": {"mass": 4.0},
    "read[1,1]": {"mass": 1.1},
    "read[1,2]": {"mass": 1.2},
    "read[2,1]": {"mass": 2.1},
    "other[1]": {"mass": 1.4},
    "other[2]": {"mass": 1.6},
}


def scope_of(path: str) -> Scope:
    return next(step.scope for step in SOP.flat.steps if step.path == path)


def number(text: str, unit: str, scope: Scope = TOP, outputs=OUTPUTS) -> float:
    value = evaluate_formula(FORMULAS.formula(text, scope), outputs)
    assert isinstance(value, Value)
    return value.number(unit)


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("amount", "mL", 2.0),
        ("${parameters.amount * 2}", "mL", 4.0),
        ("water.density", "g/mL", 1.0),
        ("mass_due", "g", 2.0),
        ("tare.mass", "mg", 500.0),
        ("after.mass - tare.mass", "g", 3.5),
        ("read.mass", "g", 2.1),
        ("mean(after.mass)", "g", 7 / 3),
        ("sum(after.mass - tare.mass)", "g", 5.5),
        ("slope(level, after.mass)", "g/mL", 1.0),
        ("intercept(level, after.mass - tare.mass)", "g", -0.5),
        ("count(read.mass)", "dimensionless", 3.0),
        ("last(read.mass)", "g", 2.1),
        # rounds that both have in common: the latest reading of each level
        ("sum(after.mass - read.mass)", "g", -0.3),
        # each function looks at a loop of its own: all readings here, one reading of each level there
        ("sum(read.mass) - sum(after.mass)", "g", -2.6),
        ("mean(other.mass) / tare.mass * slope(level, read.mass)", "g/mL", 3.0 * 0.95),
        ("sum(read.mass) - sum(after.mass) + sum(read.mass)", "g", 1.8),
        ("mean(level) * water.density", "g", 7 / 3),
    ],
)
def test_what_names_mean(text, unit, value):
    if "mean(level)" in text:
        with pytest.raises(ExpressionError, match="needs an output of a step"):
            FORMULAS.formula(text, TOP)
        return
    assert number(text, unit) == pytest.approx(value)


def test_texts_and_answers_are_kept_as_they_are():
    assert FORMULAS.formula("liquid", TOP).names["liquid"].value == "water"
    held = evaluate_formula(FORMULAS.formula('dry and liquid == "water"', TOP), {})
    assert held == Truth(may_hold=True, may_fail=False)


@pytest.mark.parametrize(
    ("path", "text", "value"),
    [
        ("after[2]", "level", 2.0e-6),
        ("after[2]", "after.mass", 2.0e-3),
        ("after[2]", "read.mass", 2.1e-3),
        ("read[1,2]", "read.mass", 1.2e-3),
        # inside the loop: its own rounds up to the present one
        ("after[2]", "sum(after.mass)", 3.0e-3),
        ("after[1]", "sum(after.mass)", 1.0e-3),
        ("read[1,1]", "sum(read.mass)", 1.1e-3),
        ("read[1,2]", "sum(read.mass)", 2.3e-3),
        ("after[1]", "sum(read.mass)", 2.3e-3),
    ],
)
def test_inside_a_loop_a_name_means_that_round(path, text, value):
    found = evaluate_formula(FORMULAS.formula(text, scope_of(path)), OUTPUTS)
    assert isinstance(found, Value)
    assert found.centre == pytest.approx(value)


def test_a_steps_own_outputs_need_no_step_in_their_name():
    own = next(step for step in SOP.flat.steps if step.path == "after[2]")
    formula = FORMULAS.formula("mass > 1 g", own.scope, own)
    assert formula.names["mass"].outputs == ("after[2].mass",)
    rows = FORMULAS.formula("sd(mass) < 1 g", own.scope, own).rows
    assert rows is not None
    assert [row["mass"].outputs for row in rows] == [("after[1].mass",), ("after[2].mass",)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("tare.mas", 'nothing called "tare.mas"'),
        ("amont", 'nothing called "amont"'),
        ("level", 'nothing called "level"'),
        ("mean(tare.mass)", "needs an output of a step in a loop"),
        ("sum(after.mass - other.mass)", "not yielded in one loop"),
        ("mean(after.mas)", "needs an output"),
        ("1 +", "ends too early"),
    ],
)
def test_names_that_mean_nothing(text, words):
    with pytest.raises(ExpressionError, match=words):
        FORMULAS.formula(text, TOP)


def test_what_is_left_out_of_the_plan_has_no_outputs():
    kept = Formulas(FORMULAS.references, FORMULAS.planned, {"after[2]"})
    assert kept.formula("after.mass", TOP).names["after.mass"].outputs == ("after[2].mass",)
    assert kept.formula("tare.mass", TOP).names["tare.mass"].outputs == ()
    rows = kept.formula("mean(after.mass)", TOP).rows
    assert rows is not None
    assert len(rows) == 1


def test_a_formula_is_known_where_nothing_is_measured():
    assert FORMULAS.is_known(FORMULAS.formula("amount > 1 mL and dry", TOP))
    assert not FORMULAS.is_known(FORMULAS.formula("tare.mass > 1 g", TOP))
    assert not FORMULAS.is_known(FORMULAS.formula("mean(after.mass) > 1 g", TOP))


def uncertainty(text: str, outputs=OUTPUTS) -> float | None:
    found = measured(FORMULAS.formula(text, TOP), outputs)
    assert found is not None
    return found[1]


def test_declared_uncertainties_are_propagated():
    assert uncertainty("tare.mass") is None
    assert uncertainty("after.mass") == pytest.approx(2e-6)  # kg
    assert uncertainty("read.mass") == pytest.approx(0.021e-3)
    assert uncertainty("read.mass - tare.mass") == pytest.approx(0.021e-3)
    assert uncertainty("sum(after.mass)") == pytest.approx(2e-6 * math.sqrt(3))
    assert uncertainty("mean(after.mass)") == pytest.approx(2e-6 / math.sqrt(3))
    assert uncertainty("water.density") == pytest.approx(10.0)  # kg/m^3
    assert uncertainty("mass_due") == pytest.approx(2e-6 * 10.0)
    assert uncertainty("after.mass / mass_due") == pytest.approx(0.02, rel=0.01)


def test_uncertainties_of_two_loops_are_joined_and_what_is_written_twice_counts_once():
    assert uncertainty("sum(after.mass) + sum(other.mass)") == pytest.approx(2e-6 * math.sqrt(3))
    readings = 1e-5 * math.hypot(1.1, 1.2, 2.1)
    both = math.hypot(readings, 2e-6 * math.sqrt(3))
    assert uncertainty("sum(read.mass) - sum(after.mass)") == pytest.approx(both)
    assert uncertainty("sum(read.mass) + sum(other.mass) - sum(read.mass)") == pytest.approx(
        0.0, abs=1e-12
    )


def test_a_formula_over_two_loops_has_no_value_while_one_gave_none():
    formula = FORMULAS.formula("sum(read.mass) - sum(other.mass)", TOP)
    some = {name: values for name, values in OUTPUTS.items() if not name.startswith("other")}
    assert measured(formula, OUTPUTS) is not None
    assert measured(formula, some) is None
    assert not FORMULAS.is_known(formula)
    with pytest.raises(ExpressionError, match="needs an output"):
        FORMULAS.formula("sum(read.mass) - sum(other.mas)", TOP)


def test_inside_a_loop_each_function_sees_its_rounds_so_far():
    formula = FORMULAS.formula("sum(after.mass) - sum(read.mass)", scope_of("after[2]"))
    value = evaluate_formula(formula, OUTPUTS)
    assert isinstance(value, Value)
    assert value.number("g") == pytest.approx(3.0 - 2.1)


def test_a_measured_deviation_adds_in_quadrature():
    outputs = {"after[1]": {"mass": 1.0, "mass_sd": 0.0015}}
    assert uncertainty("after.mass", outputs) == pytest.approx(2.5e-6)
    assert uncertainty("tare.mass", {"tare": {"mass": 1.0, "mass_sd": 0.003}}) == pytest.approx(
        3e-6
    )


@given(st.lists(st.floats(0.01, 50.0), min_size=3, max_size=3))
@settings(max_examples=40, deadline=None)
def test_series_agree_with_statistics(masses):
    outputs = {f"after[{index}]": {"mass": mass} for index, mass in enumerate(masses, 1)}
    assert number("mean(after.mass)", "g", TOP, outputs) == pytest.approx(statistics.fmean(masses))
    assert number("sd(after.mass)", "g", TOP, outputs) == pytest.approx(
        statistics.stdev(masses), abs=1e-9
    )
    line = statistics.linear_regression([1.0, 2.0, 4.0], masses)
    slope = number("slope(level, after.mass)", "g/mL", TOP, outputs)
    assert slope == pytest.approx(line.slope, abs=1e-9)


def test_a_well_is_known_only_on_a_plate():
    sop = small(f"  - {weigh()}\n")
    scope = Scope(sop.sop, sop.document)
    assert Planned({}, {}, "B3").binding("well", scope).value == "B3"  # pyright: ignore[reportOptionalMemberAccess]
    assert Planned({}, {}, "").binding("well", scope) is None


def test_differences_have_no_offset():
    assert difference_in(Quantity(0.5, "delta_degC"), "degC") == 0.5
    assert difference_in(Quantity(0.5, "K"), "degC") == 0.5
    with pytest.raises(QuantityError, match="a mass"):
        difference_in(Quantity(0.5, "g"), "degC")
