"""A choice with descriptors and a list of levels beside a number in steps: from the file to the journal and back."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dashboard.charts import left_out_figure
from dashboard.model import fit_evidence
from lab.app.check import check_files
from lab.app.evidence import evidence_of_records
from lab.app.files import open_campaign
from lab.app.optimiser import suggest_from_state
from lab.app.options import RunOptions
from lab.app.report import report_lines
from lab.app.run import run_campaign
from lab.domain import event as ev
from lab.domain.errors import FindingsError, InputError
from lab.domain.reduce import reduce
from lab.domain.state import LabState
from lab.engine.proposals import unlawful
from lab.optimize.recorded import space_of
from lab.optimize.space import Category, Levels
from lab.records.reader import open_records
from simulators.chemistry.dyes import well_absorbance

if TYPE_CHECKING:
    from lab.domain.state import CampaignState

EXAMPLE = Path(__file__).parents[3] / "sops" / "dye_choosing"
LEVELS = (10.0, 15.0, 20.0, 30.0, 40.0, 60.0)
STOCKS = {"red": {"allura_red": 3e-4}, "yellow": {"tartrazine": 3e-4}, "blue": {"brilliant_blue": 6e-5}, "water": {}}  # fmt: skip


def distance(dye: str, volume: float, yellow: float) -> float:
    """What an ideal robot and reader would find."""
    volumes = {"water": 200 - volume - yellow, "yellow": yellow}
    volumes[dye] = volumes.get(dye, 0.0) + volume
    seen = [well_absorbance(volumes, STOCKS, wave, 6.86) for wave in (450, 520, 630)]
    return sum(abs(a - b) for a, b in zip(seen, (0.538, 0.548, 0.002), strict=True))


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory):
    """The example, run once."""
    folder = tmp_path_factory.mktemp("choices")
    database = str(folder / "records.db")
    run_campaign(
        RunOptions(campaign=EXAMPLE / "campaign.yaml", virtual=True, seed=7, database=database)
    )
    with open_records(database) as opened:
        yield opened


def only(state: LabState) -> CampaignState:
    (campaign,) = state.campaigns.values()
    return campaign


def test_the_best_of_all_combinations_is_found(records):
    every = [(distance(d, v, 5.0 * y), d, v, 5.0 * y) for d in STOCKS if d != "water" for v in LEVELS for y in range(13)]  # fmt: skip
    campaign = only(records.state())
    best = campaign.best()
    assert campaign.status == "completed"
    assert best is not None
    assert tuple(best.factors.values()) == min(every)[1:]
    assert len(campaign.trials) == 18 < len(every) / 10
    kinds = {type(value) for trial in campaign.trials.values() for value in trial.factors.values()}
    assert kinds == {str, float}


def test_every_trial_kept_levels_choices_and_the_constraint(records):
    campaign = only(records.state())
    for trial in campaign.trials.values():
        assert trial.factors["dye_volume"] in LEVELS
        assert trial.factors["dye"] in ("red", "yellow", "blue")
        assert trial.factors["dye"] != "blue" or float(trial.factors["dye_volume"]) <= 30
    dosed = {run.plan.parameters["dye"] for run in records.state().runs.values()}
    assert dosed == {trial.factors["dye"] for trial in campaign.trials.values()}


def test_each_run_took_the_branch_of_its_dye(records):
    state = records.state()
    for run in state.runs.values():
        dye = only(state).trials[run.trial].factors["dye"]
        done = {path for path, step in run.steps.items() if step.status == "succeeded"}
        assert {path for path in done if "dose_" in path} == {p for p in done if f"dose_{dye}" in p}


def test_the_journal_holds_the_descriptors_and_a_replay_asks_for_the_same(records):
    choice = next(f for f in only(records.state()).spec.factors if isinstance(f, ev.ChoiceSpec))
    assert choice.descriptors["blue"] == (630.0, 130000.0)
    space = space_of(only(records.state()))
    assert [type(factor) for factor in space.factors[:2]] == [Category, Levels]
    state, replayed = LabState(), 0
    for record in records.events():
        event = record.event
        if isinstance(event, ev.TrialProposed) and event.origin == "model" and replayed < 3:
            campaign = state.campaigns[event.campaign]
            again = suggest_from_state(state, event.campaign, 1)
            assert unlawful(campaign.spec, again) == ""
            assert dict(again[0].factors) == event.factors
            assert again[0].predicted_mean == event.predicted_mean
            assert again[0].better == event.better is not None
            assert again[0].explores == event.explores
            replayed += 1
        state = reduce(state, record)
    assert replayed == 3


def test_reports_and_rows_show_names(records):
    state = records.state()
    (name,) = state.campaigns
    assert any("dye = red, dye_volume = 30 uL" in line for line in report_lines(state, name))
    row = records.trials(name)[9]
    assert row["dye"] == "red"
    assert row["dye_volume [uL]"] == 30.0


def test_before_a_run_each_choice_is_bound():
    files = open_campaign(EXAMPLE / "campaign.yaml")
    assert [trial["dye"] for trial in files.samples] == ["red", "yellow", "blue"]
    assert all(trial["dye_volume"] in LEVELS for trial in files.samples)


@pytest.mark.parametrize(
    ("file", "old", "new", "words", "place"),
    [
        ("campaign.yaml", "descriptors: dyes.csv", "choices: [red, bleu]", '"bleu" is not one of the choices', (10, 24)),
        ("campaign.yaml", "dyes.csv", "dies.csv", "no file", (10, 22)),
        ("campaign.yaml", "dye != 'blue'", "dye != 'bleu'", 'never "bleu"', (18, 13)),
        ("campaign.yaml", "20 uL, 30 uL", "30 uL, 20 uL", "comes after", (11, 46)),
        ("dyes.csv", "yellow,427", "yelow,427", 'no row for the choice "yellow"', (1, 1)),
        ("dyes.csv", "yellow,427", "yellow,NaN", '"NaN" is no number', (3, 8)),
        ("dyes.csv", "yellow,427,25000", "yellow,504,24000", "the same descriptors", (3, 1)),
    ],
)  # fmt: skip
def test_a_wrong_file_is_refused_before_a_run(
    tmp_path: Path, file: str, old: str, new: str, words: str, place: tuple[int, int]
):
    folder = tmp_path / "dyes"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns(".lab"))
    text = (folder / file).read_text()
    assert old in text
    (folder / file).write_text(text.replace(old, new, 1))
    found = [item for item in check_files((folder / "campaign.yaml",)) if item.blocking]
    assert any(words in item.message and (item.line, item.column) == place for item in found), [
        item.text() for item in found
    ]
    with pytest.raises(FindingsError):
        open_campaign(folder / "campaign.yaml")


def test_the_model_of_the_records_foretells_each_trial(records):
    found, measured = evidence_of_records(records.url, None)
    assert measured == "distance [dimensionless]"
    assert sorted(item.trial for item in found.left_out) == list(range(1, 19))
    assert found.calibration.count == 18
    state = records.state()
    page = fit_evidence(state, only(state))
    assert page == found
    picture = left_out_figure(page.left_out, only(state).spec.objective)
    assert picture["data"][1]["x"] == [item.value for item in found.left_out]
    assert picture["data"][1]["y"] == [item.mean for item in found.left_out]
    with pytest.raises(InputError, match="no campaign nix"):
        evidence_of_records(records.url, "nix")
