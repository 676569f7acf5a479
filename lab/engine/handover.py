"""What stands between two engines: one that takes over says what is lost, one that is replaced says by whom. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.domain import event as ev
from lab.domain.command import Settlement
from lab.domain.errors import RefusedError

if TYPE_CHECKING:
    from lab.domain.state import LabState
    from lab.engine.messages import Outranked

__all__ = ["given_up", "outranked"]


def outranked(told: Outranked, state: LabState) -> RefusedError:
    if told.journal == state.journal:
        return RefusedError(
            f"engine {told.epoch} took over {told.device} from this one, engine {state.epoch} of the same records",
            hint="that one goes on with the campaign: lab status tells",
        )
    return RefusedError(
        f"{told.device} is held by the engine of other records (engine {told.epoch} of records {told.journal[:8]}),"
        " which has not ended in order",
        hint="end that campaign, going on with it by `lab resume` where its engine has died; or take its devices over"
        " on purpose by --take-over: what it had under way there is then nobody's",
    )


def given_up(state: LabState, reason: str) -> list[ev.Event]:
    """Nobody can find out any more what became of these commands, and no person is to be asked."""
    events: list[ev.Event] = []
    for entry in state.open_commands():
        command, device = entry.command.id, entry.command.device
        if entry.status != "unknown":
            events.append(ev.CommandUnknown(command=command, device=device, reason=reason))
        settlement = Settlement(verdict="unknown", detail=reason)
        events.append(
            ev.CommandSettled(command=command, device=device, settlement=settlement, by="engine")
        )
    events += [
        ev.QuestionAnswered(question=name, answer="discarded", actor="engine", reason=reason)
        for name, question in state.questions.items()
        if question.command
    ]
    return events
