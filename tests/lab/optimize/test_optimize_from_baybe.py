"""States that BayBE 0.15.0 wrote, read as campaigns; what does not map is named or refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lab.domain.aim import Aim, Goal
from lab.domain.errors import InputError
from lab.optimize import AtMost, Category, Factor, Levels
from lab.optimize.from_baybe import campaign_from_baybe

DATA = Path(__file__).parents[2] / "data" / "optimise"
HYBRID = (DATA / "baybe_0_15_0.json").read_text()
FRONT = (DATA / "baybe_0_15_0_front.json").read_text()
MIXTURE = (DATA / "baybe_0_15_0_mixture.json").read_text()


def changed(text: str, edit: Any) -> str:
    document = json.loads(text)
    edit(document)
    return json.dumps(document)


def test_parameters_constraint_and_direction():
    campaign = campaign_from_baybe(HYBRID).campaign
    told = {"water": (100.0, 80.1), "DMF": (153.0, 36.7), "toluene": (111.0, 2.38)}
    assert campaign.space.factors == (
        Category("base", ("DBU", "Et3N", "K2CO3")),
        Levels("rpm", "dimensionless", (100.0, 300.0, 900.0)),
        Category("solvent", ("water", "DMF", "toluene"), told),
        Factor("loading", "dimensionless", 0.1, 5.0),
        Factor("temperature", "dimensionless", 20.0, 90.0),
    )
    assert campaign.direction == "minimize"
    lawful = {"base": "DBU", "rpm": 100.0, "solvent": "DMF", "loading": 2.5, "temperature": 90.0}
    assert campaign.space.broken(lawful) == []
    assert campaign.space.broken({**lawful, "loading": 2.6})


def test_measurements_are_finished_trials():
    campaign = campaign_from_baybe(HYBRID).campaign
    assert [(r.number, r.status, r.value) for r in campaign.history] == [
        (1, "done", 4.2),
        (2, "done", 2.1),
        (3, "done", 3.3),
    ]
    assert campaign.history[1].factors == {"base": "Et3N", "rpm": 300.0, "solvent": "DMF", "loading": 2.0, "temperature": 50.0}  # fmt: skip
    assert campaign.best is not None
    assert campaign.best.number == 2


@pytest.mark.parametrize(("state", "first"), [(HYBRID, 4), (FRONT, 4), (MIXTURE, 1)])
def test_it_goes_on_from_there(state: str, first: int):
    campaign = campaign_from_baybe(state, seed=3).campaign
    made = campaign.ask(2)
    assert [item.number for item in made] == [first, first + 1]
    assert all(campaign.space.broken(item.factors) == [] for item in made)
    assert campaign_from_baybe(state, seed=3).campaign.ask(2) == made


def test_less_than_all_combinations_becomes_a_list_that_is_kept():
    """27 combinations less the 3 that a constraint excludes and one that was excluded by hand."""
    campaign = campaign_from_baybe(FRONT).campaign
    candidates = json.loads(campaign.to_json())["candidates"]
    rows = set(zip(*(candidates[name] for name in ("rpm", "base", "time")), strict=True))
    assert len(rows) == 27 - 3 - 1
    assert not any(rpm == 900.0 and base == "DBU" for rpm, base, _ in rows)
    assert (900.0, "Et3N", 4.0) not in rows
    assert (900.0, "Et3N", 2.0) in rows
    assert isinstance(campaign.sought, Aim)
    assert [(g.outcome, g.direction) for g in campaign.sought.goals] == [("gain", "maximize"), ("waste", "minimize")]  # fmt: skip
    assert [record.number for record in campaign.front] == [2]


def test_a_mixture_of_few_components_and_a_desirability():
    campaign = campaign_from_baybe(MIXTURE).campaign
    assert campaign.space.at_most == (AtMost(("a", "b", "c"), 2),)
    assert campaign.space.broken({"a": 0.25, "b": 0.75, "c": 0.0}) == []
    assert campaign.space.broken({"a": 0.25, "b": 0.5, "c": 0.0})
    assert campaign.sought == Aim(
        (
            Goal("gain", "maximize", worst=20.0, ideal=90.0, weight=2.0),
            Goal("waste", "minimize", worst=5.0, ideal=1.0),
            Goal("ph", "target", target=7.4, worst=1.0),
        ),
        weigh="desirability",
    )


def test_what_is_left_out_is_named():
    assert campaign_from_baybe(HYBRID).left_out == (
        "the recommender: this optimiser chooses in its own way",
    )
    assert campaign_from_baybe(FRONT).left_out[1:] == ("the order of the choices of base",)
    text = changed(HYBRID, lambda d: d.update(cached_recommendation="gAS"))
    assert "the recommendation that was not yet measured" in campaign_from_baybe(text).left_out


def test_a_half_measured_row_is_pending_and_an_empty_one_is_named():
    import base64
    import pickle

    import pandas as pd

    rows = {"rpm": [100.0, 300.0], "base": ["DBU", "DBU"], "time": [1.0, 2.0]}
    frame = pd.DataFrame({**rows, "gain": [7.0, None], "waste": [None, None]}, dtype=object)
    frame = frame.astype({"rpm": float, "time": float, "gain": float, "waste": float})
    text = base64.b64encode(pickle.dumps(frame)).decode()
    found = campaign_from_baybe(changed(FRONT, lambda d: d.update(measurements_exp=text)))
    (record,) = found.campaign.history
    assert (record.status, record.outcomes) == ("pending", {"gain": 7.0})
    assert "measurement 2, which has no value" in found.left_out


def test_substances_have_descriptors_of_rdkit():
    def edit(document: Any) -> None:
        parameters = document["searchspace"]["discrete"]["parameters"]
        parameters[2] = {
            "type": "SubstanceParameter",
            "name": "solvent",
            "data": {"water": "O", "DMF": "CN(C)C=O", "toluene": "Cc1ccccc1"},
            "encoding": "MORDRED",
        }

    found = campaign_from_baybe(changed(HYBRID, edit))
    solvent = found.campaign.space.factor("solvent")
    assert isinstance(solvent, Category)
    assert solvent.descriptors is not None
    assert solvent.columns is not None
    assert "MolWt" in solvent.columns
    assert any("MORDRED of solvent" in words for words in found.left_out)


def _parameter(document: Any, **update: Any) -> None:
    document["searchspace"]["discrete"]["parameters"][0].update(update)


def _continuous(document: Any) -> Any:
    return document["searchspace"]["continuous"]


def _target(document: Any, **update: Any) -> None:
    document["objective"]["target"].update(update)


@pytest.mark.parametrize(
    ("state", "edit", "words"),
    [
        (HYBRID, lambda d: _parameter(d, type="TaskParameter"), "base is a TaskParameter"),
        (HYBRID, lambda d: _continuous(d)["constraints_lin_ineq"][0].update(interpoint=True), "between the points of a batch"),
        (MIXTURE, lambda d: _continuous(d)["constraints_nonlin"][0].update(min_cardinality=1), "ContinuousCardinalityConstraint"),
        (HYBRID, lambda d: d.update(objective=None), "without an objective"),
        (HYBRID, lambda d: _target(d, transformation={"type": "LogarithmicTransformation"}), "LogarithmicTransformation"),
        (MIXTURE, lambda d: d["objective"].update(scalarizer="MEAN"), r"DesirabilityObjective of BayBE's \(MEAN\)"),
        (MIXTURE, lambda d: d["objective"]["targets"][2]["transformation"].update(peak=7.0), "TriangularTransformation"),
        (HYBRID, lambda d: d["searchspace"].update(discrete={**d["searchspace"]["discrete"], "exp_rep": json.loads(FRONT)["searchspace"]["discrete"]["exp_rep"]}), "not a state of BayBE: ValueError"),
        (HYBRID, lambda d: d.update(type="Recommender"), "not a state of BayBE"),
        (HYBRID, lambda d: d.pop("searchspace"), "not a state of BayBE: KeyError"),
        (HYBRID, lambda d: d.update(measurements_exp="gASVBQAAAAAAAABLAS4="), "the measurements: the table can't be read"),
    ],
)  # fmt: skip
def test_what_would_change_the_meaning_is_refused(state: str, edit: Any, words: str):
    with pytest.raises(InputError, match=words) as caught:
        campaign_from_baybe(changed(state, edit))
    assert caught.value.hint


@pytest.mark.parametrize("text", ["", "[]", "3", '{"a": 1}', "{"])
def test_another_text_is_refused(text: str):
    with pytest.raises(InputError, match="not a state of BayBE"):
        campaign_from_baybe(text)


def test_a_ramp_alone_ends_where_nothing_is_gained():
    def edit(document: Any) -> None:
        ramp = json.loads(MIXTURE)["objective"]["targets"][0]
        document["objective"]["target"] = {**ramp, "name": "cost"}

    sought = campaign_from_baybe(changed(HYBRID, edit)).campaign.sought
    assert sought == Aim((Goal("cost", "maximize", worst=20.0, ideal=90.0),), weigh="desirability")
