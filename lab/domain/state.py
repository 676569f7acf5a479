"""What is true, computed from events alone. `reduce` is the only way to a new state.

All values are frozen; a new state shares what did not change. Times are process seconds since the Unix epoch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from pydantic import JsonValue

from lab.domain import event as ev
from lab.domain.command import Command, Outcome, Settlement
from lab.domain.plan import Plan, Slot
from lab.domain.run import CLOSED, CommandReport, CommandStatus, RunStatus, StepStatus, advance

__all__ = [
    "CampaignState",
    "CommandState",
    "DeviceStatus",
    "LabState",
    "Question",
    "RunState",
    "StepState",
    "TrialState",
    "reduce",
    "reduce_all",
]

LabMode = Literal["running", "paused", "stopping", "safe"]

_DEVIATION_S = 15.0
_DEVIATION_SHARE = 0.25
"""A step that ends further than this from its slot calls for a new timeline."""


@dataclass(frozen=True, slots=True)
class CommandState:
    """A command and where it stands. `epoch` is the engine's when it was intended."""

    command: Command
    status: CommandStatus
    epoch: int
    intended_s: float
    ended_s: float | None = None
    outcome: Outcome | None = None
    settlement: Settlement | None = None
    reason: str = ""

    @property
    def open(self) -> bool:
        return self.status not in CLOSED


@dataclass(frozen=True, slots=True)
class StepState:
    """A step of a run. `attempt` counts from 1 and names the present or last try; 0 before the first."""

    path: str
    status: StepStatus = "waiting"
    attempt: int = 0
    retries: int = 0
    command: str = ""
    started_s: float | None = None
    ended_s: float | None = None
    not_before_s: float = 0.0
    error: str = ""
    outputs: Mapping[str, JsonValue] = field(default_factory=dict[str, JsonValue])


@dataclass(frozen=True, slots=True)
class RunState:
    """One execution of a plan."""

    id: str
    campaign: str
    trial: int
    plan: Plan
    status: RunStatus
    steps: Mapping[str, StepState]
    started_s: float
    ended_s: float | None = None
    ending: Literal["failed", "aborted"] | None = None
    reason: str = ""
    results: Mapping[str, ev.Value] = field(default_factory=dict[str, ev.Value])

    @property
    def open(self) -> bool:
        return self.status in ("running", "stopping")


@dataclass(frozen=True, slots=True)
class TrialState:
    """One suggested parameter set and what came of it."""

    number: int
    factors: Mapping[str, float]
    origin: str
    status: Literal["pending", "done", "failed"] = "pending"
    value: float | None = None
    standard_deviation: float | None = None
    predicted_mean: float | None = None
    predicted_sd: float | None = None
    nearest_trial: int | None = None
    note: str = ""
    reason: str = ""
    run: str = ""


@dataclass(frozen=True, slots=True)
class CampaignState:
    """An optimisation. `slots` and `origin` are its present timeline."""

    spec: ev.CampaignStarted
    started_s: float
    status: Literal["running", "completed", "stopped", "failed"] = "running"
    reason: str = ""
    trials: Mapping[int, TrialState] = field(default_factory=dict[int, TrialState])
    ended_s: float | None = None
    best_trial: int | None = None
    origin_s: float = 0.0
    slots: tuple[Slot, ...] = ()
    choices: Mapping[str, int] = field(default_factory=dict[str, int])
    plan_stale: bool = True

    @property
    def open_trials(self) -> tuple[TrialState, ...]:
        return tuple(trial for trial in self.trials.values() if trial.status == "pending")

    def best(self) -> TrialState | None:
        """The finished trial with the best measured value."""
        done = [trial for trial in self.trials.values() if trial.value is not None]
        if not done:
            return None
        sign = 1.0 if self.spec.objective.direction == "maximize" else -1.0
        return max(done, key=lambda trial: (sign * (trial.value or 0.0), -trial.number))


@dataclass(frozen=True, slots=True)
class DeviceStatus:
    """What the engine knows of a device."""

    name: str
    state: str
    detail: str = ""
    since_s: float = 0.0
    description: ev.DeviceDescribed | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """What waits for a person."""

    id: str
    command: str
    run: str
    text: str
    choices: tuple[str, ...]
    since_s: float


