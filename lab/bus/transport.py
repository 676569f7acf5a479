"""The transport contract: messages by topic. In memory (`lab.bus.memory`) and MQTT (`lab.bus.mqtt`) fulfil it.

Messages may be lost, doubled, late or out of order; every user of a transport must bear that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

__all__ = ["Message", "Subscription", "Transport"]


@dataclass(frozen=True, slots=True)
class Message:
    """One message as it arrived. `retained` is true for what a broker kept from before the subscription."""

    topic: str
    payload: bytes
    retained: bool = False


class Subscription(Protocol):
    """Messages that match one or more patterns, in order of arrival. Iterate it; `close()` ends the iteration."""

    def __aiter__(self) -> Subscription: ...

    async def __anext__(self) -> Message: ...

    async def close(self) -> None: ...


class Transport(Protocol):
    """A connection to the bus. Patterns use MQTT wildcards (`+` one level, `#` the rest)."""

    async def __aenter__(self) -> Self:
        """Connect. Raises UnavailableError when the broker can't be reached."""
        ...

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    async def publish(
        self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False
    ) -> None:
        """Hand over a message. While the broker is away it waits for the reconnection."""
        ...

    async def subscribe(self, *patterns: str) -> Subscription:
        """Start receiving; returns when the broker has confirmed. Survives reconnections."""
        ...
