"""What a run's events change: its steps, tasks, decisions and findings, and whether the timeline still holds. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.domain import event as ev
from lab.domain.course import promises, tolerance_s
from lab.domain.replacing import replace
from lab.domain.shelf import put
from lab.domain.state import Flag, LabState, RunState, StepState, Task

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = [
    "began",
    "reduce_finding",
    "reduce_run",
    "reduce_step",
    "reduce_task",
    "stale",
    "with_step",
]


def with_step(state: LabState, run: RunState, step: StepState) -> LabState:
    """The state with another step in a run."""
    run = replace(run, steps={**run.steps, step.path: step})
    return replace(state, runs=put(state.runs, run.id, run))


def began(state: LabState, run: RunState, step: StepState) -> LabState:
    """The state with an attempt of a step under way, and what the timeline promises with it."""
    campaign = state.campaigns.get(run.campaign)
    if run.plan.timing and campaign is not None:
        run = replace(run, promised={**run.promised, **promises(run, step.path, campaign.places)})
    return with_step(state, run, step)


def stale(state: LabState, campaign: str) -> LabState:
    """The state, its timeline no longer true."""
    entry = state.campaigns.get(campaign)
    if entry is None or entry.plan_stale:
        return state
    return replace(state, campaigns=put(state.campaigns, campaign, replace(entry, plan_stale=True)))


def reduce_step(
    state: LabState, event: ev.StepSucceeded | ev.StepFailed | ev.StepsSkipped, at_s: float
) -> LabState:
    """A step ended, or several will never begin."""
    if isinstance(event, ev.StepsSkipped):
        return _skipped(state, event, at_s)
    run = state.runs[event.run]
    step = run.steps[event.step]
    match event:
        case ev.StepSucceeded():
            step = replace(
                step, status="succeeded", ended_s=at_s, outputs=dict(event.outputs), error=""
            )
        case ev.StepFailed(retry=True):
            step = replace(
                step,
                status="waiting",
                retries=step.retries + (1 if event.counts else 0),
                not_before_s=at_s + event.retry_delay_s,
                error=event.error,
            )
        case ev.StepFailed():
            step = replace(step, status="failed", ended_s=at_s, error=event.error)
    state = _without_tasks(with_step(state, run, step), {step.task})
    if isinstance(event, ev.StepSucceeded) and _as_planned(state, run, event.step, at_s):
        return state
    return stale(state, run.campaign)


def _skipped(state: LabState, event: ev.StepsSkipped, at_s: float) -> LabState:
    run = state.runs[event.run]
    steps = dict(run.steps)
    for path in event.steps:
        steps[path] = replace(steps[path], status="skipped", ended_s=at_s)
    run = replace(run, steps=steps)
    return stale(replace(state, runs=put(state.runs, run.id, run)), run.campaign)


def reduce_task(
    state: LabState, event: ev.TaskAsked | ev.TaskAnswered | ev.TaskWitnessed, at_s: float
) -> LabState:
    """A person was asked, or spoke."""
    if isinstance(event, ev.TaskAsked):
        run = state.runs[event.run]
        step = run.steps[event.step]
        step = replace(
            step,
            status="running",
            attempt=event.attempt,
            task=event.task,
            started_s=at_s if step.started_s is None else step.started_s,
            ended_s=None,
            error="",
        )
        tasks = {**state.tasks, event.task: Task(event, at_s)}
        return replace(began(state, run, step), tasks=tasks)
    task = state.tasks[event.task]
    match event:
        case ev.TaskAnswered():
            task = replace(task, answer=event)
        case ev.TaskWitnessed():
            task = replace(task, witness=event.actor)
    return replace(state, tasks={**state.tasks, event.task: task})


def _without_tasks(state: LabState, names: Collection[str]) -> LabState:
    if not any(name in state.tasks for name in names):
        return state
    left = {name: task for name, task in state.tasks.items() if name not in names}
    return replace(state, tasks=left)


def reduce_finding(
    state: LabState,
    event: ev.DecisionMade | ev.SampleFlagged | ev.TimingRecorded | ev.QualityRecorded,
) -> LabState:
    """What became known about a run as a whole."""
    run = state.runs[event.run]
    match event:
        case ev.DecisionMade():
            run = replace(run, decisions={**run.decisions, event.decision: event.value})
        case ev.SampleFlagged():
            run = replace(run, flags=(*run.flags, Flag(event.flag, event.step, event.reason)))
        case ev.TimingRecorded():
            run = replace(run, timing={**run.timing, event.window: event})
        case ev.QualityRecorded():
            run = replace(run, quality={**run.quality, event.name: event})
    return replace(state, runs=put(state.runs, run.id, run))


def _as_planned(state: LabState, run: RunState, path: str, at_s: float) -> bool:
    """Did the step end near enough to its slot that the timeline still tells the truth?"""
    campaign = state.campaigns.get(run.campaign)
    if campaign is None:
        return True
    slot = campaign.places.get((run.id, path))
    return slot is not None and abs(at_s - campaign.origin_s - slot.end_s) <= tolerance_s(slot)


def reduce_run(
    state: LabState, event: ev.RunStarted | ev.RunStopping | ev.RunFinished, at_s: float
) -> LabState:
    """A run began, is being ended, or has ended."""
    match event:
        case ev.RunStarted():
            steps = {step.path: StepState(step.path) for step in event.plan.steps}
            run = RunState(
                event.run, event.campaign, event.trial, event.plan, "running", steps, at_s
            )
        case ev.RunStopping():
            state = _dismiss(state, event.run, at_s, safe_state=False)
            run = replace(
                state.runs[event.run], status="stopping", ending=event.outcome, reason=event.reason
            )
        case ev.RunFinished():
            state = _dismiss(state, event.run, at_s, safe_state=True)
            # Nobody asks any more how its commands ended; what is still open stays until it is known.
            left = {
                key: c for key, c in state.commands.items() if c.open or c.command.run != event.run
            }
            state = replace(state, commands=left)
            run = replace(
                state.runs[event.run],
                status=event.outcome,
                reason=event.reason,
                ended_s=at_s,
                results=dict(event.results),
            )
    state = replace(state, runs=put(state.runs, event.run, run))
    if isinstance(event, ev.RunStarted):
        campaign = state.campaigns[event.campaign]
        trial = replace(campaign.trials[event.trial], run=event.run)
        campaign = replace(campaign, trials={**campaign.trials, event.trial: trial})
        return replace(state, campaigns=put(state.campaigns, event.campaign, campaign))
    return stale(state, run.campaign)


def _dismiss(state: LabState, name: str, at_s: float, *, safe_state: bool) -> LabState:
    """Nobody is asked any more for a run that is being ended, except (until its end) for its safe-state steps."""
    run = state.runs[name]
    questions = {
        key: question
        for key, question in state.questions.items()
        if not (question.step and question.run == name)
    }
    steps, closed = dict(run.steps), set[str]()
    for key, task in state.tasks.items():
        asked = task.asked
        if asked.run == name and (safe_state or not run.plan.step(asked.step).safe_state):
            closed.add(key)
            why = "withdrawn: the run was ended"
            steps[asked.step] = replace(steps[asked.step], status="failed", ended_s=at_s, error=why)
    run = replace(run, steps=steps)
    state = replace(state, questions=questions, runs=put(state.runs, name, run))
    return _without_tasks(state, closed)
