"""The numbered procedure of a handbook page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.sop.expression import unwrap
from lab.sop.markdown import blank, bullet, code, escaped, table
from lab.sop.model_steps import (
    BranchBlock,
    CallBlock,
    ForEachBlock,
    ManualStep,
    ParallelBlock,
    RepeatBlock,
    Stage,
    Step,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lab.sop.model_steps import Answer, Argument, Call, Item, SafeStep, Work

__all__ = ["listed", "procedure_lines", "safe_step_lines", "signature"]

_THEN = {
    "abort": "the run ends in its safe state",
    "skip": "it goes on without this step",
    "hold": "a person decides",
}
_SEVERITY = {
    "warn": "the sample is flagged",
    "fail": "the step has failed",
    "abort": "the run ends at once",
}
_RESUME = {
    "restart_step": "After an interruption it is done again.",
    "scrap_sample": "After an interruption the sample is given up.",
}
_DEEPEST_HEADING = 6


def listed(*parts: tuple[str, object]) -> str:
    """`at least 1 mL, at most 2 mL`, of those that are given."""
    given = [(word, value) for word, value in parts if value not in (None, "")]
    return ", ".join(f"{word} {value}".strip() for word, value in given)


def signature(who: str) -> str:
    """A line for a name and a date."""
    return f"{who}: {blank()} Date: {blank(14)}"


def procedure_lines(items: Sequence[Item], number: str = "", depth: int = 3) -> list[str]:
    """The steps with headings `1`, `2`, `2.1` ..."""
    lines: list[str] = []
    for index, item in enumerate(items, start=1):
        lines += _item(item, f"{number}{index}", depth)
    return lines


def safe_step_lines(step: SafeStep, depth: int = 0) -> list[str]:
    """A step that makes a run safe, or undoes another, in one line."""
    said = _arguments(step.arguments)
    empties = ", until its source is empty" if step.empties else ""
    return [
        bullet(
            f"{escaped(step.title)}: {code(step.equipment)} does {code(step.action)}{f', {said}' if said else ''}"
            f"{empties}; about {step.duration}.",
            depth,
        )
    ]


def _item(item: Item, number: str, depth: int) -> list[str]:
    title = getattr(item, "title", "") or item.id
    marks = "#" * min(depth, _DEEPEST_HEADING)
    lines = [f"{marks} {number} {escaped(title)} ({code(item.id)})", ""]
    if item.needs is not None:
        after = ", ".join(code(name) for name in item.needs)
        lines += [f"After {after}." if after else "May start at once.", ""]
    match item:
        case Step():
            return [*lines, *_step(item)]
        case ManualStep():
            return [*lines, *_manual(item)]
        case CallBlock():
            return [*lines, *_call(item.call)]
        case Stage():
            return [*lines, *procedure_lines(item.stage, f"{number}.", depth + 1)]
        case ParallelBlock():
            lines += ["These may be done at the same time:", ""]
            for index, branch in enumerate(item.parallel):
                letter = chr(ord("a") + index) if index < 26 else f"-{index + 1}-"
                lines += procedure_lines(branch, f"{number}{letter}.", depth + 1)
            return [*lines, f"Go on from {number} when all of them are done.", ""]
        case RepeatBlock():
            lines += [*_repeat(item), ""]
            return [*lines, *procedure_lines(item.repeat.steps, f"{number}.", depth + 1)]
        case ForEachBlock():
            loop = item.for_each
            values = ", ".join(escaped(str(value)) for value in loop.values)
            lines += [f"For {code(loop.name)} = {values}, one after another:", ""]
            return [*lines, *procedure_lines(loop.steps, f"{number}.", depth + 1)]
        case BranchBlock():
            return [*lines, *_branch(item, number, depth)]


def _repeat(item: RepeatBlock) -> list[str]:
    loop = item.repeat
    if not loop.until:
        return [f"Do this {loop.max_iterations} times:"]
    otherwise = {"fail": "the run has failed", "continue": "the run goes on"}[loop.on_exhausted]
    return [
        f"Repeat until {_condition(loop.until)}, at most {loop.max_iterations} times (if it never holds, {otherwise}):"
    ]


def _branch(item: BranchBlock, number: str, depth: int) -> list[str]:
    branch = item.branch
    lines = [f"**If {_condition(branch.when)}:**", ""]
    lines += procedure_lines(branch.then, f"{number}y.", depth + 1)
    lines += ["**Otherwise:**", ""]
    if not branch.otherwise:
        return [*lines, "Nothing.", ""]
    return [*lines, *procedure_lines(branch.otherwise, f"{number}n.", depth + 1)]


def _call(call: Call) -> list[str]:
    lines = [bullet(f"Do as in {escaped(call.sop)}, version {escaped(call.version)}.")]
    if call.arguments:
        lines.append(bullet(f"With {_arguments(call.arguments)}."))
    for word, names in (
        ("equipment", call.equipment),
        ("container", call.containers),
        ("material", call.materials),
    ):
        for inner, own in names.items():
            lines.append(bullet(f"Its {word} {code(inner)} is {code(own)} here."))
    return [*lines, bullet(f"sop\\_sha256 {code(call.sha256)}"), ""]


def _step(step: Step) -> list[str]:
    said = _arguments(step.arguments)
    extra = listed(("ramp", step.ramp), ("tolerance", step.tolerance))
    with_what = "; ".join(filter(None, (said, extra)))
    empties = ", until its source is empty" if step.empties else ""
    lines = [escaped(step.instruction), ""] if step.instruction else []
    done = f"{code(step.equipment)} does {code(step.action)}{f': {with_what}' if with_what else ''}"
    lines.append(bullet(f"{done}{empties}."))
    lines += _common(step)
    if step.settle is not None:
        lines.append(bullet(f"Then let it rest for {step.settle}."))
    if step.resume in _RESUME:
        lines.append(bullet(_RESUME[step.resume]))
    return [*lines, bullet(f"☐ done {blank(10)}"), ""]


def _manual(step: ManualStep) -> list[str]:
    manual = step.manual
    lines = [f"**By hand:** {escaped(manual.prompt)}", ""]
    lines += [escaped(step.instruction), ""] if step.instruction else []
    rows = [_answer(name, answer) for name, answer in manual.expects.items()]
    lines += table(("Field", "Question", "Answer"), rows)
    if step.at:
        lines.append(bullet(f"At {code(step.at)}."))
        if step.empties:
            lines.append(bullet(f"{code(step.at)} is left empty and dry."))
    lines += _common(step)
    if manual.sign != "none":
        lines.append(bullet(signature("Done by")))
    if manual.sign == "witness":
        lines.append(bullet(signature("Seen by")))
    return [*lines, ""]


def _answer(name: str, answer: Answer) -> tuple[str, ...]:
    bounds = listed(("at least", answer.minimum), ("at most", answer.maximum))
    optional = "" if answer.required else "may be left out"
    note = escaped("; ".join(filter(None, (answer.prompt, bounds, optional))))
    if answer.type == "yes_no":
        space = "☐ yes ☐ no"
    elif answer.type == "choice":
        space = " ".join(f"☐ {escaped(choice)}" for choice in answer.choices)
    else:
        space = f"{blank(16)} {escaped(answer.unit)}".rstrip()
    return code(name), note, space


def _common(step: Work) -> list[str]:
    """Times, limits, checks and what follows a failure."""
    lines = [bullet(f"Takes about {step.duration}; after {step.timeout} the outcome is asked for.")]
    for name, output in step.outputs.items():
        bounds = listed(
            ("at least", output.minimum),
            ("at most", output.maximum),
            ("standard uncertainty", output.uncertainty),
        )
        note = f" ({escaped(output.description)})" if output.description else ""
        lines.append(
            bullet(f"Yields {code(name)}{note}{f': {escaped(bounds)}' if bounds else ''}.")
        )
    for check in step.checks:
        lines.append(
            bullet(
                f"Must hold: {_condition(check.expect)}; else {_SEVERITY[check.severity]}: {escaped(check.message)}"
            )
        )
    lines += _on_error(step)
    if not step.critical:
        lines.append(bullet("The data are usable without this step."))
    return lines


def _on_error(step: Work) -> list[str]:
    rule = step.on_error
    again = ""
    if rule.retry:
        times = "once" if rule.retry == 1 else f"up to {rule.retry} times"
        pause = f", after {rule.delay} each" if rule.delay is not None else ""
        again = f"try again {times}{pause}; then "
    lines: list[str] = []
    if again or rule.then != "abort" or rule.compensate:
        lines.append(bullet(f"If it fails without effect: {again}{_THEN[rule.then]}."))
    if rule.compensate:
        lines.append(bullet("Where it has failed, undo it:"))
        lines += [line for undo in rule.compensate for line in safe_step_lines(undo, 1)]
    return lines


def _arguments(arguments: Mapping[str, Argument]) -> str:
    said: list[str] = []
    for name, value in arguments.items():
        if isinstance(value, dict):
            inner = ", ".join(f"{escaped(key)} {_value(part)}" for key, part in value.items())
            said.append(f"{_words(name)}: {inner}")
        else:
            said.append(f"{_words(name)} {_value(value)}")
    return "; ".join(said)


def _words(name: str) -> str:
    return escaped(name.replace("_", " "))


def _value(value: str | int | float) -> str:
    inside = unwrap(value) if isinstance(value, str) else None
    return escaped(str(value)) if inside is None else code(inside)


def _condition(expression: str) -> str:
    inside = unwrap(expression)
    return code(expression if inside is None else inside)
