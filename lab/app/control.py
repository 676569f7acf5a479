"""The engine as the control API sees it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from lab import __version__
from lab.control.port import Answer, Request

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from lab.domain.event import Recorded
    from lab.domain.state import LabState
    from lab.engine.shell import Engine

__all__ = ["EngineControl"]


class EngineControl:
    """Fulfils `lab.control.port.EnginePort` for one running engine."""

    def __init__(self, engine: Engine, *, lab: str, epoch: int, url: str, clock: str) -> None:
        self._engine = engine
        self._info: dict[str, object] = {
            "lab": lab,
            "version": __version__,
            "epoch": epoch,
            "database": url,
            "clock": clock,
            "pid": os.getpid(),
        }

    async def request(self, request: Request) -> Answer:
        answered = await self._engine.request(
            request.id, request.verb, request.actor, request.reason, dict(request.args)
        )
        return Answer(id=answered.request, accepted=answered.accepted, detail=answered.detail)

    def state(self) -> LabState:
        return self._engine.state

    def events(self, after: int) -> AsyncIterator[Recorded]:
        return self._engine.events(after)

    def info(self) -> dict[str, object]:
        return self._info
