"""What a campaign file seeks, on its way to the optimiser, the journal, the report and back."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.app.options import RunOptions
from lab.app.report import report_document, report_lines
from lab.app.run import run_campaign
from lab.records.reader import open_records

DYES = Path(__file__).parents[3] / "sops" / "dye_matching"
_HEAD, _, _REST = (DYES / "campaign.yaml").read_text().partition("objective:\n")
_TAIL = "strategy:" + _REST.partition("strategy:")[2].partition("budget:")[0]


def _state(folder: Path, aim: str, trials: int, strategy: str = _TAIL, head: str = _HEAD):
    for name in ("sop.yaml", "lab.yaml"):
        (folder / name).write_text((DYES / name).read_text())
    path = folder / "campaign.yaml"
    path.write_text(f"{head}{aim}\n{strategy}budget: {{trials: {trials}, parallel: 2}}\n")
    report = run_campaign(
        RunOptions(campaign=path, virtual=True, seed=3, database=str(folder / "records.db"))
    )
    with open_records(report.database) as records:
        return records.state(), records.trials()


def test_two_objectives_and_a_limit_give_a_front_in_journal_report_and_rows(tmp_path: Path):
    state, rows = _state(
        tmp_path,
        """objectives:
  - {result: distance, direction: minimize, worst: 1 dimensionless}
  - {result: volume, direction: minimize}
limits:
  - {result: absorbance_630, minimum: 0.1 dimensionless}""",
        12,
    )
    ((name, campaign),) = state.campaigns.items()
    assert campaign.status == "completed"
    by_model = [trial for trial in campaign.trials.values() if trial.origin == "model"]
    assert len(by_model) == 4
    for trial in by_model:
        assert set(trial.predicted) == set(trial.outcomes)
        assert set(trial.outcomes) == {"distance", "volume", "absorbance_630"}
        assert trial.chance is not None
        assert trial.value == trial.outcomes["distance"]
    front = campaign.front()
    assert front
    assert all(trial.outcomes["absorbance_630"] >= 0.1 for trial in front)
    text = "\n".join(report_lines(state, name))
    assert "sought     minimize distance, minimize volume" in text
    assert "limits     0.1 <= absorbance_630" in text
    assert f"front      trial {front[0].number}: distance" in text
    assert "best  " not in text
    document = report_document(
        state, name, events=1, head="", virtual_seconds=1.0, wall_seconds=1.0
    )
    shown = document["front"]
    assert isinstance(shown, list)
    assert [item["trial"] for item in shown] == [t.number for t in front]
    assert rows[-1]["result volume [uL]"] == campaign.trials[12].outcomes["volume"]


def test_a_target_is_come_near_and_approval_is_given_by_simulated_people(tmp_path: Path):
    state, rows = _state(
        tmp_path,
        "objective: {result: absorbance_450, direction: target, target: 0.5 dimensionless}",
        12,
        _TAIL.replace("strategy:\n", "strategy:\n  approval: true\n"),
    )
    (campaign,) = state.campaigns.values()
    best = campaign.best()
    assert best is not None
    assert best.value == pytest.approx(0.5, abs=0.1)
    assert {trial.approved for trial in campaign.trials.values()} == {"simulated operator"}
    assert rows[0]["approved_by"] == "simulated operator"


def test_a_campaign_stops_when_it_is_near_enough(tmp_path: Path):
    aim = "objective: {result: distance, direction: minimize}\nstop: {within: 3 dimensionless, trials: 8}"
    state, _ = _state(tmp_path, aim, 20)
    ((name, campaign),) = state.campaigns.items()
    assert campaign.status == "completed"
    assert "of the optimum with a probability of" in campaign.reason
    assert 8 <= len(campaign.trials) < 20
    assert campaign.nearness is not None
    assert campaign.nearness.enough
    assert any("left to gain" in line for line in report_lines(state, name))
