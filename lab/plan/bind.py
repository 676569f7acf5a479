"""Binding: which station is the container, which stock the material, which device plays the role."""

from __future__ import annotations

import math
from itertools import islice
from typing import TYPE_CHECKING, TypeAlias

from lab.domain.errors import RefusedError
from lab.domain.plan import MaterialLot, Plan, PlannedStep
from lab.domain.quantity import Quantity
from lab.plan.expand import expand
from lab.sop.assignment import assignments
from lab.sop.model_steps import ManualStep

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import date

    from pydantic import JsonValue

    from lab.domain.action import CapabilitySpec
    from lab.domain.plan import LateArgument
    from lab.plan.expand import Expanded
    from lab.plan.parameters import Given
    from lab.plan.steps import ExpandedStep
    from lab.sop.assignment import Assignment
    from lab.sop.lab_model import Lab
    from lab.sop.procedure import Procedure

__all__ = ["Duration", "bind", "well_name"]

Duration: TypeAlias = "Callable[[str, Mapping[str, JsonValue]], float | None]"
"""A device's action and its arguments -> seconds; None where they don't tell. See `lab.domain.action.Durations`."""

_MAX_PLANS = 256
_MAX_STEPS = 50_000
"""Of all plans of a run together: a long procedure has fewer candidates."""
_PLATE_ROWS = {6: 2, 12: 3, 24: 4, 48: 6, 96: 8, 384: 16}


def well_name(number: int, wells: int) -> str:
    """The n-th well (from 1) of a plate in row order: A1, A2, ..., B1. RefusedError beyond the last."""
    if not 1 <= number <= wells:
        raise RefusedError(
            f"run {number} has no well: the plate has {wells}",
            hint="plan fewer runs, or declare a larger plate in the lab file",
        )
    columns = wells // _PLATE_ROWS[wells]
    row, column = divmod(number - 1, columns)
    return f"{chr(ord('A') + row)}{column + 1}"


