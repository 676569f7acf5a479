"""Expressions: `${total_volume - 1.5 mL}`, `abs(mass - expected_mass) < 0.25 g`.

The language is its own small grammar, not Python: numbers, quantity literals, names, dotted names, + - * /,
`**` with a whole exponent up to 4, comparisons, and/or/not, abs, min, max, sqrt. There is nothing else in it, so
there is nothing to escape from. Each expression is evaluated with units, over numbers or over ranges.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.domain.quantity import Quantity, QuantityError
from lab.domain.units import DIMENSIONLESS, UnitError, is_symbol, unit
from lab.sop.value import CalculationError, Truth, Value

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["Expression", "ExpressionError", "evaluate", "parse_expression", "unwrap"]

_MAX_LENGTH = 1000
_MAX_DEPTH = 40
_MAX_NODES = 300
_MAX_POWER = 4
_FUNCTIONS = {"abs": (1, 1), "sqrt": (1, 1), "min": (2, 8), "max": (2, 8)}
_WORDS = ("and", "or", "not")
_COMPARISONS = ("<=", ">=", "==", "!=", "<", ">")
_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?)"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*)"
    r"|(?P<operator>\*\*|<=|>=|==|!=|[-+*/()<>,]))"
)
_UNIT_AFTER = re.compile(r"[ \t]+([A-Za-zµμ%_][A-Za-zµμ%_]*(?:\^-?[1-4])?)")
_UNIT_TAIL = re.compile(r"([*/])([A-Za-zµμ%_]+)(\^-?[1-4])?(?![A-Za-z0-9_.(])")
_WRAPPED = re.compile(r"\$\{(.*)\}", re.DOTALL)


class ExpressionError(ValueError):
    """A text that is not an expression, or one that can't be computed."""

    def __init__(self, code: str, message: str, *, hint: str = "", offset: int = 0) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint
        self.offset = offset


@dataclass(frozen=True, slots=True)
class _Literal:
    quantity: Quantity


@dataclass(frozen=True, slots=True)
class _Name:
    name: str
    offset: int


@dataclass(frozen=True, slots=True)
class _Operation:
    operator: str
    operands: tuple[_Node, ...]


_Node = _Literal | _Name | _Operation


@dataclass(frozen=True, slots=True)
class Expression:
    """A parsed expression. `names` are those it refers to, in order of appearance."""

    text: str
    node: _Node
    names: tuple[tuple[str, int], ...]
    """(name, offset in `text`)"""


def unwrap(text: str) -> str | None:
    """The inside of `${...}`; None for any other text."""
    match = _WRAPPED.fullmatch(text.strip())
    return match[1].strip() if match else None


def parse_expression(text: str) -> Expression:
    """Read an expression (without `${}`). ExpressionError says what is wrong and where."""
    if len(text) > _MAX_LENGTH:
        raise ExpressionError("expression", f"an expression is at most {_MAX_LENGTH} characters")
    return _Parser(text).parse()


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    offset: int
    quantity: Quantity | None = None


def _tokens(text: str) -> list[_Token]:
    found: list[_Token] = []
    position = 0
    while text[position:].strip():
        match = _TOKEN.match(text, position)
        if match is None:
            start = position + len(text[position:]) - len(text[position:].lstrip())
            raise ExpressionError(
                "expression",
                f'"{text[start]}" has no place in an expression',
                hint="use + - * / ** ( ) , comparisons, and/or/not, abs, min, max, sqrt",
                offset=start,
            )
        kind = str(match.lastgroup)
        start, position = match.start(kind), match.end()
        if kind == "number":
            unit_text, position = _unit_after(text, position)
            try:
                quantity = Quantity(float(match["number"]), unit_text)
            except QuantityError as error:
                raise ExpressionError(
                    error.code, error.message, hint=error.hint, offset=start
                ) from error
            found.append(_Token(kind, match["number"], start, quantity))
        else:
            found.append(_Token(kind, match[kind], start))
    return found


def _unit_after(text: str, position: int) -> tuple[str, int]:
    """The unit that follows a number, and where it ends. A word that joins conditions is not a unit."""
    match = _UNIT_AFTER.match(text, position)
    if match is None or match[1] in _WORDS:
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


