"""A bench for one driver and one simulator: a connector, acts, and lines that can be disturbed."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lab.devices.driver import Act, DriverContext
from lab.devices.memory_stream import stream_pair
from lab.domain.command import Command
from lab.engine.clock import VirtualClock
from simulators.contract import SimulatorContext
from simulators.world import World

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Mapping

    from lab.devices.stream import ByteStream

__all__ = ["Bench", "Tap", "act"]


@dataclass
class Tap:
    """A line between driver and simulator that records and disturbs.

    `to_driver` and `to_device` may change the bytes under way; b"" swallows them.
    """

    inner: ByteStream
    sent: list[bytes] = field(default_factory=list)
    to_driver: Callable[[bytes], bytes] = lambda data: data
    to_device: Callable[[bytes], bytes] = lambda data: data

    async def read(self) -> bytes:
        while True:
            arrived = await self.inner.read()
            data = self.to_driver(arrived)  # as it is by now
            if data:
                return data

    async def write(self, data: bytes) -> None:
        self.sent.append(data)
        passed = self.to_device(data)
        if passed:
            await self.inner.write(passed)

    async def close(self) -> None:
        await self.inner.close()


class Bench:
    """Holds world and clock; `connected` runs a stream simulator and a driver on one tapped line.

    Made inside of `run_virtual`, whose loop is its clock.
    """

    def __init__(self, seed: int = 7) -> None:
        self.clock = VirtualClock(asyncio.get_running_loop())
        self.world = World(seed, self.clock)
        self.taps: list[Tap] = []
        self.to_driver: Callable[[bytes], bytes] = lambda data: data
        self._simulator: Any = None
        self._serving: list[asyncio.Task[None]] = []

    def simulator_context(self, device: str, **settings: Any) -> SimulatorContext:
        return SimulatorContext(
            device, self.world, self.clock, self.world.random_for(device), settings
        )

    def driver_context(self, device: str, settings: Mapping[str, Any]) -> DriverContext:
        return DriverContext(device, "sim:", self, self.clock, settings)  # type: ignore[arg-type]

    def attach(self, simulator: Any) -> None:
        self._simulator = simulator

    async def stream(self, url: str) -> ByteStream:
        """The connector: each opening is a new line to the same instrument."""
        assert url == "sim:"
        ours, theirs = stream_pair()
        self._serving.append(asyncio.create_task(self._simulator.serve(theirs)))
        self.taps.append(Tap(ours, to_driver=self.to_driver))
        return self.taps[-1]

    @asynccontextmanager
    async def connected(
        self, driver_class: Any, simulator: Any, settings: Mapping[str, Any] | None = None
    ) -> AsyncGenerator[Any]:
        self.attach(simulator)
        driver = driver_class(self.driver_context("device", settings or {}))
        await driver.connect()
        try:
            yield driver
        finally:
            await driver.disconnect()
            await self.end()

    async def end(self) -> None:
        for tap in self.taps:
            await tap.close()
        await asyncio.gather(*self._serving)

    def temperature(self, vessel: str) -> float:
        """Of a vessel, now, in degC."""
        self.world.advance()
        return self.world.vessel(vessel).temperature_c

    def kinds(self) -> list[str]:
        return [entry.kind for entry in self.world.acts]


def act(
    action: str = "x",
    timeout_s: float = 3600.0,
    progress: list[Mapping[str, Any]] | None = None,
    id_: str = "c1",
    begun: list[bool] | None = None,
    **args: Any,
) -> Act:
    """An act as the device host makes it; `progress` and `begun` collect what the driver reports."""
    command = Command(
        id=id_,
        run="r",
        step="s",
        attempt=1,
        device="device",
        action=action,
        args=args,
        effect="absolute",
        settle="query",
        timeout_s=timeout_s,
    )

    async def begin() -> None:
        if begun is not None:
            begun.append(True)

    async def report(values: Mapping[str, Any]) -> None:
        if progress is not None:
            progress.append(values)

    return Act(command, begin, report)
