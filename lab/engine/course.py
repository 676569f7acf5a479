"""What a run decides for itself: branches and loop ends, what is skipped by them, and whether times were kept. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.domain import event as ev
from lab.domain.course import TIME_TOLERANCE_S, begin_of, end_of
from lab.engine.holds import excused
from lab.engine.look import Decision

if TYPE_CHECKING:
    from lab.domain import plan as pl
    from lab.domain.course import Course
    from lab.domain.state import RunState
    from lab.engine.look import Look

__all__ = ["decide_courses", "record_timing"]

# -- decisions and what they skip -------------------------------------------------------------------


def decide_courses(look: Look) -> Decision:
    """Decisions whose time has come, and the steps that are skipped by those already taken."""
    events: list[ev.Event] = []
    for run in look.state.open_runs():
        if run.status == "running" and run.plan.decisions:
            course = look.course(run)
            events += _skips(course) or _decisions(look, course)
    return Decision(tuple(events))


def _decisions(look: Look, course: Course) -> list[ev.Event]:
    events: list[ev.Event] = []
    run = course.run
    for decision in run.plan.decisions:
        if decision.path in run.decisions or not course.passed(decision.needs):
            continue
        if course.verdict(decision.when) != "holds":
            continue
        try:
            value = look.context.condition(run.plan, decision.formula, course.outputs)
            why = "a measurement that it needs is missing"
        except (ArithmeticError, KeyError, ValueError, TypeError) as error:
            value, why = None, str(error)
        question = f"'{decision.formula.expression}' ({decision.title})"
        if value is None:
            reason = f"{decision.path}: {question} can't be answered: {why}"
            return [*events, ev.RunStopping(run=run.id, outcome="failed", reason=reason)]
        words = "true" if value else "false"
        events.append(
            ev.DecisionMade(
                run=run.id,
                decision=decision.path,
                value=value,
                detail=f"'{decision.formula.expression}' is {words}",
            )
        )
        if decision.failure and not value:
            events.append(ev.RunStopping(run=run.id, outcome="failed", reason=decision.failure))
            return events
    return events


def _skips(course: Course) -> list[ev.Event]:
    reasons: dict[str, list[str]] = {}
    for path, decision in course.excluded().items():
        value = course.run.decisions.get(decision)
        if value is None:
            reason = f"{decision} was never to be decided"
        else:
            reason = f"{decision} was decided with {'yes' if value else 'no'}"
        reasons.setdefault(reason, []).append(path)
    return [
        ev.StepsSkipped(run=course.run.id, steps=tuple(steps), reason=reason)
        for reason, steps in reasons.items()
    ]


# -- time windows -----------------------------------------------------------------------------------


def record_timing(look: Look) -> Decision:
    """Windows whose two marks have become known, with what follows where a limit was broken."""
    events: list[ev.Event] = []
    for run in look.state.open_runs():
        if run.status != "running":
            continue
        for window in run.plan.timing:
            if window.name not in run.timing and (
                found := _timing(run, window, excused=excused(look, run, window.name))
            ):
                events += found
                if isinstance(found[-1], ev.RunStopping):
                    break
    return Decision(tuple(events))


def _timing(run: RunState, window: pl.TimeWindow, *, excused: bool) -> list[ev.Event]:
    begin, end = begin_of(run, window), end_of(run, window)
    if begin is None or end is None:
        return []
    lag = end - begin
    slacks = [
        *([] if window.less_than_s is None else [window.less_than_s - lag]),
        *([] if window.more_than_s is None else [lag - window.more_than_s]),
    ]
    slack = min(slacks, default=None)
    kept = slack is None or slack >= -TIME_TOLERANCE_S
    recorded = ev.TimingRecorded(
        run=run.id,
        window=window.name,
        lag_s=round(lag, 3),
        less_than_s=window.less_than_s,
        more_than_s=window.more_than_s,
        slack_s=None if slack is None else round(slack, 3),
        kept=kept,
        promised_s=round(run.promised[window.name], 3) if window.name in run.promised else None,
    )
    if kept:
        return [recorded]
    reason = f"{window.name} took {lag:.1f} s; {_limits(window)}"
    flagged = ev.SampleFlagged(run=run.id, step="", flag="timing", reason=reason)
    if excused or window.on_violation == "flag":
        return [recorded, flagged]
    outcome = "aborted" if window.on_violation == "scrap" else "failed"
    return [recorded, flagged, ev.RunStopping(run=run.id, outcome=outcome, reason=reason)]


def _limits(window: pl.TimeWindow) -> str:
    low = "" if window.more_than_s is None else f"at least {window.more_than_s:g} s"
    high = "" if window.less_than_s is None else f"at most {window.less_than_s:g} s"
    return f"{' and '.join(part for part in (low, high) if part)} are due"
