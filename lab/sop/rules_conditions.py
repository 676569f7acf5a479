"""Rules about conditions: which way they can come out, and the texts that they compare with."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

from lab.sop.diagnostics import did_you_mean
from lab.sop.expression import ExpressionError, evaluate, parse_expression
from lab.sop.grammar_walk import compared_texts
from lab.sop.model_steps import BranchBlock, ManualStep, RepeatBlock
from lab.sop.rules_structure import names_in
from lab.sop.value import CalculationError, Truth

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lab.sop.document import Path
    from lab.sop.procedure import Names
    from lab.sop.rules import SopRules
    from lab.sop.unfold import Scope

__all__ = ["check_outcome", "texts_are_possible"]

_MAX_WORLDS = 64
"""Combinations of choices that are tried for one condition."""


def check_outcome(
    rules: SopRules, block: RepeatBlock | BranchBlock, path: Path, text: str, scope: Scope
) -> None:
    """A condition that can only come out one way: a dead branch, or a loop that never ends."""
    answers: set[bool] = set()
    for names in _worlds(rules, scope, names_in(text)):
        try:
            result = evaluate(parse_expression(text), names)
        except (ExpressionError, CalculationError):
            return
        if not isinstance(result, Truth):
            return
        answers |= {True} if result.may_hold else set()
        answers |= {False} if result.may_fail else set()
    if len(answers) != 1:
        return
    always = "holds" if True in answers else "fails"
    if isinstance(block, RepeatBlock):
        outcome = "after its first round" if True in answers else "only when no round is left"
        rules.report(
            path, "loop", f"the condition always {always}: the loop ends {outcome}",
            why="whatever the parameters are, and whatever is measured inside its limits",
            hint="correct the condition, or the limits under `outputs`", severity="warning",
        )  # fmt: skip
    elif always == "fails" or block.branch.otherwise:
        dead = "else" if True in answers else "then"
        rules.report(
            path, "unreachable",
            f"the condition always {always}: the steps under `{dead}` can never be done",
            why="whatever the parameters are, and whatever is measured inside its limits",
            hint="correct the condition, or remove these steps", severity="warning",
        )  # fmt: skip


def _worlds(rules: SopRules, scope: Scope, wanted: list[str]) -> Iterator[Names]:
    """Everything that the names may be: ranges of numbers, and each combination of the choices.

    Nothing where that is not known (a free text, an output without limits).
    """
    planned = rules.planned(scope)
    try:
        names = rules.references.with_outputs(planned, wanted, scope, rules.box, bounded=True)
    except CalculationError:
        return
    options = [
        (name, option)
        for name, option in scope.sop.options.items()
        if {name, f"parameters.{name}"} & set(wanted) and option.role != "reported"
    ]
    texts = [name for name in wanted if isinstance(names.get(name), str)]
    chosen = {key for name, _ in options for key in (name, f"parameters.{name}")}
    if any(name not in chosen for name in texts) or any(o.type == "text" for _, o in options):
        return
    settings: list[list[str | Truth]] = [
        [*option.choices] if option.type == "choice" else [Truth(True, True)]
        for _, option in options
    ]
    if math.prod(len(values) for values in settings) > _MAX_WORLDS:
        return
    for combination in itertools.product(*settings):
        world = dict(names)
        for (name, _), value in zip(options, combination, strict=True):
            world[name] = world[f"parameters.{name}"] = value
        yield world


def texts_are_possible(rules: SopRules, path: Path, text: str, scope: Scope, names: Names) -> bool:
    """Is a choice compared only with texts that it can be? Reports the first that it can't."""
    try:
        pairs = compared_texts(parse_expression(text).node)
    except ExpressionError:
        return True
    for name, literal in pairs:
        choices = _choices(rules, name, scope, names)
        if choices and literal not in choices:
            rules.report(
                path, "value", f'"{name}" is never "{literal}"', hint=did_you_mean(literal, choices),
            )  # fmt: skip
            return False
    return True


def _choices(rules: SopRules, name: str, scope: Scope, names: Names) -> list[str]:
    option = scope.sop.options.get(name.removeprefix("parameters."))
    if option is not None and option.type == "choice":
        return option.choices
    reference = rules.references.find(name, scope) if name in names else None
    step = reference.steps[0].step if reference is not None else None
    if reference is not None and isinstance(step, ManualStep):
        return step.manual.expects[reference.output].choices
    return []
