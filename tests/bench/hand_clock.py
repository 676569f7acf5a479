"""A clock that is set by hand, for physics without an event loop."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

__all__ = ["HandClock"]


class HandClock:
    """`seconds` is the process time; nobody sleeps by it."""

    speed = 1.0

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        raise AssertionError(f"nobody sets this clock while something sleeps for {seconds} s")
