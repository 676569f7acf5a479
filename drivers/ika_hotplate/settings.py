"""What `settings:` of a hotplate in `lab.yaml` may hold."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from drivers.ika_hotplate.wire import MAX_WATCHDOG_S, MIN_WATCHDOG_S

__all__ = ["IkaSettings"]


class IkaSettings(BaseModel):
    """Times of communication are real seconds, times of the process are process seconds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    watchdog_s: int = Field(default=300, ge=MIN_WATCHDOG_S, le=MAX_WATCHDOG_S)
    """Without a word from us for this long, the plate switches itself off (process seconds)."""
    pause_s: float = Field(default=0.1, ge=0.0, le=5.0)
    """The instrument needs about 100 ms between two commands (real seconds)."""
    reply_timeout_s: float = Field(default=1.0, gt=0.0)
    """How long one reply may take (real seconds)."""
    poll_s: float = Field(default=5.0, gt=0.0)
    """How often temperature and speed are read while waiting (process seconds)."""
    stable_s: float = Field(default=30.0, ge=0.0)
    """How long the medium must stay within tolerance before `heat` returns (process seconds)."""
    stir_timeout_s: float = Field(default=60.0, gt=0.0)
    """How long the stirrer may take to reach its speed (process seconds)."""
    resolution_k: float = Field(default=0.1, gt=0.0, le=5.0)
    """Smallest step of the plate's temperature setting; older models take whole degrees."""
