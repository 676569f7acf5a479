"""A checked SOP, and the names that its expressions may use."""

from __future__ import annotations

import heapq
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lab.domain.ids import sha256_text
from lab.domain.quantity import Quantity, QuantityError, parse_quantity
from lab.domain.units import DIMENSIONLESS
from lab.sop.expression import ExpressionError, evaluate, parse_expression, unwrap
from lab.sop.model import Option, Parameter
from lab.sop.vague import explained
from lab.sop.value import CalculationError, Truth, Value

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lab.domain.plan import Guard
    from lab.sop.document import Document
    from lab.sop.model import Sop
    from lab.sop.model_steps import LoopValue
    from lab.sop.unfold import FlatStep, Scope, Unfolded

__all__ = [
    "WELL",
    "Box",
    "Names",
    "Procedure",
    "Setting",
    "ancestors",
    "full_box",
    "implied_guards",
    "loop_value",
    "planned_names",
    "sop_sha256",
    "topological_order",
]

WELL = "well"
"""Reserved name: the well of a plate that the run got."""

Box = dict[str, tuple[Quantity, Quantity]]
"""Parameter (or `path.output` of a step whose output has limits) -> least and greatest value."""

Setting = str | bool
"""Value of a parameter that is a choice, a text or yes/no."""

Names = dict[str, Value | str | Truth]
"""What an expression may use."""


@dataclass(frozen=True, slots=True)
class Procedure:
    """A SOP whose every reference, unit and range has been checked, written out flat."""

    sop: Sop
    sha256: str
    document: Document
    flat: Unfolded
    called: Mapping[str, Procedure] = field(default_factory=dict[str, "Procedure"])
    """Path as written in `call` -> that procedure."""

    @property
    def id(self) -> str:
        return self.sop.id

    @property
    def version(self) -> str:
        return self.sop.version

    @property
    def steps(self) -> Sequence[FlatStep]:
        """The main steps, each after those it needs."""
        return self.flat.steps


def sop_sha256(sop: Sop) -> str:
    """Hash over canonical JSON of the parsed model: comments, spacing and defaults written out do not change it."""
    content = sop.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return sha256_text(
        json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    )


