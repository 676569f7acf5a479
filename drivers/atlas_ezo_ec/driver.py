"""Driver of Atlas Scientific EZO-EC conductivity circuits (protocol: `wire`).

Temperature compensation: the circuit knows only aqueous solutions (about 2 % per kelvin toward 25 degC, unverified)
and takes the temperature from whoever sends it. This driver tells it `compensation_c`, 25 degC unless set otherwise,
at which the circuit changes nothing: the value reported is the conductivity at the temperature the liquid has. That
is right for a non-aqueous electrolyte in a cell that is itself brought to temperature.
"""

from __future__ import annotations

import asyncio
import statistics
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from drivers.atlas_ezo_ec import wire
from lab.devices.driver import DeviceError, Identity
from lab.devices.line import Line, TerminatedLines
from lab.devices.stream import StreamClosedError
from lab.domain.command import Settlement
from lab.domain.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lab.devices.driver import Act, DriverContext, Outputs
    from lab.domain.command import Command

__all__ = ["AtlasEzoEc", "EzoSettings"]

_TRIES = 3
_OTHER_OUTPUTS = ("TDS", "S", "SG")


class EzoSettings(BaseModel):
    """What `settings:` of a circuit in `lab.yaml` may hold."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    cell_constant: float = Field(default=1.0, ge=0.1, le=10.0)
    """K of the probe in 1/cm, as printed on it."""
    compensation_c: float = Field(default=25.0, ge=-20.0, le=200.0)
    """Temperature that the circuit compensates for, degC; 25 = no compensation."""
    reply_timeout_s: float = Field(default=3.0, gt=0.0)
    """How long an answer may take (real seconds); a reading takes 0.6 s."""


class AtlasEzoEc:
    """Fulfils `conductivity`."""

    def __init__(self, context: DriverContext) -> None:
        try:
            self._settings = EzoSettings.model_validate(dict(context.settings))
        except ValidationError as error:
            raise InputError(f"settings of {context.name}: {error}") from error
        self._context = context
        self._line: Line[bytes] | None = None

    async def connect(self) -> Identity:
        """Wake it, stop the continuous readings, check its kind, set cell constant and outputs."""
        stream = await self._context.connector.stream(self._context.url)
        self._line = Line(stream, TerminatedLines(wire.END))
        try:
            kind, firmware = await self._set_up()
        except BaseException:
            await self.disconnect()
            raise
        return Identity(manufacturer="Atlas Scientific", model=f"EZO-{kind}", firmware=firmware)

    async def disconnect(self) -> None:
        """Free the line."""
        line, self._line = self._line, None
        if line is not None:
            await line.close()

    async def make_safe(self) -> None:
        """It only measures: nothing to do."""

    async def measure(self, act: Act, *, readings: int = 5) -> Outputs:
        """Mean of `readings` in mS/cm, with the standard uncertainty of the mean.

        The uncertainty joins the scatter of the readings and the rounding to the digits shown.
        """
        values: list[float] = []
        for number in range(readings):
            values.append(await self._reading())
            await act.progress({"conductivity": values[-1] / 1000.0, "readings": number + 1})
        mean = statistics.fmean(values)
        scatter = statistics.variance(values) / len(values) if len(values) > 1 else 0.0
        rounding = wire.resolution_us_cm(mean) ** 2 / 12.0
        return {
            "conductivity": mean / 1000.0,
            "conductivity_sd": (scatter + rounding) ** 0.5 / 1000.0,
        }

    async def settle(self, command: Command) -> Settlement:
        """A reading has no effect; it is simply taken again."""
        return Settlement(verdict="not_done", detail=f"{command.action} only reads")

    async def read_telemetry(self) -> Mapping[str, float]:
        """None: each reading takes 0.6 s of the circuit."""
        return {}

    # -- exchanges -----------------------------------------------------------------------------

    async def _set_up(self) -> tuple[str, str]:
        await self._wake()
        await self._order("C,0")
        kind, firmware = await self._ask("i", "I", 2)
        if kind.upper() != "EC":
            raise DeviceError("wrong_device", f"expected an EZO-EC, found EZO-{kind}")
        (shown,) = await self._ask("K,?", "K", 1)
        constant = self._settings.cell_constant
        # Written only where it differs: it is kept in memory that wears.
        if abs(_float(shown) - constant) > 0.005:
            await self._order(f"K,{constant:.2f}")
        await self._report_conductivity_alone()
        await self._order(f"T,{self._settings.compensation_c:.2f}")
        return kind.upper(), firmware

    async def _wake(self) -> None:
        """Any character wakes a sleeping circuit, but that command is lost; so is one it sent `*ER` for."""
        for _ in range(_TRIES):
            try:
                await self._order("*OK,1")
            except (TimeoutError, DeviceError):
                continue
            return
        await self._order("*OK,1")

    async def _report_conductivity_alone(self) -> None:
        outputs = [name.upper() for name in await self._ask("O,?", "O", None)]
        if "EC" not in outputs:
            await self._order("O,EC,1")
        for name in _OTHER_OUTPUTS:
            if name in outputs:
                await self._order(f"O,{name},0")

    async def _reading(self) -> float:
        failure = DeviceError("bad_reply", "no reading")
        for _ in range(_TRIES):
            try:
                frames = await self._exchange("R")
                value = wire.decode_conductivity(frames[0] if len(frames) == 1 else wire.Data(()))
            except wire.WireError as error:
                # Another reading in between: the circuit is back in continuous mode, or noise.
                failure = DeviceError("bad_reply", str(error))
                await self._order("C,0")
                continue
            if not 0.0 <= value <= 2.0 * wire.MAX_US_CM:
                raise DeviceError("out_of_range", f"{value:g} uS/cm")
            return value
        raise failure

    async def _order(self, text: str) -> None:
        """A command that is answered by *OK alone; readings still under way are skipped."""
        try:
            await self._exchange(text)
        except wire.WireError as error:
            raise DeviceError("bad_reply", f"{text}: {error}") from error

    async def _ask(self, text: str, name: str, fields: int | None) -> tuple[str, ...]:
        """A question; readings that come in between are skipped, rubbish is asked again."""
        failure = f"no answer to {text}"
        for _ in range(_TRIES):
            try:
                frames = await self._exchange(text)
            except wire.WireError as error:
                failure = str(error)
                continue
            for frame in frames:
                if isinstance(frame, wire.Query) and frame.name == name:
                    if fields is None or len(frame.fields) == fields:
                        return frame.fields
                    failure = f"{text} was answered by {frame!r}"
        raise DeviceError("bad_reply", failure)

    async def _exchange(self, text: str) -> list[wire.Frame]:
        """Send a command; the data lines up to its *OK. DeviceError for *ER and for a restart."""
        if self._line is None:
            raise StreamClosedError(f"{self._context.name} is not connected")
        data: list[wire.Frame] = []
        notices: list[str] = []
        broken: wire.WireError | None = None
        seconds = self._settings.reply_timeout_s
        # One limit for the whole answer: readings sent unasked must not keep it waiting for ever.
        async with self._line.exchange(), asyncio.timeout(seconds):
            await self._line.write(wire.encode(text))
            while True:
                line = await self._line.read_line(seconds)
                try:
                    frame = wire.decode(line)
                except wire.WireError as error:
                    broken = error  # read on: its *OK must not be taken for the next command's
                    continue
                match frame:
                    case wire.Status("OK"):
                        break
                    case wire.Status("ER"):
                        raise DeviceError("refused", f"the circuit refused {text!r}")
                    case wire.Status("RS") if text == "R":
                        notices.append("RS")
                        break
                    case wire.Status(code):
                        notices.append(code)
                    case _:
                        data.append(frame)
        if text == "R":
            await self._heed(notices)
        if broken is not None:
            raise broken
        return data

    async def _heed(self, notices: list[str]) -> None:
        """What the circuit said beside a reading may spoil it."""
        if "RS" in notices:
            await self._set_up()
            raise DeviceError("rebooted", "the circuit restarted during the measurement")
        for code in ("OV", "UV"):
            if code in notices:
                raise DeviceError("supply_voltage", f"the circuit reported *{code}")


def _float(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise DeviceError("bad_reply", f"not a number: {text!r}") from None
