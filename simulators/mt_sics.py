"""A Mettler Toledo balance, seen from the wire; what it feels is in `weighing_cell`.

Settings (the `simulate:` mapping, with the place of the device's entry):
  at                   vessel on the pan (a beaker of its own when left out)
  vessel_mass_g        mass of that vessel when it is empty (35)
  noise_g              standard deviation of a reading (0.00004)
  readability_g        0.0001, a power of ten
  air_density_g_ml     of the air, whose buoyancy a reading then feels (0: none; 0.0012 in a laboratory)
  capacity_g           220; overload from 5 % above it
  stability_timeout_s  how long S, Z and T wait for rest, process seconds (30)
  temperature_c        of the probe in the housing (22)

Unverified: that `@` clears the tare, the range for zero (2 % of the capacity), the unit codes of
`M21`, and what is answered while an adjustment runs (here: I).
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from drivers.mettler_toledo_sics.wire import (
    TERMINATOR,
    UNIT_CODES,
    UNITS_G,
    encode_line,
    format_weight,
    parse_decimal,
    quote,
)
from lab.devices.line import TerminatedLines
from lab.devices.stream import StreamClosedError
from lab.domain.errors import InputError
from simulators.settings import number, text
from simulators.weighing_cell import WeighingCell

if TYPE_CHECKING:
    from lab.devices.stream import ByteStream
    from simulators.contract import SimulatorContext

__all__ = ["MTSicsSimulator"]

_LEVELS = {
    0: ("@", "I0", "I1", "I2", "I3", "I4", "S", "SI", "SIR", "Z", "ZI"),
    1: ("D", "DW", "T", "TA", "TAC", "TI"),
    2: ("C3", "I10", "I11", "M21", "M28", "WS"),
}
_ADJUSTMENT_S = 90.0
_REPEAT_S = 0.2
_WAIT_STEP_S = 0.25
_ZERO_RANGE = 0.02

Send = Callable[[str], Awaitable[None]]


class MTSicsSimulator:
    """One balance. Zero, tare and display live on between connections."""

    def __init__(self, context: SimulatorContext) -> None:
        settings = context.settings
        self.world = context.world
        self.clock = context.clock
        self.capacity_g = number(settings, "capacity_g", 220.0)
        readability_g = number(settings, "readability_g", 1e-4)
        self._decimals = -round(math.log10(readability_g)) if readability_g > 0.0 else -1
        if self._decimals < 0 or not math.isclose(10.0**-self._decimals, readability_g):
            raise InputError(f"simulate: readability_g {readability_g:g} is no power of ten")
        self.cell = WeighingCell(
            world=context.world,
            vessel=text(settings, "at", f"{context.device}.beaker"),
            vessel_mass_g=number(settings, "vessel_mass_g", 35.0),
            noise_g=number(settings, "noise_g", 4e-5),
            readability_g=readability_g,
            random=context.random,
            air_density_g_ml=number(settings, "air_density_g_ml", 0.0),
        )
        self.world.advance_hooks.append(self.cell.advance)
        self.wait_s = number(settings, "stability_timeout_s", 30.0)
        self._temperature_c = number(settings, "temperature_c", 22.0)
        self._serial = f"B{sum(context.device.encode()) * 7919 % 10**9:09d}"
        self._zero_g = 0.0
        self._tare_g = 0.0
        self._unit = "g"
        self._name = context.device
        self._door = 0
        self.shown = ""
        """Text on the display; empty while it shows the weight."""
        self.adjusting = False
        self.immediate: dict[str, Callable[[list[str]], list[str]]] = {
            "D": self._show,
            "DW": self._show_weight,
            "I0": self._list,
            "I1": lambda _: ['I1 A "012" "2.30" "2.20" "1.00" ""'],
            "I2": lambda _: [f"I2 A {quote(f'XPR205 Excellence {self.capacity_g:.4f} g')}"],
            "I3": lambda _: ['I3 A "2.10 10.28.0.493.142"'],
            "I4": lambda _: [f"I4 A {quote(self._serial)}"],
            "I10": self._identify,
            "I11": lambda _: ['I11 A "XPR205"'],
            "M21": self._choose_unit,
            "M28": lambda _: [f"M28 A 1 {self._temperature_c:.1f}"],
            "SI": lambda _: [self.weigh_now()],
            "TA": self._tare_value,
            "TAC": self._clear_tare,
            "TI": lambda _: [self._tare_now("TI")],
            "WS": self._move_door,
            "ZI": lambda _: [self._zero_now("ZI")],
        }
        self.at_rest: dict[str, Callable[[], str]] = {
            "S": self.weigh_now,
            "T": lambda: self._tare_now("T"),
            "Z": lambda: self._zero_now("Z"),
        }

    async def serve(self, stream: ByteStream) -> None:
        """Answer until the stream closes."""
        await _Session(self, stream).run()

    def stable(self) -> bool:
        return self._read()[1]

    def reset(self) -> str:
        """`@`: as after switching on, without setting zero."""
        self._tare_g, self._unit, self.shown = 0.0, "g", ""
        self.adjusting = False
        return f"I4 A {quote(self._serial)}"

    def adjusted(self) -> None:
        """An internal adjustment has ended; it needs an empty pan of its own, so zero stays."""
        self.adjusting = False

    def weigh_now(self) -> str:
        gross_g, stable = self._read()
        refusal = self._out_of_range(gross_g)
        if refusal:
            return f"S {refusal}"
        return self._weight("S", "S" if stable else "D", gross_g - self._tare_g)

    def _read(self) -> tuple[float, bool]:
        self.world.advance()
        reading_g, stable = self.cell.read()
        return reading_g - self._zero_g, stable

    def _out_of_range(self, gross_g: float) -> str:
        if gross_g > self.capacity_g * 1.05:
            return "+"
        return "-" if gross_g < -self.capacity_g * 0.05 else ""

    def _weight(self, identifier: str, status: str, mass_g: float) -> str:
        decimals = self._decimals + {"g": 0, "mg": -3, "kg": 3}[self._unit]
        value = round(mass_g, self._decimals) / UNITS_G[self._unit]
        return format_weight(identifier, status, value, max(0, decimals), self._unit)

    def _tare_now(self, command: str) -> str:
        gross_g, stable = self._read()
        refusal = self._out_of_range(gross_g) or ("-" if self._below_zero(gross_g) else "")
        if refusal:
            return f"{command} {refusal}"
        self._tare_g = max(0.0, round(gross_g, self._decimals))
        return self._weight(command, "S" if stable else "D", self._tare_g)

    def _below_zero(self, gross_g: float) -> bool:
        """More than noise below zero; a tare can't be negative."""
        return gross_g < -10.0 * max(self.cell.noise_g, self.cell.readability_g)

    def _zero_now(self, command: str) -> str:
        gross_g, stable = self._read()
        total_g = gross_g + self._zero_g
        if abs(total_g) > self.capacity_g * _ZERO_RANGE:
            return f"{command} {'+' if total_g > 0.0 else '-'}"
        self._zero_g, self._tare_g = total_g, 0.0
        if command == "Z":
            return "Z A"
        return f"ZI {'S' if stable else 'D'}"

    def _tare_value(self, words: list[str]) -> list[str]:
        if words:
            try:
                value, unit = parse_decimal(words[0]), words[1]
                mass_g = value * UNITS_G[unit]
            except (ValueError, LookupError):
                return ["TA L"]
            if len(words) != 2 or not 0.0 <= mass_g <= self.capacity_g:
                return ["TA L"]
            self._tare_g = round(mass_g, self._decimals)
        return [self._weight("TA", "A", self._tare_g)]

    def _clear_tare(self, words: list[str]) -> list[str]:
        if words:
            return ["TAC L"]
        self._tare_g = 0.0
        return ["TAC A"]

    def _show(self, words: list[str]) -> list[str]:
        argument = " ".join(words)
        if len(argument) < 2 or argument[0] != '"' or argument[-1] != '"':
            return ["D L"]
        self.shown = argument[1:-1]
        return ["D A"]

    def _show_weight(self, words: list[str]) -> list[str]:
        if words:
            return ["DW L"]
        self.shown = ""
        return ["DW A"]

    def _list(self, words: list[str]) -> list[str]:
        if words:
            return ["I0 L"]
        known = [(level, command) for level, commands in _LEVELS.items() for command in commands]
        return [
            f"I0 {'A' if entry == known[-1] else 'B'} {entry[0]} {quote(entry[1])}"
            for entry in known
        ]

    def _identify(self, words: list[str]) -> list[str]:
        if not words:
            return [f"I10 A {quote(self._name)}"]
        argument = " ".join(words)
        if len(argument) < 2 or argument[0] != '"' or argument[-1] != '"' or len(argument) > 22:
            return ["I10 L"]
        self._name = argument[1:-1]
        return ["I10 A"]

    def _choose_unit(self, words: list[str]) -> list[str]:
        if not words:
            code = next(code for code, unit in UNIT_CODES.items() if unit == self._unit)
            return [f"M21 A 0 {code}"]
        if len(words) != 2 or words[0] != "0" or not words[1].isdecimal():
            return ["M21 L"]
        unit = UNIT_CODES.get(int(words[1]))
        if unit is None:
            return ["M21 L"]
        self._unit = unit
        return ["M21 A"]

    def _move_door(self, words: list[str]) -> list[str]:
        if not words:
            return [f"WS A {self._door}"]
        if len(words) != 1 or words[0] not in ("0", "1", "2"):
            return ["WS L"]
        self._door = int(words[0])
        self.cell.draught = self._door != 0
        return ["WS A"]


