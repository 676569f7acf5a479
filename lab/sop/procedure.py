"""A checked SOP, and the names that its expressions may use."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.domain.ids import sha256_text
from lab.domain.quantity import Quantity
from lab.sop.expression import evaluate, parse_expression, unwrap
from lab.sop.value import CalculationError, Value

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lab.sop.document import Document
    from lab.sop.model import Sop, Step

__all__ = [
    "WELL",
    "Box",
    "Procedure",
    "ancestors",
    "full_box",
    "material_values",
    "parameter_values",
    "planned_names",
    "resolved_needs",
    "sop_sha256",
    "topological_order",
]

WELL = "well"
"""Reserved name: the well of a plate that the run got."""

Box = dict[str, tuple[Quantity, Quantity]]
"""Parameter -> least and greatest value."""


@dataclass(frozen=True, slots=True)
class Procedure:
    """A SOP whose every reference, unit and range has been checked."""

    sop: Sop
    sha256: str
    document: Document
    needs: Mapping[str, tuple[str, ...]]
    """Step -> steps that must be done first."""
    order: tuple[str, ...]
    """All steps, each after those it needs, else as written."""

    @property
    def id(self) -> str:
        return self.sop.id

    @property
    def version(self) -> str:
        return self.sop.version

    def step(self, name: str) -> Step:
        """The step of that id; KeyError where there is none."""
        for step in self.sop.procedure:
            if step.id == name:
                return step
        raise KeyError(name)


def sop_sha256(sop: Sop) -> str:
    """Hash over canonical JSON of the parsed model: comments and spacing do not change it."""
    content = sop.model_dump(mode="json", by_alias=True)
    return sha256_text(
        json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    )


def resolved_needs(sop: Sop) -> dict[str, tuple[str, ...]]:
    """A step without `needs` needs the step before it; `needs: []` starts at once."""
    needs: dict[str, tuple[str, ...]] = {}
    previous: tuple[str, ...] = ()
    for step in sop.procedure:
        needs[step.id] = previous if step.needs is None else tuple(dict.fromkeys(step.needs))
        previous = (step.id,)
    return needs


def topological_order(
    needs: Mapping[str, Sequence[str]],
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(steps in an order that can be done, steps that never become ready)."""
    waiting = {name: set(before) for name, before in needs.items()}
    order: list[str] = []
    while ready := next((name for name, before in waiting.items() if not before), None):
        order.append(ready)
        del waiting[ready]
        for before in waiting.values():
            before.discard(ready)
    return tuple(order), tuple(waiting)


def ancestors(
    needs: Mapping[str, Sequence[str]], order: Sequence[str]
) -> dict[str, frozenset[str]]:
    """Step -> all steps that are certainly done before it starts."""
    found: dict[str, frozenset[str]] = {}
    for name in order:
        direct = needs[name]
        found[name] = frozenset(direct).union(*(found[before] for before in direct))
    return found


def full_box(sop: Sop) -> Box:
    """The whole range of each parameter (of `reported` ones, the default alone)."""
    return {
        name: (item.default, item.default)
        if item.role == "reported"
        else (item.minimum, item.maximum)
        for name, item in sop.parameters.items()
    }


def parameter_values(box: Mapping[str, tuple[Quantity, Quantity]]) -> dict[str, Value]:
    """Parameters as ranges (as numbers where both ends are the same)."""
    return {name: Value.between(name, low, high) for name, (low, high) in box.items()}


def material_values(sop: Sop) -> dict[str, Value]:
    """`material.density` and `material.concentration`, where given."""
    values: dict[str, Value] = {}
    for name, material in sop.materials.items():
        if material.density is not None:
            values[f"{name}.density"] = Value.of(material.density)
        if material.concentration is not None:
            values[f"{name}.concentration"] = Value.of(material.concentration)
    return values


def planned_names(
    sop: Sop, box: Mapping[str, tuple[Quantity, Quantity]], *, derived: bool = False
) -> dict[str, Value | str]:
    """What arguments may use: parameters, materials and the well; with `derived`, those values too.

    The well is A1 here: which one it is changes no unit and no range.

    ExpressionError or CalculationError where a derived value can't be computed.
    """
    values = parameter_values(box)
    names: dict[str, Value | str] = {WELL: "A1", **values, **material_values(sop)}
    names.update({f"parameters.{name}": value for name, value in values.items()})
    if derived:
        for name, item in sop.derived.items():
            inner = unwrap(item.value)
            result = evaluate(parse_expression(inner if inner is not None else item.value), names)
            if not isinstance(result, Value):
                raise CalculationError("expression", f'"{name}" is not a number')
            result.bounds(item.unit)
            names[name] = result
    return names
