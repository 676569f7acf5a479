"""Rows out of state and facts: campaigns, trials, runs, steps, commands, observations. Pure.

Each kind has the same columns in the same order, failed and aborted work included. Columns that depend on the
procedure (factors, parameters, results) carry their unit in brackets: `conductivity [mS/cm]`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.records.columns import COLUMNS
from lab.records.rows import Row, Rows, utc

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from lab.domain.event import Side
    from lab.domain.plan import DurationSource, PlannedStep
    from lab.domain.state import LabState, RunState, StepState
    from lab.records.facts import Facts, ObservationFact

__all__ = [
    "StepTime",
    "campaign_rows",
    "command_rows",
    "observation_rows",
    "run_rows",
    "step_rows",
    "step_times",
    "trial_rows",
]


def with_unit(name: str, unit: str) -> str:
    """A column's heading: `mass [g]`; just the name where there is no unit."""
    return f"{name} [{unit}]" if unit else name


@dataclass(frozen=True, slots=True)
class StepTime:
    """A step of a run with its planned and its actual time, process seconds since the Unix epoch."""

    campaign: str
    run: str
    trial: int
    planned: PlannedStep
    state: StepState
    tries: int
    errors: tuple[str, ...]
    planned_start_s: float | None
    planned_end_s: float | None
    duration_from: DurationSource = "sop"
    """Who said that it would take so long."""
    duration_runs: int = 0


def step_times(state: LabState, facts: Facts, run: str = "") -> Iterator[StepTime]:
    """Every step of every run (or of one), in the order of its plan, started or not."""
    for entry in state.runs.values():
        if run and entry.id != run:
            continue
        for planned in entry.plan.steps:
            key = (entry.id, planned.path)
            slot, tries = facts.planned.get(key), facts.tries.get(key)
            yield StepTime(
                campaign=entry.campaign,
                run=entry.id,
                trial=entry.trial,
                planned=planned,
                state=entry.steps[planned.path],
                tries=0 if tries is None else len(tries.ids),
                errors=() if tries is None else tries.errors,
                planned_start_s=None if slot is None else slot.start_s,
                planned_end_s=None if slot is None else slot.end_s,
                duration_from="sop" if slot is None else slot.duration_from,
                duration_runs=0 if slot is None else slot.duration_runs,
            )


def step_status(run: RunState, step: StepState) -> str:
    """A step's state in words; one that an ended run never reached was `not_run`."""
    if step.status == "waiting" and not run.open:
        return "not_run"
    return "interrupted" if step.status == "running" and not run.open else step.status


def campaign_rows(state: LabState) -> Rows:
    """One row per campaign."""
    rows = Rows(columns=COLUMNS["campaigns"])
    for name, campaign in state.campaigns.items():
        spec, best = campaign.spec, campaign.best()
        counts = {"done": 0, "failed": 0, "pending": 0, "rejected": 0, "withdrawn": 0}
        for trial in campaign.trials.values():
            counts[trial.status] += 1
        rows.append(
            {
                "campaign": name,
                "title": spec.title,
                "status": campaign.status,
                "reason": campaign.reason,
                "objective": spec.objective.result,
                "unit": spec.objective.unit,
                "direction": spec.objective.direction,
                "method": spec.method,
                "seed": spec.seed,
                "trials_planned": spec.trials,
                "trials_done": counts["done"],
                "trials_failed": counts["failed"],
                "trials_open": counts["pending"],
                "best_trial": None if best is None else best.number,
                "best_value": None if best is None else best.value,
                "front": ", ".join(str(trial.number) for trial in campaign.front())
                if campaign.aim is not None
                else "",
                "started_at": utc(campaign.started_s),
                "ended_at": utc(campaign.ended_s),
                "sop": spec.sop_id,
                "sop_version": spec.sop_version,
                "sop_sha256": spec.sop_sha256,
                "lab": spec.lab_id,
            }
        )
    return rows


def beyond_words(beyond: Mapping[str, Side]) -> str:
    """`conductivity: above`, of each result that lies beyond what can be measured."""
    return "; ".join(f"{name}: {side}" for name, side in beyond.items())


def trial_rows(state: LabState, facts: Facts, campaign: str = "") -> Rows:
    """One row per suggested parameter set, whatever came of it."""
    rows = Rows(columns=COLUMNS["trials"])
    for name, entry in state.campaigns.items():
        if campaign and name != campaign:
            continue
        units = {factor.name: factor.unit for factor in entry.spec.factors}
        results = {o.result: o.unit for o in (*entry.objectives, *entry.spec.limits)}
        for trial in (*entry.outside, *entry.trials.values()):
            key = (name, trial.number)
            row: Row = {
                "campaign": name,
                "trial": trial.number,
                "run": trial.run,
                "status": trial.status,
                "origin": trial.origin,
                "fidelity": trial.fidelity,
                "objective": entry.spec.objective.result,
                "value": trial.value,
                "unit": entry.spec.objective.unit,
                "standard_deviation": trial.standard_deviation,
                "beyond": beyond_words(trial.beyond),
                "predicted_mean": trial.predicted_mean,
                "predicted_sd": trial.predicted_sd,
                "nearest_trial": trial.nearest_trial,
                "note": trial.note,
                "explores": trial.explores,
                "better": trial.better,
                "chance": trial.chance,
                "context": "; ".join(f"{k}: {c.source}" for k, c in trial.context.items()),
                "expected_cost": trial.expected_cost,
                "cost": trial.cost,
                "cost_unit": entry.cost_unit,
                "approved_by": trial.approved,
                "reason": trial.reason,
                "proposed_at": utc(facts.proposed_s.get(key)),
                "ended_at": utc(facts.ended_s.get(key)),
            }
            for factor, value in trial.factors.items():
                row[with_unit(factor, units.get(factor, ""))] = value
            for result, value in trial.outcomes.items():
                row[with_unit(f"result {result}", results.get(result, ""))] = value
            rows.append(row)
    return rows


