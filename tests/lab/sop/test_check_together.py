"""What a campaign, its SOP and its lab must agree on: texts and yes/no, limits of devices, supplies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lab.devices.capability import CAPABILITIES
from lab.domain.errors import InputError
from lab.domain.quantity import Quantity
from lab.sop.check import check_campaign
from lab.sop.check_lab_safety import DriverTraits
from lab.sop.check_together import campaign_box, campaign_settings, check_together
from lab.sop.document import read_document
from tests.support.flat_sops import EQUIPMENT, LAB, dose, lab_of, read, weigh

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import JsonValue

DRIVERS = {"mettler_toledo_sics": ("weighing",), "new_era_ne1000": ("liquid_dosing",)}
PARAMETERS = """
parameters:
  amount: {unit: mL, minimum: 0 mL, maximum: 20 mL, default: 1 mL, role: factor}
  temperature: {unit: degC, minimum: 10 degC, maximum: 40 degC, default: 25 degC, role: fixed}
  careful: {type: yes_no, default: false, role: fixed}
  liquid: {type: choice, choices: [water, brine], default: water, role: fixed}
  label: {type: text, default: none, role: fixed}
  kept: {type: text, default: same, role: reported}
"""
SOP = read(
    EQUIPMENT
    + PARAMETERS
    + f"""
procedure:
  - {dose("fill", "${amount}")}
  - id: loop
    repeat: {{max_iterations: 2, steps: [{weigh()}]}}
results:
  mass: {{from: weigh.mass, unit: g}}
"""
)
CAMPAIGN = """
campaign_format: 1
id: c
title: A campaign
sop: sop.yaml
sop_version: "1.0.0"
lab: lab.yaml
factors: {FACTORS}
fixed: {FIXED}
objective: {result: mass, direction: maximize}
budget: {trials: 3}
"""


def campaign(fixed: str = "", factors: str = "amount: {}"):
    text = CAMPAIGN.replace("FIXED", fixed).replace("FACTORS", factors)
    found, findings = check_campaign(text, "campaign.yaml")
    assert found is not None, [item.text() for item in findings]
    return found, read_document(text, "campaign.yaml")


def findings(fixed: str = "", factors: str = "amount: {}", lab: str = LAB):
    chosen, document = campaign(fixed, factors)
    return check_together(chosen, document, SOP, lab_of(lab), CAPABILITIES, DRIVERS)


def test_texts_and_answers_are_taken_by_their_kind():
    fixed = "temperature: 30 degC, careful: true, liquid: brine, label: 25 degC"
    assert findings(fixed) == []
    chosen, _ = campaign("temperature: 30 degC, careful: true, liquid: brine")
    assert campaign_settings(chosen, SOP) == {"careful": True, "liquid": "brine"}
    box = campaign_box(chosen, SOP)
    assert box["temperature"] == (Quantity(30.0, "degC"), Quantity(30.0, "degC"))
    assert str(box["amount"][1]) == "20 mL"
    assert set(box) == {"amount", "temperature"}


@pytest.mark.parametrize(
    ("fixed", "code", "words"),
    [
        ("careful: water", "value", "true or false"),
        ("careful: 1 mL", "value", "true or false"),
        ("liquid: watr", "value", '"water"'),
        ("liquid: true", "value", "a choice"),
        ("label: false", "value", "a text"),
        ("label: 5", "value", "a text"),
        ("liquid: 2 mL", "value", '"2 mL" is not one of the choices'),
        ("kept: other", "reference", "role reported"),
        ("temperature: warm", "vague", "is not a quantity"),
        ("temperature: true", "value", "not true or false"),
        ('temperature: "25,5 degC"', "decimal-comma", "25.5 degC"),
        ("temperature: 25", "unit-missing", "25 degC"),
        ('temperature: "25"', "unit-missing", "no unit"),
        ("temperature: 25 g", "dimension", "a mass"),
        ("temperature: 90 degC", "range", "outside"),
        ("nothing: 1", "reference", "no parameter"),
    ],
)
def test_each_value_of_a_wrong_kind(fixed, code, words):
    (finding,) = findings(fixed)
    assert finding.code == code, finding.text()
    assert words in finding.text()
    assert finding.blocking


def test_a_text_is_never_varied():
    (finding,) = findings(factors="amount: {}, label: {}")
    assert finding.code == "factor"
    assert "only quantities and choices can be varied" in finding.message


PUMP = 'pump: {driver: new_era_ne1000, url: "sim:", draws: water, into: pot'


def limited(limits: str) -> str:
    assert PUMP in LAB
    return LAB.replace(PUMP, f"{PUMP}, limits: {limits}")


@pytest.mark.parametrize(
    ("limits", "factors", "words"),
    [
        ("{volume: {maximum: 20 mL}}", "amount: {}", ""),
        ("{volume: {maximum: 15 mL}}", "amount: {}", "volume can be 20 mL, above the 15 mL"),
        ("{volume: {maximum: 15 mL}}", "amount: {maximum: 15 mL}", ""),
        ("{volume: {minimum: 1 mL}}", "amount: {}", "volume can be 0 mL, below the 1 mL"),
        ("{rate: {maximum: 10 mL/min}}", "amount: {}", "rate can be 20 mL/min, above"),
        ("{speed: {maximum: 10 rpm}}", "amount: {}", ""),
    ],
)
def test_what_the_lab_allows_its_devices(limits, factors, words):
    found = findings(factors=factors, lab=limited(limits))
    assert [item.code for item in found] == (["device-limit"] if words else [])
    if words:
        assert words in found[0].message
        assert found[0].severity == "safety"
        assert "volume" in found[0].source_line


def _able(settings: Mapping[str, JsonValue]) -> Mapping[str, tuple[float, float]]:
    """Of a pump: what its syringe holds, which it must be told."""
    most = settings.get("most")
    if not isinstance(most, float | int):
        raise InputError("setting most is missing")
    return {"volume": (0.5, float(most)), "rate": (0.001, 25.0)}


def possible(settings: str, factors: str, limits: str = "{}"):
    chosen, document = campaign(factors=factors)
    lab = lab_of(limited(limits).replace("limits:", f"settings: {settings}, limits:"))
    traits = {"new_era_ne1000": DriverTraits(limits=_able)}
    return check_together(chosen, document, SOP, lab, CAPABILITIES, DRIVERS, traits)


@pytest.mark.parametrize(
    ("settings", "factors", "words"),
    [
        ("{most: 20}", "amount: {minimum: 0.5 mL}", ""),
        ("{most: 12}", "amount: {minimum: 1 mL}", 'volume can be 20 mL, above the 12 mL that "pump" can do'),
        ("{most: 12}", "amount: {minimum: 1 mL, maximum: 12 mL}", ""),
        ("{most: 20}", "amount: {}", "volume can be 0 mL, below the 0.5 mL"),
        ("{}", "amount: {}", ""),  # reported with the lab file
    ],
)  # fmt: skip
def test_what_a_device_can_do_with_its_settings(settings, factors, words):
    found = possible(settings, factors)
    assert [item.code for item in found] == (["device-limit"] if words else [])
    if words:
        assert words in found[0].message
        assert (found[0].severity, found[0].blocking) == ("error", True)
        assert "volume" in found[0].source_line


def test_the_limits_of_the_lab_and_of_the_device_both_count():
    found = possible("{most: 12}", "amount: {minimum: 1 mL}", "{volume: {maximum: 6 mL}}")
    assert [item.message.partition("above ")[2] for item in found] == [
        'the 12 mL that "pump" can do', 'the 6 mL that "pump" is allowed',
    ]  # fmt: skip


def test_limits_of_a_device_that_can_not_play_the_role_do_not_count():
    other = limited("{volume: {maximum: 1 mL}}").replace(
        "draws: water, into: pot, limits", "into: other, limits"
    )
    other = other.replace("stations:", "stations:\n  other: {capacity: 1 L}")
    spare = '\n  more: {driver: new_era_ne1000, url: "sim:", draws: water, into: pot}\n'
    assert findings(lab=other.rstrip() + spare) == []


def test_supplies_count_every_round():
    (finding,) = findings(lab=LAB.replace("{volume: 1 L", "{volume: 50 mL"))
    assert (finding.code, finding.severity) == ("supply", "warning")
    assert "60 mL" in finding.message


GROUPS = (
    "incompatibilities:\n  - {groups: [base, ammonia], reason: they reek, severity: SEVERITY}\n"
)
"""Two groups that the built-in table lets pass."""


def meeting(severity: str, safety: str = ""):
    text = f"""
