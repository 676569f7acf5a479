"""Events of what keeps devices from acting: interlocks that open, and commands that people want stopped."""

from __future__ import annotations

from typing import Literal

from lab.domain.command import CancelOutcome
from lab.domain.event_base import EventBase
from lab.domain.interlock import InterlockState

__all__ = ["CancelAsked", "CancelSettled", "InterlockChanged"]


class InterlockChanged(EventBase):
    """An interlock holds, or does not hold, from now on; `detail` says why."""

    kind: Literal["interlock_changed"] = "interlock_changed"
    interlock: str
    state: InterlockState
    detail: str
    blocks: tuple[str, ...]
    actions: tuple[str, ...] = ()
    reason: str = ""


class CancelAsked(EventBase):
    """A command that is under way is to be stopped at its device; whether it is, is not known yet."""

    kind: Literal["cancel_asked"] = "cancel_asked"
    command: str
    device: str
    run: str
    step: str
    actor: str
    reason: str = ""


class CancelSettled(EventBase):
    """What became of a command that was to be stopped."""

    kind: Literal["cancel_settled"] = "cancel_settled"
    command: str
    device: str
    run: str
    step: str
    outcome: CancelOutcome
