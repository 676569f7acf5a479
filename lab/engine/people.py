"""What people say, judged: answers to questions and tasks, and the word of a witness. Pure.

Every judgement is (accepted, the answer in words, the facts that follow).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from lab.domain import event as ev
from lab.domain.answers import AnswerError, read_answers
from lab.domain.command import Settlement
from lab.domain.reduce_service import DONE
from lab.domain.stations import safe_steps
from lab.engine.holds import hold_asked

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import JsonValue

    from lab.domain.state import LabState, Question, Task
    from lab.engine import messages as msg

__all__ = ["SETTLE_CHOICES", "Judgement", "judge_answer", "judge_witness"]

SETTLE_CHOICES = ("done", "not_done", "partial", "discarded")
"""What a person may answer about a command whose outcome is unknown."""

Judgement = tuple[bool, str, list[ev.Event]]

_VERDICTS: dict[str, Literal["done", "not_done", "partial", "unknown"]] = {
    "done": "done",
    "not_done": "not_done",
    "partial": "partial",
    "discarded": "unknown",
}


def judge_answer(state: LabState, message: msg.Requested) -> Judgement:
    """An answer to an open question (`answer`: one of its choices) or task (`answers`: field -> value)."""
    name = str(message.args.get("question", ""))
    task = state.tasks.get(name)
    if task is not None:
        return _judge_task(task, message)
    question = state.questions.get(name)
    if question is None:
        return False, f"there is no open question or task '{name}'", []
    answer = str(message.args.get("answer", ""))
    if answer not in question.choices:
        return False, f"answer with one of: {', '.join(question.choices)}", []
    if question.service and answer != DONE and not message.reason.strip():
        return False, "say in the reason why it could not be done", []
    facts: list[ev.Event] = [
        ev.QuestionAnswered(
            question=name,
            answer=answer,
            actor=message.actor,
            reason=message.reason,
            simulated=message.simulated,
        )
    ]
    judged = hold_asked(state, question)
    if judged is not None:
        facts.append(_after_hopeless(judged, answer, message))
    elif question.step:
        facts += _after_hold(state, question, answer, message)
    entry = state.commands.get(question.command)
    if entry is not None and entry.status == "unknown":
        facts.append(
            ev.CommandSettled(
                command=question.command,
                device=entry.command.device,
                settlement=Settlement(verdict=_VERDICTS[answer], detail=message.reason),
                by="person",
                actor=message.actor,
            )
        )
    return True, f"recorded: {answer}", facts


def _after_hopeless(judged: ev.HoldJudged, answer: str, message: msg.Requested) -> ev.Event:
    by = f"by {message.actor}{f': {message.reason}' if message.reason else ''}"
    if answer == "continue":
        return judged.model_copy(update={"state": "excused", "reason": f"let go on {by}"})
    return ev.RunStopping(
        run=judged.run, outcome="aborted", reason=f"{judged.reason}; given up {by}"
    )


def _after_hold(
    state: LabState, question: Question, answer: str, message: msg.Requested
) -> list[ev.Event]:
    run = state.runs[question.run]
    step = run.steps[question.step]
    by = f"by {message.actor}{f': {message.reason}' if message.reason else ''}"
    match answer:
        case "retry":
            return [
                ev.StepFailed(
                    run=run.id,
                    step=step.path,
                    attempt=step.attempt,
                    error=step.error,
                    retry=True,
                    counts=False,
                )
            ]
        case "skip":
            reason = f"{step.error}; skipped {by}"
            return [
                ev.StepsSkipped(run=run.id, steps=(step.path,), reason=reason),
                ev.SampleFlagged(run=run.id, step=step.path, flag="skipped", reason=reason),
            ]
        case "abort":
            # A step that failed has failed the run; of a value beyond its limits the person ends it.
            outcome = "aborted" if question.holds_run else "failed"
            why = f"step {step.path}: {step.error}; " if step.error else f"after step {step.path}: "
            return [ev.RunStopping(run=run.id, outcome=outcome, reason=f"{why}ended {by}")]
        case "emptied":
            ending = run.ending or "failed"
            return [
                ev.RunFinished(run=run.id, outcome=ending, reason=f"{run.reason}; emptied {by}")
            ]
        case "try_again":
            return [
                ev.StepFailed(
                    run=run.id,
                    step=planned.path,
                    attempt=run.steps[planned.path].attempt,
                    error=run.steps[planned.path].error,
                    retry=True,
                    counts=False,
                )
                for planned in safe_steps(run)
                if run.steps[planned.path].status == "failed"
            ]
        case _:
            return []


# -- tasks ------------------------------------------------------------------------------------------


def _judge_task(task: Task, message: msg.Requested) -> Judgement:
    asked = task.asked
    if task.answer is not None:
        return False, f"{task.answer.actor} has answered it; a witness must confirm it", []
    given = message.args.get("answers", {})
    if not isinstance(given, dict):
        return False, "give the answers as field and value", []
    if _says_failed(task, message.args, given):
        if not message.reason.strip():
            return False, "say in the reason why the task failed", []
        return True, "recorded: failed", [_answered(task, message, {}, failed=True)]
    try:
        answers = read_answers(asked.fields, given)
    except AnswerError as error:
        return False, str(error), []
    after = "; a second person must witness it" if asked.sign == "witness" else ""
    return True, f"recorded{after}", [_answered(task, message, answers, failed=False)]


def _says_failed(task: Task, args: Mapping[str, JsonValue], given: Mapping[str, JsonValue]) -> bool:
    among = "failed" not in task.asked.fields and given.get("failed") is True
    return args.get("failed") is True or among


def _answered(
    task: Task, message: msg.Requested, answers: dict[str, JsonValue], *, failed: bool
) -> ev.TaskAnswered:
    return ev.TaskAnswered(
        task=task.asked.task,
        run=task.asked.run,
        step=task.asked.step,
        answers=answers,
        failed=failed,
        actor=message.actor,
        reason=message.reason,
        simulated=message.simulated,
    )


def judge_witness(state: LabState, message: msg.Requested) -> Judgement:
    """A second person confirms what the first one answered."""
    name = str(message.args.get("question", ""))
    task = state.tasks.get(name)
    if task is None:
        return False, f"there is no open task '{name}'", []
    if task.asked.sign != "witness":
        return False, "this task needs no witness", []
    if task.answer is None:
        return False, "nobody has answered it yet: there is nothing to witness", []
    if task.ended:
        return False, "it has been confirmed already", []
    if _same_person(task.answer.actor, message.actor):
        return False, f"{task.answer.actor} did it: a witness must be somebody else", []
    confirmed = ev.TaskWitnessed(
        task=name,
        run=task.asked.run,
        step=task.asked.step,
        actor=message.actor,
        simulated=message.simulated,
    )
    return True, f"recorded: witnessed by {message.actor}", [confirmed]


def _same_person(one: str, other: str) -> bool:
    return "".join(one.split()).casefold() == "".join(other.split()).casefold()
