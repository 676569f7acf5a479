"""Driver of IKA hotplate stirrers (protocol: `wire`).

The instrument confirms nothing and can't be asked whether its heater is on. So: set values are read back, what was
switched on is remembered here, and before the heater goes on the instrument's own watchdog is armed. It is fed by
a task of this driver until `disconnect` (its mode 1 has no cancel). If this process dies, or the cable is pulled,
the instrument hears nothing and switches heater and motor off by itself: that is wanted.
"""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, TypeVar

from pydantic import ValidationError

from drivers.ika_hotplate import wire
from drivers.ika_hotplate.settings import IkaSettings
from drivers.ika_hotplate.wire import Channel
from lab.devices.driver import DeviceError, Identity
from lab.devices.line import Line, TerminatedLines
from lab.devices.stream import StreamClosedError
from lab.domain.command import Settlement
from lab.domain.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lab.devices.driver import Act, DriverContext, Outputs
    from lab.domain.command import Command

__all__ = ["IkaHotplate"]

T = TypeVar("T")

_HOTPLATES = re.compile(r"RCT|RET|C-?MAG", re.IGNORECASE)
_STANDING_RPM = 10.0
"""Below this the bar counts as standing."""
_TRIES = 3
"""How often a question is put before it counts as unanswered; questions have no effect."""


