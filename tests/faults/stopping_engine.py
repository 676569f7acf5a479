"""`lab`, whose engine stops (SIGSTOP) once, just before it publishes a dose whose intent is durable: the worst moment to be paused."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

from lab.cli.main import main
from lab.engine.gateway import DeviceGateway

if TYPE_CHECKING:
    from collections.abc import Collection

    from lab.domain.command import Command

_AFTER = 2
"""Doses that are sent before."""


def _stop_once() -> None:
    real, doses = DeviceGateway.command, iter(range(1000))

    async def command(
        self: DeviceGateway, command: Command, ledger: str, still_open: Collection[str]
    ) -> None:
        if command.action == "dispense" and next(doses) == _AFTER:
            os.kill(os.getpid(), signal.SIGSTOP)
        await real(self, command, ledger, still_open)

    DeviceGateway.command = command


if __name__ == "__main__":
    _stop_once()
    main()
