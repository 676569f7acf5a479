"""What a campaign says of its search space: steps, constraints, mixtures of few, factors alike in a batch.

Here each is checked on its own, with the SOP's units and ranges. Whether they can hold together is a question for
the optimiser's solver, which stands on a higher floor.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.domain.quantity import Quantity
from lab.domain.units import UnitError, unit
from lab.sop.check_factors import chosen_choices
from lab.sop.choosing import answer_over
from lab.sop.diagnostics import did_you_mean
from lab.sop.document import Position
from lab.sop.expression import ExpressionError, parse_expression
from lab.sop.grammar_walk import compared_texts
from lab.sop.value import Truth, Value

if TYPE_CHECKING:
    from lab.domain.diagnostic import Diagnostic
    from lab.sop.campaign_model import Campaign
    from lab.sop.document import Document, Path
    from lab.sop.procedure import Box, Procedure
    from lab.sop.value import Computed

__all__ = [
    "constraint_texts",
    "names_over",
    "over_factors",
    "place_inside",
    "space_findings",
    "step_of",
]


def step_of(step: Quantity, unit_name: str) -> float:
    """A step as a plain number in the factor's unit; of a temperature it's a difference.

    Raises UnitError where it measures something else.
    """
    own, target = step.definition, unit(unit_name)
    if own.dimension != target.dimension or own.scale == "point":
        hint = "delta_degC" if target.scale == "point" else unit_name
        raise UnitError(f"{step} is no step of a factor in {unit_name}", f"give it in {hint}")
    return float(f"{step.magnitude * own.factor / target.factor:.12g}")


def constraint_texts(campaign: Campaign, procedure: Procedure) -> tuple[str, ...]:
    """The constraints over factors alone: what the campaign holds fixed is written out as a value."""
    return tuple(over_factors(text, campaign, procedure) for text in campaign.constraints)


def over_factors(text: str, campaign: Campaign, procedure: Procedure) -> str:
    """An expression with values in place of all names that are no factors. ExpressionError where it is none."""
    quantities = procedure.sop.quantities
    for name, offset in sorted(parse_expression(text).names, key=lambda item: -item[1]):
        if name in campaign.factors:
            continue
        if name in procedure.sop.options:
            shown = f"'{campaign.fixed.get(name, procedure.sop.options[name].default)}'"
        else:
            value = campaign.fixed.get(name, quantities[name].default)
            if not isinstance(value, Quantity):  # of the wrong kind, which is reported
                value = quantities[name].default
            shown = f"({value.magnitude!r} {value.unit})"
        text = text[:offset] + shown + text[offset + len(name) :]
    return text


def space_findings(
    campaign: Campaign, document: Document, procedure: Procedure, box: Box
) -> list[Diagnostic]:
    """Findings about the space; `box`: the ranges that the campaign explores."""
    found: list[Diagnostic] = []
    for name, chosen in campaign.factors.items():
        if chosen.step is not None and name in box:
            found += _step(document, ("factors", name, "step"), chosen.step, name, box)
    for index, text in enumerate(campaign.constraints):
        found += _constraint(campaign, document, ("constraints", index), text, procedure, box)
    for index, rule in enumerate(campaign.at_most):
        for place, name in enumerate(rule.factors):
            path: Path = ("at_most", index, "factors", place)
            found += _factor(campaign, document, path, name)
            if name in procedure.sop.options:
                found.append(
                    document.finding(
                        path, "factor", f'"{name}" is a choice: there is no amount of it to leave out',
                        hint="let the SOP have an amount for each component, and list those",
                    )
                )  # fmt: skip
            if name in campaign.factors and name in box and box[name][0].base != 0.0:
                found.append(
                    document.finding(
                        path, "range", f'"{name}" can\'t be left out: its minimum is {box[name][0]}',
                        hint="let it begin at 0, or take it off this list",
                    )
                )  # fmt: skip
        if rule.most >= len(set(rule.factors)):
            found.append(
                document.finding(
                    ("at_most", index, "most"), "range",
                    f"at most {rule.most} of {len(set(rule.factors))} leaves nothing out",
                    hint="name each factor once, and allow fewer than all",
                )
            )  # fmt: skip
    for index, name in enumerate(campaign.alike):
        found += _factor(campaign, document, ("alike", index), name)
    return found


def _factor(campaign: Campaign, document: Document, path: Path, name: str) -> list[Diagnostic]:
    if name in campaign.factors:
        return []
    return [
        document.finding(
            path, "reference", f'"{name}" is not a factor of this campaign',
            hint=did_you_mean(name, campaign.factors),
        )
    ]  # fmt: skip


def _step(document: Document, path: Path, step: Quantity, name: str, box: Box) -> list[Diagnostic]:
    low, high = box[name]
    try:
        size = step_of(step, low.unit)
    except UnitError as error:
        return [document.finding(path, "dimension", str(error), hint=error.hint)]
    span = high.magnitude - low.magnitude
    if 0 < size <= span * (1 + 1e-9):
        return []
    return [
        document.finding(
            path, "range", f"a step of {step} does not fit between {low} and {high}",
            hint="give a step above 0 that fits into the range at least once",
        )
    ]  # fmt: skip


def names_over(campaign: Campaign, procedure: Procedure, box: Box) -> dict[str, Computed]:
    """What expressions about trials may name: quantities as anything in their ranges, the rest as this campaign has it."""
    names: dict[str, Computed] = {
        name: Value.between(name, low, high) for name, (low, high) in box.items()
    }
    for name, item in procedure.sop.options.items():
        value = campaign.fixed.get(name, item.default)
        names[name] = Truth.of(value) if isinstance(value, bool) else str(value)
    return {
        **{name: tried[0] for name, tried in chosen_choices(campaign, procedure.sop).items()},
        **names,
    }


def _constraint(
    campaign: Campaign,
    document: Document,
    path: Path,
    text: str,
    procedure: Procedure,
    box: Box,
) -> list[Diagnostic]:
    names = names_over(campaign, procedure, box)
    choices = chosen_choices(campaign, procedure.sop)
    try:
        expression = parse_expression(text)
        answer = answer_over(expression, names, choices)
        if not isinstance(answer, Truth):
            raise ExpressionError(
                "constraint",
                "this is a value, and a constraint is a comparison",
                hint="write for example red_volume + blue_volume <= 1 mL",
            )
        if not any(name in campaign.factors for name, _ in expression.names):
            raise ExpressionError(
                "constraint",
                "this names no factor, so the optimiser can do nothing about it",
                hint=f"the factors are: {', '.join(campaign.factors)}",
            )
        for name, literal in compared_texts(expression.node):
            if name in choices and literal not in choices[name]:
                raise ExpressionError(
                    "value",
                    f'"{name}" is never "{literal}"',
                    hint=did_you_mean(literal, choices[name]),
                    offset=max(0, text.find(literal)),
                )
    except ExpressionError as error:
        where = place_inside(document, path, text, error.offset)
        return [document.at(where, error.code, error.message, hint=error.hint)]
    if not answer.may_hold:
        return [
            document.finding(
                path, "constraint", "nothing in the factors' ranges keeps this constraint",
                hint="loosen it, or widen a range",
            )
        ]  # fmt: skip
    if not answer.may_fail:
        return [
            document.finding(
                path, "constraint", "everything in the factors' ranges keeps this constraint",
                hint="remove it, or see whether it says what was meant", severity="warning",
            )
        ]  # fmt: skip
    return []


def place_inside(document: Document, path: Path, text: str, offset: int) -> Position:
    """The place of a character of a text that stands on one line, with or without quotes."""
    start = document.position(path)
    lines = document.text.split("\n")
    line = lines[start.line - 1] if start.line <= len(lines) else ""
    for skipped in (0, 1):
        if line[start.column - 1 + skipped :].startswith(text):
            return Position(start.line, start.column + skipped + offset)
    return start