class _Parser:
    """Precedence climbing; each method reads one level of the grammar."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = _tokens(text)
        self._at = 0
        self._depth = 0
        self._nodes = 0
        self._names: list[tuple[str, int]] = []

    def parse(self) -> Expression:
        node = self._either()
        if (token := self._peek()) is not None:
            raise self._unexpected(token)
        return Expression(self._text, node, tuple(self._names))

    def _peek(self) -> _Token | None:
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def _take(self, *texts: str) -> str:
        token = self._peek()
        if token is None or token.kind == "number" or token.text not in texts:
            return ""
        self._at += 1
        return token.text

    def _unexpected(self, token: _Token | None) -> ExpressionError:
        if token is None:
            return ExpressionError(
                "expression",
                "the expression ends too early",
                hint="a value is missing at its end",
                offset=len(self._text),
            )
        hint = "write an operator between two values"
        if token.text in _COMPARISONS:
            hint = "join conditions with `and`"
        return ExpressionError(
            "expression", f'"{token.text}" is not expected here', hint=hint, offset=token.offset
        )

    def _operation(self, operator: str, *operands: _Node) -> _Operation:
        self._nodes += 1
        if self._nodes > _MAX_NODES:
            raise ExpressionError("expression", f"more than {_MAX_NODES} operations")
        return _Operation(operator, operands)

    def _either(self) -> _Node:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise ExpressionError("expression", f"nested more than {_MAX_DEPTH} deep")
        node = self._both()
        while self._take("or"):
            node = self._operation("or", node, self._both())
        self._depth -= 1
        return node

    def _both(self) -> _Node:
        node = self._negated()
        while self._take("and"):
            node = self._operation("and", node, self._negated())
        return node

    def _negated(self) -> _Node:
        turns = 0
        while self._take("not"):
            turns += 1
        node = self._comparison()
        for _ in range(turns):
            node = self._operation("not", node)
        return node

    def _comparison(self) -> _Node:
        left = self._sum()
        operator = self._take(*_COMPARISONS)
        return self._operation(operator, left, self._sum()) if operator else left

    def _sum(self) -> _Node:
        node = self._product()
        while operator := self._take("+", "-"):
            node = self._operation(operator, node, self._product())
        return node

    def _product(self) -> _Node:
        node = self._signed()
        while operator := self._take("*", "/"):
            node = self._operation(operator, node, self._signed())
        return node

    def _signed(self) -> _Node:
        turns = 0
        while sign := self._take("-", "+"):
            turns += sign == "-"
        node = self._raised()
        for _ in range(turns % 2):
            # a signed number is one number: -5 degC is a temperature, not the negative of one
            if isinstance(node, _Literal):
                node = _Literal(Quantity(-node.quantity.magnitude, node.quantity.unit))
            else:
                node = self._operation("negative", node)
        return node

    def _raised(self) -> _Node:
        node = self._atom()
        if self._take("**"):
            token = self._peek()
            if token is None or not re.fullmatch(rf"[1-{_MAX_POWER}]", token.text):
                raise ExpressionError(
                    "expression",
                    f"an exponent is a whole number from 1 to {_MAX_POWER}",
                    offset=token.offset if token else len(self._text),
                )
            self._at += 1
            node = self._operation(f"power{token.text}", node)
        return node

    def _atom(self) -> _Node:
        token = self._peek()
        if token is None or token.text in _WORDS:
            raise self._unexpected(token)
        self._at += 1
        if token.quantity is not None:
            return _Literal(token.quantity)
        if token.text == "(":
            node = self._either()
            self._close()
            return node
        if token.kind != "name":
            raise self._unexpected(token)
        if (follow := self._peek()) is not None and follow.text == "(":
            return self._call(token)
        self._names.append((token.text, token.offset))
        return _Name(token.text, token.offset)

    def _call(self, token: _Token) -> _Node:
        if token.text not in _FUNCTIONS:
            raise ExpressionError(
                "expression",
                f'there is no function "{token.text}"',
                hint="functions are abs, min, max, sqrt",
                offset=token.offset,
            )
        self._at += 1
        operands = [self._either()]
        while self._take(","):
            operands.append(self._either())
        self._close()
        least, most = _FUNCTIONS[token.text]
        if not least <= len(operands) <= most:
            amount = str(least) if least == most else f"{least} to {most}"
            raise ExpressionError(
                "expression", f"{token.text} takes {amount} value(s)", offset=token.offset
            )
        return self._operation(token.text, *operands)

    def _close(self) -> None:
        if not self._take(")"):
            token = self._peek()
            if token is None:
                raise ExpressionError(
                    "expression", "a closing bracket is missing", offset=len(self._text)
                )
            raise self._unexpected(token)


def evaluate(expression: Expression, names: Mapping[str, Value | str]) -> Value | Truth | str:
    """Compute it. A text can only be the whole value. ExpressionError where it can't be computed."""
    try:
        return _compute(expression.node, names)
    except CalculationError as error:
        raise ExpressionError(error.code, error.message, hint=error.hint) from error
    except OverflowError as error:
        raise ExpressionError("range", "the result is too large") from error


def _compute(node: _Node, names: Mapping[str, Value | str]) -> Value | Truth | str:
    if isinstance(node, _Literal):
        return Value.of(node.quantity)
    if isinstance(node, _Name):
        if node.name not in names:
            raise ExpressionError(
                "reference", f'there is nothing called "{node.name}" here', offset=node.offset
            )
        return names[node.name]
    operands = [_compute(operand, names) for operand in node.operands]
    if node.operator in _WORDS:
        return _logic(node.operator, [_truth(operand) for operand in operands])
    return _arithmetic(node.operator, [_value(operand) for operand in operands])


def _truth(operand: Value | Truth | str) -> Truth:
    if not isinstance(operand, Truth):
        raise CalculationError(
            "expression", "joins something that is not a condition", "compare it with a value"
        )
    return operand


def _value(operand: Value | Truth | str) -> Value:
    if isinstance(operand, str):
        raise CalculationError("expression", "calculates with a text")
    if isinstance(operand, Truth):
        raise CalculationError("expression", "calculates with a condition")
    return operand


def _logic(operator: str, operands: Sequence[Truth]) -> Truth:
    first = operands[0]
    if operator == "not":
        return Truth(first.may_fail, first.may_hold)
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
    if operator in _COMPARISONS:
        return first.compare(operands[1], operator)
    if operator.startswith("power"):
        return first.power(int(operator[5:]))
    match operator:
        case "+":
            return first + operands[1]
        case "-":
            return first - operands[1]
        case "*":
            return first * operands[1]
        case "/":
            return first / operands[1]
        case "negative":
            return -first
        case "abs":
            return first.absolute()
        case _:
            return first.root()
