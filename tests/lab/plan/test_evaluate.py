"""Checks and results at run time: with units, and never true by accident."""

from __future__ import annotations

import pytest

from lab.devices.capability import CAPABILITIES
from lab.domain.plan import Binding, Check, Formula, Plan
from lab.plan.bind import bind
from lab.plan.evaluate import evaluate_check, evaluate_results
from lab.sop.check import check_sop
from tests.support.sop_files import changed, device_capabilities, lab, plans

PLAN = plans(concentrate_volume=4.0, dilute_volume=1.0)[0]
EXPECTED = 4 * 1.31 + 1.11 + 5 * 1.05
CHECK = PLAN.step("weigh").checks[0]


@pytest.mark.parametrize(
    ("outputs", "holds"),
    [
        ({"mass": EXPECTED}, True),
        ({"mass": EXPECTED + 0.249}, True),
        ({"mass": EXPECTED + 0.251}, False),
        ({"mass": EXPECTED - 0.251}, False),
        ({"mass": 0.0}, False),
        ({}, False),
        ({"mass": None}, False),
        ({"mass": "heavy"}, False),
        ({"mass": True}, False),
        ({"mass": float("nan")}, False),
        ({"mass": float("inf")}, False),
        ({"weight": EXPECTED}, False),
    ],
)
def test_a_check_holds_only_where_it_can_be_shown(outputs, holds):
    assert evaluate_check(CHECK, "weigh", outputs, {}, PLAN) is holds


MASS = Binding(unit="g", outputs=("weigh.mass",))
TOTAL = Binding(unit="mL", value=10.0)


@pytest.mark.parametrize(
    ("expression", "names", "holds"),
    [
        ("mass > 12000 mg", {"mass": MASS}, False),
        ("mass > 11000 mg", {"mass": MASS}, True),
        ("mass > 0.011 kg", {"mass": MASS}, True),
        ("mass / total_volume > 1.1 g/mL", {"mass": MASS, "total_volume": TOTAL}, True),
        ("weigh.mass > 11 g", {"weigh.mass": MASS}, True),
        ("mass / (mass - mass) > 1", {"mass": MASS}, False),
        ("mass > 1 mL", {"mass": MASS}, False),
        ("mass", {"mass": MASS}, False),
        ("mass >", {"mass": MASS}, False),
        ("mass > other", {"mass": MASS}, False),
        (
            "mass > other",
            {"mass": MASS, "other": Binding(unit="g", outputs=("weigh.other",))},
            False,
        ),
        ("1 < 2", {}, True),
        ('solvent == "water"', {"solvent": Binding(value="water")}, True),
        ("dry and mass > 1 g", {"mass": MASS, "dry": Binding(value=False)}, False),
    ],
)
def test_checks_know_units(expression, names, holds):
    check = Check(formula=Formula(expression=expression, names=names), message="")
    assert check.expression == expression
    assert evaluate_check(check, "weigh", {"mass": 11.6}, {}, PLAN) is holds


def test_results_are_read_with_their_deviation():
    results = evaluate_results(
        PLAN,
        {
            "measure": {"conductivity": 9.1, "conductivity_sd": 0.02},
            "heat": {"temperature": 25.1},
            "weigh": {"mass": 11.6, "mass_sd": 0.0004},
        },
    )
    assert results == {
        "conductivity": (9.1, 0.02, "mS/cm"),
        "temperature": (25.1, None, "degC"),
        "mass": (11.6, 0.0004, "g"),
    }


def test_results_of_a_run_that_broke_off_are_what_there_is():
    assert evaluate_results(PLAN, {"weigh": {"mass": 11.6}}) == {"mass": (11.6, None, "g")}
    assert evaluate_results(PLAN, {}) == {}
    assert evaluate_results(PLAN, {"weigh": {"mass": float("nan")}}) == {}


def plan_with(*changes: tuple[str, str]) -> Plan:
    found, findings = check_sop(changed("sop", *changes), "sop.yaml", CAPABILITIES)
    assert found is not None, [item.text() for item in findings]
    return bind(found, {}, {}, lab(), CAPABILITIES, 1, device_capabilities(lab()))[0]


def test_a_result_in_another_unit_takes_its_deviation_along():
    plan = plan_with(("    from: measure.conductivity\n    unit: mS/cm",
                      "    from: measure.conductivity\n    unit: S/m"))  # fmt: skip
    found = evaluate_results(plan, {"measure": {"conductivity": 9.13, "conductivity_sd": 0.02}})
    assert found["conductivity"] == (pytest.approx(0.913), pytest.approx(0.002), "S/m")


def test_a_temperature_in_kelvin_keeps_the_size_of_its_deviation():
    plan = plan_with(("    from: heat.temperature\n    unit: degC",
                      "    from: heat.temperature\n    unit: K"))  # fmt: skip
    found = evaluate_results(plan, {"heat": {"temperature": 25.0, "temperature_sd": 0.1}})
    assert found["temperature"] == (pytest.approx(298.15), pytest.approx(0.1), "K")


COMPUTED = (
    "  mass:\n    from: weigh.mass\n    unit: g\n",
    "  density:\n    value: ${weigh.mass / total_volume}\n    unit: g/mL\n"
    "  error:\n    value: ${abs(weigh.mass - expected_mass) / expected_mass}\n    unit: percent\n"
    "  rise:\n    value: ${heat.temperature - parameters.temperature}\n    unit: delta_degC\n"
    "  ratio:\n    value: ${weigh.mass / (weigh.mass - expected_mass)}\n    unit: dimensionless\n",
)


def test_computed_results_have_units_and_no_deviation():
    plan = plan_with(COMPUTED)
    expected = plan.values["expected_mass"]
    outputs = {"weigh": {"mass": expected * 1.01}, "heat": {"temperature": 25.25}}
    results = evaluate_results(plan, outputs)
    assert results["density"] == (pytest.approx(expected * 1.01 / 10.0), None, "g/mL")
    assert results["error"] == (pytest.approx(1.0), None, "percent")
    assert results["rise"] == (pytest.approx(0.25, abs=1e-9), None, "delta_degC")
    assert results["ratio"] == (pytest.approx(101.0), None, "dimensionless")


def test_a_result_without_a_value_is_left_out():
    plan = plan_with(COMPUTED)
    exact = {"weigh": {"mass": plan.values["expected_mass"]}}
    assert "ratio" not in evaluate_results(plan, exact)
    assert "error" in evaluate_results(plan, exact)
    assert "rise" not in evaluate_results(plan, exact)


def test_a_plan_from_the_journal_evaluates_the_same():
    plan = plan_with(COMPUTED)
    again = Plan.model_validate_json(plan.model_dump_json())
    outputs = {"weigh": {"mass": 11.0}, "heat": {"temperature": 25.25}}
    assert evaluate_results(again, outputs) == evaluate_results(plan, outputs)
    check = again.step("weigh").checks[0]
    assert evaluate_check(check, "weigh", {"mass": plan.values["expected_mass"]}, outputs, again)
