"""What people answer to a task, read against its fields: numbers in the field's unit, or why they are refused. Pure."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from lab.domain.quantity import QuantityError, parse_quantity
from lab.domain.units import DIMENSIONLESS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import JsonValue

    from lab.domain.plan import ManualField, ManualTask

__all__ = ["AnswerError", "describe", "read_answers", "simulated_answers"]

_YES = ("yes", "y", "true")
_NO = ("no", "n", "false")


class AnswerError(ValueError):
    """An answer that can't be taken; the message says what would be right."""


def read_answers(
    fields: Mapping[str, ManualField], given: Mapping[str, JsonValue]
) -> dict[str, JsonValue]:
    """The answers as the journal keeps them, in the fields' order. AnswerError for the first that is wrong.

    A text is read as a person types it: `12.3` in the field's unit, `12.3 g` in any unit of its kind, `yes`.
    """
    for name in given:
        if name not in fields:
            known = ", ".join(fields) or "none: this task asks for a confirmation only"
            raise AnswerError(f"there is no field '{name}'; fields: {known}")
    answers: dict[str, JsonValue] = {}
    for name, field in fields.items():
        value = given.get(name)
        if value is None or (isinstance(value, str) and not value.strip()):
            if field.required:
                raise AnswerError(f"'{name}' is missing: {field.prompt or describe(field)}")
            continue
        answers[name] = _read(name, field, value)
    return answers


def simulated_answers(task: ManualTask) -> dict[str, JsonValue]:
    """What a simulated person answers. AnswerError names what the procedure would have to say under `simulate`."""
    missing = [
        name
        for name, field in task.fields.items()
        if field.required and name not in task.simulated_answers
    ]
    if missing:
        raise AnswerError(
            f"no simulated person knows what to answer: give {', '.join(missing)} under 'simulate'"
        )
    try:
        return read_answers(task.fields, task.simulated_answers)
    except AnswerError as error:
        raise AnswerError(f"the answers under 'simulate' are wrong: {error}") from error


def describe(field: ManualField) -> str:
    """What a field takes, in words."""
    match field.kind:
        case "choice":
            return f"one of: {', '.join(field.choices)}"
        case "yes_no":
            return "yes or no"
        case "text":
            return "a text"
        case "quantity" | "integer":
            what = "a whole number" if field.kind == "integer" else "a number"
            return f"{what}{f' in {field.unit}' if field.unit else ''}{_range(field)}"


def _range(field: ManualField) -> str:
    unit = f" {field.unit}" if field.unit else ""
    low = "" if field.minimum is None else f" of at least {field.minimum:g}{unit}"
    high = "" if field.maximum is None else f" of at most {field.maximum:g}{unit}"
    return f"{low}{' and' if low and high else ''}{high}"


def _read(name: str, field: ManualField, value: JsonValue) -> JsonValue:
    match field.kind:
        case "quantity" | "integer":
            return _number(name, field, value)
        case "yes_no":
            word = value.strip().lower() if isinstance(value, str) else value
            if word is True or word in _YES:
                return True
            if word is False or word in _NO:
                return False
        case "choice":
            if isinstance(value, str) and value.strip() in field.choices:
                return value.strip()
        case "text":
            if isinstance(value, str):
                return value.strip()
    raise AnswerError(f"'{name}' must be {describe(field)}, not {_shown(value)}")


def _number(name: str, field: ManualField, value: JsonValue) -> float | int:
    number = _in_unit(name, field, value) if isinstance(value, str) else value
    wrong = AnswerError(f"'{name}' must be {describe(field)}, not {_shown(value)}")
    if isinstance(number, bool) or not isinstance(number, int | float) or not math.isfinite(number):
        raise wrong
    if field.kind == "integer":
        if number != int(number):
            raise wrong
        number = int(number)
    below = field.minimum is not None and number < field.minimum
    above = field.maximum is not None and number > field.maximum
    if below or above:
        raise wrong
    return number


def _in_unit(name: str, field: ManualField, text: str) -> float:
    try:
        # A bare number is in the unit that the field's prompt shows.
        return float(text) if "_" not in text else math.nan
    except ValueError:
        pass
    try:
        return parse_quantity(text, field.unit).to(field.unit or DIMENSIONLESS).magnitude
    except QuantityError as error:
        hint = f" ({error.hint})" if error.hint else ""
        raise AnswerError(f"'{name}' must be {describe(field)}: {error}{hint}") from error


def _shown(value: JsonValue) -> str:
    return f"'{value}'" if isinstance(value, str) else str(value).lower()
