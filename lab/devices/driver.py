"""The driver contract: one plain class per device, one async method per action of its manifest.

A driver is made with `Driver(context)`, connected once, then asked for one action at a time by its device host.
Actions take keyword arguments named and united as in the capability contract and return a dict of plain numbers
or text. Public methods name a target state and are safe to repeat, unless the contract says `effect: once`.

What may be raised by an action:
  DeviceError(effect="none")     nothing happened: refused by the device, bad reply before the act began
  DeviceError(effect="partial")  something happened, not all (a stall in the middle of a dose)
  DeviceError(effect="unknown")  it can't be told
  StreamClosedError, TimeoutError  mapped by the host: no effect before `act.begin()`, unknown after it
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

from pydantic import JsonValue

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import httpx

    from lab.bus.transport import Transport
    from lab.devices.stream import ByteStream
    from lab.domain.clock import Clock
    from lab.domain.command import Command, Settlement

__all__ = ["Act", "Connector", "DeviceError", "Driver", "DriverContext", "Identity", "Outputs"]

Outputs = Mapping[str, JsonValue]


class DeviceError(Exception):
    """A fault that the driver can name. `code` is stable and listed in the manifest."""

    def __init__(
        self, code: str, message: str, *, effect: Literal["none", "partial", "unknown"] = "none"
    ) -> None:
        super().__init__(message)
        self.code = code
        self.effect = effect


@dataclass(frozen=True, slots=True)
class Identity:
    """What the device says of itself when it connects; kept with every record."""

    manufacturer: str
    model: str
    serial_number: str = ""
    firmware: str = ""
    simulated: bool = False
    """True where the device itself says so; that a simulator is on the line, the host is told."""


class Connector(Protocol):
    """Opens lines. Whether a real port or a simulator is behind them is decided here, never in a driver."""

    async def stream(self, url: str) -> ByteStream:
        """A byte line: `serial:///dev/ttyUSB0?baud=9600&parity=E&bytesize=7`, `socket://host:port`, `sim:`."""
        ...

    def http(self, url: str) -> httpx.AsyncClient:
        """An HTTP client with `url` as its base."""
        ...

    async def messages(self, url: str) -> Transport:
        """A connected message transport, for devices that speak MQTT themselves."""
        ...


@dataclass(frozen=True, slots=True)
class DriverContext:
    """Everything that a driver gets. `url` and `settings` come from the device's entry in `lab.yaml`."""

    name: str
    url: str
    connector: Connector
    clock: Clock
    settings: Mapping[str, JsonValue] = field(default_factory=dict[str, JsonValue])


class Act:
    """One action in progress. The host makes it; the driver reports through it.

    `begin()` is the point of no return: the host's ledger is durable when it returns, and only then may a driver
    with `effect: once` send the bytes that make the device act. Before it, a crash certainly did nothing.
    """

    def __init__(
        self,
        command: Command,
        begin: Callable[[], Awaitable[None]],
        progress: Callable[[Mapping[str, JsonValue]], Awaitable[None]],
    ) -> None:
        self.command = command
        self._begin = begin
        self._progress = progress

    async def begin(self) -> None:
        """Make the start of the physical act durable. Call it just before the act; repeats are harmless."""
        await self._begin()

    async def progress(self, values: Mapping[str, JsonValue]) -> None:
        """Publish intermediate values, best effort."""
        await self._progress(values)


class Driver(Protocol):
    """The methods beside the actions. An action is `async def name(self, act: Act, *, arg, ...) -> Outputs`."""

    def __init__(self, context: DriverContext) -> None: ...

    async def connect(self) -> Identity:
        """Open the line, check that the device is what the manifest says, bring it to a known state."""
        ...

    async def disconnect(self) -> None:
        """Close the line. Safe to call twice and after errors."""
        ...

    async def make_safe(self) -> None:
        """Bring the device to the safe state that its manifest declares (heater off, pump stopped)."""
        ...

    async def settle(self, command: Command) -> Settlement:
        """After a crash between `begin` and the outcome: ask the device what became of that command."""
        ...

    async def read_telemetry(self) -> Mapping[str, float]:
        """Live values by channel name (units in the manifest); cheap, no effect. Empty when there are none."""
        ...
