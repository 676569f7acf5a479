"""Why does nothing happen here? What each waiting step waits for, and since when. Pure.

The engine decides when a step starts; this module explains the decision from the same state, in the order in
which a person would look: the lab's mode, a question, a retry, the device, the station, the plan.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.domain.course import Course, earliest_start
from lab.domain.holds import devices_away
from lab.domain.run import OPERATOR
from lab.domain.stations import held_since, safe_steps

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lab.control.document import WaitKind
    from lab.domain.plan import PlannedStep
    from lab.domain.state import DeviceStatus, LabState, RunState, Task

__all__ = ["Wait", "run_waits", "station_holders", "step_title"]

_READY = ("ready", "unknown")
"""Device states that hold nothing back (`unknown`: nothing heard yet, the engine will try)."""


@dataclass(frozen=True, slots=True)
class Wait:
    """A step that does not go on, the reason in words, and since when; process seconds since the Unix epoch."""

    run: str
    step: str
    device: str
    kind: WaitKind
    text: str
    since_s: float


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A step that could start now as far as its own run is concerned."""

    run: str
    step: str
    device: str
    action: str
    claims: tuple[str, ...]
    ready_s: float
    not_before_s: float = 0.0
    error: str = ""
    safe_state: bool = False


def step_title(state: LabState, run: str, step: str) -> str:
    """The step's title as the SOP gives it; its path where the run has not started."""
    entry = state.runs.get(run)
    if entry is None:
        return step
    return next((s.title for s in entry.plan.steps if s.path == step), step)


def run_waits(state: LabState, now_s: float) -> dict[str, tuple[Wait, ...]]:
    """Run -> what its steps wait for, for open runs and for planned ones that have not started."""
    holders = station_holders(state)
    found: dict[str, tuple[Wait, ...]] = {}
    for run in state.open_runs():
        waits = [*_unsettled(state, run)]
        waits += [_explain(state, step, holders, now_s) for step in _ready_steps(run)]
        if waits:
            found[run.id] = tuple(waits)
    for step in _first_planned(state):
        found[step.run] = (_explain(state, step, holders, now_s),)
    return found


def station_holders(state: LabState) -> dict[str, tuple[str, float]]:
    """Station -> (run that holds it, since when)."""
    return {
        station: (run.id, since_s)
        for run in state.open_runs()
        for station, since_s in held_since(run).items()
    }


def _ready_steps(run: RunState) -> Iterator[_Candidate]:
    """Steps of a run that nothing within the run holds back: needs done, or safe-state steps of an ending run."""
    ending = run.status == "stopping"
    course = Course(run)
    if ending and course.running:
        return
    candidates = safe_steps(run) if ending else [run.plan.step(path) for path in course.waiting]
    for planned in candidates:
        step = run.steps[planned.path]
        if step.status != "waiting" or not course.passed(planned.needs):
            continue
        if not course.holds(planned.when):
            continue
        ends = [run.steps[need].ended_s for need in planned.needs]
        yield _Candidate(
            run.id,
            planned.path,
            planned.device,
            planned.action,
            _stations(run, planned),
            max((end for end in ends if end is not None), default=run.started_s),
            step.not_before_s,
            step.error,
            planned.safe_state,
        )


def _stations(run: RunState, planned: PlannedStep) -> tuple[str, ...]:
    return tuple(claim for claim in planned.claims if claim in run.plan.stations)


def _first_planned(state: LabState) -> Iterator[_Candidate]:
    """The first step of each run that is in the timeline and has not started."""
    campaign = state.active_campaign
    if campaign is None:
        return
    seen: set[str] = set()
    for slot in sorted(campaign.slots, key=lambda slot: slot.start_s):
        if slot.run not in state.runs and slot.run not in seen:
            seen.add(slot.run)
            yield _Candidate(slot.run, slot.step, slot.device, "", slot.claims, campaign.origin_s)


def _unsettled(state: LabState, run: RunState) -> Iterator[Wait]:
    """Steps that do not go on: a question is open, a person is asked, or the outcome is not known."""
    asked = {question.command: question for question in state.questions.values()}
    for question in state.questions.values():
        if question.step and question.run == run.id:
            text = f"a person's answer: {question.text}"
            device = run.plan.step(question.step).device
            yield Wait(run.id, question.step, device, "question", text, question.since_s)
    for step in run.steps.values():
        if step.status != "running":
            continue
        task = state.tasks.get(step.task)
        if task is not None and task.asked.step == step.path:
            yield _asked(task)
            continue
        command = state.commands.get(step.command)
        if command is None:
            continue
        device = command.command.device
        question = asked.get(step.command)
        if question is not None:
            text = f"a person's answer: {question.text}"
            yield Wait(run.id, step.path, device, "question", text, question.since_s)
        elif command.status == "unknown":
            text = f"word from {device} of what became of the command ({command.reason})"
            yield Wait(run.id, step.path, device, "unknown", text, command.intended_s)


def _asked(task: Task) -> Wait:
    asked = task.asked
    if task.answer is None:
        text = f"somebody to do it: {asked.prompt}"
    else:
        text = f"a witness to what {task.answer.actor} answered: {asked.prompt}"
    return Wait(asked.run, asked.step, OPERATOR, "person", text, task.since_s)


