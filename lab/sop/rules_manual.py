"""Rules about what people are asked: the answers that are expected, and those for runs without hardware."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.domain.quantity import Quantity, QuantityError, parse_quantity
from lab.domain.units import DIMENSIONLESS
from lab.sop.diagnostics import did_you_mean

if TYPE_CHECKING:
    from lab.sop.document import Path
    from lab.sop.model_steps import Answer, ManualStep
    from lab.sop.rules import SopRules

__all__ = ["check_manual"]


def check_manual(rules: SopRules, path: Path, step: ManualStep) -> None:
    """A step that a person does."""
    if step.at and step.at not in rules.sop.containers:
        rules.report(
            (*path, "at"), "reference", f'there is no container "{step.at}"',
            hint=did_you_mean(step.at, rules.sop.containers),
        )  # fmt: skip
    if step.empties and not step.at:
        rules.report(
            (*path, "empties"), "shape", "this does not say which container the person empties", at_key=True,
            hint="add `at` with the name of the container",
        )  # fmt: skip
    for name, answer in step.manual.expects.items():
        _check_answer(rules, (*path, "manual", "expects", name), name, answer)
    strangers = [name for name in step.manual.simulate if name not in step.manual.expects]
    for name in strangers:
        rules.report(
            (*path, "manual", "simulate", name), "reference", f'"{name}" is not asked for',
            hint=did_you_mean(name, step.manual.expects), at_key=True,
        )  # fmt: skip
    for name, answer in step.manual.expects.items():
        if name in step.manual.simulate:
            here = (*path, "manual", "simulate", name)
            _check_simulated(rules, here, name, answer, step.manual.simulate[name])
        elif answer.required and not strangers:
            rules.report(
                (*path, "manual"), "simulate", f'a run without hardware has no answer for "{name}"',
                why="a simulated run would fail here", hint=f"add `simulate: {{{name}: ...}}`",
                severity="note", at_key=True,
            )  # fmt: skip


def _check_answer(rules: SopRules, path: Path, name: str, answer: Answer) -> None:
    if answer.type == "choice" and not answer.choices:
        rules.report(
            path, "shape", f'"{name}" is a choice without `choices`', at_key=True,
            hint="add `choices: [...]`",
        )  # fmt: skip
    elif answer.type != "choice" and answer.choices:
        rules.report(
            (*path, "choices"), "shape", f'"{name}" has choices, but its type is {answer.type}', at_key=True,
            hint="write `type: choice`, or remove the choices",
        )  # fmt: skip
    number = answer.type in ("quantity", "integer")
    fine = True
    for key in ("minimum", "maximum"):
        limit = getattr(answer, key)
        if limit is None:
            continue
        if not number:
            fine = False
            rules.report(
                (*path, key), "shape", f'"{name}" has a {key}, but its type is {answer.type}', at_key=True,
                hint="write `type: quantity`, or remove it",
            )  # fmt: skip
        elif not limit.is_like(answer.unit or DIMENSIONLESS):
            fine = False
            rules.report(
                (*path, key), "dimension", f'{limit} is {limit.words}, but "{name}" is in {answer.unit or "numbers"}',
                hint=f"give it in {answer.unit or 'numbers'}",
            )  # fmt: skip
    low, high = answer.minimum, answer.maximum
    if fine and low is not None and high is not None and low.base > high.base:
        rules.report(
            (*path, "maximum"), "range", f"the maximum {high} is below the minimum {low}", hint="swap them",
        )  # fmt: skip


def _check_simulated(
    rules: SopRules, path: Path, name: str, answer: Answer, given: str | float | bool
) -> None:
    """An answer for runs without hardware is one that a person could give."""
    if answer.type == "choice" and answer.choices and given not in answer.choices:
        rules.report(
            path, "value", f'"{given}" is not one of the choices of "{name}"',
            hint=did_you_mean(str(given), answer.choices),
        )  # fmt: skip
    elif (answer.type == "yes_no") != isinstance(given, bool):
        due = "true or false" if answer.type == "yes_no" else "no true or false"
        rules.report(
            path, "value", f'"{str(given).lower()}" stands where {due} is due', hint=f"give {due}",
        )  # fmt: skip
    elif answer.type in ("quantity", "integer"):
        _check_number(rules, path, answer, given)


def _check_number(rules: SopRules, path: Path, answer: Answer, given: str | float) -> None:
    unit = answer.unit or DIMENSIONLESS
    try:
        value = parse_quantity(given, unit) if isinstance(given, str) else Quantity(given, unit)
    except QuantityError as error:
        rules.report(path, error.code, error.message, why=error.why, hint=error.hint)
        return
    for limit, above in ((answer.minimum, False), (answer.maximum, True)):
        if limit is not None and limit.is_like(unit):
            beyond = value.base - limit.base if above else limit.base - value.base
            if beyond > 1e-9 * max(abs(value.base), abs(limit.base)):
                rules.report(
                    path, "range", f"{value} is {'above' if above else 'below'} {limit}, which a person may not answer",
                    hint="give an answer inside the limits",
                )  # fmt: skip
