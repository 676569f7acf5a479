"""`lab plan`: what the scheduler would do with some samples, without doing it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lab.app.context import BundleContext
from lab.app.drivers import LabDrivers
from lab.domain.ids import run_id
from lab.plan.schedule import PlanningSnapshot, RunToPlan, schedule
from lab.sop.load import load_campaign

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["plan_samples"]


def plan_samples(campaign: Path, samples: int) -> dict[str, Any]:
    """Makespan and timeline of that many samples with each factor in the middle of its range."""
    bundle = load_campaign(campaign)
    context = BundleContext(bundle, LabDrivers(bundle.lab).capabilities)
    middle = {f.name: (f.minimum + f.maximum) / 2 for f in bundle.factors}
    runs = tuple(
        RunToPlan(run=run_id(bundle.campaign.id, n), plans=context.candidates(n, middle))
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