@dataclass(frozen=True, slots=True)
class LabState:
    """Everything. Commands hold the open ones and the last of each step."""

    seq: int = 0
    epoch: int = 0
    at_s: float = 0.0
    mode: LabMode = "running"
    mode_actor: str = ""
    mode_reason: str = ""
    mode_since_s: float = 0.0
    campaigns: Mapping[str, CampaignState] = field(default_factory=dict[str, CampaignState])
    runs: Mapping[str, RunState] = field(default_factory=dict[str, RunState])
    commands: Mapping[str, CommandState] = field(default_factory=dict[str, CommandState])
    devices: Mapping[str, DeviceStatus] = field(default_factory=dict[str, DeviceStatus])
    questions: Mapping[str, Question] = field(default_factory=dict[str, Question])
    requests: Mapping[str, ev.RequestAnswered] = field(
        default_factory=dict[str, ev.RequestAnswered]
    )

    @property
    def active_campaign(self) -> CampaignState | None:
        """The campaign that is not finished; at most one."""
        for campaign in self.campaigns.values():
            if campaign.status == "running":
                return campaign
        return None

    def open_runs(self) -> tuple[RunState, ...]:
        return tuple(run for run in self.runs.values() if run.open)

    def open_commands(self) -> tuple[CommandState, ...]:
        return tuple(command for command in self.commands.values() if command.open)


def reduce_all(state: LabState, records: list[ev.Recorded]) -> LabState:
    """Apply records in order."""
    for record in records:
        state = reduce(state, record)
    return state


def reduce(state: LabState, record: ev.Recorded) -> LabState:
    """The state after one more event. Raises KeyError for an event about something that never began."""
    at_s = record.at.timestamp()
    state = replace(state, seq=record.seq, epoch=record.epoch, at_s=at_s)
    event = record.event
    match event:
        case ev.CommandIntended():
            return _intended(state, event.command, at_s)
        case (
            ev.CommandAccepted()
            | ev.CommandRefused()
            | ev.CommandEnded()
            | ev.CommandUnknown()
            | ev.CommandSettled()
        ):
            return _reported(state, event, at_s)
        case ev.StepSucceeded() | ev.StepFailed():
            return _step_ended(state, event, at_s)
        case ev.RunStarted() | ev.RunStopping() | ev.RunFinished():
            return _run(state, event, at_s)
        case (
            ev.CampaignStarted()
            | ev.TrialProposed()
            | ev.TrialCompleted()
            | ev.TrialFailed()
            | ev.CampaignFinished()
            | ev.TimelinePlanned()
        ):
            return _campaign(state, event, at_s)
        case ev.DeviceDescribed() | ev.DeviceStateChanged() | ev.DeviceMadeSafe():
            return _device(state, event, at_s)
        case ev.QuestionAsked():
            question = Question(
                event.question, event.command, event.run, event.text, event.choices, at_s
            )
            return replace(state, questions={**state.questions, event.question: question})
        case ev.QuestionAnswered():
            left = {key: q for key, q in state.questions.items() if key != event.question}
            return replace(state, questions=left)
        case ev.RequestAnswered():
            return replace(state, requests={**state.requests, event.request: event})
        case (
            ev.LabPaused() | ev.LabStopping() | ev.LabMadeSafe() | ev.LabResumed() | ev.LabRearmed()
        ):
            return _mode(state, event, at_s)
        case ev.EngineStarted() | ev.RequestReceived() | ev.ObservationRecorded():
            return state


def _mode(
    state: LabState,
    event: ev.LabPaused | ev.LabStopping | ev.LabMadeSafe | ev.LabResumed | ev.LabRearmed,
    at_s: float,
) -> LabState:
    modes: dict[str, LabMode] = {
        "lab_paused": "paused",
        "lab_stopping": "stopping",
        "lab_made_safe": "safe",
        "lab_resumed": "running",
        "lab_rearmed": "running",
    }
    reason = "" if isinstance(event, ev.LabResumed | ev.LabRearmed) else event.reason
    return replace(
        state,
        mode=modes[event.kind],
        mode_actor=event.actor,
        mode_reason=reason,
        mode_since_s=at_s,
    )


