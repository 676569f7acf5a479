"""The shape of the status document. Plain dictionaries: they are read by people, programs and the dashboard.

Times are ISO 8601 UTC with milliseconds, in process time. `for_s` counts process seconds since `since`.
"""

from __future__ import annotations

from typing import Literal

from typing_extensions import TypedDict  # pydantic needs this one below Python 3.12

from lab.domain.event_base import FactorValue  # noqa: TC001  # schemas are made of it

__all__ = [
    "AwaitedDocument",
    "BestDocument",
    "BusyDocument",
    "CampaignDocument",
    "ContextDocument",
    "CurrentDocument",
    "DeviceDocument",
    "EngineDocument",
    "EngineStatus",
    "FailedTrialDocument",
    "HoldDocument",
    "NearestDocument",
    "NearnessDocument",
    "ObjectiveDocument",
    "OutsideDocument",
    "ProposedTrialDocument",
    "QuestionDocument",
    "QueuedDocument",
    "RunDocument",
    "ServiceDocument",
    "StationDocument",
    "StatusDocument",
    "SupplyDocument",
    "TaskDocument",
    "TaskFieldDocument",
    "TrialsDocument",
    "WaitDocument",
    "WaitKind",
    "WindowDocument",
]

WaitKind = Literal[
    "safe", "stopping", "paused", "question", "person", "unknown", "retry", "device", "busy", "interlock", "station",
    "plan", "engine"
]  # fmt: skip
"""What holds a step back; `waits_for` says it in words."""


class WaitDocument(TypedDict):
    """What a step waits for, and since when."""

    step: str
    title: str
    device: str
    kind: WaitKind
    waits_for: str
    since: str
    for_s: float


class CurrentDocument(TypedDict):
    """A step that runs, since its present attempt began."""

    step: str
    title: str
    device: str
    attempt: int
    command: str
    command_status: str
    cancel_asked_by: str
    """Who wants it stopped; whether it is, is not known yet. Empty where nobody does."""
    planned_s: float
    since: str
    for_s: float


class WindowDocument(TypedDict):
    """A time window that has begun and not ended. `left_s` is negative once its end is overdue."""

    window: str
    ends: str
    since: str
    for_s: float
    left_s: float


class HoldDocument(TypedDict):
    """A longest time of an open or planned run that is in danger or can't be kept, between two steps.

    `by_s` seconds are too few; 0 where that depends on when devices that are `away` come back. `until` is when `second`
    is due, where the time has begun. `follows` says what the campaign does with the sample, as its policy
    `hopeless_holds` has it."""

    run: str
    window: str
    first: str
    second: str
    state: Literal["endangered", "hopeless", "excused"]
    by_s: float
    reason: str
    away: list[str]
    until: str | None
    follows: str


class RunDocument(TypedDict):
    """An open run. `windows` are those that run at present; a broken one is among the `flags`."""

    run: str
    campaign: str
    trial: int
    status: str
    reason: str
    factors: dict[str, FactorValue]
    steps: int
    steps_succeeded: int
    steps_skipped: int
    flags: list[str]
    decisions: list[str]
    windows: list[WindowDocument]
    current: list[CurrentDocument]
    waits: list[WaitDocument]
    since: str
    for_s: float


class QueuedDocument(TypedDict):
    """A run that is planned and has not started."""

    run: str
    waits: list[WaitDocument]


class TaskFieldDocument(TypedDict):
    """One answer that a task asks for. `takes` says in words what is right."""

    name: str
    prompt: str
    takes: str
    kind: str
    unit: str
    minimum: float | None
    maximum: float | None
    choices: list[str]
    required: bool


class TaskDocument(TypedDict):
    """What a person is asked to do. `waits_for` is the performer, or the witness once somebody has answered.

    `at` names the stations where the work is to be done; after `left_s` without an answer the step fails.
    """

    id: str
    run: str
    trial: int
    step: str
    title: str
    at: list[str]
    prompt: str
    instruction: str
    fields: list[TaskFieldDocument]
    sign: Literal["none", "performer", "witness"]
    waits_for: Literal["performer", "witness"]
    answered_by: str
    answers: dict[str, float | bool | str]
    since: str
    for_s: float
    left_s: float


class QuestionDocument(TypedDict):
    """What only a person can settle: about a command, or (with `step`) how a held run goes on."""

    id: str
    run: str
    command: str
    step: str
    text: str
    choices: list[str]
    service: str
    """What people are asked to do, as `stock water`; empty for other questions."""
    since: str
    for_s: float


class TrialsDocument(TypedDict):
    """Counts of a campaign's trials."""

    budget: int
    proposed: int
    done: int
    failed: int
    open: int
    counting: str
    """The fidelity that counts, where there are several; else empty."""
    counted: int
    """Trials by it that gave a value."""
    cost_budget: float | None
    cost_left: float | None


class ObjectiveDocument(TypedDict):
    """What is optimised."""

    result: str
    unit: str
    direction: Literal["maximize", "minimize", "target"]
    reference: float | None
    target: float | None


class BestDocument(TypedDict):
    """The best measured trial so far."""

    trial: int
    value: float | None
    beyond: Literal["above", "below"] | None
    """Set where it lies beyond what can be measured; the value is the end of the range then."""
    standard_deviation: float | None
    factors: dict[str, FactorValue]


