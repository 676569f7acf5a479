"""People for runs without hardware: each task is answered after the step's duration, each service is done after the time that
it takes, and each trial that waits for it is approved, by the usual way of requests.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.domain.answers import AnswerError, simulated_answers
from lab.domain.reduce_service import DONE
from lab.engine import messages as msg

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import JsonValue

    from lab.domain.state import LabState, Task
    from lab.plan.services import ServiceRules

__all__ = ["due_people", "simulated_requests"]


def due_people(state: LabState, rules: ServiceRules | None) -> Mapping[str, float]:
    """Open task, service or trial to approve -> when a simulated person has done it; process seconds since the epoch."""
    due = dict.fromkeys(_to_approve(state), 0.0)
    for service, entry in state.services.items():
        if entry.question and rules is not None and service in rules.needs:
            due[entry.question] = entry.since_s + rules.needs[service].takes_s
    return due | {
        name: task.since_s + _planned_s(state, task)
        for name, task in state.tasks.items()
        if not task.ended
    }


def _to_approve(state: LabState) -> dict[str, int]:
    """A name for each trial that waits for approval -> its number."""
    campaign = state.active_campaign
    if campaign is None or not campaign.spec.approval:
        return {}
    return {
        f"approve-{campaign.spec.campaign}-{trial.number}": trial.number
        for trial in campaign.open_trials
        if not trial.approved
    }


def _planned_s(state: LabState, task: Task) -> float:
    """Never so long that the task would be given up before."""
    planned = state.runs[task.asked.run].plan.step(task.asked.step)
    return min(planned.duration_s, 0.9 * task.asked.timeout_s)


def simulated_requests(state: LabState, name: str) -> list[msg.Requested]:
    """What the simulated people say of a task (the performer, then the witness where one is due), a service or a trial."""
    trial = _to_approve(state).get(name)
    if trial is not None:
        args: dict[str, JsonValue] = {"do": "approve", "trial": trial}
        return [msg.Requested(name, "trial", "simulated operator", "", args, simulated=True)]
    question = state.questions.get(name)
    if question is not None and question.service:
        args = {"question": name, "answer": DONE}
        return [
            msg.Requested(
                f"answer-{name}", "answer", "simulated operator", "", args, simulated=True
            )
        ]
    task = state.tasks.get(name)
    if task is None or task.ended:
        return []
    manual = state.runs[task.asked.run].plan.step(task.asked.step).manual
    if manual is None:
        return []
    said: list[msg.Requested] = []
    if task.answer is None:
        try:
            answers, reason = simulated_answers(manual), ""
        except AnswerError as error:
            answers, reason = None, str(error)
        said.append(_request(name, "answer", "simulated operator", answers, reason))
        if answers is None:
            return said
    if task.asked.sign == "witness":
        said.append(_request(name, "witness", "simulated witness", {}, ""))
    return said


def _request(
    task: str, verb: str, actor: str, answers: Mapping[str, JsonValue] | None, reason: str
) -> msg.Requested:
    args: dict[str, JsonValue] = {"question": task}
    if answers is None:
        args["failed"] = True
    elif verb == "answer":
        args["answers"] = dict(answers)
    return msg.Requested(f"{verb}-{task}", verb, actor, reason, args, simulated=True)
