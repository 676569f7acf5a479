"""Rules about calls of other SOPs: the one that was pinned, and inside the limits that it was checked for."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from lab.domain.quantity import Quantity
from lab.sop.diagnostics import did_you_mean
from lab.sop.expression import ExpressionError
from lab.sop.model import Option
from lab.sop.procedure import planned_names
from lab.sop.rules import at_words
from lab.sop.search import find_beyond
from lab.sop.value import CalculationError, Value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lab.sop.document import Path
    from lab.sop.model import Parameter
    from lab.sop.model_steps import CallBlock
    from lab.sop.procedure import Box, Procedure
    from lab.sop.rules import SopRules
    from lab.sop.unfold import FlatCall

__all__ = ["check_call", "check_calls"]


def check_calls(rules: SopRules) -> None:
    """What is handed to a called SOP lies inside the limits that it was checked for."""
    seen: set[tuple[object, ...]] = set()
    for flat in rules.flat.calls:
        key = (flat.scope.prefix, flat.block.id, *flat.scope.values.items())
        if key not in seen:
            seen.add(key)
            for name in flat.block.call.arguments:
                _check_argument(rules, flat, name)


def _check_argument(rules: SopRules, flat: FlatCall, name: str) -> None:
    item = flat.inner.sop.parameters[name]
    place = rules.place(flat.scope, flat.place)
    path = (*place, "call", "with", name) if flat.scope.outer is None else place
    if item.role == "reported":
        rules.report(
            path, "reference", f'"{name}" has the role reported: its value stays as it is', at_key=True,
            hint="remove it here",
        )  # fmt: skip
        return
    try:
        value = rules.planned(flat.inner)[name]
    except (ExpressionError, CalculationError) as error:
        rules.report(path, error.code, error.message, hint=error.hint)
        return
    if isinstance(item, Option):
        if item.type == "choice" and value not in item.choices:
            rules.report(
                path, "value", f'"{flat.block.call.arguments[name]}" is not one of the choices of "{name}"',
                hint=did_you_mean(str(value), item.choices),
            )  # fmt: skip
    elif isinstance(value, Value):
        _check_limits(rules, flat, path, name, item)


def _check_limits(rules: SopRules, flat: FlatCall, path: Path, name: str, item: Parameter) -> None:
    def compute(box: Box) -> Value:
        value = planned_names(flat.inner, box)[name]
        assert isinstance(value, Value)
        return value

    for limit, above in ((item.minimum, False), (item.maximum, True)):
        witness = find_beyond(compute, rules.box, limit.base, above=above)
        if witness is not None:
            own = Value(witness.value, limit.definition.dimension, limit.definition.scale)
            shown = Quantity(own.number(limit.unit), limit.unit)
            rules.report(
                path, "range",
                f'"{name}" becomes {shown}, {"above" if above else "below"} {limit}, the limit of '
                f'"{flat.block.call.sop}"{at_words(witness)}',
                why="the called procedure was checked inside its limits only",
                hint="narrow the parameters here, or change the expression",
            )  # fmt: skip
            return


def check_call(
    rules: SopRules, path: Path, block: CallBlock, called: Mapping[str, Procedure]
) -> None:
    """A call is of the procedure that was pinned, and everything that it uses has a counterpart here."""
    call = block.call
    inner = called.get(call.sop)
    if inner is None:
        rules.report(
            (*path, "call", "sop"),
            "call",
            f'"{call.sop}" was not read',
            hint="correct that file first",
        )
        return
    if inner.version != call.version:
        rules.report(
            (*path, "call", "version"), "version",
            f'"{call.sop}" has version {inner.version}, but this call was written for {call.version}',
            why="another version may mean other limits or other steps",
            hint=f'see what changed with `lab diff`, then write "{inner.version}" and its new sha256',
        )  # fmt: skip
    elif inner.sha256 != call.sha256:
        rules.report(
            (*path, "call", "sha256"), "hash",
            f'"{call.sop}" is not the procedure that was pinned here',
            why="it has changed without a new version",
            hint=f"read it again; if it is what you mean, write sha256: {inner.sha256}",
        )  # fmt: skip
    for name in call.arguments:
        if name not in inner.sop.parameters:
            rules.report(
                (*path, "call", "with", name), "reference", f'"{call.sop}" has no parameter "{name}"',
                hint=did_you_mean(name, inner.sop.parameters), at_key=True,
            )  # fmt: skip
    for key, given, theirs, ours in (
        ("equipment", call.equipment, inner.sop.equipment, rules.sop.equipment),
        ("containers", call.containers, inner.sop.containers, rules.sop.containers),
        ("materials", call.materials, inner.sop.materials, rules.sop.materials),
    ):
        for name, own in given.items():
            if name not in theirs:
                rules.report(
                    (*path, "call", key, name), "reference", f'"{call.sop}" has no "{name}" in {key}',
                    hint=did_you_mean(name, theirs), at_key=True,
                )  # fmt: skip
            if own not in ours:
                rules.report(
                    (*path, "call", key, name), "reference", f'there is no "{own}" in {key} here',
                    hint=did_you_mean(own, ours),
                )  # fmt: skip
        meant = [m for name in given for m in difflib.get_close_matches(name, theirs, n=1)]
        for name in theirs:
            if name not in given and name not in ours and name not in meant:
                rules.report(
                    (*path, "call"), "reference",
                    f'"{call.sop}" uses "{name}" ({key}), and nothing here goes by that name',
                    hint=f"add `{key}: {{{name}: ...}}` to the call", at_key=True,
                )  # fmt: skip
    _check_fit(rules, path, block, inner)


def _check_fit(rules: SopRules, path: Path, block: CallBlock, inner: Procedure) -> None:
    call = block.call
    for name, theirs in inner.sop.equipment.items():
        ours = rules.sop.equipment.get(call.equipment.get(name, name))
        if ours is not None and ours.capability != theirs.capability:
            rules.report(
                (*path, "call", "equipment"), "capability",
                f'"{name}" of "{call.sop}" needs {theirs.capability}, but the role here is {ours.capability}',
                hint="name a role with that capability",
            )  # fmt: skip
    for name, theirs in inner.sop.containers.items():
        ours = rules.sop.containers.get(call.containers.get(name, name))
        if ours is not None and ours.capacity.base < theirs.capacity.base * (1 - 1e-9):
            rules.report(
                (*path, "call", "containers"), "range",
                f'"{name}" of "{call.sop}" must hold {theirs.capacity}, but the container here holds {ours.capacity}',
                hint="name a larger container",
            )  # fmt: skip