def bind(
    procedure: Procedure,
    factors: Mapping[str, float | str | Quantity],
    fixed: Mapping[str, Given],
    lab: Lab,
    capabilities: Mapping[str, CapabilitySpec],
    run_number: int,
    device_capabilities: Mapping[str, Sequence[str]],
    today: date | None = None,
    durations: Mapping[str, Duration] | None = None,
) -> tuple[Plan, ...]:
    """All plans that fit the lab, in the order of the lab file (at most 256, fewer of a long procedure).

    Plain numbers are in the parameters' declared units. `run_number` counts from 1 and chooses the well where a
    container is a plate; 0 is a try that stands for no run and takes the first well. `device_capabilities`: device ->
    capabilities of its driver. With `today`, devices whose calibration is too old are not chosen. A device of
    `durations` tells how long its steps take, where it can; else the SOP does.

    Raises
    ------
    InputError
        The lab lacks a station, a stock or a device for this SOP, or a parameter is unknown.
    RefusedError
        Parameters outside the limits, a vessel that would run over, a stock too small, a full plate.
    """
    choices = assignments(procedure, lab, capabilities, device_capabilities, today)
    found = list(islice(choices, _MAX_PLANS))
    plates = [
        wells
        for station in (found[0][name] for name in procedure.sop.containers)
        if (wells := lab.stations[station].wells)
    ]
    well = well_name(max(run_number, 1), min(plates)) if plates else ""
    expanded = expand(procedure, factors, fixed, capabilities, well)
    _refuse_empty_stock(procedure, expanded, found[0], lab, capabilities)
    count = max(1, min(_MAX_PLANS, _MAX_STEPS // max(1, len(expanded.steps))))
    told = durations or {}
    return tuple(_plan(procedure, expanded, choice, lab, well, told) for choice in found[:count])


def _refuse_empty_stock(
    procedure: Procedure,
    expanded: Expanded,
    assignment: Assignment,
    lab: Lab,
    capabilities: Mapping[str, CapabilitySpec],
) -> None:
    """What the run draws in any case; doses that a decision or a measurement settles are seen to when they come."""
    used: dict[str, float] = {}
    for item in expanded.steps:
        step = item.planned
        if not item.doses or step.safe_state or step.when:
            continue
        amount = step.args.get(item.doses)
        spec = capabilities[step.capability].actions[step.action].args[item.doses]
        litres = Quantity(1.0, spec.unit).base
        drawn = procedure.sop.equipment[item.flat.role].draws
        entries = amount if isinstance(amount, dict) else {drawn[0]: amount} if drawn else {}
        for name, volume in entries.items():
            stock = assignment.get(name, name)
            if stock in lab.stock and isinstance(volume, int | float):
                used[stock] = used.get(stock, 0.0) + volume * litres
    for stock, volume in used.items():
        held = lab.stock[stock].volume
        if volume > held.base * (1 + 1e-9):
            raise RefusedError(
                f'one run draws more than the {held} of "{stock}" that the lab has',
                hint="a pump that draws air doses nothing; give the true volume, or provide more",
            )


def _plan(
    procedure: Procedure,
    expanded: Expanded,
    assignment: Assignment,
    lab: Lab,
    well: str,
    durations: Mapping[str, Duration],
) -> Plan:
    sop = procedure.sop
    steps = tuple(_timed(_step(item, assignment, lab), durations) for item in expanded.steps)
    claimed = [claim for step in steps for claim in step.claims]
    parameters: dict[str, JsonValue] = dict(expanded.parameters)
    if well:
        parameters["well"] = well
    limits = tuple(
        item.model_copy(update={"device": assignment[item.device]}) for item in expanded.limits
    )
    lots = {
        name: MaterialLot(stock=assignment[name], lot=lab.stock[assignment[name]].lot)
        for name in sop.materials
        if name in assignment
    }
    return Plan(
        sop_id=sop.id,
        sop_version=sop.version,
        sop_sha256=procedure.sha256,
        bindings=assignment,
        parameters=parameters,
        parameter_units=dict(expanded.parameter_units),
        values=dict(expanded.values),
        lots=lots,
        stations=tuple(dict.fromkeys(claimed)),
        steps=steps,
        decisions=expanded.decisions,
        timing=expanded.timing,
        limits=limits,
        quality=expanded.quality,
        results=expanded.results,
    )


def _step(item: ExpandedStep, assignment: Assignment, lab: Lab) -> PlannedStep:
    step = item.flat.step
    if isinstance(step, ManualStep):
        place = assignment.get(item.flat.scope.container(step.at), "") if step.at else ""
        return item.planned.model_copy(update={"claims": tuple(_claims([place], lab))})
    device = assignment[item.flat.role]
    where = lab.devices[device]
    claims = _claims([where.at, *where.draws, where.into], lab)
    changes: dict[str, object] = {
        "device": device,
        "claims": tuple(claims),
        "draws_from": tuple(name for name in claims if name in where.draws),
    }
    stocks = item.planned.args.get(item.doses) if item.doses else None
    if isinstance(stocks, dict):
        named = {assignment.get(name, name): volume for name, volume in stocks.items()}
        changes["args"] = {**item.planned.args, item.doses: named}
    if any(late.key for late in item.planned.late_args.values()):
        changes["late_args"] = _named_by_stock(item.planned.late_args, assignment)
    return item.planned.model_copy(update=changes)


def _timed(step: PlannedStep, durations: Mapping[str, Duration]) -> PlannedStep:
    """With the driver's word for how long it takes, where it has one."""
    if step.device not in durations:
        return step
    seconds = durations[step.device](step.action, step.args)
    if seconds is None or not 0.0 <= seconds < math.inf:
        return step
    return step.model_copy(update={"duration_s": seconds, "duration_from": "driver"})


def _claims(touched: Sequence[str], lab: Lab) -> list[str]:
    """Of the places that are touched, the vessels that one run has to itself."""
    return [
        name
        for name in dict.fromkeys(touched)
        if name in lab.stations and not lab.stations[name].shared and not lab.stations[name].wells
    ]


def _named_by_stock(
    arguments: Mapping[str, LateArgument], assignment: Assignment
) -> dict[str, LateArgument]:
    found: dict[str, LateArgument] = {}
    for name, late in arguments.items():
        key = assignment.get(late.key, late.key)
        place = f"{name.partition('.')[0]}.{key}" if late.key else name
        found[place] = late.model_copy(update={"key": key}) if late.key else late
    return found
