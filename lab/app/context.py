"""The campaign's files as the engine's core asks about them: binding, planning, checks, results. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from lab.devices.capability import CAPABILITIES
from lab.domain import event as ev
from lab.domain.ids import run_id
from lab.engine.core import PlannedTimeline
from lab.engine.gate import held_stations
from lab.plan.bind import bind
from lab.plan.evaluate import evaluate_check, evaluate_results
from lab.plan.schedule import PlanningSnapshot, RunToPlan, schedule

if TYPE_CHECKING:
    from pydantic import JsonValue

    from lab.domain.plan import Check, Plan
    from lab.domain.state import CampaignState, LabState
    from lab.sop.load import CampaignBundle

__all__ = ["BundleContext"]

_USABLE = ("ready", "unknown")


class BundleContext:
    """Answers `lab.engine.core.CampaignContext` from checked files. Bindings are kept, as they never change."""

    def __init__(
        self, bundle: CampaignBundle, device_capabilities: Mapping[str, tuple[str, ...]]
    ) -> None:
        self._bundle = bundle
        self._device_capabilities = device_capabilities
        self._bound: dict[int, tuple[Plan, ...]] = {}

    def candidates(self, trial: int, factors: Mapping[str, float]) -> tuple[Plan, ...]:
        """The trial's plans, one for each lawful choice of stations and devices."""
        known = self._bound.get(trial)
        if known is None:
            known = bind(
                self._bundle.procedure,
                factors,
                self._bundle.campaign.fixed,
                self._bundle.lab,
                CAPABILITIES,
                self._device_capabilities,
                trial,
            )
            self._bound[trial] = known
        return known

    def timeline(self, state: LabState, campaign: CampaignState, now_s: float) -> PlannedTimeline:
        """A plan for all open trials, from the campaign's origin; what has begun keeps its binding."""
        now = now_s - campaign.origin_s
        runs: list[RunToPlan] = []
        for trial in campaign.open_trials:
            name = run_id(campaign.spec.campaign, trial.number)
            run = state.runs.get(name)
            if run is None:
                plans = self.candidates(trial.number, trial.factors)
                runs.append(RunToPlan(run=name, plans=plans))
                continue
            if run.status != "running":
                continue
            finished = {
                path: (step.ended_s or now_s) - campaign.origin_s
                for path, step in run.steps.items()
                if step.status == "succeeded"
            }
            running = {
                path: (
                    (step.started_s or now_s) - campaign.origin_s,
                    max(
                        now + 1.0,
                        (step.started_s or now_s)
                        - campaign.origin_s
                        + run.plan.step(path).duration_s,
                    ),
                )
                for path, step in run.steps.items()
                if step.status == "running"
            }
            runs.append(
                RunToPlan(run=name, plans=(run.plan,), finished=finished, running=running)
            )
        blocked = {
            station: now + 60.0
            for run in state.open_runs()
            if run.status == "stopping"
            for station in held_stations(run)
        }
        planned = schedule(PlanningSnapshot(now_s=now, runs=tuple(runs), stations_free_s=blocked))
        choices = {
            entry.run: entry.plans.index(planned.plans[entry.run])
            for entry in runs
            if entry.run not in state.runs
        }
        return PlannedTimeline(planned.timeline.slots, choices)

    def check(self, check: Check, outputs: Mapping[str, JsonValue], plan: Plan) -> bool:
        """Does a step's condition hold?"""
        return evaluate_check(check, outputs, plan)

    def results(
        self, plan: Plan, outputs: Mapping[str, Mapping[str, JsonValue]]
    ) -> dict[str, ev.Value]:
        """The results of a finished run; ValueError or KeyError where they can't be computed."""
        return {
            name: ev.Value(value=value, unit=unit, standard_deviation=deviation)
            for name, (value, deviation, unit) in evaluate_results(plan, outputs).items()
        }
