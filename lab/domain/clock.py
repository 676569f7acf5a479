"""The clock contract. Implementations live in `lab.engine.clock`; nothing else may read a system clock.

Process time (`now`, `monotonic`, `sleep`) is the laboratory's: physics, durations, holds. It may run faster
than real time (scaled) or jump (virtual). Time-outs of real communication use `asyncio.timeout`, which stays
real on the real and the scaled clock and is virtual only where no real communication exists.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["Clock"]


class Clock(Protocol):
    """Process time. One object per process, handed in by the composition root."""

    @property
    def speed(self) -> float:
        """Process seconds per real second (1 for real; infinite for virtual)."""
        ...

    def now(self) -> datetime:
        """Process time as an aware UTC datetime."""
        ...

    def monotonic(self) -> float:
        """Process seconds since this clock was made."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return after that many process seconds."""
        ...
