"""How events of a campaign change the state. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from lab.domain import event as ev
from lab.domain.plan_changes import kept_choices, with_change
from lab.domain.reduce_service import services_begun, services_over
from lab.domain.replacing import replace
from lab.domain.shelf import put
from lab.domain.state import CampaignState, LabMode, LabState, TrialState

__all__ = ["reduce_campaign"]


def reduce_campaign(
    state: LabState,
    event: ev.CampaignStarted
    | ev.TrialProposed
    | ev.TrialCompleted
    | ev.TrialFailed
    | ev.TrialApproved
    | ev.TrialEdited
    | ev.TrialRejected
    | ev.TrialWithdrawn
    | ev.ResultsAdded
    | ev.SpaceVetoed
    | ev.ContextTold
    | ev.ContextAwaited
    | ev.StoppingJudged
    | ev.CampaignFinished
    | ev.TimelinePlanned
    | ev.PlanJudged
    | ev.HoldJudged,
    at_s: float,
) -> LabState:
    """The state after an event of a campaign."""
    if isinstance(event, ev.CampaignStarted):
        campaign = CampaignState(event, at_s, origin_s=at_s, context=_at_first(event, at_s))
        mode: LabMode = "safe" if state.mode == "safe" else "running"
        campaigns = put(state.campaigns, event.campaign, campaign)
        state = services_begun(state, event.supplies)
        return replace(state, mode=mode, stop_asked=None, campaigns=campaigns)
    campaign = state.campaigns[event.campaign]
    match event:
        case ev.TrialProposed():
            trial = TrialState(
                event.trial,
                dict(event.factors),
                event.origin,
                predicted_mean=event.predicted_mean,
                predicted_sd=event.predicted_sd,
                nearest_trial=event.nearest_trial,
                note=event.note,
                predicted=event.predicted,
                chance=event.chance,
                better=event.better,
                explores=event.explores,
                fidelity=event.fidelity,
                set_by_fidelity=_set_by(campaign, event.fidelity),
                expected_cost=event.expected_cost,
                context=event.context,
            )
            campaign = replace(
                campaign,
                trials={**campaign.trials, event.trial: trial},
                plan_stale=True,
                awaited=None,
            )
        case ev.TrialCompleted():
            trial = replace(
                campaign.trials[event.trial],
                status="done",
                value=event.value,
                standard_deviation=event.standard_deviation,
                outcomes=event.outcomes,
                beyond=event.beyond,
                cost=event.cost,
            )
            campaign = replace(campaign, trials={**campaign.trials, event.trial: trial})
        case ev.TrialFailed():
            trial = replace(
                campaign.trials[event.trial],
                status="failed",
                reason=event.reason,
                outcomes=event.outcomes,
                beyond=event.beyond,
                cost=event.cost,
            )
            campaign = replace(campaign, trials={**campaign.trials, event.trial: trial})
        case ev.TrialApproved():
            campaign = _with_trial(campaign, event.trial, approved=event.actor)
        case ev.TrialEdited():
            known = campaign.trials[event.trial].context
            campaign = _with_trial(
                campaign,
                event.trial,
                context={k: c for k, c in known.items() if event.factors[k] == c.value},
                factors=dict(event.factors),
                origin="person",
                note=f"edited by {event.actor}: {event.reason}",
                predicted_mean=None,
                predicted_sd=None,
                predicted={},
                chance=None,
                better=None,
                explores="",
                expected_cost=None,
                nearest_trial=None,
            )
        case ev.TrialRejected():
            campaign = _with_trial(
                campaign,
                event.trial,
                status="rejected",
                reason=f"rejected by {event.actor}: {event.reason}",
            )
        case ev.TrialWithdrawn():
            campaign = _without(campaign, event)
        case ev.ResultsAdded():
            campaign = replace(campaign, outside=(*campaign.outside, *_told(campaign, event)))
        case ev.SpaceVetoed():
            campaign = replace(campaign, vetoes=(*campaign.vetoes, event))
        case ev.ContextTold():
            told = _dated(event.told, at_s)
            campaign = replace(
                campaign, context={**campaign.context, event.factor: told}, awaited=None
            )
        case ev.ContextAwaited():
            campaign = replace(campaign, awaited=event, awaited_s=at_s)
        case ev.StoppingJudged():
            campaign = replace(campaign, nearness=event)
        case ev.CampaignFinished():
            state = services_over(state)
            campaign = replace(
                campaign,
                status=event.state,
                reason=event.reason,
                ended_s=at_s,
                best_trial=event.best_trial,
            )
        case ev.TimelinePlanned():
            slots, choices = event.slots, dict(event.choices)
            if not event.whole:
                slots = with_change(campaign.slots, slots, event.gone, event.moved)
                choices = kept_choices(campaign.choices, slots) | choices
            campaign = replace(
                campaign,
                origin_s=event.origin.timestamp(),
                slots=slots,
                places={(slot.run, slot.step): slot for slot in slots},
                choices=choices,
                broken=event.broken,
                services=event.services,
                plan_stale=False,
                planned_s=at_s,
                partial=event.partial,
                plan=state.seq,
            )
        case ev.HoldJudged():
            known = campaign.hold(event.run, event.window)
            others = tuple(hold for hold in campaign.holds if hold is not known)
            campaign = replace(campaign, holds=(*others, event))
        case ev.PlanJudged():
            campaign = replace(campaign, judged=event.plan)
    return replace(state, campaigns=put(state.campaigns, event.campaign, campaign))


def _at_first(event: ev.CampaignStarted, at_s: float) -> dict[str, ev.ContextValue]:
    """What the campaign's file says of factors that nobody chooses."""
    return {
        factor.name: _dated(
            ev.ContextValue(value=factor.context.value, source="the campaign's file"), at_s
        )
        for factor in event.factors
        if factor.context is not None and factor.context.value is not None
    }


