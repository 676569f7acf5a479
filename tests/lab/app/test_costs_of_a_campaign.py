"""The gain per cost and per time, from the campaign's file to what is asked for, the journal, the report and the rows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lab.app.context import FilesContext
from lab.app.files import open_campaign
from lab.app.optimiser import suggest_from_state
from lab.app.options import RunOptions
from lab.app.report import report_document, report_lines
from lab.app.run import run_campaign
from lab.cli.status_text import lab_lines
from lab.control.status import status_document
from lab.domain import event as ev
from lab.domain.errors import InputError
from lab.domain.reduce import reduce
from lab.domain.state import LabState
from lab.records.reader import open_records
from tests.lab.app.electrolyte import FACTORS, NAME, ZERO, HandMade, copied
from tests.support.factors import numbers

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lab.domain.event import Recorded
    from lab.records.rows import Rows

DYES = Path(__file__).parents[3] / "sops" / "dye_matching"
PER_COST = DYES / "campaign_by_cost.yaml"


def _run(campaign: Path, database: Path, trials: int) -> tuple[LabState, list[Recorded], Rows]:
    report = run_campaign(
        RunOptions(campaign=campaign, virtual=True, seed=3, trials=trials, database=str(database))
    )
    assert report.state == "completed"
    with open_records(report.database) as records:
        return records.state(), list(records.events()), records.trials()


def _dear(factors: Mapping[str, ev.FactorValue]) -> float:
    volumes = numbers(factors)
    return volumes["red_volume"] + volumes["yellow_volume"] + 20 * volumes["blue_volume"]


@pytest.fixture(scope="module")
def by_cost(tmp_path_factory: pytest.TempPathFactory):
    return _run(PER_COST, tmp_path_factory.mktemp("by_cost") / "records.db", 8)


def _before(records: list[Recorded], trial: int) -> LabState:
    """The state on which a trial was proposed."""
    state = LabState()
    for record in records:
        if isinstance(record.event, ev.TrialProposed) and record.event.trial == trial:
            break
        state = reduce(state, record)
    return state


def _without_cost(state: LabState) -> LabState:
    campaigns = {
        name: replace(entry, spec=entry.spec.model_copy(update={"per": "", "cost": None}))
        for name, entry in state.campaigns.items()
    }
    return replace(state, campaigns=campaigns)


def test_the_example_asks_for_cheaper_trials_than_it_does_without_a_cost(by_cost):
    ((name, campaign),) = by_cost[0].campaigns.items()
    before = _before(by_cost[1], 7)
    asked = suggest_from_state(before, name, 2)
    assert {proposal.origin for proposal in asked} == {"model"}
    assert dict(asked[0].factors) == dict(campaign.trials[7].factors), "a replay asks for the same"
    assert asked[0].cost == campaign.trials[7].expected_cost
    plain = suggest_from_state(_without_cost(before), name, 2)
    assert {proposal.cost for proposal in plain} == {None}
    with_cost, without = (sum(_dear(item.factors) for item in found) for found in (asked, plain))
    assert with_cost < 0.8 * without


def test_each_proposal_tells_its_cost_and_each_end_what_it_did_cost(by_cost):
    state, records, rows = by_cost
    ((name, campaign),) = state.campaigns.items()
    assert campaign.spec.per == "cost"
    assert campaign.spec.cost is not None
    assert campaign.cost_unit == "uL"
    for trial in campaign.trials.values():
        assert trial.expected_cost == pytest.approx(_dear(trial.factors))
        assert trial.cost == trial.expected_cost
    assert campaign.spent == pytest.approx(sum(_dear(t.factors) for t in campaign.trials.values()))
    assert rows[0]["cost"] == campaign.trials[1].cost
    assert rows[0]["cost_unit"] == "uL"
    assert f"  cost       {campaign.spent:.4g} uL, all trials" in report_lines(state, name)
    document = report_document(
        state, name, events=1, head="", virtual_seconds=1.0, wall_seconds=1.0
    )
    assert document["cost"] == {"spent": campaign.spent, "unit": "uL"}
    half = LabState()
    for record in records:
        half = reduce(half, record)
        if isinstance(record.event, ev.TrialProposed) and record.event.trial == 7:
            break
    told = "\n".join(lab_lines(status_document(half, records[-1].at)))
    assert "its ended trials did cost" in told
    assert f"costs about {half.campaigns[name].trials[7].expected_cost:.4g} uL" in told


def test_how_long_a_trial_takes_follows_from_its_doses() -> None:
    lab = HandMade()
    seconds = lab.context.lasting(lab.state)
    # What is dosed less of the stocks is dosed more of the solvent, whose pump is the last to end then.
    assert seconds({**FACTORS, "concentrate_volume": 1.0}) > seconds(FACTORS)
    steps = [s for s in lab.context.candidates(1, FACTORS)[0].steps if not s.safe_state]
    longest, all_of_them = max(s.duration_s for s in steps), sum(s.duration_s for s in steps)
    assert longest < seconds(FACTORS) <= all_of_them


def test_the_gain_per_time_tells_the_planners_time_and_the_runs(tmp_path: Path) -> None:
    campaign = copied(tmp_path)
    text = campaign.read_text(encoding="utf-8").replace("strategy:\n", "strategy:\n  per: time\n")
    campaign.write_text(text, encoding="utf-8")
    state, records, rows = _run(campaign, tmp_path / "records.db", 3)
    ((name, entry),) = state.campaigns.items()
    assert (entry.spec.per, entry.cost_unit) == ("time", "s")
    lasting = FilesContext(open_campaign(campaign)).lasting
    seconds = lasting(LabState())
    for trial in entry.trials.values():
        assert trial.expected_cost == seconds(trial.factors)
        run = state.runs[trial.run]
        assert trial.cost == pytest.approx((run.ended_s or 0.0) - run.started_s, abs=0.01)
        assert (trial.cost or 0.0) > 0.5 * (trial.expected_cost or 0.0)
    assert rows[0]["cost_unit"] == "s"
    (again, _) = suggest_from_state(_before(records, 1), name, 2, lasting)
    assert (dict(again.factors), again.cost) == (
        dict(entry.trials[1].factors),
        entry.trials[1].expected_cost,
    )
    with pytest.raises(InputError, match="no planner to tell the time"):
        suggest_from_state(state, name, 1)


def test_the_time_changes_what_is_asked_for(by_cost) -> None:
    state = _before(by_cost[1], 7)
    ((name, entry),) = state.campaigns.items()
    spec = entry.spec.model_copy(update={"per": "time", "cost": None})
    timed = replace(state, campaigns={name: replace(entry, spec=spec)})

    def lasting(_state: LabState) -> Callable[[Mapping[str, ev.FactorValue]], float]:
        return lambda factors: 10.0 + numbers(factors)["yellow_volume"] ** 2

    (slow,) = suggest_from_state(_without_cost(state), name, 1)
    (quick,) = suggest_from_state(timed, name, 1, lasting)
    assert numbers(quick.factors)["yellow_volume"] < numbers(slow.factors)["yellow_volume"]
    assert quick.cost == lasting(state)(quick.factors)


def test_among_candidates_of_a_list_the_cost_counts_too(by_cost) -> None:
    state = _before(by_cost[1], 7)
    ((name, entry),) = state.campaigns.items()
    rows = tuple((red, 42.0, blue) for red in (17.0, 18.0) for blue in (26.0, 27.0, 28.0, 60.0))
    spec = entry.spec.model_copy(update={"candidates": rows, "initial": 0})
    trials = {
        number: replace(trial, factors=dict(zip(trial.factors, row, strict=True)))
        for (number, trial), row in zip(entry.trials.items(), rows[:2], strict=False)
    }
    listed = replace(state, campaigns={name: replace(entry, spec=spec, trials=trials)})
    (asked,) = suggest_from_state(listed, name, 1)
    assert asked.cost == pytest.approx(_dear(asked.factors))
    assert tuple(asked.factors.values()) in rows[2:]
    (plain,) = suggest_from_state(_without_cost(listed), name, 1)
    assert _dear(asked.factors) < _dear(plain.factors)
    assert plain.cost is None


def test_without_a_cost_nothing_is_told_of_it() -> None:
    lab = HandMade()
    (proposal, _) = suggest_from_state(lab.state, NAME, 2)
    assert proposal.cost is None
    assert lab.campaign.cost_unit == ""
    lab.propose(1)
    assert "cost" not in "\n".join(report_lines(lab.state, NAME))
    assert "costs about" not in "\n".join(lab_lines(status_document(lab.state, ZERO)))
