"""How runs end: failed steps, holds, quality and results, and the safe-state steps of those that end badly. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.domain import event as ev
from lab.domain.ids import hold_id
from lab.domain.stations import left_full, safe_steps
from lab.engine.gate import next_safe_step
from lab.engine.look import Decision
from lab.plan.control_chart import (
    WARNING_RULES,
    broken_rules,
    deviation,
    instruments,
    meaning,
)

if TYPE_CHECKING:
    from lab.domain.course import Course
    from lab.domain.plan import QualityCheck
    from lab.domain.state import LabState, RunState
    from lab.engine import messages as msg
    from lab.engine.look import Look

__all__ = ["end_runs"]


def end_runs(look: Look) -> Decision:
    """What a run's failed steps lead to, its results when all is done, and its orderly end when it is stopping."""
    events: list[ev.Event] = []
    effects: list[msg.Effect] = []
    wakes: list[float] = []
    for run in look.state.open_runs():
        course = look.course(run)
        if run.status == "running":
            events += _after_failures(look, course) or _finish_or_stop(look, course)
        elif not course.running and not (look.state.mode == "safe" and _has_more(look, run)):
            starts = next_safe_step(look, run)
            events += starts.events
            effects += starts.effects
            if starts.wake_s is not None:
                wakes.append(starts.wake_s)
            if starts.finished:
                events += _finish_badly(look.state, run)
            if starts.events:
                # What it takes (a device, a place) is taken for the next run, which must see it.
                break
    return Decision(tuple(events), tuple(effects), min(wakes, default=None))


def _has_more(look: Look, run: RunState) -> bool:
    """Is there still something to do or to ask before the run's end? Not while the lab is safe: it waits for re-arming."""
    steps = (run.steps[planned.path] for planned in safe_steps(run))
    return any(step.status == "waiting" for step in steps) or bool(left_full(look.state, run))


def _finish_badly(state: LabState, run: RunState) -> list[ev.Event]:
    """The end; but not before a person has seen to what may still be in a place that the next sample would enter."""
    left = left_full(state, run)
    if not left:
        return [ev.RunFinished(run=run.id, outcome=run.ending or "failed", reason=run.reason)]
    places, path = ", ".join(left), next(iter(left.values()))
    # What was tried again in vain is asked about anew.
    tries = sum(run.steps[s.path].attempt for s in safe_steps(run))
    name = hold_id(run.id, path, tries, f"left in {places}")
    if name in state.questions:
        return []
    failed = [run.steps[s.path] for s in safe_steps(run) if run.steps[s.path].status == "failed"]
    why = "".join(f"; {step.path} failed ({step.error})" for step in failed)
    return [
        ev.QuestionAsked(
            question=name,
            command="",
            run=run.id,
            step=path,
            text=(
                f"{run.id} has ended badly ({run.reason}) and has left something in {places}, where step {path} "
                f"brought it{why}. No sample enters there before it is empty. Is it?"
            ),
            choices=("emptied", "try_again")
            if failed and all(_may_retry(state, run, step.path) for step in failed)
            else ("emptied",),
        )
    ]


# -- failed steps -----------------------------------------------------------------------------------


def _after_failures(look: Look, course: Course) -> list[ev.Event]:
    events: list[ev.Event] = []
    run = course.run
    for path in course.failed:
        error = run.steps[path].error
        match run.plan.step(path).on_failure:
            case "fail":
                reason = f"step {path}: {error}"
                return [ev.RunStopping(run=run.id, outcome="failed", reason=reason)]
            case "skip":
                events += [
                    ev.StepsSkipped(run=run.id, steps=(path,), reason=f"it failed: {error}"),
                    ev.SampleFlagged(run=run.id, step=path, flag="skipped", reason=error),
                ]
            case "hold":
                if look.state.mode in ("running", "paused"):
                    events += _question(look.state, run, path)
    return events


def _question(state: LabState, run: RunState, path: str) -> list[ev.Event]:
    step = run.steps[path]
    name = hold_id(run.id, path, step.attempt, "failed")
    if name in state.questions:
        return []
    return [
        ev.QuestionAsked(
            question=name,
            command="",
            run=run.id,
            step=path,
            text=f"{run.id} is held: step {path} failed ({step.error}). How does it go on?",
            choices=("retry", "skip", "abort")
            if _may_retry(state, run, path)
            else ("skip", "abort"),
        )
    ]