materials:
  lye: {{name: Lye, role: reagent, reactive_groups: [base]}}
  liquor: {{name: Liquor, role: reagent, reactive_groups: [ammonia]}}
containers:
  pot: {{capacity: 20 mL}}
equipment:
  lye_pump: {{capability: liquid_dosing, draws: lye, into: pot}}
  liquor_pump: {{capability: liquid_dosing, draws: liquor, into: pot}}
  balance: {{capability: weighing, at: pot}}
{safety}
procedure:
  - {{id: one, title: One, equipment: lye_pump, action: dispense, with: {{volume: 1 mL}}, duration: 5 s, timeout: 1 min}}
  - {{id: two, title: Two, equipment: liquor_pump, action: dispense, with: {{volume: 1 mL}}, duration: 5 s, timeout: 1 min}}
  - {weigh()}
parameters:
  amount: {{unit: mL, minimum: 0 mL, maximum: 20 mL, default: 1 mL, role: factor}}
results:
  mass: {{from: weigh.mass, unit: g}}
"""
    chosen, document = campaign()
    lab = lab_of(LAB + GROUPS.replace("SEVERITY", severity))
    found = check_together(chosen, document, read(text), lab, CAPABILITIES, DRIVERS)
    return [item for item in found if item.code == "incompatible"]


@pytest.mark.parametrize(
    ("severity", "shown"), [("block", "safety"), ("ask", "warning"), ("note", "note")]
)
def test_a_rule_of_the_lab_is_found_in_the_procedure(severity, shown):
    (found,) = meeting(severity)
    assert found.severity == shown
    assert (
        '"liquor" and "lye" may meet in "pot": they reek (a rule of this laboratory)'
        in found.message
    )
    assert "id: two" in found.source_line
    assert found.hint


def test_who_answers_for_a_rule_of_the_lab():
    answer = "{finding: incompatible, between: [lye, liquor], name: A. Weber, reason: in the hood}"
    (found,) = meeting("block", f"safety:\n  overrides: [{answer}]")
    assert found.severity == "note"
    assert "A. Weber" in found.message
