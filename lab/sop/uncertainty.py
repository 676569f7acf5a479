"""Propagation of uncertainty through an expression, to first order, for uncorrelated inputs.

The combined standard uncertainty is the root of the sum of squares of each input's contribution (JCGM 100:2008, the
GUM, equation 10). A contribution is half the difference between the results with the input raised and lowered by its
standard uncertainty, which needs no formula for the derivative (J. Kragten, Analyst 1994, 119, 2161-2165).

First order means: where the slope vanishes (`x ** 2` at 0) or where an uncertainty is so large that the result bends
within it, the figure is too small or too large. Names that stand for the same reading count as independent.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lab.sop.evaluation import Iteration, evaluate_iterations
from lab.sop.tokens import ExpressionError
from lab.sop.value import Value

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from lab.sop.grammar import Expression
    from lab.sop.value import Computed

__all__ = ["propagate"]


def propagate(
    expression: Expression,
    names: Mapping[str, Computed],
    uncertainties: Mapping[str, float],
    rows: Sequence[Mapping[str, Computed]] | None = None,
    row_uncertainties: Sequence[Mapping[str, float]] = (),
) -> tuple[Value, float]:
    """The value and its combined standard uncertainty, in SI base units of the result.

    `names` and `rows` are as for `evaluate`; ranges count with their middle. Standard uncertainties are in SI base
    units of what they belong to (of a temperature in degC: kelvin), by name; names without one are exact. Those in
    `uncertainties` belong to `names`, so they are common to all iterations. `row_uncertainties`, if there are any,
    stand beside `rows`, and are independent from one iteration to the next.

    Raises
    ------
    ExpressionError
        As for `evaluate`; `uncertainty` where one is no number from 0 up, belongs to something that is no number,
        or reaches beyond what can be computed on both sides.
    """
    if row_uncertainties and len(row_uncertainties) != len(rows or ()):
        raise ExpressionError(
            "uncertainty",
            f"uncertainties of {len(row_uncertainties)} iterations for {len(rows or ())}",
            hint="give one mapping for each iteration, or none at all",
        )
    model = _Model(
        expression,
        {name: _middle(item) for name, item in names.items()},
        None if rows is None else [_middle_row(row) for row in rows],
    )
    value = model.value()
    inputs = _inputs(expression, uncertainties, row_uncertainties)
    combined = math.hypot(*(_contribution(model, value, item) for item in inputs))
    if not math.isfinite(combined):
        raise ExpressionError("uncertainty", "the uncertainty is too large", hint="check the units")
    return value, combined


@dataclass(frozen=True, slots=True)
class _Input:
    """Something uncertain. `row` is the iteration, from 0; None for what is common to all."""

    name: str
    offset: int
    uncertainty: float
    row: int | None = None


def _inputs(
    expression: Expression,
    uncertainties: Mapping[str, float],
    row_uncertainties: Sequence[Mapping[str, float]],
) -> Iterator[_Input]:
    """What the expression refers to and is uncertain, with the place where it does so first."""
    series = dict(reversed(expression.series_names))
    outside = {**series, **dict(reversed(expression.names))}
    sources: list[tuple[int | None, Mapping[str, float], Mapping[str, int]]]
    sources = [(None, uncertainties, outside)]
    for row, own in enumerate(row_uncertainties):
        sources.append((row, own, series))
    for row, given, offsets in sources:
        for name, offset in offsets.items():
            uncertainty = given.get(name, 0.0)
            if not 0.0 <= uncertainty < math.inf:
                raise ExpressionError(
                    "uncertainty",
                    f'the uncertainty of "{name}" is {uncertainty}',
                    hint="a standard uncertainty is a number from 0 up",
                    offset=offset,
                )
            if uncertainty:
                yield _Input(name, offset, uncertainty, row)


@dataclass(frozen=True, slots=True)
class _Model:
    """The expression with what its names stand for: all of it numbers, no ranges."""

    expression: Expression
    names: Mapping[str, Computed]
    rows: Sequence[Iteration] | None

    def value(self) -> Value:
        result = evaluate_iterations(self.expression, self.names, self.rows)
        if not isinstance(result, Value):
            raise ExpressionError(
                "expression",
                f"is a {'text' if isinstance(result, str) else 'condition'}, not a number",
                hint="only numbers have an uncertainty",
            )
        return result

    def shifted(self, item: _Input, sign: float) -> _Model:
        """The same with an input raised or lowered by its uncertainty."""
        if item.row is None:
            # what the iterations found out may depend on the name, so they start anew
            rows = None if self.rows is None else [Iteration(row.names) for row in self.rows]
            return _Model(self.expression, _shifted(self.names, item, sign), rows)
        rows = list(self.rows or ())
        rows[item.row] = Iteration(_shifted(rows[item.row].names, item, sign))
        return _Model(self.expression, self.names, rows)


def _shifted(names: Mapping[str, Computed], item: _Input, sign: float) -> Mapping[str, Computed]:
    value = names.get(item.name)
    if (
        value is None
    ):  # of an iteration without it, or of a name that the iterations have for themselves
        return names
    if not isinstance(value, Value):
        raise ExpressionError(
            "uncertainty",
            f'"{item.name}" is a {"text" if isinstance(value, str) else "condition"}; only numbers are uncertain',
            hint="leave its uncertainty out",
            offset=item.offset,
        )
    moved = replace(value, centre=value.centre + sign * item.uncertainty)
    return {**names, item.name: moved}


def _middle_row(row: Mapping[str, Computed]) -> Iteration:
    return Iteration({name: _middle(item) for name, item in row.items()})


def _middle(item: Computed) -> Computed:
    if isinstance(item, Value) and item.radius:
        return Value(item.centre, item.dimension, item.scale)
    return item


def _contribution(model: _Model, value: Value, item: _Input) -> float:
    """Half the difference between both sides; at the edge of what can be computed, all of the one that can."""
    raised, lowered = model.shifted(item, 1.0), model.shifted(item, -1.0)
    above, below = _centre(raised), _centre(lowered)
    if above is not None and below is not None:
        return above / 2 - below / 2
    if above is not None:
        return above - value.centre
    if below is not None:
        return value.centre - below
    raise ExpressionError(
        "uncertainty",
        f'the uncertainty of "{item.name}" reaches beyond what can be computed',
        hint="it can't be propagated to first order; is it as large as that?",
        offset=item.offset,
    )


def _centre(model: _Model) -> float | None:
    try:
        return model.value().centre
    except ExpressionError:
        return None
