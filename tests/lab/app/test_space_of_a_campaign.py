"""A campaign file's space on its way to the optimiser, the journal and back."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.app.check import check_files
from lab.app.files import open_campaign
from lab.app.options import RunOptions
from lab.app.run import run_campaign
from lab.domain.errors import FindingsError
from lab.optimize.recorded import space_of
from lab.records.reader import open_records
from tests.support.factors import numbers, ranges

DYES = Path(__file__).parents[3] / "sops" / "dye_matching"


def _campaign(folder: Path, space: str, red: str = "") -> Path:
    for name in ("sop.yaml", "lab.yaml"):
        (folder / name).write_text((DYES / name).read_text())
    text = (DYES / "campaign.yaml").read_text()
    text = text.replace("red_volume: {}", f"red_volume: {{{red}}}")
    text = text.replace("fixed:\n", f"{space}\nfixed:\n", 1)
    path = folder / "campaign.yaml"
    path.write_text(text)
    return path


SPACE = """constraints:
  - red_volume + yellow_volume + blue_volume == total_volume / 2
  - red_volume >= blue_volume
alike: [yellow_volume]"""


def test_every_trial_of_a_run_keeps_what_the_file_says(tmp_path: Path):
    path = _campaign(tmp_path, SPACE, red="step: 5 uL")
    report = run_campaign(
        RunOptions(
            campaign=path, virtual=True, seed=3, trials=12, database=str(tmp_path / "records.db")
        )
    )
    with open_records(report.database) as records:
        (campaign,) = records.state().campaigns.values()
    assert campaign.spec.constraints[0].endswith("== (200.0 uL) / 2")
    space = space_of(campaign)
    trials = list(campaign.trials.values())
    assert len(trials) == 12
    assert {trial.origin for trial in trials} == {"sobol", "model"}
    for trial in trials:
        assert space.broken(trial.factors) == []
        assert sum(numbers(trial.factors).values()) == pytest.approx(100.0, abs=1e-4)
        assert trial.factors["red_volume"] % 5 == 0


def test_constraints_that_contradict_one_another_are_found_by_the_check(tmp_path: Path):
    path = _campaign(
        tmp_path,
        "constraints:\n  - red_volume + blue_volume >= 60 uL\n  - red_volume <= 10 uL\n"
        "  - blue_volume <= 2 * red_volume",
    )
    (found,) = check_files((path,))
    assert "contradict one another" in found.message
    assert "red_volume + blue_volume >= 60 uL" in found.message
    assert (found.file, found.line, found.column) == (str(path), 13, 1)
    with pytest.raises(FindingsError):
        open_campaign(path)


def test_an_equality_that_cannot_be_searched_is_found_by_the_check(tmp_path: Path):
    path = _campaign(tmp_path, "constraints: [red_volume * blue_volume == 400 uL^2]")
    (found,) = check_files((path,))
    assert "only an equality that is linear" in found.message


def test_a_middle_that_breaks_a_constraint_is_replaced_by_a_lawful_trial(tmp_path: Path):
    files = open_campaign(_campaign(tmp_path, "constraints: [red_volume >= 2 * blue_volume]"))
    middle = numbers(files.middle)
    assert middle["red_volume"] >= 2 * middle["blue_volume"]
    plain = open_campaign(DYES / "campaign.yaml")
    assert plain.middle == {f.name: (f.minimum + f.maximum) / 2 for f in ranges(plain.factors)}
