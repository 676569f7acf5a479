"""What an optimiser may propose: the engine's own check, because an optimiser may have faults too. Pure."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lab.domain.event import CampaignStarted, FactorSpec
    from lab.engine.messages import Proposal

__all__ = ["unlawful"]

_TINY = 1e-9
"""Of a range or a step: what rounding leaves is no violation."""


def unlawful(spec: CampaignStarted, proposals: Sequence[Proposal]) -> str:
    """Why they can't be tried, in words; empty where all keep the factors' ranges. Nothing is clipped to fit."""
    for proposal in proposals:
        problem = _problem(spec, proposal.factors)
        if problem:
            return f"it proposed {problem}"
    return ""


def _problem(spec: CampaignStarted, given: Mapping[str, float]) -> str:
    known = {factor.name: factor for factor in spec.factors}
    if set(given) != set(known):
        return f"values for {_names(given)}; the campaign's factors are {_names(known)}"
    for name, factor in known.items():
        problem = _beyond(factor, given[name])
        if problem:
            return problem
    for rule in spec.at_most:
        used = [name for name in rule.factors if given[name] > 0]
        if len(used) > rule.most:
            return f"{_names(used)} together; at most {rule.most} of them may be above zero"
    return ""


def _beyond(factor: FactorSpec, value: float) -> str:
    tiny = _TINY * (factor.maximum - factor.minimum)
    if not factor.minimum - tiny <= value <= factor.maximum + tiny:  # so written, NaN fails
        span = f"{factor.minimum:g} to {factor.maximum:g} {factor.unit}".rstrip()
        return f"{factor.name} = {value:g}; its range is {span}"
    if factor.step is not None:
        steps = (value - factor.minimum) / factor.step
        if not math.isclose(steps, round(steps), abs_tol=1e-6):
            return f"{factor.name} = {value:g}, which is between its steps of {factor.step:g}"
    return ""


def _names(names: Sequence[str] | Mapping[str, object]) -> str:
    return ", ".join(sorted(names)) or "nothing"
