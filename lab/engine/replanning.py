"""When the timeline is planned anew. Pure.

A deviation calls for it: a step that ended early or late, or is overdue; a run, a device or a trial that is there or
gone. So does the start of a step from which a limit on time runs: that is a promise, and made on the newest plan only.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from lab.domain import event as ev
from lab.domain.course import tolerance_s
from lab.domain.plan_changes import kept_choices, plan_change, rounded
from lab.engine.look import Decision

if TYPE_CHECKING:
    from lab.domain.state import CampaignState
    from lab.engine.context import PlannedTimeline
    from lab.engine.look import Look

__all__ = ["as_event", "fresh", "keep_timeline", "planned_anew"]

_FRESH_S = 1.0
_LATE_S = 60.0
"""Process seconds for which a person who is asked to do something may be late before that is planned for."""
_PART_S = 0.001
"""Process seconds after a part of a plan that the next one is made."""


def keep_timeline(look: Look) -> Decision:
    """A new timeline where the standing one does not tell the truth any more."""
    campaign = look.state.active_campaign
    if campaign is None or not campaign.ready_trials:
        return Decision()
    if look.state.mode not in ("running", "paused"):
        return Decision()
    if not campaign.plan_stale:
        due_s = _overdue(look, campaign)
        if campaign.partial:
            # What the engine has to do meanwhile comes first.
            soon_s = campaign.planned_s + _PART_S
            due_s = soon_s if due_s is None else min(due_s, soon_s)
        if due_s is None or due_s > look.now_s:
            return Decision(wake_s=due_s)
    return Decision((planned_anew(look, campaign),))


def fresh(look: Look, campaign: CampaignState) -> bool:
    """Is the timeline that of this moment?"""
    return look.now_s - campaign.planned_s <= _FRESH_S


def planned_anew(look: Look, campaign: CampaignState) -> ev.TimelinePlanned:
    """The plan of this moment."""
    planned = look.context.timeline(look.state, campaign, look.now_s)
    return as_event(campaign, planned, "replanned" if campaign.slots else "first plan")


def as_event(campaign: CampaignState, planned: PlannedTimeline, reason: str) -> ev.TimelinePlanned:
    """The fact that this is the plan from now on; what it changes of the one before, where that says it shorter."""
    change = plan_change(campaign.slots, planned.slots) if campaign.slots else None
    choices = dict(planned.choices)
    if change is None:
        slots, gone, moved = tuple(rounded(slot) for slot in planned.slots), {}, {}
    else:
        slots, gone, moved = change
        known = kept_choices(campaign.choices, planned.slots)
        choices = {run: n for run, n in choices.items() if known.get(run) != n}
    return ev.TimelinePlanned(
        campaign=campaign.spec.campaign,
        origin=datetime.fromtimestamp(campaign.origin_s, UTC),
        reason=reason,
        slots=slots,
        whole=change is None,
        gone=gone,
        moved=moved,
        choices=choices,
        source=planned.source,
        broken=planned.broken,
        partial=planned.partial,
        services=tuple(
            service.model_copy(
                update={"start_s": round(service.start_s, 3), "end_s": round(service.end_s, 3)}
            )
            for service in planned.services
        ),
    )


def _overdue(look: Look, campaign: CampaignState) -> float | None:
    """When the first of the running steps and services will be so late that the timeline does not tell the truth any more."""
    found: list[float] = []
    for run in look.state.open_runs():
        for path in look.course(run).running:
            slot = campaign.places.get((run.id, path))
            if slot is not None:
                found.append(campaign.origin_s + slot.end_s + tolerance_s(slot))
    for service in campaign.services:
        entry = look.state.services.get(service.service)
        if entry is not None and entry.question:
            found.append(campaign.origin_s + service.end_s + _LATE_S)
    return min(found, default=None)
