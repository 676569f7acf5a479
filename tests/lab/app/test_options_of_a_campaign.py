"""Outliers, inexact set points and the end of several objectives, from the campaign file to the journal."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from lab.app.optimiser import suggest_from_state
from lab.app.report import report_lines
from lab.optimize import Options
from lab.optimize.recorded import options_of
from tests.lab.app.test_aim_of_a_campaign import _HEAD, _TAIL, _state  # pyright: ignore[reportPrivateUsage]

if TYPE_CHECKING:
    from pathlib import Path

_FRONT = """objectives:
  - {result: distance, direction: minimize, worst: 1 dimensionless}
  - {result: volume, direction: minimize, worst: 300 uL}
"""


@pytest.mark.timeout(300)
def test_a_front_ends_when_little_of_its_volume_is_left_to_gain(tmp_path: Path):
    state, _ = _state(
        tmp_path, _FRONT + "stop: {within: 60 percent, trials: 7, probability: 0.5}", 20
    )
    ((name, campaign),) = state.campaigns.items()
    assert campaign.status == "completed"
    assert len(campaign.trials) < 20
    assert campaign.nearness is not None
    assert campaign.nearness.unit == "percent"
    assert campaign.nearness.within == 60.0
    assert 0.0 <= campaign.nearness.expected_gain <= 100.0
    assert "is within 60 percent of the optimum" in campaign.reason
    (line,) = [line for line in report_lines(state, name) if "left to gain" in line]
    assert "within 60 percent of it" in line


@pytest.mark.timeout(300)
def test_outliers_and_accuracies_are_in_the_journal_and_in_the_search(tmp_path: Path):
    text = "objective: {result: distance, direction: minimize}"
    strategy = _TAIL.replace("strategy:\n", "strategy:\n  outliers: true\n  quantile: 0.2\n")
    shaky = _HEAD.replace("red_volume: {}", "red_volume: {accuracy: 2 uL}")
    assert shaky != _HEAD
    state, rows = _state(tmp_path, text, 9, strategy, shaky)
    (campaign,) = state.campaigns.values()
    assert campaign.spec.outliers
    assert campaign.spec.accuracy == {"red_volume": 2.0}
    expected = Options(outliers=True, accuracy={"red_volume": 2.0}, quantile=0.2)
    assert options_of(campaign) == expected
    assert campaign.status == "completed"
    assert campaign.trials[9].origin == "model"
    assert len(rows) == 9


def test_without_them_a_campaign_has_no_options(tmp_path: Path):
    state, _ = _state(tmp_path, "objective: {result: distance, direction: minimize}", 4)
    (campaign,) = state.campaigns.values()
    assert options_of(campaign) == Options()
    assert campaign.spec.accuracy == {}


def test_zeros_are_in_the_journal_and_count_while_nothing_is_below(tmp_path: Path):
    text = "objective: {result: distance, direction: maximize, zeros: true}"
    state, _ = _state(tmp_path, text, 4)
    (campaign,) = state.campaigns.values()
    assert campaign.spec.objective.zeros
    assert options_of(campaign) == Options(zeros=True)
    below = replace(campaign.trials[2], value=-0.001)
    assert options_of(replace(campaign, trials={**campaign.trials, 2: below})) == Options()


def test_zeros_of_one_of_several_objectives_reach_the_search(tmp_path: Path):
    text = """objectives:
  - {result: absorbance_450, direction: maximize, zeros: true}
  - {result: volume, direction: minimize}
"""
    state, _ = _state(tmp_path, text, 10)
    (campaign,) = state.campaigns.values()
    assert [objective.zeros for objective in campaign.objectives] == [True, False]
    assert options_of(campaign) == Options(zeros=("absorbance_450",))
    assert options_of(campaign, first=True) == Options(zeros=True)
    outcomes = {**campaign.trials[2].outcomes, "absorbance_450": -0.001}
    below = replace(campaign.trials[2], outcomes=outcomes)
    assert options_of(replace(campaign, trials={**campaign.trials, 2: below})) == Options()
    reds = sorted(float(trial.factors["red_volume"]) for trial in campaign.trials.values())
    for number, trial in campaign.trials.items():  # no colour above an edge
        dead = float(trial.factors["red_volume"]) > reds[6]
        value = 0.0 if dead else 5.0 + trial.outcomes["absorbance_450"]
        told = replace(trial, outcomes={**trial.outcomes, "absorbance_450": value})
        campaign = replace(campaign, trials={**campaign.trials, number: told})
    asked = suggest_from_state(
        replace(state, campaigns={campaign.spec.campaign: campaign}), campaign.spec.campaign, 1
    )
    assert 0.0 < (asked[0].chance or 0.0) <= 1.0
