"""What becomes of a campaign's trials: results told, proposals recorded, an end found. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.domain import event as ev
from lab.engine.costing import spent
from lab.engine.look import Decision
from lab.engine.partial import results_so_far
from lab.engine.proposals import keeps_context

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lab.domain.state import CampaignState, LabState, TrialState
    from lab.engine import messages as msg
    from lab.engine.look import Look

__all__ = ["end_campaign", "end_trials", "record_proposals"]

_TINY = 1e-9
"""Of a cost: what rounding leaves."""


def record_proposals(state: LabState, message: msg.Proposed) -> list[ev.Event]:
    """The facts that follow from the optimiser's answer."""
    campaign = state.active_campaign
    if campaign is None or state.mode in ("stopping", "safe"):
        return []
    name = campaign.spec.campaign
    if message.error:
        if campaign.open_trials:
            return []
        if message.empty and campaign.held:
            return [
                ev.ContextAwaited(
                    campaign=name,
                    factor=next(iter(campaign.held)),
                    problem="forbidden",
                    detail=message.error.partition(": ")[2],
                )
            ]
        return [
            ev.CampaignFinished(
                campaign=name,
                state="failed",
                reason=f"the optimiser could not suggest a trial: {message.error}",
            )
        ]
    if not all(keeps_context(campaign, proposal) for proposal in message.proposals):
        return []  # what nobody chooses has changed meanwhile: they are asked for anew
    judged = _judged(campaign, message)
    if judged is not None and judged.enough:
        return [judged]
    first = max(campaign.trials, default=0) + 1
    proposals = _affordable(campaign, message.proposals)
    return [
        *([] if judged is None else [judged]),
        *(
            ev.TrialProposed(
                campaign=name,
                trial=number,
                factors=dict(proposal.factors),
                origin=proposal.origin,
                predicted_mean=proposal.predicted_mean,
                predicted_sd=proposal.predicted_sd,
                nearest_trial=proposal.nearest_trial,
                note=proposal.note,
                predicted=dict(proposal.predicted),
                chance=proposal.chance,
                better=proposal.better,
                explores=proposal.explores,
                fidelity=proposal.fidelity,
                context=dict(campaign.context),
                expected_cost=proposal.cost,
            )
            for number, proposal in enumerate(proposals, start=first)
        ),
    ]


def _affordable(
    campaign: CampaignState, proposals: Sequence[msg.Proposal]
) -> Sequence[msg.Proposal]:
    """As many as the budget of trials, and of cost, has room for; the first can always be paid."""
    room = campaign.spec.trials - len(campaign.trials)
    if campaign.spec.cost_budget is None:
        return proposals[:room]
    left = campaign.cost_left
    for place, proposal in enumerate(proposals[:room]):
        left -= campaign.cost_of(proposal.fidelity)
        if place and left < -_TINY:
            return proposals[:place]
    return proposals[:room]


def _judged(campaign: CampaignState, message: msg.Proposed) -> ev.StoppingJudged | None:
    rule = campaign.spec.stop
    near = message.proposals[0].nearness if message.proposals else None
    if rule is None or near is None:
        return None
    done = sum(trial.status == "done" for trial in campaign.counting)
    return ev.StoppingJudged(
        campaign=campaign.spec.campaign,
        trial=near.trial,
        within=rule.within,
        probability=near.probability,
        expected_gain=near.expected_gain,
        unit=rule.unit,
        enough=rule.decides and near.probability >= rule.probability and done >= rule.trials,
    )


def end_trials(look: Look) -> Decision:
    """Trials whose run has ended, with what it gave."""
    campaign = look.state.active_campaign
    if campaign is None:
        return Decision()
    events: list[ev.Event] = []
    for trial in campaign.open_trials:
        run = look.state.runs.get(trial.run)
        if run is not None and not run.open:
            events.append(_ended(look, campaign, trial))
        elif run is None and look.state.mode == "stopping":
            reason = "never started: the campaign was stopped"
            events.append(
                ev.TrialFailed(campaign=campaign.spec.campaign, trial=trial.number, reason=reason)
            )
    return Decision(tuple(events))


def _ended(look: Look, campaign: CampaignState, trial: TrialState) -> ev.Event:
    """All that is sought was measured: then it counts, whatever became of the run after that. Else the trial has failed,
    with what was measured."""
    run, name = look.state.runs[trial.run], campaign.spec.campaign
    aim, first = campaign.aim, campaign.spec.objective.result
    wanted = (first,) if aim is None else aim.outcomes
    results = run.results if run.status == "succeeded" else results_so_far(look.context, run)
    values = {result: results[result] for result in wanted if result in results}
    ranges = {spec.name: spec for spec in run.plan.results}
    outcomes = {key: ranges[key].known(value.value) for key, value in values.items()}
    beyond: dict[str, ev.Side] = {k: v.beyond for k, v in values.items() if v.beyond is not None}
    cost = spent(campaign.spec, trial, run)
    missing = [result for result in wanted if result not in values]
    if missing:
        quoted = "', '".join(missing)
        return ev.TrialFailed(
            campaign=name,
            trial=trial.number,
            reason=run.reason or f"the run has no result '{quoted}'",
            cost=cost,
            outcomes=outcomes,
            beyond=beyond,
        )
    return ev.TrialCompleted(
        campaign=name,
        trial=trial.number,
        value=outcomes[first],
        standard_deviation=None if first in beyond else values[first].standard_deviation,
        outcomes={} if aim is None else outcomes,
        beyond=beyond,
        cost=cost,
    )


def end_campaign(look: Look) -> Decision:
    """The end of a campaign, once nothing of it is open."""
    campaign = look.state.active_campaign
    if campaign is None or campaign.open_trials:
        return Decision()
    if look.state.mode == "stopping":
        ending, reason = "stopped", f"stopped by {look.state.mode_actor}"
        if look.state.mode_reason:
            reason += f": {look.state.mode_reason}"
    elif campaign.enough:
        ending = "completed" if campaign.measured else "failed"
        reason = _why_enough(campaign)
    else:
        return Decision()
    best = campaign.best()
    return Decision(
        (
            ev.CampaignFinished(
                campaign=campaign.spec.campaign,
                state=ending,
                reason=reason,
                best_trial=None if best is None else best.number,
            ),
        )
    )


def _why_enough(campaign: CampaignState) -> str:
    if not campaign.measured:
        if any(trial.value is not None for trial in campaign.trials.values()):
            return f"no trial by {campaign.target}, which counts, has given a value"
        found = {trial.status for trial in campaign.trials.values()}
        also = [status for status in ("rejected", "withdrawn") if status in found]
        return "every trial failed" + (f" or was {' or '.join(also)}" if also else "")
    judged = campaign.nearness
    if judged is not None and judged.enough:
        unit = judged.unit or campaign.spec.objective.unit
        return (
            f"trial {judged.trial} is within {judged.within:g} {unit} of the optimum with a probability of "
            f"{judged.probability:.0%}"
        )
    unkept = "" if campaign.front() else "; no trial has kept all limits"
    return f"the budget is used up{unkept}"
