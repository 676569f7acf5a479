"""Ctrl-C on a running campaign: the first stops in order, the second makes the lab safe, the third leaves at once."""

from __future__ import annotations

import asyncio
import getpass
import signal
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Coroutine

    from lab.domain.state import LabState
    from lab.engine.shell import Engine

__all__ = ["Interrupts", "interruptible"]

_SAFE_S = 15.0
"""Real seconds that the second Ctrl-C waits for the devices to confirm their safe state."""


class Interrupts:
    """Counts the signals and asks the engine for what each of them means."""

    def __init__(
        self, engine: Engine, run: asyncio.Task[LabState], say: Callable[[str], None]
    ) -> None:
        self.count = 0
        self._engine = engine
        self._run = run
        self._say = say
        self._tasks: set[asyncio.Task[None]] = set()

    def hit(self) -> None:
        """One more signal."""
        self.count += 1
        if self.count == 1:
            self._say(
                "stopping in order (running steps end, safe-state steps run); again: make safe"
            )
            self._start(self._ask("stop"))
        elif self.count == 2:
            self._say("every device goes to its safe state; again: leave at once")
            self._start(self._make_safe())
        else:
            self._run.cancel()

    def _start(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _ask(self, verb: str) -> None:
        name = f"ctrl-c-{self._engine.epoch}-{self.count}"
        answered = await self._engine.request(name, verb, getpass.getuser(), "Ctrl-C")
        if not answered.accepted:
            self._say(answered.detail)

    async def _make_safe(self) -> None:
        await self._ask("safe")
        with suppress(TimeoutError):
            async with asyncio.timeout(_SAFE_S):
                async for _ in self._engine.events(self._engine.state.seq):
                    if all(d.state != "ready" for d in self._engine.state.devices.values()):
                        break
        self._run.cancel()


@asynccontextmanager
async def interruptible(
    engine: Engine, run: asyncio.Task[LabState], say: Callable[[str], None]
) -> AsyncGenerator[Interrupts, None]:
    """Take SIGINT and SIGTERM while entered; a service manager's SIGTERM counts like the first Ctrl-C."""
    interrupts = Interrupts(engine, run, say)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, interrupts.hit)
    try:
        yield interrupts
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
