"""What a lab file says about safety is held against what its drivers can do."""

from __future__ import annotations

import pytest

from lab.sop.check import check_lab
from lab.sop.check_lab_safety import DriverTraits

TRAITS = {"pump": DriverTraits(safe_action=True), "scales": DriverTraits(safe_action=False)}

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