def run_rows(state: LabState, campaign: str = "") -> Rows:
    """One row per run with parameters, results, and why it ended where it did not succeed."""
    rows = Rows(columns=COLUMNS["runs"])
    for run in state.runs.values():
        if campaign and run.campaign != campaign:
            continue
        plan = run.plan
        main = [step for step in plan.steps if not step.safe_state]
        row: Row = {
            "run": run.id,
            "campaign": run.campaign,
            "trial": run.trial,
            "status": run.status,
            "reason": run.reason,
            "started_at": utc(run.started_s),
            "ended_at": utc(run.ended_s),
            "duration_s": None if run.ended_s is None else round(run.ended_s - run.started_s, 6),
            "steps": len(main),
            "steps_succeeded": sum(run.steps[s.path].status == "succeeded" for s in main),
            "steps_skipped": sum(run.steps[s.path].status == "skipped" for s in main),
            "flags": len(run.flags),
            "beyond": beyond_words(
                {name: value.beyond for name, value in run.results.items() if value.beyond}
            ),
            "windows_broken": sum(not window.kept for window in run.timing.values()),
            "quality_rejected": sum(not check.accepted for check in run.quality.values()),
            "sop": plan.sop_id,
            "sop_version": plan.sop_version,
            "sop_sha256": plan.sop_sha256,
            "bindings": json.dumps(plan.bindings, sort_keys=True),
            "lots": json.dumps(
                {name: lot.model_dump() for name, lot in plan.lots.items()}, sort_keys=True
            ),
        }
        for name, value in plan.parameters.items():
            row[with_unit(name, plan.parameter_units.get(name, ""))] = value
        for result in plan.results:
            found = run.results.get(result.name)
            row[with_unit(result.name, result.unit)] = None if found is None else found.value
            sd = None if found is None else found.standard_deviation
            row[with_unit(f"{result.name}_sd", result.unit)] = sd
        rows.append(row)
    return rows


def step_rows(state: LabState, facts: Facts, run: str = "") -> Rows:
    """One row per step of each run, planned beside actual times, reached or not."""
    rows = Rows(columns=COLUMNS["steps"])
    for step in step_times(state, facts, run):
        planned, actual = step.planned, step.state
        rows.append(
            {
                "run": step.run,
                "campaign": step.campaign,
                "trial": step.trial,
                "step": planned.path,
                "title": planned.title,
                "device": planned.device,
                "capability": planned.capability,
                "action": planned.action,
                "manual": planned.manual is not None,
                "safe_state": planned.safe_state,
                "compensates": planned.compensates,
                "status": step_status(state.runs[step.run], actual),
                "reason": facts.course.skipped.get((step.run, planned.path), ""),
                "attempts": step.tries,
                "planned_start": utc(step.planned_start_s),
                "planned_end": utc(step.planned_end_s),
                "started_at": utc(actual.started_s),
                "ended_at": utc(actual.ended_s),
                "errors": " | ".join(step.errors),
                "args": json.dumps(planned.args, sort_keys=True),
                "outputs": json.dumps(dict(actual.outputs), sort_keys=True),
                "command": actual.command,
            }
        )
    return rows


def command_rows(facts: Facts, run: str = "") -> Rows:
    """One row per try of a step: what was asked of the device and what became of it."""
    rows: Iterator[Row] = (
        {
            "command": fact.command.id,
            "run": fact.command.run,
            "step": fact.command.step,
            "attempt": fact.command.attempt,
            "device": fact.command.device,
            "action": fact.command.action,
            "args": json.dumps(fact.command.args, sort_keys=True),
            "effect": fact.command.effect,
            "result": fact.result,
            "reason": fact.reason,
            "settled_by": fact.settled_by,
            "intended_at": utc(fact.intended_s),
            "accepted_at": utc(fact.accepted_s),
            "ended_at": utc(fact.ended_s),
            "epoch": fact.epoch,
        }
        for fact in facts.commands.values()
        if run in ("", fact.command.run)
    )
    return Rows(rows, columns=COLUMNS["commands"])


def observation_rows(
    state: LabState, observations: Iterable[ObservationFact], run: str = ""
) -> Rows:
    """One row per reading, with the instrument that took it."""
    rows = Rows(columns=COLUMNS["observations"])
    for fact in observations:
        seen, made_by = fact.event, fact.description
        if run and seen.run != run:
            continue
        of_run = state.runs[seen.run]
        rows.append(
            {
                "seq": fact.seq,
                "at": utc(fact.at_s),
                "campaign": of_run.campaign,
                "trial": of_run.trial,
                "run": seen.run,
                "step": seen.step,
                "command": seen.command,
                "name": seen.name,
                "value": seen.value.value,
                "unit": seen.value.unit,
                "standard_deviation": seen.value.standard_deviation,
                "device": seen.device,
                "manufacturer": "" if made_by is None else made_by.manufacturer,
                "model": "" if made_by is None else made_by.model,
                "serial_number": "" if made_by is None else made_by.serial_number,
                "firmware": "" if made_by is None else made_by.firmware,
                "driver": "" if made_by is None else made_by.driver,
                "driver_version": "" if made_by is None else made_by.driver_version,
                "simulated": fact.simulated,
            }
        )
    return rows
