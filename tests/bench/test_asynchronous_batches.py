"""Lab hours until 99 % of the optimum: the optimiser asked as places fall free, against whole batches.

The electrolyte lab in virtual time, four trials under way at the most. Synchronous: four are asked for when all four have
ended. In time: so many as there is room for when the cells would fall idle before that (`lab.engine.asking`). Asynchronous:
two, or one, whenever there is room. What is under way is told to the optimiser as pending. The
truth is the simulator's noise-free equation; a trial counts when it has ended. Run with `make bench`.
"""

from __future__ import annotations

import statistics
from shutil import copytree
from typing import TYPE_CHECKING

import pytest

from lab.app.options import RunOptions
from lab.app.run import run_campaign
from lab.engine import asking
from lab.records.reader import open_records
from tests.bench.test_electrolyte_campaign import CAMPAIGN, true_optimum, truth
from tests.support.factors import numbers

if TYPE_CHECKING:
    from pathlib import Path

SEEDS = 8
TRIALS = 32
UNDER_WAY = 4
LEVELS = (0.99, 0.999)
OPTIMUM = true_optimum()
BATCHES = {"synchronous, 4": 4, "in time, 4": 4, "asynchronous, 2": 2, "asynchronous, 1": 1}


def campaign_of(batch: int, folder: Path) -> Path:
    """The example's campaign with another size of batch."""
    copied = copytree(CAMPAIGN.parent, folder / f"batch-{batch}")
    file = copied / CAMPAIGN.name
    text = file.read_text(encoding="utf-8")
    assert "  batch: 2\n" in text
    assert f"  parallel: {UNDER_WAY}\n" in text
    file.write_text(text.replace("  batch: 2\n", f"  batch: {batch}\n"), encoding="utf-8")
    return file


def hours_of(campaign: Path, seed: int) -> list[float | None]:
    """Virtual hours until a trial of each share of the optimum has ended, and until the last has."""
    database = str(campaign.parent / f"{seed}.db")
    run_campaign(
        RunOptions(campaign=campaign, virtual=True, seed=seed, trials=TRIALS, database=database)
    )
    with open_records(database) as records:
        state = records.state()
    [done] = state.campaigns.values()
    ends = {run.trial: run.ended_s for run in state.runs.values() if run.ended_s is not None}
    shares = {
        number: truth(numbers(trial.factors)) / OPTIMUM
        for number, trial in done.trials.items()
        if trial.value is not None
    }
    found = [
        min((ends[number] for number, share in shares.items() if share >= level), default=None)
        for level in LEVELS
    ]
    return [
        None if at is None else (at - done.started_s) / 3600.0
        for at in (*found, max(ends.values()))
    ]


@pytest.mark.bench
@pytest.mark.timeout(3600)
def test_hours_until_the_optimum(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    print(
        f"\n{SEEDS} seeds, {TRIALS} trials, {UNDER_WAY} under way at the most; lab hours, median (all)"
    )
    whole: dict[str, float] = {}
    first: dict[str, list[float]] = {}
    for name, batch in BATCHES.items():
        campaign = campaign_of(batch, tmp_path / name)
        with monkeypatch.context() as patch:
            if name.startswith("synchronous"):
                patch.setattr(asking, "_idle_s", lambda *_: None)
            answers = [hours_of(campaign, seed) for seed in range(SEEDS)]
        for level, column in zip((*LEVELS, None), zip(*answers, strict=True), strict=True):
            hours = sorted(at for at in column if at is not None)
            missed = f", {column.count(None)} never" if None in column else ""
            what = f"all {TRIALS} trials" if level is None else f"{100 * level:g} % of the optimum"
            print(
                f"{name}: {what} after {statistics.median(hours):.2f} h "
                f"({', '.join(f'{at:.2f}' for at in hours)}{missed})"
            )
            if level is None:
                whole[name] = statistics.median(hours)
            elif level == LEVELS[0]:
                first[name] = hours
    synchronous, asynchronous = "synchronous, 4", "asynchronous, 2"
    assert len(first[synchronous]) == len(first[asynchronous]) == SEEDS
    assert statistics.mean(first[asynchronous]) <= statistics.mean(first[synchronous])
    assert whole[asynchronous] < whole[synchronous]
    assert whole["in time, 4"] < whole[synchronous]
