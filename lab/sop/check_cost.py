"""What a campaign says that a trial costs: a formula that is above 0 for all that may be tried. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.sop.check_space import names_over, over_factors, place_inside
from lab.sop.expression import ExpressionError, evaluate, parse_expression, unwrap
from lab.sop.value import CalculationError, Value

if TYPE_CHECKING:
    from lab.domain.diagnostic import Diagnostic
    from lab.sop.campaign_model import Campaign
    from lab.sop.document import Document, Path
    from lab.sop.procedure import Box, Procedure

__all__ = ["cost_findings", "cost_text"]

_FORMULA: Path = ("strategy", "cost", "value")


def cost_text(campaign: Campaign, procedure: Procedure) -> str | None:
    """The formula over factors alone; None where there is none."""
    cost = campaign.strategy.cost
    return None if cost is None else over_factors(_inner(cost.value), campaign, procedure)


def cost_findings(
    campaign: Campaign, document: Document, procedure: Procedure, box: Box
) -> list[Diagnostic]:
    """Findings about `per` and `cost`; `box`: the ranges that the campaign explores."""
    strategy = campaign.strategy
    if strategy.cost is None and strategy.per is None:
        return []
    if strategy.per == "cost" and strategy.cost is None:
        return [
            document.finding(
                ("strategy", "per"), "cost", "gain per cost, and nothing says what a trial costs",
                hint="add `cost: {value: ..., unit: ...}`, or write `per: time`",
            )
        ]  # fmt: skip
    if strategy.cost is not None and strategy.per != "cost":
        return [
            document.finding(
                ("strategy", "cost"), "cost", "a cost that nothing is weighed by", at_key=True,
                hint="write `per: cost` beside it, or leave it out",
            )
        ]  # fmt: skip
    if strategy.method == "sobol":
        return [
            document.finding(
                ("strategy", "per"), "cost", "gain per cost where no gain is foreseen: the method is sobol",
                hint="leave it out, or let `method` be bayesian",
            )
        ]  # fmt: skip
    return [] if strategy.cost is None else _formula(campaign, document, procedure, box)


def _formula(
    campaign: Campaign, document: Document, procedure: Procedure, box: Box
) -> list[Diagnostic]:
    cost = campaign.strategy.cost
    assert cost is not None
    text = _inner(cost.value)
    try:
        expression = parse_expression(text)
        answer = evaluate(expression, names_over(campaign, procedure, box))
        if not isinstance(answer, Value):
            raise ExpressionError(
                "cost", "this is no number", hint="write for example 0.5 mL + red_volume"
            )
        low, high = answer.bounds(cost.unit)
    except ExpressionError as error:
        where = place_inside(document, _FORMULA, cost.value, cost.value.find(text) + error.offset)
        return [document.at(where, error.code, error.message, hint=error.hint)]
    except CalculationError as error:
        return [
            document.finding(_FORMULA, error.code, f"the cost {error.message}", hint=error.hint)
        ]
    chosen = [name for name, item in campaign.factors.items() if item.context is None]
    if not any(name in chosen for name, _ in expression.names):
        return [
            document.finding(
                _FORMULA, "cost", "this names no factor that is chosen, so all trials cost the same",
                hint=f"such factors are: {', '.join(chosen)}",
            )
        ]  # fmt: skip
    if low <= 0.0:
        return [
            document.finding(
                _FORMULA, "range", f"a trial may cost {low:g} to {high:g} {cost.unit} by this formula",
                why="a gain can be divided by what is above 0 alone",
                hint="add what every trial costs, or bound it below with max(..., ...)",
            )
        ]  # fmt: skip
    return []


def _inner(text: str) -> str:
    """Without `${...}`."""
    inner = unwrap(text)
    return text if inner is None else inner
