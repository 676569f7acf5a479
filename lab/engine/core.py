"""The engine's mind: given what is true, what is to be recorded and done now. Pure.

`decide` looks at the whole state each time and not at the last message, so the same rules serve in the flow of work
and after a crash: a restart is nothing but a fold of the journal followed by a decision.

The rules, in the order in which they apply:
  safety     a lab that is to be safe, devices that need no longer be
  interlocks what live signals allow; all below goes by what is recorded of them
  commands   an intent of an earlier engine, an overdue or orphaned command becomes unknown; unknown ones are queried
  steps      a closed command or an answered task ends its step: checks, observations, limits, retry or failure
  times      a window whose two marks are known is judged; a longest time in danger is told before
  course     branches and loop ends are decided; what they exclude is skipped
  runs       a failed step stops its run, is skipped, or is put to a person; safe-state steps run; a run with all
             steps done yields its results
  trials     a finished run completes or fails its trial
  campaign   the budget is used up, or the lab was told to stop
  optimiser  asked in time, while earlier trials still run
  timeline   planned anew when it no longer tells the truth; a better one is looked for beside the engine
  gate       starts each step whose turn it is (`lab.engine.gate`)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from lab.domain import event as ev
from lab.domain.ids import safe_order
from lab.domain.interlock import judge
from lab.engine import messages as msg
from lab.engine.asking import ask_optimiser
from lab.engine.campaigning import end_campaign, end_trials
from lab.engine.context import CampaignContext, PlannedTimeline
from lab.engine.course import decide_courses, record_timing
from lab.engine.ending import end_runs
from lab.engine.gate import next_starts
from lab.engine.holds import judge_holds
from lab.engine.improving import improve_timeline
from lab.engine.look import Decision, Inflight, Look
from lab.engine.replanning import keep_timeline
from lab.engine.steps import end_steps

if TYPE_CHECKING:
    from lab.domain.state import CommandState, LabState

__all__ = ["CampaignContext", "Decision", "Inflight", "PlannedTimeline", "decide"]

_GRACE_S = 30.0
"""Process seconds beyond a command's own time-out before the engine gives up waiting for its outcome."""

_QUERY_AGAIN_S = 20.0
"""Process seconds after which an unanswered query is repeated."""

_SAFE_AGAIN_S = 20.0
"""Process seconds after which a device that has not heard it is told once more that the lab is safe, or is no longer."""

_JUST_AFTER_S = 0.001

_ALIVE = ("ready", "safe", "fault", "manual", "unknown")


_Rule = Callable[[Look], Decision]


def decide(state: LabState, inflight: Inflight, context: CampaignContext, now_s: float) -> Decision:
    """One round: the first rules that have something to record win, so that the next round sees it."""
    look = Look(state, inflight, context, now_s)
    effects: list[msg.Effect] = []
    wake: float | None = None
    for rule in _RULES:
        decision = rule(look)
        effects += decision.effects
        if decision.wake_s is not None:
            wake = decision.wake_s if wake is None else min(wake, decision.wake_s)
        if decision.events:
            return Decision(decision.events, tuple(effects), wake)
    return Decision((), tuple(effects), wake)


def _commands(look: Look) -> Decision:
    events: list[ev.Event] = []
    effects: list[msg.Effect] = []
    wakes: list[float] = []
    asked = {question.command for question in look.state.questions.values()}
    for entry in look.open_commands:
        command = entry.command
        device = look.state.devices.get(command.device)
        alive = device is not None and device.state in _ALIVE
        if entry.cancel is not None and alive:
            asked_s = look.inflight.cancelled.get(command.id)
            if asked_s is None or look.now_s - asked_s >= _QUERY_AGAIN_S:
                asked_s = look.now_s
                actor = entry.cancel.actor
                effects.append(msg.CancelCommand(command.id, command.device, actor))
            wakes.append(asked_s + _QUERY_AGAIN_S)
        if entry.status in ("intent", "accepted"):
            reason = _doubt(entry, look, alive)
            if reason:
                events.append(
                    ev.CommandUnknown(command=command.id, device=command.device, reason=reason)
                )
            else:
                wakes.append(entry.intended_s + command.timeout_s + _GRACE_S)
        elif command.id not in asked:
            last = look.inflight.queried.get(command.id)
            if last is None or look.now_s - last >= _QUERY_AGAIN_S:
                if alive:
                    effects.append(msg.QueryCommand(command.id, command.device))
                    wakes.append(look.now_s + _QUERY_AGAIN_S)
            else:
                wakes.append(last + _QUERY_AGAIN_S)
    return Decision(tuple(events), tuple(effects), min(wakes, default=None))


