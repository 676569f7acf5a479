"""A constraint as a person writes it: `red + blue <= 10 mL`, `solvent != 'water' or boil < 95 degC`.

The language is that of the SOP's checks, units included, so one rule reads the same in both files.
Here it's compiled twice: to plain arrays, because a search asks about thousands of points at once,
and, where it is linear in the factors, to coefficients, because then empty spaces can be proved.
"""

# numpy's ufuncs have loose types.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lab.domain.errors import InputError
from lab.domain.quantity import Quantity, QuantityError
from lab.optimize.space.factors import AnyFactor, Category
from lab.sop.expression import ExpressionError, evaluate, parse_expression
from lab.sop.grammar import COMPARISONS, Constant, Name, Operation
from lab.sop.value import Truth, Value

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from lab.optimize.domain import Array
    from lab.optimize.space.factors import Setting
    from lab.sop.grammar import Node
    from lab.sop.value import Computed

__all__ = ["Formula", "Linear", "compile_formula"]

_SLACK = 1e-9
"""Relative to the largest number that the sides take: what rounding may cost."""
_EQUAL_SLACK = 1e-7
"""The same for equalities, which a solver keeps less exactly."""


@dataclass(frozen=True)
class Linear:
    """`constant + sum(coefficient * value) >= 0`, or `== 0` if `equal`; values in the factors' units."""

    coefficients: dict[str, float]
    constant: float
    equal: bool


@dataclass(frozen=True)
class Formula:
    """A compiled constraint."""

    text: str
    names: tuple[str, ...]
    linear: tuple[Linear, ...]
    """The parts, all of which must hold, that are linear in the factors."""
    curved: bool
    """True if there are other parts than these."""
    _slack: Callable[[Mapping[str, Array]], Array]

    def slack(self, columns: Mapping[str, Array]) -> Array:
        """At least 0 where the constraint holds: how far its two sides are apart, relative to their size.

        `columns`: for each name an array, of numbers in the factor's unit or of names of choices.
        Minus infinity where the formula can't be computed.
        """
        with np.errstate(all="ignore"):
            found = self._slack(columns)
        return np.where(np.isnan(found), -np.inf, found)

    def holds(self, values: Mapping[str, Setting]) -> bool:
        """Does it hold for one set of values?"""
        columns = {name: np.array([value]) for name, value in values.items()}
        return float(self.slack(columns)[0]) >= 0.0


def compile_formula(text: str, factors: Sequence[AnyFactor]) -> Formula:
    """Read and check a constraint. InputError says what is wrong, and where in the text."""
    by_name = {factor.name: factor for factor in factors}
    try:
        expression = parse_expression(text)
        answer = evaluate(expression, {name: _range_of(f) for name, f in by_name.items()})
        if not isinstance(answer, Truth):
            raise ExpressionError(
                "constraint",
                "this is a value, and a constraint is a comparison",
                hint="write for example a + b <= 10 mL",
            )
        if not expression.names:
            raise ExpressionError(
                "constraint", "this names no factor", hint=f"the factors are: {', '.join(by_name)}"
            )
        if not answer.may_hold and not any(
            isinstance(by_name[name], Category) for name, _ in expression.names
        ):
            raise ExpressionError(
                "constraint",
                "this holds nowhere in the factors' ranges, so the space is empty",
                hint="loosen it, or widen a range",
            )
        units = {f.name: _to_base(f.unit) for f in factors if not isinstance(f, Category)}
        probe = {
            f.name: np.array([f.minimum, (f.minimum + f.maximum) / 2, f.maximum])
            for f in factors
            if not isinstance(f, Category)
        }
        slack = _condition(expression.node, _Names(units, probe), negated=False)
        parts = _conjuncts(expression.node)
        lines = [_line(part, by_name, units) for part in parts]
        for part, line in zip(parts, lines, strict=True):
            if line is None:
                _refuse_curved_equality(part)
    except ExpressionError as error:
        raise InputError(
            f"constraint `{text}`, character {error.offset + 1}: {error.message}", hint=error.hint
        ) from error
    names = tuple(dict.fromkeys(name for name, _ in expression.names))
    linear = tuple(line for line in lines if line is not None)
    return Formula(text, names, linear, len(linear) < len(lines), slack)


