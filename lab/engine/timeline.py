"""The engine's timeline: what is true, as the planner's snapshot, and the planner's answer. Pure."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from lab.domain.event_plan import BrokenLimit
from lab.domain.ids import run_id
from lab.domain.stations import held_stations
from lab.engine.context import PlannedTimeline
from lab.plan.replan import replan
from lab.plan.snapshot import PlanningSnapshot, RunningStep, RunSnapshot

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lab.domain.plan import Plan
    from lab.domain.state import CampaignState, LabState, RunState, TrialState

__all__ = ["Candidates", "plan_timeline", "snapshot_of", "standing_plans"]

Candidates: TypeAlias = "Callable[[TrialState], tuple[Plan, ...]]"
"""The plans that bind a trial to the lab, always the same objects."""

_LATE_S = 5.0
_LATE_SHARE = 0.1
"""A step that is overdue is planned to end after this share of the time that it has taken, and not before so long."""

_OUT_OF_USE = ("lost", "disconnected", "fault", "manual")


def plan_timeline(
    state: LabState, campaign: CampaignState, now_s: float, candidates: Candidates
) -> PlannedTimeline:
    """A plan for all open trials, from the campaign's origin; what has begun keeps its binding."""
    snapshot = snapshot_of(state, campaign, now_s, candidates)
    standing = standing_plans(state, campaign, candidates)
    known = {(limit.run, limit.window): limit.by_s for limit in campaign.broken}
    planned, source = replan(snapshot, campaign.slots, standing, known)
    if planned.blocked and snapshot.device_free_s:
        # What waits for a device still has its place in the order: the gate keeps it until the device is back.
        hopeful = replace(snapshot, device_free_s={})
        planned, source = replan(hopeful, campaign.slots, standing, known)
    choices: dict[str, int] = {}
    for trial in campaign.open_trials:
        name = run_id(campaign.spec.campaign, trial.number)
        if name not in state.runs and name in planned.plans:
            chosen = planned.plans[name]
            choices[name] = next(n for n, plan in enumerate(candidates(trial)) if plan is chosen)
    broken = tuple(
        BrokenLimit(run=item.run, window=item.window, by_s=round(item.by_s, 3))
        for item in planned.broken
    )
    return PlannedTimeline(planned.timeline.slots, choices, source, broken)


def standing_plans(
    state: LabState, campaign: CampaignState, candidates: Candidates
) -> dict[str, Plan]:
    """The plan that each run has in the timeline that stands."""
    plans: dict[str, Plan] = {}
    for trial in campaign.open_trials:
        name = run_id(campaign.spec.campaign, trial.number)
        run = state.runs.get(name)
        if run is not None:
            plans[name] = run.plan
        elif name in campaign.choices:
            plans[name] = candidates(trial)[campaign.choices[name]]
    return plans


def snapshot_of(
    state: LabState, campaign: CampaignState, now_s: float, candidates: Candidates
) -> PlanningSnapshot:
    """All that the planner is told; its times count from the campaign's origin."""
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
            plans = candidates(trial)
            # A run that waits for one broken device must not lure the next ones to it.
            whole = tuple(p for p in plans if not any(place in out_of_use for place in p.places))
            runs.append(RunSnapshot(run=name, plans=whole or plans))
        elif run.status == "running":
            runs.append(_begun(run, origin, now))
    return PlanningSnapshot(
        now_s=now,
        runs=tuple(runs),
        device_free_s=out_of_use,
        stations_free_s=_held_by_stopping(state, now),
    )


def _held_by_stopping(state: LabState, now: float) -> Mapping[str, float]:
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
            end = start + planned.duration_s
            if end <= now:
                end = now + max(_LATE_S, _LATE_SHARE * (now - start))
            running[path] = RunningStep(start, end)
    return RunSnapshot(run=run.id, plans=(run.plan,), finished=finished, running=running)