def _doubt(entry: CommandState, look: Look, alive: bool) -> str:
    if entry.epoch < look.state.epoch:
        return "the engine was restarted while the command was open"
    if entry.command.id in look.inflight.unsent:
        return "the records could not be written when it was to be sent"
    if not alive:
        return "the device was lost while the command was open"
    if look.now_s >= entry.intended_s + entry.command.timeout_s + _GRACE_S:
        return "no outcome in time"
    return ""


def _gate(look: Look) -> Decision:
    campaign = look.state.active_campaign
    if campaign is None or look.state.mode != "running":
        return Decision()
    starts = next_starts(look, campaign)
    return Decision(tuple(starts.events), tuple(starts.effects), starts.wake_s)


def _safety(look: Look) -> Decision:
    state, inflight = look.state, look.inflight
    if state.mode != "safe":
        return _lift(look)
    # A device that still calls itself ready has not heard of it: it was away, or the message was lost.
    deaf = any(device.state == "ready" for device in state.devices.values())
    again = inflight.safe_s + _SAFE_AGAIN_S
    if inflight.safe_seq == state.mode_seq and not (deaf and look.now_s >= again):
        return Decision(wake_s=again if deaf else None)
    wake = look.now_s + _SAFE_AGAIN_S if deaf else None
    return Decision(
        (), (msg.MakeSafe(state.mode_actor, safe_order(state.journal, state.mode_seq)),), wake
    )


def _interlocks(look: Look) -> Decision:
    """What has changed about the interlocks; a value that grows too old changes it too."""
    events: list[ev.Event] = []
    wakes: list[float] = []
    for lock in look.context.interlocks:
        reading = look.inflight.signals.get((lock.device, lock.signal, lock.unit))
        verdict = judge(lock, reading, look.now_s)
        if verdict.until_s is not None:
            wakes.append(verdict.until_s + _JUST_AFTER_S)
        known = look.state.interlocks.get(lock.name)
        if known is None or known.changed.state != verdict.state:
            events.append(
                ev.InterlockChanged(
                    interlock=lock.name,
                    state=verdict.state,
                    detail=verdict.detail,
                    blocks=lock.blocks,
                    actions=lock.actions,
                    reason=lock.reason,
                )
            )
    return Decision(tuple(events), (), min(wakes, default=None))


def _lift(look: Look) -> Decision:
    """Devices that are kept safe by a request that no longer holds: a person has lifted it, and they missed that or heard
    a late copy; or their host made it, for want of an engine, and what follows from that is recorded by now."""
    effects: list[msg.Effect] = []
    wakes: list[float] = []
    for device in look.state.devices.values():
        own = device.dead_man
        due = tuple(
            name for name in device.safe_requests if name in look.state.lifted or name == own
        )
        if not due:
            continue
        told, told_s = look.inflight.lifted.get(device.name, ((), 0.0))
        if told == due and look.now_s < told_s + _SAFE_AGAIN_S:
            wakes.append(told_s + _SAFE_AGAIN_S)
            continue
        effects.append(msg.Rearm(device.name, due))
        wakes.append(look.now_s + _SAFE_AGAIN_S)
    return Decision((), tuple(effects), min(wakes, default=None))


_RULES: tuple[_Rule, ...] = (
    _safety,
    _interlocks,
    _commands,
    end_steps,
    record_timing,
    judge_holds,
    decide_courses,
    end_runs,
    end_trials,
    end_campaign,
    ask_optimiser,
    keep_timeline,
    improve_timeline,
    _gate,
)
