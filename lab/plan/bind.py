"""Binding: which station is the container, which stock the material, which device plays the role."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from lab.domain.errors import RefusedError
from lab.domain.plan import Plan, PlannedStep, RetryPolicy
from lab.plan.expand import checks_of, expand, results_of
from lab.sop.assignment import assignments
from lab.sop.model import Step

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pydantic import JsonValue

    from lab.domain.action import CapabilitySpec
    from lab.domain.quantity import Quantity
    from lab.plan.expand import Expanded, ExpandedStep
    from lab.sop.assignment import Assignment
    from lab.sop.lab_model import Lab
    from lab.sop.procedure import Procedure

__all__ = ["bind", "well_name"]

_MAX_PLANS = 256
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
    factors: Mapping[str, float | Quantity],
    fixed: Mapping[str, float | Quantity],
    lab: Lab,
    capabilities: Mapping[str, CapabilitySpec],
    run_number: int,
    device_capabilities: Mapping[str, Sequence[str]],
) -> tuple[Plan, ...]:
    """All plans that fit the lab, in the order of the lab file (at most 256).

    Plain numbers are in the parameters' declared units. `run_number` counts from 1 and chooses the well where a
    container is a plate; 0 is a try that stands for no run and takes the first well. `device_capabilities`: device -> capabilities of its driver.

    Raises
    ------
    InputError
        The lab lacks a station, a stock or a device for this SOP, or a parameter is unknown.
    RefusedError
        Parameters outside the limits, a vessel that would run over, a stock too small, a full plate.
    """
    found = list(islice(assignments(procedure, lab, capabilities, device_capabilities), _MAX_PLANS))
    plates = [
        wells
        for station in (found[0][name] for name in procedure.sop.containers)
        if (wells := lab.stations[station].wells)
    ]
    well = well_name(max(run_number, 1), min(plates)) if plates else ""
    expanded = expand(procedure, factors, fixed, capabilities, well)
    _refuse_empty_stock(expanded, found[0], lab)
    return tuple(_plan(procedure, expanded, assignment, lab, well) for assignment in found)


def _refuse_empty_stock(expanded: Expanded, assignment: Assignment, lab: Lab) -> None:
    used: dict[str, float] = {}
    for move in expanded.movements:
        stock = assignment.get(move.source, move.source)
        if stock in lab.stock:
            used[stock] = used.get(stock, 0.0) + move.volume.centre
    for stock, volume in used.items():
        held = lab.stock[stock].volume
        if volume > held.base * (1 + 1e-9):
            raise RefusedError(
                f'one run draws more than the {held} of "{stock}" that the lab has',
                hint="a pump that draws air doses nothing; give the true volume, or provide more",
            )


def _plan(
    procedure: Procedure, expanded: Expanded, assignment: Assignment, lab: Lab, well: str
) -> Plan:
    sop = procedure.sop
    steps = tuple(_step(procedure, expanded, item, assignment, lab) for item in expanded.steps)
    claimed = [claim for step in steps for claim in step.claims]
    parameters: dict[str, JsonValue] = dict(expanded.parameters)
    if well:
        parameters["well"] = well
    return Plan(
        sop_id=sop.id,
        sop_version=sop.version,
        sop_sha256=procedure.sha256,
        bindings=assignment,
        parameters=parameters,
        parameter_units=dict(expanded.parameter_units),
        values=dict(expanded.values),
        stations=tuple(dict.fromkeys(claimed)),
        steps=steps,
        results=results_of(procedure, expanded),
    )


def _step(
    procedure: Procedure,
    expanded: Expanded,
    item: ExpandedStep,
    assignment: Assignment,
    lab: Lab,
) -> PlannedStep:
    step = item.step
    device = assignment[step.equipment]
    where = lab.devices[device]
    touched = [where.at, *where.draws, where.into]
    claims = [
        name
        for name in dict.fromkeys(touched)
        if name in lab.stations and not lab.stations[name].shared and not lab.stations[name].wells
    ]
    args = dict(item.args)
    stocks = args.get(item.action.doses) if item.action.doses else None
    if isinstance(stocks, dict):
        args[item.action.doses] = {
            assignment.get(name, name): volume for name, volume in stocks.items()
        }
    main = step if isinstance(step, Step) else None
    delay = main.on_error.delay if main else None
    return PlannedStep(
        path=step.id,
        title=step.title,
        capability=procedure.sop.equipment[step.equipment].capability,
        action=step.action,
        device=device,
        args=args,
        needs=procedure.needs[step.id] if main else (),
        claims=tuple(claims),
        draws_from=tuple(name for name in claims if name in where.draws),
        duration_s=step.duration.to("s").magnitude,
        timeout_s=step.timeout.to("s").magnitude,
        retry=RetryPolicy(
            max_retries=main.on_error.retry if main else 0,
            delay_s=delay.to("s").magnitude if delay else 0.0,
        ),
        checks=checks_of(
            expanded, item, {check.expect: check.message for check in main.checks} if main else {}
        ),
        effect=item.action.effect,
        settle=item.action.settle,
        output_units={name: spec.unit for name, spec in item.action.outputs.items()},
        safe_state=item.safe_state,
    )
