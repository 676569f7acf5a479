"""The electrolyte example as the tests of `lab.app` use it, and a journal made by hand for it."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from lab.app.context import FilesContext
from lab.app.files import open_campaign
from lab.app.options import RunOptions
from lab.app.run import run_campaign
from lab.domain import event as ev
from lab.domain.reduce import reduce
from lab.domain.state import LabState

if TYPE_CHECKING:
    from lab.app.files import CampaignFiles
    from lab.app.options import RunReport

CAMPAIGN = Path("sops/electrolyte_conductivity/campaign.yaml")
NAME = "electrolyte-1"
FACTORS: dict[str, ev.FactorValue] = {"concentrate_volume": 3.0, "dilute_volume": 1.0}
ZERO = datetime(2026, 1, 1, tzinfo=UTC)


def run_virtual_campaign(database: Path, **options: object) -> RunReport:
    """A few Sobol trials in virtual time."""
    given: dict[str, object] = {"seed": 7, "trials": 2, "method": "sobol", **options}
    campaign = given.pop("campaign", CAMPAIGN)
    return run_campaign(
        RunOptions(campaign=campaign, virtual=True, database=str(database), **given)  # pyright: ignore[reportArgumentType]
    )


def copied(folder: Path) -> Path:
    """The example's files where a test may change them; returns the campaign's path."""
    target = folder / "example"
    shutil.copytree(CAMPAIGN.parent, target, ignore=shutil.ignore_patterns(".lab"))
    return target / CAMPAIGN.name


class HandMade:
    """A lab state built event by event."""

    def __init__(self, trials: int = 4) -> None:
        self.files: CampaignFiles = open_campaign(CAMPAIGN)
        self.context = FilesContext(self.files)
        self.state = LabState()
        self.at_s = 0.0
        self.add(
            ev.CampaignStarted(
                campaign=NAME,
                title="t",
                file="campaign.yaml",
                sop_id="s",
                sop_version="1",
                sop_sha256=self.files.bundle.procedure.sha256,
                lab_id=self.files.lab.id,
                factors=self.files.factors,
                fixed=self.files.fixed,
                objective=self.files.objectives[0],
                method="sobol",
                initial=2,
                batch=2,
                trials=trials,
                parallel=4,
                seed=0,
            )
        )

    @property
    def campaign(self):
        return self.state.campaigns[NAME]

    def add(self, *events: ev.Event) -> None:
        for event in events:
            at = ZERO + timedelta(seconds=self.at_s)
            record = ev.Recorded(seq=self.state.seq + 1, epoch=1, at=at, event=event)
            self.state = reduce(self.state, record)

    def propose(self, number: int) -> None:
        self.add(ev.TrialProposed(campaign=NAME, trial=number, factors=FACTORS, origin="sobol"))

    def begin(self, number: int, choice: int) -> str:
        """Start a run with one of its candidate plans; returns the run's id."""
        run = f"{NAME}/r{number:03d}"
        plan = self.context.candidates(number, FACTORS)[choice]
        self.add(ev.RunStarted(campaign=NAME, run=run, trial=number, plan=plan))
        return run

    def device(self, name: str, state: str) -> None:
        self.add(
            ev.DeviceStateChanged.model_validate({"device": name, "state": state, "detail": ""})
        )

    def timeline(self):
        return self.context.timeline(self.state, self.campaign, (ZERO.timestamp() + self.at_s))
