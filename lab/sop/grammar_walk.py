"""Looks for things in the tree of an expression."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.sop.grammar import Constant, Name, Operation, Series

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lab.sop.grammar import Node

__all__ = ["compared_texts", "series_calls"]


def _walk(node: Node) -> Iterator[Node]:
    yield node
    if isinstance(node, Operation | Series):
        for operand in node.operands:
            yield from _walk(operand)


def series_calls(node: Node) -> list[Series]:
    """Every function over the rounds of a loop."""
    return [item for item in _walk(node) if isinstance(item, Series)]


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
