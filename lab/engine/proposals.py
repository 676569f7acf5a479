"""What an optimiser may propose: the engine's own check, because an optimiser may have faults too. Pure."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from lab.domain.event import ChoiceSpec
from lab.domain.quantity import Quantity
from lab.domain.units import DIMENSIONLESS
from lab.sop.expression import evaluate, parse_expression
from lab.sop.value import Truth, Value

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lab.domain.event import CampaignStarted, FactorSpec, FactorValue, SpaceVetoed
    from lab.domain.state import CampaignState
    from lab.engine.messages import Proposal
    from lab.sop.value import Computed

__all__ = ["beyond", "broken", "keeps_context", "refused", "unlawful", "values_of"]

_TINY = 1e-9
"""Of a range or a step: what rounding leaves is no violation."""


def refused(campaign: CampaignState, proposals: Sequence[Proposal]) -> str:
    """Why they can't be tried in a campaign as it is, in words; empty where they can."""
    if not all(keeps_context(campaign, proposal) for proposal in proposals):
        return f"it proposed other values than {_shown(campaign.held)}, which nobody chooses"
    return unlawful(campaign.spec, proposals, campaign.vetoes)


def keeps_context(campaign: CampaignState, proposal: Proposal) -> bool:
    """Does it leave the factors that nobody chooses as they are now?"""
    return all(proposal.factors.get(name) == value for name, value in campaign.held.items())


def unlawful(
    spec: CampaignStarted, proposals: Sequence[Proposal], vetoes: Sequence[SpaceVetoed] = ()
) -> str:
    """Why they can't be tried, in words; empty where all keep the rules. Nothing is clipped to fit."""
    for proposal in proposals:
        problem = broken(spec, proposal.factors, vetoes)
        ways = [way.name for way in spec.fidelities]
        if not problem and (proposal.fidelity not in ways if ways else proposal.fidelity):
            problem = f"a trial by {proposal.fidelity or 'no fidelity'}; there are {_names(ways)}"
        if problem:
            return f"it proposed {problem}"
    return ""


def broken(
    spec: CampaignStarted, given: Mapping[str, FactorValue], vetoes: Sequence[SpaceVetoed] = ()
) -> str:
    """The first rule that a trial would break, in words: ranges, levels and choices, at-most rules, constraints, vetoes;
    "" where it keeps all. Constraints are judged by the language of SOPs, not by the optimiser's own reading of them.
    """
    problem = _beyond_ranges(spec, given)
    if problem:
        return problem
    row = tuple(given[factor.name] for factor in spec.factors)
    if spec.candidates and not any(_same(spec, row, other) for other in spec.candidates):
        return f"{_shown(given)}, which is none of the {len(spec.candidates)} candidates"
    values = values_of(spec, given)
    for text in spec.constraints:
        if not _truth(text, values).may_hold:
            return f"{_shown(given)}, which breaks {text}"
    for veto in vetoes:
        if not _truth(veto.condition, values).may_fail:
            return (
                f"{_shown(given)}, which {veto.actor} has vetoed ({veto.condition}: {veto.reason})"
            )
    return ""


def _same(spec: CampaignStarted, one: Sequence[FactorValue], other: Sequence[FactorValue]) -> bool:
    return all(
        a == b
        if isinstance(factor, ChoiceSpec)
        else abs(float(a) - float(b)) <= _TINY * (factor.maximum - factor.minimum)
        for a, b, factor in zip(one, other, spec.factors, strict=True)
    )


def values_of(
    spec: CampaignStarted, given: Mapping[str, FactorValue] | None = None
) -> dict[str, Computed]:
    """The factors as expressions read them: at a point, or over their ranges (of choices the first)."""
    found: dict[str, Computed] = {}
    for factor in spec.factors:
        if isinstance(factor, ChoiceSpec):
            found[factor.name] = str(factor.choices[0] if given is None else given[factor.name])
            continue
        low, high = factor.minimum, factor.maximum
        if given is not None:
            low = high = float(given[factor.name])
        unit = factor.unit or DIMENSIONLESS
        found[factor.name] = Value.between(factor.name, Quantity(low, unit), Quantity(high, unit))
    return found


def _truth(text: str, values: dict[str, Computed]) -> Truth:
    answer = evaluate(parse_expression(text), values)
    return answer if isinstance(answer, Truth) else Truth.of(True)


def _shown(given: Mapping[str, FactorValue]) -> str:
    return ", ".join(
        f"{name} = {value}" if isinstance(value, str) else f"{name} = {value:g}"
        for name, value in given.items()
    )


def _beyond_ranges(spec: CampaignStarted, given: Mapping[str, FactorValue]) -> str:
    known = {factor.name: factor for factor in spec.factors}
    if set(given) != set(known):
        return f"values for {_names(given)}; the campaign's factors are {_names(known)}"
    for name, factor in known.items():
        problem = beyond(factor, given[name])
        if problem:
            return problem
    for rule in spec.at_most:
        used = [name for name in rule.factors if float(given[name]) > 0]
        if len(used) > rule.most:
            return f"{_names(used)} together; at most {rule.most} of them may be above zero"
    return ""


def beyond(factor: FactorSpec | ChoiceSpec, value: FactorValue) -> str:
    """Why a factor can't have that value, in words; empty where it can."""
    if isinstance(factor, ChoiceSpec):
        if value in factor.choices:
            return ""
        return f"{factor.name} = {value}; its choices are {', '.join(factor.choices)}"
    if isinstance(value, str):
        return f"{factor.name} = {value}, which is no number"
    tiny = _TINY * (factor.maximum - factor.minimum)
    if not factor.minimum - tiny <= value <= factor.maximum + tiny:  # so written, NaN fails
        span = f"{factor.minimum:g} to {factor.maximum:g} {factor.unit}".rstrip()
        return f"{factor.name} = {value:g}; its range is {span}"
    if factor.step is not None:
        steps = (value - factor.minimum) / factor.step
        if not math.isclose(steps, round(steps), abs_tol=1e-6):
            return f"{factor.name} = {value:g}, which is between its steps of {factor.step:g}"
    if factor.levels and min(abs(value - level) for level in factor.levels) > tiny:
        levels = ", ".join(f"{level:g}" for level in factor.levels)
        return f"{factor.name} = {value:g}, which is none of its levels {levels} {factor.unit}".rstrip()
    return ""


def _names(names: Sequence[str] | Mapping[str, object]) -> str:
    return ", ".join(sorted(names)) or "nothing"
