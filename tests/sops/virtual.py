"""Runs a shipped example in virtual time, and keeps the simulated world that it ran in."""

from __future__ import annotations

import re
import shutil
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import lab.app.run
from lab.app.drivers import build_simulation
from lab.app.files import open_campaign
from lab.app.options import RunOptions
from lab.records.reader import open_records
from simulators.lab import SimulatedLab

if TYPE_CHECKING:
    from lab.app.files import CampaignFiles
    from lab.domain.event import Event
    from lab.domain.state import LabState, RunState
    from simulators.world import World

__all__ = ["EXAMPLES", "SOPS", "VirtualRun", "changed_example", "run_example", "run_files"]

SOPS = Path(__file__).parents[2] / "sops"
EXAMPLES = sorted(path.parent.name for path in SOPS.glob("*/campaign.yaml"))
_RANDOM_DOSES = re.compile(r"\b(dose_cv|dose_bias|pipetting_cv): [0-9.]+")


@dataclass(frozen=True)
class VirtualRun:
    """What came of a campaign, and the world as it was left."""

    files: CampaignFiles
    state: LabState
    events: tuple[Event, ...]
    world: World

    @property
    def runs(self) -> list[RunState]:
        return list(self.state.runs.values())

    def result(self, name: str, run: int = 0) -> tuple[float, float]:
        """(value, standard uncertainty) of a result of the n-th run."""
        found = self.runs[run].results[name]
        return found.value, found.standard_deviation or 0.0


def changed_example(example: str, folder: Path, *changes: tuple[str, str, str]) -> Path:
    """A copy of an example with (file, old text, new text) replaced; its campaign file."""
    target = folder / example
    shutil.copytree(SOPS / example, target, ignore=shutil.ignore_patterns(".lab"))
    for name, old, new in changes:
        path = target / name
        text = path.read_text(encoding="utf-8")
        assert old in text, f"{name} has no {old!r}"
        path.write_text(text.replace(old, new), encoding="utf-8")
    return target / "campaign.yaml"


def run_files(campaign: Path, trials: int) -> VirtualRun:
    """Run that many trials, spread evenly over the factors."""
    kept: list[SimulatedLab] = []

    def build(*args: Any, **options: Any) -> SimulatedLab:
        made = build_simulation(*args, **options)
        assert isinstance(made, SimulatedLab)
        kept.append(made)
        return made

    with patch.object(lab.app.run, "build_simulation", build):
        report = lab.app.run.run_campaign(
            RunOptions(
                campaign=campaign,
                virtual=True,
                seed=7,
                trials=trials,
                method="sobol",
                database=str(campaign.parent / "records.db"),
            )
        )
    with open_records(report.database) as records:
        state = records.state()
        events = tuple(record.event for record in records.events())
    return VirtualRun(open_campaign(campaign), state, events, kept[0].world)


@cache
def run_example(example: str, trials: int, *, exact_doses: bool = False) -> VirtualRun:
    """An example as it is shipped; `exact_doses`: with pumps and pipettes that make no errors.

    Kept for the whole test session, so that several tests may look at one run.
    """
    with tempfile.TemporaryDirectory() as folder:
        campaign = changed_example(example, Path(folder))
        if exact_doses:
            lab_file = campaign.with_name("lab.yaml")
            text = lab_file.read_text(encoding="utf-8")
            lab_file.write_text(_RANDOM_DOSES.sub(r"\1: 0", text), encoding="utf-8")
        return run_files(campaign, trials)
