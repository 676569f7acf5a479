"""`lab plan`: what the scheduler would do with some samples, without doing it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lab.app.context import FilesContext
from lab.app.files import open_campaign
from lab.domain.ids import run_id
from lab.plan.schedule import PlanningSnapshot, RunSnapshot, schedule

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["plan_samples"]


def plan_samples(campaign: Path, samples: int) -> dict[str, Any]:
    """Makespan and timeline of that many samples with each factor in the middle of its range."""
    files = open_campaign(campaign)
    context = FilesContext(files)
    middle, name = files.middle, files.bundle.campaign.id
    runs = tuple(
        RunSnapshot(run=run_id(name, n), plans=context.candidates(n, middle))
        for n in range(1, samples + 1)
    )
    planned = schedule(PlanningSnapshot(now_s=0.0, runs=runs))
    alone = schedule(PlanningSnapshot(now_s=0.0, runs=runs[:1])).timeline.makespan_s
    return {
        "samples": samples,
        "makespan_s": planned.timeline.makespan_s,
        "sequential_s": alone * samples,
        "timeline": [
            {
                "sample": slot.run,
                "step": slot.step,
                "device": slot.device,
                "start_s": slot.start_s,
                "end_s": slot.end_s,
            }
            for slot in sorted(planned.timeline.slots, key=lambda slot: (slot.start_s, slot.run))
        ],
    }
