"""How a closed command ends its step: checks, observations, another attempt or failure. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from lab.domain import event as ev
from lab.domain.plan import Check, Plan, PlannedStep

if TYPE_CHECKING:
    from pydantic import JsonValue

    from lab.domain.state import CommandState, LabState, RunState, StepState

__all__ = ["end_steps"]

_MAX_ATTEMPTS = 50
"""An end to attempts that never act: a device that refuses for ever is a fault, not a delay."""

_PASSING = ("busy", "disconnected", "expired", "stale_epoch", "safe", "retained")
"""Refusals that say nothing against the step itself; it is tried again when the device is ready."""

_REFUSAL_DELAY_S = 5.0

_Checker = Callable[[Check, "Mapping[str, JsonValue]", Plan], bool]


def end_steps(state: LabState, check: _Checker) -> list[ev.Event]:
    """Events for every running step whose command is closed."""
    events: list[ev.Event] = []
    for run in state.open_runs():
        for step in run.steps.values():
            if step.status != "running":
                continue
            entry = state.commands[step.command]
            if not entry.open:
                events += _end(run, step, run.plan.step(step.path), entry, check)
    return events


def _end(
    run: RunState, step: StepState, planned: PlannedStep, entry: CommandState, check: _Checker
) -> list[ev.Event]:
    match entry.status:
        case "done" | "settled_done":
            return _succeeded(run, step, planned, entry, check)
        case "refused":
            passing = entry.reason.partition(":")[0] in _PASSING
            error = f"{entry.command.device} refused: {entry.reason}"
            if passing and step.attempt < _MAX_ATTEMPTS:
                return [_failed(run, step, error, retry_after=_REFUSAL_DELAY_S, counts=False)]
            return [_failed(run, step, error)]
        case "settled_not_done":
            if step.attempt < _MAX_ATTEMPTS:
                return [_failed(run, step, entry.reason, retry_after=0.0, counts=False)]
            return [_failed(run, step, entry.reason)]
        case "failed_no_effect":
            if step.retries < planned.retry.max_retries:
                return [_failed(run, step, entry.reason, retry_after=planned.retry.delay_s)]
            return [_failed(run, step, entry.reason)]
        case "failed_partial" | "settled_partial":
            return [_failed(run, step, f"done in part only: {entry.reason}")]
        case "settled_discarded":
            return [_failed(run, step, f"given up: {entry.reason or 'the outcome stays unknown'}")]
        case "intent" | "accepted" | "unknown":
            return []


def _failed(
    run: RunState,
    step: StepState,
    error: str,
    *,
    retry_after: float | None = None,
    counts: bool = True,
) -> ev.StepFailed:
    return ev.StepFailed(
        run=run.id,
        step=step.path,
        attempt=step.attempt,
        error=error,
        retry=retry_after is not None,
        retry_delay_s=retry_after or 0.0,
        counts=counts,
    )


def _succeeded(
    run: RunState, step: StepState, planned: PlannedStep, entry: CommandState, check: _Checker
) -> list[ev.Event]:
    if entry.outcome is not None and entry.status == "done":
        outputs = dict(entry.outcome.outputs)
    else:
        outputs = {} if entry.settlement is None else dict(entry.settlement.outputs)
    events = _observations(run, step, planned, entry, outputs)
    for condition in planned.checks:
        problem = _violation(condition, outputs, run.plan, check)
        if not problem:
            continue
        # A measurement may be repeated; what acted on the sample may not.
        again = planned.effect != "once" and step.retries < planned.retry.max_retries
        delay = planned.retry.delay_s if again else None
        return [*events, _failed(run, step, problem, retry_after=delay)]
    return [*events, ev.StepSucceeded(run=run.id, step=step.path, outputs=outputs)]


def _violation(
    condition: Check, outputs: Mapping[str, JsonValue], plan: Plan, check: _Checker
) -> str:
    try:
        holds = check(condition, outputs, plan)
    except (ArithmeticError, KeyError, ValueError, TypeError) as error:
        return f"the check '{condition.expression}' can't be computed: {error}"
    if holds:
        return ""
    shown = ", ".join(f"{name} = {value}" for name, value in outputs.items())
    return f"{condition.message} (check '{condition.expression}' is false with {shown})"


def _observations(
    run: RunState,
    step: StepState,
    planned: PlannedStep,
    entry: CommandState,
    outputs: Mapping[str, JsonValue],
) -> list[ev.Event]:
    """One observation for each number; `<name>_sd` goes with its name."""
    events: list[ev.Event] = []
    for name, value in outputs.items():
        number = _number(value)
        if number is None or (name.endswith("_sd") and name.removesuffix("_sd") in outputs):
            continue
        events.append(
            ev.ObservationRecorded(
                run=run.id,
                step=step.path,
                command=entry.command.id,
                device=entry.command.device,
                name=name,
                value=ev.Value(
                    value=number,
                    unit=planned.output_units.get(name, ""),
                    standard_deviation=_number(outputs.get(f"{name}_sd")),
                ),
            )
        )
    return events


def _number(value: JsonValue) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value)
