"""Waiting beside another engine, to go on where it stops."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from lab.domain.errors import UnavailableError
from lab.records.journal import Journal
from lab.records.locks import LabTakenError

if TYPE_CHECKING:
    from collections.abc import Callable

    from lab.app.options import RunOptions

__all__ = ["opened_journal"]

_LOOK_S = 0.5
"""Real seconds between two looks whether the lab is free."""


async def opened_journal(
    options: RunOptions, url: str, say: Callable[[str], None] = lambda _text: None
) -> Journal:
    """The records, with the lab's lock. LabTakenError where another engine has it, unless this one stands by."""
    # A virtual run is over before anyone could take over from it, and has no real time to renew a lease in.
    leased = not options.virtual
    told, away = False, ""
    while True:
        try:
            journal = Journal(url, leased=leased, standby=options.standby)
        except LabTakenError:
            if not options.standby:
                raise
            if not told:
                say("another engine has the lab; standing by")
                told = True
            await asyncio.sleep(_LOOK_S)
        except UnavailableError as error:
            if not told:
                raise  # more likely a wrong name than a server that will come back
            if away != error.message:
                say(f"{error.message}; standing by")
                away = error.message
            await asyncio.sleep(_LOOK_S)
        else:
            if told:
                say(f"the lab is free: this is engine {journal.epoch} now")
            return journal
