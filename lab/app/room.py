"""The simulated room hears what people did for it: where there is no hardware, nobody fills a real bottle."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.domain import event as ev
from lab.domain.reduce_service import DONE

if TYPE_CHECKING:
    from collections.abc import Callable

    from lab.engine.shell import Engine

__all__ = ["serve_room"]


async def serve_room(engine: Engine, serve: Callable[[str], None], after: int) -> None:
    """Until the engine ends: each service that is recorded as done is done in the simulated room, too."""
    asked = {name: q.service for name, q in engine.state.questions.items() if q.service}
    async for record in engine.events(after):
        match record.event:
            case ev.QuestionAsked(question=question, service=service) if service:
                asked[question] = service
            case ev.QuestionAnswered(question=question, answer=answer):
                service = asked.pop(question, "")
                if service and answer == DONE:
                    serve(service)
            case _:
                pass
