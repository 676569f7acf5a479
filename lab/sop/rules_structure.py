"""Rules about the shape of the procedure: what needs what, loops that can't end, calls, what is never used."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lab.sop.diagnostics import did_you_mean
from lab.sop.expression import ExpressionError, parse_expression, unwrap
from lab.sop.model_steps import (
    CallBlock,
    ForEachBlock,
    ManualStep,
    RepeatBlock,
    Step,
)
from lab.sop.procedure import loop_value, topological_order
from lab.sop.rules_calls import check_call
from lab.sop.unfold import MAX_STEPS, TooManyStepsError, all_items, children, unfold
from lab.sop.value import CalculationError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pydantic import JsonValue

    from lab.sop.document import Document, Path
    from lab.sop.model import Sop
    from lab.sop.model_steps import Item
    from lab.sop.procedure import Procedure
    from lab.sop.rules import SopRules

__all__ = ["check_structure", "check_unused", "names_in"]

_NAME = re.compile(r"\b[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*")


def check_structure(rules: SopRules, called: Mapping[str, Procedure]) -> None:
    """Order and blocks; where these are sound, the procedure is written out flat for the rules that follow."""
    _check_lists(rules, rules.sop.procedure, ("procedure",))
    for path, item in all_items(rules.sop.procedure):
        if isinstance(item, Step | ManualStep):
            _check_failure(rules, path, item)
        elif isinstance(item, RepeatBlock):
            _check_repeat(rules, path, item)
        elif isinstance(item, ForEachBlock):
            _check_values(rules, path, item)
        elif isinstance(item, CallBlock):
            check_call(rules, path, item, called)
    if not rules.clean:
        return
    library: dict[str, tuple[Sop, Document]] = {}
    for path, procedure in called.items():
        library[path] = (procedure.sop, procedure.document)
    try:
        rules.take(unfold(rules.sop, rules.document, library))
    except TooManyStepsError as error:
        rules.report(
            error.place, "too-many-steps",
            f"written out, the procedure would have more than {MAX_STEPS} steps",
            why="each round of each loop is planned beforehand", hint="lower `max_iterations`, or split the procedure",
        )  # fmt: skip


def _check_lists(rules: SopRules, items: Sequence[Item], place: Path) -> None:
    known = [item.id for item in items]
    needs: dict[str, tuple[str, ...]] = {}
    previous: tuple[str, ...] = ()
    for index, item in enumerate(items):
        wanted = previous if item.needs is None else tuple(dict.fromkeys(item.needs))
        for position, name in enumerate(item.needs or ()):
            if name not in known:
                _report_need(rules, (*place, index, "needs", position), item.id, name, known)
        needs[item.id] = tuple(name for name in wanted if name in known)
        previous = (item.id,)
        for inside, inner in children(item):
            _check_lists(rules, inner, (*place, index, *inside))
    if len(needs) == len(items):
        _, stuck = topological_order(needs)
        if stuck:
            _report_cycle(rules, place, known, needs, stuck)


def _report_need(rules: SopRules, path: Path, item: str, name: str, known: Sequence[str]) -> None:
    elsewhere = any(other.id == name for _, other in all_items(rules.sop.procedure))
    if elsewhere:
        rules.report(
            path, "reference", f'step "{item}" needs "{name}", which is not in the same list of steps',
            why="an item can only wait for those beside it: a step in a branch or a loop may never be done",
            hint=f'let the block that holds "{item}" need what it must wait for',
        )  # fmt: skip
    else:
        rules.report(
            path, "reference", f'step "{item}" needs "{name}", which is not a step',
            hint=did_you_mean(name, known),
        )  # fmt: skip


def _report_cycle(
    rules: SopRules,
    place: Path,
    known: Sequence[str],
    needs: Mapping[str, tuple[str, ...]],
    stuck: Sequence[str],
) -> None:
    chain = [stuck[0]]
    while True:
        following = next(need for need in needs[chain[-1]] if need in stuck)
        if following in chain:
            cycle = [*chain[chain.index(following) :], following]
            break
        chain.append(following)
    rules.report(
        (*place, known.index(cycle[0]), "needs"),
        "cycle",
        "these steps wait for each other: " + " needs ".join(cycle),
        why="none of them could ever start",
        hint="remove one of these needs",
    )


def _check_failure(rules: SopRules, path: Path, step: Step | ManualStep) -> None:
    if step.on_error.then == "skip" and step.critical:
        rules.report(
            (*path, "on_error", "then"), "critical",
            f'step "{step.id}" may be skipped, but it is critical',
            why="without a critical step the data can't be used",
            hint="write `critical: false`, or let it abort or hold",
        )  # fmt: skip
    for index, check in enumerate(step.checks):
        if check.severity == "abort" and step.on_error.then == "skip":
            rules.report(
                (*path, "checks", index, "severity"), "critical",
                "a check that ends the run stands at a step that may be skipped",
                hint="use severity fail or warn here", severity="warning",
            )  # fmt: skip


def _check_repeat(rules: SopRules, path: Path, block: RepeatBlock) -> None:
    until, count = block.repeat.until, block.repeat.max_iterations
    if not until:
        if block.repeat.on_exhausted == "continue":
            rules.report(
                (*path, "repeat", "on_exhausted"), "loop", "without `until` all rounds are always done",
                hint="leave `on_exhausted` out", severity="warning",
            )  # fmt: skip
        return
    inside = {item.id for _, inner in children(block) for _, item in all_items(inner)}
    names = names_in(until)
    if names and not any(name.split(".")[0] in inside for name in names):
        rules.report(
            (*path, "repeat", "until"), "loop",
            f'the end of "{block.id}" does not depend on anything that its steps yield',
            why="the answer would be the same after every round: it ends at once or never",
            hint="compare an output of one of its own steps",
        )  # fmt: skip
    if count == 1:
        rules.report(
            (*path, "repeat", "max_iterations"), "loop", "a loop with one round repeats nothing",
            hint="give at least 2", severity="warning",
        )  # fmt: skip


def _check_values(rules: SopRules, path: Path, block: ForEachBlock) -> None:
    first = ""
    for index, raw in enumerate(block.for_each.values):
        here = (*path, "for_each", "in", index)
        try:
            value = loop_value(raw)
        except CalculationError as error:
            rules.report(here, error.code, error.message, hint=error.hint)
            continue
        kind = "a text" if isinstance(value, str) else value.words
        first = first or kind
        if kind != first:
            rules.report(
                here, "dimension", f'{raw} is {kind}, but the first value is {first}',
                hint="all values of a loop must measure the same",
            )  # fmt: skip


def names_in(text: str) -> list[str]:
    """Names in an expression, with or without `${}`; those that look like names where it can't be read."""
    inner = unwrap(text)
    try:
        expression = parse_expression(text if inner is None else inner)
    except ExpressionError:
        return _NAME.findall(text)
    return [name for name, _ in (*expression.names, *expression.series_names)]


