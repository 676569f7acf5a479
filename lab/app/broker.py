"""Which bus a run uses: in this process, an embedded broker, or a broker that somebody runs."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.bus.memory import MemoryBus, MemoryTransport

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from lab.bus.transport import Transport

__all__ = ["BrokerChoice", "broker_for"]


@dataclass(frozen=True, slots=True)
class BrokerChoice:
    """`url` is None for the bus in this process."""

    url: str | None
    bus: MemoryBus | None = None

    def connect(self, url: str = "") -> Transport:
        """A connection of its own, not entered yet; `url` for a device that names another broker."""
        if self.bus is not None and not url.startswith("mqtt"):
            return MemoryTransport(self.bus)
        from lab.bus.mqtt import MqttTransport

        return MqttTransport(url if url.startswith("mqtt") else self.url or "")


@asynccontextmanager
async def broker_for(choice: str) -> AsyncGenerator[BrokerChoice, None]:
    """`in-process`, `embedded` (a broker process that ends with the context), or a URL."""
    if choice == "in-process":
        yield BrokerChoice(None, MemoryBus())
    elif choice == "embedded":
        from lab.bus.broker import EmbeddedBroker

        async with EmbeddedBroker() as broker:
            yield BrokerChoice(broker.url)
    else:
        yield BrokerChoice(choice)