def _range_of(factor: AnyFactor) -> Computed:
    if isinstance(factor, Category):
        return factor.choices[0]
    try:
        low, high = Quantity(factor.minimum, factor.unit), Quantity(factor.maximum, factor.unit)
    except QuantityError as error:
        raise InputError(f"factor {factor.name}: {error.message}", hint=error.hint) from error
    return Value.between(factor.name, low, high)


def _to_base(unit_name: str) -> tuple[float, float]:
    own = Quantity(0.0, unit_name).definition
    return own.factor, own.offset


_NEGATED = {"<=": ">=", "<": ">=", ">=": "<=", ">": "<=", "==": "!=", "!=": "=="}


@dataclass(frozen=True)
class _Names:
    """What the names of numbers stand for: factor and offset to base units, and some values."""

    units: Mapping[str, tuple[float, float]]
    probe: Mapping[str, Array]


def _condition(
    node: Node, names: _Names, *, negated: bool
) -> Callable[[Mapping[str, Array]], Array]:
    """The slack of a condition; of its opposite if `negated`."""
    if isinstance(node, Operation) and node.operator == "not":
        return _condition(node.operands[0], names, negated=not negated)
    if isinstance(node, Operation) and node.operator in ("and", "or"):
        left, right = (_condition(operand, names, negated=negated) for operand in node.operands)
        pick = np.minimum if (node.operator == "and") != negated else np.maximum
        return lambda columns: pick(left(columns), right(columns))
    if isinstance(node, Operation) and node.operator in COMPARISONS:
        sign = _NEGATED[node.operator] if negated else node.operator
        one, other = node.operands
        if _is_text(one) or _is_text(other):
            return _same_text(one, other, want=(sign == "=="))
        left, right = _number(one, names.units), _number(other, names.units)
        return _compare(left, right, sign, _size(left, right, names.probe))
    raise ExpressionError(
        "constraint",
        "only comparisons, joined by and, or and not, make a constraint",
        hint="write for example a + b <= 10 mL",
        offset=node.offset,
    )


def _is_text(node: Node) -> bool:
    return isinstance(node, Constant) and isinstance(node.content, str)


def _text(node: Node) -> str:
    return str(node.content) if isinstance(node, Constant) else ""


def _same_text(one: Node, other: Node, *, want: bool) -> Callable[[Mapping[str, Array]], Array]:
    def slack(columns: Mapping[str, Array]) -> Array:
        left, right = (
            columns[node.name] if isinstance(node, Name) else np.array(_text(node))
            for node in (one, other)
        )
        return np.where((left == right) == want, 1.0, -1.0)

    return slack


def _size(
    left: Callable[[Mapping[str, Array]], Array],
    right: Callable[[Mapping[str, Array]], Array],
    probe: Mapping[str, Array],
) -> float:
    """How large the sides are over the space: rounding near zero is judged by it."""
    with np.errstate(all="ignore"):
        sides = np.concatenate([np.atleast_1d(side(probe)) for side in (left, right)])
    return float(np.max(np.abs(sides[np.isfinite(sides)]), initial=1e-300))


def _compare(
    left: Callable[[Mapping[str, Array]], Array],
    right: Callable[[Mapping[str, Array]], Array],
    sign: str,
    size: float,
) -> Callable[[Mapping[str, Array]], Array]:
    def slack(columns: Mapping[str, Array]) -> Array:
        gap = (right(columns) - left(columns)) / size
        if sign == "!=":
            return np.where(np.abs(gap) > _SLACK, 1.0, -1.0)
        if sign == "==":
            gap = -np.abs(gap)
        elif sign in (">=", ">"):
            gap = -gap
        slack = _EQUAL_SLACK if sign == "==" else _SLACK
        return np.where((gap < 0.0) & (gap >= -slack), 0.0, gap)

    return slack


