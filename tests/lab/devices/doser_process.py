"""A device host in a process of its own, to be killed: `python -m tests.lab.devices.doser_process URL FOLDER BOOT`.

The device is a file: one line for each dose. It takes its time before, in and after the act, so that a kill hits
every point.
"""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, cast

from lab.bus.mqtt import MqttTransport
from lab.devices.driver import Identity
from lab.devices.host import DeviceHost
from lab.devices.ledger import CommandLedger
from lab.domain.command import Settlement
from tests.lab.devices.fake_device import FAST, MANIFEST, TestClock

if TYPE_CHECKING:
    from lab.devices.driver import Driver


class FileDoser:
    def __init__(self, folder: Path) -> None:
        self.doses = folder / "doses"

    async def connect(self) -> Identity:
        return Identity("Nobody", "F1")

    async def disconnect(self) -> None: ...

    async def make_safe(self) -> None: ...

    async def settle(self, command) -> Settlement:
        volume = command.args["volume"]
        done = f"{volume}\n" in self.doses.read_text().splitlines(keepends=True)
        return Settlement(verdict="done" if done else "not_done", outputs={"volume": volume})

    async def read_telemetry(self) -> dict[str, float]:
        return {}

    async def dispense(self, act, *, volume: float, rate: float = 10.0) -> dict:
        await asyncio.sleep(0.02)
        await act.begin()
        await asyncio.sleep(0.02)
        with self.doses.open("a") as file:
            file.write(f"{volume}\n")
        await asyncio.sleep(0.02)
        return {"volume": volume}


async def main(url: str, folder: Path, boot: str) -> None:
    async with (
        MqttTransport(url) as transport,
        DeviceHost(
            "lab1",
            "doser",
            cast("Driver", FileDoser(folder)),
            MANIFEST,
            transport,
            CommandLedger(folder / "ledger.db", identity="l1"),
            TestClock(),
            boot=boot,
            real_time=time.time,
            timing=FAST,
        ),
    ):
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]), sys.argv[3]))
