"""Rules for derived values, checks, results and the volume in each container."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.domain.quantity import Quantity
from lab.domain.units import DIMENSIONLESS
from lab.sop.diagnostics import did_you_mean
from lab.sop.expression import ExpressionError, evaluate, parse_expression, unwrap
from lab.sop.procedure import material_values, parameter_values, planned_names
from lab.sop.rules import at_words
from lab.sop.value import CalculationError, Truth, Value
from lab.sop.volumes import fill_levels, find_beyond, procedure_movements

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lab.domain.action import ActionSpec
    from lab.sop.document import Path
    from lab.sop.model import SafeStep
    from lab.sop.procedure import Box
    from lab.sop.rules import SopRules
    from lab.sop.volumes import Movement

__all__ = ["check_values", "check_volumes", "outputs_of"]


def outputs_of(rules: SopRules, step: SafeStep) -> dict[str, str]:
    """Output -> unit, by the contract of the step's action."""
    action = _action(rules, step)
    return {} if action is None else {name: item.unit for name, item in action.outputs.items()}


def _action(rules: SopRules, step: SafeStep) -> ActionSpec | None:
    role = rules.sop.equipment.get(step.equipment)
    capability = rules.capabilities.get(role.capability) if role else None
    return capability.actions.get(step.action) if capability else None


def check_values(rules: SopRules) -> None:
    """Derived values over the whole range; checks and results with representative numbers."""
    sop = rules.sop
    known: dict[str, Value | str] = {
        **parameter_values(rules.box), **material_values(sop)
    }  # fmt: skip
    known.update({f"parameters.{name}": known[name] for name in sop.parameters})
    for name, item in sop.derived.items():
        path: Path = ("derived", name, "value")
        text = unwrap(item.value)
        if text is None:
            rules.report(
                path, "expression", "an expression is due", hint=f"write ${{{item.value}}}"
            )
        result = None if text is None else _compute(rules, path, text, known, f'"{name}"')
        if isinstance(result, Truth | str):
            rules.report(
                path,
                "expression",
                f'"{name}" is a condition or a text, not a number',
                hint=f"give an expression for a value in {item.unit}",
            )
        elif result is not None:
            _fits(rules, path, result, item.unit, f'"{name}"')
        # what is wrong here is reported once, not again wherever the name is used
        known[name] = result if isinstance(result, Value) else _representative(0, item.unit)
    # one representative number each: outputs can't be bounded, and dimensions don't depend on it
    points = {name: _middle(value) for name, value in known.items()}
    _check_checks(rules, points)
    _check_results(rules, points)


def _middle(value: Value | str) -> Value | str:
    return value if isinstance(value, str) else Value(value.centre, value.dimension, value.scale)


def _compute(
    rules: SopRules,
    path: Path,
    text: str,
    names: Mapping[str, Value | str],
    what: str,
    *,
    representative: bool = False,
) -> Value | Truth | str | None:
    """The value, or None after a report. That `representative` numbers divide by zero is no finding."""
    try:
        expression = parse_expression(text)
        for name, _ in expression.names:
            if name not in names:
                visible = [item for item in names if not item.startswith("parameters.")]
                rules.report(
                    path,
                    "reference",
                    f'{what}: there is nothing called "{name}" here',
                    hint=did_you_mean(name, visible),
                )
                return None
        return evaluate(expression, names)
    except (ExpressionError, CalculationError) as error:
        if representative and error.code in ("division", "range"):
            return None
        rules.report(path, error.code, f"{what} {error.message}", hint=error.hint)
        return None


def _fits(rules: SopRules, path: Path, value: Value, unit_name: str, what: str) -> bool:
    try:
        value.bounds(unit_name)
    except CalculationError as error:
        rules.report(path, error.code, f"{what} {error.message}", hint=error.hint)
        return False
    return True


def _representative(index: int, unit_name: str) -> Value:
    return Value.of(Quantity(1.0 + 0.37 * index, unit_name or DIMENSIONLESS))


def _check_checks(rules: SopRules, points: Mapping[str, Value | str]) -> None:
    for number, step in enumerate(rules.sop.procedure):
        outputs = outputs_of(rules, step)
        names = dict(points)
        doubled = [name for name in outputs if name in points]
        for index, (output, unit_name) in enumerate(outputs.items()):
            value = _representative(index, unit_name)
            names[f"{step.id}.{output}"] = value
            if output not in doubled:
                names[output] = value
        for position, item in enumerate(step.checks):
            path: Path = ("procedure", number, "checks", position, "expect")
            text = unwrap(item.expect)
            text = item.expect if text is None else text
            unclear = next((name for name in _names(text) if name in doubled), None)
            if unclear is not None:
                rules.report(
                    path,
                    "name",
                    f'"{unclear}" is both a parameter and an output of this step',
                    hint=f"write {step.id}.{unclear} or parameters.{unclear}",
                )
                continue
            result = _compute(rules, path, text, names, "the check", representative=True)
            if isinstance(result, Value | str):
                rules.report(
                    path,
                    "expression",
                    "the check is not a condition",
                    hint="compare two values, e.g. mass > 1 g",
                )


