"""Several ways to measure, from the campaign file through the engine to the report: the example that ships with it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dashboard.model import fit_evidence, fit_slice
from lab.app.files import open_campaign
from lab.app.optimiser import suggest_from_state
from lab.app.options import RunOptions
from lab.app.report import report_document, report_lines
from lab.app.run import run_campaign
from lab.control.status import status_document
from lab.domain import event as ev
from lab.domain.reduce import reduce
from lab.domain.state import LabState
from lab.engine.messages import Proposal
from lab.engine.proposals import unlawful
from lab.optimize.recorded import history_of, options_of
from lab.records.reader import open_records
from simulators.chemistry.electrolyte import conductivity_ms_cm

if TYPE_CHECKING:
    from lab.domain.state import CampaignState
    from lab.records.reader import Records

EXAMPLE = Path(__file__).parents[3] / "sops" / "electrolyte_conductivity" / "warm.yaml"


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory):
    database = str(tmp_path_factory.mktemp("ways") / "records.db")
    run_campaign(RunOptions(campaign=EXAMPLE, virtual=True, database=database))
    with open_records(database) as opened:
        yield opened


def _only(state: LabState) -> CampaignState:
    (campaign,) = state.campaigns.values()
    return campaign


def _salt(factors) -> float:
    return (2.0 * factors["concentrate_volume"] + 0.5 * factors["dilute_volume"]) / 10.0


def test_the_best_is_found_and_is_one_that_counts(records: Records):
    campaign = _only(records.state())
    assert campaign.status == "completed"
    best = campaign.best()
    assert best is not None
    assert best.fidelity == "warm"
    assert best.value == max(
        t.value or 0.0 for t in campaign.trials.values() if t.fidelity == "warm"
    )
    top = max(conductivity_ms_cm(c / 1000, 313.15) for c in range(500, 1700))
    assert conductivity_ms_cm(_salt(best.factors), 313.15) > 0.98 * top


def test_each_run_was_made_with_the_parameters_of_its_fidelity(records: Records):
    state = records.state()
    campaign = _only(state)
    ways = {trial.fidelity for trial in campaign.trials.values()}
    assert ways == {"cool", "warm"}
    for run in state.runs.values():
        wanted = {"cool": 30.0, "warm": 40.0}[campaign.trials[run.trial].fidelity]
        assert run.plan.parameters["temperature"] == wanted
        assert run.results["temperature"].value == pytest.approx(wanted, abs=1.0)
        assert run.plan.parameters["total_volume"] == 10.0


def test_the_budget_of_cost_is_kept(records: Records):
    campaign = _only(records.state())
    spent = sum(1 if trial.fidelity == "cool" else 4 for trial in campaign.trials.values())
    assert spent <= 30
    assert campaign.cost_left == 30 - spent < 4
    assert campaign.reason == "the budget is used up"


def test_a_replay_asks_for_the_same_trials_by_the_same_ways(records: Records):
    state, replayed = LabState(), 0
    for record in records.events():
        event = record.event
        if isinstance(event, ev.TrialProposed) and event.trial in (1, 2, 5, 7):
            again = suggest_from_state(state, event.campaign, 1)[0]
            assert unlawful(_only(state).spec, (again,)) == ""
            assert (dict(again.factors), again.fidelity) == (event.factors, event.fidelity)
            replayed += 1
        state = reduce(state, record)
    assert replayed >= 2
    history = history_of(_only(state), state)
    assert {record.fidelity for record in history} == {"cool", "warm"}
    assert [(way.name, way.cost) for way in options_of(_only(state)).fidelities] == [("cool", 1.0), ("warm", 4.0)]  # fmt: skip


def test_report_status_and_rows_name_the_fidelity(records: Records):
    state = records.state()
    ((name, campaign),) = state.campaigns.items()
    counts = {
        way: sum(t.fidelity == way for t in campaign.trials.values()) for way in ("cool", "warm")
    }
    text = "\n".join(report_lines(state, name))
    assert f"measured   {counts['cool']} by cool, {counts['warm']} by warm; warm counts" in text
    document = report_document(
        state, name, events=1, head="", virtual_seconds=1.0, wall_seconds=1.0
    )
    assert document["fidelities"] == counts
    rows = records.trials(name)
    assert [row["fidelity"] for row in rows] == [t.fidelity for t in campaign.trials.values()]
    trials = status_document(state, datetime.fromtimestamp(state.at_s, UTC))["campaigns"][0][
        "trials"
    ]
    assert (trials["counting"], trials["counted"]) == ("warm", counts["warm"])
    assert trials["cost_left"] == campaign.cost_left


def test_the_model_that_people_see_is_that_of_the_trials_that_count(records: Records):
    state = records.state()
    campaign = _only(state)
    real = {t.number for t in campaign.counting if t.value is not None}
    found = fit_evidence(state, campaign)
    assert {item.trial for item in found.left_out} == real
    drawn = fit_slice(state, campaign, "concentrate_volume", None)
    middle = sorted(drawn.mean[0])[len(drawn.mean[0]) // 2]
    assert middle > max(t.value or 0.0 for t in campaign.trials.values() if t.fidelity == "cool")


def test_before_a_run_each_way_is_bound():
    samples = open_campaign(EXAMPLE).samples
    assert [sample["temperature"] for sample in samples] == [40.0, 30.0]


def test_a_proposal_by_no_fidelity_is_refused(records: Records):
    spec = _only(records.state()).spec
    at = {"concentrate_volume": 4.0, "dilute_volume": 1.0}
    assert unlawful(spec, (Proposal(at, "model", fidelity="warm"),)) == ""
    assert "by hot; there are cool, warm" in unlawful(spec, (Proposal(at, "model", fidelity="hot"),))  # fmt: skip
    assert "by no fidelity" in unlawful(spec, (Proposal(at, "model"),))
    plain = spec.model_copy(update={"fidelities": ()})
    assert "there are nothing" in unlawful(plain, (Proposal(at, "model", fidelity="warm"),))
