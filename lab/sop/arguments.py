"""Arguments of a step, read against the contract of its action."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.domain.quantity import QuantityError, parse_quantity
from lab.domain.units import DIMENSIONLESS
from lab.sop.diagnostics import did_you_mean
from lab.sop.expression import ExpressionError, evaluate, parse_expression, unwrap
from lab.sop.vague import explained
from lab.sop.value import CalculationError, Value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lab.domain.action import ArgSpec
    from lab.sop.expression import Computed, Expression
    from lab.sop.model_steps import Argument

__all__ = ["BadArgumentError", "Resolved", "resolve"]

_SHOWN = 100
"""Characters of an expression in a message."""

Resolved = Value | str | int | dict[str, Value]
"""A quantity, a text or choice, a whole number, or stock -> volume."""


class BadArgumentError(ValueError):
    """Why an argument can't be used; `key` names the entry of a mapping that is at fault."""

    def __init__(
        self, code: str, message: str, *, why: str = "", hint: str = "", key: str = ""
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.why = why
        self.hint = hint
        self.key = key


def resolve(raw: Argument, spec: ArgSpec, names: Mapping[str, Computed]) -> Resolved:
    """The argument's value, its dimension checked. Raises BadArgumentError.

    Numbers become ranges where `names` holds ranges.
    """
    match spec.kind:
        case "quantity":
            return _quantity(raw, spec.unit or DIMENSIONLESS, names)
        case "volumes":
            return _volumes(raw, spec.unit, names)
        case "integer":
            return _integer(raw, names)
        case "choice":
            return _choice(raw, spec, names)
        case "text":
            return _text(raw, names)


def _quantity(raw: object, unit_name: str, names: Mapping[str, Computed]) -> Value:
    if isinstance(raw, dict | bool):
        raise BadArgumentError(
            "value", "one quantity is due here", hint=f'write e.g. "5 {unit_name}"'
        )
    inner = unwrap(raw) if isinstance(raw, str) else None
    if inner is None and "${" in str(raw):
        raise BadArgumentError(
            "expression",
            f'"{raw}" is only partly an expression',
            why="what stands before or after ${...} would be ignored",
            hint="write all of it inside: ${volume * 2}; units go inside too: ${volume + 1 mL}",
        )
    shown = inner if inner is None or len(inner) <= _SHOWN else f"{inner[:_SHOWN]}..."
    try:
        if inner is None:
            return Value.of(parse_quantity(str(raw), unit_name))
        value = evaluate(_parsed(inner, names), names)
        if not isinstance(value, Value):
            raise BadArgumentError(
                "value",
                f"${{{shown}}} is not a quantity",
                hint=f"give an expression for a value in {unit_name}",
            )
        value.bounds(unit_name)
    except QuantityError as error:
        told = explained(error, str(raw))
        raise BadArgumentError(told.code, told.message, why=told.why, hint=told.hint) from error
    except ExpressionError as error:
        raise BadArgumentError(
            error.code, f"${{{shown}}}: {error.message}", hint=error.hint
        ) from error
    except CalculationError as error:
        raise BadArgumentError(
            error.code, f"${{{shown}}} {error.message}", hint=error.hint
        ) from error
    return value


def _parsed(inner: str, names: Mapping[str, Computed]) -> Expression:
    """The expression; its unknown names are reported with what was probably meant."""
    expression = parse_expression(inner)
    for name, offset in expression.names:
        if name not in names:
            known = [item for item in names if not item.startswith("parameters.")]
            raise ExpressionError(
                "reference",
                f'there is nothing called "{name}" here',
                hint=did_you_mean(name, known),
                offset=offset,
            )
    return expression


def _volumes(raw: Argument, unit_name: str, names: Mapping[str, Computed]) -> dict[str, Value]:
    if not isinstance(raw, dict) or not raw:
        raise BadArgumentError(
            "value", "a volume for each stock is due", hint="write indented `material: 20 uL` lines"
        )
    found: dict[str, Value] = {}
    for name, item in raw.items():
        try:
            found[name] = _quantity(item, unit_name, names)
        except BadArgumentError as problem:
            problem.key = name
            raise
    return found


def _integer(raw: object, names: Mapping[str, Computed]) -> int:
    if isinstance(raw, int) and not isinstance(raw, bool):
        return raw
    if isinstance(raw, str) and unwrap(raw) is not None:
        number = _quantity(raw, DIMENSIONLESS, names).number(DIMENSIONLESS)
        return round(number)
    raise BadArgumentError(
        "value", f'"{raw}" stands where a whole number is due', hint="write digits only"
    )


def _choice(raw: object, spec: ArgSpec, names: Mapping[str, Computed]) -> str:
    chosen = _text(raw, names) if isinstance(raw, str) else str(raw)
    if chosen not in spec.choices:
        raise BadArgumentError(
            "value",
            f'"{chosen}" is not one of the choices',
            hint=did_you_mean(chosen, spec.choices),
        )
    return chosen


def _text(raw: object, names: Mapping[str, Computed]) -> str:
    if not isinstance(raw, str):
        raise BadArgumentError(
            "value", f'"{raw}" stands where a text is due', hint="put it in quotes"
        )
    inner = unwrap(raw)
    if inner is None:
        return raw
    try:
        value = evaluate(_parsed(inner, names), names)
    except ExpressionError as error:
        hint = error.hint
        if inner == "well":
            hint = "${well} is known only where a container is bound to a plate"
        raise BadArgumentError(
            error.code, f"${{{inner}}} is not a text: {error.message}", hint=hint
        ) from error
    if not isinstance(value, str):
        raise BadArgumentError(
            "value",
            f"${{{inner}}} is not a text",
            hint="give a text, a parameter that is a choice or a text, or ${well} on a plate",
        )
    return value
