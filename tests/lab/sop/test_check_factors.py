"""Factors of a campaign: parts of ranges, levels and choices, each refused at its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lab.devices.capability import CAPABILITIES
from lab.sop.check import check_campaign
from lab.sop.check_factors import chosen_choices, factor_findings
from lab.sop.check_space import constraint_texts, space_findings
from lab.sop.check_together import campaign_box, campaign_settings
from lab.sop.document import read_document
from tests.support.flat_sops import EQUIPMENT, dose, read, weigh

if TYPE_CHECKING:
    from lab.domain.diagnostic import Diagnostic

SOP = read(
    EQUIPMENT
    + f"""
parameters:
  amount: {{unit: mL, minimum: 0 mL, maximum: 20 mL, default: 1 mL, role: factor}}
  heat: {{unit: degC, minimum: 10 degC, maximum: 40 degC, default: 25 degC, role: factor}}
  held: {{unit: mL, minimum: 0 mL, maximum: 9 mL, default: 1 mL, role: fixed}}
  liquid: {{type: choice, choices: [water, brine, oil], default: water, role: factor}}
  cup: {{type: choice, choices: [tall, wide], default: tall, role: factor}}
  lot: {{type: choice, choices: [a, b], default: a, role: fixed}}
  label: {{type: text, default: none, role: fixed}}
procedure:
  - {dose("fill", "${amount}")}
  - id: loop
    repeat: {{max_iterations: 2, steps: [{weigh()}]}}
results:
  mass: {{from: weigh.mass, unit: g}}
"""
)
CAMPAIGN = """campaign_format: 1
id: c
title: A campaign
sop: sop.yaml
sop_version: "1.0.0"
lab: lab.yaml
factors:
  FACTORS
