"""Messages to events: what a report means, given what is already known. Pure.

A message that adds nothing (late, doubled, about a foreign command) becomes no event at all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, cast

from lab.bus import envelope as env
from lab.domain import event as ev
from lab.domain.command import Settlement
from lab.domain.ids import dead_man_of, hold_id
from lab.domain.run import CommandReport, advance
from lab.engine import messages as msg
from lab.engine.aborting import cancels_settled, judge_abort
from lab.engine.campaigning import record_proposals
from lab.engine.people import SETTLE_CHOICES, judge_answer, judge_witness
from lab.engine.people_trials import judge_trial

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lab.domain.state import CommandState, LabState, RunState

__all__ = ["answers_of", "are_reports", "can_wait", "translate"]

_REPORTS = (
    env.Ack,
    env.Description,
    env.OutcomeMessage,
    env.ProgressMessage,
    env.QueryReply,
    env.SafeReply,
    env.State,
)
_VERBS = ("pause", "resume", "stop", "abort", "safe", "rearm", "answer", "witness", "trial")


def translate(state: LabState, message: msg.Message) -> list[ev.Event]:
    """The facts that a message adds to a state."""
    facts = _translate(state, message)
    return [*facts, *cancels_settled(state, facts)]


def _translate(state: LabState, message: msg.Message) -> list[ev.Event]:
    match message:
        case env.Ack():
            return _ack(state, message)
        case env.OutcomeMessage():
            return _if_new(
                state,
                message.id,
                message.outcome.result,
                ev.CommandEnded(command=message.id, device=message.device, outcome=message.outcome),
            )
        case env.QueryReply():
            return _query_reply(state, message)
        case env.State():
            return _device_state(
                state,
                message.device,
                message.state,
                message.detail,
                message.safe_requests,
                message.ledger,
            )
        case msg.DeviceLost():
            return _lost(state, message.device)
        case env.Description():
            return _description(state, message)
        case env.SafeReply():
            return [
                ev.DeviceMadeSafe(
                    device=message.device, confirmed=message.confirmed, detail=message.detail
                )
            ]
        case msg.Requested():
            return _request(state, message)
        case msg.Proposed():
            return record_proposals(state, message)
        case (
            msg.Outranked()
            | msg.PlanFound()
            | env.Heartbeat()
            | env.ProgressMessage()
            | msg.Signal()
            | msg.Tick()
        ):
            return []


def can_wait(batch: Sequence[msg.Message]) -> bool:
    """Is there nothing among these messages but acceptances, and what calls for nothing?"""
    accepted = False
    for message in batch:
        match message:
            case env.Ack(accepted=True):
                accepted = True
            case env.State(state="busy" | "ready"):
                pass
            case _:
                return False
    return accepted


def are_reports(batch: Sequence[msg.Message]) -> bool:
    """Are these all what hosts say, of which all that matters becomes facts?"""
    return all(isinstance(message, _REPORTS) for message in batch)


def answers_of(facts: Sequence[ev.Event]) -> list[msg.Effect]:
    """What those who asked are told, once it is durable."""
    return [
        msg.Answered(fact.request, fact.accepted, fact.detail)
        for fact in facts
        if isinstance(fact, ev.RequestAnswered)
    ]


def _if_new(
    state: LabState, command: str, report: CommandReport, event: ev.Event
) -> list[ev.Event]:
    entry = state.commands.get(command)
    if entry is None or advance(entry.status, report) is None:
        return []
    return [event]


def _ack(state: LabState, message: env.Ack) -> list[ev.Event]:
    if message.accepted:
        accepted = ev.CommandAccepted(command=message.id, device=message.device)
        return _if_new(state, message.id, "accepted", accepted)
    refused = ev.CommandRefused(
        command=message.id, device=message.device, reason=message.reason, detail=message.detail
    )
    return _if_new(state, message.id, "refused", refused)


def _settled(entry: CommandState, settlement: Settlement) -> ev.Event:
    return ev.CommandSettled(
        command=entry.command.id, device=entry.command.device, settlement=settlement, by="device"
    )


def _query_reply(state: LabState, message: env.QueryReply) -> list[ev.Event]:
    entry = state.commands.get(message.id)
    if entry is None or not entry.open:
        return []
    if message.status == "ended" and message.outcome is not None:
        if message.outcome.result == "unknown":
            return _ask_person(state, entry, message.outcome.error)
        return _if_new(
            state,
            message.id,
            message.outcome.result,
            ev.CommandEnded(command=message.id, device=message.device, outcome=message.outcome),
        )
    if message.status == "forgotten":
        return _forgotten(state, entry)
    if entry.status != "unknown":
        return []
    if message.status == "never_seen":
        verdict = Settlement(verdict="not_done", detail="the device never received the command")
        return [_settled(entry, verdict)]
    if message.status == "settled" and message.settlement is not None:
        if message.settlement.verdict == "unknown":
            return _ask_person(state, entry, message.settlement.detail)
        return [_settled(entry, message.settlement)]
    return []


def _forgotten(state: LabState, entry: CommandState) -> list[ev.Event]:
    """Its ledger is gone. What may be repeated needs none; of anything else nobody but a person can tell."""
    reason = "the ledger of its device host was replaced since the command was sent"
    if entry.command.effect == "once":
        return _ask_person(state, entry, reason)
    events: list[ev.Event] = []
    if entry.status != "unknown":
        command, device = entry.command.id, entry.command.device
        events.append(ev.CommandUnknown(command=command, device=device, reason=reason))
    verdict = Settlement(verdict="not_done", detail=f"{reason}; it may be repeated")
    return [*events, _settled(entry, verdict)]


def _ask_person(state: LabState, entry: CommandState, detail: str) -> list[ev.Event]:
    events: list[ev.Event] = []
    command = entry.command
    if entry.status != "unknown":
        events.append(ev.CommandUnknown(command=command.id, device=command.device, reason=detail))
    question = f"q-{command.id[:12]}"
    if question not in state.questions:
        values = ", ".join(f"{name} = {value}" for name, value in command.args.items())
        events.append(
            ev.QuestionAsked(
                question=question,
                command=command.id,
                run=command.run,
                text=(
                    f"Nobody knows whether {command.device} did '{command.action}' ({values}) for "
                    f"{command.run}, step {command.step}: {detail or 'no answer'}. "
                    "Look at the bench: was it done?"
                ),
                choices=SETTLE_CHOICES,
            )
        )
    return events


_KnownState = Literal["ready", "manual", "fault", "safe", "disconnected", "lost"]


def _device_state(
    state: LabState,
    device: str,
    told: str,
    detail: str,
    safe_requests: tuple[str, ...] = (),
    ledger: str = "",
) -> list[ev.Event]:
    # Busy is seen from the command; as a device state it would only swell the journal.
    new = "ready" if told == "busy" else told
    known = state.devices.get(device)
    if known is not None:
        news = (new, detail, safe_requests, ledger or known.ledger)
        if (known.state, known.detail, known.safe_requests, known.ledger) == news:
            return []
    changed = ev.DeviceStateChanged(
        device=device,
        state=cast("_KnownState", new),
        detail=detail,
        safe_requests=safe_requests,
        ledger=ledger,
    )
    own = dead_man_of(safe_requests)
    if not own or (known is not None and known.dead_man == own):
        return [changed]
    return [changed, *_left_alone(state, device, own)]


def _left_alone(state: LabState, device: str, request: str) -> list[ev.Event]:
    """A device went to its safe state by itself: runs that count on how it was set are held for a person."""
    events: list[ev.Event] = []
    for run in state.open_runs():
        path = _counts_on(run, device)
        if run.status != "running" or not path:
            continue
        step = run.steps[path]
        title = run.plan.step(path).title
        reason = (
            f"{device} was made safe by its host, which had no sign of the engine, after '{title}'"
        )
        events += [
            ev.SampleFlagged(run=run.id, step=path, flag="interrupted", reason=reason),
            ev.QuestionAsked(
                question=hold_id(run.id, path, step.attempt, request),
                command="",
                run=run.id,
                step=path,
                text=f"{run.id} is held: {reason}. It is no longer as that step set it. Go on?",
                choices=("continue", "abort"),
            ),
        ]
    return events


def _counts_on(run: RunState, device: str) -> str:
    """The last step by which a run has set something at a device, while there is more to do; empty where there is none."""
    if all(run.steps[s.path].status != "waiting" for s in run.plan.steps if not s.safe_state):
        return ""
    done = [
        planned.path
        for planned in run.plan.steps
        if planned.device == device
        and planned.effect == "absolute"
        and run.steps[planned.path].status == "succeeded"
    ]
    return max(done, key=lambda path: run.steps[path].ended_s or 0.0, default="")


def _lost(state: LabState, device: str) -> list[ev.Event]:
    # Doubted here and not by the core's next look: after a quick reboot the device is ready again by then.
    return [
        *_device_state(state, device, "lost", "no heartbeat"),
        *(
            ev.CommandUnknown(
                command=entry.command.id,
                device=device,
                reason="the device was lost while the command was open",
            )
            for entry in state.open_commands()
            if entry.command.device == device and entry.status != "unknown"
        ),
    ]


def _description(state: LabState, message: env.Description) -> list[ev.Event]:
    event = ev.DeviceDescribed(
        device=message.device,
        driver=message.driver,
        driver_version=message.driver_version,
        manufacturer=message.manufacturer,
        model=message.model,
        serial_number=message.serial_number,
        firmware=message.firmware,
        simulated=message.simulated,
    )
    known = state.devices.get(message.device)
    return [] if known is not None and known.description == event else [event]


# -- requests ---------------------------------------------------------------------------------------


def _request(state: LabState, message: msg.Requested) -> list[ev.Event]:
    if message.request in state.requests:
        return []
    accepted, detail, facts = _judge(state, message)
    verb = message.verb if message.verb in _VERBS else "answer"
    return [
        ev.RequestReceived(
            request=message.request,
            verb=verb,
            actor=message.actor,
            reason=message.reason,
            args=dict(message.args),
        ),
        *facts,
        ev.RequestAnswered(request=message.request, accepted=accepted, detail=detail),
    ]


def _judge(state: LabState, message: msg.Requested) -> tuple[bool, str, list[ev.Event]]:
    """Accepted or not, the answer in words, and the facts that follow."""
    actor, reason, mode = message.actor, message.reason, state.mode
    if not actor.strip():
        return False, "say who asks: every request is recorded with a name", []
    match message.verb, mode:
        case "pause", "running":
            return (
                True,
                "paused: running steps end, no new one starts",
                [ev.LabPaused(actor=actor, reason=reason)],
            )
        case "resume", "paused":
            return True, "resumed", [ev.LabResumed(actor=actor)]
        case "stop", "running" | "paused":
            return (
                True,
                "stopping: running steps end, then safe-state steps run",
                [ev.LabStopping(actor=actor, reason=reason)],
            )
        case "abort", _:
            return judge_abort(state, message)
        case "safe", _:
            return (
                True,
                "all devices are told to reach their safe state",
                [ev.LabMadeSafe(actor=actor, reason=reason)],
            )
        case "rearm", _ if mode == "safe" or _some_device_is_safe(state):
            return _rearm(state, actor)
        case "answer", _:
            return judge_answer(state, message)
        case "witness", _:
            return judge_witness(state, message)
        case "trial", "running" | "paused":
            return judge_trial(state, message)
        case (("pause" | "resume" | "stop" | "rearm" | "trial"), _):
            return False, f"the lab is {mode}, so there is nothing to {message.verb}", []
        case _:
            return False, f"unknown request '{message.verb}'; known: {', '.join(_VERBS)}", []


def _some_device_is_safe(state: LabState) -> bool:
    """It may have missed the last re-arming, or keep a request of an earlier engine in mind."""
    return any(device.state == "safe" for device in state.devices.values())


def _rearm(state: LabState, actor: str) -> tuple[bool, str, list[ev.Event]]:
    # By name, so that nothing is lifted that comes after this: the orders of this lab, and whatever else keeps a device safe.
    in_force = [name for device in state.devices.values() for name in device.safe_requests]
    lifts = tuple(dict.fromkeys((*state.safe_orders, *in_force)))
    facts: list[ev.Event] = [ev.LabRearmed(actor=actor, lifts=lifts)]
    if state.mode != "safe" or state.stop_asked is None:
        return True, f"re-armed by {actor}", facts
    # Who asked to stop before the lab was made safe did not ask to go on after it.
    stopper, reason = state.stop_asked
    facts.append(ev.LabStopping(actor=stopper, reason=reason))
    return True, f"re-armed by {actor}; the campaign still stops, as {stopper} asked", facts
