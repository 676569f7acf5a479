"""Results from outside: what is taken, what is refused with the reason, and that the optimiser hears of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.app.optimiser import suggest_from_state
from lab.domain import event as ev
from lab.domain.reduce import reduce_all
from lab.domain.state import LabState
from lab.optimize.recorded import history_of
from tests.lab.engine.test_people_trials import WITH_CHOICE, People

if TYPE_CHECKING:
    from lab.engine.messages import Proposal

AT = {"x": "200 uL", "y": 0.5, "s": "oil"}


def told(mind: People, *rows: dict[str, Any], reason: str = "a paper", **more: Any) -> tuple[bool, str]:  # fmt: skip
    return mind.say("add", reason, results=list(rows), **more)


def result_name(mind: People) -> str:
    return mind.campaign.spec.objective.result


@pytest.fixture
def mind() -> People:
    return People(factors=WITH_CHOICE, trials=3)


def rows(mind: People, *values: float, **factors: Any) -> list[dict[str, Any]]:
    objective = mind.campaign.spec.objective
    return [
        {"factors": {**AT, **factors}, "values": {objective.result: f"{value} {objective.unit}"}}
        for value in values
    ]


def test_results_teach_and_use_up_nothing(mind: People):
    (first, second) = rows(mind, 2.0, 3.5)
    failed = {"factors": AT, "failed": "it set solid", "line": 4}
    accepted, detail = told(mind, first, second, failed, source="old.csv", beyond=False)
    assert accepted, detail
    assert detail.startswith("3 results are added")
    campaign = mind.campaign
    assert campaign.trials == {}
    assert [item.number for item in campaign.outside] == [-1, -2, -3]
    assert campaign.outside[0].factors == {"x": 0.2, "y": 0.5, "s": "oil"}
    assert [item.value for item in campaign.outside] == [2.0, 3.5, None]
    assert campaign.outside[2].reason == "it set solid"
    assert campaign.outside[0].note == "added by Ada: a paper (old.csv)"
    assert not campaign.enough
    assert campaign.best() is None
    history = history_of(campaign, mind.state)
    assert [(item.number, item.status) for item in history] == [(-1, "done"), (-2, "done"), (-3, "failed")]  # fmt: skip
    assert told(mind, *rows(mind, 9.0))[0]
    assert mind.campaign.outside[-1].number == -4


def suggest(mind: People) -> Proposal:
    """What a model would be asked for after four results."""
    spec = mind.campaign.spec.model_copy(update={"method": "bayesian", "initial": 4})
    campaigns = {**mind.state.campaigns, spec.campaign: replace(mind.campaign, spec=spec)}
    (item,) = suggest_from_state(replace(mind.state, campaigns=campaigns), spec.campaign, 1)
    return item


def test_the_optimiser_learns_at_the_next_ask_and_a_replay_asks_for_the_same(mind: People):
    points = [(0.1, 0.1, "oil"), (0.9, 0.2, "water"), (0.5, 0.5, "oil"), (0.2, 0.8, "water")]
    many = [rows(mind, 1.0 + x, x=x, y=y, s=s)[0] for x, y, s in points]
    assert suggest(mind).origin == "sobol"
    assert told(mind, *many)[0]
    after = suggest(mind)
    assert after.origin == "model"
    assert after.nearest_trial in (-1, -2, -3, -4)
    assert suggest(mind) == after
    assert told(mind, *rows(mind, 3.5, x=0.8, y=0.1, s="oil"))[0]
    assert suggest(mind) != after


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"factors": {"x": 0.2, "y": 0.5}}, "no value for s"),
        ({"factors": {**AT, "z": 1}}, "z is no factor"),
        ({"factors": {**AT, "s": "wine"}}, "none of its choices"),
        ({"factors": {**AT, "x": "1 g"}}, "give it in mL"),
        ({"factors": {**AT, "x": 3}}, "its range is 0 to 1 mL. Correct it, or say that it is meant (--beyond)"),
        ({"factors": {**AT, "x": 0.9, "y": 0.9}}, "breaks x + y <= 1.5 mL"),
        ({"values": {"nonsense": "1 mL"}}, "is no result that this campaign seeks"),
        ({"values": {}}, "neither a value nor a reason"),
        ({"values": "much"}, "values by name"),
        ({"failed": "why"}, "it failed, and it has a value"),
        ({"more": 1}, "an object with `factors`"),
    ],
)  # fmt: skip
def test_a_wrong_row_is_refused_and_none_of_them_is_taken(
    mind: People, change: dict[str, Any], words: str
):
    good, bad = rows(mind, 2.0, 3.0)
    accepted, detail = told(mind, good, {**bad, **change, "line": 7})
    assert not accepted
    assert detail.startswith("line 7: "), detail
    assert words in detail
    assert mind.campaign.outside == ()


@pytest.mark.parametrize("value", ["nan", "1 furlong", "1 K", "", "much"])
def test_no_value_that_is_none(mind: People, value: str):
    bad = {"factors": AT, "values": {result_name(mind): value}}
    accepted, detail = told(mind, bad)
    assert not accepted
    assert result_name(mind) in detail


@pytest.mark.parametrize("results", [[], "all", None, [3]])
def test_no_results_are_refused(mind: People, results: Any):
    assert not mind.say("add", "a paper", results=results)[0]
    assert mind.campaign.outside == ()


def test_a_reason_is_due(mind: People):
    accepted, detail = told(mind, *rows(mind, 1.0), reason=" ")
    assert not accepted
    assert "say why" in detail


def test_what_is_meant_beyond_the_range_is_taken_but_no_unknown_choice(mind: People):
    assert told(mind, *rows(mind, 2.0, x=3), beyond=True)[0]
    assert mind.campaign.outside[0].factors["x"] == 3.0
    assert not told(mind, *rows(mind, 2.0, s="wine"), beyond=True)[0]
    again = suggest_from_state(mind.state, mind.campaign.spec.campaign, 1)
    assert float(again[0].factors["x"]) <= 1.0


def test_a_result_teaches_once(mind: People):
    (one,) = rows(mind, 2.0)
    accepted, detail = told(mind, one, one)
    assert not accepted
    assert "the same as an earlier row" in detail
    assert told(mind, one)[0]
    accepted, detail = told(mind, one)
    assert not accepted
    assert "the same as result -1" in detail
    assert told(mind, *rows(mind, 2.5))[0]  # a replicate is another result


def test_a_veto_is_no_reason_against_what_was_found_elsewhere(mind: People):
    assert mind.say("veto", "smells", condition="s == 'oil'")[0]
    assert told(mind, *rows(mind, 2.0))[0]


def test_the_journal_gives_the_same_state(mind: People):
    assert told(mind, *rows(mind, 2.0, 3.0), source="a.csv")[0]
    assert any(isinstance(event, ev.ResultsAdded) for event in mind.events)
    again = reduce_all(LabState(), mind.records)
    assert again.campaigns["kit-2"].outside == mind.campaign.outside


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 0.5), st.sampled_from(("oil", "water"))), min_size=1, max_size=5, unique=True))  # fmt: skip
def test_whatever_is_lawful_comes_back_as_it_was_told(points: list[tuple[float, float, str]]):
    mind = People(factors=WITH_CHOICE)
    given = [rows(mind, float(k), x=x, y=y, s=s)[0] for k, (x, y, s) in enumerate(points)]
    assert told(mind, *given)[0]
    assert [tuple(item.factors.values()) for item in mind.campaign.outside] == points


def test_a_row_of_a_table_is_sorted_into_factors_and_results(mind: People):
    (one,) = rows(mind, 2.0)
    cells = {**one["factors"], **one["values"]}
    assert told(mind, {"line": 2, "cells": cells})[0]
    accepted, detail = told(mind, {"line": 3, "cells": {**cells, "hue": 1}})
    assert not accepted
    assert detail.startswith("line 3: hue is neither a factor (x, y, s) nor a result")
    without = {name: value for name, value in cells.items() if name != result_name(mind)}
    assert "neither a value nor a reason" in told(mind, {"line": 4, "cells": without})[1]


def test_what_was_beyond_the_range_elsewhere_is_told_as_such(mind: People):
    objective = mind.campaign.spec.objective
    shown = (("> 4", 4.0, "above"), ("<0.5", 0.5, "below"), ("3", 3.0, None))
    given = [
        {"factors": AT, "values": {objective.result: f"{text} {objective.unit}"}}
        for text, _, _ in shown
    ]
    accepted, detail = told(mind, *given)
    assert accepted, detail
    records = history_of(mind.campaign, mind.state)[:3]
    assert [(r.value, r.side) for r in records] == [(v, side) for _, v, side in shown]
    assert mind.campaign.outside[0].mark(objective.result) == "> "
    beyond = {
        "factors": {**AT, "x": "> 200 uL"},
        "values": {objective.result: f"1 {objective.unit}"},
    }
    accepted, detail = told(mind, beyond)
    assert not accepted
    assert "x" in detail
    accepted, detail = told(mind, {"factors": AT, "values": {objective.result: "> much"}})
    assert not accepted
    assert objective.result in detail
