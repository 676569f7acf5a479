"""What a lab file says about safety is held against what its drivers can do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lab.sop.check import check_lab
from lab.sop.check_lab_safety import DriverTraits

if TYPE_CHECKING:
    from collections.abc import Mapping

TRAITS = {
    "pump": DriverTraits(actions=frozenset({"dispense", "stop"})),
    "scales": DriverTraits(
        safe_action=False, telemetry={"mass": "g"}, actions=frozenset({"weigh"})
    ),
}

LAB = """lab_format: 1
id: bench
title: A bench
devices:
  dosing:
    driver: pump
    url: "sim:"
    {dosing}
  balance:
    driver: scales
    url: "sim:"
    {balance}
"""


def findings(dosing: str = "", balance: str = "", traits: dict[str, DriverTraits] | None = TRAITS):
    text = LAB.replace("{dosing}", dosing).replace("{balance}", balance)
    return check_lab(text, "lab.yaml", traits=traits)


@pytest.mark.parametrize("text", ["", "dead_man: 10 s", "dead_man: 0 s", "dead_man: 60 min"])
def test_a_dead_man_time_that_makes_sense_has_no_findings(text: str) -> None:
    lab, found = findings(text)
    assert not found
    assert lab is not None


@pytest.mark.parametrize("text", ["dead_man: 500 ms", "dead_man: 61 min", "dead_man: -3 s"])
def test_one_that_guards_nothing_or_trips_at_once_is_refused(text: str) -> None:
    lab, [found] = findings(text)
    assert lab is None
    assert (found.line, found.code) == (8, "range")
    assert "0 s switches it off" in found.hint


def test_a_device_that_only_measures_has_none_and_is_told_why() -> None:
    lab, [found] = findings("", "dead_man: 10 s")
    assert lab is None
    assert (found.line, found.code) == (12, "dead_man")
    assert "no safe state" in found.message
    assert "only measures" in found.why
    assert findings("", "dead_man: 10 s", traits=None)[1] == [], "nothing is known of its driver"


def test_a_time_is_a_time() -> None:
    _, [found] = findings("dead_man: 10 mL")
    assert found.line == 8


# -- interlocks -------------------------------------------------------------------------------------

GOOD = {
    "device": "balance",
    "signal": "mass",
    "maximum": "200 g",
    "max_age": "15 s",
    "blocks": "[dosing]",
}


def of_interlock(
    changes: Mapping[str, str | None], traits: dict[str, DriverTraits] | None = TRAITS
):
    entry = {**GOOD, **changes}
    lines = "".join(f"    {key}: {value}\n" for key, value in entry.items() if value is not None)
    text = LAB.replace("    {dosing}\n", "").replace("    {balance}\n", "")
    return check_lab(f"{text}interlocks:\n  load:\n{lines}", "lab.yaml", traits=traits)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"minimum": "1 mg"},
        {"maximum": None, "minimum": "0 g"},
        {"actions": "[dispense]"},
        {"blocks": "dosing", "reason": "the beaker runs over"},
        {"blocks": "[dosing, balance]", "actions": "[weigh, dispense]"},
    ],
)
def test_an_interlock_that_can_hold_and_can_open_has_no_findings(changes: dict[str, str]) -> None:
    lab, found = of_interlock(changes)
    assert not found
    assert lab is not None
    assert lab.interlocks["load"].max_age.magnitude == 15


@pytest.mark.parametrize(
    ("changes", "code", "says"),
    [
        ({"device": "balence"}, "reference", 'no device "balence"'),
        ({"device": "dosing"}, "reference", 'pump tells no live signal "mass"'),
        ({"signal": "masse"}, "reference", 'scales tells no live signal "masse"'),
        ({"maximum": None}, "shape", "has no limit"),
        ({"maximum": "200 mL"}, "dimension", "is given in g"),
        ({"minimum": "1 kg"}, "range", "below the minimum"),
        ({"max_age": "100 ms"}, "range", "between 1 s and 1 h"),
        ({"max_age": "2 h"}, "range", "between 1 s and 1 h"),
        ({"blocks": "[dosingg]"}, "reference", 'no device "dosingg"'),
        ({"actions": "[weigh]"}, "reference", 'an action "weigh"'),
    ],
)
def test_one_that_would_guard_nothing_or_stop_everything_is_refused(
    changes: dict[str, str | None], code: str, says: str
) -> None:
    lab, found = of_interlock(changes)
    assert lab is None
    [finding] = [item for item in found if item.code == code]
    assert says in finding.message
    assert finding.line > 9


@pytest.mark.parametrize("missing", ["device", "signal", "max_age", "blocks"])
def test_what_an_interlock_needs_is_asked_for(missing: str) -> None:
    lab, found = of_interlock({missing: None})
    assert lab is None
    assert any(missing in item.message for item in found)


def test_what_is_not_known_of_a_driver_is_not_judged() -> None:
    assert of_interlock({"signal": "anything", "actions": "[fly]"}, None)[1] == []
