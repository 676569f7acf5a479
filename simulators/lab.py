"""A whole simulated laboratory: one world, all its devices, served in memory or over ptys, TCP, HTTP and MQTT.

In memory everything lives in the caller's loop, under any clock. Served outside, the same simulators stand behind
real lines, so the software under test can't tell, and they live on when it dies.
"""

from __future__ import annotations

import asyncio
import importlib
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from pydantic import JsonValue

from lab.devices.memory_stream import stream_pair
from lab.domain.errors import InputError
from simulators.chemistry.water import density_g_per_ml
from simulators.contract import (
    HttpSimulator,
    MessageSimulator,
    SimulatorContext,
    StreamSimulator,
)
from simulators.reactions import CHEMISTRIES, start_chemistry
from simulators.world import World

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Mapping
    from pathlib import Path

    import httpx

    from lab.bus.transport import Transport
    from lab.devices.stream import ByteStream
    from lab.domain.clock import Clock

__all__ = ["CHEMISTRIES", "SimulatedDevice", "SimulatedLab", "SimulatedLiquid"]

_ENDLESS_ML = 1e9


@dataclass(frozen=True, slots=True)
class SimulatedLiquid:
    """A stock: volume in mL, density in g/mL (of water at the lab's temperature if left out), contents in mol/L."""

    volume_ml: float
    density_g_per_ml: float | None = None
    contents_mol_per_l: Mapping[str, float] = field(default_factory=dict[str, float])


@dataclass(frozen=True, slots=True)
class SimulatedDevice:
    """One device: `simulator` is `module:Class`, `connection` is stream, http or mqtt; `line` are serial settings."""

    name: str
    simulator: str
    connection: str
    line: str = ""
    tcp_only: bool = False
    settings: Mapping[str, JsonValue] = field(default_factory=dict[str, JsonValue])


