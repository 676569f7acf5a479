"""A procedure with its parameters set: every argument and derived value a plain number. No lab yet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.domain.errors import InputError, RefusedError
from lab.domain.plan import Check, ResultSpec
from lab.domain.quantity import Quantity, QuantityError
from lab.domain.units import DIMENSIONLESS
from lab.sop.arguments import BadArgumentError, resolve
from lab.sop.diagnostics import did_you_mean
from lab.sop.expression import ExpressionError, parse_expression, unwrap
from lab.sop.procedure import WELL, material_values, planned_names
from lab.sop.value import CalculationError, Value
from lab.sop.volumes import Movement, fill_levels, movements_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import JsonValue

    from lab.domain.action import ActionSpec, ArgSpec, CapabilitySpec
    from lab.domain.diagnostic import Diagnostic, Severity
    from lab.sop.arguments import Resolved
    from lab.sop.document import Path
    from lab.sop.model import SafeStep
    from lab.sop.procedure import Box, Procedure

__all__ = ["Expanded", "ExpandedStep", "action_of", "expand"]

_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class ExpandedStep:
    """A step with numbers for arguments. Volumes of several stocks are still named by material."""

    step: SafeStep
    action: ActionSpec
    args: Mapping[str, JsonValue]
    safe_state: bool


@dataclass(frozen=True, slots=True)
class Expanded:
    """What a run does, whatever devices do it. Numbers are in the declared units."""

    parameters: Mapping[str, float]
    parameter_units: Mapping[str, str]
    values: Mapping[str, float]
    units: Mapping[str, str]
    """Unit of each of `values`."""
    steps: tuple[ExpandedStep, ...]
    movements: tuple[Movement, ...]


def action_of(
    procedure: Procedure, step: SafeStep, capabilities: Mapping[str, CapabilitySpec]
) -> ActionSpec:
    """The contract of a step's action."""
    capability = procedure.sop.equipment[step.equipment].capability
    return capabilities[capability].actions[step.action]


def expand(
    procedure: Procedure,
    factors: Mapping[str, float | Quantity],
    fixed: Mapping[str, float | Quantity],
    capabilities: Mapping[str, CapabilitySpec],
    well: str = "",
) -> Expanded:
    """Set the parameters and compute everything that follows from them.

    Plain numbers are in the parameter's declared unit. A parameter in neither mapping has its default.

    Raises
    ------
    InputError
        An unknown parameter, or one in a wrong unit.
    RefusedError
        A parameter outside the SOP's limits, a negative dose, a vessel that would run over.
    """
    bound = _bind_parameters(procedure, factors, fixed)
    box: Box = {name: (value, value) for name, value in bound.items()}
    sop = procedure.sop
    try:
        names = planned_names(sop, box, derived=True)
    except (ExpressionError, CalculationError) as error:
        raise InputError(f"a derived value {error.message}", hint=error.hint) from error
    derived = {name: names.pop(name) for name in sop.derived}
    del names[WELL]  # a SOP that uses the well needs a plate
    if well:
        names[WELL] = well
    parameters = {
        name: bound[name].to(item.unit).magnitude for name, item in sop.parameters.items()
    }
    units = {name: item.unit for name, item in sop.parameters.items()}
    values = dict(parameters)
    for name, item in sop.derived.items():
        value = derived[name]
        if isinstance(value, Value):
            values[name], units[name] = value.number(item.unit), item.unit
    for name, value in material_values(sop).items():
        material, _, key = name.partition(".")
        declared = (
            sop.materials[material].density
            if key == "density"
            else sop.materials[material].concentration
        )
        if declared is not None:
            values[name], units[name] = value.number(declared.unit), declared.unit
    steps, movements = _steps(procedure, names, capabilities)
    # When the safe-state steps run, nobody knows which of the others have: they have no place in the book of levels.
    booked = tuple(move for move in movements if move.step in procedure.needs)
    _refuse_overfill(procedure, booked, bound)
    return Expanded(
        parameters=parameters,
        parameter_units={name: item.unit for name, item in sop.parameters.items()},
        values=values,
        units=units,
        steps=steps,
        movements=movements,
    )


