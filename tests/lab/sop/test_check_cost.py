"""What a campaign says that a trial costs: a formula that is above 0 everywhere, in its unit; nonsense at its place."""

from __future__ import annotations

import pytest

from lab.devices.capability import CAPABILITIES
from lab.sop.check_cost import cost_text
from lab.sop.check_together import check_together
from tests.lab.sop.test_check_space import SOP, loaded


def _findings(strategy: str, **parts: str):
    chosen, document = loaded(f"strategy: {{{strategy}}}", **parts)
    return check_together(chosen, document, SOP, None, CAPABILITIES)


def _cost(value: str, unit: str = "mL") -> str:
    return f'per: cost, cost: {{value: "{value}", unit: {unit}}}'


@pytest.mark.parametrize(
    "strategy",
    [
        "per: time",
        _cost("1 mL + one + 3 * two"),
        _cost("${1 mL + one + 3 * two}"),
        _cost("3 * (one + two) + three"),  # `three` is never below 100 uL
        _cost("max(one, 1 mL)"),
        _cost("one / 1 mL + 2", "dimensionless"),
        _cost("one + room"),
    ],
)
def test_what_is_above_zero_everywhere_may_be_a_cost(strategy: str) -> None:
    assert _findings(strategy) == []


@pytest.mark.parametrize(
    ("strategy", "code", "words"),
    [
        ("per: cost", "cost", "nothing says what a trial costs"),
        ("cost: {value: one + 1 mL, unit: mL}", "cost", "nothing is weighed by"),
        ("per: time, cost: {value: one + 1 mL, unit: mL}", "cost", "nothing is weighed by"),
        ("method: sobol, per: time", "cost", "the method is sobol"),
        ("method: sobol, " + _cost("one + 1 mL"), "cost", "the method is sobol"),
        (_cost("one"), "range", "may cost 0 to 10 mL"),
        (_cost("one - two"), "range", "may cost -10 to 10 mL"),
        (_cost("one + 1 mL", "g"), "dimension", "the cost is a volume"),
        (_cost("one + 1 g"), "dimension", "adds"),
        (_cost("room"), "cost", "names no factor"),
        (_cost("one + tow"), "reference", 'nothing called "tow"'),
        (_cost("one > 1 mL"), "cost", "this is no number"),
        (_cost("one / two"), "division", "divide by zero"),
        (_cost("one +"), "expression", ""),
    ],
)
def test_nonsense_is_refused_at_its_place(strategy: str, code: str, words: str) -> None:
    [finding] = _findings(strategy)
    assert finding.code == code
    assert words in finding.message
    assert finding.hint
    assert finding.source_line.startswith("strategy:")
    assert finding.column > len("strategy: ")


@pytest.mark.parametrize("wrapped", ["one + tow", "${one + tow}"])
def test_the_place_is_that_of_the_word(wrapped: str) -> None:
    [finding] = _findings(_cost(wrapped))
    assert finding.source_line[finding.column - 1 :].startswith("tow")


def test_a_narrower_range_makes_it_a_cost() -> None:
    assert _findings(_cost("one"), one="minimum: 1 mL") == []


def test_it_is_written_out_over_factors_alone() -> None:
    chosen, _ = loaded(f"strategy: {{{_cost('${one + room}')}}}", fixed="room: 12 mL")
    assert cost_text(chosen, SOP) == "one + (12.0 mL)"
    assert cost_text(loaded("strategy: {per: time}")[0], SOP) is None