MORE
objective: {result: mass, direction: maximize}
budget: {trials: 3}
"""


def campaign(factors: str, more: str = "constraints: []"):
    text = CAMPAIGN.replace("FACTORS", factors).replace("MORE", more)
    found, findings = check_campaign(text, "campaign.yaml")
    assert found is not None, [item.text() for item in findings]
    return found, read_document(text, "campaign.yaml")


def findings(factors: str) -> list[Diagnostic]:
    return factor_findings(*campaign(factors), SOP.sop)


def in_space(factors: str, more: str) -> list[Diagnostic]:
    chosen, document = campaign(factors, more)
    return space_findings(chosen, document, SOP, campaign_box(chosen, SOP))


@pytest.mark.parametrize(
    "factors",
    [
        "amount: {}",
        "amount: {minimum: 1 mL, maximum: 2 mL, step: 0.5 mL}",
        "amount: {levels: [0 mL, 500 uL, 20 mL]}",
        "heat: {levels: [10 degC, 25 degC]}",
        "liquid: {}",
        "liquid: {choices: [oil, water]}",
    ],
)
def test_what_is_well_said(factors: str):
    assert findings(factors) == []


@pytest.mark.parametrize(
    ("factors", "code", "words", "place"),
    [
        ("amonut: {}", "factor", 'no parameter "amonut"', 3),
        ("label: {}", "factor", "only quantities and choices can be varied", 3),
        ("lot: {}", "factor", "has the role fixed", 3),
        ("held: {}", "factor", "has the role fixed", 3),
        ("amount: {minimum: 2 mL, maximum: 2 mL}", "range", "nothing to vary", 3),
        ("amount: {maximum: 21 mL}", "range", "outside the SOP's limits", 21),
        ("amount: {minimum: 1 g}", "dimension", "measured in mL", 21),
        ("amount: {choices: [water]}", "factor", "has no choices", 12),
        ("amount: {descriptors: a.csv}", "factor", "has no descriptors", 12),
        ("amount: {levels: [1 mL]}", "range", "one level", 3),
        ("amount: {levels: [1 mL, 1 mL]}", "range", "comes after 1 mL", 27),
        ("amount: {levels: [2 mL, 1 mL]}", "range", "1 mL comes after 2 mL", 27),
        ("amount: {levels: [1 mL, 2]}", "unit-missing", "2 has no unit", 27),
        ("amount: {levels: [1 mL, 1 K]}", "dimension", "measured in mL", 27),
        ("amount: {levels: [1 mL, 30 mL]}", "range", "outside the SOP's limits", 27),
        ("amount: {levels: [1 mL, 2 mL], step: 1 mL}", "factor", "both `levels` and `step`", 34),
        ("liquid: {minimum: 1 mL}", "factor", "is a choice, and has no minimum", 12),
        ("liquid: {levels: [1 mL, 2 mL]}", "factor", "is a choice, and has no levels", 12),
        ("liquid: {choices: [water, brin]}", "value", '"brin" is not one of the choices', 29),
        ("liquid: {choices: [water, oil, oil]}", "value", '"oil" is listed twice', 34),
        ("liquid: {choices: [oil]}", "range", "one choice", 3),
    ],
)
def test_nonsense_is_refused_at_its_place(factors: str, code: str, words: str, place: int):
    (found,) = findings(factors)
    assert found.code == code, found.text()
    assert words in found.message
    assert (found.line, found.column) == (8, place)
    assert found.blocking
    assert found.hint


def test_a_misspelt_choice_is_told_the_right_one():
    (found,) = findings("liquid: {choices: [water, brin]}")
    assert found.hint == 'did you mean "brine"?'


def test_choices_of_a_campaign_are_its_own_or_all():
    chosen, _ = campaign("liquid: {choices: [oil, water]}\n  cup: {}\n  amount: {}")
    assert chosen_choices(chosen, SOP.sop) == {"liquid": ("oil", "water"), "cup": ("tall", "wide")}
    assert campaign_settings(chosen, SOP) == {"liquid": "oil", "cup": "tall"}


def test_levels_are_the_box():
    chosen, _ = campaign("amount: {levels: [500 uL, 2 mL, 3 mL]}")
    low, high = campaign_box(chosen, SOP)["amount"]
    assert (low.to("mL").magnitude, high.to("mL").magnitude) == (0.5, 3.0)


BOTH = "liquid: {}\n  cup: {}\n  amount: {}"


@pytest.mark.parametrize(
    ("constraint", "code", "words"),
    [
        ("liquid != 'oil' or amount <= 5 mL", "", ""),
        ("not (liquid == 'oil' and cup == 'wide')", "", ""),
        ("lot == 'b' or amount <= 5 mL", "", ""),
        ("liquid != 'oill' or amount <= 5 mL", "value", 'never "oill"'),
        ("liquid > 1 mL", "expression", "compares a text"),
        ("liquid + amount <= 1 mL", "expression", "calculates with a text"),
        ("liquid == 'oil' and liquid == 'water'", "constraint", "nothing in the factors' ranges"),
        ("liquid == 'oil' or liquid != 'oil'", "constraint", "everything in the factors' ranges"),
        ("lot == 'a'", "constraint", "names no factor"),
    ],
)
def test_constraints_of_choices_are_looked_at_over_all_of_them(constraint: str, code: str, words: str):  # fmt: skip
    found = in_space(BOTH, f'constraints: ["{constraint}"]')
    if not code:
        assert found == []
        return
    (one,) = found
    assert one.code == code, one.text()
    assert words in one.message
    assert one.line == 11


def test_a_choice_outside_the_campaign_is_no_text_to_compare_with():
    factors = "liquid: {choices: [water, brine]}\n  amount: {}"
    (found,) = in_space(factors, "constraints: [\"liquid != 'oil' or amount <= 5 mL\"]")
    assert 'never "oil"' in found.message


def test_a_fixed_option_is_written_out_in_a_constraint():
    chosen, _ = campaign("amount: {}", "constraints: [\"lot == 'b' or amount <= 5 mL\"]\nfixed: {lot: b}")  # fmt: skip
    assert constraint_texts(chosen, SOP) == ("'b' == 'b' or amount <= 5 mL",)


def test_no_amount_of_a_choice_can_be_left_out():
    found = in_space(BOTH, "at_most: [{factors: [liquid, amount], most: 1}]")
    assert [item.code for item in found] == ["factor"]
    assert "is a choice" in found[0].message


def test_only_choices_among_the_options_may_have_the_role_factor():
    from lab.sop.check import check_sop

    text = SOP.document.text.replace("default: none, role: fixed", "default: none, role: factor")
    assert text != SOP.document.text
    found = [item for item in check_sop(text, "sop.yaml", CAPABILITIES)[1] if item.blocking]
    assert [item.code for item in found] == ["factor"]
    assert "of options only choices can be varied" in found[0].message
