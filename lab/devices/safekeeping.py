"""Why a device is kept safe: the requests in force, and the dead-man timer that makes one of its own.

Persons' requests come over the bus. The timer makes one when nobody is in charge any more: the engine's beats feed it. It
begins with the first of them (or with the first command) and ends with the engine's word that it leaves in order. The
ledger keeps both, so a host that is started again stays safe, and counts from its start unless the last engine left in
order. Of a device that the ledger doesn't know it can't tell, as the ledger may be a new one for one that was lost: there
it counts too.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from typing import TYPE_CHECKING

from lab.domain.ids import dead_man_id, dead_man_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lab.bus.envelope import EngineBeat
    from lab.devices.ledger import DeviceLedger

__all__ = ["DEAD_MAN_S", "Safekeeping"]

_LOG = logging.getLogger(__name__)

DEAD_MAN_S = 10.0
"""Real seconds without a sign of the engine, where the lab file says nothing else."""

_LATE_S = 0.5
"""A timer that fires so much too late tells that the process stood still."""


class Safekeeping:
    """`make_safe` is called with the id of each request that comes into force.

    `limit_s`: real seconds without a sign of the engine after which the host makes its own request; None: never.
    `counts_from_start`: where the ledger says that somebody is in charge; else from the first sign on.
    """

    def __init__(
        self,
        name: str,
        boot: str,
        ledger: DeviceLedger,
        limit_s: float | None,
        make_safe: Callable[[str], None],
        *,
        counts_from_start: bool = True,
    ) -> None:
        self._name = name
        self._boot = boot
        self._ledger = ledger
        self._limit_s = limit_s
        self._make_safe = make_safe
        self._counts_from_start = counts_from_start
        self._fed_s = 0.0
        self._counting = asyncio.Event()
        self._silences = 0
        self._unwritten: tuple[str, ...] = ()
        self.requests: tuple[str, ...] = ()
        """Ids of the requests in force, oldest first."""
        self._read()

    def enter(self, request: str) -> None:
        """A request, once more or for the first time. Durable when this returns; where the ledger can't be written the
        device is made safe all the same."""
        try:
            self._ledger.enter_safe(request)
            self._read()
        except sqlite3.Error:
            self._unwritten = (*(r for r in self._unwritten if r != request), request)
            self.requests = (*(r for r in self.requests if r != request), request)
        self._make_safe(request)

    def write_down(self) -> None:
        """What the ledger could not take before. sqlite3.Error where it still can't."""
        for request in self._unwritten:
            self._ledger.enter_safe(request)
        self._unwritten = ()

    def lift(self, requests: Sequence[str]) -> None:
        """These no longer hold."""
        self._ledger.lift(requests)
        self._unwritten = tuple(r for r in self._unwritten if r not in requests)
        self._read()

    def explain(self) -> str:
        """Why the device is safe without a person's request; empty where that is not so."""
        own = dead_man_of(self.requests)
        return "made safe by its host: there was no sign of the engine" if own else ""

    # -- the timer ------------------------------------------------------------------------------

    def hear(self, beat: EngineBeat, age_s: float) -> None:
        """A sign of life, sent `age_s` seconds ago; or the last word of an engine that leaves in order."""
        if beat.leaving:
            self._counting.clear()
            self._ledger.in_charge(False)
            self._ledger.leave(beat.epoch, beat.journal)
        elif not self._ledger.holder().free:  # not one that its last word has overtaken
            self.feed(age_s)

    def feed(self, age_s: float) -> None:
        """Somebody was in charge `age_s` seconds ago. What is older than the limit says nothing."""
        if self._limit_s is None or age_s > self._limit_s:
            return
        self._fed_s = max(self._fed_s, _now() - max(0.0, age_s))
        if not self._counting.is_set():
            self._counting.set()
            self._ledger.in_charge(True)

    async def watch(self) -> None:
        """Count, for ever. One sleep serves all: a sign only notes its time, however many come."""
        if self._limit_s is None:
            return
        if self._counts_from_start and self._ledger.is_in_charge():
            self._fed_s = _now()
            self._counting.set()
        stood_still = False
        while True:
            await self._counting.wait()
            left_s = self._fed_s + self._limit_s - _now()
            if left_s > 0:
                await asyncio.sleep(left_s)
                stood_still = _now() > self._fed_s + self._limit_s + _LATE_S
                continue
            if stood_still:
                # This process was stopped, and the engine in it perhaps, too: what came meanwhile is heard first.
                stood_still = False
                await asyncio.sleep(_LATE_S)
                continue
            # It counts again from the next sign; until then the device stays as it is made now.
            self._counting.clear()
            self.give_up("no sign of the engine")

    def give_up(self, why: str) -> None:
        """Nobody is in charge: a request of its own, unless one is in force."""
        if not self.requests:
            self._silences += 1
            _LOG.warning("%s: %s: it is made safe", self._name, why)
            self.enter(dead_man_id(self._boot, self._silences))

    def _read(self) -> None:
        written = tuple(request.id for request in self._ledger.safe_in_force())
        self.requests = (*written, *(r for r in self._unwritten if r not in written))


def _now() -> float:
    return asyncio.get_running_loop().time()