def _explain(
    state: LabState, step: _Candidate, holders: dict[str, tuple[str, float]], now_s: float
) -> Wait:
    def wait(kind: WaitKind, text: str, since_s: float) -> Wait:
        return Wait(step.run, step.step, step.device, kind, text, max(since_s, step.ready_s))

    by = f"{state.mode_actor}{f' ({state.mode_reason})' if state.mode_reason else ''}"
    if state.mode == "safe":
        return wait("safe", f"re-arming: the lab was made safe by {by}", state.mode_since_s)
    if not step.safe_state:  # those run in every other mode
        match state.mode:
            case "stopping":
                return wait(
                    "stopping",
                    f"nothing: the campaign is being stopped by {by}",
                    state.mode_since_s,
                )
            case "paused":
                return wait("paused", f"resuming: paused by {by}", state.mode_since_s)
            case "running":
                pass
    if step.not_before_s > now_s:
        text = f"its retry in {step.not_before_s - now_s:.0f} s, after: {step.error}"
        return wait("retry", text, step.ready_s)
    held = next((q for q in state.questions.values() if q.run == step.run and q.holds_run), None)
    if held is not None and not step.safe_state:
        return wait("question", f"a person's answer: {held.text}", held.since_s)
    if step.device == OPERATOR and any(t.asked.run == step.run for t in state.tasks.values()):
        return wait("person", "its turn: the run asks for one thing at a time", step.ready_s)
    device = state.devices.get(step.device)
    if device is not None and device.state not in _READY:
        why = f" ({device.detail})" if device.detail else ""
        return wait("device", f"{step.device}, which is {device.state}{why}", device.since_s)
    served = _served(state, step, now_s, wait)
    if served is not None:
        return served
    away = _away_from_limit(state, step)
    if away is not None:
        why = f"{away.name}, which is {away.state}: a longest time that runs from here could not be kept"
        return wait("device", why, away.since_s)
    for command in state.open_commands():
        other = command.command
        if other.device == step.device and (other.run, other.step) != (step.run, step.step):
            title = step_title(state, other.run, other.step)
            return wait(
                "busy", f"{step.device}, busy with run {other.run}: {title}", command.intended_s
            )
    lock = None if step.device == OPERATOR else state.interlocked(step.device, step.action)
    if lock is not None:
        why = f" ({lock.changed.reason})" if lock.changed.reason else ""
        text = f"the interlock {lock.changed.interlock}: {lock.changed.detail}{why}"
        return wait("interlock", text, lock.since_s)
    for claim in step.claims:
        holder, since_s = holders.get(claim, ("", 0.0))
        if holder and holder != step.run:
            return wait("station", f"{claim}, held by run {holder}", since_s)
    return _planned(state, step, now_s, wait)


def _served(state: LabState, step: _Candidate, now_s: float, wait: _Waiter) -> Wait | None:
    """A person who is at the device, or who must have been there before this step."""
    campaign = state.active_campaign
    for slot in () if campaign is None else campaign.services:
        entry = state.services.get(slot.service)
        if entry is not None and entry.question and step.device in slot.devices:
            text = f"somebody to say that it is done: {slot.task} (question {entry.question})"
            return wait("person", text, entry.since_s)
        if campaign is not None and (slot.run, slot.step) == (step.run, step.step):
            ahead_s = campaign.origin_s + slot.start_s - now_s
            when = f", planned in {ahead_s:.0f} s" if ahead_s > 0 else ""
            return wait("person", f"somebody to {slot.task} first{when}", step.ready_s)
    return None


def _away_from_limit(state: LabState, step: _Candidate) -> DeviceStatus | None:
    """A device that is out of use and that a limit on time, which this step begins, needs to be kept."""
    run = state.runs.get(step.run)
    if run is None or step.safe_state:
        return None
    for window in run.plan.timing:
        if window.less_than_s is not None and step.step in window.from_steps:
            for status in devices_away(run, window.to_steps[0], state.devices).values():
                return status
    return None


def _planned(state: LabState, step: _Candidate, now_s: float, wait: _Waiter) -> Wait:
    campaign = state.active_campaign
    slots = () if campaign is None else campaign.slots
    origin_s = 0.0 if campaign is None else campaign.origin_s
    slot = next((s for s in slots if (s.run, s.step) == (step.run, step.step)), None)
    if slot is None:
        return wait("engine", "the engine, which has not planned it yet", step.ready_s)
    for other in slots:
        before = (
            other.device == slot.device and other.start_s < slot.start_s and other.run != slot.run
        )
        run = state.runs.get(other.run)
        if before and (run is None or (run.open and run.steps[other.step].status == "waiting")):
            title = step_title(state, other.run, other.step)
            return wait(
                "plan",
                f"its turn: {slot.device} serves run {other.run} first ({title})",
                step.ready_s,
            )
    entry = state.runs.get(step.run)
    if entry is not None:
        rest_s = earliest_start(entry, step.step, 0.0) - now_s
        if rest_s > 0:
            return wait(
                "plan", f"the rest that its time window asks for, {rest_s:.0f} s", step.ready_s
            )
    ahead_s = origin_s + slot.start_s - now_s
    if ahead_s > 0:
        return wait("plan", f"its planned start in {ahead_s:.0f} s", step.ready_s)
    return wait("engine", "the engine, which is about to start it", step.ready_s)


if TYPE_CHECKING:
    from typing import Protocol

    class _Waiter(Protocol):
        def __call__(self, kind: WaitKind, text: str, since_s: float) -> Wait: ...
