"""What people do with trials: approve, reject, edit, pin their own, veto a region, add results, withdraw them. Pure.

Every judgement is (accepted, the answer in words, the facts that follow).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.domain import event as ev
from lab.domain.quantity import Quantity, QuantityError, parse_quantity
from lab.engine.outside import RefusedRow, fidelity_of, judge_results
from lab.engine.proposals import beyond, broken, values_of
from lab.engine.surroundings import person_values
from lab.sop.choosing import answer_over
from lab.sop.expression import ExpressionError, parse_expression
from lab.sop.value import Truth

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import JsonValue

    from lab.domain.state import CampaignState, LabState, TrialState
    from lab.engine import messages as msg
    from lab.engine.people import Judgement

__all__ = ["judge_trial"]


def judge_trial(state: LabState, message: msg.Requested) -> Judgement:
    """`do`: approve, reject, edit or withdraw (with `trial`), pin or context (with `factors`), veto (with `condition`), or add (with
    `results`)."""
    campaign = state.active_campaign
    if campaign is None:
        return False, "no campaign is open", []
    do = str(message.args.get("do", ""))
    if do not in ("approve", "context") and not message.reason.strip():
        return False, f"say why ({do}): whoever reads the record will ask", []
    try:
        match do:
            case "approve":
                return _approve(campaign, message)
            case "reject":
                return _reject(campaign, message)
            case "edit":
                return _edit(campaign, message)
            case "withdraw":
                return _withdraw(campaign, message)
            case "pin":
                return _pin(campaign, message)
            case "veto":
                return _veto(campaign, message)
            case "context":
                return _context(campaign, message)
            case "add":
                return judge_results(campaign, message, _factors)
            case _:
                return False, "approve, reject, edit, withdraw, pin, veto, context or add", []
    except RefusedRow as refused:
        return False, str(refused), []


def _approve(campaign: CampaignState, message: msg.Requested) -> Judgement:
    trial = _waiting(campaign, message)
    if not campaign.spec.approval:
        raise RefusedRow("trials of this campaign need no approval")
    if trial.approved:
        raise RefusedRow(f"trial {trial.number} has been approved by {trial.approved}")
    _demand_lawful(campaign, trial.factors)
    return True, f"trial {trial.number} is approved", [_approval(campaign, trial.number, message)]


def _approval(campaign: CampaignState, trial: int, message: msg.Requested) -> ev.TrialApproved:
    return ev.TrialApproved(
        campaign=campaign.spec.campaign, trial=trial, actor=message.actor, reason=message.reason
    )


def _reject(campaign: CampaignState, message: msg.Requested) -> Judgement:
    trial = _waiting(campaign, message)
    rejected = ev.TrialRejected(
        campaign=campaign.spec.campaign,
        trial=trial.number,
        actor=message.actor,
        reason=message.reason,
    )
    return True, f"trial {trial.number} is rejected", [rejected]


def _withdraw(campaign: CampaignState, message: msg.Requested) -> Judgement:
    number = message.args.get("trial")
    outside = {trial.number: trial for trial in campaign.outside}
    known = {**campaign.trials, **outside}
    trial = known.get(number) if isinstance(number, int) else None
    if trial is None:
        ended = [str(n) for n, t in sorted(known.items()) if t.status in ("done", "failed")]
        raise RefusedRow(f"there is no trial {number}; ended: {', '.join(ended) or 'none'}")
    if trial.status == "pending":
        instead = f"`lab abort {trial.run}` ends its run" if trial.run else "reject it"
        raise RefusedRow(f"trial {trial.number} has no result to withdraw yet: {instead}")
    if trial.status not in ("done", "failed"):
        raise RefusedRow(f"trial {trial.number} is {trial.status}: it teaches nothing as it is")
    withdrawn = ev.TrialWithdrawn(
        campaign=campaign.spec.campaign,
        trial=trial.number,
        actor=message.actor,
        reason=message.reason,
    )
    stays = "what was measured stays in the records"
    return True, f"trial {trial.number} teaches nothing any more; {stays}", [withdrawn]


def _edit(campaign: CampaignState, message: msg.Requested) -> Judgement:
    trial = _waiting(campaign, message)
    factors = {**trial.factors, **_factors(campaign, message.args.get("factors"))}
    _demand_lawful(campaign, factors)
    facts: list[ev.Event] = [
        ev.TrialEdited(
            campaign=campaign.spec.campaign,
            trial=trial.number,
            factors=factors,
            actor=message.actor,
            reason=message.reason,
        )
    ]
    if campaign.spec.approval and not trial.approved:
        facts.append(_approval(campaign, trial.number, message))
    return True, f"trial {trial.number} is changed", facts


def _pin(campaign: CampaignState, message: msg.Requested) -> Judgement:
    if campaign.enough:
        raise RefusedRow("nothing more is tried: the budget is used up, or the campaign is to end")
    told = person_values(campaign)
    given = _factors(campaign, message.args.get("factors"))
    factors = {name: told.value for name, told in told.items()} | given
    missing = [f.name for f in campaign.spec.factors if f.name not in factors]
    if missing:
        raise RefusedRow(f"no value for {', '.join(missing)}")
    _demand_lawful(campaign, factors)
    fidelity = fidelity_of(campaign, message)
    number = max(campaign.trials, default=0) + 1
    facts: list[ev.Event] = [
        ev.TrialProposed(
            campaign=campaign.spec.campaign,
            trial=number,
            factors=factors,
            origin="person",
            context={name: item for name, item in told.items() if name not in given},
            note=f"asked for by {message.actor}: {message.reason}",
            fidelity=fidelity,
        )
    ]
    if campaign.spec.approval:
        facts.append(_approval(campaign, number, message))
    return True, f"it is trial {number}", facts


def _veto(campaign: CampaignState, message: msg.Requested) -> Judgement:
    condition = str(message.args.get("condition", ""))
    spec = campaign.spec
    try:
        choices = {f.name: f.choices for f in spec.factors if isinstance(f, ev.ChoiceSpec)}
        answer = answer_over(parse_expression(condition), values_of(spec), choices)
    except ExpressionError as error:
        raise RefusedRow(f"{condition}: {error.message}. {error.hint}".strip()) from error
    if not isinstance(answer, Truth):
        raise RefusedRow(f"{condition} is a value; a veto is a condition, such as a > 1 mL")
    if not answer.may_hold:
        raise RefusedRow(
            f"{condition} holds nowhere in the factors' ranges: there is nothing to veto"
        )
    if not answer.may_fail:
        raise RefusedRow(
            f"{condition} holds everywhere in the factors' ranges: nothing would be left"
        )
    veto = ev.SpaceVetoed(
        campaign=spec.campaign, condition=condition, actor=message.actor, reason=message.reason
    )
    return True, "vetoed: nothing is proposed there any more; trials that wait there stay", [veto]


def _context(campaign: CampaignState, message: msg.Requested) -> Judgement:
    """What factors are that nobody chooses."""
    known = {factor.name: factor for factor in campaign.spec.factors}
    facts: list[ev.Event] = []
    for name, value in _factors(campaign, message.args.get("factors")).items():
        rule = known[name].context
        if rule is None:
            raise RefusedRow(
                f"{name} is chosen by the optimiser; `lab trial pin` has your own tried"
            )
        if rule.device:
            raise RefusedRow(
                f"{name} is told by {rule.signal} of {rule.device}, and by nobody else"
            )
        outside = beyond(known[name], value)
        if outside:
            raise RefusedRow(f"refused: {outside}. The campaign knows nothing beyond that")
        told = ev.ContextValue(
            value=value, source=message.actor, actor=message.actor, reason=message.reason
        )
        facts.append(ev.ContextTold(campaign=campaign.spec.campaign, factor=name, told=told))
    return True, "recorded: it holds for what is proposed from now on", facts


def _waiting(campaign: CampaignState, message: msg.Requested) -> TrialState:
    """The trial that is meant, if it has not begun."""
    number = message.args.get("trial")
    trial = campaign.trials.get(number) if isinstance(number, int) else None
    if trial is None:
        known = ", ".join(str(t.number) for t in campaign.open_trials if not t.run) or "none"
        raise RefusedRow(f"there is no trial {number}; not begun: {known}")
    if trial.status != "pending":
        raise RefusedRow(f"trial {trial.number} is {trial.status}")
    if trial.run:
        raise RefusedRow(f"trial {trial.number} has begun: `lab abort {trial.run}` ends its run")
    return trial


def _factors(campaign: CampaignState, given: JsonValue) -> dict[str, ev.FactorValue]:
    """Numbers in the factors' units, and choices; a text for a number is a quantity."""
    if not isinstance(given, dict) or not given:
        raise RefusedRow("give factors with their values")
    known = {factor.name: factor for factor in campaign.spec.factors}
    found: dict[str, ev.FactorValue] = {}
    for name, value in given.items():
        factor = known.get(name)
        if factor is None:
            raise RefusedRow(f"{name} is no factor; the factors are {', '.join(known)}")
        found[name] = (
            _choice(value, factor)
            if isinstance(factor, ev.ChoiceSpec)
            else _number(name, value, factor.unit)
        )
    return found


def _choice(value: JsonValue, factor: ev.ChoiceSpec) -> str:
    if isinstance(value, str) and value in factor.choices:
        return value
    raise RefusedRow(f"{factor.name}: {value} is none of its choices ({', '.join(factor.choices)})")


def _number(name: str, value: JsonValue, unit: str) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    try:
        quantity = parse_quantity(str(value), "")
    except QuantityError as error:
        raise RefusedRow(f"{name}: {error}. {error.hint}".strip()) from error
    if not quantity.is_like(unit):
        raise RefusedRow(f"{name}: {quantity} is {quantity.words}; give it in {unit}")
    return _in(quantity, unit)


def _in(quantity: Quantity, unit: str) -> float:
    return quantity.to(unit).magnitude


def _demand_lawful(campaign: CampaignState, factors: Mapping[str, ev.FactorValue]) -> None:
    problem = broken(campaign.spec, factors, campaign.vetoes)
    if problem:
        raise RefusedRow(f"refused, and not moved to fit: {problem}")
