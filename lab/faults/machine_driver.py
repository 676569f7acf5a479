"""The driver of the simulated room's machines: doses, weighs, heats. As any driver, it knows its device by bytes only."""

from __future__ import annotations

from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING

from lab.devices.driver import DeviceError, Identity
from lab.devices.line import Line, TerminatedLines
from lab.devices.manifest import Manifest
from lab.devices.stream import StreamClosedError
from lab.domain.command import Settlement
from lab.faults.room import frame, unframe

if TYPE_CHECKING:
    from collections.abc import Callable

    from lab.devices.driver import Act
    from lab.devices.stream import ByteStream
    from lab.domain.clock import Clock
    from lab.domain.command import Command

__all__ = ["CLOSE_UL", "MachineDriver", "machine_manifest"]

_REPLY_S = 1.0
_TRIES = 4
_LOOK_S = 0.7
CLOSE_UL = 0.5


@cache
def machine_manifest(name: str, capability: str, *, lid: bool, version: str) -> Manifest:
    """What a registry would read beside this driver."""
    return Manifest(
        driver=f"bench_{name}",
        version=version,
        title="A machine of the simulated room",
        manufacturer="Labwright",
        models=("bench machine",),
        capabilities=(capability,),
        entry="lab.faults.machine_driver:MachineDriver",
        connection="stream",
        safe_state="stands still, heater off",
        safe_action=capability != "weighing",
        telemetry={"lid": "1"} if lid else {},
        errors={
            "not_taken": "the machine did not take the dose: try again",
            "ended_early": "the machine stopped before the end: look at the pot",
            "reset": "the machine was switched off: look at the pot",
            "busy": "the machine moves: wait",
        },
    )


class MachineDriver:
    """`open_line` makes a new line to the machine, as opening a port does."""

    def __init__(self, open_line: Callable[[], ByteStream], clock: Clock, *, lid: bool) -> None:
        self._open_line = open_line
        self._clock = clock
        self._lid = lid
        self._line: Line[bytes] | None = None
        self._number = 0

    async def connect(self) -> Identity:
        self._line = Line(self._open_line(), TerminatedLines(b"\n"), turns=0)
        said = await self._ask("ID")
        return Identity("Labwright", said, simulated=True)

    async def disconnect(self) -> None:
        line, self._line = self._line, None
        if line is not None:
            await line.close()

    async def make_safe(self) -> None:
        await self._ask("X")
        await self._ask("T 0")

    async def settle(self, command: Command) -> Settlement:
        """By the counter, which was set to zero just before the act began."""
        volume = command.args["volume"]
        wanted = float(volume) * 1000 if isinstance(volume, int | float) else 0.0
        while True:
            told = await self._counter()
            if told is None:
                return Settlement(verdict="unknown", detail="the machine was switched off since")
            count, delivered, moving = told
            if count == 0:
                return Settlement(verdict="not_done", detail="its counter stands at zero")
            if not moving:
                outputs = {"volume": delivered / 1000}
                whole = delivered >= wanted - CLOSE_UL
                return Settlement(verdict="done" if whole else "partial", outputs=dict(outputs))
            await self._clock.sleep(_LOOK_S)

    async def read_telemetry(self) -> dict[str, float]:
        return {"lid": float(await self._ask("L"))} if self._lid else {}

    # -- actions ----------------------------------------------------------------------------------

    async def dispense(self, act: Act, *, volume: float, rate: float) -> dict[str, float]:
        del rate  # it knows one
        wanted = round(volume * 1000)
        if await self._ask("C") != "OK":
            raise DeviceError("busy", "a dose is under way")
        await act.begin()
        with suppress(TimeoutError):  # whether it was taken, the counter tells
            await self._ask(f"D {wanted}", tries=1)
        while True:
            told = await self._counter()
            if told is None:
                raise DeviceError("reset", "the machine was switched off", effect="unknown")
            count, delivered, moving = told
            if count == 0:
                raise DeviceError("not_taken", "the machine did not take the dose")
            if not moving:
                break
            await self._clock.sleep(_LOOK_S)
        if delivered < wanted - CLOSE_UL:
            raise DeviceError("ended_early", f"{delivered:g} of {wanted} uL", effect="partial")
        return {"volume": delivered / 1000}

    async def tare(self, act: Act) -> dict[str, float]:
        await act.begin()
        return {}

    async def weigh(self, act: Act) -> dict[str, float]:
        del act
        await self._clock.sleep(1.0)
        return {"mass": float(await self._ask("W")), "mass_sd": 0.0001}

    async def heat(self, act: Act, *, temperature: float, tolerance: float) -> dict[str, float]:
        del tolerance
        await act.begin()
        await self._ask(f"T {temperature:g}")
        await self._clock.sleep(2.0)
        return {"temperature": temperature}

    async def stir(self, act: Act, *, speed: float) -> dict[str, float]:
        await act.begin()
        return {"speed": speed}

    async def stop(self, act: Act) -> dict[str, float]:
        await act.begin()
        await self._ask("T 0")
        return {}

    # -- the line ---------------------------------------------------------------------------------

    async def _counter(self) -> tuple[int, float, bool] | None:
        said = await self._ask("N")
        if said == "?":
            return None
        count, delivered, moving = said.split()
        return int(count), float(delivered), moving == "1"

    async def _ask(self, words: str, tries: int = _TRIES) -> str:
        """The answer to the latest request; answers to earlier ones and noise are passed over."""
        if self._line is None:
            raise StreamClosedError("not connected")
        for _ in range(tries):
            self._number += 1
            try:
                async with self._line.exchange():
                    await self._line.write(frame(f"{self._number} {words}"))
                    return await self._answer(self._line)
            except TimeoutError:
                continue
        raise TimeoutError(f"no answer to '{words}'")

    async def _answer(self, line: Line[bytes]) -> str:
        while True:
            text = unframe(await line.read_line(_REPLY_S))
            number, _, said = (text or "").partition(" ")
            if number == str(self._number):
                return said
