"""Drivers and simulators for the devices of a lab file: manifests, capabilities, connections."""

from __future__ import annotations

import importlib.metadata
from functools import cached_property
from typing import TYPE_CHECKING, Protocol, cast

from lab.devices.driver import DriverContext
from lab.devices.registry import Registry
from lab.devices.safekeeping import DEAD_MAN_S
from lab.domain.errors import InputError
from lab.domain.interlock import Interlock
from lab.plan.bind import well_name

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    import httpx
    from pydantic import JsonValue

    from lab.bus.transport import Transport
    from lab.devices.driver import Driver
    from lab.devices.manifest import Manifest
    from lab.devices.stream import ByteStream
    from lab.domain.action import Durations
    from lab.domain.clock import Clock
    from lab.plan.bind import Duration
    from lab.sop.lab_model import Device, Lab, Station

__all__ = [
    "LabDrivers",
    "SimulatedWorld",
    "build_simulation",
    "device_settings",
    "simulated_chemistries",
]

_BEATS = 5

SIMULATED_URL = "sim:"
"""The URL scheme of devices that exist only as simulators."""


class SimulatedWorld(Protocol):
    """The part of `simulators.lab.SimulatedLab` that the composition root uses (found by entry point)."""

    def stream(self, name: str) -> ByteStream: ...

    def http(self, name: str) -> httpx.AsyncClient: ...

    def start_messages(self, transport: Transport) -> None: ...

    def serve(self, service: str) -> None: ...

    def served(
        self, messages: Transport | None, broker: str
    ) -> AbstractAsyncContextManager[dict[str, str]]: ...

    async def close(self) -> None: ...


class SimulationKit(Protocol):
    """The module behind the entry point `labwright.simulation`; `simulators.lab` is the one that ships."""

    SimulatedLiquid: Callable[..., object]
    SimulatedDevice: Callable[..., object]
    SimulatedLab: Callable[..., SimulatedWorld]
    CHEMISTRIES: Mapping[str, Sequence[str]]


class LabDrivers:
    """The drivers of one lab file, by device name. Raises InputError for a driver that doesn't exist."""

    def __init__(self, lab: Lab, registry: Registry | None = None) -> None:
        self.lab = lab
        self.registry = registry or Registry.installed()
        self.manifests: dict[str, Manifest] = {
            name: self.registry.manifest(device.driver) for name, device in lab.devices.items()
        }

    @property
    def capabilities(self) -> dict[str, tuple[str, ...]]:
        """Device -> names of its capabilities."""
        return {name: manifest.capabilities for name, manifest in self.manifests.items()}

    @cached_property
    def durations(self) -> dict[str, Duration]:
        """Device -> how long its actions take, of those whose driver can tell. InputError where that can't be loaded."""
        found: dict[str, Duration] = {}
        for name, device in self.lab.devices.items():
            expected = self.registry.durations(device.driver)
            if expected is not None:
                found[name] = _duration(expected, device.settings)
        return found

    @property
    def simulated(self) -> tuple[str, ...]:
        """Devices that the lab file itself declares to be simulators."""
        return tuple(
            name
            for name, device in self.lab.devices.items()
            if device.url.startswith(SIMULATED_URL)
        )

    def dead_man_s(self, name: str) -> float | None:
        """Real seconds without a sign of the engine after which a device is made safe; None where it need not be."""
        if not self.manifests[name].safe_action:
            return None
        limit = self.lab.devices[name].dead_man
        return DEAD_MAN_S if limit is None else limit.to("s").magnitude or None

    @property
    def beat_s(self) -> float | None:
        """Real seconds between two signs of the engine, so that several may be lost; None where no device waits for one."""
        limits = [limit for name in self.lab.devices if (limit := self.dead_man_s(name))]
        return min(limits) / _BEATS if limits else None

    @cached_property
    def interlocks(self) -> tuple[Interlock, ...]:
        """Those of the lab file, with their limits in the units of the signals."""
        found: list[Interlock] = []
        for name, entry in self.lab.interlocks.items():
            unit = self.manifests[entry.device].telemetry[entry.signal]
            low, high = entry.minimum, entry.maximum
            found.append(
                Interlock(
                    name=name,
                    device=entry.device,
                    signal=entry.signal,
                    unit=unit,
                    minimum=None if low is None else low.to(unit).magnitude,
                    maximum=None if high is None else high.to(unit).magnitude,
                    max_age_s=entry.max_age.to("s").magnitude,
                    blocks=tuple(entry.blocks),
                    actions=tuple(entry.actions),
                    reason=entry.reason,
                )
            )
        return tuple(found)

    def driver(self, name: str, connector: DeviceConnector, clock: Clock) -> Driver:
        """The driver of a device, not connected yet."""
        device = self.lab.devices[name]
        manifest = self.manifests[name]
        kind = self.registry.driver_class(manifest.driver)
        return kind(
            DriverContext(
                name=name,
                url=connector.url,
                connector=connector,
                clock=clock,
                settings=device.settings,
            )
        )

    def connector(
        self,
        name: str,
        *,
        world: SimulatedWorld | None,
        endpoints: Mapping[str, str],
        messages: Callable[[str], Transport],
    ) -> DeviceConnector:
        """How a device is reached: the simulator in memory, a given endpoint, or the lab file's URL."""
        manifest, url = self.manifests[name], self.lab.devices[name].url
        url = endpoints.get(name, url)
        if url.startswith("serial:") and "?" not in url and manifest.serial:
            url = f"{url}?{manifest.serial}"
        return DeviceConnector(name, url, world, messages)