def topological_order(
    needs: Mapping[str, Sequence[str]],
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(steps in an order that can be done, steps that never become ready)."""
    left = {name: len(set(before)) for name, before in needs.items()}
    after: dict[str, list[str]] = {name: [] for name in needs}
    for name, before in needs.items():
        for need in set(before):
            after.setdefault(need, []).append(name)
    place = {name: index for index, name in enumerate(needs)}
    ready = [place[name] for name, count in left.items() if not count]
    heapq.heapify(ready)
    names, order = list(needs), list[str]()
    while ready:
        name = names[heapq.heappop(ready)]
        order.append(name)
        del left[name]
        for following in after[name]:
            left[following] -= 1
            if not left[following]:
                heapq.heappush(ready, place[following])
    return tuple(order), tuple(left)


def ancestors(
    needs: Mapping[str, Sequence[str]], order: Sequence[str]
) -> dict[str, frozenset[str]]:
    """Step -> all steps that are certainly done before it starts."""
    found: dict[str, frozenset[str]] = {}
    for name in order:
        direct = needs[name]
        found[name] = frozenset(direct).union(*(found[before] for before in direct))
    return found


def implied_guards(
    when: Sequence[Guard], decisions: Mapping[str, Sequence[Guard]]
) -> dict[str, bool]:
    """All decisions that have been taken, and how, where these guards hold. `decisions`: decision -> its guards."""
    found: dict[str, bool] = {}
    waiting = list(when)
    while waiting:
        guard = waiting.pop()
        if guard.decision not in found:
            found[guard.decision] = guard.value
            waiting += decisions.get(guard.decision, ())
    return found


def full_box(sop: Sop) -> Box:
    """The whole range of each quantity among the parameters (of `reported` ones, the default alone)."""
    return {
        name: (item.default, item.default)
        if item.role == "reported"
        else (item.minimum, item.maximum)
        for name, item in sop.quantities.items()
    }


def loop_value(raw: LoopValue) -> Value | str:
    """A value of `for_each`: a quantity, a plain number, or else a text."""
    if not isinstance(raw, str):
        return Value.of(Quantity(float(raw), DIMENSIONLESS))
    try:
        return Value.of(parse_quantity(raw))
    except QuantityError as error:
        if raw[:1].isdigit():
            raise CalculationError(error.code, error.message, error.hint) from error
        return raw


def planned_names(
    scope: Scope,
    box: Mapping[str, tuple[Quantity, Quantity]],
    settings: Mapping[str, Setting] | None = None,
) -> Names:
    """What is known before a run: parameters, materials, derived values, values of loops, the well.

    `box` and `settings` are those of the outermost SOP; of a called one, the parameters follow from its call. A derived
    value that can't be computed is left out. The well is A1: which one it is changes no unit and no range.

    ExpressionError or CalculationError where a parameter of a call can't be computed.
    """
    names = _parameters(scope, box, settings or {})
    names[WELL] = "A1"
    names.update({f"parameters.{name}": value for name, value in names.items() if name != WELL})
    names.update(_materials(scope))
    for name, item in scope.sop.derived.items():
        try:
            names[name] = _number(item.value, names, item.unit)
        except (ExpressionError, CalculationError):
            continue
    for name, raw in scope.values.items():
        names[name] = loop_value(raw)
    return names


def _parameters(
    scope: Scope, box: Mapping[str, tuple[Quantity, Quantity]], settings: Mapping[str, Setting]
) -> Names:
    names: Names = {}
    outer = planned_names(scope.outer, box, settings) if scope.outer is not None else {}
    given = scope.call.arguments if scope.call is not None else {}
    for name, item in scope.sop.parameters.items():
        if name in given:
            names[name] = _argument(given[name], item, outer)
        elif isinstance(item, Option):
            value = item.default if scope.outer else settings.get(name, item.default)
            names[name] = value if isinstance(value, str) else Truth(value, not value)
        elif scope.outer is None and name in box:
            names[name] = Value.between(name, *box[name])
        else:
            names[name] = Value.of(item.default)
    return names


def _argument(
    raw: str | int | float, item: Parameter | Option, outer: Names
) -> Value | str | Truth:
    """A parameter of a called SOP, computed with the names of the calling one."""
    text = unwrap(raw) if isinstance(raw, str) else None
    if isinstance(item, Option):
        if text is None:
            if isinstance(raw, bool):
                return Truth(raw, not raw)
            return str(raw)
        return evaluate(parse_expression(text), outer)
    return _number(str(raw), outer, item.unit)


def _number(raw: str, names: Names, unit_name: str) -> Value:
    text = unwrap(raw)
    try:
        value = (
            Value.of(parse_quantity(raw, unit_name))
            if text is None
            else evaluate(parse_expression(text), names)
        )
    except QuantityError as error:
        told = explained(error, raw)
        raise CalculationError(told.code, told.message, told.hint) from error
    if not isinstance(value, Value):
        hint = f"give an expression for a value in {unit_name}"
        raise CalculationError("expression", f"{raw} is not a number", hint)
    value.bounds(unit_name)
    return value


def _materials(scope: Scope) -> Names:
    """`material.density` and `material.concentration`, where given (of the outermost SOP's material)."""
    outermost = scope
    while outermost.outer is not None:
        outermost = outermost.outer
    values: Names = {}
    for name, own in scope.sop.materials.items():
        material = outermost.sop.materials.get(scope.material(name), own)
        if material.density is not None:
            values[f"{name}.density"] = Value.of(material.density)
        if material.concentration is not None:
            values[f"{name}.concentration"] = Value.of(material.concentration)
    return values
