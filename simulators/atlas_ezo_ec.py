"""A simulated Atlas Scientific EZO-EC: line protocol, continuous mode, sleep, calibration, and what the probe sees.

The probe sits in the vessel `at` of the shared world. All delays are process time (600 ms for a reading or a
calibration, 300 ms else).

    seen     = true conductivity x (K set / K of the probe) x cell_error + offset, plus relative noise
    adjusted = the calibration's straight line
    shown    = adjusted / (1 + 0.02 (T set - 25))     the circuit's rule for water; at T = 25 nothing changes

Settings (`simulate:` in lab.yaml): `at` vessel; `model` "electrolyte" (LiPF6 in EC:EMC 3:7) or "constant" with
`conductivity_ms_cm`; `relative_noise` (0.003); `probe_k` (1.0); `cell_error` (1.0); `offset_us_cm` (0);
`immersion_ml` (1.0), below which the probe hangs in air; `firmware` ("2.16").

Left out: the outputs S and SG (answered `*ER` when switched on), Export/Import, Plock, I2C.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from drivers.atlas_ezo_ec import wire
from lab.devices.line import TerminatedLines
from lab.devices.stream import StreamClosedError
from lab.domain.errors import InputError
from simulators.settings import number, text

if TYPE_CHECKING:
    from collections.abc import Callable

    from lab.devices.stream import ByteStream
    from simulators.contract import SimulatorContext
    from simulators.world import Vessel

__all__ = ["AtlasEzoEcSimulator"]

READING_S = 0.6
OTHER_S = 0.3
_SLOW = ("R", "RT", "CAL")
_KELVIN = 273.15
_COMPENSATION_PER_K = 0.02


@dataclass(slots=True)
class _Calibration:
    """Points as (seen, wanted) in uS/cm."""

    dry: float | None = None
    one: tuple[float, float] | None = None
    low: tuple[float, float] | None = None
    high: tuple[float, float] | None = None

    @property
    def points(self) -> int:
        """As `Cal,?` reports: 0, 1 or 2 solution points."""
        if self.low and self.high:
            return 2
        return 1 if self.one or self.low or self.high else 0

    def apply(self, seen: float) -> float:
        zero = self.dry or 0.0
        if self.low and self.high and self.high[0] != self.low[0]:
            slope = (self.high[1] - self.low[1]) / (self.high[0] - self.low[0])
            return self.low[1] + slope * (seen - self.low[0])
        point = self.one or self.low or self.high
        if point and point[0] != zero:
            return (seen - zero) * point[1] / (point[0] - zero)
        return seen - zero


class AtlasEzoEcSimulator:
    """The circuit. It is powered when it is made and keeps its state while the line is closed."""

    def __init__(self, context: SimulatorContext) -> None:
        settings = context.settings
        self._context = context
        self._at = text(settings, "at", context.device)
        self._noise = number(settings, "relative_noise", 0.003)
        self._probe_k = number(settings, "probe_k", 1.0)
        self._cell_error = number(settings, "cell_error", 1.0)
        self._offset = number(settings, "offset_us_cm", 0.0)
        self._immersion_ml = number(settings, "immersion_ml", 1.0)
        self._firmware = text(settings, "firmware", "2.16")
        self._true_ms_cm = _model(context)
        self._k = 1.0
        self._calibration = _Calibration()
        self._name = ""
        self._baud = 9600
        self._tds_factor = 0.54
        self._restart_reason = "P"
        self._booted = False
        self._forget()

    def _forget(self) -> None:
        """What a restart resets."""
        self._temperature_c = 25.0
        self._every_s = 1
        self._confirm = True
        self._led = True
        self._outputs = ["EC"]
        self._asleep = False

    # -- the line ------------------------------------------------------------------------------

    async def serve(self, stream: ByteStream) -> None:
        """Answer, and send readings unasked in continuous mode, until the stream closes."""
        talking = asyncio.create_task(self._talk(stream))
        lines = TerminatedLines(wire.END)
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
                    await self._send(stream, self._reading())

    async def _send(self, stream: ByteStream, *lines: str) -> None:
        if lines:
            await stream.write(b"".join(wire.encode(line) for line in lines))

    async def _handle(self, stream: ByteStream, line: bytes) -> None:
        command, *args = line.decode("ascii", errors="replace").strip().split(",")
        command = command.upper()
        await self._context.clock.sleep(READING_S if command in _SLOW else OTHER_S)
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
        first = args[0].upper() if args else ""
        match command, len(args):
            case "R", 0:
                return [self._reading()]
            case "RT", 1:
                self._temperature_c = float(first)
                return [self._reading()]
            case "I", 0:
                return [f"?I,EC,{self._firmware}"]
            case "STATUS", 0:
                return [f"?STATUS,{self._restart_reason},5.038"]
            case (("FIND" | "SLEEP"), 0):
                return []
            case "FACTORY", 0:
                self._calibration, self._k, self._name = _Calibration(), 1.0, ""
                return []
            case "CAL", _:
                return self._calibrate(first, args[1:])
            case "O", _:
                return self._select(first, args[1:])
            case _, 1 if first == "?":
                return [self._tell(command)]
            case _, 1:
                self._set(command, args[0])
                return []
            case _:
                raise ValueError(command)

    def _tell(self, name: str) -> str:
        values: dict[str, str] = {
            "C": f"?C,{self._every_s}",
            "K": f"?K,{self._k:.2f}",
            "T": f"?T,{self._temperature_c:.2f}",
            "L": f"?L,{int(self._led)}",
            "NAME": f"?NAME,{self._name}",
            "BAUD": f"?BAUD,{self._baud}",
            "TDS": f"?TDS,{self._tds_factor:.2f}",
            "*OK": f"?*OK,{int(self._confirm)}",
        }
        if name not in values:
            raise ValueError(name)
        return values[name]

    def _set(self, name: str, value: str) -> None:
        match name:
            case "C":
                self._every_s = int(_within(float(value), 0, 99))
            case "K":
                self._k = _within(float(value), 0.1, 10.0)
            case "T":
                self._temperature_c = _within(float(value), -126.0, 1254.0)
            case "L":
                self._led = _flag(value)
            case "*OK":
                self._confirm = _flag(value)
            case "TDS":
                self._tds_factor = _within(float(value), 0.01, 1.0)
            case "BAUD":
                if int(value) not in wire.BAUD_RATES:
                    raise ValueError(value)
                self._baud = int(value)
            case "NAME":
                if len(value) > 16 or not value.isprintable():
                    raise ValueError(value)
                self._name = value
            case _:
                raise ValueError(name)

    def _select(self, name: str, args: list[str]) -> list[str]:
        if name == "?" and not args:
            shown = [known for known in ("EC", "TDS") if known in self._outputs]
            return [",".join(["?O", *shown]) if shown else "?O,NO OUTPUT"]
        if name not in ("EC", "TDS", "S", "SG") or len(args) != 1:
            raise ValueError(name)
        on = _flag(args[0])
        if on and name not in ("EC", "TDS"):
            raise ValueError(name)
        self._outputs = [known for known in self._outputs if known != name] + [name] * on
        return []

    def _calibrate(self, point: str, args: list[str]) -> list[str]:
        if point == "?" and not args:
            return [f"?CAL,{self._calibration.points}"]
        if point == "CLEAR" and not args:
            self._calibration = _Calibration()
        elif point == "DRY" and not args:
            self._calibration.dry = self._seen()
        elif point in ("ONE", "LOW", "HIGH") and len(args) == 1:
            wanted = _within(float(args[0]), 0.01, wire.MAX_US_CM)
            setattr(self._calibration, point.lower(), (self._seen(), wanted))
        else:
            raise ValueError(point)
        return []

    # -- what the probe sees ---------------------------------------------------------------------

    def _seen(self) -> float:
        """uS/cm before calibration."""
        self._context.world.advance()
        vessel = self._context.world.vessel(self._at)
        true = 0.0
        if vessel.volume_ml >= self._immersion_ml:
            true = 1000.0 * self._true_ms_cm(vessel)
        noise = 1.0 + self._context.random.gauss(0.0, self._noise)
        return true * (self._k / self._probe_k) * self._cell_error * noise + self._offset

    def _reading(self) -> str:
        adjusted = self._calibration.apply(self._seen())
        shown = adjusted / (1.0 + _COMPENSATION_PER_K * (self._temperature_c - 25.0))
        shown = min(max(shown, 0.0), wire.MAX_US_CM)
        values = {
            "EC": wire.format_conductivity(shown),
            "TDS": f"{shown * self._tds_factor:.0f}",
        }
        return ",".join(values[name] for name in ("EC", "TDS") if name in self._outputs) or "0"


def _model(context: SimulatorContext) -> Callable[[Vessel], float]:
    """Vessel -> mS/cm, as `simulate: model` names it."""
    name = text(context.settings, "model", "electrolyte")
    if name == "constant":
        value = number(context.settings, "conductivity_ms_cm", 1.413)
        return lambda _vessel: value
    if name == "electrolyte":
        from simulators.chemistry.electrolyte import conductivity_ms_cm

        return lambda vessel: conductivity_ms_cm(
            vessel.concentration("LiPF6"), vessel.temperature_c + _KELVIN
        )
    raise InputError(f"simulate: model must be electrolyte or constant, not {name!r}")


def _within(value: float, low: float, high: float) -> float:
    if not low <= value <= high:
        raise ValueError(f"{value:g} is not within {low:g} to {high:g}")
    return value


def _flag(value: str) -> bool:
    if value not in ("0", "1"):
        raise ValueError(value)
    return value == "1"