def _intended(state: LabState, command: Command, at_s: float) -> LabState:
    entry = CommandState(command, "intent", state.epoch, at_s)
    run = state.runs[command.run]
    step = run.steps[command.step]
    previous = step.command
    commands = {key: c for key, c in state.commands.items() if key != previous or c.open}
    commands[command.id] = entry
    step = replace(
        step,
        status="running",
        attempt=command.attempt,
        command=command.id,
        started_s=at_s if step.started_s is None else step.started_s,
        ended_s=None,
        error="",
    )
    return replace(_with_step(state, run, step), commands=commands)


def _with_step(state: LabState, run: RunState, step: StepState) -> LabState:
    run = replace(run, steps={**run.steps, step.path: step})
    return replace(state, runs={**state.runs, run.id: run})


def _report_of(
    event: ev.CommandAccepted
    | ev.CommandRefused
    | ev.CommandEnded
    | ev.CommandUnknown
    | ev.CommandSettled,
) -> CommandReport:
    match event:
        case ev.CommandAccepted():
            return "accepted"
        case ev.CommandRefused():
            return "refused"
        case ev.CommandUnknown():
            return "unknown"
        case ev.CommandEnded():
            return event.outcome.result
        case ev.CommandSettled():
            verdicts: dict[str, CommandReport] = {
                "done": "settle_done",
                "not_done": "settle_not_done",
                "partial": "settle_partial",
                "unknown": "settle_discarded",
            }
            return verdicts[event.settlement.verdict]


def _reported(
    state: LabState,
    event: ev.CommandAccepted
    | ev.CommandRefused
    | ev.CommandEnded
    | ev.CommandUnknown
    | ev.CommandSettled,
    at_s: float,
) -> LabState:
    entry = state.commands[event.command]
    status = advance(entry.status, _report_of(event))
    if status is None:
        return state
    entry = replace(entry, status=status, ended_s=at_s if status in CLOSED else None)
    match event:
        case ev.CommandEnded():
            entry = replace(entry, outcome=event.outcome, reason=event.outcome.error)
        case ev.CommandSettled():
            entry = replace(entry, settlement=event.settlement, reason=event.settlement.detail)
        case ev.CommandRefused():
            entry = replace(entry, reason=f"{event.reason}: {event.detail}".rstrip(": "))
        case ev.CommandUnknown():
            entry = replace(entry, reason=event.reason)
        case ev.CommandAccepted():
            pass
    return replace(state, commands={**state.commands, event.command: entry})


def _step_ended(state: LabState, event: ev.StepSucceeded | ev.StepFailed, at_s: float) -> LabState:
    run = state.runs[event.run]
    step = run.steps[event.step]
    match event:
        case ev.StepSucceeded():
            step = replace(
                step, status="succeeded", ended_s=at_s, outputs=dict(event.outputs), error=""
            )
        case ev.StepFailed(retry=True):
            step = replace(
                step,
                status="waiting",
                retries=step.retries + (1 if event.counts else 0),
                not_before_s=at_s + event.retry_delay_s,
                error=event.error,
            )
        case ev.StepFailed():
            step = replace(step, status="failed", ended_s=at_s, error=event.error)
    state = _with_step(state, run, step)
    if isinstance(event, ev.StepSucceeded) and _as_planned(state, run, event.step, at_s):
        return state
    return _stale(state, run.campaign)


def _as_planned(state: LabState, run: RunState, path: str, at_s: float) -> bool:
    """Did the step end near enough to its slot that the timeline still tells the truth?"""
    campaign = state.campaigns.get(run.campaign)
    if campaign is None:
        return True
    for slot in campaign.slots:
        if slot.run == run.id and slot.step == path:
            tolerance = max(_DEVIATION_S, _DEVIATION_SHARE * (slot.end_s - slot.start_s))
            return abs(at_s - campaign.origin_s - slot.end_s) <= tolerance
    return False


