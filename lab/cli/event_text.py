"""Events of a run's course in words, for those who follow it live. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.domain import event as ev

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import JsonValue

__all__ = ["answers_text", "course_text", "event_text", "plan_text"]


def event_text(event: ev.Event) -> str:
    """Any event on one line: in words where it belongs to a run's course, as its fields otherwise."""
    words = course_text(event) or _context_text(event) or _device_text(event) or plan_text(event)
    if words:
        return words
    fields = event.model_dump(mode="json").items()
    plain = [f"{k}={v}" for k, v in fields if isinstance(v, str | int | float) and v != ""]
    return ", ".join(text for text in plain if not text.startswith("kind="))


def _context_text(event: ev.Event) -> str:
    """What is told of factors that nobody chooses, or waited for."""
    match event:
        case ev.ContextTold(told=told):
            value = told.value if isinstance(told.value, str) else f"{told.value:.6g}"
            why = f" ({told.reason})" if told.reason else ""
            return f"{event.campaign} {event.factor} is {value}, by {told.source}{why}"
        case ev.ContextAwaited():
            return f"{event.campaign} proposes nothing: {event.detail}"
        case _:
            return ""


def _device_text(event: ev.Event) -> str:
    """What devices were asked, did and gave."""
    match event:
        case ev.CommandIntended(command=command):
            again = f", try {command.attempt}" if command.attempt > 1 else ""
            given = answers_text(command.args)
            return f"{command.run} {command.step}: {command.device} {command.action}{f' ({given})' if given else ''}{again}"
        case ev.CommandEnded(outcome=outcome):
            gave = outcome.error or answers_text(outcome.outputs)
            return f"{event.device} {outcome.result}{f': {gave}' if gave else ''}"
        case ev.InterlockChanged():
            return f"interlock {event.interlock} {event.state}: {event.detail}"
        case ev.CancelAsked():
            why = f": {event.reason}" if event.reason else ""
            return f"{event.actor} has {event.run} {event.step} stopped at {event.device}{why}; not confirmed yet"
        case ev.CancelSettled():
            return f"{event.run} {event.step} at {event.device}: {event.outcome.replace('_', ' ')}"
        case _:
            return ""


def plan_text(event: ev.Event) -> str:
    """A new plan, or what became of one that was looked for; "" for other events."""
    match event:
        case ev.PlanJudged(adopted=True):
            return (
                f"{event.campaign} follows a better plan, from {event.source}: the samples end "
                f"{_earlier(event.gain_s)} in all, by their weight; the last one {_earlier(event.makespan_gain_s)}"
            )
        case ev.PlanJudged():
            return f"{event.campaign} drops a plan from {event.source}: {event.reason}"
        case ev.TimelinePlanned():
            limits = f"; limits not kept: {len(event.broken)}" if event.broken else ""
            part = "; more samples get a place next" if event.partial else ""
            return f"{event.campaign} {event.reason}, from {event.source}{limits}{part}"
        case _:
            return ""


def _earlier(seconds: float) -> str:
    return f"{abs(seconds):.0f} s {'later' if seconds < 0 else 'earlier'}"


def course_text(event: ev.Event) -> str:
    """What a run decided, skipped, asked of people and found out of order; "" for other events."""
    match event:
        case ev.DecisionMade():
            return f"{event.run} {event.decision}: {event.detail}"
        case ev.StepsSkipped():
            return f"{event.run} skips {', '.join(event.steps)}: {event.reason}"
        case ev.SampleFlagged():
            where = f", step {event.step}" if event.step else ""
            return f"{event.run} flagged ({event.flag}{where}): {event.reason}"
        case ev.TaskAsked():
            return f"TASK {event.task}: {event.prompt} ({event.run}); see lab status"
        case ev.TaskAnswered(failed=True):
            return f"{event.actor} could not do {event.task} ({event.run}): {event.reason}"
        case ev.TaskAnswered():
            said = answers_text(event.answers)
            return f"{event.actor} did {event.task} ({event.run}){f': {said}' if said else ''}"
        case ev.TaskWitnessed():
            return f"{event.actor} witnessed {event.task} ({event.run})"
        case ev.TimingRecorded():
            return f"{event.run} window {event.window} {_kept(event)}"
        case ev.HoldJudged():
            return f"{event.run} {_hold(event)}"
        case ev.QualityRecorded():
            verdict = "accepted" if event.accepted else "not accepted"
            return f"{event.run} {event.check} {event.name} {verdict}: {event.detail}"
        case ev.QuestionAsked():
            return f"QUESTION {event.question}: {event.text}"
        case ev.QuestionAnswered():
            why = f" ({event.reason})" if event.reason else ""
            return f"{event.actor} answered {event.question}: {event.answer}{why}"
        case ev.RunStopping():
            return f"{event.run} is being ended ({event.outcome}): {event.reason}"
        case ev.RunFinished():
            return f"{event.run} {event.outcome}{f': {event.reason}' if event.reason else ''}"
        case _:
            return ""


def _hold(event: ev.HoldJudged) -> str:
    limit = f"limit {event.window} ({event.first} to {event.second})"
    match event.state:
        case "safe":
            return f"{limit} is no longer in danger"
        case "excused":
            return f"{limit} is broken; the sample is {event.reason}"
        case "hopeless":
            return f"{limit} is hopeless, by {event.by_s:.0f} s: {event.reason}"
        case "endangered":
            due = f"; due by {event.until:%H:%M:%S}" if event.until else ""
            return f"{limit} is in danger: {event.reason}{due}"


def _kept(event: ev.TimingRecorded) -> str:
    if event.slack_s is None:
        return f"took {event.lag_s:g} s"
    if event.kept:
        return f"kept: {event.lag_s:g} s, {event.slack_s:g} s to spare"
    return f"BROKEN by {-event.slack_s:g} s: it took {event.lag_s:g} s"


def answers_text(answers: Mapping[str, JsonValue], units: Mapping[str, str] | None = None) -> str:
    """`room = 22.5 degC, clear = yes`; units by field."""
    own = units or {}
    return ", ".join(
        f"{name} = {_shown(value)} {own.get(name, '')}".rstrip() for name, value in answers.items()
    )


def _shown(value: JsonValue) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
