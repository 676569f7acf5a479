"""What a run's course left in the journal beyond the present state: when it was decided, skipped, asked and found.

`RunState` holds what is true of a run; it forgets closed tasks and questions, and when each thing became known.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lab.domain import event as ev
from lab.domain.replacing import replace

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import JsonValue

__all__ = ["CourseFacts", "DecisionFact", "FlagFact", "QuestionFact", "TaskFact"]


@dataclass(frozen=True, slots=True)
class DecisionFact:
    """A decision, with the outputs of all steps that were done at that moment."""

    at_s: float
    event: ev.DecisionMade
    outputs: Mapping[str, Mapping[str, JsonValue]]


@dataclass(frozen=True, slots=True)
class FlagFact:
    """A flag and when it was set."""

    at_s: float
    event: ev.SampleFlagged


@dataclass(frozen=True, slots=True)
class TaskFact:
    """What a person was asked to do, what came back, and who confirmed it."""

    asked: ev.TaskAsked
    asked_s: float
    answer: ev.TaskAnswered | None = None
    answered_s: float | None = None
    witness: ev.TaskWitnessed | None = None
    witnessed_s: float | None = None


@dataclass(frozen=True, slots=True)
class QuestionFact:
    """A choice that was put to a person, and the answer."""

    asked: ev.QuestionAsked
    asked_s: float
    answer: ev.QuestionAnswered | None = None
    answered_s: float | None = None


@dataclass(slots=True)
class CourseFacts:
    """The history so far. `apply` takes records in order; keys of `skipped` are (run, step)."""

    decisions: list[DecisionFact] = field(default_factory=list[DecisionFact])
    skipped: dict[tuple[str, str], str] = field(default_factory=dict[tuple[str, str], str])
    """Why a step was skipped."""
    flags: list[FlagFact] = field(default_factory=list[FlagFact])
    tasks: dict[str, TaskFact] = field(default_factory=dict[str, TaskFact])
    questions: dict[str, QuestionFact] = field(default_factory=dict[str, QuestionFact])
    found_s: dict[tuple[str, str, str], float] = field(
        default_factory=dict[tuple[str, str, str], float]
    )
    """(run, kind of event, name) -> when a time window or a quality check was judged."""
    _outputs: dict[str, dict[str, Mapping[str, JsonValue]]] = field(
        default_factory=dict[str, "dict[str, Mapping[str, JsonValue]]"]
    )

    def apply(self, event: ev.Event, at_s: float) -> None:
        """Take one more event."""
        match event:
            case ev.StepSucceeded():
                self._outputs.setdefault(event.run, {})[event.step] = event.outputs
            case ev.DecisionMade():
                seen = dict(self._outputs.get(event.run, {}))
                self.decisions.append(DecisionFact(at_s, event, seen))
            case ev.StepsSkipped():
                self.skipped.update({(event.run, step): event.reason for step in event.steps})
            case ev.SampleFlagged():
                self.flags.append(FlagFact(at_s, event))
            case ev.TimingRecorded():
                self.found_s[(event.run, event.kind, event.window)] = at_s
            case ev.QualityRecorded():
                self.found_s[(event.run, event.kind, event.name)] = at_s
            case ev.TaskAsked():
                self.tasks[event.task] = TaskFact(event, at_s)
            case ev.TaskAnswered():
                task = self.tasks[event.task]
                self.tasks[event.task] = replace(task, answer=event, answered_s=at_s)
            case ev.TaskWitnessed():
                task = self.tasks[event.task]
                self.tasks[event.task] = replace(task, witness=event, witnessed_s=at_s)
            case ev.QuestionAsked():
                self.questions[event.question] = QuestionFact(event, at_s)
            case ev.QuestionAnswered():
                question = self.questions[event.question]
                self.questions[event.question] = replace(question, answer=event, answered_s=at_s)
            case _:
                pass
