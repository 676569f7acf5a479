"""The gain per cost and per time, from the campaign's file to what is asked for, the journal, the report and the rows."""

from __future__ import annotations

import shutil
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
    from collections.abc import Mapping

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
    return _run(PER_COST, tmp_path_factory.mktemp("by_cost") / "records.db", 14)


def test_the_example_asks_for_cheaper_trials_than_it_does_without_a_cost(by_cost, tmp_path: Path):
    plain = tmp_path / "plain"
    shutil.copytree(DYES, plain, ignore=shutil.ignore_patterns(".lab"))
    text = PER_COST.read_text(encoding="utf-8")
    kept = "\n".join(
        line for line in text.splitlines() if not line.startswith(("  per:", "  cost:"))
    )
    assert kept != text
    (plain / "campaign.yaml").write_text(kept + "\n", encoding="utf-8")
    state, _, _ = _run(plain / "campaign.yaml", tmp_path / "records.db", 14)
    (without,), (with_cost,) = state.campaigns.values(), by_cost[0].campaigns.values()
    assert with_cost.trials[1].factors == without.trials[1].factors, "the same start"
    chosen = [
        [_dear(t.factors) for t in campaign.trials.values() if t.origin == "model"]
        for campaign in (with_cost, without)
    ]
    assert len(chosen[0]) == len(chosen[1]) == 8
    assert sum(chosen[0]) < 0.8 * sum(chosen[1])
    assert without.cost_unit == ""
    assert {trial.cost for trial in without.trials.values()} == {None}


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
        if isinstance(record.event, ev.TrialProposed) and record.event.trial == 9:
            break
    told = "\n".join(lab_lines(status_document(half, records[-1].at)))
    assert "its ended trials did cost" in told
    assert f"costs about {half.campaigns[name].trials[9].expected_cost:.4g} uL" in told


def test_a_replay_asks_for_the_same(by_cost):
    state, replayed = LabState(), 0
    for record in by_cost[1]:
        event = record.event
        if (
            isinstance(event, ev.TrialProposed)
            and event.origin == "model"
            and event.trial in (7, 9)
        ):
            again = suggest_from_state(state, event.campaign, 2)
            assert dict(again[0].factors) == event.factors
            assert again[0].cost == event.expected_cost
            replayed += 1
        state = reduce(state, record)
    assert replayed == 2


def test_how_long_a_trial_takes_follows_from_its_doses() -> None:
    lab = HandMade()
    seconds = lab.context.lasting(lab.state)
    short = seconds({"concentrate_volume": 1.0, "dilute_volume": 0.5})
    long = seconds({"concentrate_volume": 6.0, "dilute_volume": 0.5})
    assert 60 < short < long < 7200
    planned = lab.context.candidates(1, FACTORS)[0]
    most = sum(step.duration_s for step in planned.steps if not step.safe_state)
    assert max(s.duration_s for s in planned.steps) < seconds(FACTORS) <= most + 1


def test_the_gain_per_time_needs_the_files_and_tells_the_time(tmp_path: Path) -> None:
    campaign = copied(tmp_path)
    text = campaign.read_text(encoding="utf-8").replace("strategy:\n", "strategy:\n  per: time\n")
    campaign.write_text(text.replace("initial: 6", "initial: 4"), encoding="utf-8")
    state, records, rows = _run(campaign, tmp_path / "records.db", 6)
    (entry,) = state.campaigns.values()
    assert entry.spec.per == "time"
    assert entry.cost_unit == "s"
    seconds = FilesContext(open_campaign(campaign)).lasting(LabState())
    for trial in entry.trials.values():
        assert trial.expected_cost == pytest.approx(seconds(trial.factors), rel=0.05)
        run = state.runs[trial.run]
        assert trial.cost == pytest.approx((run.ended_s or 0.0) - run.started_s, abs=0.01)
        assert trial.cost > 0.5 * (trial.expected_cost or 0.0)
    before = LabState()
    for record in records:
        if isinstance(record.event, ev.TrialProposed) and record.event.trial == 5:
            break
        before = reduce(before, record)
    lasting = FilesContext(open_campaign(campaign)).lasting
    again = suggest_from_state(before, entry.spec.campaign, 2, lasting)
    assert [dict(item.factors) for item in again] == [dict(entry.trials[n].factors) for n in (5, 6)]
    assert [item.cost for item in again] == [entry.trials[n].expected_cost for n in (5, 6)]
    with pytest.raises(InputError, match="no planner to tell the time"):
        suggest_from_state(before, entry.spec.campaign, 2)
    assert rows[0]["cost_unit"] == "s"


def test_without_a_cost_nothing_is_told_of_it() -> None:
    lab = HandMade()
    (proposal, _) = suggest_from_state(lab.state, NAME, 2)
    assert proposal.cost is None
    assert lab.campaign.cost_unit == ""
    lab.propose(1)
    assert "cost" not in "\n".join(report_lines(lab.state, NAME))
    assert "costs about" not in "\n".join(lab_lines(status_document(lab.state, ZERO)))
