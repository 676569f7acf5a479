"""A simulated IKA RCT digital: NAMUR lines, a plate, a stirred vessel on it, and its own watchdog.

All times are process time, physics and watchdog alike: at 60-fold speed a watchdog of 300 s is five real seconds.
State is computed when someone looks at the world; the vessel's temperature lives there.

Settings (`simulate:` in lab.yaml): `at` vessel; `safety_limit_c` (360); `ambient_c` (22); `noise_k` (0.02);
`blocked` (false: true holds the motor); `name` ("RCT digital").

Silent ways of the instrument: unknown or malformed commands get no reply; after ER 2 it starts nothing until
`RESET`, which also ends the watchdog (unverified). A setpoint above what the safety limit allows is clipped.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from drivers.ika_hotplate import wire
from drivers.ika_hotplate.wire import Channel
from lab.devices.line import TerminatedLines
from lab.devices.stream import StreamClosedError
from simulators.heating import HeatedVessel
from simulators.settings import boolean, number, text

if TYPE_CHECKING:
    from lab.devices.stream import ByteStream
    from simulators.contract import SimulatorContext

__all__ = ["IkaHotplateSimulator"]

MOTOR_TAU_S = 2.0
MAX_SPEED_RPM = 1500.0
MAX_SETPOINT_C = 310.0
SAFETY_MARGIN_K = 50.0
"""The setpoint ends this far below the safety limit (as the published `ika` driver says; unverified)."""


class IkaHotplateSimulator:
    """The instrument. It lives on when the line is closed, and its watchdog with it."""

    def __init__(self, context: SimulatorContext) -> None:
        self._context = context
        self._clock = context.clock
        settings = context.settings
        self._name = text(settings, "name", "RCT digital")
        self._noise_k = number(settings, "noise_k", 0.02)
        self._blocked = boolean(settings, "blocked", False)
        self._safety_c = number(settings, "safety_limit_c", 360.0)
        self._setpoint_c = 20.0
        self._setpoint_rpm = 0.0
        self._motor_on = False
        self._speed = 0.0
        self._watchdog_mode = 0
        self._watchdog_s = 0.0
        self._deadline = math.inf
        self._error = False
        self._safe_c = 20.0
        self._safe_rpm = 0.0
        self._at = self._clock.monotonic()
        vessel = context.world.vessel(text(settings, "at", context.device))
        ambient = number(settings, "ambient_c", 22.0)
        self._heat = HeatedVessel(vessel, ambient, limit_c=self._safety_c)
        context.world.advance_hooks.append(self._advance_to)

    async def serve(self, stream: ByteStream) -> None:
        """Answer until the stream closes."""
        lines = TerminatedLines(b"\n")
        try:
            while True:
                for line in lines.feed(await stream.read()):
                    reply = self.answer(line)
                    if reply:
                        await stream.write(reply)
        except StreamClosedError:
            return

    def answer(self, line: bytes) -> bytes:
        """The reply to one line, empty where the instrument stays silent."""
        try:
            request = wire.decode_request(line)
        except wire.WireError:
            return b""
        self._context.world.advance()
        match request:
            case wire.Request("IN_NAME"):
                return wire.encode_text(self._name)
            case wire.Request("IN_PV", channel):
                return self._measured(channel)
            case wire.Request("IN_SP", channel):
                return self._set_values(channel)
            case wire.Request("OUT_SP", channel, float(value)):
                return self._take(channel, value)
            case wire.Request("OUT_WD", mode, float(value)):
                return self._arm(mode, value)
            case wire.Request("START" | "STOP" as verb, channel):
                self._switch(channel, verb == "START")
            case wire.Request("RESET"):
                self._error, self._watchdog_mode, self._deadline = False, 0, math.inf
            case _:
                pass
        return b""

    # -- replies -------------------------------------------------------------------------------

    def _measured(self, channel: int) -> bytes:
        noise = self._context.random.gauss(0.0, self._noise_k)
        values = {
            Channel.PROBE: self._heat.vessel.temperature_c + noise,
            Channel.PLATE: self._heat.plate_c + noise,
            Channel.SAFETY: self._heat.plate_c + noise,
            Channel.SPEED: self._speed,
            Channel.VISCOSITY: 100.0 * self._speed / MAX_SPEED_RPM,
        }
        value = values.get(Channel(channel)) if channel in list(Channel) else None
        return b"" if value is None else wire.encode_reading(value, channel)

    def _set_values(self, channel: int) -> bytes:
        values = {1: self._setpoint_c, 3: self._safety_c, 4: self._setpoint_rpm}
        return wire.encode_reading(values[channel], channel) if channel in values else b""

    def _take(self, channel: int, value: float) -> bytes:
        if channel == Channel.PROBE:
            self._setpoint_c = self._clip_c(value)
            self._heat.setpoint_c = self._setpoint_c
        elif channel == Channel.SPEED:
            self._setpoint_rpm = min(max(round(value), 0.0), MAX_SPEED_RPM)
        elif channel == 12:
            self._safe_c = self._clip_c(value)
            return wire.encode_echo(self._safe_c)
        else:
            self._safe_rpm = min(max(value, 0.0), MAX_SPEED_RPM)
            return wire.encode_echo(self._safe_rpm)
        return b""

    def _clip_c(self, value: float) -> float:
        return min(max(value, 0.0), MAX_SETPOINT_C, self._safety_c - SAFETY_MARGIN_K)

    def _arm(self, mode: int, seconds: float) -> bytes:
        if mode == 2 and seconds == 0.0:
            self._watchdog_mode, self._deadline = 0, math.inf
            return wire.encode_echo(0.0)
        if not wire.MIN_WATCHDOG_S <= seconds <= wire.MAX_WATCHDOG_S:
            return b""
        self._watchdog_mode, self._watchdog_s = mode, seconds
        self._deadline = self._clock.monotonic() + seconds
        return wire.encode_echo(seconds)

    def _switch(self, channel: int, on: bool) -> None:
        if on and self._error:
            return
        if channel == Channel.PROBE and on != self._heat.heating:
            self._heat.heating = on
            self._log("heater_on" if on else "heater_off")
        elif channel == Channel.SPEED and on != self._motor_on:
            self._motor_on = on
            self._log("motor_on" if on else "motor_off")

    def _log(self, kind: str) -> None:
        self._context.world.log(self._context.device, kind, at_s=self._at)

    # -- physics -------------------------------------------------------------------------------

    def _advance_to(self, at_s: float) -> None:
        """The world's hook; a watchdog that ran out on the way acts at its own time."""
        if self._deadline <= at_s:
            expired_at, self._deadline = self._deadline, math.inf
            self._run_until(expired_at)
            self._expire()
        self._run_until(at_s)

    def _expire(self) -> None:
        self._log("watchdog_expired")
        if self._watchdog_mode == 1:
            self._switch(Channel.PROBE, False)
            self._switch(Channel.SPEED, False)
            self._error = True  # ER 2 on the display
        else:
            self._setpoint_c = self._heat.setpoint_c = self._safe_c
            self._setpoint_rpm = self._safe_rpm

    def _run_until(self, at_s: float) -> None:
        elapsed = at_s - self._at
        if elapsed <= 0.0:
            return
        self._at = at_s
        target = self._setpoint_rpm if self._motor_on and not self._blocked else 0.0
        self._speed = target + (self._speed - target) * math.exp(-elapsed / MOTOR_TAU_S)
        self._heat.run(elapsed)