def _names(text: str) -> list[str]:
    """Names in an expression; none where it can't be read (which is reported elsewhere)."""
    try:
        return [name for name, _ in parse_expression(text).names]
    except ExpressionError:
        return []


def _check_results(rules: SopRules, points: Mapping[str, Value | str]) -> None:
    names = dict(points)
    for step in rules.sop.procedure:
        for index, (output, unit_name) in enumerate(outputs_of(rules, step).items()):
            names[f"{step.id}.{output}"] = _representative(index, unit_name)
    step_outputs = {step.id: outputs_of(rules, step) for step in rules.sop.procedure}
    for name, item in rules.sop.results.items():
        path: Path = ("results", name)
        if bool(item.source) == bool(item.value):
            rules.report(
                path, "shape", f'"{name}" needs either `from` or `value`', at_key=True,
                hint="from: step.output, or value: ${expression}",
            )  # fmt: skip
        elif item.source:
            value = names.get(item.source)
            step, _, output = item.source.partition(".")
            if step not in step_outputs:
                rules.report(
                    (*path, "from"), "reference", f'"{step}" is not a step',
                    hint=did_you_mean(step, step_outputs),
                )  # fmt: skip
            elif isinstance(value, Value) and output in step_outputs[step]:
                _fits(rules, (*path, "unit"), value, item.unit, item.source)
            else:
                rules.report(
                    (*path, "from"), "reference", f'step "{step}" yields no "{output}"',
                    hint=did_you_mean(output, step_outputs[step]),
                )  # fmt: skip
        else:
            _check_computed(rules, path, name, names)


def _check_computed(
    rules: SopRules, path: Path, name: str, names: Mapping[str, Value | str]
) -> None:
    item = rules.sop.results[name]
    text = unwrap(item.value)
    if text is None:
        rules.report(
            (*path, "value"), "expression", "an expression is due", hint=f"write ${{{item.value}}}"
        )
        return
    result = _compute(rules, (*path, "value"), text, names, f'"{name}"', representative=True)
    if isinstance(result, Value):
        _fits(rules, (*path, "value"), result, item.unit, f'"{name}"')
    elif result is not None:
        rules.report(
            (*path, "value"),
            "expression",
            f'"{name}" is not a number',
            hint=f"give an expression for a value in {item.unit}",
        )


def check_volumes(rules: SopRules) -> None:
    """No container can be filled above its capacity, whatever the parameters are."""
    sop = rules.sop

    def level_after(container: str, step_id: str, box: Box) -> Value:
        moves = procedure_movements(sop, rules.capabilities, planned_names(sop, box))
        return dict(fill_levels(container, rules.needs, moves))[step_id]

    movements = procedure_movements(sop, rules.capabilities, planned_names(sop, rules.box))
    for name, container in sop.containers.items():
        for step_id, level in fill_levels(name, rules.needs, movements):
            if level.high <= container.capacity.base * (1 + 1e-9):
                continue
            witness = find_beyond(
                lambda box, name=name, step_id=step_id: level_after(name, step_id, box),
                rules.box,
                container.capacity.base,
                above=True,
            )
            if witness is None:
                continue
            index = [step.id for step in sop.procedure].index(step_id)
            step = sop.procedure[index]
            action = _action(rules, step)
            unit_name = container.capacity.unit
            amount = Quantity(Value(witness.value, level.dimension).number(unit_name), unit_name)
            rules.report(
                ("procedure", index, "with", action.doses if action else "volume"),
                "overfill",
                f'"{name}" would hold {amount}, but its capacity is {container.capacity}'
                f"{at_words(witness)}",
                why="the vessel runs over onto the device and the bench",
                hint="lower a maximum, empty it before, or use a larger container",
                severity="safety",
            )
            break
    _check_safe_pours(rules, movements)


def _check_safe_pours(rules: SopRules, movements: Sequence[Movement]) -> None:
    """What is poured to make a run safe must fit, too: alone in any case, and on top of what may be there."""
    sop = rules.sop
    safe = sop.safety.safe_state
    names = planned_names(sop, rules.box)
    index = {step.id: position for position, step in enumerate(safe)}
    for move in procedure_movements(sop, rules.capabilities, names, safe):
        container = sop.containers.get(move.target)
        if container is None:
            continue
        levels = fill_levels(move.target, rules.needs, movements)
        there = max((level.high for _, level in levels), default=0.0)
        limit = container.capacity.base * (1 + 1e-9)
        alone = move.volume.high > limit
        if not alone and there + move.volume.high <= limit:
            continue
        unit_name = container.capacity.unit
        amount = Quantity(move.volume.bounds(unit_name)[1], unit_name)
        on_top = "" if alone else " on top of what may be in it"
        rules.report(
            ("safety", "safe_state", index[move.step]),
            "overfill",
            f'this pours up to {amount} into "{move.target}"{on_top}, which holds {container.capacity}',
            why="a run ends badly with its vessels in any state",
            hint="empty the vessel first, or pour less",
            severity="safety" if alone else "warning",
        )
