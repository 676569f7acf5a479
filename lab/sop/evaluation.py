"""Computing expressions: with units, over numbers or over ranges, and over the iterations of a loop."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lab.sop.diagnostics import did_you_mean
from lab.sop.functions import clamp, decimal_logarithm, exponential, natural_logarithm
from lab.sop.grammar import COMPARISONS, Constant, Name, Operation, Series
from lab.sop.series import summarise
from lab.sop.tokens import ExpressionError
from lab.sop.value import CalculationError, Truth, Value

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from lab.sop.grammar import Expression, Node
    from lab.sop.value import Computed

__all__ = ["Iteration", "evaluate", "evaluate_iterations"]


def evaluate(
    expression: Expression,
    names: Mapping[str, Computed],
    rows: Sequence[Mapping[str, Computed]] | None = None,
) -> Computed:
    """Compute it. ExpressionError, with the place in the text, where that can't be done.

    `rows` are the iterations of a loop, in order, for functions such as `mean`: in each, a row's names come before
    `names`. A name that any row has belongs to the loop, so an iteration whose row lacks it is left out. None
    means that there is no loop here; an empty sequence, that it has no iteration yet.
    """
    iterations = None if rows is None else [Iteration(row) for row in rows]
    return evaluate_iterations(expression, names, iterations)


@dataclass(frozen=True, slots=True)
class Iteration:
    """A row, and what was computed in it: valid for one expression and as long as the other names stay."""

    names: Mapping[str, Computed]
    found: dict[int, tuple[Computed, ...]] = field(
        default_factory=dict[int, "tuple[Computed, ...]"]
    )
    """Offset of a function over the loop -> what its operands came to."""


def evaluate_iterations(
    expression: Expression,
    names: Mapping[str, Computed],
    iterations: Sequence[Iteration] | None,
) -> Computed:
    """As `evaluate`, for one who computes again and again with most iterations unchanged."""
    return _compute(expression.node, names, iterations)


def _compute(
    node: Node, names: Mapping[str, Computed], rows: Sequence[Iteration] | None
) -> Computed:
    """One frame for each level of the tree, which may be some 300 deep."""
    if isinstance(node, Constant):
        return node.content
    if isinstance(node, Name):
        return _look_up(node, names)
    if isinstance(node, Series):
        return _over_rows(node, names, rows)
    operands: list[Computed] = []
    for operand in node.operands:
        operands.append(_compute(operand, names, rows))
    return _guarded(node, lambda: _operate(node, operands))


def _look_up(node: Name, names: Mapping[str, Computed]) -> Computed:
    if node.name not in names:
        raise ExpressionError(
            "reference",
            f'there is nothing called "{node.name}" here',
            hint=did_you_mean(
                node.name, [key for key in names if not key.startswith("parameters.")]
            ),
            offset=node.offset,
        )
    found = names[node.name]
    if isinstance(found, Value) and not _is_number(found):
        raise ExpressionError(
            "range", f'"{node.name}" is not a number', hint="check its unit", offset=node.offset
        )
    return found


def _guarded(node: Operation | Series, compute: Callable[[], Computed]) -> Computed:
    """The result; errors get the place in the text, and what is no number is refused."""
    try:
        result = compute()
    except CalculationError as error:
        raise ExpressionError(
            error.code, error.message, hint=error.hint, offset=node.offset
        ) from error
    if isinstance(result, Value) and not _is_number(result):
        raise ExpressionError(
            "range", "the result is too large", hint="check the units", offset=node.offset
        )
    return result


def _is_number(value: Value) -> bool:
    """False after an overflow. A range may have no bounds, but its centre is a number."""
    return math.isfinite(value.centre) and value.low < math.inf and value.high > -math.inf


def _operate(node: Operation, operands: Sequence[Computed]) -> Computed:
    operator = node.operator
    if operator in ("and", "or", "not"):
        return _logic(
            operator, [_truth(*pair) for pair in zip(operands, node.operands, strict=True)]
        )
    if operator in COMPARISONS and not all(isinstance(operand, Value) for operand in operands):
        return _compare_others(operator, operands[0], operands[1])
    return _arithmetic(
        operator, [_value(*pair) for pair in zip(operands, node.operands, strict=True)]
    )


def _truth(operand: Computed, node: Node) -> Truth:
    if not isinstance(operand, Truth):
        raise ExpressionError(
            "expression",
            "joins something that is not a condition",
            hint="compare it with a value",
            offset=node.offset,
        )
    return operand


def _value(operand: Computed, node: Node) -> Value:
    if not isinstance(operand, Value):
        what = _kind(operand)
        raise ExpressionError(
            "expression",
            f"calculates with {what}",
            hint="use numbers with their units; a condition or text can only be compared",
            offset=node.offset,
        )
    return operand


def _kind(operand: Computed) -> str:
    if isinstance(operand, Value):
        return operand.words
    return "a text" if isinstance(operand, str) else "a condition"


def _compare_others(operator: str, left: Computed, right: Computed) -> Truth:
    """Texts with texts, conditions with conditions; only whether they are the same."""
    if isinstance(left, str) and isinstance(right, str):
        same = Truth.of(left == right)
    elif isinstance(left, Truth) and isinstance(right, Truth):
        same = left.same_as(right)
    else:
        raise CalculationError(
            "expression",
            f"compares {_kind(left)} with {_kind(right)}",
            "both sides must be of a kind",
        )
    if operator not in ("==", "!="):
        raise CalculationError(
            "expression",
            f"compares {_kind(left)} with {_kind(right)} by {operator}",
            "only numbers are less or greater; write == or !=",
        )
    return same if operator == "==" else ~same


def _logic(operator: str, operands: Sequence[Truth]) -> Truth:
    first = operands[0]
    if operator == "not":
        return ~first
    second = operands[1]
    if operator == "and":
        return Truth(first.may_hold and second.may_hold, first.may_fail or second.may_fail)
    return Truth(first.may_hold or second.may_hold, first.may_fail and second.may_fail)


def _arithmetic(operator: str, operands: Sequence[Value]) -> Value | Truth:
    first = operands[0]
    if operator in ("min", "max"):
        pick = min if operator == "min" else max
        for other in operands[1:]:
            first = first.extreme(other, pick)
        return first
    if operator in COMPARISONS:
        return first.compare(operands[1], operator)
    if operator.startswith("power"):
        return first.power(int(operator[5:]))
    return _OPERATORS[operator](*operands)


_OPERATORS: dict[str, Callable[..., Value]] = {
    "+": Value.__add__,
    "-": Value.__sub__,
    "*": Value.__mul__,
    "/": Value.__truediv__,
    "negative": Value.__neg__,
    "abs": Value.absolute,
    "sqrt": Value.root,
    "exp": exponential,
    "ln": natural_logarithm,
    "log10": decimal_logarithm,
    "clamp": clamp,
}


def _over_rows(
    node: Series, names: Mapping[str, Computed], rows: Sequence[Iteration] | None
) -> Computed:
    if rows is None:
        raise ExpressionError(
            "series",
            f"{node.function} looks at the iterations of a loop, and there is no loop here",
            hint="use it in a condition or a result over the steps of a loop",
            offset=node.offset,
        )
    own = [name for name in node.names if any(name in row.names for row in rows)]
    shared = {name: names[name] for name in node.names if name not in own and name in names}
    found: list[tuple[Computed, ...]] = []
    if len(own) + len(shared) == len(node.names):
        for number, row in enumerate(rows, 1):
            if all(name in row.names for name in own):
                found.append(_in_iteration(node, shared, row, number))
    return _guarded(node, lambda: summarise(node.function, found))


def _in_iteration(
    node: Series, shared: Mapping[str, Computed], row: Iteration, number: int
) -> tuple[Computed, ...]:
    """What the operands come to there. `shared` are names that no iteration has for itself."""
    if node.offset not in row.found:
        names = {**row.names, **shared}
        try:
            found = tuple(_compute(operand, names, None) for operand in node.operands)
        except ExpressionError as error:
            raise ExpressionError(
                error.code,
                f"{error.message} in iteration {number}",
                hint=error.hint,
                offset=error.offset,
            ) from error
        row.found[node.offset] = found
    return row.found[node.offset]
