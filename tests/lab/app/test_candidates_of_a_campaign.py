"""A campaign whose trials are the rows of a file: checked, run, replayed."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest

from lab.app.check import check_files
from lab.app.optimiser import suggest_from_state
from lab.app.options import RunOptions
from lab.app.run import run_campaign
from lab.domain.errors import FindingsError
from lab.engine.messages import Proposal
from lab.engine.proposals import unlawful
from lab.records.reader import open_records
from tests.support.factors import numbers

DYES = Path(__file__).parents[3] / "sops" / "dye_matching"
GRID = [(r, y, b) for r, y, b in product((10, 20, 40), (20, 42, 60), (10, 27, 50))]


def _campaign(folder: Path, table: str, more: str = "", trials: int = 12) -> Path:
    for name in ("sop.yaml", "lab.yaml"):
        (folder / name).write_text((DYES / name).read_text())
    (folder / "recipes.csv").write_text(table)
    text = (DYES / "campaign.yaml").read_text()
    text = text.replace("fixed:\n", f"candidates: recipes.csv\n{more}fixed:\n", 1)
    path = folder / "campaign.yaml"
    path.write_text(text.replace("trials: 32", f"trials: {trials}"))
    return path


TABLE = "blue_volume [uL],red_volume [mL],yellow_volume [uL]\n" + "\n".join(
    f"{b},{r / 1000},{y}" for r, y, b in GRID
)


def test_only_rows_of_the_file_are_tried_and_a_replay_asks_for_the_same(tmp_path: Path):
    path = _campaign(tmp_path, TABLE, "constraints: [red_volume <= 30 uL]\n")
    assert [item for item in check_files((path,)) if item.blocking] == []
    report = run_campaign(
        RunOptions(campaign=path, virtual=True, seed=3, database=str(tmp_path / "records.db"))
    )
    with open_records(report.database) as records:
        state = records.state()
    ((name, campaign),) = state.campaigns.items()
    assert campaign.status == "completed"
    tried = [tuple(numbers(trial.factors).values()) for trial in campaign.trials.values()]
    assert len(set(tried)) == len(tried) == 12
    for row in tried:
        assert any(row == pytest.approx(other) for other in GRID)
        assert row[0] < 30
    assert {trial.origin for trial in campaign.trials.values()} == {"random", "model"}
    best = campaign.best()
    assert best is not None
    assert dict(best.factors) == pytest.approx(
        {"red_volume": 20, "yellow_volume": 42, "blue_volume": 27}
    )
    again = suggest_from_state(state, name, 2)
    assert again == suggest_from_state(state, name, 2)
    assert unlawful(campaign.spec, again) == ""
    between = Proposal({"red_volume": 15.0, "yellow_volume": 42.0, "blue_volume": 27.0}, "model")
    assert "none of the 27 candidates" in unlawful(campaign.spec, (between,))


@pytest.mark.parametrize(
    ("table", "more", "trials", "words"),
    [
        (TABLE.replace("[mL]", ""), "", 12, "has no unit"),
        (TABLE, "", 28, "28 trials of 27 candidates"),
        (TABLE, "constraints: [red_volume <= 15 uL]\n", 12, "9 of 27 candidates keep the constraints"),
        (TABLE + "\n10,0.01,20", "", 12, "stands in line"),
    ],
)  # fmt: skip
def test_a_wrong_list_is_refused_before_a_run(
    tmp_path: Path, table: str, more: str, trials: int, words: str
):
    path = _campaign(tmp_path, table, more, trials)
    assert any(words in item.message for item in check_files((path,)))
    with pytest.raises(FindingsError):
        run_campaign(RunOptions(campaign=path, virtual=True, database=str(tmp_path / "r.db")))


def test_a_list_outside_of_the_folder_or_none_is_refused(tmp_path: Path):
    path = _campaign(tmp_path, TABLE)
    text = path.read_text()
    path.write_text(text.replace("recipes.csv", "../../recipes.csv"))
    assert any("leads out of its surroundings" in item.message for item in check_files((path,)))
    path.write_text(text.replace("recipes.csv", "receipts.csv"))
    assert any("there is no file" in item.message for item in check_files((path,)))
