"""Doses liquid with a New Era NE-1000 series syringe pump behind a pair of check valves.

Withdrawing draws from the reservoir, infusing pushes into the line, so one dose is one pumping
program: phase 1 withdraws the volume, phase 2 infuses it, phase 3 stops (from the factory, a phase
after the last programmed one runs on for ever). The pump runs the program by itself and keeps the
totals. That makes a dose answerable after a crash of this software, and it is why the basic and
not the safe mode is used: the safe mode's time-out would end every dose that outlives its computer.

The pump also remembers, in its program memory, two things for `settle`:
- phase 2 set to STP: the power was lost, so the totals (zero) say nothing about an earlier dose;
- phase 1 set to STP: that dose was declared as not done, so a RUN that is still on its way must
  not start it after all.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from drivers.new_era_ne1000.link import PowerLostError, PumpLink, describe_alarm, why
from drivers.new_era_ne1000.settings import dose_seconds, read_settings
from drivers.new_era_ne1000.wire import (
    RATE_FACTOR_ML_MIN,
    VOLUME_FACTOR_ML,
    Totals,
    format_number,
    format_rate,
    parse_number,
    parse_rate,
    volume_unit,
)
from lab.devices.driver import DeviceError, Identity
from lab.domain.command import Settlement
from lab.domain.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lab.devices.driver import Act, DriverContext, Outputs
    from lab.domain.command import Command

__all__ = ["NE1000"]

_TOLERANCE = 0.005
"""Relative deviation of the pump's own count at which a dose is still complete."""


@dataclass(frozen=True, slots=True)
class _Dose:
    """A dose in the pump's own words."""

    volume_text: str
    volume_ml: float
    rate_text: str
    expected_s: float

    def complete(self, totals: Totals) -> bool:
        floor_ml = self.volume_ml * (1.0 - _TOLERANCE) - totals.resolution_ml / 2.0
        return totals.infused_ml >= floor_ml

    def exceeded(self, totals: Totals) -> bool:
        ceiling_ml = self.volume_ml * (1.0 + _TOLERANCE) + totals.resolution_ml
        return totals.infused_ml > ceiling_ml


