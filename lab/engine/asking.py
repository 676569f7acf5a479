"""When the optimiser is asked, and what must be known before. Pure.

As soon as a whole batch has room; and for as many trials as have room when the timeline shows that the place which limits
the laboratory's throughput would fall idle before a whole batch has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.engine import messages as msg
from lab.engine.look import Decision
from lab.engine.surroundings import hold_for_context
from lab.plan.idle import bottleneck, needed_by

if TYPE_CHECKING:
    from lab.domain.state import CampaignState
    from lab.engine.look import Look

__all__ = ["ask_optimiser"]

_THINKING_S = 30.0
"""Process seconds for which a suggestion is asked early: choosing takes time too."""


def ask_optimiser(look: Look) -> Decision:
    """Ask for trials, while earlier ones still run."""
    campaign = look.state.active_campaign
    if campaign is None or look.inflight.asking or look.state.mode != "running":
        return Decision()
    spec = campaign.spec
    left = 0 if campaign.enough else spec.trials - len(campaign.trials)
    free = spec.parallel - len(campaign.open_trials)
    count = min(spec.batch, spec.parallel, left)
    if count <= 0 or free <= 0:
        return Decision()
    if look.inflight.ask_failed and campaign.open_trials:
        # What is on the bench is worth finishing; with its results the optimiser may find its feet again.
        return Decision()
    if free < count:
        due_s = _idle_s(look, campaign)
        if due_s is None or due_s > look.now_s:
            return Decision(wake_s=due_s)
        count = free
    held = hold_for_context(look, campaign)
    if held is not None:
        return held
    return Decision((), (msg.AskOptimiser(spec.campaign, count),))


def _idle_s(look: Look, campaign: CampaignState) -> float | None:
    """When to ask so that nothing falls idle; None where that can't be told, or a batch must stay together."""
    if campaign.spec.alike or campaign.plan_stale or campaign.partial:
        return None
    trial = campaign.open_trials[-1]
    neck = bottleneck(look.context.candidates(trial.number, trial.settings))
    if neck is None:
        return None
    return campaign.origin_s + needed_by(neck, campaign.slots) - _THINKING_S
