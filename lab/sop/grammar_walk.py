"""Looks for things in the tree of an expression."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.sop.grammar import Constant, Name, Operation, Series
from lab.sop.tokens import tokens

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lab.sop.grammar import Expression, Node

__all__ = ["compared_texts", "series_apart", "series_calls"]


def _walk(node: Node) -> Iterator[Node]:
    yield node
    if isinstance(node, Operation | Series):
        for operand in node.operands:
            yield from _walk(operand)


def series_calls(node: Node) -> list[Series]:
    """Every function over the rounds of a loop."""
    return [item for item in _walk(node) if isinstance(item, Series)]


def series_apart(expression: Expression) -> tuple[str, dict[str, str]]:
    """The expression with a name in place of each function over a loop, and what each of these names stands for.

    `mean(a.x) - mean(b.x)` becomes `mean_1 - mean_2`. What is written twice has one name, so that it counts as one.
    """
    text, done = "", 0
    taken = {name for name, _ in (*expression.names, *expression.series_names)}
    known: dict[str, str] = {}
    for call in sorted(series_calls(expression.node), key=lambda call: call.offset):
        end = _end_of_call(expression.text, call.offset)
        part = expression.text[call.offset : end]
        if part not in known:
            name = f"{call.function}_{len(known) + 1}"
            while name in taken:
                name += "_"
            known[part] = name
        text += expression.text[done : call.offset] + known[part]
        done = end
    return text + expression.text[done:], {name: part for part, name in known.items()}


def _end_of_call(text: str, start: int) -> int:
    """Where the brackets of the function that begins at `start` are closed."""
    depth = 0
    for token in tokens(text):
        if token.offset >= start and token.kind == "operator":
            depth += {"(": 1, ")": -1}.get(token.text, 0)
            if depth == 0:
                return token.end
    return len(text)


def compared_texts(node: Node) -> list[tuple[str, str]]:
    """(name, text) wherever a name is compared with a text."""
    found: list[tuple[str, str]] = []
    for item in _walk(node):
        if isinstance(item, Operation) and item.operator in ("==", "!="):
            for one, other in (item.operands, item.operands[::-1]):
                constant = other.content if isinstance(other, Constant) else None
                if isinstance(one, Name) and isinstance(constant, str):
                    found.append((one.name, constant))
    return found
