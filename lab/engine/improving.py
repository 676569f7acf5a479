"""Better timelines, looked for beside the engine while it goes on. Pure.

A search begins where runs have come or gone, and again after a while where the plan has changed. Its answer is
recorded as judged, and followed only if it is better than the standing order of that moment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.domain import event as ev
from lab.engine import messages as msg
from lab.engine.look import Decision
from lab.engine.replanning import as_event

if TYPE_CHECKING:
    from lab.domain.state import CampaignState
    from lab.engine.look import Look

__all__ = ["improve_timeline"]

_AGAIN_S = 600.0
"""Process seconds after which a plan that deviations have changed is worth another search."""


def improve_timeline(look: Look) -> Decision:
    """Judge what was found; else begin to look, one search at a time."""
    campaign = look.state.active_campaign
    if campaign is None or campaign.plan_stale or campaign.partial:
        return Decision()
    if look.state.mode != "running":
        return Decision()
    found = look.inflight.found
    if found is not None and found.plan > campaign.judged:
        return Decision(_judged(look, campaign, found))
    if look.inflight.improving or not _due(look, campaign):
        return Decision()
    job = look.context.improvable(look.state, campaign, look.now_s)
    if job is None:
        return Decision()
    return Decision(effects=(msg.ImprovePlan(campaign.plan, job),))


def _due(look: Look, campaign: CampaignState) -> bool:
    if campaign.plan <= campaign.judged or campaign.planned_s <= look.inflight.improve_s:
        return False
    if look.now_s - look.inflight.improve_s >= _AGAIN_S:
        return True
    return not {slot.run for slot in campaign.slots} <= set(look.inflight.improve_for)


def _judged(look: Look, campaign: CampaignState, found: msg.PlanFound) -> tuple[ev.Event, ...]:
    weighed = look.context.weighed(look.state, campaign, look.now_s, found)
    judged = ev.PlanJudged(
        campaign=campaign.spec.campaign,
        plan=found.plan,
        source=found.source,
        adopted=weighed.timeline is not None,
        reason=weighed.reason,
        gain_s=weighed.gain_s,
        makespan_gain_s=weighed.makespan_gain_s,
    )
    if weighed.timeline is None:
        return (judged,)
    return judged, as_event(campaign, weighed.timeline, "improved")
