"""What trials cost, where a campaign seeks the gain per cost or per time. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.engine.proposals import values_of
from lab.sop.expression import evaluate, parse_expression
from lab.sop.value import Value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lab.domain.event import CampaignStarted, CostSpec, FactorValue
    from lab.domain.state import RunState, TrialState

__all__ = ["formula_cost", "spent"]


def formula_cost(
    spec: CampaignStarted, cost: CostSpec, factors: Mapping[str, FactorValue]
) -> float:
    """What a trial with these factors costs, in the formula's unit.

    ExpressionError or CalculationError where that can't be told.
    """
    answer = evaluate(parse_expression(cost.formula), values_of(spec, factors))
    if not isinstance(answer, Value):
        raise TypeError(f"{cost.formula} is no number")
    return answer.number(cost.unit)


def spent(spec: CampaignStarted, trial: TrialState, run: RunState) -> float | None:
    """What a trial whose run has ended did cost; of time the seconds that the run took. None where it is of no interest."""
    if spec.cost is not None:
        return formula_cost(spec, spec.cost, trial.factors)
    if spec.per != "time" or run.ended_s is None:
        return None
    return round(run.ended_s - run.started_s, 3)
