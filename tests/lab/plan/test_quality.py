"""Standards, blanks and replicates, judged at the end of a run."""

from __future__ import annotations

import pytest

from lab.devices.capability import CAPABILITIES
from lab.domain.errors import InputError
from lab.plan.bind import bind
from lab.plan.evaluate import evaluate_quality
from tests.support.flat_sops import LAB, lab_of, small, weigh

QUALITY = """
results:
  mass: {from: weigh.mass, unit: g}
quality:
  standards:
    check_weight:
      material: water
      certificate: E2 / 4711
      certified_value: 10 g
      expanded_uncertainty: 0.2 mg
      measured: weigh.mass
      tolerance: 5 mg
      on_failure: fail
  blanks:
    empty: {measured: "${tare.mass * 2}", minimum: -2 mg, maximum: 2 mg}
  replicates:
    readings: {measured: read.mass, least: 3, max_relative_sd: 1 percent}
"""
PROCEDURE = f"""
  - {weigh("tare")}
  - {weigh()}
  - id: loop
    repeat: {{max_iterations: 4, steps: [{weigh("read")}]}}
"""
PLAN = bind(
    small(PROCEDURE, QUALITY), {}, {}, lab_of(LAB), CAPABILITIES, 1,
    {"scale": ("weighing",), "pump": ("liquid_dosing",)},
)[0]  # fmt: skip


def judged(mass: float | None = 10.0, tare: float = 0.0, *readings: float):
    outputs = {f"read[{index}]": {"mass": value} for index, value in enumerate(readings, 1)}
    outputs["tare"] = {"mass": tare}
    if mass is not None:
        outputs["weigh"] = {"mass": mass}
    return {item.name: item for item in evaluate_quality(PLAN, outputs)}


def test_what_the_plan_says():
    standard, blank, replicates = PLAN.quality
    assert (standard.certified_value, standard.unit, standard.maximum) == (
        10.0,
        "g",
        pytest.approx(0.005),
    )
    assert standard.expanded_uncertainty == pytest.approx(0.0002)
    assert (standard.certificate, standard.on_failure) == ("E2 / 4711", "fail")
    assert (blank.minimum, blank.maximum, blank.unit) == (-2.0, 2.0, "mg")
    assert (replicates.maximum, replicates.least, replicates.unit) == (1.0, 3, "g")


@pytest.mark.parametrize(
    ("mass", "accepted"),
    [(10.0, True), (10.005, True), (9.995, True), (10.0051, False), (9.99, False)],
)
def test_a_standard_is_judged_by_its_deviation(mass, accepted):
    outcome = judged(mass)["check_weight"]
    assert outcome.accepted is accepted
    assert (outcome.value, outcome.expected, outcome.unit) == (pytest.approx(mass), 10.0, "g")
    assert "deviation" in outcome.detail


@pytest.mark.parametrize(("tare", "accepted"), [(0.0, True), (0.001, True), (0.0011, False)])
def test_a_blank_is_judged_by_what_was_found(tare, accepted):
    outcome = judged(10.0, tare)["empty"]
    assert outcome.accepted is accepted
    assert outcome.value == pytest.approx(2000 * tare)


@pytest.mark.parametrize(
    ("readings", "accepted", "words"),
    [
        ((1.0, 1.001, 0.999), True, "of 3"),
        ((1.0, 1.05, 0.95), False, "allowed up to 1 %"),
        ((1.0, 1.0), False, "2 of at least 3"),
        ((), False, "0 of at least 3"),
        ((0.0, 0.0, 0.0), True, "0 %"),
        ((-1.0, 1.0, -1.0, 1.0), False, "inf"),
    ],
)
def test_replicates_are_judged_by_their_relative_deviation(readings, accepted, words):
    outcome = judged(10.0, 0.0, *readings)["readings"]
    assert outcome.accepted is accepted
    assert words in outcome.detail


def test_what_was_not_measured_is_not_accepted():
    outcome = judged(None)["check_weight"]
    assert (outcome.accepted, outcome.value, outcome.detail) == (
        False,
        None,
        "nothing was measured",
    )


def test_replicates_outside_a_loop_are_wrong_input():
    with pytest.raises(InputError, match="needs an output of a step in a loop"):
        bind(
            small(PROCEDURE, QUALITY.replace("read.mass", "tare.mass")), {}, {}, lab_of(LAB),
            CAPABILITIES, 1, {"scale": ("weighing",), "pump": ("liquid_dosing",)},
        )  # fmt: skip


@pytest.mark.parametrize(
    ("group", "entry"),
    [
        ("blanks", '    second: {measured: "${mean(tare.mass)}", maximum: 2 mg}\n'),
        ("replicates", "    second: {measured: tare.mass, least: 3, max_relative_sd: 1 percent}\n"),
    ],
)
def test_what_can_not_be_judged_is_found_at_its_own_line(group, entry):
    text = QUALITY.replace(f"  {group}:\n", f"  {group}:\n{entry}")
    with pytest.raises(InputError, match="second: a function over a loop") as refused:
        bind(
            small(PROCEDURE, text), {}, {}, lab_of(LAB), CAPABILITIES, 1,
            {"scale": ("weighing",), "pump": ("liquid_dosing",)},
        )  # fmt: skip
    [finding] = refused.value.diagnostics
    assert "second" in finding.source_line
