"""Interlocks: conditions on live signals without which devices may not act. A value that is too old fulfils none. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict

__all__ = ["Interlock", "InterlockState", "Reading", "Verdict", "judge"]

InterlockState = Literal["holds", "open", "stale"]
"""Only what holds lets devices act. open: the value is outside the limits; stale: it is too old, or there is none."""


class Interlock(BaseModel):
    """What must be true of a signal before some devices may act. Limits are numbers in `unit`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    device: str
    """Whose signal it is."""
    signal: str
    """Telemetry channel of that device."""
    unit: str
    minimum: float | None = None
    maximum: float | None = None
    max_age_s: float
    """Process seconds after which a value says nothing any more."""
    blocks: tuple[str, ...]
    """Devices that may not act."""
    actions: tuple[str, ...] = ()
    """Which of their actions; all if empty."""
    reason: str = ""

    def concerns(self, device: str, action: str) -> bool:
        """May that not be done while the condition does not hold?"""
        return device in self.blocks and (not self.actions or action in self.actions)


@dataclass(frozen=True, slots=True)
class Reading:
    """A value of a signal, and when it was true (process seconds since the Unix epoch)."""

    value: float
    at_s: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether an interlock holds, why in words, and until when this can be said without another value."""

    state: InterlockState
    detail: str
    until_s: float | None = None


def judge(interlock: Interlock, reading: Reading | None, now_s: float) -> Verdict:
    """The verdict at a moment."""
    what = f"{interlock.signal} of {interlock.device}"
    if reading is None:
        return Verdict("stale", f"nothing has been heard of {what}")
    until_s = reading.at_s + interlock.max_age_s
    if now_s > until_s:
        return Verdict("stale", f"{what} was last heard more than {interlock.max_age_s:g} s ago")
    value = reading.value
    low, high = interlock.minimum, interlock.maximum
    inside = (low is None or value >= low) and (high is None or value <= high)
    if math.isfinite(value) and inside:
        return Verdict("holds", f"{what} is {_limits(interlock)}", until_s)
    shown = f"{value:.6g} {interlock.unit}".rstrip()
    return Verdict("open", f"{what} is {shown}, and must be {_limits(interlock)}", until_s)


def _limits(interlock: Interlock) -> str:
    low = "" if interlock.minimum is None else f"at least {interlock.minimum:g}"
    high = "" if interlock.maximum is None else f"at most {interlock.maximum:g}"
    both = " and ".join(part for part in (low, high) if part)
    return f"{both} {interlock.unit}".rstrip()
