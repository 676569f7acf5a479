"""From one state to the next by one event: the only way that anything becomes true. Pure."""

from __future__ import annotations

from lab.domain import event as ev
from lab.domain.ids import dead_man_of, safe_order
from lab.domain.reduce_campaign import reduce_campaign
from lab.domain.reduce_run import (
    began,
    reduce_finding,
    reduce_run,
    reduce_step,
    reduce_task,
    stale,
)
from lab.domain.reduce_service import given_back, service_answered, service_asked, taken
from lab.domain.replacing import replace
from lab.domain.run import CLOSED, NOT_ACTED, CommandReport, advance
from lab.domain.state import (
    CommandState,
    DeviceStatus,
    InterlockStatus,
    LabMode,
    LabState,
    Question,
)

__all__ = ["reduce", "reduce_all", "report_of"]


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
            return _intended(state, event, at_s)
        case (
            ev.CommandAccepted()
            | ev.CommandRefused()
            | ev.CommandEnded()
            | ev.CommandUnknown()
            | ev.CommandSettled()
        ):
            return _reported(state, event, at_s)
        case ev.CancelAsked():
            entry = replace(state.commands[event.command], cancel=event)
            return replace(state, commands={**state.commands, event.command: entry})
        case ev.CancelSettled() if event.command not in state.commands:
            return state  # its run is over, and with its end it was forgotten
        case ev.CancelSettled():
            entry = replace(state.commands[event.command], cancelled=event.outcome)
            return replace(state, commands={**state.commands, event.command: entry})
        case ev.StepSucceeded() | ev.StepFailed() | ev.StepsSkipped():
            return reduce_step(state, event, at_s)
        case ev.TaskAsked() | ev.TaskAnswered() | ev.TaskWitnessed():
            return reduce_task(state, event, at_s)
        case ev.RunStarted() | ev.RunStopping() | ev.RunFinished():
            return reduce_run(state, event, at_s)
        case ev.DecisionMade() | ev.SampleFlagged() | ev.TimingRecorded() | ev.QualityRecorded():
            return reduce_finding(state, event)
        case (
            ev.CampaignStarted()
            | ev.TrialProposed()
            | ev.TrialCompleted()
            | ev.TrialFailed()
            | ev.TrialApproved()
            | ev.TrialEdited()
            | ev.TrialRejected()
            | ev.TrialWithdrawn()
            | ev.ResultsAdded()
            | ev.SpaceVetoed()
            | ev.ContextTold()
            | ev.ContextAwaited()
            | ev.StoppingJudged()
            | ev.CampaignFinished()
            | ev.TimelinePlanned()
            | ev.PlanJudged()
            | ev.HoldJudged()
        ):
            return reduce_campaign(state, event, at_s)
        case ev.DeviceDescribed() | ev.DeviceStateChanged() | ev.DeviceMadeSafe():
            return _device(state, event, at_s)
        case ev.QuestionAsked():
            question = Question(
                event.question,
                event.command,
                event.run,
                event.text,
                event.choices,
                at_s,
                event.step,
                event.service,
            )
            state = replace(state, questions={**state.questions, event.question: question})
            return _stale(service_asked(state, event, at_s)) if event.service else state
        case ev.QuestionAnswered():
            left = {key: q for key, q in state.questions.items() if key != event.question}
            about = (
                state.questions[event.question].service if event.question in state.questions else ""
            )
            state = replace(state, questions=left)
            return _served(state, about, event, at_s) if about else state
        case ev.RequestAnswered():
            return replace(state, requests={**state.requests, event.request: event})
        case (
            ev.LabPaused() | ev.LabStopping() | ev.LabMadeSafe() | ev.LabResumed() | ev.LabRearmed()
        ):
            return _mode(state, event, at_s)
        case ev.EngineStarted():
            return replace(state, interlocks={}, journal=state.journal or event.journal)
        case ev.InterlockChanged():
            status = InterlockStatus(event, at_s)
            return replace(state, interlocks={**state.interlocks, event.interlock: status})
        case ev.RequestReceived() | ev.ObservationRecorded():
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
    if isinstance(event, ev.LabRearmed):
        lifted = state.lifted | frozenset(event.lifts)
        state = replace(state, safe_orders=(), lifted=lifted)
        if state.mode != "safe":
            return state
    if isinstance(event, ev.LabMadeSafe):
        state = replace(
            state, safe_orders=(*state.safe_orders, safe_order(state.journal, state.seq))
        )
    if isinstance(event, ev.LabStopping):
        state = replace(state, stop_asked=(event.actor, event.reason))
    reason = "" if isinstance(event, ev.LabResumed | ev.LabRearmed) else event.reason
    return replace(
        state,
        mode=modes[event.kind],
        mode_actor=event.actor,
        mode_reason=reason,
        mode_since_s=at_s,
        mode_seq=state.seq,
    )


def _served(state: LabState, service: str, event: ev.QuestionAnswered, at_s: float) -> LabState:
    return _stale(service_answered(state, service, event, at_s))


def _stale(state: LabState) -> LabState:
    active = state.active_campaign
    return state if active is None else stale(state, active.spec.campaign)


def _intended(state: LabState, event: ev.CommandIntended, at_s: float) -> LabState:
    command = event.command
    device = state.devices.get(command.device)
    ledger = "" if device is None else device.ledger
    entry = CommandState(
        command, "intent", state.epoch, at_s, ledger=ledger, takes=dict(event.takes)
    )
    run = state.runs[command.run]
    step = run.steps[command.step]
    previous = step.command
    commands = dict(state.commands)
    if previous in commands and not commands[previous].open:
        del commands[previous]
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
    return taken(replace(began(state, run, step), commands=commands), event.takes)


def report_of(
    event: ev.CommandAccepted
    | ev.CommandRefused
    | ev.CommandEnded
    | ev.CommandUnknown
    | ev.CommandSettled,
) -> CommandReport:
    """What an event reports of its command, as `lab.domain.run` names it."""
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
    status = advance(entry.status, report_of(event))
    if status is None:
        return state
    entry = replace(
        entry,
        status=status,
        ended_s=at_s if status in CLOSED else None,
        doubted=entry.doubted or status == "unknown",
    )
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
    questions = state.questions
    if status in NOT_ACTED:
        state = given_back(state, entry.takes)
    if not entry.open:
        # The device's late word has answered what a person was asked.
        questions = {key: q for key, q in questions.items() if q.command != event.command}
    commands = {**state.commands, event.command: entry}
    if not entry.open and not state.runs[entry.command.run].open:
        del commands[event.command]
    return replace(state, commands=commands, questions=questions)


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
            device = replace(
                device,
                state=event.state,
                detail=event.detail,
                since_s=at_s,
                safe_requests=event.safe_requests,
                dead_man=dead_man_of(event.safe_requests) or device.dead_man,
                ledger=event.ledger or device.ledger,
            )
        case ev.DeviceMadeSafe() if state.mode != "safe":
            # A late word from before the re-arming: what the device is now, its host has told since.
            pass
        case ev.DeviceMadeSafe():
            device = replace(
                device,
                state="safe" if event.confirmed else "fault",
                detail=event.detail,
                since_s=at_s,
            )
    state = replace(state, devices={**state.devices, event.device: device})
    return _stale(state) if isinstance(event, ev.DeviceStateChanged) else state
