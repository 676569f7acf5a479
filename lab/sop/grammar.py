"""The second half of reading an expression: from words to a tree.

From loosest to tightest: `or`, `and`, `not`, one comparison, `+ -`, `* /`, a sign, `**` with a whole exponent up to
4; then numbers, texts, `true`, `false`, names, brackets and functions. Length, depth and size are bounded, so that
nothing that a file may hold can exhaust what computes it.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from functools import lru_cache

from lab.domain.quantity import Quantity
from lab.domain.units import DIMENSIONLESS
from lab.sop.tokens import WORDS, ExpressionError, Token, tokens
from lab.sop.value import Truth, Value

__all__ = [
    "COMPARISONS",
    "FUNCTIONS",
    "SERIES_FUNCTIONS",
    "Constant",
    "Expression",
    "Name",
    "Node",
    "Operation",
    "Series",
    "parse_expression",
    "unwrap",
]

COMPARISONS = ("<=", ">=", "==", "!=", "<", ">")
FUNCTIONS = {
    **dict.fromkeys(("abs", "sqrt", "exp", "ln", "log10"), (1, 1)),
    **{"min": (2, 8), "max": (2, 8), "clamp": (3, 3)},
}
"""Function -> least and most number of values that it takes."""
SERIES_FUNCTIONS = {
    **dict.fromkeys(("mean", "sd", "median", "sum", "count", "first", "last"), (1, 1)),
    **{"least": (1, 1), "greatest": (1, 1)},
    **{"slope": (2, 2), "intercept": (2, 2), "r_squared": (2, 2)},
}
"""The same for functions over the iterations of a loop."""

_MAX_LENGTH = 1000
_MAX_DEPTH = 40
_MAX_NODES = 300
_MAX_POWER = 4
_ARITIES = {**FUNCTIONS, **SERIES_FUNCTIONS}
_WRAPPED = re.compile(r"\$\{(.*)\}", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Constant:
    """A number with its unit, a text, `true` or `false`."""

    content: Value | str | Truth
    offset: int
    quantity: Quantity | None = None


@dataclass(frozen=True, slots=True)
class Name:
    """What is looked up when the expression is computed."""

    name: str
    offset: int


@dataclass(frozen=True, slots=True)
class Operation:
    """An operator or function; `operator` is its sign or name, or `negative`, `power2` ... `power4`."""

    operator: str
    operands: tuple[Node, ...]
    offset: int
    """Of the sign or name in the text."""


@dataclass(frozen=True, slots=True)
class Series:
    """A function over the iterations of a loop; its operands are computed once in each."""

    function: str
    operands: tuple[Node, ...]
    offset: int
    names: tuple[str, ...]
    """Those that the operands refer to."""


Node = Constant | Name | Operation | Series


@dataclass(frozen=True, slots=True)
class Expression:
    """A parsed expression. Names are (name, offset in `text`), in order of appearance."""

    text: str
    node: Node
    names: tuple[tuple[str, int], ...]
    """Those outside of functions over a loop."""
    series_names: tuple[tuple[str, int], ...] = ()
    """Those inside: they are looked up in each iteration first."""
    uses_series: bool = False
    """True where it holds a function over a loop."""


def unwrap(text: str) -> str | None:
    """The inside of `${...}`; None for any other text."""
    match = _WRAPPED.fullmatch(text.strip())
    return match[1].strip() if match else None


def parse_expression(text: str) -> Expression:
    """Read an expression (without `${}`). ExpressionError says what is wrong and where.

    A pure function of the text, so what was read is kept for the next time.
    """
    return _parsed(text)


@lru_cache(maxsize=4096)
def _parsed(text: str) -> Expression:
    if len(text) > _MAX_LENGTH:
        raise ExpressionError(
            "expression",
            f"an expression is at most {_MAX_LENGTH} characters",
            hint="compute parts of it under `derived`",
            offset=_MAX_LENGTH,
        )
    return _Parser(text).parse()


class _Parser:
    """Precedence climbing; each method reads one level of the grammar."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = list(tokens(text))
        self._at = 0
        self._depth = 0
        self._nodes = 0
        self._names: list[tuple[str, int]] = []
        self._series_names: list[tuple[str, int]] = []
        self._series = ""
        """The function over a loop whose operands are being read."""
        self._uses_series = False

    def parse(self) -> Expression:
        node = self._either()
        if (token := self._peek()) is not None:
            raise self._unexpected(token)
        return Expression(
            self._text, node, tuple(self._names), tuple(self._series_names), self._uses_series
        )

    def _peek(self) -> Token | None:
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def _take(self, *texts: str) -> Token | None:
        token = self._peek()
        if token is None or token.text not in texts:
            return None
        self._at += 1
        return token

    def _unexpected(self, token: Token | None) -> ExpressionError:
        if token is None:
            return ExpressionError(
                "expression",
                "the expression ends too early",
                hint="a value is missing at its end",
                offset=len(self._text),
            )
        before = next((item for item in self._tokens if item.end == token.offset), None)
        hint = "write an operator between two values"
        if token.text in COMPARISONS:
            hint = "join conditions with `and`"
        elif token.kind == "name" and before is not None and before.kind == "number":
            hint = f'for a unit, write a blank: "{before.text} {token.text}"; for a product, a *'
        return ExpressionError(
            "expression", f"{_quoted(token)} is not expected here", hint=hint, offset=token.offset
        )

    def _operation(self, operator: str, offset: int, *operands: Node) -> Operation:
        self._count_node(offset)
        return Operation(operator, operands, offset)

    def _count_node(self, offset: int) -> None:
        self._nodes += 1
        if self._nodes > _MAX_NODES:
            raise ExpressionError(
                "expression", f"more than {_MAX_NODES} operations",
                hint="compute parts of it under `derived`", offset=offset,
            )  # fmt: skip

    def _either(self) -> Node:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise ExpressionError(
                "expression",
                f"nested more than {_MAX_DEPTH} deep",
                hint="compute parts of it under `derived`",
                offset=self._tokens[self._at - 1].offset,
            )
        node = self._both()
        while sign := self._take("or"):
            node = self._operation("or", sign.offset, node, self._both())
        self._depth -= 1
        return node

    def _both(self) -> Node:
        node = self._negated()
        while sign := self._take("and"):
            node = self._operation("and", sign.offset, node, self._negated())
        return node

    def _negated(self) -> Node:
        signs: list[Token] = []
        while sign := self._take("not"):
            signs.append(sign)
        node = self._comparison()
        for sign in reversed(signs):
            node = self._operation("not", sign.offset, node)
        return node

    def _comparison(self) -> Node:
        left = self._sum()
        sign = self._take(*COMPARISONS)
        return self._operation(sign.text, sign.offset, left, self._sum()) if sign else left

    def _sum(self) -> Node:
        node = self._product()
        while sign := self._take("+", "-"):
            node = self._operation(sign.text, sign.offset, node, self._product())
        return node

    def _product(self) -> Node:
        node = self._signed()
        while sign := self._take("*", "/"):
            node = self._operation(sign.text, sign.offset, node, self._signed())
        return node

    def _signed(self) -> Node:
        signs: list[Token] = []
        while sign := self._take("-", "+"):
            signs.append(sign)
        node = self._raised()
        if sum(sign.text == "-" for sign in signs) % 2 == 0:
            return node
        # a signed number is one number: -5 degC is a temperature, not the negative of one
        if isinstance(node, Constant) and node.quantity is not None:
            negative = Quantity(-node.quantity.magnitude, node.quantity.unit)
            return Constant(Value.of(negative), node.offset, negative)
        return self._operation("negative", signs[0].offset, node)

    def _raised(self) -> Node:
        node = self._atom()
        if sign := self._take("**"):
            token = self._peek()
            plain = token and token.quantity and token.quantity.unit == DIMENSIONLESS
            if token is None or not plain or not re.fullmatch(rf"[1-{_MAX_POWER}]", token.text):
                raise ExpressionError(
                    "expression",
                    f"an exponent is a whole number from 1 to {_MAX_POWER}",
                    hint="write x ** 2; other powers are products",
                    offset=token.offset if token else len(self._text),
                )
            self._at += 1
            node = self._operation(f"power{token.text}", sign.offset, node)
        return node

    def _atom(self) -> Node:
        token = self._peek()
        if token is None or (token.kind == "name" and token.text in ("and", "or", "not")):
            raise self._unexpected(token)
        self._at += 1
        if token.quantity is not None:
            return Constant(Value.of(token.quantity), token.offset, token.quantity)
        if token.kind == "text":
            return Constant(token.text[1:-1], token.offset)
        if token.text == "(":
            node = self._either()
            self._close()
            return node
        if token.kind != "name":
            raise self._unexpected(token)
        if token.text in WORDS:
            return Constant(Truth.of(token.text == "true"), token.offset)
        if (follow := self._peek()) is not None and follow.text == "(":
            return self._call(token)
        (self._series_names if self._series else self._names).append((token.text, token.offset))
        return Name(token.text, token.offset)

    def _call(self, token: Token) -> Node:
        if token.text not in _ARITIES:
            near = difflib.get_close_matches(token.text, _ARITIES, n=1, cutoff=0.75)
            hint = f"did you mean {near[0]}?" if near else f"functions are {', '.join(_ARITIES)}"
            raise ExpressionError(
                "expression", f'there is no function "{token.text}"', hint=hint, offset=token.offset
            )
        if token.text in SERIES_FUNCTIONS:
            return self._series_call(token)
        return self._operation(token.text, token.offset, *self._operands(token))

    def _series_call(self, token: Token) -> Series:
        if self._series:
            raise ExpressionError(
                "series",
                f"{token.text} can't stand within {self._series}",
                hint="both look at all iterations of the loop; write them side by side",
                offset=token.offset,
            )
        self._series, self._uses_series = token.text, True
        before = len(self._series_names)
        operands = self._operands(token)
        self._series = ""
        self._count_node(token.offset)
        names = dict.fromkeys(name for name, _ in self._series_names[before:])
        return Series(token.text, tuple(operands), token.offset, tuple(names))

    def _operands(self, token: Token) -> list[Node]:
        """What stands in the brackets after a function's name."""
        self._at += 1
        operands = [self._either()]
        while self._take(","):
            operands.append(self._either())
        self._close()
        least, most = _ARITIES[token.text]
        if not least <= len(operands) <= most:
            amount = str(least) if least == most else f"{least} to {most}"
            plural = "" if most == 1 else "s"
            raise ExpressionError(
                "expression",
                f"{token.text} takes {amount} value{plural}, not {len(operands)}",
                hint=f"write {token.text}({', '.join('xyzabcde'[:least])})",
                offset=token.offset,
            )
        return operands

    def _close(self) -> None:
        if not self._take(")"):
            token = self._peek()
            if token is None:
                raise ExpressionError(
                    "expression",
                    "a closing bracket is missing",
                    hint="add )",
                    offset=len(self._text),
                )
            raise self._unexpected(token)


def _quoted(token: Token) -> str:
    return token.text if token.kind == "text" else f'"{token.text}"'
