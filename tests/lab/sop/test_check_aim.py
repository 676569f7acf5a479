"""What a campaign seeks, refused at its place where it makes no sense."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lab.devices.capability import CAPABILITIES
from lab.sop.check import check_campaign
from lab.sop.check_together import check_together
from lab.sop.document import read_document
from lab.sop.model_materials import Range
from tests.lab.sop.test_check_space import CAMPAIGN, SOP

OBJECTIVE = "objective: {result: mass, direction: maximize}"


def _findings(aim: str):
    text = CAMPAIGN.replace("ONE", "{}").replace("HEAT", "{}").replace("FIXED", "{}")
    text = text.replace("{{}}", "{}").replace("SPACE\n", "").replace(OBJECTIVE, aim)
    campaign, wrong = check_campaign(text, "campaign.yaml")
    if campaign is None or wrong:
        return wrong
    return check_together(campaign, read_document(text, "campaign.yaml"), SOP, None, CAPABILITIES)


@pytest.mark.parametrize(
    "aim",
    [
        OBJECTIVE,
        "objective: {result: mass, direction: target, target: 500 mg, worst: 0.2 g}",
        "objective: {result: mass, direction: minimize, worst: 2 g, ideal: 500 mg}\n"
        "limits: [{result: mass, minimum: 1 mg}]",
        "objectives: [{result: mass, direction: maximize, worst: 1 g}]",
        "objective: {result: mass, direction: minimize, worst: 2 g, ideal: 1 g, weight: 3}\n"
        "weigh: desirability",
        OBJECTIVE + "\nstop: {within: 10 mg, probability: 0.9, trials: 5, decides: false}",
        OBJECTIVE + "\nstop: {within: 10 mg}\nlimits: [{result: mass, maximum: 1 g}]",
        "objective: {result: mass, direction: target, target: 1 g}\nstop: {within: 10 mg}",
        "objective: {result: mass, direction: minimize, worst: 2 g, ideal: 1 g}\n"
        "weigh: desirability\nstop: {within: 2 percent}",
        OBJECTIVE + "\nstrategy: {outliers: true}",
        "objective: {result: mass, direction: maximize, zeros: true}",
        "objectives: [{result: mass, direction: maximize, zeros: true, worst: 0 g}]\n"
        "limits: [{result: mass, maximum: 1 g}]",
    ],
)
def test_an_aim_that_makes_sense_has_no_findings(aim: str):
    assert _findings(aim) == []


@pytest.mark.parametrize(
    ("aim", "code", "words", "line"),
    [
        ("", "key-missing", '"objective" is missing', 1),
        (OBJECTIVE + "\nobjectives: [{result: mass, direction: maximize}]", "objective", "both", 14),
        ("objectives: [{result: mas, direction: maximize}]", "reference", 'no result "mas"', 13),
        (
            "objectives: [{result: mass, direction: maximize}, {result: mass, direction: minimize}]",
            "objective", "listed twice", 13,
        ),
        ("objective: {result: mass, direction: target}", "objective", "without its value", 13),
        ("objective: {result: mass, direction: maximize, target: 1 g}", "objective", "a target value", 13),
        ("objective: {result: mass, direction: target, target: 1 mL}", "dimension", "is a volume", 13),
        ("objective: {result: mass, direction: target, target: 1 g, ideal: 1 g}", "objective", "beside a target", 13),
        ("objective: {result: mass, direction: target, target: 1 g, worst: 0 g}", "range", "a distance of", 13),
        ("objective: {result: mass, direction: target, target: 1 g, worst: 1 mL}", "dimension", "no distance", 13),
        ("objective: {result: mass, direction: maximize, worst: 2 g, ideal: 1 g}", "range", "not better", 13),
        ("objective: {result: mass, direction: minimize, worst: 1 g, ideal: 2 g}", "range", "not better", 13),
        (OBJECTIVE + "\nweigh: desirability", "objective", "both of its ends", 13),
        (OBJECTIVE + "\nlimits: [{result: mass}]", "objective", "limits nothing", 14),
        (OBJECTIVE + "\nlimits: [{result: mass, minimum: 2 g, maximum: 1 g}]", "range", "nothing lies", 14),
        (
            "objective: {result: mass, direction: target, target: 3 g}\nlimits: [{result: mass, maximum: 1 g}]",
            "objective", "forbids it", 13,
        ),
        (OBJECTIVE + "\nstop: {within: 1 mL}", "dimension", "no distance", 14),
        (OBJECTIVE + "\nstop: {within: 0 g}", "range", "a distance of", 14),
        (OBJECTIVE + "\nstop: {within: 1 mL}\nlimits: [{result: mass, maximum: 1 g}]", "dimension", "no distance", 14),
        (OBJECTIVE + "\nstop: {within: 1 g, probability: 1}", "value", "", 14),
        (
            "objective: {result: mass, direction: minimize, worst: 2 g, ideal: 1 g}\n"
            "weigh: desirability\nstop: {within: 10 mg}",
            "dimension", "no share", 15,
        ),
        (
            "objective: {result: mass, direction: minimize, worst: 2 g, ideal: 1 g}\n"
            "weigh: desirability\nstop: {within: 100 percent}",
            "dimension", "no share", 15,
        ),
        (
            OBJECTIVE + "\nlimits: [{result: mass, maximum: 1 g}]\nstrategy: {outliers: true}",
            "objective", "a search for outliers beside several objectives", 15,
        ),
        ("objective: {result: mass, direction: minimize, zeros: true}", "objective", "less is better", 13),
        (
            "objective: {result: mass, direction: maximize, zeros: true}\nstrategy: {outliers: true}",
            "objective", "many zeros beside a search for outliers", 13,
        ),
        (
            "objective: {result: mass, direction: target, target: 1 g, zeros: true}",
            "objective", "many zeros, and a target is sought", 13,
        ),
        (
            "objectives: [{result: mass, direction: maximize, worst: -1 mg, zeros: true}]\n"
            "limits: [{result: mass, maximum: 1 g}]",
            "objective", "many zeros, and -1 mg as the worst that is of use", 13,
        ),
        (
            "objectives: [{result: mass, direction: maximize, zeros: true}]\n"
            "limits: [{result: mass, maximum: 1 g}]\nstrategy: {outliers: true}",
            "objective", "a search for outliers beside several objectives", 15,
        ),
        (OBJECTIVE + "\nstrategy: {quantile: 0.1}", "objective", "no factor has an accuracy", 14),
        (OBJECTIVE + "\nstrategy: {quantile: 0.5}", "value", "", 14),
    ],
)  # fmt: skip
def test_nonsense_is_refused_at_its_place(aim: str, code: str, words: str, line: int):
    found = _findings(aim)
    assert [item.code for item in found] == [code]
    assert words in found[0].message
    assert found[0].line == (line if aim else found[0].line)
    assert found[0].hint


SPAN = replace(
    SOP,
    sop=SOP.sop.model_copy(
        update={
            "results": {
                "mass": SOP.sop.results["mass"].model_copy(
                    update={"range": Range.model_validate({"minimum": "1 mg", "maximum": "5 g"})}
                )
            }
        }
    ),
)


def _measured(aim: str):
    text = CAMPAIGN.replace("ONE", "{}").replace("HEAT", "{}").replace("FIXED", "{}")
    text = text.replace("{{}}", "{}").replace("SPACE\n", "").replace(OBJECTIVE, aim)
    campaign, wrong = check_campaign(text, "campaign.yaml")
    assert campaign is not None, wrong
    return check_together(campaign, read_document(text, "campaign.yaml"), SPAN, None, CAPABILITIES)


@pytest.mark.parametrize(
    ("aim", "words"),
    [
        (OBJECTIVE, None),
        ("objective: {result: mass, direction: target, target: 500 mg}", None),
        ("objective: {result: mass, direction: target, target: 5 g}", "is measured up to 5 g, so nobody could tell what lies at 5 g"),
        ("objective: {result: mass, direction: target, target: 0.5 mg}", "is measured from 1 mg, so"),
        (OBJECTIVE + "\nlimits: [{result: mass, maximum: 4 g, minimum: 2 mg}]", None),
        (OBJECTIVE + "\nlimits: [{result: mass, maximum: 6 g}]", "up to 5 g"),
        (OBJECTIVE + "\nlimits: [{result: mass, minimum: 1 mg}]", "from 1 mg"),
        ("objective: {result: mass, direction: maximize, zeros: true}", "many zeros, and \"mass\" is measured from 1 mg on"),
    ],
)  # fmt: skip
def test_what_is_sought_lies_where_it_can_be_measured(aim: str, words: str | None):
    found = _measured(aim)
    assert len(found) == (words is not None)
    if words is not None:
        assert words in found[0].message
        assert found[0].code in ("range", "objective")
