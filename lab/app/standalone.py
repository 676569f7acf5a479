"""`lab devices host`: device hosts in a process of their own, beside the instruments."""

from __future__ import annotations

import asyncio
import signal
import uuid
from typing import TYPE_CHECKING

from lab.app.files import open_lab
from lab.app.hosts import host_devices
from lab.app.simulators import read_endpoints
from lab.bus.mqtt import MqttTransport
from lab.domain.errors import InputError
from lab.engine.clock import ScaledClock

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["host_alone"]


async def host_alone(
    lab_file: Path,
    *,
    broker: str,
    only: tuple[str, ...],
    endpoints: Path | None,
    ledger: Path,
    speed: float,
    on_ready: Callable[[], None],
) -> None:
    """Serve devices until SIGINT or SIGTERM. Raises UnavailableError when the broker can't be reached."""
    drivers = open_lab(lab_file)
    lab = drivers.lab
    for name in only:
        if name not in lab.devices:
            raise InputError(
                f"{lab_file} has no device '{name}'", hint=f"its devices: {', '.join(lab.devices)}"
            )
    ledger.parent.mkdir(parents=True, exist_ok=True)
    async with (
        MqttTransport(broker) as transport,
        host_devices(
            drivers,
            transport,
            ScaledClock(speed),
            ledger=ledger,
            boot=uuid.uuid4().hex,
            endpoints={} if endpoints is None else read_endpoints(endpoints),
            messages=lambda url: MqttTransport(url if url.startswith("mqtt") else broker),
            alone=True,
            only=only,
        ),
    ):
        ended = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, ended.set)
        on_ready()
        await ended.wait()