class SimulatedLab:
    """Made for one loop. `acts_file` receives every physical act as a JSON line.

    `chemistry` goes on in all vessels, with its `chemistry_settings` (`simulators.reactions`). `dead_ml` says how much
    can't be drawn from a stock or station.
    """

    def __init__(
        self,
        *,
        seed: int,
        clock: Clock,
        stock: Mapping[str, SimulatedLiquid],
        vessels_ml: Mapping[str, float],
        devices: tuple[SimulatedDevice, ...],
        temperature_c: float = 22.0,
        acts_file: Path | None = None,
        chemistry: str = "water",
        chemistry_settings: Mapping[str, JsonValue] | None = None,
        dead_ml: Mapping[str, float] | None = None,
    ) -> None:
        self.world = World(seed, clock, acts_file)
        for name, capacity in vessels_ml.items():
            self.world.vessel(name, capacity).temperature_c = temperature_c
        for name, liquid in stock.items():
            self._fill(name, liquid, temperature_c)
        for name, volume_ml in (dead_ml or {}).items():
            self._set_dead_volume(name, volume_ml)
        start_chemistry(chemistry, self.world, chemistry_settings or {})
        self._devices = {device.name: device for device in devices}
        self._stock, self._room_c = dict(stock), temperature_c
        self._simulators: dict[str, object] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._clock = clock

    def _fill(self, name: str, liquid: SimulatedLiquid, temperature_c: float) -> None:
        self.world.fill(
            name,
            volume_ml=liquid.volume_ml,
            density_g_per_ml=_density(name, liquid, temperature_c),
            contents_mol_per_l=liquid.contents_mol_per_l,
            capacity_ml=_ENDLESS_ML,
        )
        self.world.vessel(name).temperature_c = temperature_c

    def serve(self, service: str) -> None:
        """A simulated person did what the engine asked for: `stock water` is full again, `station waste` is empty.

        What concerns devices alone (`upkeep ...`, `calibration ...`) changes no vessel.
        """
        kind, _, name = service.partition(" ")
        self.world.advance()
        if kind == "stock" and name in self._stock:
            self._fill(name, self._stock[name], self._room_c)
        elif kind == "station" and name in self.world.vessels:
            vessel = self.world.vessel(name)
            vessel.remove(vessel.volume_ml)

    def _set_dead_volume(self, name: str, volume_ml: float) -> None:
        if name not in self.world.vessels:
            raise InputError(
                f"simulation: a dead volume is given for {name!r}, which is no stock or station"
            )
        vessel = self.world.vessel(name)
        if not 0.0 <= volume_ml < vessel.capacity_ml:
            raise InputError(
                f"simulation: {name} can't have a dead volume of {volume_ml:g} mL",
                hint=f"at least 0 and below its capacity of {vessel.capacity_ml:g} mL",
            )
        vessel.dead_volume_ml = volume_ml

    def simulator(self, name: str) -> object:
        """The simulator of a device, made when first asked for; it keeps its state between connections."""
        made = self._simulators.get(name)
        if made is None:
            device = self._devices[name]
            module, _, attribute = device.simulator.partition(":")
            factory = cast(
                "Callable[[SimulatorContext], object]",
                getattr(importlib.import_module(module), attribute),
            )
            made = factory(
                SimulatorContext(
                    device=name,
                    world=self.world,
                    clock=self._clock,
                    random=self.world.random_for(name),
                    settings=device.settings,
                )
            )
            self._simulators[name] = made
        return made

    # -- in memory ---------------------------------------------------------------------------

    def stream(self, name: str) -> ByteStream:
        """A byte line to a device in this loop."""
        here, there = stream_pair()
        simulator = cast("StreamSimulator", self.simulator(name))
        self._spawn(simulator.serve(there))
        return here

    def http(self, name: str) -> httpx.AsyncClient:
        """An HTTP client whose server is the simulator in this loop."""
        simulator = cast("HttpSimulator", self.simulator(name))
        import httpx  # dear, and of use to few devices

        transport = httpx.ASGITransport(app=cast("Any", simulator.app))
        return httpx.AsyncClient(transport=transport, base_url=f"http://{name}.simulated")

    def start_messages(self, transport: Transport) -> None:
        """Let the devices that speak MQTT themselves live on this transport."""
        for name, device in self._devices.items():
            if device.connection == "mqtt":
                self._spawn(cast("MessageSimulator", self.simulator(name)).serve(transport))

    # -- over real lines -----------------------------------------------------------------------

    @asynccontextmanager
    async def served(
        self, messages: Transport | None, broker: str
    ) -> AsyncGenerator[dict[str, str], None]:
        """Serve every device outside; yields its URL by name. `broker` is the URL that mqtt devices are found at."""
        from simulators.serving import serve_http, serve_pty, serve_tcp

        closers: list[Callable[[], Awaitable[None]]] = []
        urls: dict[str, str] = {}
        try:
            for name, device in self._devices.items():
                if device.connection == "http":
                    server = await serve_http(cast("HttpSimulator", self.simulator(name)).app)
                    urls[name] = server.url
                elif device.connection == "mqtt":
                    urls[name] = broker
                    continue
                else:
                    serve = cast("StreamSimulator", self.simulator(name)).serve
                    server = await (serve_tcp(serve) if device.tcp_only else serve_pty(serve))
                    urls[name] = _with_line(server.url, device.line)
                closers.append(server.close)
            if messages is not None:
                self.start_messages(messages)
            yield urls
        finally:
            for close in closers:
                await close()
            await self.close()

    async def close(self) -> None:
        """End the tasks of all simulators. Safe to call twice."""
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task
        for name, simulator in self._simulators.items():
            if self._devices[name].connection == "http":
                await cast("HttpSimulator", simulator).close()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task: asyncio.Task[None] = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _density(name: str, liquid: SimulatedLiquid, temperature_c: float) -> float:
    if liquid.density_g_per_ml is not None:
        return liquid.density_g_per_ml
    try:
        return density_g_per_ml(temperature_c)
    except ValueError as error:
        raise InputError(
            f"simulation: {error}", hint=f"give the density of {name} (`simulation: stock:`)"
        ) from error


def _with_line(url: str, line: str) -> str:
    if not line or not url.startswith("serial:"):
        return url
    return f"{url}{'&' if '?' in url else '?'}{line}"