class _Session:
    """One connection: commands one after the other, `@` at any time."""

    def __init__(self, balance: MTSicsSimulator, stream: ByteStream) -> None:
        self._balance = balance
        self._stream = stream
        self._waiting: asyncio.Queue[str] = asyncio.Queue()
        self._worker: asyncio.Task[None] | None = None
        self._repeater: asyncio.Task[None] | None = None

    async def run(self) -> None:
        lines = TerminatedLines(TERMINATOR)
        self._worker = asyncio.create_task(self._work())
        try:
            while True:
                for line in lines.feed(await self._stream.read()):
                    await self._take(line)
        except StreamClosedError:
            pass
        finally:
            self._balance.adjusting = False
            await self._cancel()

    async def _take(self, line: bytes) -> None:
        if not all(0x20 <= byte <= 0x7E for byte in line):
            await self._send("ET")
            return
        command = line.decode("ascii")
        if command == "@":
            await self._cancel()
            self._waiting = asyncio.Queue()
            self._worker = asyncio.create_task(self._work())
            await self._send(self._balance.reset())
        elif self._balance.adjusting:
            await self._send(f"{command.partition(' ')[0]} I")
        else:
            self._waiting.put_nowait(command)

    async def _cancel(self) -> None:
        tasks = [task for task in (self._worker, self._repeater) if task is not None]
        self._worker = self._repeater = None
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _work(self) -> None:
        try:
            while True:
                await self._execute(await self._waiting.get())
        except StreamClosedError:
            return

    async def _execute(self, command: str) -> None:
        head, *words = command.split(" ")
        if head in ("S", "SI", "SIR") and self._repeater is not None:
            self._repeater.cancel()
            await asyncio.gather(self._repeater, return_exceptions=True)
            self._repeater = None
        if head in self._balance.at_rest and not words:
            await self._wait_for_rest(head)
        elif head == "SIR" and not words:
            self._repeater = asyncio.create_task(self._repeat())
        elif head == "C3" and not words:
            await self._adjust()
        elif head in self._balance.immediate:
            for line in self._balance.immediate[head](words):
                await self._send(line)
        else:
            await self._send("ES")

    async def _wait_for_rest(self, head: str) -> None:
        balance = self._balance
        deadline_s = balance.clock.monotonic() + balance.wait_s
        while not balance.stable():
            if balance.clock.monotonic() >= deadline_s:
                await self._send(f"{head} I")
                return
            await balance.clock.sleep(_WAIT_STEP_S)
        await self._send(balance.at_rest[head]())

    async def _repeat(self) -> None:
        try:
            while True:
                await self._send(self._balance.weigh_now())
                await self._balance.clock.sleep(_REPEAT_S)
        except StreamClosedError:
            return

    async def _adjust(self) -> None:
        self._balance.adjusting = True
        await self._send("C3 B")
        await self._balance.clock.sleep(_ADJUSTMENT_S)
        self._balance.adjusted()
        await self._send("C3 A")

    async def _send(self, line: str) -> None:
        await self._stream.write(encode_line(line))