class NE1000:
    """Capability `liquid_dosing`.

    Settings: `syringe_diameter_mm` (inside, required), `syringe_volume_ml` (required), `address`
    (0..99, default 0).
    """

    def __init__(self, context: DriverContext) -> None:
        self._context = context
        self._clock = context.clock
        try:
            self._settings = read_settings(context.settings)
        except InputError as error:
            raise InputError(f"device {context.name}: {error}", hint=error.hint) from None
        self._open: PumpLink | None = None

    async def connect(self) -> Identity:
        stream = await self._context.connector.stream(self._context.url)
        link = PumpLink(stream, self._settings.address)
        try:
            version = await link.version()
            model, _, firmware = version.partition("V")
            if not model.startswith("NE") or not firmware:
                raise DeviceError("wrong_device", f"{version!r} is no version of a New Era pump")
        except BaseException:
            await link.close()
            raise
        self._open = link
        return Identity(
            manufacturer="New Era Pump Systems",
            model=f"NE-{model[2:]}",
            firmware=firmware,
        )

    async def disconnect(self) -> None:
        link, self._open = self._open, None
        if link is not None:
            await link.close()

    async def make_safe(self) -> None:
        """Stop the plunger and end its program."""
        await self._link.stop()

    async def read_telemetry(self) -> Mapping[str, float]:
        """The totals in mL; nothing while the pump reports an alarm."""
        try:
            _, totals = await self._link.totals()
        except PowerLostError:
            return {}
        return {"infused_volume": totals.infused_ml, "withdrawn_volume": totals.withdrawn_ml}

    async def dispense(self, act: Act, *, volume: float, rate: float = 10.0) -> Outputs:
        """Deliver `volume` (mL) at `rate` (mL/min); returns the volume that the pump counted."""
        if volume == 0.0:
            await act.begin()
            return {"volume": 0.0}
        dose = self._dose(volume, rate)
        try:
            await self._program(dose)
        except PowerLostError:
            await self._program_again(dose)
        self._link.forget_alarm()
        await act.begin()
        await self._start()
        try:
            totals = await self._watch(dose, act)
        except PowerLostError:
            totals = Totals(0.0, 0.0, 0.0)
        except DeviceError as error:
            raise DeviceError(error.code, f"during a dose: {error}", effect="unknown") from error
        alarm = self._link.last_alarm
        if alarm == "R":
            raise DeviceError(
                "power_lost",
                f"the pump lost its power during a dose of {dose.volume_ml:g} mL and with it the "
                "count of what it delivered; weigh or look before you go on",
                effect="unknown",
            )
        delivered = f"{totals.infused_ml:g} of {dose.volume_ml:g} mL delivered"
        if alarm:
            await self._link.stop()
            code = "stalled" if alarm == "S" else "alarm"
            raise DeviceError(code, f"{describe_alarm(alarm)}; {delivered}", effect="partial")
        if not dose.complete(totals):
            raise DeviceError("stopped", f"the pump was stopped; {delivered}", effect="partial")
        if dose.exceeded(totals):
            raise DeviceError("overrun", f"it did not stop in time; {delivered}", effect="partial")
        return {"volume": totals.infused_ml}

    async def settle(self, command: Command) -> Settlement:
        """What became of a dose: from the pump's totals, if they are of this dose."""
        volume, rate = command.args.get("volume"), command.args.get("rate", 10.0)
        if not isinstance(volume, int | float) or not isinstance(rate, int | float):
            return Settlement(verdict="unknown", detail="the command has no volume and rate")
        if volume == 0.0:
            return Settlement(verdict="done", outputs={"volume": 0.0})
        try:
            return await self._settle(self._dose(float(volume), float(rate)))
        except PowerLostError:
            return _power_was_lost()
        except DeviceError as error:
            return Settlement(verdict="unknown", detail=str(error))

    async def _settle(self, dose: _Dose) -> Settlement:
        await self._watch(dose, None)
        await self._link.stop()
        holder = await self._holder(dose)
        if holder == "nobody":
            return _power_was_lost()
        if holder == "other":
            detail = "the pump holds another program than this dose: somebody else has used it"
            return Settlement(verdict="unknown", detail=detail)
        _, totals = await self._link.totals()
        if totals.untouched:
            fenced = await self._forbid_start()
            reply, totals = await self._link.totals()
            if totals.untouched and not reply.running:
                if fenced:
                    return Settlement(verdict="not_done", detail="the pump counted 0 mL")
                return Settlement(verdict="unknown", detail="the pump can't be kept from starting")
            totals = await self._watch(dose, None)  # a RUN came late: it runs after all
        if dose.complete(totals) and not dose.exceeded(totals):
            return Settlement(verdict="done", outputs={"volume": totals.infused_ml})
        return Settlement(
            verdict="partial",
            outputs={"volume": totals.infused_ml},
            detail=f"{totals.infused_ml:g} of {dose.volume_ml:g} mL delivered, "
            f"{totals.withdrawn_ml:g} mL drawn into the syringe",
        )

    @property
    def _link(self) -> PumpLink:
        if self._open is None:
            raise DeviceError("not_connected", "the pump is not connected")
        return self._open

    def _dose(self, volume: float, rate: float) -> _Dose:
        """The dose in the pump's words; DeviceError without effect when the pump can't do it."""
        if not math.isfinite(volume) or volume < 0.0:
            raise DeviceError("bad_volume", f"a dose of {volume:g} mL is not possible")
        if volume > self._settings.volume_ml:
            raise DeviceError(
                "bad_volume",
                f"a dose of {volume:g} mL does not fit into the syringe of {self._settings.volume_ml:g} "
                "mL; split it or mount a larger one",
            )
        lowest, highest = self._settings.rates_ml_min
        if not lowest <= rate <= highest:
            raise DeviceError(
                "bad_rate",
                f"{rate:g} mL/min is outside of what the pump can do with a syringe of "
                f"{self._settings.diameter_mm:g} mm: {lowest:.2g} to {highest:.4g} mL/min",
            )
        factor = VOLUME_FACTOR_ML[volume_unit(self._settings.diameter_mm)]
        try:
            volume_text, rate_text = format_number(volume / factor), format_rate(rate)
        except ValueError as error:
            raise DeviceError("bad_volume", f"the pump can't be told that dose: {error}") from None
        number, unit = parse_rate(rate_text)
        volume_ml = float(volume_text) * factor
        seconds = dose_seconds(volume_ml, number * RATE_FACTOR_ML_MIN[unit])
        return _Dose(volume_text, volume_ml, rate_text, seconds)

    async def _program_again(self, dose: _Dose) -> None:
        try:
            await self._program(dose)
        except PowerLostError:
            raise DeviceError("power_lost", "the pump keeps losing its power") from None

    async def _program(self, dose: _Dose) -> None:
        """Write the three phases and clear the totals. Nothing moves."""
        link = self._link
        reply = await link.status()
        if reply.running:
            raise DeviceError("busy", "the pump is already running")
        if reply.prompt == "P":
            await link.stop()
        if parse_number((await link.command("DIA")).data) != self._settings.diameter_mm:
            await link.command(f"DIA{format_number(self._settings.diameter_mm)}")
        for direction in ("INF", "WDR"):
            await link.command(f"CLD{direction}")
        for number, direction in ((1, "WDR"), (2, "INF")):
            await link.command(f"PHN{number}")
            await link.command("FUNRAT")
            await link.command(f"RAT{dose.rate_text}")
            await link.command(f"VOL{volume_unit(self._settings.diameter_mm)}")
            await link.command(f"VOL{dose.volume_text}")
            await link.command(f"DIR{direction}")
        await link.command("PHN3")
        await link.command("FUNSTP")
        await link.command("PHN1")
        _, totals = await link.totals()
        if not totals.untouched:
            raise DeviceError("not_cleared", "the pump did not clear its totals")

    async def _start(self) -> None:
        """Send RUN, once. Where its answer gets lost, the watch finds a plunger that moves."""
        try:
            reply = await self._link.run()
        except TimeoutError:
            try:
                reply, totals = await self._link.totals()
            except (PowerLostError, DeviceError):
                raise TimeoutError("no answer to RUN") from None
            if not reply.running and totals.untouched:
                raise
            return
        if reply.alarm == "R":
            await self._link.remember_power_loss()
        if reply.alarm or reply.error is not None:
            raise DeviceError("refused", f"the pump did not start: {why(reply)}")

    async def _watch(self, dose: _Dose, act: Act | None) -> Totals:
        """Wait until the plunger has stopped by itself; stop it when it takes far too long.

        Without an act nobody waits for a person who has paused the pump.
        """
        started_s = self._clock.monotonic()
        limit_s = dose.expected_s * 1.5 + 30.0
        pause_s = min(10.0, max(1.0, dose.expected_s / 60.0))
        polls = 0
        while True:
            reply, totals = await self._link.totals()
            if not reply.running and not (act is not None and reply.prompt == "P"):
                return totals
            elapsed_s = self._clock.monotonic() - started_s
            if elapsed_s > limit_s:
                await self._link.stop()
                return (await self._link.totals())[1]
            if act is not None and polls % 5 == 0:
                await act.progress({"volume": totals.infused_ml})
            polls += 1
            remaining_s = dose.expected_s - elapsed_s
            await self._clock.sleep(min(pause_s, remaining_s) if remaining_s > 0.1 else 0.25)

    async def _forbid_start(self) -> bool:
        """Make phase 1 a STOP, so that a RUN which is still on its way does nothing."""
        try:
            await self._link.command("PHN1")
            await self._link.command("FUNSTP")
        except DeviceError:
            return False
        return True

    async def _holder(self, dose: _Dose) -> Literal["dose", "other", "nobody"]:
        """Whose program the pump holds. It must be stopped."""
        link = self._link
        await link.command("PHN2")
        if (await link.command("FUN")).data == "STP":
            return "nobody"
        direction = (await link.command("DIR")).data
        volume = (await link.command("VOL")).data
        if direction != "INF" or not volume.endswith(volume_unit(self._settings.diameter_mm)):
            return "other"
        return "dose" if parse_number(volume[:-2]) == float(dose.volume_text) else "other"


def _power_was_lost() -> Settlement:
    return Settlement(
        verdict="unknown",
        detail="the pump lost its power since, and with it the count of what it delivered",
    )