def _finding(
    procedure: Procedure,
    path: Path,
    code: str,
    message: str,
    hint: str,
    severity: Severity = "error",
) -> Diagnostic:
    return procedure.document.finding(path, code, message, hint=hint, severity=severity)


def _bind_parameters(
    procedure: Procedure,
    factors: Mapping[str, float | Quantity],
    fixed: Mapping[str, float | Quantity],
) -> dict[str, Quantity]:
    declared = procedure.sop.parameters
    given = {**fixed, **factors}
    for name in given:
        if name not in declared:
            raise InputError(
                f'"{name}" is not a parameter of {procedure.sop.id}',
                hint=did_you_mean(name, declared),
            )
    bound: dict[str, Quantity] = {}
    for name, item in declared.items():
        value = given.get(name, item.default)
        try:
            quantity = value if isinstance(value, Quantity) else Quantity(float(value), item.unit)
            quantity = quantity.to(item.unit)
        except QuantityError as error:
            raise InputError(f"{name}: {error.message}", hint=error.hint) from error
        low, high = item.minimum.to(item.unit), item.maximum.to(item.unit)
        slack = _ROUNDING * max(1.0, abs(low.magnitude), abs(high.magnitude))
        if not low.magnitude - slack <= quantity.magnitude <= high.magnitude + slack:
            raise RefusedError(
                f"{name} = {quantity} is outside the SOP's limits {low} to {high}",
                hint="choose a value within them, or have the SOP changed and approved",
                diagnostics=[
                    _finding(
                        procedure,
                        ("parameters", name),
                        "range",
                        f"{name} = {quantity} is outside {low} to {high}",
                        "choose a value within the limits",
                        "safety",
                    )
                ],
            )
        clamped = min(max(quantity.magnitude, low.magnitude), high.magnitude)
        bound[name] = Quantity(clamped, item.unit)
    return bound


def _steps(
    procedure: Procedure,
    names: Mapping[str, Value | str],
    capabilities: Mapping[str, CapabilitySpec],
) -> tuple[tuple[ExpandedStep, ...], tuple[Movement, ...]]:
    sop = procedure.sop
    by_id = {step.id: step for step in sop.procedure}
    main: list[tuple[Path, SafeStep]] = [
        (("procedure", sop.procedure.index(by_id[name])), by_id[name]) for name in procedure.order
    ]
    safe: list[tuple[Path, SafeStep]] = [
        (("safety", "safe_state", index), step) for index, step in enumerate(sop.safety.safe_state)
    ]
    steps: list[ExpandedStep] = []
    movements: list[Movement] = []
    for path, step in [*main, *safe]:
        action = action_of(procedure, step, capabilities)
        args: dict[str, JsonValue] = {}
        resolved: dict[str, Resolved] = {}
        for name, spec in action.args.items():
            if name not in step.arguments:
                if spec.default is not None:
                    args[name] = spec.default
                continue
            try:
                value = resolve(step.arguments[name], spec, names)
                args[name] = _plain(value, spec)
            except (BadArgumentError, CalculationError) as problem:
                place = (*path, "with", name)
                found = _finding(procedure, place, problem.code, problem.message, problem.hint)
                failure = RefusedError if problem.code in ("negative", "range") else InputError
                raise failure(
                    f'step "{step.id}", {name}: {problem.message}',
                    hint=problem.hint,
                    diagnostics=[found],
                ) from problem
            resolved[name] = value
        steps.append(ExpandedStep(step, action, args, safe_state=path[0] == "safety"))
        movements += movements_of(step.id, sop.equipment[step.equipment], action, resolved)
    return tuple(steps), tuple(movements)


