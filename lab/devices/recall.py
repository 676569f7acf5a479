"""What a device host says of commands that it knows, or never saw: from its ledger, and where that is open from its device."""

from __future__ import annotations

import logging
import sqlite3
from typing import TYPE_CHECKING

from lab.devices.admission import FORGOTTEN
from lab.devices.execution import outcome_of_entry, outcome_of_settlement

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from lab.bus.envelope import CancelMessage, QueryMessage
    from lab.devices.device_line import DeviceLine
    from lab.devices.ledger import DeviceLedger, LedgerEntry
    from lab.devices.voice import Voice
    from lab.domain.command import Settlement

__all__ = ["Recall"]

_LOG = logging.getLogger(__name__)


class Recall:
    """`in_hand` tells whether a command is being carried out, `spawn` starts a task of the host's."""

    def __init__(
        self,
        ledger: DeviceLedger,
        voice: Voice,
        line: DeviceLine,
        in_hand: Callable[[str], bool],
        spawn: Callable[[Coroutine[None, None, None]], object],
    ) -> None:
        self._ledger = ledger
        self._voice = voice
        self._line = line
        self._in_hand = in_hand
        self._spawn = spawn
        self._resolving: set[str] = set()

    def repeat(self, known: LedgerEntry) -> None:
        """The recorded answer once more; where there is none yet, the device is asked first."""
        if known.state == "refused_forever":
            self.refused(known.id, known.reason, known.detail)
            return
        self._voice.accepted(known.id)
        if self._in_hand(known.id):
            return
        outcome = outcome_of_entry(known)
        if outcome is not None:
            self._voice.outcome(known.id, outcome)
        else:
            self._resolve(known, self._tell_resolved)

    def refused(self, command_id: str, reason: str, detail: str) -> None:
        """Nothing will happen; or, where an earlier ledger may have seen it, that nobody can know."""
        if reason == FORGOTTEN:
            self._voice.query_reply(command_id, "forgotten")
        else:
            self._voice.refused(command_id, reason, detail)

    def known_or_withdrawn(
        self, asked: QueryMessage | CancelMessage, came_first: str
    ) -> LedgerEntry:
        """The command's entry. What never came here is refused from now on; to another ledger it may have come."""
        known = self._ledger.entry(asked.id)
        if known is None:
            other = asked.ledger not in ("", self._ledger.identity)
            self._ledger.refuse(
                asked.id,
                FORGOTTEN if other else "withdrawn",
                came_first,
                epoch=asked.epoch,
                journal=asked.journal,
            )
            known = self._ledger.entry(asked.id)
            assert known is not None
        return known

    def answer(self, query: QueryMessage) -> None:
        """What became of it, at once or when the device has been asked."""
        known = self.known_or_withdrawn(query, "a query came before the command")
        if known.state == "refused_forever":
            forgotten = known.reason == FORGOTTEN
            self._voice.query_reply(query.id, "forgotten" if forgotten else "never_seen")
        elif self._in_hand(query.id):
            self._voice.query_reply(query.id, "running")
        elif known.settlement is not None:
            self._reply_resolved(known, known.settlement)
        elif known.outcome is not None and known.outcome.result != "unknown":
            self._voice.query_reply(known.id, "ended", outcome=known.outcome)
        else:
            self._resolve(known, self._reply_resolved)

    def _resolve(
        self, entry: LedgerEntry, reply: Callable[[LedgerEntry, Settlement | None], None]
    ) -> None:
        """Find out what became of a command that is not in hand, then reply; None: ask again."""

        async def find_out() -> None:
            try:
                settlement = await self._settle(entry.id)
                reply(self._ledger.entry(entry.id) or entry, settlement)
            except sqlite3.Error as error:
                # As if the question had been lost on its way: it is asked again.
                _LOG.warning("what became of %s can't be read: %s", entry.id, error)
            finally:
                self._resolving.discard(entry.id)

        if entry.id not in self._resolving:
            self._resolving.add(entry.id)
            self._spawn(find_out())

    async def _settle(self, command_id: str) -> Settlement | None:
        await self._line.until_open()
        if self._line.in_hand and self._line.lock.locked():
            return None
        async with self._line.lock:
            entry = self._ledger.entry(command_id)
            return None if entry is None else await self._line.settle(entry)

    def _reply_resolved(self, entry: LedgerEntry, settlement: Settlement | None) -> None:
        if settlement is None:
            self._voice.query_reply(entry.id, "running")
        else:
            self._voice.query_reply(
                entry.id, "settled", outcome=entry.outcome, settlement=settlement
            )

    def _tell_resolved(self, entry: LedgerEntry, settlement: Settlement | None) -> None:
        if settlement is not None:
            self._voice.outcome(entry.id, outcome_of_settlement(settlement))