def _may_retry(state: LabState, run: RunState, path: str) -> bool:
    """What acts once, and has acted at least in part, is not done again on anybody's word."""
    if run.plan.step(path).effect != "once":
        return True
    entry = state.commands.get(run.steps[path].command)
    return entry is None or entry.status in ("refused", "failed_no_effect", "settled_not_done")


# -- the end of the main steps ----------------------------------------------------------------------


def _finish_or_stop(look: Look, course: Course) -> list[ev.Event]:
    run, state = course.run, look.state
    held = any(question.step and question.run == run.id for question in state.questions.values())
    if course.complete and not held:
        return _finish(look, course)
    if state.mode == "safe" or (state.mode == "stopping" and not course.acting):
        verb = "made safe" if state.mode == "safe" else "stopped"
        why = f": {state.mode_reason}" if state.mode_reason else ""
        reason = f"{verb} by {state.mode_actor}{why}"
        return [ev.RunStopping(run=run.id, outcome="aborted", reason=reason)]
    return []


def _finish(look: Look, course: Course) -> list[ev.Event]:
    run = course.run
    try:
        events, failure = _quality(look, course)
        results = look.context.results(run.plan, course.outputs)
    except (ArithmeticError, KeyError, ValueError, TypeError) as error:
        reason = f"the results can't be computed: {error}"
        return [ev.RunStopping(run=run.id, outcome="failed", reason=reason)]
    missing = [spec.name for spec in run.plan.results if spec.required and spec.name not in results]
    if missing:
        failure = failure or (
            f"the results can't be computed: {', '.join(missing)} depends on what was not measured"
        )
    if failure:
        return [*events, ev.RunStopping(run=run.id, outcome="failed", reason=failure)]
    return [*events, ev.RunFinished(run=run.id, outcome="succeeded", results=dict(results))]


def _quality(look: Look, course: Course) -> tuple[list[ev.Event], str]:
    """What the standards, blanks and replicates showed, and why the run has failed by it ("" if it has not)."""
    run = course.run
    checks = {check.name: check for check in run.plan.quality}
    events: list[ev.Event] = []
    failure = ""
    for outcome in look.context.quality(run.plan, course.outputs) if checks else ():
        check = checks[outcome.name]
        events.append(
            ev.QualityRecorded(
                run=run.id,
                name=outcome.name,
                check=check.kind,
                value=outcome.value,
                unit=outcome.unit,
                expected=outcome.expected,
                accepted=outcome.accepted,
                detail=outcome.detail,
            )
        )
        found: list[tuple[str, bool]] = []
        if not outcome.accepted:
            found.append((outcome.detail or "not accepted", True))
        elif outcome.value is not None:
            found += _chart(look, run, check, outcome.value)
        for detail, grave in found:
            reason = f"{check.kind} {outcome.name}: {detail}"
            events.append(ev.SampleFlagged(run=run.id, step="", flag="quality", reason=reason))
            if grave and check.on_failure == "fail" and not failure:
                failure = reason
    return events, failure


def _chart(look: Look, run: RunState, check: QualityCheck, value: float) -> list[tuple[str, bool]]:
    """What the row of a standard's results on these instruments shows, and whether it is more than a warning."""
    if not check.control_rules:
        return []
    here = instruments(run.plan, check)
    row: list[float] = []
    ended = sorted(
        look.state.runs.values(),
        key=lambda item: look.now_s if item.ended_s is None else item.ended_s,
    )
    for other in ended:
        earlier = other.quality.get(check.name)
        if other.id == run.id or earlier is None or earlier.value is None:
            continue
        if other.plan.sop_id != run.plan.sop_id:
            continue
        before = next((item for item in other.plan.quality if item.name == check.name), None)
        same = before is not None and (before.unit, before.certified_value) == (
            check.unit,
            check.certified_value,
        )
        if same and before is not None and instruments(other.plan, before) == here:
            row.append(deviation(check, earlier.value))
    row.append(deviation(check, value))
    return [
        (f"control rule {rule}, {meaning(rule)}", rule not in WARNING_RULES)
        for rule in broken_rules(row, check.control_rules)
    ]
