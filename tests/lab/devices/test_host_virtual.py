"""Hosts under the virtual clock: an hour in a moment, the same story each time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

from lab.bus.memory import MemoryBus, MemoryTransport
from lab.devices.host import DeviceHost, HostTiming
from lab.devices.ledger import CommandLedger
from lab.engine.virtual_loop import run_virtual
from tests.lab.devices.fake_device import MANIFEST, Bench, FakeDevice, FakeDriver, TestClock

if TYPE_CHECKING:
    from lab.devices.driver import Driver


async def _hour() -> list[tuple[float, str, bytes]]:
    bus, ledger, loop = MemoryBus(), CommandLedger(identity="l1"), asyncio.get_running_loop()
    devices = {name: FakeDevice(telemetry={"pressure": 1.0}) for name in ("one", "two", "three")}
    heard = []
    make = Bench().command
    async with MemoryTransport(bus) as engine:
        inbox = await engine.subscribe("labwright/#")

        async def listen():
            async for message in inbox:
                heard.append((loop.time(), message.topic, message.payload))

        listener = asyncio.create_task(listen())
        async with asyncio.TaskGroup() as group:
            for name, device in devices.items():
                group.create_task(_live(name, device, bus, ledger))
            await asyncio.sleep(1)  # the hosts are up
            for number in range(60):
                for name in devices:
                    if number == 30 and name == "two":
                        devices[name].plugged = False
                    sent = make(f"{name}{number}", sent_at=loop.time())
                    await engine.publish(
                        f"labwright/1/lab1/{name}/cmd", sent.model_dump_json().encode()
                    )
                await asyncio.sleep(59)
        await inbox.close()
        await listener
    ledger.close()
    assert [len(device.doses) for device in devices.values()] == [60, 30, 60]
    return heard


async def _live(name, device, bus, ledger) -> None:
    async with MemoryTransport(bus) as transport:
        clock = TestClock()
        host = DeviceHost(
            "lab1",
            name,
            cast("Driver", FakeDriver(device)),
            MANIFEST,
            transport,
            ledger,
            clock,
            boot=f"boot-{name}",
            real_time=clock.monotonic,
            timing=HostTiming(heartbeat_s=10.0, telemetry_s=60.0),
        )
        async with host:
            await asyncio.sleep(3600)


def test_an_hour_of_three_devices_is_the_same_each_time():
    first, second = run_virtual(_hour()), run_virtual(_hour())
    assert len(first) > 1500
    assert first == second
