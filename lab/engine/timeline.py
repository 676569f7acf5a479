"""The engine's timeline: what is true, as the planner's snapshot, and the planner's answer. Pure."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from lab.domain import event as ev
from lab.domain.holds import OUT_OF_USE
from lab.domain.ids import run_id
from lab.domain.run import OPERATOR
from lab.domain.stations import held_stations
from lab.engine.context import PlannedTimeline, WeighedPlan
from lab.engine.serving import services_now
from lab.plan.estimates import Learned, Timed, learn
from lab.plan.improvement import job_of, weigh, worth_a_search
from lab.plan.replan import replan
from lab.plan.schedule import tries_for
from lab.plan.snapshot import PlanningSnapshot, RunningStep, RunSnapshot
from lab.plan.worth import broken_limits

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lab.domain.plan import Plan
    from lab.domain.state import CampaignState, LabState, RunState, TrialState
    from lab.engine.messages import PlanFound
    from lab.plan.improvement import PlanJob
    from lab.plan.services import ServiceRules
    from lab.plan.snapshot import Schedule

__all__ = ["Candidates", "TimelinePlanner", "learned_from", "snapshot_of", "standing_plans"]

Candidates: TypeAlias = "Callable[[TrialState], tuple[Plan, ...]]"
"""The plans that bind a trial to the lab, always the same objects."""

_MANY = 16
_PART = 8
"""New runs that are placed at a time where there are more than `_MANY`: some 20 ms of work."""

_LATE_S = 5.0
_LATE_SHARE = 0.1
"""A step that is overdue is planned to end after this share of the time that it has taken, and not before so long."""

_LEARN_FROM = 500
"""Newest runs that durations are learned from: what went before says little of today, and there may be ten thousands."""


class TimelinePlanner:
    """Plans timelines with what the runs before have taught; keeps what it has worked out, so it is asked by one lab.

    Its answer depends on its arguments alone.
    """

    def __init__(self, candidates: Candidates, services: ServiceRules | None = None) -> None:
        self._candidates = candidates
        self._services = services
        self._timed = Timed(Learned())
        self._learned_of: tuple[str, ...] = ()

    def improvable(self, state: LabState, campaign: CampaignState, now_s: float) -> PlanJob | None:
        """The timeline of this moment as a task for a search.

        None where too little is left, or a device is out of use: its steps only keep their turn until it is back.
        """
        if any(device.state in OUT_OF_USE for device in state.devices.values()):
            return None
        if not worth_a_search(campaign.slots, now_s - campaign.origin_s):
            return None
        snapshot, standing = self._now(state, campaign, now_s)
        return job_of(snapshot, campaign.slots, standing)

    def weighed(
        self, state: LabState, campaign: CampaignState, now_s: float, found: PlanFound
    ) -> WeighedPlan:
        """What came of that search, beside the standing order of now."""
        snapshot, standing = self._now(state, campaign, now_s)
        judged = weigh(snapshot, campaign.slots, standing, found.slots)
        answer = None
        if judged.schedule is not None:
            answer = self._answer(state, campaign, snapshot, judged.schedule, found.source)
        return WeighedPlan(answer, judged.reason, judged.gain_s, judged.makespan_gain_s)

    def _now(
        self, state: LabState, campaign: CampaignState, now_s: float
    ) -> tuple[PlanningSnapshot, dict[str, Plan]]:
        timed = self._learn(state)
        snapshot = snapshot_of(state, campaign, now_s, self._candidates, timed, self._services)
        return snapshot, standing_plans(state, campaign, self._candidates, timed)

    def plan(self, state: LabState, campaign: CampaignState, now_s: float) -> PlannedTimeline:
        """A plan for all open trials, from the campaign's origin; what has begun keeps its binding."""
        whole, standing = self._now(state, campaign, now_s)
        snapshot, tries = _part(whole, standing, begun=campaign.partial)
        known = {(limit.run, limit.window): limit.by_s for limit in campaign.broken}
        planned, source = replan(snapshot, campaign.slots, standing, known, tries)
        if planned.blocked and snapshot.device_free_s:
            # What waits for a device still has its place in the order: the gate keeps it until the device is back.
            hopeful = replace(snapshot, device_free_s={})
            planned, source = replan(hopeful, campaign.slots, standing, known, tries)
        answer = self._answer(state, campaign, snapshot, planned, source)
        return replace(answer, partial=len(snapshot.runs) < len(whole.runs))

    def _learn(self, state: LabState) -> Timed:
        """What was learned changes when a run ends, and only if that makes a difference is anything timed anew."""
        ended = _ended(state)
        over = tuple(run.id for run in ended)
        if over != self._learned_of:
            self._learned_of = over
            learned = learn(ended)
            if learned != self._timed.learned:
                self._timed = Timed(learned)
        return self._timed

    def _answer(
        self,
        state: LabState,
        campaign: CampaignState,
        snapshot: PlanningSnapshot,
        planned: Schedule,
        source: ev.PlanSource,
    ) -> PlannedTimeline:
        choices: dict[str, int] = {}
        true: dict[str, Plan] = {}
        for trial in campaign.ready_trials:
            name = run_id(campaign.spec.campaign, trial.number)
            if name in state.runs:
                true[name] = state.runs[name].plan
            elif name in planned.plans:
                chosen, plans = planned.plans[name], self._candidates(trial)
                timed = (self._timed.plan(plan) for plan in plans)
                choices[name] = next(n for n, plan in enumerate(timed) if plan is chosen)
                true[name] = plans[choices[name]]
        slots = planned.timeline.slots
        placed = {name: plan for name, plan in true.items() if name not in planned.blocked}
        broken = tuple(
            _broken(placed[item.run], item.run, item.window, item.by_s)
            for item in broken_limits(snapshot, placed, slots)
        )
        return PlannedTimeline(slots, choices, source, broken, services=planned.services)


