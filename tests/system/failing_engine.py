"""`lab`, whose engine fails as if by an error of its own, as soon as a hotplate has been told to heat."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.cli.main import main
from lab.engine.gateway import DeviceGateway
from lab.engine.shell import Engine

if TYPE_CHECKING:
    from collections.abc import Collection

    from lab.domain.command import Command


def _fail_after_heat() -> None:
    really_command, really_turn = DeviceGateway.command, Engine._turn
    heating: list[str] = []

    async def command(
        self: DeviceGateway, command: Command, ledger: str, still_open: Collection[str]
    ) -> None:
        await really_command(self, command, ledger, still_open)
        if command.action == "heat":
            heating.append(command.id)

    async def turn(self: Engine) -> None:
        await really_turn(self)
        commands = self.state.commands
        if any(each in commands and commands[each].status == "accepted" for each in heating):
            raise RuntimeError("an error of the engine's own")

    DeviceGateway.command = command
    Engine._turn = turn


if __name__ == "__main__":
    _fail_after_heat()
    main()
