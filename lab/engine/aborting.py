"""What an abort means, and in which honest words each of its commands ends. Pure.

A stop lets running steps end; an abort has them stopped at their devices. Both then run the safe-state steps. Nothing is
called stopped before a device has confirmed it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.domain import event as ev
from lab.domain.reduce import report_of
from lab.domain.run import CLOSED, advance

if TYPE_CHECKING:
    from lab.domain.command import CancelOutcome
    from lab.domain.state import LabState, RunState
    from lab.engine import messages as msg

__all__ = ["cancels_settled", "judge_abort"]

Judgement = tuple[bool, str, list[ev.Event]]


def judge_abort(state: LabState, message: msg.Requested) -> Judgement:
    """Of one run (`run`), or of all of them, which ends the campaign too."""
    if state.mode == "safe":
        return False, "the lab is safe: nothing runs that could be aborted", []
    name = message.args.get("run")
    if name is None:
        if state.active_campaign is None:
            return False, "no campaign is open, so there is nothing to abort", []
        stopping: list[ev.Event] = []
        if state.mode != "stopping":
            stopping = [ev.LabStopping(actor=message.actor, reason=message.reason)]
        cancels = [event for run in state.open_runs() for event in _abort(state, run, message)]
        return True, _said("the campaign", cancels), [*stopping, *cancels]
    run = state.runs.get(str(name))
    if run is None or not run.open:
        open_ones = ", ".join(run.id for run in state.open_runs()) or "none"
        return False, f"there is no open run '{name}'; open runs: {open_ones}", []
    cancels = _abort(state, run, message)
    if not cancels:
        return False, f"{run.id} is being ended already, and nothing of it is under way", []
    return True, _said(run.id, cancels), cancels


def _said(what: str, events: list[ev.Event]) -> str:
    asked = sum(isinstance(event, ev.CancelAsked) for event in events)
    under_way = {0: "nothing is under way", 1: "one command is being stopped"}.get(
        asked, f"{asked} commands are being stopped"
    )
    return f"{what} is aborted: {under_way}, then safe-state steps run"


def _abort(state: LabState, run: RunState, message: msg.Requested) -> list[ev.Event]:
    """The run's end, and the cancellation of what its main steps have under way: safe-state steps are let to end."""
    why = f": {message.reason}" if message.reason else ""
    events: list[ev.Event] = []
    if run.status == "running":
        reason = f"aborted by {message.actor}{why}"
        events.append(ev.RunStopping(run=run.id, outcome="aborted", reason=reason))
    events += [
        ev.CancelAsked(
            command=entry.command.id,
            device=entry.command.device,
            run=run.id,
            step=entry.command.step,
            actor=message.actor,
            reason=message.reason,
        )
        for entry in state.open_commands()
        if entry.command.run == run.id
        and entry.cancel is None
        and not run.plan.step(entry.command.step).safe_state
    ]
    return events


# -- in which words they end ------------------------------------------------------------------------


def cancels_settled(state: LabState, facts: list[ev.Event]) -> list[ev.Event]:
    """For each command that was to be stopped and that these facts close: what became of it."""
    events: list[ev.Event] = []
    for fact in facts:
        if not isinstance(fact, ev.CommandRefused | ev.CommandEnded | ev.CommandSettled):
            continue
        entry = state.commands[fact.command]
        if entry.cancel is None or advance(entry.status, report_of(fact)) not in CLOSED:
            continue
        events.append(
            ev.CancelSettled(
                command=fact.command,
                device=fact.device,
                run=entry.command.run,
                step=entry.command.step,
                outcome=_word(fact),
            )
        )
    return events


def _word(fact: ev.CommandRefused | ev.CommandEnded | ev.CommandSettled) -> CancelOutcome:
    match fact:
        case ev.CommandRefused():
            return "never_started"
        case ev.CommandEnded(outcome=outcome):
            if outcome.cancelled is not None:
                return outcome.cancelled
            # It had ended before the cancellation reached it: well, without effect, or in part.
            if outcome.result == "succeeded":
                return "ran_to_completion"
            return "never_started" if outcome.result == "failed_no_effect" else "halted_at_boundary"
        case ev.CommandSettled(settlement=settlement, by=by):
            match settlement.verdict:
                case "done":
                    return "ran_to_completion"
                case "not_done":
                    return "never_started"
                case "partial":
                    # Where it stands, a device knows; a person sees only that it is not whole.
                    return "halted" if by == "device" else "unconfirmed"
                case "unknown":
                    return "unconfirmed"
