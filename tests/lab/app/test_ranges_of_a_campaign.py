"""The measuring range of a result, from the SOP to the journal, the optimiser, the rows, the report and back."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lab.app.check import check_files
from lab.app.earlier import earlier_of
from lab.app.files import open_campaign
from lab.app.optimiser import suggest_from_state
from lab.app.options import RunOptions
from lab.app.report import best_document, report_lines
from lab.app.run import run_campaign
from lab.cli.progress import ProgressLines
from lab.cli.status_text import lab_lines
from lab.control.status import status_document
from lab.domain import event as ev
from lab.domain.reduce import reduce
from lab.domain.replacing import replace
from lab.domain.state import LabState
from lab.optimize.recorded import history_of, options_of
from lab.records.reader import open_records

EXAMPLE = Path(__file__).parents[3] / "sops" / "electrolyte_conductivity"
_RESULT = "  conductivity:\n    from: measure.conductivity\n    unit: mS/cm\n"
_TOP = 8.0


def _folder(folder: Path, span: str = "{maximum: 8 mS/cm}", trials: int = 7) -> Path:
    folder.mkdir(exist_ok=True)
    shutil.copy(EXAMPLE / "lab.yaml", folder)
    sop = (EXAMPLE / "sop.yaml").read_text()
    assert _RESULT in sop
    (folder / "sop.yaml").write_text(sop.replace(_RESULT, f"{_RESULT}    range: {span}\n"))
    text = (EXAMPLE / "campaign.yaml").read_text().replace("trials: 24", f"trials: {trials}")
    path = folder / "campaign.yaml"
    path.write_text(text.replace("batch: 2", "batch: 1").replace("initial: 6", "initial: 4"))
    return path


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("ranges")
    path = _folder(folder)
    made = str(folder / "records.db")
    run_campaign(RunOptions(campaign=path, virtual=True, seed=3, database=made))
    return made


def test_what_is_beyond_is_recorded_as_read_and_known_as_beyond(database: str):
    with open_records(database) as records:
        state, trials, runs = records.state(), records.trials(), records.runs()
    ((name, campaign),) = state.campaigns.items()
    beyond = {n for n, trial in campaign.trials.items() if trial.beyond}
    assert 0 < len(beyond) < len(campaign.trials)
    for number, trial in campaign.trials.items():
        read = state.runs[trial.run].results["conductivity"]
        assert (read.value >= _TOP) is (number in beyond)
        assert read.beyond == ("above" if number in beyond else None)
        assert trial.value == min(read.value, _TOP)
        assert (trial.standard_deviation is None) is (number in beyond)
        assert trials[number - 1]["beyond"] == ("conductivity: above" if number in beyond else "")
        assert runs[number - 1]["beyond"] == trials[number - 1]["beyond"]
        assert runs[number - 1]["conductivity [mS/cm]"] == read.value
    assert any(state.runs[campaign.trials[n].run].results["conductivity"].value > _TOP for n in beyond)  # fmt: skip
    best = best_document(campaign)
    assert best is not None
    assert (best["objective"], best["beyond"]) == (_TOP, "above")
    assert any("best       > 8 mS/cm" in line for line in report_lines(state, name))


def test_the_optimiser_takes_it_as_a_bound_and_seeks_on_behind_it(database: str):
    with open_records(database) as records:
        state = records.state()
    (campaign,) = state.campaigns.values()
    history = history_of(campaign, state)
    assert {record.side for record in history} == {None, "above"}
    assert all(record.value == _TOP for record in history if record.side == "above")
    model = [trial for trial in campaign.trials.values() if trial.origin == "model"]
    assert model
    assert any((trial.predicted_mean or 0.0) > _TOP for trial in model)


def test_people_see_that_it_lies_beyond(database: str, capsys: pytest.CaptureFixture[str]):
    state, progress = LabState(), ProgressLines(quiet=False)
    with open_records(database) as records:
        for record in records.events():
            state = reduce(state, record)
            progress.watch(state, record)
    told = capsys.readouterr()
    lines = [line for line in (told.out + told.err).splitlines() if " gave " in line]
    (campaign,) = state.campaigns.values()
    beyond = {number for number, trial in campaign.trials.items() if trial.beyond}
    assert {int(line.split()[2]) for line in lines if "gave > 8 mS/cm" in line} == beyond
    assert any("best > 8 " in line for line in lines)
    document = status_document(state, datetime.fromtimestamp(state.at_s, UTC))
    assert document["campaigns"][0]["best"] is not None
    assert document["campaigns"][0]["best"]["beyond"] == "above"
    assert any("best > 8 mS/cm (trial" in line for line in lab_lines(document))


def test_a_replay_asks_for_the_same(database: str):
    state, replayed = LabState(), 0
    with open_records(database) as records:
        for record in records.events():
            event = record.event
            if isinstance(event, ev.TrialProposed):
                (again,) = suggest_from_state(state, event.campaign, 1)
                assert dict(again.factors) == event.factors
                assert again.predicted_mean == event.predicted_mean
                replayed += 1
            state = reduce(state, record)
    assert replayed == 7


def test_the_next_campaign_is_taught_where_it_is_beyond(database: str, tmp_path: Path):
    path = _folder(tmp_path, trials=4)
    named = "earlier:\n  - {name: before, campaign: electrolyte-1}\nfixed:\n"
    path.write_text(path.read_text().replace("fixed:\n", named, 1))
    files = open_campaign(path)
    with open_records(database) as records:
        state = records.state()
    (one,) = earlier_of(files, path, state)
    sides = [result.beyond.get("conductivity") for result in one.results]
    (campaign,) = state.campaigns.values()
    assert sides == [t.beyond.get("conductivity") for t in campaign.trials.values()]
    spec = campaign.spec.model_copy(update={"earlier": (one,)})
    (told,) = options_of(replace(campaign, spec=spec)).earlier
    assert [record.side for record in told.history] == sides


def test_a_range_of_the_wrong_kind_is_refused_before_anything_is_spent(tmp_path: Path):
    found = check_files((_folder(tmp_path, "{maximum: 8 g}"),))
    assert any(item.code == "dimension" and "conductivity" in item.message for item in found)
