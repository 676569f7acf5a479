"""A pump stalls in the middle of a dose: the run fails, its vessels are emptied, the campaign goes on and learns."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from lab.app.options import RunOptions
from lab.app.run import run_campaign
from lab.domain.errors import LabError
from lab.records.reader import open_records

EXAMPLE = Path(__file__).parents[2] / "sops" / "electrolyte_conductivity"


@pytest.mark.timeout(120)
def test_a_stalled_dose_fails_its_run_and_nothing_else(tmp_path: Path) -> None:
    folder = tmp_path / "electrolyte"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns(".lab"))
    lab_file = folder / "lab.yaml"
    text = lab_file.read_text()
    sound, faulty = "simulate: {dose_cv: 0.004}", "simulate: {dose_cv: 0.004, stall_after_ml: 3}"
    # The first pump of the file is the one for the concentrate.
    lab_file.write_text(text.replace(sound, faulty, 1))
    report = run_campaign(
        RunOptions(
            campaign=folder / "campaign.yaml",
            virtual=True,
            seed=7,
            trials=8,
            database=str(tmp_path / "records.db"),
        )
    )
    assert report.state == "completed"
    assert report.document["runs"] == {"succeeded": 7, "failed": 1, "aborted": 0}
    with open_records(report.database) as records:
        state = records.state()
        [entry] = state.campaigns.values()
        [failed] = [run for run in state.runs.values() if run.status == "failed"]
        assert records.first_broken_row() is None
    assert "dose_concentrate" in failed.reason
    assert "part" in failed.reason
    # The rest of its dose is not made up for: no second command for the step that acted in part.
    assert failed.steps["dose_concentrate"].attempt == 1
    for path in ("heater_off", "clear_pot", "clear_cell"):
        assert failed.steps[path].status == "succeeded"
    trial = entry.trials[failed.trial]
    assert trial.status == "failed"
    assert trial.reason
    # The next samples are weighed in the same pot: had it not been emptied, their masses would be wrong.
    assert all(run.status == "succeeded" for run in state.runs.values() if run is not failed)


@pytest.mark.timeout(120)
def test_a_virtual_run_ends_where_a_person_is_needed(tmp_path: Path) -> None:
    folder = tmp_path / "electrolyte"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns(".lab"))
    lab_file = folder / "lab.yaml"
    # In the middle of the first dose the pump forgets how much it has delivered.
    text = lab_file.read_text()
    assert "dose_cv: 0.004" in text
    lab_file.write_text(text.replace("dose_cv: 0.004", "dose_cv: 0.004, power_cut_at_s: 25", 1))
    database = str(tmp_path / "records.db")
    options = RunOptions(
        campaign=folder / "campaign.yaml", virtual=True, seed=7, trials=4, database=database
    )
    with pytest.raises(LabError, match="a person is needed"):
        run_campaign(options)
    with open_records(database) as records:
        state = records.state()
        assert [question.run for question in state.questions.values()] == ["electrolyte-1/r001"]
        assert state.active_campaign is not None
    resumed = run_campaign(replace(options, resume=True))
    assert resumed.state == "completed"
    with open_records(database) as records:
        assert records.state().runs["electrolyte-1/r001"].status == "aborted"
