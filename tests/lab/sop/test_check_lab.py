"""Lab files: what a device, a rule or a simulated world is about must be there."""

from __future__ import annotations

import pytest

from lab.devices.capability import CAPABILITIES
from lab.sop.check import check_lab
from tests.support.drivers import CHEMISTRIES, DRIVERS
from tests.support.sop_files import changed, example

HOTPLATE = "driver: ika_hotplate\n"
BROKER = "broker: embedded"


def findings(*changes, chemistries=CHEMISTRIES, capabilities=CAPABILITIES):
    text = changed("lab", *changes)
    lab, found = check_lab(
        text, "lab.yaml", DRIVERS, capabilities=capabilities, chemistries=chemistries
    )
    assert (lab is None) == any(item.blocking for item in found)
    return found


def with_(device: str) -> tuple[str, str]:
    return HOTPLATE, f"{HOTPLATE}    {device}\n"


def test_the_example_is_clean():
    assert findings() == []


@pytest.mark.parametrize(
    ("limit", "code", "words"),
    [
        ("limits: {temprature: {maximum: 60 degC}}", "reference", '"temperature"'),
        ("limits: {temperature: {maximum: 60 rpm}}", "dimension", "degC"),
        ("limits: {temperature: {minimum: 60 degC, maximum: 50 degC}}", "range", "swap"),
        ("range: {volume: {maximum: 60 mL}}", "reference", "known are"),
        ("resolution: {temperature: 1 mL}", "dimension", "degC"),
        ("resolution: {ramp: 1 rpm}", "reference", "known are"),
    ],
)
def test_a_limit_that_would_guard_nothing(limit, code, words):
    (found,) = findings(with_(limit))
    assert found.code == code
    assert found.source_line.strip() == limit
    assert words in found.hint


@pytest.mark.parametrize(
    "limit",
    [
        "limits: {temperature: {maximum: 60 degC}, speed: {maximum: 500 rpm}}",
        "range: {temperature: {minimum: 0 degC, maximum: 310 degC}}",
        "resolution: {temperature: 0.1 degC}",
    ],
)
def test_limits_of_what_it_does(limit):
    assert findings(with_(limit)) == []


def test_one_name_is_reported_once_though_both_ends_are_wrong():
    limit = with_("limits: {temprature: {minimum: 1 degC, maximum: 60 degC}}")
    assert [item.code for item in findings(limit)] == ["reference"]


def test_without_capabilities_nothing_is_said_of_limits():
    wrong = with_("limits: {temprature: {maximum: 60 degC}}")
    assert findings(wrong, capabilities=None) == []


@pytest.mark.parametrize(
    ("chemistry", "words"),
    [
        ("chemistry: electrolite", 'did you mean "electrolyte"?'),
        ("chemistry: alchemy", "known are: dyes, electrolyte"),
        ("chemistry: saponification\n  settings: {rate_konstant: 1}", '"rate_constant"'),
        ("chemistry: water\n  settings: {salt: 1}", "it has none"),
    ],
)
def test_a_simulated_world_that_is_not_there(chemistry, words):
    (found,) = findings(("chemistry: electrolyte", chemistry))
    assert found.code == "reference"
    assert words in found.hint


def test_a_chemistry_and_its_setting():
    right = "chemistry: saponification\n  settings: {rate_constant: 0.1}"
    assert findings(("chemistry: electrolyte", right)) == []


def test_without_simulators_nothing_is_said_of_chemistry():
    assert findings(("chemistry: electrolyte", "chemistry: alchemy"), chemistries=None) == []


def test_rules_about_groups():
    rule = "incompatibilities:\n  - {{groups: [{}, base], reason: they boil}}\n" + BROKER
    assert findings((BROKER, rule.format("acid_organic"))) == []
    (found,) = findings((BROKER, rule.format("acid_organik")))
    assert (found.code, found.line) == (
        "reference",
        example("lab").split(BROKER)[0].count("\n") + 2,
    )
    assert "acid_organic" in found.hint
