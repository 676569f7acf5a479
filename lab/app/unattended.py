"""A virtual run has nobody beside it: where it waits for what will not come, it ends with the reason."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from lab.domain import event as ev
from lab.domain.errors import LabError

if TYPE_CHECKING:
    from lab.domain.state import LabState
    from lab.engine.shell import Engine

__all__ = ["unattended"]

SILENCE_S = 3600.0
"""Process seconds without anything that happens, after which a live signal that is waited for will not come any more."""


async def unattended(engine: Engine, running: asyncio.Task[LabState], seen: int) -> LabState:
    """The engine's last state. LabError, with what is recorded so far, where a person must answer and where a live signal
    stays away; `seen`: the last record of before."""
    asked = asyncio.create_task(_in_vain(engine, seen))
    await asyncio.wait((running, asked), return_when=asyncio.FIRST_COMPLETED)
    if running.done() or not asked.result():
        asked.cancel()
        return await running
    running.cancel()
    await asyncio.wait((running,))
    raise LabError(
        asked.result(),
        hint="the campaign is unfinished; `lab resume --virtual` gives up the samples that were under way",
    )


async def _in_vain(engine: Engine, after: int) -> str:
    """What is waited for that will not come; empty where the engine ends before."""
    events = engine.events(after)
    while True:
        coming = asyncio.ensure_future(anext(events, None))
        try:
            silence = await _silence(engine, coming)
        finally:
            coming.cancel()  # of one that is there nothing is left to cancel
        if silence:
            return silence
        record = coming.result()
        if record is None:
            return ""
        needed = _needed(record.event)
        if needed:
            return f"a person is needed, and a virtual run has none: {needed}"


async def _silence(engine: Engine, coming: asyncio.Future[ev.Recorded | None]) -> str:
    """Returns when the next record is there; or, where nothing is under way, with the signal that is waited for in vain."""
    while True:
        timeout = None if _awaited(engine) is None else SILENCE_S
        done, _ = await asyncio.wait((coming,), timeout=timeout)
        if done:
            return ""
        awaited = _awaited(engine)
        if awaited is not None and not engine.state.open_runs():
            return (
                f"nothing is proposed before {awaited.factor} is known: {awaited.detail}, "
                f"and nothing else has happened for {SILENCE_S / 3600:g} h"
            )


def _needed(event: ev.Event) -> str:
    """What only a person could say."""
    if isinstance(event, ev.QuestionAsked) and not event.service:
        return event.text
    if isinstance(event, ev.ContextAwaited):
        # A device may speak yet, or again; what it has said stays.
        may_come = event.device and event.problem in ("missing", "stale")
        return "" if may_come else event.detail
    return ""


def _awaited(engine: Engine) -> ev.ContextAwaited | None:
    campaign = engine.state.active_campaign
    return None if campaign is None else campaign.awaited