class IkaHotplate:
    """Fulfils `heating_stirring`. `make_safe` may be called while an action waits; that action then fails."""

    def __init__(self, context: DriverContext) -> None:
        try:
            self._settings = IkaSettings.model_validate(dict(context.settings))
        except ValidationError as error:
            raise InputError(f"settings of {context.name}: {error}") from error
        self._context = context
        self._clock = context.clock
        self._line: Line[bytes] | None = None
        self._turn = asyncio.Lock()
        self._on: dict[Channel, float] = {}
        """What was switched on here, with its set value."""
        self._expired = False
        self._fed_at: float | None = None
        self._feeder: asyncio.Task[None] | None = None
        self._orders = 0
        """Rises with every order to switch off: what began before it must not switch on any more."""

    # -- life ----------------------------------------------------------------------------------

    async def connect(self) -> Identity:
        """Open the line, check the model's name, bring it to a known state.

        That is heater and motor off; or, when the line was lost for less than the watchdog's time and the set
        values still stand, what this driver had switched on, so that a loose plug doesn't cool a sample.
        """
        stream = await self._context.connector.stream(self._context.url)
        self._line = Line(stream, TerminatedLines(b"\n"))
        try:
            name = await self._ask(wire.ask_name(), wire.decode_text)
            if not _HOTPLATES.search(name):
                raise DeviceError("wrong_device", f"expected an IKA hotplate, found {name!r}")
            if await self._still_as_left():
                if self._fed_at is not None:
                    await self._feed()
                    self._feeder = asyncio.create_task(self._keep_feeding())
            else:
                self._on.clear()
                self._expired, self._fed_at = False, None
                for command in (wire.reset(), wire.stop(Channel.PROBE), wire.stop(Channel.SPEED)):
                    await self._tell(command)
                await self._speed()  # its reply proves that the line is alive after them
        except BaseException:
            await self.disconnect()
            raise
        return Identity(manufacturer="IKA", model=name)

    async def disconnect(self) -> None:
        """Stop feeding the watchdog and free the line; what still heats goes off when it expires."""
        feeder, self._feeder = self._feeder, None
        if feeder is not None:
            feeder.cancel()
            await asyncio.gather(feeder, return_exceptions=True)
        line, self._line = self._line, None
        if line is not None:
            await line.close()

    async def make_safe(self) -> None:
        """Heater and motor off; returns when the motor stands."""
        await self._all_off()

    # -- actions -------------------------------------------------------------------------------

    async def stir(self, act: Act, *, speed: float) -> Outputs:
        """Set the speed (rpm) and return when it is reached; 0 stops the motor."""
        order = self._orders
        await act.begin()
        if speed <= 0.0:
            self._on.pop(Channel.SPEED, None)
            await self._tell(wire.stop(Channel.SPEED))
            return {"speed": await self._await_speed(0.0)}
        await self._recover()
        await self._set(Channel.SPEED, speed, 0.5)
        await self._start(Channel.SPEED, speed, order)
        return {"speed": await self._await_speed(speed)}

    async def heat(self, act: Act, *, temperature: float, tolerance: float = 0.5) -> Outputs:
        """Bring the medium (external probe) to `temperature` (degC); return when it stays within `tolerance` (K).

        The heater stays on and holds it. Refused above the safety limit set at the instrument.
        """
        order = self._orders
        limit = await self._value(wire.ask_setpoint(Channel.SAFETY), Channel.SAFETY)
        if temperature > limit:
            raise DeviceError(
                "above_safety_limit",
                f"{temperature:g} degC is above the plate's safety limit of {limit:g} degC",
            )
        await act.begin()
        await self._recover()
        await self._set(Channel.PROBE, temperature, self._settings.resolution_k / 2.0)
        await self._feed()  # armed before the heater goes on, never after
        if self._feeder is None:
            self._feeder = asyncio.create_task(self._keep_feeding())
        await self._start(Channel.PROBE, temperature, order)
        return {"temperature": await self._await_temperature(act, order, temperature, tolerance)}

    async def stop(self, act: Act) -> Outputs:
        """Heater and motor off; returns when the motor stands."""
        await act.begin()
        await self._all_off()
        return {}

    async def settle(self, command: Command) -> Settlement:
        """Compare what the instrument shows with what the command wanted.

        A `heat` is done only where this driver itself switched the heater on: the instrument can't tell.
        """
        speed = await self._speed()
        if command.action == "stop":
            done = Channel.PROBE not in self._on and speed < _STANDING_RPM
            return Settlement(verdict="done" if done else "not_done", detail=f"{speed:g} rpm")
        if command.action == "stir":
            wanted = _number(command.args.get("speed"))
            done = _at_speed(speed, wanted)
            return Settlement(
                verdict="done" if done else "not_done",
                outputs={"speed": speed} if done else {},
                detail=f"{speed:g} rpm, wanted {wanted:g}",
            )
        value = await self._value(wire.ask_value(Channel.PROBE), Channel.PROBE)
        wanted = _number(command.args.get("temperature"))
        tolerance = _number(command.args.get("tolerance", 0.5))
        heating = Channel.PROBE in self._on
        done = heating and abs(value - wanted) <= tolerance
        return Settlement(
            verdict="done" if done else "not_done",
            outputs={"temperature": value} if done else {},
            detail=f"{value:g} degC, wanted {wanted:g}, heater {'on' if heating else 'off'}",
        )

    async def read_telemetry(self) -> Mapping[str, float]:
        """Temperature of the medium (degC) and speed (rpm)."""
        return {
            "temperature": await self._value(wire.ask_value(Channel.PROBE), Channel.PROBE),
            "speed": await self._speed(),
        }

    # -- waiting -------------------------------------------------------------------------------

    async def _await_temperature(
        self, act: Act, order: int, target: float, tolerance: float
    ) -> float:
        settings = self._settings
        deadline = self._clock.monotonic() + act.command.timeout_s
        within_since: float | None = None
        while True:
            value = await self._value(wire.ask_value(Channel.PROBE), Channel.PROBE)
            now = self._clock.monotonic()
            self._check_still_on(order)
            await act.progress({"temperature": value, "target": target})
            if abs(value - target) > tolerance + 1e-9:
                within_since = None
            elif within_since is None:
                within_since = now
            if within_since is not None and now - within_since >= settings.stable_s:
                return value
            if now + settings.poll_s > deadline:
                await self._all_off()  # a probe beside the liquid would let it heat without end
                raise DeviceError(
                    "not_reached",
                    f"the medium is at {value:g} degC instead of {target:g} degC",
                    effect="partial",
                )
            await self._clock.sleep(settings.poll_s)

    async def _await_speed(self, target: float) -> float:
        deadline = self._clock.monotonic() + self._settings.stir_timeout_s
        pause = min(2.0, self._settings.poll_s)
        while True:
            value = await self._speed()
            if _at_speed(value, target):
                return value
            if self._clock.monotonic() + pause > deadline:
                await self._tell(wire.stop(Channel.SPEED))
                raise DeviceError(
                    "stalled", f"{value:g} rpm instead of {target:g} rpm", effect="partial"
                )
            await self._clock.sleep(pause)

    def _check_still_on(self, order: int) -> None:
        self._notice_expiry()
        if self._expired:
            raise DeviceError(
                "watchdog_expired",
                f"no contact for more than {self._settings.watchdog_s} s: the plate is off",
            )
        if order != self._orders:
            raise DeviceError("interrupted", "heater and motor were switched off", effect="partial")

    # -- switching -----------------------------------------------------------------------------

    async def _set(self, channel: Channel, value: float, tolerance: float) -> None:
        """Set and read back; a silent command may be lost, so it is repeated once."""
        taken = value
        for _ in range(2):
            await self._tell(wire.set_value(channel, value))
            taken = await self._value(wire.ask_setpoint(channel), channel)
            if abs(taken - value) <= tolerance + 1e-9:
                return
        raise DeviceError("not_taken", f"set {value:g}, but the plate shows {taken:g}")

    async def _start(self, channel: Channel, value: float, order: int) -> None:
        """Switch on, twice because no reply tells whether it was heard, unless switched off meanwhile."""
        for _ in range(2):
            async with self._turn:
                if order != self._orders:
                    raise DeviceError("interrupted", "switched off meanwhile", effect="partial")
                await self._write(wire.start(channel))
                self._on[channel] = value

    async def _all_off(self) -> None:
        self._orders += 1
        self._on.clear()
        for channel in (Channel.PROBE, Channel.SPEED, Channel.PROBE):
            await self._tell(wire.stop(channel))
        await self._await_speed(0.0)  # its reply also proves that the line is alive

    async def _recover(self) -> None:
        """After an expired watchdog the instrument shows ER 2 and must be reset before it starts again."""
        self._notice_expiry()
        if self._expired:
            await self._tell(wire.reset())
            self._expired, self._fed_at = False, None

    async def _still_as_left(self) -> bool:
        self._notice_expiry()
        if self._expired or not self._on:
            return False
        for channel, value in self._on.items():
            shown = await self._value(wire.ask_setpoint(channel), channel)
            if abs(shown - value) > max(0.5, self._settings.resolution_k):
                return False
        return True

    # -- watchdog ------------------------------------------------------------------------------

    def _notice_expiry(self) -> None:
        if self._fed_at is None:
            return
        if self._clock.monotonic() - self._fed_at > self._settings.watchdog_s:
            self._expired = True
            self._on.clear()

    async def _feed(self) -> None:
        self._notice_expiry()
        seconds = self._settings.watchdog_s
        echo = await self._ask(wire.watchdog(seconds), wire.decode_echo)
        if abs(echo - seconds) > 0.5:
            raise DeviceError("not_taken", f"watchdog of {seconds} s echoed as {echo:g}")
        if not self._expired:
            self._fed_at = self._clock.monotonic()

    async def _keep_feeding(self) -> None:
        """Three chances within the watchdog's time, more of them after a failure."""
        pause = self._settings.watchdog_s / 3.0
        while True:
            await self._clock.sleep(pause)
            try:
                await self._feed()
            except StreamClosedError:
                return
            except (TimeoutError, DeviceError):
                pause = self._settings.watchdog_s / 15.0
            else:
                pause = self._settings.watchdog_s / 3.0

    # -- the line ------------------------------------------------------------------------------

    def _open_line(self) -> Line[bytes]:
        if self._line is None:
            raise StreamClosedError(f"{self._context.name} is not connected")
        return self._line

    async def _rest(self) -> None:
        """The pause that the instrument needs. A faster clock means a simulated one, which needs less."""
        await asyncio.sleep(self._settings.pause_s / max(1.0, self._clock.speed))

    async def _write(self, data: bytes) -> None:
        line = self._open_line()
        async with line.exchange():
            await line.write(data)
        await self._rest()

    async def _tell(self, data: bytes) -> None:
        async with self._turn:
            await self._write(data)

    async def _ask(self, data: bytes, decode: Callable[[bytes], T]) -> T:
        failure: Exception = TimeoutError("not asked")
        for _ in range(_TRIES):
            async with self._turn:
                try:
                    reply = await self._open_line().request(data, self._settings.reply_timeout_s)
                except TimeoutError:
                    failure = TimeoutError(f"{self._context.name} does not answer {data!r}")
                    continue
                await self._rest()
            try:
                return decode(reply)
            except wire.WireError as error:
                failure = DeviceError("bad_reply", str(error))
        raise failure

    async def _value(self, data: bytes, channel: Channel) -> float:
        return await self._ask(data, lambda line: wire.decode_reading(line, channel))

    async def _speed(self) -> float:
        return await self._value(wire.ask_value(Channel.SPEED), Channel.SPEED)


def _at_speed(value: float, target: float) -> bool:
    if target <= 0.0:
        return value < _STANDING_RPM
    return abs(value - target) <= max(_STANDING_RPM, 0.05 * target)


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
