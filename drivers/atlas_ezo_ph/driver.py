"""Driver of Atlas Scientific EZO-pH circuits (protocol: `lab.devices.ezo`; what is pH about it: `wire`).

Temperature: the circuit corrects the slope of the electrode (59.16 mV per pH at 25 degC) for the temperature that it
is told, nothing else. The pH reported is the one that the liquid has at its own temperature.
"""

from __future__ import annotations

import statistics
from collections import deque
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from drivers.atlas_ezo_ph import wire
from lab.devices.driver import DeviceError, Identity
from lab.devices.ezo_line import EzoLine
from lab.devices.stream import StreamClosedError
from lab.domain.command import Settlement
from lab.domain.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lab.devices.driver import Act, DriverContext, Outputs
    from lab.domain.command import Command

__all__ = ["AtlasEzoPh", "EzoPhSettings"]

_STEADY_READINGS = 3


class EzoPhSettings(BaseModel):
    """What `settings:` of a circuit in `lab.yaml` may hold."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    steady_ph: float = Field(default=0.02, gt=0.0, le=1.0)
    """A buffer is calibrated in when the last three readings lie this close together."""
    steady_within_s: float = Field(default=120.0, ge=0.0)
    """How long to wait for that, in process seconds."""
    reply_timeout_s: float = Field(default=3.0, gt=0.0)
    """How long an answer may take (real seconds); a reading takes 0.9 s."""


class AtlasEzoPh:
    """Fulfils `ph`."""

    def __init__(self, context: DriverContext) -> None:
        try:
            self._settings = EzoPhSettings.model_validate(dict(context.settings))
        except ValidationError as error:
            raise InputError(f"settings of {context.name}: {error}") from error
        self._context = context
        self._line: EzoLine | None = None

    async def connect(self) -> Identity:
        """Wake it, stop the continuous readings, check its kind. Its calibration stays as it is."""
        stream = await self._context.connector.stream(self._context.url)
        self._line = EzoLine(
            stream, timeout_s=self._settings.reply_timeout_s, on_restart=self._set_up
        )
        try:
            firmware = await self._set_up()
        except BaseException:
            await self.disconnect()
            raise
        return Identity(manufacturer="Atlas Scientific", model="EZO-pH", firmware=firmware)

    async def disconnect(self) -> None:
        """Free the line."""
        line, self._line = self._line, None
        if line is not None:
            await line.close()

    async def make_safe(self) -> None:
        """It only measures: nothing to do."""

    async def measure(self, act: Act, *, readings: int = 5, temperature: float = 25.0) -> Outputs:
        """Mean of `readings`, the slope corrected for `temperature` (degC), with its standard uncertainty.

        The uncertainty joins the scatter of the readings and the rounding to 0.001; that of the buffers is not in it.
        """
        await self._circuit.order(f"T,{temperature:.2f}")
        values: list[float] = []
        for number in range(readings):
            values.append(await self._reading())
            await act.progress({"ph": values[-1], "readings": number + 1})
        scatter = statistics.variance(values) / len(values) if len(values) > 1 else 0.0
        rounding = wire.RESOLUTION**2 / 12.0
        return {"ph": statistics.fmean(values), "ph_sd": (scatter + rounding) ** 0.5}

    async def calibrate(
        self, act: Act, *, point: str, value: float, temperature: float = 25.0
    ) -> Outputs:
        """Wait for steady readings, take them for the pH `value`, and tell the slope on that side in percent.

        Errors before anything is changed: `wrong_point`, `mid_first`, `unsteady`.
        """
        lowest, highest = wire.POINTS[point]
        if not lowest <= value <= highest:
            raise DeviceError(
                "wrong_point",
                f"pH {value:g} can't be the {point} point, which lies from {lowest:g} to {highest:g}",
            )
        if point != "mid":
            (points,) = await self._circuit.numbers("Cal,?", "CAL", 1)
            if points < 1:
                raise DeviceError("mid_first", f"the {point} point needs a mid point before it")
        await self._circuit.order(f"T,{temperature:.2f}")
        await self._come_to_rest(act)
        await act.begin()
        await self._circuit.store(wire.calibration(point, value))
        slopes = wire.Slopes(*await self._circuit.numbers("Slope,?", "SLOPE", 3))
        return {"slope": slopes.at(point)}

    async def clear_calibration(self, act: Act) -> Outputs:
        """Erase all points: the circuit takes the electrode for an ideal one."""
        await act.begin()
        await self._circuit.store("Cal,clear")
        return {}

    async def settle(self, command: Command) -> Settlement:
        """Reading has no effect, and a calibration in the same buffer may be repeated."""
        return Settlement(verdict="not_done", detail=f"{command.action} may be repeated")

    async def read_telemetry(self) -> Mapping[str, float]:
        """None: each reading takes 0.9 s of the circuit."""
        return {}

    # -- exchanges -----------------------------------------------------------------------------

    @property
    def _circuit(self) -> EzoLine:
        if self._line is None:
            raise StreamClosedError(f"{self._context.name} is not connected")
        return self._line

    async def _set_up(self) -> str:
        return await self._circuit.greet("pH")

    async def _reading(self) -> float:
        value = await self._circuit.reading()
        if not wire.MIN_PH < value < wire.MAX_PH:
            raise DeviceError("out_of_range", f"pH {value:.3f} is the end of the scale")
        return value

    async def _come_to_rest(self, act: Act) -> None:
        """Read until three readings in a row agree."""
        clock = self._context.clock
        until_s = clock.monotonic() + self._settings.steady_within_s
        last: deque[float] = deque(maxlen=_STEADY_READINGS)
        while True:
            last.append(await self._reading())
            await act.progress({"ph": last[-1]})
            span = max(last) - min(last)
            if len(last) == _STEADY_READINGS and span <= self._settings.steady_ph:
                return
            if len(last) == _STEADY_READINGS and clock.monotonic() >= until_s:
                raise DeviceError(
                    "unsteady",
                    f"the last {_STEADY_READINGS} readings span {span:.3f}, more than {self._settings.steady_ph:g}",
                )
