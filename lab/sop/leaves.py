"""A part of an SOP as single values with names, for comparing two versions of it."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, cast

from pydantic import BaseModel

from lab.domain.quantity import Quantity, QuantityError, parse_quantity
from lab.sop.expression import ExpressionError, parse_expression, unwrap

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

__all__ = ["Leaf", "Leaves", "leaves", "same", "shown"]

Leaf = Quantity | str | int | float | bool | tuple[str, ...]
"""A quantity, a text (also of an expression), a number, yes/no, or a list of texts."""

Leaves = dict[str, Leaf]
"""Words that say which value it is (`check 1 expect`) -> value."""

_UNSAID = ("with", "examples")
"""Keys that say nothing to a reader: `with volume` is the argument `volume`."""
_NAMED_BY = ("id", "signal", "from", "version", "name")
_EXPRESSIONS = ("expect", "until", "when", "value", "measured")


def leaves(model: BaseModel, without: Collection[str] = ()) -> Leaves:
    """Every value of a part of a file that is not left out; `without` names fields of the model itself."""
    return {" ".join(words): value for words, value in _walk(model, (), without)}


def same(name: str, one: Leaf, other: Leaf) -> bool:
    """Do two values mean the same? 1 mL is 1000 uL, and blanks in an expression mean nothing."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, int | float) and isinstance(other, int | float):
        return one == other
    if isinstance(one, Quantity) and isinstance(other, Quantity):
        return _equal(one, other)
    if isinstance(one, str) and isinstance(other, str):
        return one == other or _meaning(name, one) == _meaning(name, other)
    return one == other


def shown(value: Leaf) -> str:
    """For people: numbers with their unit, lists with commas, long texts cut."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = ", ".join(value) or "none" if isinstance(value, tuple) else str(value)
    text = " ".join(text.split())
    return text if len(text) <= 90 else f"{text[:87]}..."


def _walk(
    node: object, words: tuple[str, ...], without: Collection[str] = ()
) -> Iterator[tuple[tuple[str, ...], Leaf]]:
    if node is None or node == "":
        return
    if isinstance(node, Quantity | str | int | float):
        yield words, node
    elif isinstance(node, BaseModel):
        for name, information in type(node).model_fields.items():
            if name not in without:
                label = (information.alias or name).replace("_", " ")
                said = () if label in _UNSAID else (label,)
                yield from _walk(getattr(node, name), (*words, *said))
    elif isinstance(node, dict):
        for key, value in cast("dict[str, object]", node).items():
            yield from _walk(value, (*words, key))
    elif isinstance(node, list):
        yield from _list(cast("list[object]", node), words)


def _list(items: list[object], words: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Leaf]]:
    """A list of plain values is one value; parts of a list are told apart by their name, else by their number."""
    if not any(isinstance(item, BaseModel) for item in items):
        yield words, tuple(str(item) for item in items)
        return
    for number, item in enumerate(items, start=1):
        yield from _walk(item, (*_singular(words), _name(item) or str(number)))


def _singular(words: tuple[str, ...]) -> tuple[str, ...]:
    return (*words[:-1], words[-1].removesuffix("s")) if words else words


def _name(item: object) -> str:
    if not isinstance(item, BaseModel):
        return ""
    by_alias = {
        info.alias or field: getattr(item, field) for field, info in type(item).model_fields.items()
    }
    return next((str(by_alias[key]) for key in _NAMED_BY if by_alias.get(key)), "")


def _equal(one: Quantity, other: Quantity) -> bool:
    if not one.is_like(other.unit):
        return False
    return math.isclose(one.to(other.unit).magnitude, other.magnitude, rel_tol=1e-12)


def _meaning(name: str, text: str) -> object:
    """A quantity or an expression in a form in which equal ones are equal; else the text without doubled blanks."""
    inside = unwrap(text)
    if inside is None and name.rsplit(" ", maxsplit=1)[-1] in _EXPRESSIONS:
        inside = text
    if inside is not None:
        try:
            return ("expression", _canonical(parse_expression(inside).node))
        except ExpressionError:
            return text
    try:
        return _canonical(parse_quantity(text))
    except QuantityError:
        return " ".join(text.split())


def _canonical(node: object) -> object:
    """The tree of an expression with all quantities in SI base units."""
    if isinstance(node, Quantity):
        own = node.definition
        # 25 degC is 298.15 K, but 298.15 delta_degC is something else
        return (float(f"{node.base:.12g}"), str(own.dimension), own.scale == "difference")
    if isinstance(node, tuple):
        return tuple(_canonical(part) for part in cast("tuple[object, ...]", node))
    if dataclasses.is_dataclass(node) and not isinstance(node, type):
        # where something stands in the text is no part of its meaning
        parts = [f.name for f in dataclasses.fields(node) if f.name not in ("offset", "text")]
        return (type(node).__name__, *(_canonical(getattr(node, part)) for part in parts))
    return float(f"{node:.12g}") if isinstance(node, float) else node
