"""States that Ax 1.3.1 wrote, read as campaigns; what does not map is named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lab.domain.aim import Aim, Limit
from lab.domain.errors import InputError
from lab.optimize import Category, Factor, Levels
from lab.optimize.from_ax import campaign_from_ax

DATA = Path(__file__).parents[2] / "data" / "optimise"
ONE = (DATA / "ax_1_3_1.json").read_text()
FRONT = (DATA / "ax_1_3_1_front.json").read_text()


def test_factors_constraint_and_direction():
    campaign = campaign_from_ax(ONE).campaign
    temperature, cycles, loading, base, rpm = campaign.space.factors
    assert temperature == Factor("temperature", "dimensionless", 20.0, 90.0)
    assert cycles == Factor("cycles", "dimensionless", 1.0, 8.0, 1.0)
    assert isinstance(loading, Factor)
    assert base == Category("base", ("K2CO3", "DBU", "Et3N"))
    assert rpm == Levels("rpm", "dimensionless", (100.0, 300.0, 900.0))
    assert campaign.direction == "minimize"
    lawful = {"temperature": 60.0, "cycles": 8.0, "loading": 1.0, "base": "DBU", "rpm": 100.0}
    assert campaign.space.broken(lawful) == []
    assert campaign.space.broken({**lawful, "temperature": 60.1})


def test_trials_with_their_outcomes_and_reasons():
    history = campaign_from_ax(ONE).campaign.history
    assert [(r.number, r.status, r.value, r.standard_deviation) for r in history] == [
        (1, "done", 4.2, 0.1),
        (2, "done", 2.1, 0.1),
        (3, "failed", None, None),
        (4, "done", 3.3, 0.1),
        (5, "pending", None, None),
        (6, "aborted", None, None),
    ]
    assert history[2].reason == "solid"
    assert history[0].factors == {"temperature": 30.0, "cycles": 2.0, "loading": 0.1, "base": "DBU", "rpm": 300.0}  # fmt: skip


def test_what_does_not_map_is_named():
    assert campaign_from_ax(ONE).left_out == ("loading has a log scale; here it is plain",)
    left = campaign_from_ax(FRONT).left_out
    assert any("generation strategy" in words for words in left)
    assert any("lot is fixed at L1" in words for words in left)
    assert any("the order of the choices of grade" in words for words in left)
    assert len(left) == 3


def test_it_goes_on_from_there():
    campaign = campaign_from_ax(ONE, seed=3).campaign
    (item,) = campaign.ask(1)
    assert item.number == 7
    assert campaign.space.broken(item.factors) == []
    assert campaign_from_ax(ONE, seed=3).campaign.ask(1) == [item]


def test_several_objectives_and_a_limit():
    campaign = campaign_from_ax(FRONT).campaign
    assert isinstance(campaign.sought, Aim)
    assert [(g.outcome, g.direction) for g in campaign.sought.goals] == [("yield_", "maximize"), ("cost", "minimize")]  # fmt: skip
    assert campaign.sought.limits == (Limit("impurity", None, 3.0),)
    done = [record for record in campaign.history if record.status == "done"]
    assert len(done) == 7
    assert set(done[0].outcomes) == {"yield_", "cost", "impurity"}
    assert all(record.outcomes["impurity"] <= 3 for record in campaign.front)
    assert campaign.front


def changed(edit: Any) -> str:
    document = json.loads(ONE)
    edit(document["experiment"])
    return json.dumps(document)


def _objective(text: str):
    def edit(experiment: dict[str, Any]) -> None:
        experiment["optimization_config"]["objective"]["expression"] = text

    return edit


def _parameter(**changes: Any):
    return lambda experiment: experiment["search_space"]["parameters"][0].update(changes)


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (_objective("2*impurity + cost"), "is a formula"),
        (lambda e: e.update(optimization_config=None), "without an objective"),
        (_parameter(is_fidelity=True), "is a fidelity or a task"),
        (_parameter(__type="DerivedParameter"), "temperature is a DerivedParameter"),
        (lambda e: e.pop("trials"), "not a state of Ax"),
        (lambda e: e["trials"]["0"]["generator_run"].update(arms=[]), "not a state of Ax"),
    ],
)
def test_what_would_change_its_meaning_is_refused(edit: Any, words: str):
    with pytest.raises(InputError, match=words):
        campaign_from_ax(changed(edit))


@pytest.mark.parametrize("text", ["", "[]", "{}", "no json", '{"experiment": {}}'])
def test_another_document_is_refused_in_one_line(text: str):
    with pytest.raises(InputError, match="not a state of Ax"):
        campaign_from_ax(text)


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (lambda e: e["trials"]["0"].update(__type="BatchTrial"), "trial 0, which is BatchTrial"),
        (lambda e: e["trials"]["0"]["status"].update(name="EARLY_STOPPED"), "trial 0, which is EARLY_STOPPED"),
        (lambda e: e["data_by_trial"].pop("0"), "trial 0, which is complete without impurity"),
        (_parameter(digits=2), "temperature is rounded to 2 digits"),
        (lambda e: e["search_space"]["parameter_constraints"].append({"__type": "Odd"}), "the constraint"),
    ],
)  # fmt: skip
def test_smaller_things_are_named_and_left_out(edit: Any, words: str):
    found = campaign_from_ax(changed(edit))
    assert any(words in item for item in found.left_out), found.left_out
    assert 5 <= len(found.campaign.history) <= 6
