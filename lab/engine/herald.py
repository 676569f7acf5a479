"""Says on the bus what the journal holds, in its order, to whoever listens. Best effort: the journal is the record."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from lab.bus import topics

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lab.bus.transport import Transport
    from lab.domain.event import Recorded

__all__ = ["Herald"]


class Herald:
    """What is taken waits for one teller: the order stays, however slow the broker is."""

    def __init__(self, transport: Transport, lab: str) -> None:
        self._transport = transport
        self._topic = topics.lab_events(lab)
        self._waiting: deque[Recorded] = deque()
        self._telling = False

    def take(self, records: Iterable[Recorded]) -> bool:
        """Durable records, to be told after those before them; True where nobody tells, so that `tell` must be begun."""
        self._waiting += records
        if self._telling:
            return False
        self._telling = True
        return True

    async def tell(self) -> None:
        """Until nothing waits. What the transport raises ends it; what still waits is told after the next records."""
        try:
            while self._waiting:
                payload = self._waiting.popleft().model_dump_json().encode()
                await self._transport.publish(self._topic, payload, qos=0)
        finally:
            self._telling = False
