"""Factors that nobody chooses, from the campaign's file through a running engine to what is asked for, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lab.app.context import FilesContext
from lab.app.files import open_campaign
from lab.app.optimiser import suggest_from_state
from lab.app.options import RunOptions
from lab.app.run import run_campaign
from lab.domain import event as ev
from lab.domain.errors import InputError, LabError
from lab.domain.reduce import reduce
from lab.domain.state import LabState
from lab.records.reader import open_records
from tests.lab.app.electrolyte import copied

if TYPE_CHECKING:
    from pathlib import Path

    from lab.domain.event import Recorded
    from lab.records.rows import Rows

LIVE = """  block:
    minimum: 15 degC
    maximum: 60 degC
    context: {device: hotplate_1, signal: temperature, max_age: 2 min}
"""
TOLD = "  temperature: {context: {value: 30 degC}}\n"


def _files(folder: Path, factor: str, *changes: tuple[str, str, str]) -> Path:
    campaign = copied(folder)
    changes = (
        ("campaign.yaml", "  dilute_volume: {}\n", "  dilute_volume: {}\n" + factor),
        ("campaign.yaml", "initial: 6", "initial: 4"),
        *changes,
    )
    for name, old, new in changes:
        path = campaign.with_name(name)
        text = path.read_text(encoding="utf-8")
        assert old in text, old
        path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return campaign


def _warm(folder: Path, factor: str = TOLD) -> Path:
    """With the temperature of the measurement as a factor of the SOP that nobody chooses."""
    role = "    default: 25 degC\n    role: fixed"
    return _files(
        folder,
        factor,
        ("campaign.yaml", "  temperature: 25 degC\n", ""),
        ("sop.yaml", role, role.replace("fixed", "factor")),
    )


def _run(campaign: Path, trials: int) -> tuple[LabState, list[Recorded], Rows]:
    database = str(campaign.with_name("records.db"))
    report = run_campaign(
        RunOptions(campaign=campaign, virtual=True, seed=3, trials=trials, database=database)
    )
    assert report.state == "completed"
    with open_records(report.database) as records:
        return records.state(), list(records.events()), records.trials()


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory):
    return _run(_files(tmp_path_factory.mktemp("live"), LIVE), 5)


def test_a_live_value_is_in_the_journal_before_the_trials_that_it_is_for(live):
    state, records, rows = live
    (campaign,) = state.campaigns.values()
    told: dict[str, ev.ContextValue] = {}
    for record in records:
        event = record.event
        if isinstance(event, ev.ContextTold):
            told[event.factor] = event.told
            assert event.told.at is not None
            assert 0 <= (record.at - event.told.at).total_seconds() <= 120
        elif isinstance(event, ev.TrialProposed):
            assert event.factors["block"] == told["block"].value
            assert event.context == told
    assert told["block"].source == "temperature of hotplate_1"
    values = {trial.factors["block"] for trial in campaign.trials.values()}
    assert len(values) > 1, "it was looked at anew for each batch"
    assert all(15 <= float(value) <= 60 for value in values)
    assert rows[0]["block [degC]"] == campaign.trials[1].factors["block"]
    assert rows[0]["context"] == "block: temperature of hotplate_1"


def test_what_the_sop_knows_nothing_of_reaches_no_step(live):
    for run in live[0].runs.values():
        assert "block" not in run.plan.parameters
        assert set(run.plan.parameters) >= {"concentrate_volume", "temperature"}


def test_a_replay_asks_for_the_same_to_the_bit(live):
    state, replayed = LabState(), 0
    for record in live[1]:
        event = record.event
        if isinstance(event, ev.TrialProposed) and event.trial in (1, 3, 5):
            count = min(2, 5 - event.trial + 1)
            first = suggest_from_state(state, event.campaign, count)[0]
            assert dict(first.factors) == event.factors
            assert first.predicted_mean == event.predicted_mean
            replayed += 1
        state = reduce(state, record)
    assert replayed == 3


def test_a_parameter_of_the_sop_is_set_to_what_it_is(tmp_path: Path):
    state, records, _ = _run(_warm(tmp_path), 4)
    (campaign,) = state.campaigns.values()
    assert not any(isinstance(record.event, ev.ContextTold) for record in records)
    for trial in campaign.trials.values():
        assert trial.factors["temperature"] == 30.0
        assert trial.context["temperature"].source == "the campaign's file"
        assert state.runs[trial.run].plan.parameters["temperature"] == 30.0
    name = campaign.spec.campaign
    told = ev.ContextTold(
        campaign=name,
        factor="temperature",
        told=ev.ContextValue(value=38.0, source="Ada", actor="Ada"),
    )
    warmer = reduce(state, records[-1].model_copy(update={"event": told, "seq": state.seq + 1}))
    here, there = (suggest_from_state(s, name, 1)[0] for s in (state, warmer))
    assert {here.origin, there.origin} == {"model"}
    assert here.factors["temperature"] == 30.0
    assert there.factors["temperature"] == 38.0
    assert there.predicted_sd != here.predicted_sd
    assert there.factors["concentrate_volume"] != here.factors["concentrate_volume"]


def test_the_specification_has_units_and_ages(tmp_path: Path):
    kelvin = "    minimum: 290 K\n    maximum: 330 K\n"
    text = LIVE.replace("    minimum: 15 degC\n    maximum: 60 degC\n", kelvin)
    block = open_campaign(_files(tmp_path, text)).factors[-1]
    assert isinstance(block, ev.FactorSpec)
    assert (block.unit, block.minimum, block.maximum) == ("K", 290.0, 330.0)
    assert block.context == ev.ContextSpec(
        device="hotplate_1", signal="temperature", unit="degC", max_age_s=120.0
    )
    told = open_campaign(_warm(tmp_path / "b", TOLD.replace("30 degC", "303.15 K"))).factors[-1]
    assert told.context is not None
    assert told.context.value == pytest.approx(30.0)
    lot = "  lot: {choices: [a1, a2], context: {value: a2}}\n"
    files = open_campaign(_files(tmp_path / "c", lot))
    assert files.factors[-1] == ev.ChoiceSpec(
        name="lot", choices=("a1", "a2"), context=ev.ContextSpec(value="a2")
    )
    assert FilesContext(files).candidates(1, files.middle)[0].parameters["temperature"] == 25.0


@pytest.mark.parametrize(
    ("factor", "words"),
    [
        (
            "  room: {minimum: 15 degC, maximum: 30 degC, context: {}}\n",
            "nobody has told what room is",
        ),
        (LIVE.replace("15 degC", "40 degC"), "its range is 40 to 60 degC"),
    ],
)
def test_a_virtual_run_in_which_nobody_could_ever_tell_it_ends_and_says_so(
    tmp_path: Path, factor: str, words: str
):
    campaign = _files(tmp_path, factor)
    with pytest.raises(LabError, match=words):
        _run(campaign, 2)


def test_a_virtual_run_whose_signal_never_comes_ends_and_says_which(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("lab.engine.shell.context_signals", lambda _state: set())  # pyright: ignore[reportUnknownLambdaType, reportUnknownArgumentType]
    campaign = _files(tmp_path, LIVE)
    words = (
        "nothing is proposed before block is known: nothing has been heard of temperature of "
        "hotplate_1, and nothing else has happened for 1 h"
    )
    with pytest.raises(LabError, match=words) as refusal:
        _run(campaign, 2)
    assert "lab resume --virtual" in refusal.value.hint
    with open_records(str(campaign.with_name("records.db"))) as records:
        kinds = [record.event.kind for record in records.events()]
    assert kinds.count("context_awaited") == 1
    assert "trial_proposed" not in kinds


def test_what_makes_no_sense_is_refused_before_anything_starts(tmp_path: Path):
    campaign = _files(tmp_path, LIVE.replace("hotplate_1", "hotplate_9"))
    with pytest.raises(InputError) as refusal:
        open_campaign(campaign)
    [finding] = refusal.value.diagnostics
    assert 'the lab has no device "hotplate_9"' in finding.message
    assert finding.source_line.strip().startswith("context: {device: hotplate_9")
