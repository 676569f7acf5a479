"""The three clocks. This is the only module of the house that may read the system's time.

real     process time is real time
scaled   process time runs `speed` times faster; physics, durations and holds follow it, time-outs of real
         communication do not
virtual  process time is the virtual event loop's; it jumps when nothing real is pending
"""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Protocol

from lab.domain.errors import InputError

if TYPE_CHECKING:
    from typing import Literal

__all__ = [
    "VIRTUAL_START",
    "EngineClock",
    "LocalZone",
    "ScaledClock",
    "VirtualClock",
    "local_now",
    "wall_seconds",
]

VIRTUAL_START = datetime(2026, 1, 1, tzinfo=UTC)
"""Where virtual time begins, always, so that the same seed gives the same journal."""


class EngineClock(Protocol):
    """The process clock as the engine's shell uses it; see `lab.domain.clock.Clock`."""

    @property
    def kind(self) -> Literal["real", "scaled", "virtual"]: ...

    @property
    def speed(self) -> float: ...

    def now(self) -> datetime: ...

    def monotonic(self) -> float: ...

    async def sleep(self, seconds: float) -> None: ...

    def wall(self) -> float:
        """Unix time by which messages expire: real, except under the virtual clock."""
        ...


class ScaledClock:
    """Real time times `speed`; with speed 1 it is the real clock.

    `not_before` lets a resumed engine go on after the journal's last record, so process time never runs back.
    """

    def __init__(self, speed: float = 1.0, not_before: datetime | None = None) -> None:
        if not 0.0 < speed <= 100_000.0:
            raise InputError(
                f"the clock can't run at {speed:g} times real time",
                hint="give a speed above 0 and at most 100000; 1 is real time",
            )
        self._speed = speed
        self._zero = time.monotonic()
        start = datetime.now(UTC)
        self._start = start if not_before is None else max(start, not_before)

    @property
    def kind(self) -> Literal["real", "scaled", "virtual"]:
        return "real" if self._speed == 1.0 else "scaled"

    @property
    def speed(self) -> float:
        return self._speed

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        return (time.monotonic() - self._zero) * self._speed

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds) / self._speed)

    def wall(self) -> float:
        return time.time()


class VirtualClock:
    """The time of the running virtual loop (`lab.engine.virtual_loop`)."""

    def __init__(self, loop: asyncio.AbstractEventLoop, not_before: datetime | None = None) -> None:
        self._loop = loop
        self._start = VIRTUAL_START if not_before is None else max(VIRTUAL_START, not_before)

    @property
    def kind(self) -> Literal["real", "scaled", "virtual"]:
        return "virtual"

    @property
    def speed(self) -> float:
        return float("inf")

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self._loop.time())

    def monotonic(self) -> float:
        return self._loop.time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds))

    def wall(self) -> float:
        return self._loop.time()


def wall_seconds() -> float:
    """Real monotonic seconds, for reporting how long a command took."""
    return time.monotonic()


class LocalZone(tzinfo):
    """The zone of the machine's clock, with its summer time: people's hours and days are told in it."""

    def utcoffset(self, dt: datetime | None) -> timedelta | None:
        return None if dt is None else dt.replace(tzinfo=None).astimezone().utcoffset()

    def dst(self, dt: datetime | None) -> timedelta | None:
        del dt  # part of the offset, and nobody asks for it alone
        return None

    def tzname(self, dt: datetime | None) -> str | None:
        return None if dt is None else dt.replace(tzinfo=None).astimezone().tzname()

    def fromutc(self, dt: datetime) -> datetime:
        """The same moment, told here."""
        return dt.replace(tzinfo=UTC).astimezone().replace(tzinfo=self)


def local_now() -> datetime:
    """The local time on the wall, without a zone: what people's hours are written in."""
    return datetime.now()
