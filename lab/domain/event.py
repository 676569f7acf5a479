"""Events: facts in the past tense. The journal keeps them; all state is computed from them.

Every event is frozen, JSON-serialisable and named by `kind`. Times are not part of the body: the journal stamps each
record with process time (UTC) and the engine's epoch.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, TypeAdapter

from lab.domain.command import Command, Outcome, Settlement
from lab.domain.event_base import (
    AtMostSpec,
    ChoiceSpec,
    ContextSpec,
    ContextValue,
    CostSpec,
    EventBase,
    FactorSpec,
    FactorValue,
    LimitSpec,
    ObjectiveSpec,
    SettingValue,
    Side,
    StopSpec,
    Value,
    is_empty,
)
from lab.domain.event_campaign import (
    CampaignFinished,
    CampaignStarted,
    ContextAwaited,
    ContextTold,
    EarlierSpec,
    FidelitySpec,
    OutsideResult,
    ResultsAdded,
    SpaceVetoed,
    StoppingJudged,
    TrialApproved,
    TrialCompleted,
    TrialEdited,
    TrialFailed,
    TrialProposed,
    TrialRejected,
    TrialWithdrawn,
)
from lab.domain.event_course import (
    DecisionMade,
    FlagKind,
    QualityRecorded,
    SampleFlagged,
    StepsSkipped,
    TaskAnswered,
    TaskAsked,
    TaskWitnessed,
    TimingRecorded,
)
from lab.domain.event_plan import (
    BrokenLimit,
    HoldJudged,
    HopelessPolicy,
    PlanJudged,
    PlanSource,
    ServiceSlot,
    TimelinePlanned,
)
from lab.domain.event_safety import CancelAsked, CancelSettled, InterlockChanged
from lab.domain.plan import Plan

__all__ = [
    "AtMostSpec",
    "BrokenLimit",
    "CampaignFinished",
    "CampaignStarted",
    "CancelAsked",
    "CancelSettled",
    "ChoiceSpec",
    "CommandAccepted",
    "CommandEnded",
    "CommandIntended",
    "CommandRefused",
    "CommandSettled",
    "CommandUnknown",
    "ContextAwaited",
    "ContextSpec",
    "ContextTold",
    "ContextValue",
    "CostSpec",
    "DecisionMade",
    "DeviceDescribed",
    "DeviceMadeSafe",
    "DeviceStateChanged",
    "EarlierSpec",
    "EngineStarted",
    "Event",
    "FactorSpec",
    "FactorValue",
    "FidelitySpec",
    "FlagKind",
    "HoldJudged",
    "HopelessPolicy",
    "InterlockChanged",
    "LabMadeSafe",
    "LabPaused",
    "LabRearmed",
    "LabResumed",
    "LabStopping",
    "LimitSpec",
    "ObjectiveSpec",
    "ObservationRecorded",
    "OutsideResult",
    "PlanJudged",
    "PlanSource",
    "QualityRecorded",
    "QuestionAnswered",
    "QuestionAsked",
    "Recorded",
    "RequestAnswered",
    "RequestReceived",
    "ResultsAdded",
    "RunFinished",
    "RunStarted",
    "RunStopping",
    "SampleFlagged",
    "ServiceSlot",
    "SettingValue",
    "Side",
    "SpaceVetoed",
    "StepFailed",
    "StepSucceeded",
    "StepsSkipped",
    "StopSpec",
    "StoppingJudged",
    "TaskAnswered",
    "TaskAsked",
    "TaskWitnessed",
    "TimelinePlanned",
    "TimingRecorded",
    "TrialApproved",
    "TrialCompleted",
    "TrialEdited",
    "TrialFailed",
    "TrialProposed",
    "TrialRejected",
    "TrialWithdrawn",
    "Value",
    "event_from_json",
]


class EngineStarted(EventBase):
    """An engine took the lab; hosts obey its epoch from now on."""

    kind: Literal["engine_started"] = "engine_started"
    epoch: int
    journal: str = ""
    """Identity of the records, drawn once: what tells their commands from those of other records. Empty in records of
    versions that had none."""
    version: str
    clock: Literal["real", "scaled", "virtual"]


class RunStarted(EventBase):
    """A run began with this plan; its binding is final."""

    kind: Literal["run_started"] = "run_started"
    campaign: str
    run: str
    trial: int
    plan: Plan


class RunStopping(EventBase):
    """No further main step of the run starts; its safe-state steps do."""

    kind: Literal["run_stopping"] = "run_stopping"
    run: str
    outcome: Literal["failed", "aborted"]
    reason: str


class RunFinished(EventBase):
    """The end of a run, with its results where it succeeded."""

    kind: Literal["run_finished"] = "run_finished"
    run: str
    outcome: Literal["succeeded", "failed", "aborted"]
    reason: str = ""
    results: dict[str, Value] = Field(default_factory=dict)


class CommandIntended(EventBase):
    """Durable before the command is sent: the step's attempt begins."""

    kind: Literal["command_intended"] = "command_intended"
    command: Command
    takes: dict[str, int] = Field(default_factory=dict, exclude_if=is_empty)
    """Service -> how much of it the command takes at most: whole nanolitres, or actions."""