def _texts(value: JsonValue) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for item in value.values() for text in _texts(item)]
    if isinstance(value, list):
        return [text for item in value for text in _texts(item)]
    return []


def _lent(rules: SopRules) -> set[str]:
    """Roles, containers and materials that called SOPs use, under their own names or mapped."""
    found: set[str] = set()
    for scope in {id(flat.scope): flat.scope for flat in rules.flat.steps}.values():
        if scope.outer is not None:
            found.update(map(scope.role, scope.sop.equipment))
            found.update(map(scope.container, scope.sop.containers))
            found.update(map(scope.material, scope.sop.materials))
    return found


def check_unused(rules: SopRules) -> None:
    """What is declared and never used is a slip, or was forgotten (warnings)."""
    sop = rules.sop
    content = sop.model_dump(
        by_alias=True, exclude={"parameters", "materials", "containers", "equipment"}
    )
    texts = [text for text in _texts(content) if text]
    used = {name for text in texts for name in (names_in(text) if "${" in text else [])}
    for _, item in all_items(sop.procedure):
        if isinstance(item, Step | ManualStep):
            used.update(name for check in item.checks for name in names_in(check.expect))
    heads = {
        part for name in used for part in (name.split(".")[0], name.removeprefix("parameters."))
    }
    mentioned = heads | set(texts) | {key for text in _keys(content) for key in (text,)}
    for role in sop.equipment.values():
        mentioned.update((role.at, role.into, *role.draws))
    mentioned |= _lent(rules)
    for name, item in sop.parameters.items():
        if name not in heads and item.role != "reported":
            rules.report(
                ("parameters", name), "unused", f'the parameter "{name}" changes nothing',
                why="an optimiser would vary it in vain",
                hint="use it in a step, set role: reported, or remove it", severity="warning", at_key=True,
            )  # fmt: skip
    for group in ("materials", "containers", "equipment"):
        for name in getattr(sop, group):
            if name not in mentioned:
                rules.report(
                    (group, name), "unused", f'"{name}" is declared and never used',
                    hint="use it, or remove it", severity="warning", at_key=True,
                )  # fmt: skip


def _keys(value: JsonValue) -> list[str]:
    if isinstance(value, dict):
        return [str(key) for key in value] + [k for item in value.values() for k in _keys(item)]
    if isinstance(value, list):
        return [key for item in value for key in _keys(item)]
    return []
