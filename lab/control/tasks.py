"""What people are asked to do, for the status document. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from lab.control.moments import elapsed, iso
from lab.domain.answers import describe

if TYPE_CHECKING:
    from lab.control.document import TaskDocument, TaskFieldDocument
    from lab.domain.plan import ManualField
    from lab.domain.state import LabState, Task

__all__ = ["task_documents"]


def task_documents(state: LabState, now_s: float) -> list[TaskDocument]:
    """Open tasks, the longest waiting first."""
    tasks = sorted(state.tasks.values(), key=lambda task: task.since_s)
    return [_task(state, task, now_s) for task in tasks]


def _task(state: LabState, task: Task, now_s: float) -> TaskDocument:
    asked, answer = task.asked, task.answer
    run = state.runs[asked.run]
    planned = run.plan.step(asked.step)
    return {
        "id": asked.task,
        "run": asked.run,
        "trial": run.trial,
        "step": asked.step,
        "title": planned.title,
        "at": list(planned.claims),
        "prompt": asked.prompt,
        "instruction": planned.instruction,
        "fields": [_field(name, field) for name, field in asked.fields.items()],
        "sign": asked.sign,
        "waits_for": "performer" if answer is None else "witness",
        "answered_by": "" if answer is None else answer.actor,
        "answers": {}
        if answer is None
        else cast("dict[str, float | bool | str]", dict(answer.answers)),
        "since": iso(task.since_s),
        "for_s": elapsed(task.since_s, now_s),
        "left_s": round(max(task.since_s + asked.timeout_s - now_s, 0.0), 3),
    }


def _field(name: str, field: ManualField) -> TaskFieldDocument:
    return {
        "name": name,
        "prompt": field.prompt,
        "takes": describe(field),
        "kind": field.kind,
        "unit": field.unit,
        "minimum": field.minimum,
        "maximum": field.maximum,
        "choices": list(field.choices),
        "required": field.required,
    }
