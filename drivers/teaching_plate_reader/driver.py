"""Driver of the teaching plate reader (protocol: `wire`, specification: README.md)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from drivers.teaching_plate_reader import wire
from lab.devices.driver import DeviceError, Identity
from lab.devices.line import Line, TerminatedLines
from lab.devices.stream import StreamClosedError
from lab.domain.command import Settlement
from lab.domain.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lab.devices.driver import Act, DriverContext, Outputs
    from lab.domain.command import Command

__all__ = ["ReaderSettings", "TeachingPlateReader"]

_T = TypeVar("_T")
_MODEL = "TPR-3"
_MAX_ERRORS = 20
_CODES = {-240: "hardware", -222: "out_of_range", -224: "unknown_well"}


class ReaderSettings(BaseModel):
    """What `settings:` of a reader in `lab.yaml` may hold."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reply_timeout_s: float = Field(default=3.0, gt=0.0)
    """Real seconds for a short answer."""
    measure_timeout_s: float = Field(default=60.0, gt=0.0)
    """Real seconds for a measurement; it takes 2 s and 0.8 s for each wavelength."""


class TeachingPlateReader:
    """Fulfils `absorbance`."""

    def __init__(self, context: DriverContext) -> None:
        try:
            self._settings = ReaderSettings.model_validate(dict(context.settings))
        except ValidationError as error:
            raise InputError(f"settings of {context.name}: {error}") from error
        self._context = context
        self._line: Line[bytes] | None = None

    async def connect(self) -> Identity:
        """Open the line, check the model, empty the error queue."""
        await self.disconnect()
        stream = await self._context.connector.stream(self._context.url)
        self._line = Line(stream, TerminatedLines(wire.END))
        try:
            answer = await self._ask(wire.encode("*IDN?"), self._settings.reply_timeout_s)
            maker, model, serial, firmware = _decoded(wire.decode_identity, answer)
            if model != _MODEL:
                raise DeviceError("wrong_device", f"expected a {_MODEL}, found {maker} {model}")
            async with self._line.exchange():
                await self._line.write(wire.encode("*CLS"))
            await self._raise_errors("connect")
        except BaseException:
            await self.disconnect()
            raise
        return Identity(manufacturer=maker, model=model, serial_number=serial, firmware=firmware)

    async def disconnect(self) -> None:
        """Free the line."""
        line, self._line = self._line, None
        if line is not None:
            await line.close()

    async def make_safe(self) -> None:
        """It only measures: nothing to do."""

    async def read_well(
        self,
        act: Act,  # noqa: ARG002 - part of the contract; a reading has nothing to report on the way
        *,
        well: str,
        wavelength_1: float = 450.0,
        wavelength_2: float = 520.0,
        wavelength_3: float = 630.0,
    ) -> Outputs:
        """Absorbance of one well at three wavelengths in nm, against air. Values above 3 are mostly stray light."""
        wavelengths = (wavelength_1, wavelength_2, wavelength_3)
        try:
            request = wire.encode_measure(well, wavelengths)
        except wire.WireError as error:
            raise DeviceError("unknown_well", str(error)) from error
        # an error left by somebody else must not be taken for this measurement's
        answer = await self._ask(wire.encode("*CLS") + request, self._settings.measure_timeout_s)
        values = _decoded(lambda line: wire.decode_absorbances(line, len(wavelengths)), answer)
        await self._raise_errors(f"{well} at {', '.join(f'{value:g}' for value in wavelengths)} nm")
        if any(math.isnan(value) for value in values):
            raise DeviceError("bad_reply", "the measurement failed, but no error was reported")
        return {f"absorbance_{number}": value for number, value in enumerate(values, start=1)}

    async def settle(self, command: Command) -> Settlement:
        """A reading has no effect; it is simply taken again."""
        return Settlement(verdict="not_done", detail=f"{command.action} only reads")

    async def read_telemetry(self) -> Mapping[str, float]:
        """None: each reading moves the plate."""
        return {}

    async def _ask(self, request: bytes, timeout_s: float) -> bytes:
        if self._line is None:
            raise StreamClosedError(f"{self._context.name} is not connected")
        return await self._line.request(request, timeout_s)

    async def _raise_errors(self, what: str) -> None:
        """Empty the error queue; DeviceError for the first one found."""
        found: list[tuple[int, str]] = []
        for _ in range(_MAX_ERRORS):
            answer = await self._ask(wire.encode("SYST:ERR?"), self._settings.reply_timeout_s)
            number, text = _decoded(wire.decode_error, answer)
            if number == 0:
                break
            found.append((number, text))
        if found:
            listed = "; ".join(f"{number} {text}" for number, text in found)
            raise DeviceError(_CODES.get(found[0][0], "refused"), f"{what}: {listed}")


def _decoded(decode: Callable[[bytes], _T], line: bytes) -> _T:
    try:
        return decode(line)
    except wire.WireError as error:
        raise DeviceError("bad_reply", str(error)) from error
