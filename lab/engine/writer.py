"""The journal as the engine writes it: beside the loop, with snapshots now and then, and with patience where it can't be written.

While the records can't be written (a full disk, a server that is away) nothing may be decided and nothing sent. The engine then
stands still and tries again each second; `trouble` says why and since when.
"""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeVar

from lab.domain.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from lab.domain import event as ev
    from lab.domain.state import LabState
    from lab.engine.clock import EngineClock

__all__ = ["JournalWriter", "Trouble", "Writer"]

_LOG = logging.getLogger(__name__)

T = TypeVar("T")

_AGAIN_S = 1.0
"""Real seconds between two tries to write."""
_KEEP_EVERY = 5_000
"""Records after which a snapshot is written, so that a start folds hardly more than so many."""
_WORTH_KEEPING = 1_000
"""Records since the last snapshot for which one is written at the end."""


class JournalWriter(Protocol):
    """What the engine needs of the journal (`lab.records.journal.Journal`)."""

    epoch: int

    def append(self, events: list[tuple[ev.Event, datetime]]) -> list[ev.Recorded]: ...

    def caught_up(self) -> list[ev.Recorded]: ...

    def read(self, after: int = 0) -> list[ev.Recorded]: ...

    def load(self) -> LabState: ...

    def keep(self, state: LabState) -> None: ...


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why nothing goes on, and since when (process time)."""

    text: str
    since: datetime


class Writer:
    """One writer, one thread. The virtual clock knows no threads and no patience: there the journal is called in line, and
    what it raises ends the run."""

    def __init__(self, journal: JournalWriter, clock: EngineClock) -> None:
        self._journal = journal
        self._clock = clock
        self._ended = False
        self._kept_seq = 0
        self._keeping: asyncio.Task[None] | None = None
        self._threads = (
            None
            if clock.kind == "virtual"
            else ThreadPoolExecutor(max_workers=1, thread_name_prefix="journal")
        )
        self.trouble: Trouble | None = None

    @property
    def epoch(self) -> int:
        """Of the journal's engine."""
        return self._journal.epoch

    @property
    def beside(self) -> bool:
        """Is there a real clock, and so a thread beside the loop?"""
        return self._threads is not None

    async def load(self) -> LabState:
        """What is true after the last record."""
        state = await self._call(self._journal.load)
        self._kept_seq = state.seq
        return state

    async def read(self, after: int) -> list[ev.Recorded]:
        """All records after a sequence number, in order."""
        return await self._call(lambda: self._journal.read(after))

    async def append(self, staged: list[tuple[ev.Event, datetime]]) -> list[ev.Recorded]:
        """Make events durable in order. UnavailableError where that can't be done now; see `hold`.

        The trouble is over when nothing is left to write, too: what comes next will find out whether it can be.
        """
        records = await self._call(lambda: self._journal.append(staged)) if staged else []
        if self.trouble is not None:
            _LOG.warning("the records can be written again: the engine goes on")
            self.trouble = None
        return records

    # -- the hold ---------------------------------------------------------------------------------

    async def hold(self, error: UnavailableError) -> list[ev.Recorded]:
        """After an append that failed: wait a moment; then what was made durable all the same, its answer being lost.

        Raises the error where there is nobody to wait for.
        """
        if self._threads is None:
            raise error
        if self.trouble is None:
            _LOG.error("%s; nothing begins until they can be", error.message)
        since = self._clock.now() if self.trouble is None else self.trouble.since
        self.trouble = Trouble(error.message, since)
        await asyncio.sleep(_AGAIN_S)
        try:
            return await self._call(self._journal.caught_up)
        except UnavailableError:
            return []

    # -- snapshots --------------------------------------------------------------------------------

    def keep_now_and_then(self, state: LabState) -> None:
        """A snapshot in a thread of its own: no commit waits for it."""
        due = state.seq - self._kept_seq >= _KEEP_EVERY
        if due and (self._keeping is None or self._keeping.done()):
            self._kept_seq = state.seq
            self._keeping = asyncio.create_task(self._keep(state))

    async def keep_at_the_end(self, state: LabState) -> None:
        """The last one, where it is worth it."""
        if state.seq - self._kept_seq >= _WORTH_KEEPING:
            await self._keep(state)

    async def _keep(self, state: LabState) -> None:
        try:
            if self._threads is None:
                self._journal.keep(state)
            else:
                await asyncio.to_thread(self._journal.keep, state)
        except Exception as error:
            # Whatever the database says: the journal has it all, and the next start only takes longer.
            _LOG.warning("no snapshot was kept: %s", error)

    # -- life -------------------------------------------------------------------------------------

    async def _call(self, work: Callable[[], T]) -> T:
        if self._threads is None or self._ended:
            return work()
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def end(self) -> None:
        """From now on the journal is read in line."""
        self._ended = True

    async def close(self) -> None:
        """End the thread, after a snapshot that is under way."""
        if self._keeping is not None:
            await asyncio.wait((self._keeping,), timeout=2.0)
            self._keeping.cancel()
        if self._threads is not None:
            self._threads.shutdown(wait=True)