def learned_from(state: LabState) -> Learned:
    """What the newest runs of a state have taught."""
    return learn(_ended(state))


def _ended(state: LabState) -> list[RunState]:
    return [run for run in state.newest_runs(_LEARN_FROM) if not run.open]


def _part(
    snapshot: PlanningSnapshot, standing: Mapping[str, Plan], *, begun: bool
) -> tuple[PlanningSnapshot, int]:
    """Many new runs are placed some at a time; each tries no more candidates than if all that are open were placed at once."""
    new = [run for run in snapshot.runs if run.run not in standing]
    if len(new) <= _MANY and not (begun and new):
        return snapshot, tries_for(len(snapshot.runs))
    now = {run.run for run in new[:_PART]}
    runs = tuple(run for run in snapshot.runs if run.run in standing or run.run in now)
    return replace(snapshot, runs=runs), tries_for(len(snapshot.runs))


def _broken(plan: Plan, run: str, name: str, by_s: float) -> ev.BrokenLimit:
    window = next(window for window in plan.timing if window.name == name)
    first, second = window.from_steps[-1], window.to_steps[0]
    return ev.BrokenLimit(run=run, window=name, by_s=round(by_s, 3), first=first, second=second)


def standing_plans(
    state: LabState, campaign: CampaignState, candidates: Candidates, timed: Timed
) -> dict[str, Plan]:
    """The plan that each run has in the timeline that stands."""
    plans: dict[str, Plan] = {}
    for trial in campaign.ready_trials:
        name = run_id(campaign.spec.campaign, trial.number)
        run = state.runs.get(name)
        if run is not None:
            plans[name] = timed.plan(run.plan, _begun_limits(run))
        elif name in campaign.choices:
            plans[name] = timed.plan(candidates(trial)[campaign.choices[name]])
    return plans


def snapshot_of(
    state: LabState,
    campaign: CampaignState,
    now_s: float,
    candidates: Candidates,
    timed: Timed,
    services: ServiceRules | None = None,
) -> PlanningSnapshot:
    """All that the planner is told; its times count from the campaign's origin."""
    origin = campaign.origin_s
    now = now_s - origin
    out_of_use = {
        name: math.inf for name, device in state.devices.items() if device.state in OUT_OF_USE
    }
    runs: list[RunSnapshot] = []
    for trial in campaign.ready_trials:
        name = run_id(campaign.spec.campaign, trial.number)
        run = state.runs.get(name)
        if run is None:
            plans = tuple(timed.plan(plan) for plan in candidates(trial))
            # A run that waits for one broken device must not lure the next ones to it.
            if out_of_use:
                whole = (p for p in plans if not any(place in out_of_use for place in p.places))
                plans = tuple(whole) or plans
            runs.append(RunSnapshot(run=name, plans=plans))
        elif run.status == "running":
            runs.append(_begun(run, origin, now, timed))
    return PlanningSnapshot(
        now_s=now,
        runs=tuple(runs),
        device_free_s=out_of_use,
        stations_free_s=_held_by_stopping(state, now),
        closed_s={} if services is None else _closed(services, origin, now_s),
        services=None if services is None else services_now(state, services, origin, now_s),
    )


def _closed(
    services: ServiceRules, origin: float, now_s: float
) -> Mapping[str, tuple[tuple[float, float], ...]]:
    """When nobody is there, from now on."""
    spans = services.closed(now_s)
    left = tuple((start - origin, end - origin) for start, end in spans if end > now_s)
    return {OPERATOR: left} if left else {}


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


def _begun_limits(run: RunState) -> frozenset[str]:
    """Limits on time that run already, or will without anything more being decided."""
    return frozenset(
        window.name
        for window in run.plan.timing
        if any(run.steps[path].status != "waiting" for path in window.from_steps)
    )


def _begun(run: RunState, origin: float, now: float, timed: Timed) -> RunSnapshot:
    plan = timed.plan(run.plan, _begun_limits(run))
    finished: dict[str, float] = {}
    running: dict[str, RunningStep] = {}
    for path, step in run.steps.items():
        planned = plan.step(path)
        if step.passed:
            finished[path] = (now + origin if step.ended_s is None else step.ended_s) - origin
        elif step.status == "running":
            start = (now + origin if step.started_s is None else step.started_s) - origin
            end = start + planned.duration_s
            if end <= now:
                end = now + max(_LATE_S, _LATE_SHARE * (now - start))
            running[path] = RunningStep(start, end)
    return RunSnapshot(run=run.id, plans=(plan,), finished=finished, running=running)
