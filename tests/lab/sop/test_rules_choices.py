"""Choices among the parameters: a campaign may set any of them, so all of them are looked at."""

from __future__ import annotations

import json

import pytest

from lab.devices.capability import CAPABILITIES
from lab.sop.check import check_sop
from tests.support.small_sops import branch, dose, small_tree, step

WEIGH = step("weigh", "balance", "weigh")


def option(*choices: str, kind: str = "choice", role: str = "fixed"):
    found = {"type": kind, "default": choices[0], "role": role}
    return {"mode": found | ({"choices": list(choices)} if kind == "choice" else {})}


def findings(procedure, options, **changes):
    tree = small_tree([*procedure, WEIGH], parameters=options, **changes)
    found = check_sop(json.dumps(tree, indent=1), "sop.yaml", CAPABILITIES)[1]
    return [item for item in found if item.code not in ("unused", "safe-state")]


def calibrate(point: str):
    electrode = {"electrode": {"capability": "ph", "at": "pot"}}
    given = {"point": point, "value": "7 dimensionless"}
    return [step("calibrate", "electrode", "calibrate", with_=given)], {"equipment": electrode}


def test_each_choice_must_be_one_that_the_action_takes():
    steps, more = calibrate("${mode}")
    assert findings(steps, option("mid", "low"), **more) == []
    (found,) = findings(steps, option("mid", "hihg"), **more)
    assert found.code == "value"
    assert '"mode" may be "hihg", which "calibrate" does not take' in found.message
    assert found.hint == 'did you mean "high"?'


def test_a_reported_choice_is_always_its_default():
    steps, more = calibrate("${parameters.mode}")
    assert findings(steps, option("mid", "none", role="reported"), **more) == []


@pytest.mark.parametrize(
    "volume",
    [
        "${mode}",
        "${mode * 1 mL}",
        "${max(mode, 1 mL)}",
        "${(mode == 'a') * 1 mL}",
        "${count(mode == 'a') * 1 mL}",
        "${clamp(1 mL, mode, 2 mL)}",
    ],
)
def test_no_choice_can_become_a_volume(volume):
    """What is in the vessels is computed with the defaults: this is why that suffices."""
    found = findings([dose("fill", "water_pot", volume)], option("a", "b"))
    assert found
    assert all(item.blocking for item in found)


@pytest.mark.parametrize("default", ["a", "b"])
def test_both_ways_of_a_branch_on_a_choice_are_followed(default):
    much = branch("ask", [dose("much", "water_pot", "30 mL")], [])
    much["branch"]["when"] = "${mode == 'a'}"
    choices = option("a", "b") | {}
    choices["mode"]["default"] = default
    (found,) = findings([much], choices)
    assert found.code == "overfill"