class CommandAccepted(EventBase):
    """The device host took the command."""

    kind: Literal["command_accepted"] = "command_accepted"
    command: str
    device: str


class CommandRefused(EventBase):
    """The device host refused the command: nothing happened and nothing will."""

    kind: Literal["command_refused"] = "command_refused"
    command: str
    device: str
    reason: str
    detail: str = ""


class CommandEnded(EventBase):
    """The device host told the outcome."""

    kind: Literal["command_ended"] = "command_ended"
    command: str
    device: str
    outcome: Outcome


class CommandUnknown(EventBase):
    """Nobody knows yet what became of the command; it will be asked for."""

    kind: Literal["command_unknown"] = "command_unknown"
    command: str
    device: str
    reason: str


class CommandSettled(EventBase):
    """What became of a command after all, by the word of a device or of a person."""

    kind: Literal["command_settled"] = "command_settled"
    command: str
    device: str
    settlement: Settlement
    by: Literal["device", "person", "engine"]
    """`engine`: the sample and its vessel no longer exist, so it is given up as discarded."""
    actor: str = ""


class StepSucceeded(EventBase):
    """The step's command succeeded and every check held."""

    kind: Literal["step_succeeded"] = "step_succeeded"
    run: str
    step: str
    outputs: dict[str, JsonValue]


class StepFailed(EventBase):
    """The step's attempt failed. With `retry` a new attempt starts no earlier than `retry_delay_s` from now."""

    kind: Literal["step_failed"] = "step_failed"
    run: str
    step: str
    attempt: int
    error: str
    retry: bool
    retry_delay_s: float = 0.0
    counts: bool = True
    """False where the attempt did not act for a reason outside the step (a crash before sending)."""


class ObservationRecorded(EventBase):
    """One measured value, belonging to exactly one command."""

    kind: Literal["observation_recorded"] = "observation_recorded"
    run: str
    step: str
    command: str
    device: str
    name: str
    value: Value


class DeviceDescribed(EventBase):
    """What a device said of itself; kept with all data that it measures."""

    kind: Literal["device_described"] = "device_described"
    device: str
    driver: str
    driver_version: str
    manufacturer: str
    model: str
    serial_number: str
    firmware: str
    simulated: bool


class DeviceStateChanged(EventBase):
    """`lost`: no heartbeat. Other states as the host tells them."""

    kind: Literal["device_state_changed"] = "device_state_changed"
    device: str
    state: Literal["ready", "manual", "fault", "safe", "disconnected", "lost"]
    detail: str = ""
    safe_requests: tuple[str, ...] = ()
    """What keeps the device safe, by the ids of the requests."""
    ledger: str = ""
    """Identity of its host's ledger, as the host tells it."""


class DeviceMadeSafe(EventBase):
    """A device reached its declared safe state, or that could not be confirmed."""

    kind: Literal["device_made_safe"] = "device_made_safe"
    device: str
    confirmed: bool
    detail: str = ""


