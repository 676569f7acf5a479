"""Who looks for better timelines while the engine goes on: a process beside it, or under the virtual clock itself."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING, Protocol, cast

from lab.engine.planner_frames import PlanAnswer, PlanRequest
from lab.engine.solver.frames import frame, unpacked
from lab.plan.improvement import FROZEN_S

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lab.engine.clock import EngineClock
    from lab.plan.improvement import PlanJob

__all__ = ["Improver", "InlineImprover", "PlannerProcess", "improver_for"]

_LOG = logging.getLogger(__name__)

_SECONDS = 5.0
"""Real time that a search may take."""
_LEAST_SECONDS = 0.2
"""Where process time runs so fast that less is left, nothing is looked for."""
_STARTING_S = 60.0
"""Real time beyond that before a process counts as hung: its first search of all compiles, which takes half a minute."""
_ENDING_S = 2.0
_MOST_WORKERS = 4
_COMMAND = (sys.executable, "-m", "lab.engine.planner_child")

_FEW = 12
"""So few runs are placed anew at each deviation (`lab.plan.replan`): under the virtual clock that is enough."""
_EVALUATIONS = 60
"""Orders that are tried under the virtual clock; some 5 ms each at 96 samples."""
_VIRTUAL_THINKING_S = 5.0


class Improver(Protocol):
    """Looks for better timelines, one at a time. It is closed when the engine ends."""

    async def improve(self, job: PlanJob) -> PlanAnswer: ...

    async def close(self) -> None: ...


def improver_for(clock: EngineClock) -> Improver | None:
    """The one that fits a clock; None where the `plan` extra is not installed, or process time runs too fast."""
    if find_spec("numpy") is None:
        return None
    if clock.kind == "virtual":
        return InlineImprover(clock)
    seconds = min(_SECONDS, FROZEN_S / clock.speed / 2)
    return PlannerProcess(seconds) if seconds >= _LEAST_SECONDS else None


class InlineImprover:
    """Searches in the engine's own loop, where that costs no time: a fixed effort, so the same seed finds the same."""

    def __init__(self, clock: EngineClock, evaluations: int = _EVALUATIONS) -> None:
        self._clock = clock
        self._evaluations = evaluations

    async def improve(self, job: PlanJob) -> PlanAnswer:
        """Nothing for few runs."""
        await self._clock.sleep(_VIRTUAL_THINKING_S)
        if len(job.snapshot.runs) <= _FEW:
            return PlanAnswer()
        from lab.plan.tiers import improved  # numpy and numba, which small campaigns do without

        found = improved(job, self._evaluations)
        return PlanAnswer() if found is None else PlanAnswer(found.timeline.slots)

    async def close(self) -> None:
        """There is nothing to end."""


class PlannerProcess:
    """A process that is started with the first job and serves until the engine ends.

    One that dies or hangs costs its answer and nothing else: the next job gets a new one.
    """

    def __init__(
        self,
        seconds: float = _SECONDS,
        command: Sequence[str] = _COMMAND,
        patience_s: float = _STARTING_S,
    ) -> None:
        self._seconds = seconds
        self._command = command
        self._patience_s = patience_s
        self._workers = max(1, min(_MOST_WORKERS, (os.cpu_count() or 1) - 1))
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int | None:
        """Of the process, while it lives."""
        process = self._process
        return None if process is None or process.returncode is not None else process.pid

    async def improve(self, job: PlanJob) -> PlanAnswer:
        """Ask, and wait for the answer; an empty one where the process did not survive it."""
        try:
            async with asyncio.timeout(self._seconds + self._patience_s):
                return await self._asked(job)
        except (OSError, EOFError, asyncio.IncompleteReadError) as error:
            # TimeoutError is among them
            _LOG.warning("the planner process is given up: %s", str(error) or "no answer in time")
            await self.close()
            return PlanAnswer()
        except asyncio.CancelledError:
            await self.close()
            raise

    async def _asked(self, job: PlanJob) -> PlanAnswer:
        process = self._process
        if process is None or process.returncode is not None:
            process = self._process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
            )
        assert process.stdin is not None  # both are pipes
        assert process.stdout is not None
        process.stdin.write(frame(PlanRequest(job, self._seconds, self._workers)))
        await process.stdin.drain()
        head = await process.stdout.readexactly(4)
        body = await process.stdout.readexactly(int.from_bytes(head, "big"))
        answer = cast("PlanAnswer", unpacked(body))
        if answer.error:
            _LOG.warning("the search for a better plan failed: %s", answer.error)
        return answer

    async def close(self) -> None:
        """End the process: it leaves by itself when its input ends, and is killed where it does not."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()
        try:
            async with asyncio.timeout(_ENDING_S):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
