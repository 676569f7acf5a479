"""A New Era NE-1000 syringe pump, seen from the wire; its mechanics are in `syringe_drive`.

Settings (the `simulate:` mapping, with the plumbing of the device's entry):
  draws, into        vessels; left out: a bottle of its own, full of water, and a beaker
  syringe_volume_ml  travel of the plunger (60)
  dose_cv            relative standard deviation of each dose (0)
  dose_bias          relative error of every dose (0): 0.02 delivers 2 % more than the pump reports
  stall_after_ml     the motor stalls once, after that much has been infused
  power_cut_at_s     the power is interrupted once, at that process time
  address            0..99 (0)

Not simulated: program functions other than RAT and STP, triggers, and the keypad. What happens to
a basic packet in safe mode (here: answered `?COM`) and whether purged volumes count in the totals
(here: no) is unverified.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from drivers.new_era_ne1000.wire import (
    RATE_FACTOR_ML_MIN,
    VOLUME_FACTOR_ML,
    Corrupt,
    Reply,
    Request,
    RequestDecoder,
    encode_reply,
    format_reported,
    parse_number,
    parse_rate,
    rate_limits_ml_min,
    volume_unit,
)
from lab.devices.stream import StreamClosedError
from lab.domain.errors import InputError
from simulators.settings import number, text
from simulators.syringe_drive import PHASES, SyringeDrive

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pydantic import JsonValue

    from lab.devices.stream import ByteStream
    from simulators.contract import SimulatorContext

__all__ = ["NE1000Simulator"]

_VERSION = "NE1000V3.923"
_FACTORY_DIAMETER_MM = 26.59
_UNKNOWN, _NOT_NOW, _OUT_OF_RANGE = "?", "?NA", "?OOR"


def _dose_bias(settings: Mapping[str, JsonValue]) -> float:
    bias = number(settings, "dose_bias", 0.0)
    if not -1.0 < bias <= 1.0:
        raise InputError(
            f"simulate: dose_bias must be above -1 and at most 1, not {bias:g}",
            hint="it is a fraction: 0.02 for 2 % too much",
        )
    return bias


class NE1000Simulator:
    """One pump on its line. `power_cycle` is a fault to inject."""

    def __init__(self, context: SimulatorContext) -> None:
        settings = context.settings
        self._world = context.world
        draws = text(settings, "draws", f"{context.device}.bottle")
        if "draws" not in settings:
            self._world.fill(draws, 1000.0, 0.998, {})
        stall = settings.get("stall_after_ml")
        self.drive = SyringeDrive(
            world=context.world,
            device=context.device,
            random=context.random,
            draws=draws,
            into=text(settings, "into", f"{context.device}.beaker"),
            capacity_ml=number(settings, "syringe_volume_ml", 60.0),
            dose_cv=number(settings, "dose_cv", 0.0),
            dose_bias=_dose_bias(settings),
            stall_after_ml=None if stall is None else number(settings, "stall_after_ml", 0.0),
        )
        cut = settings.get("power_cut_at_s")
        self._power_cut_s = None if cut is None else number(settings, "power_cut_at_s", 0.0)
        self.drive.alarm = "R"
        self.address = int(number(settings, "address", 0.0))
        self.diameter_mm = _FACTORY_DIAMETER_MM
        self._selected = 1
        self._unit: Literal["UL", "ML"] = volume_unit(self.diameter_mm)
        self._safe_mode_s = 0
        self._last_packet_s = context.clock.monotonic()
        self._clock = context.clock
        self._commands: dict[str, Callable[[str], str]] = {
            "ADR": self._adr,
            "CLD": self._cld,
            "DIA": self._dia,
            "DIR": self._dir,
            "DIS": self._dis,
            "FUN": self._fun,
            "PHN": self._phn,
            "PUR": self._pur,
            "RAT": self._rat,
            "RUN": self._run,
            "SAF": self._saf,
            "STP": self._stp,
            "VER": self._ver,
            "VOL": self._vol,
        }
        self._world.advance_hooks.append(self._advance)

    async def serve(self, stream: ByteStream) -> None:
        """Answer until the stream closes. The pump runs on between connections."""
        decoder = RequestDecoder()
        try:
            while True:
                for packet in decoder.feed(await stream.read()):
                    answer = self.answer(packet)
                    if answer:
                        await stream.write(answer)
        except StreamClosedError:
            return

    def answer(self, packet: Request | Corrupt) -> bytes:
        """The reply to one packet; empty for packets to other pumps on the line."""
        self._world.advance()
        if isinstance(packet, Corrupt) or (self._safe_mode_s and not packet.safe):
            return self._reply("?COM")
        everyone = packet.text.startswith("*")
        if packet.address != self.address and not everyone:
            return b""
        self._last_packet_s = self._clock.monotonic()
        if self.drive.alarm:
            alarm, self.drive.alarm = self.drive.alarm, ""
            return encode_reply(Reply(self.address, alarm=alarm, safe=bool(self._safe_mode_s)))
        return self._reply(self._execute(packet.text.removeprefix("*")))

    def power_cycle(self) -> None:
        """Interrupt the power: the program memory stays, totals and motion are lost."""
        self._world.advance()
        self._lose_power()

    def _lose_power(self) -> None:
        self.drive.stop()
        self.drive.infused_ml = self.drive.withdrawn_ml = 0.0
        self.drive.alarm = "R"

    def _advance(self, until_s: float) -> bool:
        if self._power_cut_s is not None and until_s >= self._power_cut_s:
            self.drive.advance(self._power_cut_s)
            self._power_cut_s = None
            self._lose_power()
        if self._safe_mode_s and self.drive.moving:
            deadline_s = self._last_packet_s + self._safe_mode_s
            if until_s > deadline_s:
                self.drive.advance(deadline_s)
                if self.drive.moving:
                    self.drive.stop()
                    self.drive.alarm = "T"
        return self.drive.advance(until_s)

    def _reply(self, data: str) -> bytes:
        prompt = {"stopped": "S", "paused": "P", "purging": "X"}.get(
            self.drive.state, "I" if self.drive.direction == "INF" else "W"
        )
        return encode_reply(Reply(self.address, prompt, "", data, bool(self._safe_mode_s)))

    def _execute(self, text: str) -> str:
        if not text:
            return ""
        if text == "RESET":
            return self._factory_reset()
        command = self._commands.get(text[:3])
        return _UNKNOWN if command is None else command(text[3:])

    def _factory_reset(self) -> str:
        self.drive.stop()
        self.drive.program = [type(phase)() for phase in self.drive.program]
        self.address, self._safe_mode_s, self._selected = 0, 0, 1
        return self._dia(str(_FACTORY_DIAMETER_MM))

    def _adr(self, data: str) -> str:
        if not data:
            return f"{self.address:02d}"
        if not data.isdecimal() or int(data) > 99:
            return _OUT_OF_RANGE
        self.address = int(data)
        return ""

    def _ver(self, data: str) -> str:
        return _VERSION if not data else _UNKNOWN

    def _saf(self, data: str) -> str:
        if not data:
            return str(self._safe_mode_s)
        if not data.isdecimal() or int(data) > 255:
            return _OUT_OF_RANGE
        self._safe_mode_s = int(data)
        return ""

    def _dia(self, data: str) -> str:
        if not data:
            return format_reported(self.diameter_mm)
        if self.drive.state != "stopped":
            return _NOT_NOW
        try:
            diameter_mm = parse_number(data)
        except ValueError:
            return _OUT_OF_RANGE
        if not 0.1 <= diameter_mm <= 50.0:
            return _OUT_OF_RANGE
        self.diameter_mm = diameter_mm
        self._unit = volume_unit(diameter_mm)
        self.drive.infused_ml = self.drive.withdrawn_ml = 0.0
        return ""

    def _phn(self, data: str) -> str:
        if not data:
            return f"{self._selected:02d}"
        if self.drive.state != "stopped":
            return _NOT_NOW
        if not data.isdecimal() or not 1 <= int(data) <= PHASES:
            return _OUT_OF_RANGE
        self._selected = int(data)
        return ""

    def _fun(self, data: str) -> str:
        phase = self.drive.program[self._shown() - 1]
        if not data:
            return phase.function
        if self.drive.state != "stopped":
            return _NOT_NOW
        if data == "RAT" or data == "STP":
            phase.function = data
            return ""
        return _UNKNOWN

    def _rat(self, data: str) -> str:
        phase = self.drive.program[self._shown() - 1]
        if phase.function != "RAT":
            return _NOT_NOW
        if not data:
            return format_reported(phase.rate_ml_min / RATE_FACTOR_ML_MIN[phase.rate_unit]) + (
                phase.rate_unit
            )
        try:
            value, unit = parse_rate(data, phase.rate_unit)
        except ValueError:
            return _OUT_OF_RANGE
        if self.drive.moving and unit != phase.rate_unit:
            return _NOT_NOW
        lowest, highest = rate_limits_ml_min(self.diameter_mm)
        rate_ml_min = value * RATE_FACTOR_ML_MIN[unit]
        if not lowest <= rate_ml_min <= highest:
            return _OUT_OF_RANGE
        phase.rate_ml_min, phase.rate_unit = rate_ml_min, unit
        return ""

    def _vol(self, data: str) -> str:
        phase = self.drive.program[self._shown() - 1]
        if phase.function != "RAT":
            return _NOT_NOW
        if not data:
            return self._volume(phase.volume_ml) + self._unit
        if self.drive.state != "stopped":
            return _NOT_NOW
        if data == "UL" or data == "ML":
            self._unit = data
            return ""
        try:
            phase.volume_ml = parse_number(data) * VOLUME_FACTOR_ML[self._unit]
        except ValueError:
            return _OUT_OF_RANGE
        return ""

    def _dir(self, data: str) -> str:
        phase = self.drive.program[self._shown() - 1]
        if phase.function != "RAT":
            return _NOT_NOW
        if not data:
            return phase.direction
        if self.drive.state != "stopped":
            return _NOT_NOW
        if data == "REV":
            data = "WDR" if phase.direction == "INF" else "INF"
        if data == "INF" or data == "WDR":
            phase.direction = data
            return ""
        return _UNKNOWN

    def _run(self, data: str) -> str:
        if self.drive.moving:
            return _NOT_NOW
        if data and (not data.isdecimal() or not 1 <= int(data) <= PHASES):
            return _OUT_OF_RANGE
        if self.drive.state == "paused" and not data:
            self.drive.resume()
            return ""
        number = int(data or 1)
        phase = self.drive.program[number - 1]
        lowest, highest = rate_limits_ml_min(self.diameter_mm)
        if phase.function == "RAT" and not lowest <= phase.rate_ml_min <= highest:
            return _OUT_OF_RANGE
        self.drive.stop()
        if phase.function == "RAT":
            self.drive.start(number)
        return ""

    def _pur(self, data: str) -> str:
        if data:
            return _UNKNOWN
        if self.drive.state != "stopped":
            return _NOT_NOW
        direction = self.drive.program[self._selected - 1].direction
        self.drive.purge(direction, rate_limits_ml_min(self.diameter_mm)[1])
        return ""

    def _stp(self, data: str) -> str:
        if data:
            return _UNKNOWN
        if self.drive.state == "stopped":
            return _NOT_NOW
        if self.drive.state == "running":
            self.drive.pause()
        else:
            self.drive.stop()
        return ""

    def _dis(self, data: str) -> str:
        if data:
            return _UNKNOWN
        infused, withdrawn = self.drive.infused_ml, self.drive.withdrawn_ml
        return f"I{self._volume(infused)}W{self._volume(withdrawn)}{self._unit}"

    def _cld(self, data: str) -> str:
        if self.drive.state != "stopped":
            return _NOT_NOW
        if data == "INF":
            self.drive.infused_ml = 0.0
        elif data == "WDR":
            self.drive.withdrawn_ml = 0.0
        else:
            return _UNKNOWN
        return ""

    def _shown(self) -> int:
        """Settings are those of the running phase while a program runs, else of the chosen one."""
        running = self.drive.state in ("running", "paused")
        return self.drive.phase_number if running else self._selected

    def _volume(self, volume_ml: float) -> str:
        """A volume in the present unit; the counter rolls over after 9999."""
        value = volume_ml / VOLUME_FACTOR_ML[self._unit] % 9999.5
        return "0.000" if value < 0.0005 else format_reported(value)
