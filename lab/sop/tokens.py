"""The first half of reading an expression: from text to words, numbers with units, and texts in quotes."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.domain.quantity import Quantity, QuantityError
from lab.domain.units import DIMENSIONLESS, UnitError, is_symbol, unit

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["WORDS", "ExpressionError", "Token", "tokens"]

WORDS = ("and", "or", "not", "true", "false")
"""Words with a meaning of their own; no name and no unit is called so."""

_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?)"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*)"
    r"|(?P<text>'[^'\n]*'|\"[^\"\n]*\")"
    r"|(?P<operator>\*\*|<=|>=|==|!=|[-+*/()<>,]))"
)
_UNIT_AFTER = re.compile(r"[ \t]+([A-Za-zµμ%_][A-Za-zµμ%_]*(?:\^-?[1-4])?)")
_UNIT_TAIL = re.compile(r"([*/])([A-Za-zµμ%_]+)(\^-?[1-4])?(?![A-Za-z0-9_.(])")
_HINTS = {
    "=": "write == to compare",
    "!": "write != or not",
    "&": "join conditions with `and`",
    "|": "join conditions with `or`",
    "^": "write ** for a power",
    "[": "names are written with dots, like step.output",
    **dict.fromkeys("\N{LEFT SINGLE QUOTATION MARK}\N{RIGHT SINGLE QUOTATION MARK}"
                    "\N{LEFT DOUBLE QUOTATION MARK}\N{RIGHT DOUBLE QUOTATION MARK}`",
                    "write texts in straight quotes, like 'water'"),
}  # fmt: skip
_HINT = "use + - * / ** ( ) , comparisons, and/or/not, and functions such as abs, min or mean"


class ExpressionError(ValueError):
    """A text that is not an expression, or one that can't be computed. `offset` is the place in the text."""

    def __init__(self, code: str, message: str, *, hint: str = "", offset: int = 0) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint
        self.offset = offset


@dataclass(frozen=True, slots=True)
class Token:
    """One word of an expression. A text keeps its quotes here, so that 'and' is no `and`."""

    kind: str
    """number, name, text or operator"""
    text: str
    offset: int
    end: int
    quantity: Quantity | None = None
    """Of a number, with the unit that follows it."""


def tokens(text: str) -> Iterator[Token]:
    """The words of an expression, from left to right. ExpressionError where a character fits nowhere."""
    position = 0
    while text[position:].strip():
        match = _TOKEN.match(text, position)
        if match is None:
            raise _out_of_place(text, len(text) - len(text[position:].lstrip()))
        kind = str(match.lastgroup)
        start, position = match.start(kind), match.end()
        if kind == "number":
            unit_text, position = _unit_after(text, position)
            quantity = _quantity(match["number"], unit_text, start)
            yield Token(kind, match["number"], start, position, quantity)
        else:
            yield Token(kind, match[kind], start, position)


def _out_of_place(text: str, start: int) -> ExpressionError:
    character = text[start]
    if character in "'\"":
        return ExpressionError(
            "expression",
            "a text starts here that does not end",
            hint=f"end it with {character} on the same line",
            offset=start,
        )
    return ExpressionError(
        "expression",
        f'"{character}" has no place in an expression',
        hint=_HINTS.get(character, _HINT),
        offset=start,
    )


def _quantity(number: str, unit_text: str, start: int) -> Quantity:
    try:
        quantity = Quantity(float(number), unit_text)
    except QuantityError as error:
        raise ExpressionError(error.code, error.message, hint=error.hint, offset=start) from error
    if not math.isfinite(quantity.base):
        raise ExpressionError(
            "number", f"{quantity} is too large", hint="check the unit", offset=start
        )
    return quantity


def _unit_after(text: str, position: int) -> tuple[str, int]:
    """The unit that follows a number, and where it ends. A word that joins conditions is not a unit."""
    match = _UNIT_AFTER.match(text, position)
    if match is None or match[1] in WORDS:
        return DIMENSIONLESS, position
    end = match.end()
    while (tail := _UNIT_TAIL.match(text, end)) and is_symbol(tail[2]):
        end = tail.end()
    name = text[match.start(1) : end]
    try:
        unit(name)
    except UnitError as error:
        raise ExpressionError(
            "unit-unknown", str(error), hint=error.hint, offset=match.start(1)
        ) from error
    return name, end
