"""What `lab plan` says of a plan, as one JSON document."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lab.plan.pools import one_more
from lab.plan.review import critical_path, expected, holds, utilisation
from lab.plan.schedule import PlanningSnapshot, schedule
from lab.plan.worth import worth

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lab.domain.plan import Slot
    from lab.plan.snapshot import Schedule
    from lab.plan.translate import Service

__all__ = ["plan_document"]

_EPSILON_S = 2e-3
_ONE_MORE_SAMPLES = 24
"""So many samples tell what one more device would bring."""


def plan_document(
    snapshot: PlanningSnapshot,
    planned: Schedule,
    services: Sequence[Service],
    bound_s: float,
    notes: Sequence[str],
) -> dict[str, Any]:
    """Times in seconds from the plan's start."""
    timeline, makespan = planned.timeline, planned.timeline.makespan_s
    judged = worth(snapshot, planned)
    uses = utilisation(snapshot, planned)
    alone = {
        id(run.plans): schedule(PlanningSnapshot(0.0, (run,))).timeline.makespan_s
        for run in snapshot.runs
    }
    status = "optimal" if makespan <= bound_s + 1e-3 else "feasible"
    if judged.blocked or judged.broken_s:
        status = "infeasible"
    return {
        "samples": len(snapshot.runs),
        "makespan_s": makespan,
        "lower_bound_s": min(bound_s, makespan) if not planned.blocked else bound_s,
        "broken_holds": len(planned.broken),
        "status": status,
        "sequential_s": sum(alone[id(run.plans)] for run in snapshot.runs),
        "not_planned": dict(planned.blocked),
        "bottleneck": uses[0].name if uses else "",
        "utilisation": [use._asdict() for use in uses],
        "one_more": _one_more(snapshot),
        "durations": [item._asdict() for item in expected(planned)],
        "holds": [
            {
                "sample": hold.run,
                "window": hold.window,
                "from": hold.first,
                "to": hold.second,
                "at_most_s": hold.at_most_s,
                "took_s": hold.took_s,
                "slack_s": hold.slack_s,
                "on_violation": hold.on_violation,
            }
            for hold in holds(snapshot, planned)
        ],
        "critical_path": [
            {
                "sample": link.slot.run,
                "step": link.slot.step,
                "device": link.slot.device,
                "start_s": link.slot.start_s,
                "end_s": link.slot.end_s,
                "because": link.because or _served(link.slot, services),
            }
            for link in critical_path(planned)
        ],
        "services": [service._asdict() for service in services],
        "notes": list(notes),
        "sample_names": [run.run for run in snapshot.runs],
        "timeline": [
            {
                "sample": slot.run,
                "step": slot.step,
                "device": slot.device,
                "start_s": slot.start_s,
                "end_s": slot.end_s,
                "stations": list(slot.claims),
                "duration_from": slot.duration_from,
                "duration_runs": slot.duration_runs,
            }
            for slot in sorted(timeline.slots, key=lambda slot: (slot.start_s, slot.run))
        ],
    }


def _served(slot: Slot, services: Sequence[Service]) -> str:
    """The service that a step waited for, if it begins where that ends."""
    return next(
        (
            f"{service.task} by {service.person}"
            for service in services
            if (service.sample, service.step) == (slot.run, slot.step)
            and abs(service.end_s - slot.start_s) < _EPSILON_S
        ),
        "",
    )


def _one_more(snapshot: PlanningSnapshot) -> list[dict[str, Any]]:
    """What the first planner makes of the lab with one more of each, compared with the lab as it is."""
    few = replace(snapshot, runs=snapshot.runs[:_ONE_MORE_SAMPLES], closed_s={})
    before = schedule(few).timeline.makespan_s
    found: list[dict[str, Any]] = []
    for twin in one_more(few):
        after = schedule(twin.snapshot).timeline.makespan_s
        found.append(
            {
                "name": twin.name,
                "kind": twin.kind,
                "together": list(twin.together),
                "change": min(0.0, after / before - 1) if before > 0 else 0.0,
            }
        )
    return sorted(found, key=lambda item: item["change"])
