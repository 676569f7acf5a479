"""Device hosts in the engine's process: one for each device of the lab file, all on one ledger."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from lab.devices.device_line import HostTiming
from lab.devices.host import DeviceHost
from lab.devices.ledger import CommandLedger

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Mapping
    from pathlib import Path

    from lab.app.drivers import LabDrivers, SimulatedWorld
    from lab.bus.transport import Transport
    from lab.engine.clock import EngineClock

__all__ = ["host_devices"]


@asynccontextmanager
async def host_devices(
    drivers: LabDrivers,
    transport: Transport,
    clock: EngineClock,
    *,
    ledger: Path | None,
    boot: str,
    world: SimulatedWorld | None = None,
    endpoints: Mapping[str, str] | None = None,
    messages: Callable[[str], Transport],
    timing: HostTiming | None = None,
    alone: bool = False,
    only: tuple[str, ...] = (),
) -> AsyncGenerator[None, None]:
    """Serve the lab's devices (or only the named ones) while the context is open.

    `ledger` is the file that remembers commands over restarts; None keeps it in memory, for worlds that end with the
    process. Each host connects by itself and goes on trying, so a device that is off delays nobody else. With `alone` the
    hosts outlive the engine; in its process their dead-man timers end with it, so where it fails they make safe first what acts.
    """
    book = CommandLedger(ledger if ledger is not None else ":memory:", identity=boot)
    try:
        async with AsyncExitStack() as stack:
            for name in only or tuple(drivers.lab.devices):
                connector = drivers.connector(
                    name, world=world, endpoints=endpoints or {}, messages=messages
                )
                host = DeviceHost(
                    drivers.lab.id,
                    name,
                    drivers.driver(name, connector, clock),
                    drivers.manifests[name],
                    transport,
                    book,
                    clock,
                    boot=boot,
                    real_time=clock.wall,
                    timing=_timing(
                        drivers,
                        name,
                        timing or HostTiming(),
                        alone=alone,
                        lasting=ledger is not None,
                    ),
                    simulated=world is not None or name in (endpoints or {}),
                    interlocks=[lock for lock in drivers.interlocks if lock.device == name],
                )
                await stack.enter_async_context(host)
            yield
    finally:
        book.close()


def _timing(
    drivers: LabDrivers, name: str, timing: HostTiming, *, alone: bool, lasting: bool
) -> HostTiming:
    limit_s = drivers.dead_man_s(name)
    ages = [lock.max_age_s for lock in drivers.interlocks if lock.device == name]
    return replace(
        timing,
        dead_man_s=limit_s if alone or lasting else None,
        safe_on_error=not alone and lasting and limit_s is not None,
        # So that one lost value does not open an interlock.
        telemetry_s=min([timing.telemetry_s, *(age / 3 for age in ages)]),
    )