def _plain(value: Value | str | int | dict[str, Value], spec: ArgSpec) -> JsonValue:
    """The number in the contract's unit, within the contract's limits."""
    if isinstance(value, dict):
        bounded = spec.model_copy(update={"minimum": 0.0})
        return {name: _number(item, bounded) for name, item in value.items()}
    if isinstance(value, Value):
        return _number(value, spec)
    if isinstance(value, int):
        return int(_within(float(value), spec))
    return value


def _number(value: Value, spec: ArgSpec) -> float:
    return _within(value.number(spec.unit or DIMENSIONLESS), spec)


def _within(number: float, spec: ArgSpec) -> float:
    """The number, put on a limit that it misses by rounding alone."""
    for limit, sign in ((spec.minimum, -1.0), (spec.maximum, 1.0)):
        if limit is None or sign * (number - limit) <= 0.0:
            continue
        if abs(number - limit) > _ROUNDING * max(1.0, abs(limit)):
            code = "negative" if sign < 0 and limit == 0 else "range"
            side = "above" if sign > 0 else "below"
            raise BadArgumentError(
                code,
                f"{number:.6g} {spec.unit} is {side} {limit:g} {spec.unit}",
                hint="choose other parameters",
            )
        number = limit
    return number


def _refuse_overfill(
    procedure: Procedure, movements: tuple[Movement, ...], bound: Mapping[str, Quantity]
) -> None:
    for name, container in procedure.sop.containers.items():
        for step, level in fill_levels(name, procedure.needs, movements):
            if level.high <= container.capacity.base * (1 + _ROUNDING):
                continue
            unit_name = container.capacity.unit
            amount = Quantity(level.number(unit_name), unit_name)
            message = f'"{name}" would hold {amount} after "{step}", but its capacity is {container.capacity}'
            chosen = ", ".join(f"{key} = {value}" for key, value in bound.items())
            index = [item.id for item in procedure.sop.procedure].index(step)
            raise RefusedError(
                message,
                hint=f"choose smaller volumes (here: {chosen})",
                diagnostics=[
                    _finding(
                        procedure, ("procedure", index), "overfill", message,
                        "choose smaller volumes", "safety",
                    )
                ],
            )  # fmt: skip


def checks_of(
    expanded: Expanded, step: ExpandedStep, texts: Mapping[str, str]
) -> tuple[Check, ...]:
    """The step's checks, with the unit of each name. `texts`: expression -> message."""
    outputs = {name: spec.unit for name, spec in step.action.outputs.items()}
    outputs.update({f"{step.step.id}.{name}": unit_name for name, unit_name in outputs.items()})
    checks: list[Check] = []
    for text, message in texts.items():
        inner = unwrap(text)
        expression = text if inner is None else inner
        units = _units_of(expression, expanded, outputs)
        checks.append(Check(expression=expression, message=message, units=units))
    return tuple(checks)


def results_of(procedure: Procedure, expanded: Expanded) -> tuple[ResultSpec, ...]:
    """The SOP's results, with the unit of each name that they use."""
    outputs = {
        f"{item.step.id}.{name}": spec.unit
        for item in expanded.steps
        if not item.safe_state
        for name, spec in item.action.outputs.items()
    }
    found: list[ResultSpec] = []
    for name, item in procedure.sop.results.items():
        if item.source:
            units = {item.source: outputs[item.source]}
            found.append(ResultSpec(name=name, source=item.source, unit=item.unit, units=units))
        else:
            expression = unwrap(item.value) or item.value
            units = _units_of(expression, expanded, outputs)
            found.append(ResultSpec(name=name, unit=item.unit, expression=expression, units=units))
    return tuple(found)


def _units_of(expression: str, expanded: Expanded, outputs: Mapping[str, str]) -> dict[str, str]:
    units: dict[str, str] = {}
    for name, _ in parse_expression(expression).names:
        value_name = name.removeprefix("parameters.")
        if value_name in expanded.units:
            units[name] = expanded.units[value_name]
        else:
            units[name] = outputs[name]
    return units
