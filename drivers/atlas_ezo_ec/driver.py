"""Driver of Atlas Scientific EZO-EC conductivity circuits (protocol: `lab.devices.ezo`; digits: `wire`).

Temperature compensation: the circuit knows only aqueous solutions (about 2 % per kelvin toward 25 degC, unverified)
and takes the temperature from whoever sends it. This driver tells it `compensation_c`, 25 degC unless set otherwise,
at which the circuit changes nothing: the value reported is the conductivity at the temperature the liquid has. That
is right for a non-aqueous electrolyte in a cell that is itself brought to temperature.
"""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from drivers.atlas_ezo_ec import wire
from lab.devices.driver import DeviceError, Identity
from lab.devices.ezo_line import EzoLine
from lab.devices.stream import StreamClosedError
from lab.domain.command import Settlement
from lab.domain.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lab.devices.driver import Act, DriverContext, Outputs
    from lab.domain.command import Command

__all__ = ["AtlasEzoEc", "EzoSettings"]

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
        self._line: EzoLine | None = None

    async def connect(self) -> Identity:
        """Wake it, stop the continuous readings, check its kind, set cell constant and outputs."""
        stream = await self._context.connector.stream(self._context.url)
        self._line = EzoLine(
            stream, timeout_s=self._settings.reply_timeout_s, on_restart=self._set_up
        )
        try:
            firmware = await self._set_up()
        except BaseException:
            await self.disconnect()
            raise
        return Identity(manufacturer="Atlas Scientific", model="EZO-EC", firmware=firmware)

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

    @property
    def _circuit(self) -> EzoLine:
        if self._line is None:
            raise StreamClosedError(f"{self._context.name} is not connected")
        return self._line

    async def _set_up(self) -> str:
        """Bring the circuit to the state that readings need; returns its firmware."""
        firmware = await self._circuit.greet("EC")
        (shown,) = await self._circuit.numbers("K,?", "K", 1)
        constant = self._settings.cell_constant
        # Written only where it differs: it is kept in memory that wears.
        if abs(shown - constant) > 0.005:
            await self._circuit.order(f"K,{constant:.2f}")
        await self._report_conductivity_alone()
        await self._circuit.order(f"T,{self._settings.compensation_c:.2f}")
        return firmware

    async def _report_conductivity_alone(self) -> None:
        outputs = [name.upper() for name in await self._circuit.ask("O,?", "O", None)]
        if "EC" not in outputs:
            await self._circuit.order("O,EC,1")
        for name in _OTHER_OUTPUTS:
            if name in outputs:
                await self._circuit.order(f"O,{name},0")

    async def _reading(self) -> float:
        value = await self._circuit.reading()
        if not 0.0 <= value <= 2.0 * wire.MAX_US_CM:
            raise DeviceError("out_of_range", f"{value:g} uS/cm")
        return value
