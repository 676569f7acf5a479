"""What all simulated EZO circuits have in common: line protocol, continuous mode, sleep, restart, settings.

All delays are process time. A circuit is powered when it is made and keeps its state while the line is closed. A
command is answered by data lines and `*OK`; by `*ER` where the circuit raises ValueError or IndexError.

Left out of all: Export/Import, Plock, I2C, and the change of baud rate itself.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, ClassVar

from lab.devices import ezo
from lab.devices.line import TerminatedLines
from lab.devices.stream import StreamClosedError
from simulators.settings import text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lab.devices.stream import ByteStream
    from simulators.contract import SimulatorContext

__all__ = ["EzoCircuit", "flag", "within"]

_OTHER_S = 0.3
_SLOW = ("R", "RT", "CAL")


class EzoCircuit:
    """A circuit without a probe. Subclasses say what it reads and which commands are its own.

    `kind` is what `i` answers; `slow_s` is how long a reading or a calibration takes; `spelling` gives names as this
    circuit's firmware writes them in answers, upper case where it says nothing.
    """

    kind = ""
    slow_s = 0.6
    spelling: ClassVar[Mapping[str, str]] = {}

    def __init__(self, context: SimulatorContext) -> None:
        self._context = context
        self._at = text(context.settings, "at", context.device)
        self._firmware = text(context.settings, "firmware", "2.16")
        self._name = ""
        self._baud = 9600
        self._restart_reason = "P"
        self._booted = False
        self._forget()

    def _forget(self) -> None:
        """What a restart resets. Subclasses add theirs."""
        self._temperature_c = 25.0
        self._every_s = 1
        self._confirm = True
        self._led = True
        self._asleep = False

    # -- what a subclass is ----------------------------------------------------------------------

    def reading(self) -> str:
        """The line of one reading, taken now."""
        raise NotImplementedError

    def reset(self) -> None:
        """What `Factory` clears beside the name."""
        raise NotImplementedError

    def own_answer(self, command: str, args: list[str]) -> list[str] | None:
        """Data lines of a command that only this kind of circuit has; None where it is none of them."""
        raise NotImplementedError

    def tell(self, name: str, value: str) -> str:
        """The answer to a question, `?name,value`."""
        return f"?{self.spelling.get(name, name)},{value}"

    # -- the line ------------------------------------------------------------------------------

    async def serve(self, stream: ByteStream) -> None:
        """Answer, and send readings unasked in continuous mode, until the stream closes."""
        talking = asyncio.create_task(self._talk(stream))
        lines = TerminatedLines(ezo.END)
        try:
            if not self._booted:
                self._booted = True
                await self._send(stream, "*RS", "*RE")
            while True:
                data = await stream.read()
                if self._asleep:
                    self._asleep = False
                    lines.reset()
                    await self._send(stream, "*WA")
                    continue  # what woke it is lost
                for line in lines.feed(data):
                    await self._handle(stream, line)
        except StreamClosedError:
            return
        finally:
            talking.cancel()
            await asyncio.gather(talking, return_exceptions=True)

    async def _talk(self, stream: ByteStream) -> None:
        with contextlib.suppress(StreamClosedError):
            while True:
                await self._context.clock.sleep(max(1, self._every_s))
                if self._every_s and not self._asleep:
                    await self._send(stream, self.reading())

    async def _send(self, stream: ByteStream, *lines: str) -> None:
        if lines:
            await stream.write(b"".join(ezo.encode(line) for line in lines))

    async def _handle(self, stream: ByteStream, line: bytes) -> None:
        command, *args = line.decode("ascii", errors="replace").strip().split(",")
        command = command.upper()
        await self._context.clock.sleep(self.slow_s if command in _SLOW else _OTHER_S)
        try:
            replies = self._answer(command, args)
        except (ValueError, IndexError):
            await self._send(stream, "*ER")
            return
        if command == "*OK" and args == ["?"]:
            await self._send(stream, *replies)  # this one has no *OK of its own
            return
        await self._send(stream, *replies, *(["*OK"] if self._confirm else []))
        if command == "SLEEP":
            self._asleep = True
            await self._send(stream, "*SL")
        elif command in ("FACTORY", "BAUD") and args != ["?"]:
            self._restart_reason = "S"
            self._forget()
            await self._send(stream, "*RS", "*RE")

    # -- commands ------------------------------------------------------------------------------

    def _answer(self, command: str, args: list[str]) -> list[str]:
        """Data lines; ValueError or IndexError for what it does not know (`*ER`)."""
        own = self.own_answer(command, args)
        if own is not None:
            return own
        match command, args:
            case "R", []:
                return [self.reading()]
            case "RT", [value]:
                self._set("T", value)
                return [self.reading()]
            case "I", []:
                return [self.tell("I", f"{self.kind},{self._firmware}")]
            case "STATUS", []:
                return [self.tell("STATUS", f"{self._restart_reason},5.038")]
            case (("FIND" | "SLEEP"), []):
                return []
            case "FACTORY", []:
                self._name = ""
                self.reset()
                return []
            case _, ["?"]:
                return [self._told(command)]
            case _, [value]:
                self._set(command, value)
                return []
            case _:
                raise ValueError(command)

    def _told(self, name: str) -> str:
        values = {
            "C": f"{self._every_s}",
            "T": f"{self._temperature_c:.2f}",
            "L": f"{int(self._led)}",
            "NAME": self._name,
            "BAUD": f"{self._baud}",
            "*OK": f"{int(self._confirm)}",
        }
        if name not in values:
            raise ValueError(name)
        return self.tell(name, values[name])

    def _set(self, name: str, value: str) -> None:
        match name:
            case "C":
                self._every_s = int(within(float(value), 0, 99))
            case "T":
                self._temperature_c = within(float(value), -126.0, 1254.0)
            case "L":
                self._led = flag(value)
            case "*OK":
                self._confirm = flag(value)
            case "BAUD":
                if int(value) not in ezo.BAUD_RATES:
                    raise ValueError(value)
                self._baud = int(value)
            case "NAME":
                if len(value) > 16 or not value.isprintable():
                    raise ValueError(value)
                self._name = value
            case _:
                raise ValueError(name)


def within(value: float, low: float, high: float) -> float:
    """The value; ValueError where it is outside, or no number."""
    if not low <= value <= high:
        raise ValueError(f"{value:g} is not within {low:g} to {high:g}")
    return value


def flag(value: str) -> bool:
    """`0` or `1`; ValueError for anything else."""
    if value not in ("0", "1"):
        raise ValueError(value)
    return value == "1"
