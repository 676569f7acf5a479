"""Events of commands that people want stopped: that it was asked, and what came of it, in five honest words."""

from __future__ import annotations

from typing import Literal

from lab.domain.command import CancelOutcome
from lab.domain.event_base import EventBase

__all__ = ["CancelAsked", "CancelSettled"]


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
