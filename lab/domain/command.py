"""Commands and how they end. The states and their theory are in `lab.domain.run`."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

__all__ = ["CancelOutcome", "Command", "Outcome", "Settlement"]

CancelOutcome = Literal[
    "never_started", "halted", "halted_at_boundary", "ran_to_completion", "unconfirmed"
]
"""What became of a command that was to be cancelled: it never acted; the device confirmed that it stands still; the
driver ended it by itself where that could be done; it had ended before; or nobody can confirm any of these."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Command(_Frozen):
    """One try of one step, as asked of a device."""

    id: str
    run: str
    step: str
    attempt: int
    device: str
    action: str
    args: dict[str, JsonValue] = Field(default_factory=dict)
    effect: Literal["none", "absolute", "once"]
    settle: Literal["query", "ask"]
    timeout_s: float
    """Process seconds after which the engine no longer waits and asks for the outcome."""


class Outcome(_Frozen):
    """How a command ended, as the device host saw it.

    succeeded: done, with outputs. failed_no_effect: certainly nothing happened. failed_partial: something
    happened, not all. unknown: it can't be told; to be settled, never guessed.
    """

    result: Literal["succeeded", "failed_no_effect", "failed_partial", "unknown"]
    outputs: dict[str, JsonValue] = Field(default_factory=dict)
    error: str = ""
    error_code: str = ""
    cancelled: CancelOutcome | None = None
    """Set where it was to be stopped while it was in hand."""


class Settlement(_Frozen):
    """What a device (or a person) says about a command whose outcome was unknown."""

    verdict: Literal["done", "not_done", "partial", "unknown"]
    outputs: dict[str, JsonValue] = Field(default_factory=dict)
    detail: str = ""