def _duration(expected: Durations, settings: Mapping[str, JsonValue]) -> Duration:
    return lambda action, args: expected(action, args, settings)


class DeviceConnector:
    """Opens the line of one device; fulfils `lab.devices.driver.Connector`."""

    def __init__(
        self,
        name: str,
        url: str,
        world: SimulatedWorld | None,
        messages: Callable[[str], Transport],
    ) -> None:
        self.name = name
        self.url = url
        self._world = world
        self._messages = messages

    def _no_simulator(self) -> InputError:
        return InputError(
            f"device '{self.name}' is reached at '{self.url}', but no simulators run here",
            hint="start them with `lab devices simulate` and pass its endpoints file, or give a real URL",
        )

    async def stream(self, url: str) -> ByteStream:
        if self._world is not None:
            return self._world.stream(self.name)
        if url.startswith(SIMULATED_URL):
            raise self._no_simulator()
        from lab.devices.serial_stream import open_serial

        return await open_serial(url)

    def http(self, url: str) -> httpx.AsyncClient:
        if self._world is not None:
            return self._world.http(self.name)
        if url.startswith(SIMULATED_URL):
            raise self._no_simulator()
        import httpx

        return httpx.AsyncClient(base_url=url)

    async def messages(self, url: str) -> Transport:
        if self._world is None and url.startswith(SIMULATED_URL):
            raise self._no_simulator()
        return await self._messages(url).__aenter__()


def device_settings(device: Device) -> dict[str, JsonValue]:
    """What a simulator is told: the driver's settings, its plumbing, then its own settings."""
    plumbing: dict[str, JsonValue] = {}
    if device.at:
        plumbing["at"] = device.at
    if device.into:
        plumbing["into"] = device.into
    if device.draws:
        plumbing["draws"] = device.draws[0] if len(device.draws) == 1 else list(device.draws)
    return {**device.settings, **plumbing, **device.simulate}


def build_simulation(
    drivers: LabDrivers, *, seed: int, clock: Clock, acts: Path | None = None
) -> SimulatedWorld:
    """The simulated laboratory of a lab file, found by the entry point `labwright.simulation`."""
    kit = _simulation_module()
    lab = drivers.lab
    stock: dict[str, object] = {}
    composition = {} if lab.simulation is None else lab.simulation.stock
    for name, entry in lab.stock.items():
        made_of = composition.get(name)
        stock[name] = kit.SimulatedLiquid(
            volume_ml=entry.volume.to("mL").magnitude,
            density_g_per_ml=None if made_of is None else made_of.density.to("g/mL").magnitude,
            contents_mol_per_l={}
            if made_of is None
            else {
                species: amount.to("mol/L").magnitude
                for species, amount in made_of.contents.items()
            },
        )
    vessels: dict[str, float] = {}
    dead: dict[str, float] = {}
    for name, station in lab.stations.items():
        places = _vessels(name, station)
        vessels |= dict.fromkeys(places, station.capacity.to("mL").magnitude)
        if station.dead_volume is not None:
            dead |= dict.fromkeys(places, station.dead_volume.to("mL").magnitude)
    devices = tuple(
        kit.SimulatedDevice(
            name=name,
            simulator=manifest.simulator,
            connection=manifest.connection,
            line=manifest.serial,
            tcp_only=manifest.tcp_only_simulator,
            settings=device_settings(lab.devices[name]),
        )
        for name, manifest in drivers.manifests.items()
    )
    room = None if lab.simulation is None else lab.simulation.temperature
    chemistry: dict[str, object] = {}
    if lab.simulation is not None:
        chemistry["chemistry"] = lab.simulation.chemistry
        chemistry["chemistry_settings"] = lab.simulation.settings
    return kit.SimulatedLab(
        seed=seed,
        clock=clock,
        stock=stock,
        vessels_ml=vessels,
        dead_ml=dead,
        devices=devices,
        temperature_c=22.0 if room is None else room.to("degC").magnitude,
        acts_file=acts,
        **chemistry,
    )


def simulated_chemistries() -> Mapping[str, Sequence[str]] | None:
    """Chemistry of the simulated world -> its settings; None where no simulators are installed."""
    try:
        return _simulation_module().CHEMISTRIES
    except InputError:
        return None


def _vessels(name: str, station: Station) -> list[str]:
    """The simulated vessels that a station stands for: itself, or each well of a plate."""
    if station.wells is None:
        return [name]
    wells = range(1, station.wells + 1)
    return [f"{name}:{well_name(number, station.wells)}" for number in wells]


def _simulation_module() -> SimulationKit:
    found = importlib.metadata.entry_points(group="labwright.simulation")
    for entry in found:
        return cast("SimulationKit", entry.load())
    raise InputError(
        "no simulators are installed", hint="install Labwright with its simulators package"
    )
