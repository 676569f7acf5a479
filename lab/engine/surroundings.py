"""Factors that nobody chooses: what they are when trials are to be proposed, and what is waited for where that can't be
told. Pure.

Their values are in the journal before the optimiser is asked, so that a replay asks for the same trials.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from lab.domain import event as ev
from lab.domain.quantity import Quantity
from lab.domain.units import DIMENSIONLESS
from lab.engine.look import Decision
from lab.engine.proposals import beyond, values_of
from lab.sop.choosing import answer_over
from lab.sop.expression import parse_expression
from lab.sop.value import Truth

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lab.domain.state import CampaignState, LabState
    from lab.engine.look import Look

__all__ = ["context_signals", "hold_for_context", "person_values"]

_Problem = Literal["missing", "stale", "outside", "forbidden"]
_DIGITS = 6


def context_signals(state: LabState) -> set[tuple[str, str]]:
    """Devices and telemetry channels that the open campaign wants to hear."""
    campaign = state.active_campaign
    rules = [] if campaign is None else [factor.context for factor in campaign.spec.factors]
    return {(rule.device, rule.signal) for rule in rules if rule is not None and rule.device}


def hold_for_context(look: Look, campaign: CampaignState) -> Decision | None:
    """What is to be recorded before trials can be proposed, or an empty decision where nothing but waiting helps; None
    where the values of all such factors are known, and recorded as they are now."""
    told: list[ev.Event] = []
    held = dict(campaign.held)
    for factor in campaign.spec.factors:
        if factor.context is None:
            continue
        found = _found(look, campaign, factor, factor.context)
        if isinstance(found, ev.ContextAwaited):
            return _waits(campaign, found)
        held[factor.name] = found.value
        if found != campaign.context.get(factor.name):
            name = campaign.spec.campaign
            told.append(ev.ContextTold(campaign=name, factor=factor.name, told=found))
    forbidden = _forbidden(campaign, held)
    if forbidden is not None:
        return _waits(campaign, forbidden)
    known = campaign.awaited
    if known is not None and known.problem == "forbidden" and held == campaign.held:
        return Decision()  # the optimiser found nothing with these very values
    return Decision(tuple(told)) if told else None


def person_values(campaign: CampaignState) -> dict[str, ev.ContextValue]:
    """Those that people told and that do not grow old: what a trial that a person asks for is made with, unless told."""
    return {
        factor.name: campaign.context[factor.name]
        for factor in campaign.spec.factors
        if factor.context is not None
        and not factor.context.device
        and factor.context.max_age_s is None
        and factor.name in campaign.context
    }


def _waits(campaign: CampaignState, awaited: ev.ContextAwaited) -> Decision:
    known = campaign.awaited
    if known is not None and (known.factor, known.problem) == (awaited.factor, awaited.problem):
        return Decision()  # the same finding is recorded once
    return Decision((awaited,))


def _found(
    look: Look, campaign: CampaignState, factor: ev.FactorSpec | ev.ChoiceSpec, rule: ev.ContextSpec
) -> ev.ContextValue | ev.ContextAwaited:
    """What it is now, or why nobody can work with that."""

    def waits(problem: _Problem, detail: str) -> ev.ContextAwaited:
        name, device = campaign.spec.campaign, rule.device
        return ev.ContextAwaited(
            campaign=name, factor=factor.name, problem=problem, detail=detail, device=device
        )

    found = _heard(look, factor, rule) if rule.device else campaign.context.get(factor.name)
    what = f"{rule.signal} of {rule.device}" if rule.device else factor.name
    if found is None or found.at is None:
        nothing = f"nothing has been heard of {what}"
        return waits("missing", nothing if rule.device else f"nobody has told what {what} is")
    if rule.max_age_s is not None and look.now_s > found.at.timestamp() + rule.max_age_s:
        last = "heard" if rule.device else "told"
        return waits("stale", f"{what} was last {last} more than {rule.max_age_s:g} s ago")
    outside = beyond(factor, found.value)
    return waits("outside", outside) if outside else found


def _heard(
    look: Look, factor: ev.FactorSpec | ev.ChoiceSpec, rule: ev.ContextSpec
) -> ev.ContextValue | None:
    """The newest live value in the factor's unit."""
    reading = look.inflight.signals.get((rule.device, rule.signal, rule.unit))
    if reading is None or not math.isfinite(reading.value):
        return None
    value = Quantity(reading.value, rule.unit or DIMENSIONLESS).to(factor.unit or DIMENSIONLESS)
    return ev.ContextValue(
        value=value.magnitude,
        source=f"{rule.signal} of {rule.device}",
        at=datetime.fromtimestamp(reading.at_s, UTC),
    )


def _forbidden(
    campaign: CampaignState, held: Mapping[str, ev.FactorValue]
) -> ev.ContextAwaited | None:
    """The first constraint or veto that no trial can keep with these values."""
    spec = campaign.spec
    conditions = [f"not ({veto.condition})" for veto in campaign.vetoes]
    if not held or not (spec.constraints or conditions):
        return None
    factors = tuple(_narrowed(factor, held) for factor in spec.factors)
    names = values_of(spec.model_copy(update={"factors": factors}))
    choices = {f.name: f.choices for f in factors if isinstance(f, ev.ChoiceSpec)}
    for text in (*spec.constraints, *conditions):
        expression = parse_expression(text)
        named = [name for name, _ in expression.names if name in held]
        answer = answer_over(expression, names, choices) if named else None
        if isinstance(answer, Truth) and not answer.may_hold:
            shown = ", ".join(f"{name} = {_shown(held[name])}" for name in dict.fromkeys(named))
            return ev.ContextAwaited(
                campaign=spec.campaign,
                factor=named[0],
                problem="forbidden",
                detail=f"no trial keeps {text} with {shown}",
            )
    return None


def _narrowed(
    factor: ev.FactorSpec | ev.ChoiceSpec, held: Mapping[str, ev.FactorValue]
) -> ev.FactorSpec | ev.ChoiceSpec:
    if factor.name not in held:
        return factor
    value = held[factor.name]
    if isinstance(factor, ev.ChoiceSpec):
        return factor.model_copy(update={"choices": (value,)})
    return factor.model_copy(update={"minimum": value, "maximum": value})


def _shown(value: ev.FactorValue) -> str:
    return value if isinstance(value, str) else f"{value:.{_DIGITS}g}"
