"""What a simulator is. All of them share one `World`, so a dose from one device is seen by the next.

A simulator is constructed as `Simulator(SimulatorContext)`. Stream simulators answer bytes; HTTP simulators offer
an ASGI app; MQTT simulators talk through a message transport. None of them knows whether the clock is real.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from pydantic import JsonValue

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from random import Random

    from lab.bus.transport import Transport
    from lab.devices.stream import ByteStream
    from lab.domain.clock import Clock
    from simulators.world import World

__all__ = ["HttpSimulator", "MessageSimulator", "SimulatorContext", "StreamSimulator"]


@dataclass(frozen=True, slots=True)
class SimulatorContext:
    """`settings` is the `simulate:` mapping of the device's entry in lab.yaml (vessel, liquid, noise, ...);
    `random` is the device's own generator, seeded from the world's seed and the device's name."""

    device: str
    world: World
    clock: Clock
    random: Random
    settings: Mapping[str, JsonValue] = field(default_factory=dict[str, JsonValue])


class StreamSimulator(Protocol):
    """A device on a byte line. It lives on between connections: `serve` is called for each one."""

    async def serve(self, stream: ByteStream) -> None:
        """Answer until the stream closes."""
        ...


class HttpSimulator(Protocol):
    """A device with an HTTP API."""

    @property
    def app(self) -> Callable[[Any, Any, Any], Awaitable[None]]:
        """The ASGI application."""
        ...

    async def close(self) -> None:
        """End what goes on between requests."""
        ...


class MessageSimulator(Protocol):
    """A device that is itself an MQTT client."""

    async def serve(self, transport: Transport) -> None:
        """Answer until cancelled."""
        ...