def _dated(told: ev.ContextValue, at_s: float) -> ev.ContextValue:
    at = told.at or datetime.fromtimestamp(at_s, UTC)
    return told.model_copy(update={"at": at})


def _told(campaign: CampaignState, event: ev.ResultsAdded) -> list[TrialState]:
    """Results from outside in the form of trials, numbered downwards."""
    source = f" ({event.source})" if event.source else ""
    return [
        TrialState(
            number,
            dict(result.factors),
            "outside",
            status="failed" if result.value is None else "done",
            value=result.value,
            note=f"added by {event.actor}: {event.reason}{source}",
            reason=result.failure,
            outcomes=result.outcomes,
            beyond=result.beyond,
            fidelity=result.fidelity or campaign.target,
        )
        for number, result in zip(
            range(-1 - len(campaign.outside), -1 - len(campaign.outside) - len(event.results), -1),
            event.results,
            strict=True,
        )
    ]


def _without(campaign: CampaignState, event: ev.TrialWithdrawn) -> CampaignState:
    """Without the result of a trial; how near the optimum is was judged with it."""
    gone: dict[str, Any] = {
        "status": "withdrawn",
        "reason": f"withdrawn by {event.actor}: {event.reason}",
        "value": None,
        "standard_deviation": None,
        "outcomes": {},
        "beyond": {},
    }
    campaign = replace(campaign, nearness=None)
    if event.trial > 0:
        return _with_trial(campaign, event.trial, **gone)
    outside = tuple(
        replace(trial, **gone) if trial.number == event.trial else trial
        for trial in campaign.outside
    )
    return replace(campaign, outside=outside)


def _set_by(campaign: CampaignState, fidelity: str) -> dict[str, ev.SettingValue]:
    known = {way.name: way.settings for way in campaign.spec.fidelities}
    return dict(known.get(fidelity, {}))


def _with_trial(campaign: CampaignState, number: int, **changes: Any) -> CampaignState:
    trial = replace(campaign.trials[number], **changes)
    return replace(campaign, trials={**campaign.trials, number: trial}, plan_stale=True)
