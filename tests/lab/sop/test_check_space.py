"""A campaign's space: steps, constraints, mixtures of few, factors alike; each refused where it says nonsense."""

from __future__ import annotations

import pytest

from lab.devices.capability import CAPABILITIES
from lab.domain.quantity import parse_quantity
from lab.domain.units import UnitError
from lab.sop.check import check_campaign
from lab.sop.check_space import constraint_texts, step_of
from lab.sop.check_together import check_together
from lab.sop.document import read_document
from tests.support.flat_sops import EQUIPMENT, dose, read, weigh

SOP = read(
    EQUIPMENT
    + f"""
parameters:
  one: {{unit: mL, minimum: 0 mL, maximum: 10 mL, default: 1 mL, role: factor}}
  two: {{unit: mL, minimum: 0 mL, maximum: 10 mL, default: 1 mL, role: factor}}
  three: {{unit: uL, minimum: 100 uL, maximum: 500 uL, default: 100 uL, role: factor}}
  heat: {{unit: degC, minimum: 10 degC, maximum: 40 degC, default: 25 degC, role: factor}}
  room: {{unit: mL, minimum: 1 mL, maximum: 20 mL, default: 15 mL, role: fixed}}
procedure:
  - {dose("fill", "${one}")}
  - {dose("more", "${two}")}
  - {weigh()}
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
  one: {ONE}
  two: {}
  three: {}
  heat: {HEAT}
SPACE
fixed: {FIXED}
objective: {result: mass, direction: maximize}
budget: {trials: 3}
"""


def loaded(space: str, one: str = "", heat: str = "", fixed: str = ""):
    text = CAMPAIGN.replace("ONE", one).replace("HEAT", heat).replace("FIXED", fixed)
    text = text.replace("SPACE", space)
    found, wrong = check_campaign(text, "campaign.yaml")
    assert found is not None, [item.text() for item in wrong]
    return found, read_document(text, "campaign.yaml")


def _findings(space: str, **parts: str):
    chosen, document = loaded(space, **parts)
    return check_together(chosen, document, SOP, None, CAPABILITIES)


@pytest.mark.parametrize(
    "space",
    [
        "constraints: [one + two <= 12 mL, one + three >= 0.5 mL]",
        "constraints: [one + two <= room]",
        "constraints: [one * two <= 30 mL^2, heat < 35 degC or one < 2 mL]",
        "at_most: [{factors: [one, two], most: 1}]",
        "alike: [heat]",
    ],
)
def test_a_space_that_makes_sense_has_no_findings(space: str):
    assert _findings(space) == []


@pytest.mark.parametrize(
    ("space", "code", "words", "place"),
    [
        ("constraints: [one + too <= 12 mL]", "reference", 'nothing called "too"', (12, 21)),
        ("constraints: [one + two <= 12 g]", "dimension", "compares", (12, 25)),
        ('constraints: ["one + two"]', "constraint", "this is a value", (12, 16)),
        ("constraints: [one + two <=]", "expression", "ends too early", (12, 27)),
        ("constraints: [room <= 16 mL]", "constraint", "names no factor", (12, 15)),
        ("constraints: [one + two >= 25 mL]", "constraint", "nothing in", (12, 15)),
        ("at_most: [{factors: [one, too], most: 1}]", "reference", '"too" is not', (12, 27)),
        ("at_most: [{factors: [one, three], most: 1}]", "range", "left out", (12, 27)),
        ("at_most: [{factors: [one, two], most: 2}]", "range", "leaves nothing", (12, 39)),
        ("alike: [room]", "reference", '"room" is not a factor', (12, 9)),
    ],
)
def test_nonsense_is_refused_at_its_place(
    space: str, code: str, words: str, place: tuple[int, int]
):
    (found,) = _findings(space)
    assert found.code == code
    assert words in found.message
    assert found.severity == "error"
    assert (found.line, found.column) == place
    assert found.hint


def test_a_constraint_that_always_holds_is_only_pointed_out():
    (found,) = _findings("constraints: [one + two <= 20 mL]")
    assert found.severity == "warning"
    assert "everything" in found.message


@pytest.mark.parametrize(
    ("step", "heat", "words"),
    [
        ("step: 1 g", "", "no step of a factor in mL"),
        ("step: 20 mL", "", "does not fit"),
        ("step: 0 mL", "", "does not fit"),
        ("minimum: 2 mL, maximum: 4 mL, step: 3 mL", "", "does not fit"),
        ("", "step: 5 degC", "no step of a factor in degC"),
    ],
)
def test_a_step_that_makes_no_sense_is_refused(step: str, heat: str, words: str):
    (found,) = _findings("alike: []", one=step, heat=heat)
    assert words in found.message
    assert found.line in (8, 11)


def test_a_step_of_a_temperature_is_a_difference():
    assert _findings("alike: []", heat="step: 5 delta_degC") == []
    assert step_of(parse_quantity("5 delta_degC"), "degC") == 5.0
    assert step_of(parse_quantity("5 uL"), "mL") == 0.005
    with pytest.raises(UnitError, match="5 g"):
        step_of(parse_quantity("5 g"), "mL")


def test_what_is_fixed_is_written_out_so_that_only_factors_are_left():
    chosen, _ = loaded("constraints: [one + two <= room - room / 2]", fixed="room: 12 mL")
    assert constraint_texts(chosen, SOP) == ("one + two <= (12.0 mL) - (12.0 mL) / 2",)
    chosen, _ = loaded("constraints: [one + two <= room]")
    assert constraint_texts(chosen, SOP) == ("one + two <= (15.0 mL)",)
