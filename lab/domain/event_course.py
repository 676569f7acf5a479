"""Events of a run's course beside its commands: what it decided, skipped, asked of people and found out of order."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, JsonValue

from lab.domain.event_base import EventBase
from lab.domain.plan import ManualField

__all__ = [
    "DecisionMade",
    "FlagKind",
    "QualityRecorded",
    "SampleFlagged",
    "StepsSkipped",
    "TaskAnswered",
    "TaskAsked",
    "TaskWitnessed",
    "TimingRecorded",
]

FlagKind = Literal["check", "skipped", "timing", "limit", "quality", "interrupted"]


class DecisionMade(EventBase):
    """The run answered a branch's question, or that of a loop's end."""

    kind: Literal["decision_made"] = "decision_made"
    run: str
    decision: str
    value: bool
    detail: str


class StepsSkipped(EventBase):
    """These steps will not be taken (any more); what needs them goes on without."""

    kind: Literal["steps_skipped"] = "steps_skipped"
    run: str
    steps: tuple[str, ...]
    reason: str


class SampleFlagged(EventBase):
    """Something that whoever uses this run's data should know. `step` is empty where no single step is meant."""

    kind: Literal["sample_flagged"] = "sample_flagged"
    run: str
    step: str
    flag: FlagKind
    reason: str


class TaskAsked(EventBase):
    """A person is asked to do a step; its attempt begins. Unanswered for `timeout_s` process seconds it fails."""

    kind: Literal["task_asked"] = "task_asked"
    task: str
    run: str
    step: str
    attempt: int
    prompt: str
    fields: dict[str, ManualField] = Field(default_factory=dict)
    sign: Literal["none", "performer", "witness"]
    timeout_s: float


class TaskAnswered(EventBase):
    """A named person did the task, with answers in the units of its fields; or says that it failed, and why."""

    kind: Literal["task_answered"] = "task_answered"
    task: str
    run: str
    step: str
    answers: dict[str, JsonValue] = Field(default_factory=dict)
    failed: bool = False
    """Nothing was done that counts; `reason` says why."""
    actor: str
    reason: str = ""
    simulated: bool = False


class TaskWitnessed(EventBase):
    """A second person confirms what the first one answered."""

    kind: Literal["task_witnessed"] = "task_witnessed"
    task: str
    run: str
    step: str
    actor: str
    simulated: bool = False


class TimingRecorded(EventBase):
    """Both marks of a time window are there. `slack_s` is how far the lag was from the nearer limit."""

    kind: Literal["timing_recorded"] = "timing_recorded"
    run: str
    window: str
    lag_s: float
    less_than_s: float | None = None
    more_than_s: float | None = None
    slack_s: float | None = None
    """Negative where a limit was broken; None where the window has an ideal but no limit."""
    kept: bool
    promised_s: float | None = None
    """The lag in the timeline that stood when the step began that the window runs from."""


class QualityRecorded(EventBase):
    """A standard, blank or set of replicates was judged. `value` is None where it could not be computed."""

    kind: Literal["quality_recorded"] = "quality_recorded"
    run: str
    name: str
    check: Literal["standard", "blank", "replicates"]
    value: float | None
    unit: str
    expected: float | None = None
    accepted: bool
    detail: str = ""