class NearestDocument(TypedDict):
    """The finished trial that was nearest to a proposed one. `differs`: in what, as seen from the proposed one."""

    trial: int
    status: str
    value: float | None
    reason: str
    differs: list[str]


class ProposedTrialDocument(TypedDict):
    """An open trial with the evidence that it was proposed on.

    Predictions are in the objective's unit. `better`: chance of a better value than the best before it; `chance`: to keep the
    limits on results, or to give a value at all; `explores`: where it lies apart from all that was tried.
    """

    trial: int
    factors: dict[str, FactorValue]
    fidelity: str
    """How it is measured, where the campaign has several ways; else empty."""
    note: str
    origin: str
    predicted_mean: float | None
    predicted_sd: float | None
    better: float | None
    chance: float | None
    explores: str
    expected_cost: float | None
    """In the campaign's `cost_unit`; None where gains are not divided by a cost."""
    nearest: NearestDocument | None
    begun: bool
    waits_for_approval: bool


class OutsideDocument(TypedDict):
    """Results that people told from outside. `best` is in the objective's unit; `latest` says who told the last, and why."""

    done: int
    failed: int
    best: float | None
    latest: str


class FailedTrialDocument(TypedDict):
    """A trial that failed, or of which a person withdrew the result, and why; of several results what was measured before."""

    trial: int
    factors: dict[str, FactorValue]
    reason: str
    outcomes: dict[str, float]
    withdrawn: bool


class ContextDocument(TypedDict):
    """A factor that nobody chooses: what it is, in `unit`, and who or what says so since when; None where that is not known.
    `device` tells it, or people where that is empty."""

    factor: str
    value: FactorValue | None
    unit: str
    device: str
    source: str
    reason: str
    at: str | None


class AwaitedDocument(TypedDict):
    """Why no trial is proposed: what is not known, or can't be worked with, of a factor that nobody chooses."""

    factor: str
    problem: Literal["missing", "stale", "outside", "forbidden"]
    detail: str
    device: str
    since: str
    for_s: float


class NearnessDocument(TypedDict):
    """How near the optimum is, as the model sees it, in `unit`."""

    trial: int
    within: float
    probability: float
    expected_gain: float
    unit: str


class CampaignDocument(TypedDict):
    """A campaign, open or ended."""

    campaign: str
    title: str
    status: str
    reason: str
    started: str
    ended: str | None
    trials: TrialsDocument
    objective: ObjectiveDocument
    further: list[ObjectiveDocument]
    best: BestDocument | None
    front: list[int]
    nearness: NearnessDocument | None
    context: list[ContextDocument]
    awaited: AwaitedDocument | None
    cost_unit: str
    """Of what gains are divided by; empty where by nothing."""
    spent: float
    """What the ended trials did cost, in that unit."""
    proposed: list[ProposedTrialDocument]
    failures: list[FailedTrialDocument]
    outside: OutsideDocument


class BusyDocument(TypedDict):
    """What a device does at present."""

    run: str
    step: str
    action: str
    command: str


class DeviceDocument(TypedDict):
    """A device as the engine knows it."""

    device: str
    state: str
    detail: str
    busy_with: BusyDocument | None
    manufacturer: str
    model: str
    serial_number: str
    simulated: bool | None
    since: str | None
    for_s: float | None


class InterlockDocument(TypedDict):
    """An interlock, since its last change. Only what `holds` lets devices act."""

    interlock: str
    state: Literal["holds", "open", "stale"]
    detail: str
    blocks: list[str]
    actions: list[str]
    reason: str
    since: str
    for_s: float


class StationDocument(TypedDict):
    """A station that a run holds."""

    station: str
    run: str
    since: str
    for_s: float


class ServiceDocument(TypedDict):
    """What a person is to do so that the laboratory can go on; with `question` where somebody was asked and has not answered.

    `run` and `step` can't begin before; the devices stand still meanwhile.
    """

    service: str
    task: str
    question: str
    devices: list[str]
    start: str
    end: str
    run: str
    step: str


class SupplyDocument(TypedDict):
    """What is used up and given back: `left` of `room` in `unit` (none: actions), and who saw to it last."""

    service: str
    room: float
    left: float
    unit: str
    done: str | None
    done_by: str


class StatusDocument(TypedDict):
    """The lab's state. `mode` is running, paused, stopping or safe; `mode_text` adds who and why."""

    now: str
    seq: int
    epoch: int
    last_event: str | None
    mode: Literal["running", "paused", "stopping", "safe"]
    mode_text: str
    mode_actor: str
    mode_reason: str
    mode_since: str | None
    questions: list[QuestionDocument]
    tasks: list[TaskDocument]
    campaigns: list[CampaignDocument]
    runs: list[RunDocument]
    queued: list[QueuedDocument]
    holds: list[HoldDocument]
    services: list[ServiceDocument]
    supplies: list[SupplyDocument]
    devices: list[DeviceDocument]
    interlocks: list[InterlockDocument]
    stations: list[StationDocument]


class EngineDocument(TypedDict):
    """Which engine answers."""

    lab: str
    version: str
    epoch: int
    database: str
    clock: str
    speed: float
    now: str
    pid: int
    trouble: str
    trouble_since: str | None


class EngineStatus(StatusDocument):
    """The lab's state as a running engine tells it."""

    engine: EngineDocument
