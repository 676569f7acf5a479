"""An event loop whose time jumps to the next timer as soon as nothing else can happen.

An eight-hour procedure runs in seconds, and in the same order each time: all parties live in this one loop and talk
through memory. Real I/O is still polled. Work outside the loop (a thread, a child process) must hold the loop still
with `hold()`, or time would run away from it while it works.
"""

from __future__ import annotations

import asyncio
import selectors
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine, Generator

__all__ = ["StuckError", "VirtualLoop", "run_virtual"]

_T = TypeVar("_T")
_REAL_WAIT_S = 0.05


class StuckError(RuntimeError):
    """Every task waits for something that can no longer happen."""


class _JumpingSelector(selectors.DefaultSelector):
    """Instead of sleeping, tells the loop how far to jump."""

    loop: VirtualLoop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or (timeout is not None and timeout <= 0):
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
        selector = _JumpingSelector()
        selector.loop = self
        super().__init__(selector)

    def time(self) -> float:
        return self._now

    def jump(self, seconds: float) -> None:
        """Let that many virtual seconds pass at once."""
        self._now += seconds

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
