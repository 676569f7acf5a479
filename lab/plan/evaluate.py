"""What a plan says about its outcomes: decisions, late arguments, checks, results and quality, all with units.

Plain numbers, texts and yes/no come from the journal, in the units of the contracts. What is missing, not finite or
can't be computed has not been shown: a condition over it is None, a check fails, a result is left out. A formula
carries all that it needs; the plan is given for the sake of those that do not.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from lab.domain.quantity import Quantity
from lab.domain.units import DIMENSIONLESS
from lab.plan.formula import evaluate_formula, measured
from lab.plan.quality import QualityOutcome, evaluate_quality
from lab.sop.expression import ExpressionError
from lab.sop.value import CalculationError, Truth, Value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import JsonValue

    from lab.domain.plan import Check, Formula, LateArgument, Plan

__all__ = [
    "QualityOutcome",
    "evaluate_argument",
    "evaluate_check",
    "evaluate_condition",
    "evaluate_quality",
    "evaluate_results",
]

_ROUNDING = 1e-9


def evaluate_condition(
    formula: Formula, outputs_by_step: Mapping[str, Mapping[str, JsonValue]], _plan: Plan
) -> bool | None:
    """Whether it holds; None where that can't be told (an output is missing, a division by zero)."""
    try:
        answer = evaluate_formula(formula, outputs_by_step)
    except (ExpressionError, CalculationError):
        return None
    return answer.surely if isinstance(answer, Truth) else None


def evaluate_argument(
    argument: LateArgument, outputs_by_step: Mapping[str, Mapping[str, JsonValue]], _plan: Plan
) -> float | int:
    """The argument as a plain number in its unit. ValueError says why there is none or why it is refused."""
    try:
        value = evaluate_formula(argument.formula, outputs_by_step)
        if not isinstance(value, Value):
            raise ValueError(f"{argument.formula.expression} is not a number")
        number = value.number(argument.unit or DIMENSIONLESS)
    except ExpressionError as error:
        raise ValueError(f"{argument.formula.expression}: {error.message}") from error
    except CalculationError as error:
        raise ValueError(f"{argument.formula.expression} {error.message}") from error
    if not math.isfinite(number):
        raise ValueError(f"{argument.formula.expression} is not a finite number")
    unit = f" {argument.unit}" if argument.unit else ""
    for limit, sign, side in ((argument.minimum, -1.0, "below"), (argument.maximum, 1.0, "above")):
        if limit is not None and sign * (number - limit) > 0.0:
            if abs(number - limit) > _ROUNDING * max(1.0, abs(limit)):
                raise ValueError(
                    f"{argument.formula.expression} came to {number:.6g}{unit}, {side} {limit:g}{unit}"
                )
            number = limit
    return round(number) if argument.integer else number


def evaluate_check(
    check: Check,
    step_path: str,
    outputs: Mapping[str, JsonValue],
    outputs_by_step: Mapping[str, Mapping[str, JsonValue]],
    plan: Plan,
) -> bool:
    """True where the check holds over a finished step's outputs.

    A missing output, a text, a NaN or a division by zero makes it false: what can't be shown has not been shown.
    """
    everything = {**outputs_by_step, step_path: outputs}
    return evaluate_condition(check.formula, everything, plan) is True


def evaluate_results(
    plan: Plan, outputs_by_step: Mapping[str, Mapping[str, JsonValue]]
) -> dict[str, tuple[float, float | None, str]]:
    """Result -> (value, standard uncertainty or None, unit).

    The uncertainty follows from what the procedure declares and from `<output>_sd` beside an output. A result whose
    outputs are missing, or that can't be computed (a division by zero), is left out.
    """
    found: dict[str, tuple[float, float | None, str]] = {}
    for spec in plan.results:
        result = measured(spec.formula, outputs_by_step)
        if result is None:
            continue
        value, uncertainty = result
        try:
            number = value.number(spec.unit)
        except CalculationError:
            continue
        if uncertainty is not None:
            # a distance on the scale: an offset, as between degC and K, does not count
            uncertainty = uncertainty / Quantity(0.0, spec.unit).definition.factor
        found[spec.name] = (number, uncertainty, spec.unit)
    return found
