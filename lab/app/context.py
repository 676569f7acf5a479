"""The campaign's files as the engine's core asks about them: binding, planning, checks, results. Pure."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

from lab.devices.capability import CAPABILITIES
from lab.domain import event as ev
from lab.domain.errors import InputError
from lab.engine.timeline import TimelinePlanner, learned_from
from lab.plan.bind import bind
from lab.plan.estimates import with_durations
from lab.plan.evaluate import (
    QualityOutcome,
    evaluate_argument,
    evaluate_check,
    evaluate_condition,
    evaluate_quality,
    evaluate_results,
)
from lab.plan.schedule import PlanningSnapshot, RunSnapshot, schedule
from lab.plan.services import ServiceRules
from lab.sop.check_lab_people import attended_hours

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import tzinfo

    from lab.app.files import CampaignFiles
    from lab.domain.plan import Check, Formula, LateArgument, Plan
    from lab.domain.state import CampaignState, LabState
    from lab.engine.context import Outputs, PlannedTimeline, WeighedPlan
    from lab.engine.messages import PlanFound
    from lab.plan.improvement import PlanJob

__all__ = ["FilesContext", "service_rules"]


def service_rules(files: CampaignFiles, zone: tzinfo = UTC) -> ServiceRules | None:
    """What people do for the laboratory; None where the lab file asks nothing of them and leaves nobody alone."""
    ages = {
        role: equipment.calibration_max_age
        for role, equipment in files.bundle.procedure.sop.equipment.items()
        if equipment.calibration_max_age is not None
    }
    hours = attended_hours(files.lab)
    rules = ServiceRules(files.lab, CAPABILITIES, hours, ages, zone)
    return rules if rules.any or hours else None


class FilesContext:
    """Answers `lab.engine.core.CampaignContext` from checked files. Bindings are kept, as they never change."""

    def __init__(self, files: CampaignFiles, zone: tzinfo = UTC) -> None:
        """`zone`: in which people's hours and days are told."""
        self._bundle = files.bundle
        self._device_capabilities = files.drivers.capabilities
        self._durations = files.drivers.durations
        self.interlocks = files.drivers.interlocks
        self._bound: dict[tuple[int, tuple[ev.SettingValue, ...]], tuple[Plan, ...]] = {}

        self.services = service_rules(files, zone)
        self._planner = TimelinePlanner(
            lambda trial: self.candidates(trial.number, trial.settings), self.services
        )

    def candidates(self, trial: int, settings: Mapping[str, ev.SettingValue]) -> tuple[Plan, ...]:
        """The trial's plans, one for each lawful choice of stations and devices. What is no factor is set for this trial
        in place of what the campaign fixes.
        """
        key = (trial, tuple(settings.values()))
        known = self._bound.get(key)
        if known is None:
            known = self._bound[key] = self._bind(trial, settings)
        return known

    def _bind(self, trial: int, settings: Mapping[str, ev.SettingValue]) -> tuple[Plan, ...]:
        known, campaign = self._bundle.procedure.sop.parameters, self._bundle.campaign
        given = {name: value for name, value in settings.items() if name in known}
        return bind(
            self._bundle.procedure,
            {
                name: value
                for name, value in given.items()
                if name in campaign.factors and not isinstance(value, bool)
            },
            {
                **campaign.fixed,
                **{name: value for name, value in given.items() if name not in campaign.factors},
            },
            self._bundle.lab,
            CAPABILITIES,
            trial,
            self._device_capabilities,
            durations=self._durations,
        )

    def lasting(self, state: LabState) -> Callable[[Mapping[str, ev.FactorValue]], float]:
        """How long a trial with given factors will take in a laboratory that has nothing else to do: process seconds, by
        the planner's durations as the runs of that state have taught them.

        The function raises InputError where it can't be made at all.
        """
        learned = learned_from(state)

        def seconds(factors: Mapping[str, ev.FactorValue]) -> float:
            plans = tuple(with_durations(plan, learned) for plan in self._bind(0, factors))
            planned = schedule(PlanningSnapshot(0.0, (RunSnapshot("trial", plans),)))
            for reason in planned.blocked.values():
                raise InputError(f"a trial that can't be planned: {reason}")
            return planned.timeline.makespan_s

        return seconds

    def timeline(self, state: LabState, campaign: CampaignState, now_s: float) -> PlannedTimeline:
        """A plan for all open trials, from the campaign's origin; what has begun keeps its binding."""
        return self._planner.plan(state, campaign, now_s)

    def improvable(self, state: LabState, campaign: CampaignState, now_s: float) -> PlanJob | None:
        """The timeline of this moment as a task for a search."""
        return self._planner.improvable(state, campaign, now_s)

    def weighed(
        self, state: LabState, campaign: CampaignState, now_s: float, found: PlanFound
    ) -> WeighedPlan:
        """What came of that search, beside the standing order of now."""
        return self._planner.weighed(state, campaign, now_s, found)

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
        ranges = {spec.name: spec for spec in plan.results}
        return {
            name: ev.Value(
                value=value,
                unit=unit,
                standard_deviation=deviation,
                beyond=ranges[name].beyond(value),
            )
            for name, (value, deviation, unit) in evaluate_results(plan, outputs).items()
        }

    def quality(self, plan: Plan, outputs: Outputs) -> list[QualityOutcome]:
        """How the standards, blanks and replicates of a finished run came out."""
        return evaluate_quality(plan, outputs)