class RequestReceived(EventBase):
    """A person (or a program) asked the engine for something."""

    kind: Literal["request_received"] = "request_received"
    request: str
    verb: Literal["pause", "resume", "stop", "abort", "safe", "rearm", "answer", "witness", "trial"]
    actor: str
    reason: str = ""
    args: dict[str, JsonValue] = Field(default_factory=dict)


class RequestAnswered(EventBase):
    """The engine's answer to a request."""

    kind: Literal["request_answered"] = "request_answered"
    request: str
    accepted: bool
    detail: str


class LabPaused(EventBase):
    """No new step starts; running ones end."""

    kind: Literal["lab_paused"] = "lab_paused"
    actor: str
    reason: str = ""


class LabResumed(EventBase):
    """Steps may start again."""

    kind: Literal["lab_resumed"] = "lab_resumed"
    actor: str


class LabStopping(EventBase):
    """Running steps end, safe-state steps run, then the campaign is stopped."""

    kind: Literal["lab_stopping"] = "lab_stopping"
    actor: str
    reason: str = ""


class LabMadeSafe(EventBase):
    """All devices are told to reach their safe state; nothing starts until a named person re-arms."""

    kind: Literal["lab_made_safe"] = "lab_made_safe"
    actor: str
    reason: str = ""


class LabRearmed(EventBase):
    """A named person allowed work again."""

    kind: Literal["lab_rearmed"] = "lab_rearmed"
    actor: str
    lifts: tuple[str, ...] = ()
    """The safe requests that were in force, by their ids; what comes later is not lifted by this."""


class QuestionAsked(EventBase):
    """Only a person can decide this: what became of a command, or (with `step` and no command) how to go on."""

    kind: Literal["question_asked"] = "question_asked"
    question: str
    command: str
    run: str
    text: str
    choices: tuple[str, ...]
    step: str = ""
    service: str = Field(default="", exclude_if=is_empty)
    """Set where a person is asked to do something so that the laboratory can go on, and to say so."""


class QuestionAnswered(EventBase):
    """A named person's answer."""

    kind: Literal["question_answered"] = "question_answered"
    question: str
    answer: str
    actor: str
    reason: str = ""
    simulated: bool = Field(default=False, exclude_if=is_empty)


Event = Annotated[
    EngineStarted
    | CampaignStarted
    | TrialProposed
    | TrialCompleted
    | TrialFailed
    | TrialApproved
    | TrialEdited
    | TrialRejected
    | TrialWithdrawn
    | ResultsAdded
    | SpaceVetoed
    | ContextTold
    | ContextAwaited
    | StoppingJudged
    | CampaignFinished
    | TimelinePlanned
    | PlanJudged
    | HoldJudged
    | RunStarted
    | RunStopping
    | RunFinished
    | CommandIntended
    | CommandAccepted
    | CommandRefused
    | CommandEnded
    | CommandUnknown
    | CommandSettled
    | StepSucceeded
    | StepFailed
    | ObservationRecorded
    | DeviceDescribed
    | DeviceStateChanged
    | DeviceMadeSafe
    | RequestReceived
    | RequestAnswered
    | LabPaused
    | LabResumed
    | LabStopping
    | LabMadeSafe
    | LabRearmed
    | QuestionAsked
    | QuestionAnswered
    | CancelAsked
    | CancelSettled
    | InterlockChanged
    | DecisionMade
    | StepsSkipped
    | SampleFlagged
    | TaskAsked
    | TaskAnswered
    | TaskWitnessed
    | TimingRecorded
    | QualityRecorded,
    Field(discriminator="kind"),
]

_ADAPTER: TypeAdapter[Event] = TypeAdapter(Event)


def event_from_json(text: str | bytes) -> Event:
    """Read an event from its JSON; pydantic.ValidationError for anything else."""
    return _ADAPTER.validate_json(text)


class Recorded(BaseModel):
    """An event as the journal holds it: numbered, stamped, chained."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seq: int
    epoch: int
    at: datetime
    event: Event
    hash: str = ""
