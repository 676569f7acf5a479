"""An event loop whose time jumps to the next timer as soon as nothing else can happen.

An eight-hour procedure runs in seconds, and in the same order each time: all parties live in this one loop and talk
through memory. Real I/O is still polled. Work outside the loop (a thread, a child process) must hold the loop still
with `hold()`, or time would run away from it while it works.
"""

from __future__ import annotations

import asyncio
import math
import selectors
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine, Generator

__all__ = ["LivelockError", "StuckError", "VirtualLoop", "run_virtual"]

_T = TypeVar("_T")
_REAL_WAIT_S = 0.05
_RESOLUTION_S = 1e-9
_PATIENCE = 1_000_000
"""Passes of the loop in one moment of virtual time: far more than a hundred samples at once need."""


class StuckError(RuntimeError):
    """Every task waits for something that can no longer happen."""


class LivelockError(RuntimeError):
    """Tasks wake one another for ever, and virtual time stands still."""


class _JumpingSelector(selectors.DefaultSelector):
    """Instead of sleeping, tells the loop how far to jump."""

    loop: VirtualLoop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or (timeout is not None and timeout <= 0):
            self.loop.count_pass()
            return ready
        if self.loop.held:
            wait = _REAL_WAIT_S if timeout is None else min(timeout, _REAL_WAIT_S)
            return super().select(wait)
        if timeout is None:
            # One key is the loop's own wake-up pipe; with real sockets open, real events may still come.
            if len(self.get_map()) <= 1:
                raise StuckError("all tasks wait and no timer is set: nothing can happen any more")
            return super().select(_REAL_WAIT_S)
        self.loop.jump(timeout)
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """Starts at time 0. One thread, as any asyncio loop."""

    def __init__(self) -> None:
        self._now = 0.0
        self._holds = 0
        self._passes = 0
        selector = _JumpingSelector()
        selector.loop = self
        super().__init__(selector)

    def time(self) -> float:
        return self._now

    def jump(self, seconds: float) -> None:
        """Let that many virtual seconds pass at once."""
        self._now += seconds
        self._passes = 0
        # A timer is due at `when < time + resolution`: asyncio's nanosecond is lost in the sum after 194 days (2^24 s).
        self._clock_resolution = max(_RESOLUTION_S, math.ulp(self._now))

    def count_pass(self) -> None:
        """One more pass in the same moment. LivelockError when there were far too many: what would otherwise be a process that
        works for ever and says nothing."""
        self._passes = 0 if self.held else self._passes + 1
        if self._passes <= _PATIENCE:
            return
        self._passes = 0
        tasks = asyncio.all_tasks(self)
        busy = sorted({str(getattr(each.get_coro(), "__qualname__", each)) for each in tasks})
        raise LivelockError(
            f"virtual time stands still at {self._now:g} s after {_PATIENCE} passes of the event loop: something is done"
            f" again and again without waiting. Under way: {', '.join(busy)}"
        )

    async def shutdown_default_executor(self) -> None:
        """Waits for real threads, so time stands still."""
        with self.hold():
            await super().shutdown_default_executor()

    @property
    def held(self) -> bool:
        return self._holds > 0

    @contextmanager
    def hold(self) -> Generator[None, None, None]:
        """Keep time still while work goes on outside the loop."""
        self._holds += 1
        try:
            yield
        finally:
            self._holds -= 1


def run_virtual(main: Coroutine[Any, Any, _T]) -> _T:
    """`asyncio.run` on a virtual loop."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)