def _number(
    node: Node, units: Mapping[str, tuple[float, float]]
) -> Callable[[Mapping[str, Array]], Array]:
    """The node's value in SI base units."""
    if isinstance(node, Constant) and isinstance(node.content, Value):
        number = node.content.centre
        return lambda _: np.array(number)
    if isinstance(node, Name) and node.name in units:
        name = node.name
        factor, offset = units[name]
        return lambda columns: columns[name] * factor + offset
    if isinstance(node, Operation):
        parts = [_number(operand, units) for operand in node.operands]
        if node.operator.startswith("power"):
            exponent = int(node.operator[5:])
            return lambda columns: parts[0](columns) ** exponent
        operate = _OPERATORS[node.operator]
        return lambda columns: operate(*(part(columns) for part in parts))
    raise ExpressionError(
        "constraint", "a number is due here", hint="compare numbers", offset=node.offset
    )


def _clamp(value: Array, low: Array, high: Array) -> Array:
    return np.minimum(np.maximum(value, low), high)


_OPERATORS: dict[str, Callable[..., Array]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "negative": np.negative,
    "abs": np.abs,
    "sqrt": np.sqrt,
    "exp": np.exp,
    "ln": np.log,
    "log10": np.log10,
    "min": lambda *parts: np.minimum.reduce(np.broadcast_arrays(*parts)),
    "max": lambda *parts: np.maximum.reduce(np.broadcast_arrays(*parts)),
    "clamp": _clamp,
}


def _conjuncts(node: Node) -> list[Node]:
    if isinstance(node, Operation) and node.operator == "and":
        return [part for operand in node.operands for part in _conjuncts(operand)]
    return [node]


def _line(
    node: Node, factors: Mapping[str, AnyFactor], units: Mapping[str, tuple[float, float]]
) -> Linear | None:
    """A comparison as coefficients; None if it is not linear."""
    if not isinstance(node, Operation) or node.operator not in ("<=", "<", ">=", ">", "=="):
        return None
    sides = [_affine(operand, factors, units) for operand in node.operands]
    if sides[0] is None or sides[1] is None:
        return None
    (c0, k0), (c1, k1) = sides[0], sides[1]
    sign = -1.0 if node.operator in ("<=", "<") else 1.0
    names = {**c0, **c1}
    coefficients = {name: sign * (c0.get(name, 0.0) - c1.get(name, 0.0)) for name in names}
    return Linear(coefficients, sign * (k0 - k1), node.operator == "==")


def _affine(
    node: Node, factors: Mapping[str, AnyFactor], units: Mapping[str, tuple[float, float]]
) -> tuple[dict[str, float], float] | None:
    """Coefficients of the factors' values and a constant, in base units; None if it's not linear."""
    if isinstance(node, Constant):
        return ({}, node.content.centre) if isinstance(node.content, Value) else None
    if isinstance(node, Name):
        if isinstance(factors[node.name], Category):
            return None
        factor, offset = units[node.name]
        return {node.name: factor}, offset
    if not isinstance(node, Operation):
        return None
    parts = [_affine(operand, factors, units) for operand in node.operands]
    known = [part for part in parts if part is not None]
    if len(known) < len(parts):
        return None
    if node.operator == "negative":
        return _scaled(known[0], -1.0)
    if node.operator in ("+", "-"):
        other = _scaled(known[1], 1.0 if node.operator == "+" else -1.0)
        names = {**known[0][0], **other[0]}
        return {n: known[0][0].get(n, 0.0) + other[0].get(n, 0.0) for n in names}, known[0][
            1
        ] + other[1]
    if node.operator == "*" and not (known[0][0] and known[1][0]):
        scale, form = (known[1][1], known[0]) if known[0][0] else (known[0][1], known[1])
        return _scaled(form, scale)
    if node.operator == "/" and not known[1][0] and known[1][1]:
        return _scaled(known[0], 1.0 / known[1][1])
    return None


def _scaled(form: tuple[dict[str, float], float], by: float) -> tuple[dict[str, float], float]:
    return {name: by * value for name, value in form[0].items()}, by * form[1]


def _refuse_curved_equality(node: Node) -> None:
    """A surface has no volume: no search by trying would ever stand on it."""
    if not isinstance(node, Operation):
        return
    if node.operator == "==" and not any(_is_text(operand) for operand in node.operands):
        raise ExpressionError(
            "constraint",
            "only an equality that is linear in the factors, and not part of an `or` or a `not`, "
            "can be searched",
            hint="give a tolerance, as in abs(a * b - 3 mL^2) <= 0.01 mL^2",
            offset=node.offset,
        )
    for operand in node.operands:
        _refuse_curved_equality(operand)
