"""What a plan says about its outcomes: whether a step's check holds, and what the run yields."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING

from lab.domain.quantity import Quantity, QuantityError, tidy
from lab.domain.units import DIMENSIONLESS
from lab.sop.expression import ExpressionError, evaluate, parse_expression
from lab.sop.value import CalculationError, Truth, Value, from_number

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import JsonValue

    from lab.domain.plan import Check, Plan, ResultSpec

__all__ = ["evaluate_check", "evaluate_results"]

_parsed = lru_cache(maxsize=512)(parse_expression)


def evaluate_check(check: Check, outputs: Mapping[str, JsonValue], plan: Plan) -> bool:
    """True where the check holds over a finished step's outputs (plain numbers in their contract's units).

    A missing output, a text, a NaN or a division by zero makes it false: what can't be shown has not been shown.
    """
    numbers: dict[str, float] = {}
    for name in check.units:
        number = _number(plan.values.get(name.removeprefix("parameters.")))
        if number is None:
            number = _number(outputs.get(name.rpartition(".")[2]))
        if number is None:
            return False
        numbers[name] = number
    try:
        result = evaluate(_parsed(check.expression), _values(numbers, check.units))
    except (ExpressionError, CalculationError):
        return False
    return isinstance(result, Truth) and result.surely


def evaluate_results(
    plan: Plan, outputs_by_step: Mapping[str, Mapping[str, JsonValue]]
) -> dict[str, tuple[float, float | None, str]]:
    """Result -> (value, standard deviation or None, unit).

    The standard deviation is known where the result is read from an output that `<output>_sd` accompanies. A
    result whose outputs are missing, or that can't be computed (a division by zero), is left out.
    """
    found: dict[str, tuple[float, float | None, str]] = {}
    for spec in plan.results:
        result = (
            _read(spec, outputs_by_step) if spec.source else _computed(spec, plan, outputs_by_step)
        )
        if result is not None:
            value, deviation = result
            found[spec.name] = (value, deviation, spec.unit)
    return found


def _read(
    spec: ResultSpec, outputs_by_step: Mapping[str, Mapping[str, JsonValue]]
) -> tuple[float, float | None] | None:
    step, _, output = spec.source.partition(".")
    outputs = outputs_by_step.get(step, {})
    number = _number(outputs.get(output))
    if number is None:
        return None
    given = Quantity(number, spec.units.get(spec.source) or DIMENSIONLESS)
    try:
        value = given.to(spec.unit).magnitude
    except QuantityError:
        return None
    deviation = _number(outputs.get(f"{output}_sd"))
    if deviation is not None:
        # a distance on the scale: an offset, as between degC and K, does not count
        target = Quantity(0.0, spec.unit).definition
        deviation = tidy(deviation * given.definition.factor / target.factor)
    return value, deviation


def _computed(
    spec: ResultSpec, plan: Plan, outputs_by_step: Mapping[str, Mapping[str, JsonValue]]
) -> tuple[float, None] | None:
    numbers: dict[str, float] = {}
    for name in spec.units:
        number = _number(plan.values.get(name.removeprefix("parameters.")))
        if number is None:
            step, _, output = name.partition(".")
            number = _number(outputs_by_step.get(step, {}).get(output))
        if number is None:
            return None
        numbers[name] = number
    try:
        result = evaluate(_parsed(spec.expression), _values(numbers, spec.units))
        return (result.number(spec.unit), None) if isinstance(result, Value) else None
    except (ExpressionError, CalculationError):
        return None


def _values(numbers: Mapping[str, float], units: Mapping[str, str]) -> dict[str, Value | str]:
    return {name: from_number(number, units[name]) for name, number in numbers.items()}


def _number(value: JsonValue | float) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)
