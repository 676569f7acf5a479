"""Factors that nobody chooses: where their values come from, and what can't be asked of them; each at its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lab.devices.capability import CAPABILITIES
from lab.domain.quantity import parse_quantity
from lab.sop.check import check_lab
from lab.sop.check_context import own_box
from lab.sop.check_factors import chosen_choices
from lab.sop.check_lab_safety import DriverTraits
from lab.sop.check_together import check_together
from tests.lab.sop.test_check_space import SOP, loaded

if TYPE_CHECKING:
    from lab.domain.diagnostic import Diagnostic

TRAITS = {
    "warm": DriverTraits(
        safe_action=False, telemetry={"temperature": "degC", "speed": "rpm"}, actions=frozenset()
    ),
    "mute": DriverTraits(safe_action=False, telemetry={}, actions=frozenset()),
}
LAB = """lab_format: 1
id: bench
title: A bench
stations: {pot: {capacity: 100 mL}, waste: {capacity: 1 L, shared: true}}
stock: {water: {volume: 1 L}}
devices:
  plate: {driver: warm, url: "sim:"}
  quiet: {driver: mute, url: "sim:"}
broker: in-process
database: records.db
"""
LIVE = "context: {device: plate, signal: temperature, max_age: 30 s}"
OWN = "minimum: 15 degC, maximum: 30 degC"


def _findings(heat: str, space: str = "", own: str = "", **parts: str) -> list[Diagnostic]:
    """`own`: a factor of which the SOP knows nothing, called `day`."""
    if own:
        parts["one"] = parts.get("one", "") + "}\n  day: {" + own
    chosen, document = loaded(space, heat=heat, **parts)
    lab, wrong = check_lab(LAB, "lab.yaml")
    assert lab is not None, wrong
    found = check_together(chosen, document, SOP, lab, CAPABILITIES, None, TRAITS)
    return [item for item in found if item.file == "campaign.yaml"]


@pytest.mark.parametrize(
    "heat",
    [
        LIVE,
        "context: {}",
        "context: {value: 300 K}",
        "context: {value: 25 degC, max_age: 8 h}",
        f"minimum: 20 degC, maximum: 30 degC, {LIVE}",
    ],
)
def test_a_parameter_of_the_sop_may_be_what_it_is(heat: str) -> None:
    assert _findings(heat) == []
    chosen, _ = loaded("", heat=heat)
    assert own_box(chosen, SOP.sop) == {}


@pytest.mark.parametrize(
    "own",
    [
        f"{OWN}, {LIVE}",
        f"{OWN}, context: {{value: 295 K}}",
        "choices: [a1, a2], context: {value: a2}",
        "minimum: 10 percent, maximum: 90 percent, context: {}",
    ],
)
def test_so_may_what_the_sop_knows_nothing_of(own: str) -> None:
    assert _findings("", own=own) == []


def test_its_range_is_the_files() -> None:
    chosen, _ = loaded("", one="}\n  day: {" + OWN.replace("30 degC", "303.15 K") + ", context: {}")
    low, high = own_box(chosen, SOP.sop)["day"]
    assert (low, high.unit) == (parse_quantity("15 degC", ""), "degC")
    assert high.magnitude == pytest.approx(30.0)
    chosen, _ = loaded("", one="}\n  day: {choices: [a1, a2], context: {}")
    assert own_box(chosen, SOP.sop) == {}
    assert chosen_choices(chosen, SOP.sop) == {"day": ("a1", "a2")}


@pytest.mark.parametrize(
    ("heat", "code", "words"),
    [
        (f"step: 1 delta_degC, {LIVE}", "context", "is not chosen, so it has no step"),
        (f"levels: [20 degC, 30 degC], {LIVE}", "context", "is not chosen, so it has no levels"),
        (f"accuracy: 1 delta_degC, {LIVE}", "context", "is not chosen, so it has no accuracy"),
        ("context: {device: plate, max_age: 30 s}", "key-missing", "a `device` and a `signal`"),
        ("context: {signal: temperature, max_age: 30 s}", "key-missing", "a `device` and a `signal`"),
        ("context: {device: plate, signal: temperature}", "key-missing", "without a greatest age"),
        (LIVE.replace("30 s", "10 ms"), "range", "is not between 1 s and 1 h"),
        (LIVE.replace("30 s", "2 h"), "range", "is not between 1 s and 1 h"),
        (LIVE.replace("max_age", "value: 25 degC, max_age"), "context", "measured by plate"),
        (LIVE.replace("plate", "plait"), "reference", 'no device "plait"'),
        (LIVE.replace("temperature", "temprature"), "reference", 'no live signal "temprature"'),
        (LIVE.replace("plate", "quiet"), "reference", 'no live signal "temperature"'),
        (LIVE.replace("temperature", "speed"), "dimension", '"speed" is given in rpm'),
        ("context: {value: 50 degC}", "range", '50 degC is outside the range of "heat"'),
        ("maximum: 20 degC, context: {value: 25 degC}", "range", '25 degC is outside the range of "heat"'),
        ("context: {value: 25 mL}", "dimension", "25 mL stands where"),
        ("context: {value: warm}", "dimension", "warm stands where"),
        ("context: {value: 25 degC, max_age: 0 s}", "range", "every value would be too old"),
        ("context: {value: true}", "dimension", "True stands where"),
    ],
)  # fmt: skip
def test_nonsense_is_refused_at_its_place(heat: str, code: str, words: str) -> None:
    [finding] = _findings(heat)
    assert finding.code == code
    assert words in finding.message
    assert finding.hint
    assert finding.source_line.startswith("  heat:")


@pytest.mark.parametrize(
    ("own", "code", "words"),
    [
        ("context: {}", "context", "its range is not given"),
        ("minimum: 15 degC, context: {}", "context", "its range is not given"),
        ("minimum: 15 degC, maximum: 3 mL, context: {}", "dimension", "the minimum is a temperature"),
        ("minimum: 15 degC, maximum: 15 degC, context: {}", "range", "there is nothing between"),
        ("choices: [a1], context: {}", "range", "one of two choices at least"),
        ("choices: [a1, a1], context: {}", "range", "each listed once"),
        (f"choices: [a1, a2], {OWN}, context: {{}}", "context", "is a choice and has a range"),
        ("choices: [a1, a2], context: {value: a3}", "value", '"a3" is not one of the choices'),
        (f"choices: [a1, a2], {LIVE}", "context", "a signal is a number"),
        (f"{OWN}, context: {{value: 31 degC}}", "range", "31 degC is outside the range"),
        ("minimum: 1 mL, maximum: 2 mL, " + LIVE, "dimension", '"temperature" is given in degC, and "day" in mL'),
        (OWN, "factor", 'the SOP has no parameter "day"'),
    ],
)  # fmt: skip
def test_what_is_the_campaigns_own_needs_its_range(own: str, code: str, words: str) -> None:
    [finding] = _findings("", own=own)
    assert finding.code == code
    assert words in finding.message
    assert finding.source_line.startswith("  day:")


def test_a_misspelt_parameter_is_told() -> None:
    chosen, document = loaded("", one="}\n  heats: {" + OWN + ", context: {}")
    [finding] = check_together(chosen, document, SOP, None, CAPABILITIES)
    assert finding.severity == "warning"
    assert "reaches no step" in finding.message
    assert finding.hint == 'did you mean "heat"?'


def test_a_name_that_the_sop_has_for_something_else_is_refused() -> None:
    chosen, document = loaded("", one="}\n  mass: {minimum: 1 g, maximum: 2 g, context: {}")
    [finding] = check_together(chosen, document, SOP, None, CAPABILITIES)
    assert finding.message == 'the SOP calls a result "mass"'


@pytest.mark.parametrize(
    ("space", "words"),
    [
        ("alike: [heat]", "share it anyway"),
        ("stop: {within: 1 g}", "a stopping rule beside a factor that nobody chooses"),
        ("candidates: rows.csv", "a list of candidates beside a factor that nobody chooses"),
        ("constraints: [heat <= 30 degC]", "names no factor that can be chosen"),
    ],
)
def test_what_can_not_be_wanted_of_it(space: str, words: str) -> None:
    [finding] = _findings(LIVE, space)
    assert finding.code == "context"
    assert words in finding.message
    assert finding.source_line.startswith(space.partition(":")[0])
    assert _findings("", space) == [] or space.startswith("constraints")


def test_it_can_not_be_left_out_of_a_mixture() -> None:
    found = _findings(
        "", "at_most: [{factors: [one, day], most: 1}]", "minimum: 0 mL, maximum: 2 mL, context: {}"
    )
    assert [item.code for item in found] == ["context"]


def test_a_constraint_may_tie_what_is_chosen_to_it() -> None:
    assert _findings(LIVE, "constraints: [one <= 5 mL or heat < 30 degC]") == []
    own = OWN + ", context: {}"
    assert _findings("", "constraints: [one <= 5 mL or day < 25 degC]", own) == []
    choice = "choices: [a1, a2], context: {}"
    assert _findings("", "constraints: [one <= 5 mL or day == 'a2']", choice) == []
    [finding] = _findings("", "constraints: [one <= 5 mL or day == 'a3']", choice)
    assert '"day" is never "a3"' in finding.message


def test_a_cost_may_depend_on_it() -> None:
    cost = 'strategy: {per: cost, cost: {value: "1 mL + one * (day / 20 percent)", unit: mL}}'
    own = "minimum: 10 percent, maximum: 90 percent, context: {}"
    assert _findings("", cost, own) == []


def test_a_cost_that_depends_on_it_alone_weighs_nothing() -> None:
    cost = 'strategy: {per: cost, cost: {value: "day / 20 percent", unit: dimensionless}}'
    own = "minimum: 10 percent, maximum: 90 percent, context: {}"
    [finding] = _findings("", cost, own)
    assert "names no factor that is chosen" in finding.message
    assert finding.hint == "such factors are: one, two, three, heat"


def test_where_nobody_chooses_anything_there_is_nothing_to_propose() -> None:
    told = "context: {}"
    chosen, document = loaded("", one=told, heat=told)
    factors = dict.fromkeys(chosen.factors, chosen.factors["heat"])
    chosen = chosen.model_copy(update={"factors": factors})
    [finding] = check_together(chosen, document, SOP, None, CAPABILITIES)
    assert "nobody chooses any factor" in finding.message
    assert finding.line == 7
