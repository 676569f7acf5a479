"""A simulated absorbance plate reader: the line protocol of the teaching plate reader over the world's wells.

Each well is the vessel `<plate>:<well>`. A measurement takes process time: 2 s for the stage and 0.8 s for each
wavelength. Absorbance follows `simulators.chemistry.dyes`, with stray light and Gaussian noise in transmission.

Settings (`simulate:` in lab.yaml): `at` plate; `wells` (96); `well_diameter_mm` (6.86, as Corning 360 uL);
`stray_light` (5e-4); `transmission_noise` (5e-4); `blank_absorbance` (0): what the plate itself absorbs, filled or
empty, at every wavelength (about 0.04 for polystyrene); `lamp_fails_at` (0: never): the number of the measurement
that fails with -240.
"""

from __future__ import annotations

import math
import re
from collections import deque
from typing import TYPE_CHECKING

from drivers.teaching_plate_reader import wire
from lab.devices.line import TerminatedLines
from lab.devices.stream import StreamClosedError
from lab.domain.errors import InputError
from simulators.chemistry.dyes import (
    DYES,
    STRAY_LIGHT,
    absorbance,
    observed_absorbance,
    path_cm,
)
from simulators.settings import number, text

if TYPE_CHECKING:
    from lab.devices.stream import ByteStream
    from simulators.contract import SimulatorContext

__all__ = ["PlateReaderSimulator"]

_STAGE_S = 2.0
_WAVELENGTH_S = 0.8
_QUEUE = 10
_PLATES = {6: (2, 3), 12: (3, 4), 24: (4, 6), 48: (6, 8), 96: (8, 12), 384: (16, 24)}


class _RefusedError(Exception):
    def __init__(self, code: int) -> None:
        super().__init__(wire.ERRORS[code])
        self.code = code


class PlateReaderSimulator:
    """The reader. Its error queue outlives a connection."""

    def __init__(self, context: SimulatorContext) -> None:
        settings = context.settings
        self._context = context
        self._plate = text(settings, "at", "plate")
        self._diameter_mm = number(settings, "well_diameter_mm", 6.86)
        self._stray = number(settings, "stray_light", STRAY_LIGHT)
        self._noise = number(settings, "transmission_noise", 5e-4)
        self._blank = number(settings, "blank_absorbance", 0.0)
        self._lamp_fails_at = int(number(settings, "lamp_fails_at", 0))
        wells = int(number(settings, "wells", 96))
        if wells not in _PLATES:
            raise InputError(f"{context.device}: no plate has {wells} wells")
        if self._diameter_mm <= 0.0:
            raise InputError(f"{context.device}: well_diameter_mm must be positive")
        if self._blank < 0.0:
            raise InputError(f"{context.device}: blank_absorbance can't be negative")
        self._rows, self._columns = _PLATES[wells]
        self._errors: deque[int] = deque()
        self._measured = 0

    async def serve(self, stream: ByteStream) -> None:
        """Answer until the stream closes."""
        lines = TerminatedLines(wire.END)
        try:
            while True:
                for line in lines.feed(await stream.read()):
                    answer = await self._obey(line)
                    if answer is not None:
                        await stream.write(answer)
        except StreamClosedError:
            return

    async def _obey(self, line: bytes) -> bytes | None:
        if not line.strip():
            return None
        try:
            command = wire.decode_command(line)
        except wire.WireError:
            self._report(-113)
            return None
        try:
            return await self._answer(command)
        except _RefusedError as error:
            self._report(error.code)
            count = max(1, min(wire.MAX_WAVELENGTHS, len(command.arguments) - 1))
            return wire.encode_absorbances((math.nan,) * count) if command.query else None

    async def _answer(self, command: wire.Command) -> bytes | None:
        if command.header not in ("MEAS:ABS?", "MEASURE:ABSORBANCE?") and command.arguments:
            raise _RefusedError(-108)
        match command.header:
            case "*IDN?":
                return wire.encode(f"LABWRIGHT,TPR-3,SIM-{self._context.device},1.0")
            case "*CLS" | "*RST":
                self._errors.clear()
                return None
            case "SYST:ERR?" | "SYSTEM:ERROR?":
                return wire.encode_error(self._errors.popleft() if self._errors else 0)
            case "MEAS:ABS?" | "MEASURE:ABSORBANCE?":
                return wire.encode_absorbances(await self._measure(command.arguments))
            case _:
                raise _RefusedError(-113)

    def _report(self, code: int) -> None:
        """Into the queue; when it is full, its last entry becomes -350, as SCPI demands."""
        if len(self._errors) < _QUEUE:
            self._errors.append(code)
        else:
            self._errors[-1] = -350

    async def _measure(self, arguments: tuple[str, ...]) -> tuple[float, ...]:
        if len(arguments) < 2:
            raise _RefusedError(-109)
        if len(arguments) > 1 + wire.MAX_WAVELENGTHS:
            raise _RefusedError(-108)
        well = self._well(arguments[0])
        wavelengths = tuple(_wavelength(part) for part in arguments[1:])
        self._measured += 1
        await self._context.clock.sleep(_STAGE_S)
        if self._measured == self._lamp_fails_at:
            raise _RefusedError(-240)
        values: list[float] = []
        for wavelength in wavelengths:
            await self._context.clock.sleep(_WAVELENGTH_S)
            values.append(self._seen(well, wavelength))
        return tuple(values)

    def _well(self, name: str) -> str:
        match = re.fullmatch(r"([A-P])([1-9]\d?)", name.upper())
        if match is None:
            raise _RefusedError(-224)
        if ord(match[1]) - ord("A") >= self._rows or int(match[2]) > self._columns:
            raise _RefusedError(-224)
        return match[0]

    def _seen(self, well: str, wavelength_nm: float) -> float:
        world = self._context.world
        world.advance()
        vessel = world.vessel(f"{self._plate}:{well}", 0.36)
        contents = {species: vessel.concentration(species) for species in DYES}
        length = path_cm(vessel.volume_ml, self._diameter_mm)
        true = self._blank + absorbance(contents, wavelength_nm, length)
        return observed_absorbance(true, self._stray, self._context.random.gauss(0.0, self._noise))


def _wavelength(part: str) -> float:
    try:
        value = float(part)
    except ValueError:
        raise _RefusedError(-120) from None
    low, high = wire.WAVELENGTHS_NM
    if not low <= value <= high:
        raise _RefusedError(-222)
    return value
