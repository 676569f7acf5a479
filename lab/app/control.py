"""The engine as the control API sees it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from sqlalchemy import make_url

from lab import __version__
from lab.control.port import Answer, EngineInfo, Request

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from lab.domain.event import Recorded
    from lab.domain.state import LabState
    from lab.engine.clock import EngineClock
    from lab.engine.shell import Engine

__all__ = ["EngineControl"]


class EngineControl:
    """Fulfils `lab.control.port.EnginePort` for one running engine."""

    def __init__(
        self, engine: Engine, *, lab: str, epoch: int, url: str, clock: EngineClock
    ) -> None:
        self._engine = engine
        self._lab = lab
        self._epoch = epoch
        self._database = make_url(url).render_as_string()
        self._clock = clock

    async def request(self, request: Request) -> Answer:
        """Journalled, decided and answered by the engine."""
        answered = await self._engine.request(
            request.id, request.verb, request.actor, request.reason, dict(request.args)
        )
        return Answer(id=answered.request, accepted=answered.accepted, detail=answered.detail)

    def state(self) -> LabState:
        """What is true by the journal."""
        return self._engine.state

    def events(self, after: int) -> AsyncIterator[Recorded]:
        """Records after a number, then live ones until the engine ends."""
        return self._engine.events(after)

    def info(self) -> EngineInfo:
        """Which engine this is, and its time."""
        trouble = self._engine.trouble
        return EngineInfo(
            lab=self._lab,
            version=__version__,
            epoch=self._epoch,
            database=self._database,
            clock=self._clock.kind,
            speed=self._clock.speed,
            now=self._clock.now(),
            pid=os.getpid(),
            trouble="" if trouble is None else trouble.text,
            trouble_since=None if trouble is None else trouble.since,
        )
