"""A procedure with its parameters set: every argument and derived value a plain number or a bound formula. No lab yet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.domain.errors import InputError, RefusedError
from lab.plan.decide import planned_decision, prune
from lab.plan.outcomes import limits_of, quality_of, results_of
from lab.plan.parameters import bind_parameters
from lab.plan.steps import StepPlanner
from lab.plan.windows import rests, timing_windows
from lab.sop.contents import levels_for
from lab.sop.expression import ExpressionError, evaluate, parse_expression, unwrap
from lab.sop.formulas import Formulas
from lab.sop.planned import Planned
from lab.sop.references import References
from lab.sop.unfold import Scope
from lab.sop.value import CalculationError, Value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import JsonValue

    from lab.domain.action import CapabilitySpec
    from lab.domain.plan import Decision, Limit, QualityCheck, ResultSpec, TimeWindow
    from lab.domain.quantity import Quantity
    from lab.plan.decide import Pruned
    from lab.plan.parameters import Given, Parameters
    from lab.plan.steps import ExpandedStep
    from lab.sop.procedure import Procedure
    from lab.sop.unfold import Unfolded

__all__ = ["Expanded", "expand", "refuse_bad_volumes"]


@dataclass(frozen=True, slots=True)
class Expanded:
    """What a run does, whatever devices do it. Numbers are in the declared units."""

    parameters: Mapping[str, JsonValue]
    parameter_units: Mapping[str, str]
    values: Mapping[str, float]
    steps: tuple[ExpandedStep, ...]
    decisions: tuple[Decision, ...]
    timing: tuple[TimeWindow, ...]
    limits: tuple[Limit, ...]
    """Their `device` is the role."""
    quality: tuple[QualityCheck, ...]
    results: tuple[ResultSpec, ...]


def expand(
    procedure: Procedure,
    factors: Mapping[str, float | str | Quantity],
    fixed: Mapping[str, Given],
    capabilities: Mapping[str, CapabilitySpec],
    well: str = "",
) -> Expanded:
    """Set the parameters, take the decisions that follow from them, and compute everything else that does.

    Plain numbers are in the parameter's declared unit. A parameter in neither mapping has its default.

    Raises
    ------
    InputError
        An unknown parameter, or one of a wrong kind or unit.
    RefusedError
        A parameter outside the SOP's limits, a negative dose, a vessel that would run over, a loop that can't end.
    """
    bound = bind_parameters(procedure, factors, fixed)
    top = Scope(procedure.sop, procedure.document)
    planned = Planned(bound.box, bound.settings, well)
    references = References(procedure.flat, capabilities)
    values, units = _values(top, planned, bound)
    pruned = _pruned(procedure, Formulas(references, planned))
    kept = frozenset(step.path for step in pruned.steps)
    formulas = Formulas(references, planned, kept)
    planner = StepPlanner(procedure, capabilities, formulas, pruned)
    steps = [planner.plan(step) for step in pruned.steps]
    safe = [
        planner.plan(step)
        for step in procedure.flat.safe
        if not step.compensates or step.compensates in kept
    ]
    refuse_bad_volumes(procedure, pruned.flat(procedure.flat), bound, capabilities, references)
    prefixes = {step.scope.prefix for step in pruned.steps}
    calls = [call.inner for call in procedure.flat.calls if _is_called(call.inner, prefixes)]
    scopes = [top, *calls]
    return Expanded(
        parameters={
            **{name: value.magnitude for name, value in bound.quantities.items()},
            **bound.settings,
        },
        parameter_units=units,
        values=values,
        steps=(*steps, *safe),
        decisions=tuple(planned_decision(item, pruned, formulas) for item in pruned.open),
        timing=(
            *timing_windows(scopes, pruned.steps),
            *rests([(item.flat, item.planned) for item in steps]),
        ),
        limits=limits_of(scopes, capabilities, top),
        quality=quality_of(scopes, formulas),
        results=results_of(top, formulas),
    )


def _is_called(inner: Scope, prefixes: set[str]) -> bool:
    """Is anything of that call in the plan?"""
    return any(prefix.startswith(inner.prefix) for prefix in prefixes)


def _pruned(procedure: Procedure, formulas: Formulas) -> Pruned:
    try:
        pruned = prune(procedure.flat, formulas)
    except (ExpressionError, CalculationError) as error:
        raise InputError(f"a condition: {error.message}", hint=error.hint) from error
    for decision in pruned.hopeless:
        if pruned.when(decision.when):
            pruned.open.append(decision)  # it matters only where the run comes to it
            continue
        block = decision.block
        message = f'"{block.title or block.id}" can never reach its end with these parameters'
        finding = decision.scope.document.finding(
            decision.place, "range", message, hint="choose other parameters", severity="safety"
        )
        raise RefusedError(message, hint="choose other parameters", diagnostics=[finding])
    return pruned


def _values(
    top: Scope, planned: Planned, bound: Parameters
) -> tuple[dict[str, float], dict[str, str]]:
    """(number of each parameter, derived value and material, in declared units; units of the parameters)."""
    try:
        names = planned.names(top)
    except (ExpressionError, CalculationError) as error:
        raise InputError(error.message, hint=error.hint) from error
    for name, item in top.sop.derived.items():
        if name not in names:
            raise InputError(f'the derived value "{name}": {_why_not(item.value, names)}')
    values = {name: value.magnitude for name, value in bound.quantities.items()}
    units = {name: value.unit for name, value in bound.quantities.items()}
    materials = [name for name in names if "." in name and not name.startswith("parameters.")]
    for name in [*top.sop.derived, *materials]:
        value = names[name]
        if isinstance(value, Value):
            values[name] = value.number(planned.unit(name, top))
    return values, units


def _why_not(text: str, names: Mapping[str, object]) -> str:
    inner = unwrap(text)
    try:
        evaluate(parse_expression(text if inner is None else inner), names)  # pyright: ignore[reportArgumentType]
    except (ExpressionError, CalculationError) as error:
        return error.message
    return "it can't be computed in its unit"


def refuse_bad_volumes(
    procedure: Procedure,
    flat: Unfolded,
    bound: Parameters,
    capabilities: Mapping[str, CapabilitySpec],
    references: References,
) -> None:
    """RefusedError where a vessel would run over, or be drawn from when it holds too little."""
    found = levels_for(flat, procedure.sop, capabilities, bound.box, bound.settings, references)
    blocking = [item for item in (each.diagnostic for each in found) if item.blocking]
    if blocking:
        here = f" (here: {bound.words})" if bound.words else ""
        raise RefusedError(
            blocking[0].message,
            hint=(blocking[0].hint or "choose smaller volumes") + here,
            diagnostics=blocking,
        )
