"""Formulas with numbers: what their names are when a run has come so far, and what follows from them.

Plain numbers, texts and yes/no come from the journal, in the units of the contracts. A name whose output is missing
or not finite has no value; of a loop, only rounds count in which every name has one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lab.domain.quantity import Quantity
from lab.domain.units import DIMENSIONLESS
from lab.sop.expression import ExpressionError, evaluate, parse_expression, propagate
from lab.sop.value import CalculationError, Truth, Value, from_number

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import JsonValue

    from lab.domain.plan import Binding, Formula
    from lab.sop.expression import Computed

__all__ = ["Bound", "bound", "evaluate_formula", "measured"]


@dataclass(slots=True)
class Bound:
    """Names of a formula with what they are now. Uncertainties are standard ones in SI base units."""

    names: dict[str, Computed] = field(default_factory=dict[str, "Computed"])
    uncertainties: dict[str, float] = field(default_factory=dict[str, float])

    def take(
        self, bindings: Mapping[str, Binding], outputs: Mapping[str, Mapping[str, JsonValue]]
    ) -> Bound:
        """Add all that have a value."""
        for name, binding in bindings.items():
            found = _look_up(binding, outputs)
            if found is not None:
                self.names[name], uncertainty = found
                if uncertainty is not None:
                    self.uncertainties[name] = uncertainty
        return self


def bound(
    formula: Formula, outputs_by_step: Mapping[str, Mapping[str, JsonValue]]
) -> tuple[Bound, list[Bound] | None]:
    """The common names of a formula and those of its rows; names without a value are left out.

    Rows that have nothing that was measured (a round that was never begun) are left out, too.
    """
    rows: list[Bound] | None = None
    if formula.rows is not None:
        rows = []
        for bindings in formula.rows:
            row = Bound().take(bindings, outputs_by_step)
            if all(name in row.names for name in bindings):
                rows.append(row)
    return Bound().take(formula.names, outputs_by_step), rows


def evaluate_formula(
    formula: Formula, outputs_by_step: Mapping[str, Mapping[str, JsonValue]]
) -> Computed:
    """The formula's value. ExpressionError or CalculationError where it has none."""
    common, rows = bound(formula, outputs_by_step)
    expression = parse_expression(formula.expression)
    return evaluate(expression, common.names, None if rows is None else [r.names for r in rows])


def measured(
    formula: Formula, outputs_by_step: Mapping[str, Mapping[str, JsonValue]]
) -> tuple[Value, float | None] | None:
    """(number, standard uncertainty in SI base units or None where nothing has one); None where there is none."""
    try:
        common, rows = bound(formula, outputs_by_step)
        expression = parse_expression(formula.expression)
        names = [row.names for row in rows] if rows is not None else None
        value = evaluate(expression, common.names, names)
        if not isinstance(value, Value) or not math.isfinite(value.centre):
            return None
        own = [row.uncertainties for row in rows] if rows is not None else []
        if not common.uncertainties and not any(own):
            return value, None
        if formula.expression in common.names:  # as it was read, without the noise of a calculation
            return value, common.uncertainties.get(formula.expression)
        try:
            return propagate(expression, common.names, common.uncertainties, names, own)
        except (ExpressionError, CalculationError):
            return value, None
    except (ExpressionError, CalculationError):
        return None


def _look_up(
    binding: Binding, outputs: Mapping[str, Mapping[str, JsonValue]]
) -> tuple[Computed, float | None] | None:
    if binding.formula is not None:
        return _nested(binding.formula, outputs)
    if binding.value is not None:
        return _computed(binding.value, None, binding)
    for path in reversed(binding.outputs):
        step, _, output = path.rpartition(".")
        own = outputs.get(step)
        if own is not None and own.get(output) is not None:
            return _computed(own[output], own.get(f"{output}_sd"), binding)
    return None


def _nested(
    formula: Formula, outputs: Mapping[str, Mapping[str, JsonValue]]
) -> tuple[Computed, float | None] | None:
    found = measured(formula, outputs)
    if found is not None:
        return found
    try:
        value = evaluate_formula(formula, outputs)
    except (ExpressionError, CalculationError):
        return None
    return None if isinstance(value, Value) else (value, None)


def _computed(
    raw: JsonValue, deviation: JsonValue, binding: Binding
) -> tuple[Computed, float | None] | None:
    """What a plain value is, with its uncertainty; None for what is neither number, text nor yes/no."""
    if isinstance(raw, str):
        return raw, None
    if isinstance(raw, bool):
        return Truth(raw, not raw), None
    number = _number(raw)
    if number is None:
        return None
    parts = [
        _number(deviation),
        binding.uncertainty,
        None if binding.relative_uncertainty is None else binding.relative_uncertainty * number,
    ]
    known = [part for part in parts if part is not None]
    unit = binding.unit or DIMENSIONLESS
    factor = Quantity(0.0, unit).definition.factor
    return from_number(number, unit), math.hypot(*known) * factor if known else None


def _number(value: JsonValue) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)
