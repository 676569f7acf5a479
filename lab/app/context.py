"""The campaign's files as the engine's core asks about them: binding, planning, checks, results. Pure."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from lab.devices.capability import CAPABILITIES
from lab.domain import event as ev
from lab.domain.ids import run_id
from lab.domain.stations import held_stations
from lab.engine.core import PlannedTimeline
from lab.plan.bind import bind
from lab.plan.evaluate import (
    QualityOutcome,
    evaluate_argument,
    evaluate_check,
    evaluate_condition,
    evaluate_quality,
    evaluate_results,
)
from lab.plan.schedule import PlanningSnapshot, RunningStep, RunSnapshot, schedule

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lab.app.files import CampaignFiles
    from lab.domain.plan import Check, Formula, LateArgument, Plan
    from lab.domain.state import CampaignState, LabState, RunState
    from lab.engine.context import Outputs

__all__ = ["FilesContext"]

_LATE_S = 5.0
"""A step that is overdue is planned to end this soon."""

_OUT_OF_USE = ("lost", "disconnected", "fault", "manual")


class FilesContext:
    """Answers `lab.engine.core.CampaignContext` from checked files. Bindings are kept, as they never change."""

    def __init__(self, files: CampaignFiles) -> None:
        self._bundle = files.bundle
        self._device_capabilities = files.drivers.capabilities
        self.interlocks = files.drivers.interlocks
        self._bound: dict[tuple[int, tuple[float, ...]], tuple[Plan, ...]] = {}

    def candidates(self, trial: int, factors: Mapping[str, float]) -> tuple[Plan, ...]:
        """The trial's plans, one for each lawful choice of stations and devices."""
        key = (trial, tuple(factors.values()))
        known = self._bound.get(key)
        if known is None:
            known = bind(
                self._bundle.procedure,
                factors,
                self._bundle.campaign.fixed,
                self._bundle.lab,
                CAPABILITIES,
                trial,
                self._device_capabilities,
            )
            self._bound[key] = known
        return known

    def timeline(self, state: LabState, campaign: CampaignState, now_s: float) -> PlannedTimeline:
        """A plan for all open trials, from the campaign's origin; what has begun keeps its binding."""
        origin = campaign.origin_s
        now = now_s - origin
        out_of_use = {
            name: math.inf for name, device in state.devices.items() if device.state in _OUT_OF_USE
        }
        runs: list[RunSnapshot] = []
        for trial in campaign.open_trials:
            name = run_id(campaign.spec.campaign, trial.number)
            run = state.runs.get(name)
            if run is None:
                plans = self.candidates(trial.number, trial.factors)
                # A run that waits for one broken device must not lure the next ones to it.
                whole = tuple(p for p in plans if all(s.device not in out_of_use for s in p.steps))
                runs.append(RunSnapshot(run=name, plans=whole or plans))
            elif run.status == "running":
                runs.append(_begun(run, origin, now))
        held = _held_by_stopping(state, now)
        planned = schedule(
            PlanningSnapshot(
                now_s=now, runs=tuple(runs), device_free_s=out_of_use, stations_free_s=held
            )
        )
        if planned.blocked and out_of_use:
            # What waits for a device still has its place in the order: the gate keeps it until the device is back.
            planned = schedule(PlanningSnapshot(now_s=now, runs=tuple(runs), stations_free_s=held))
        choices: dict[str, int] = {}
        for trial in campaign.open_trials:
            name = run_id(campaign.spec.campaign, trial.number)
            if name not in state.runs and name in planned.plans:
                plans = self.candidates(trial.number, trial.factors)
                choices[name] = plans.index(planned.plans[name])
        return PlannedTimeline(planned.timeline.slots, choices)

    def condition(self, plan: Plan, formula: Formula, outputs: Outputs) -> bool | None:
        """The answer of a decision; None where an output that it needs is missing."""
        return evaluate_condition(formula, outputs, plan)

    def argument(self, plan: Plan, late: LateArgument, outputs: Outputs) -> float | int:
        """A late argument's number; ValueError with the reason where there is none."""
        return evaluate_argument(late, outputs, plan)

    def check(self, plan: Plan, check: Check, step: str, outputs: Outputs) -> bool:
        """Does a step's condition hold?"""
        return evaluate_check(check, step, outputs[step], outputs, plan)

    def results(self, plan: Plan, outputs: Outputs) -> dict[str, ev.Value]:
        """The results of a finished run; one that can't be computed is left out."""
        return {
            name: ev.Value(value=value, unit=unit, standard_deviation=deviation)
            for name, (value, deviation, unit) in evaluate_results(plan, outputs).items()
        }

    def quality(self, plan: Plan, outputs: Outputs) -> list[QualityOutcome]:
        """How the standards, blanks and replicates of a finished run came out."""
        return evaluate_quality(plan, outputs)


def _held_by_stopping(state: LabState, now: float) -> dict[str, float]:
    """Station -> when a run that is being ended will probably have left it."""
    free: dict[str, float] = {}
    for run in state.open_runs():
        if run.status != "stopping":
            continue
        left = sum(
            step.duration_s
            for step in run.plan.steps
            if step.safe_state and run.steps[step.path].status in ("waiting", "running")
        )
        for station in held_stations(run):
            free[station] = max(free.get(station, now), now + left)
    return free


def _begun(run: RunState, origin: float, now: float) -> RunSnapshot:
    finished: dict[str, float] = {}
    running: dict[str, RunningStep] = {}
    for path, step in run.steps.items():
        planned = run.plan.step(path)
        if step.passed:
            finished[path] = (now + origin if step.ended_s is None else step.ended_s) - origin
        elif step.status == "running":
            start = (now + origin if step.started_s is None else step.started_s) - origin
            running[path] = RunningStep(start, max(now + _LATE_S, start + planned.duration_s))
    return RunSnapshot(run=run.id, plans=(run.plan,), finished=finished, running=running)