def _stale(state: LabState, campaign: str) -> LabState:
    entry = state.campaigns.get(campaign)
    if entry is None or entry.plan_stale:
        return state
    return replace(state, campaigns={**state.campaigns, campaign: replace(entry, plan_stale=True)})


def _run(
    state: LabState, event: ev.RunStarted | ev.RunStopping | ev.RunFinished, at_s: float
) -> LabState:
    match event:
        case ev.RunStarted():
            steps = {step.path: StepState(step.path) for step in event.plan.steps}
            run = RunState(
                event.run, event.campaign, event.trial, event.plan, "running", steps, at_s
            )
        case ev.RunStopping():
            run = replace(
                state.runs[event.run], status="stopping", ending=event.outcome, reason=event.reason
            )
        case ev.RunFinished():
            run = replace(
                state.runs[event.run],
                status=event.outcome,
                reason=event.reason,
                ended_s=at_s,
                results=dict(event.results),
            )
    state = replace(state, runs={**state.runs, event.run: run})
    if isinstance(event, ev.RunStarted):
        campaign = state.campaigns[event.campaign]
        trial = replace(campaign.trials[event.trial], run=event.run)
        campaign = replace(campaign, trials={**campaign.trials, event.trial: trial})
        return replace(state, campaigns={**state.campaigns, event.campaign: campaign})
    return _stale(state, run.campaign)


def _campaign(
    state: LabState,
    event: ev.CampaignStarted
    | ev.TrialProposed
    | ev.TrialCompleted
    | ev.TrialFailed
    | ev.CampaignFinished
    | ev.TimelinePlanned,
    at_s: float,
) -> LabState:
    if isinstance(event, ev.CampaignStarted):
        campaign = CampaignState(event, at_s, origin_s=at_s)
        mode: LabMode = "safe" if state.mode == "safe" else "running"
        return replace(state, mode=mode, campaigns={**state.campaigns, event.campaign: campaign})
    campaign = state.campaigns[event.campaign]
    match event:
        case ev.TrialProposed():
            trial = TrialState(
                event.trial,
                dict(event.factors),
                event.origin,
                predicted_mean=event.predicted_mean,
                predicted_sd=event.predicted_sd,
                nearest_trial=event.nearest_trial,
                note=event.note,
            )
            campaign = replace(
                campaign, trials={**campaign.trials, event.trial: trial}, plan_stale=True
            )
        case ev.TrialCompleted():
            trial = replace(
                campaign.trials[event.trial],
                status="done",
                value=event.value,
                standard_deviation=event.standard_deviation,
            )
            campaign = replace(campaign, trials={**campaign.trials, event.trial: trial})
        case ev.TrialFailed():
            trial = replace(campaign.trials[event.trial], status="failed", reason=event.reason)
            campaign = replace(campaign, trials={**campaign.trials, event.trial: trial})
        case ev.CampaignFinished():
            campaign = replace(
                campaign,
                status=event.state,
                reason=event.reason,
                ended_s=at_s,
                best_trial=event.best_trial,
            )
        case ev.TimelinePlanned():
            campaign = replace(
                campaign,
                origin_s=event.origin.timestamp(),
                slots=event.slots,
                choices=dict(event.choices),
                plan_stale=False,
            )
    return replace(state, campaigns={**state.campaigns, event.campaign: campaign})


def _device(
    state: LabState,
    event: ev.DeviceDescribed | ev.DeviceStateChanged | ev.DeviceMadeSafe,
    at_s: float,
) -> LabState:
    device = state.devices.get(event.device, DeviceStatus(event.device, "unknown"))
    match event:
        case ev.DeviceDescribed():
            device = replace(device, description=event)
        case ev.DeviceStateChanged():
            device = replace(device, state=event.state, detail=event.detail, since_s=at_s)
        case ev.DeviceMadeSafe():
            device = replace(
                device,
                state="safe" if event.confirmed else "fault",
                detail=event.detail,
                since_s=at_s,
            )
    state = replace(state, devices={**state.devices, event.device: device})
    active = state.active_campaign
    if active is not None and isinstance(event, ev.DeviceStateChanged):
        return _stale(state, active.spec.campaign)
    return state
