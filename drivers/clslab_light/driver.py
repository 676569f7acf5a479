"""Driver of CLSLab:Light (messages: `wire`). The device is an MQTT client of its own; this driver is another.

It has no name to ask for and no last will, and answers everybody on one topic. So each request carries an experiment
id made from the command's id, only the reply that echoes it counts, and this driver keeps its own time limit. A request
that stays unanswered is sent again: a measurement has no effect, and a doubled reply is recognised by its id.
"""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from drivers.clslab_light import wire
from lab.devices.driver import DeviceError, Identity
from lab.devices.stream import StreamClosedError
from lab.domain.command import Settlement
from lab.domain.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lab.bus.transport import Subscription, Transport
    from lab.devices.driver import Act, DriverContext, Outputs
    from lab.domain.command import Command

__all__ = ["ClslabLight", "LightSettings"]


class LightSettings(BaseModel):
    """What `settings:` of the device in `lab.yaml` may hold."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    pico_id: str = Field(default="test", pattern=r"^[^+#/\s]+$")
    """The id of the Pico W, part of its topics."""
    astep: int = Field(default=999, ge=0, le=65534)
    gain: float = Field(default=128.0, ge=0.5, le=512.0)
    subtract_background: bool = True
    """Take off what the sensor saw with the LED off."""
    reply_timeout_s: float = Field(default=10.0, gt=0.0)
    """How long one reply may take (real seconds)."""
    tries: int = Field(default=2, ge=1, le=10)


class ClslabLight:
    """Fulfils `light_mixing`."""

    def __init__(self, context: DriverContext) -> None:
        try:
            self._settings = LightSettings.model_validate(dict(context.settings))
        except ValidationError as error:
            raise InputError(f"settings of {context.name}: {error}") from error
        self._context = context
        self._transport: Transport | None = None
        self._subscription: Subscription | None = None
        self._replies: asyncio.Queue[wire.Reply | None] = asyncio.Queue()
        self._reader: asyncio.Task[None] | None = None
        self._turn = asyncio.Lock()
        self._greetings = 0

    async def connect(self) -> Identity:
        """Join the broker and take one dark reading, to see that the device is there."""
        try:
            self._transport = await self._context.connector.messages(self._context.url)
            topic = wire.reply_topic(self._settings.pico_id)
            self._subscription = await self._transport.subscribe(topic)
            self._replies = asyncio.Queue()
            self._reader = asyncio.create_task(self._read(self._subscription))
            self._greetings += 1
            hello = f"{self._context.name}/hello/{self._greetings}"
            await self._ask(self._request(hello, 0.0, 0.0, 0.0, 0))
        except BaseException:
            await self.disconnect()
            raise
        return Identity(
            manufacturer="Acceleration Consortium",
            model="CLSLab:Light",
            serial_number=self._settings.pico_id,
        )

    async def disconnect(self) -> None:
        """Leave the broker."""
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.cancel()
            await asyncio.gather(reader, return_exceptions=True)
        subscription, self._subscription = self._subscription, None
        if subscription is not None:
            await subscription.close()
        transport, self._transport = self._transport, None
        if transport is not None:
            await transport.__aexit__(None, None, None)

    async def make_safe(self) -> None:
        """The firmware switches the LED off after each measurement: nothing to do."""

    async def measure_spectrum(
        self, act: Act, *, red: float, green: float, blue: float, integration_steps: int = 100
    ) -> Outputs:
        """Counts of the eight channels with that light, background taken off (see the settings)."""
        request = self._request(act.command.id, red, green, blue, integration_steps)
        reply = await self._ask(request)
        lit = _counts(reply.channels, "channel")
        limit = wire.full_scale(request.atime, request.astep)
        if any(value >= limit for value in lit.values()):
            full = ", ".join(name for name, value in lit.items() if value >= limit)
            raise DeviceError("saturated", f"{full} reached the end of the scale of {limit} counts")
        if not self._settings.subtract_background:
            return dict(lit)
        dark = _counts(reply.background, "background channel")
        return {name: lit[name] - dark[name] for name in wire.CHANNELS}

    async def settle(self, command: Command) -> Settlement:
        """A measurement leaves nothing behind; it is simply taken again."""
        return Settlement(verdict="not_done", detail=f"{command.action} only reads")

    async def read_telemetry(self) -> Mapping[str, float]:
        """None: the device speaks only when asked, and each answer is a whole measurement."""
        return {}

    # -- messages ------------------------------------------------------------------------------

    def _request(
        self, experiment: str, red: float, green: float, blue: float, steps: int
    ) -> wire.Request:
        return wire.Request(
            red=red,
            green=green,
            blue=blue,
            atime=steps,
            astep=self._settings.astep,
            gain=self._settings.gain,
            session_id=f"labwright/{self._context.name}",
            experiment_id=experiment,
        )

    async def _ask(self, request: wire.Request) -> wire.Reply:
        if self._transport is None:
            raise StreamClosedError(f"{self._context.name} is not connected")
        topic = wire.request_topic(self._settings.pico_id)
        async with self._turn:
            for _ in range(self._settings.tries):
                try:
                    async with asyncio.timeout(self._settings.reply_timeout_s):
                        await self._transport.publish(topic, wire.encode(request), qos=1)
                        return await self._reply_to(request.experiment_id)
                except TimeoutError:
                    continue
        raise TimeoutError(f"no reply from {self._settings.pico_id} on {topic}")

    async def _reply_to(self, experiment: str) -> wire.Reply:
        while True:
            reply = await self._replies.get()
            if reply is None:
                raise StreamClosedError("the connection to the broker ended")
            if reply.experiment_id != experiment:
                continue  # somebody else's, or a late one of ours
            if reply.error:
                last = reply.error.strip().splitlines()[-1]
                raise DeviceError("device_error", last)
            return reply

    async def _read(self, subscription: Subscription) -> None:
        """A task of its own, because an iterator that is cancelled while it waits may lose a message."""
        try:
            async for message in subscription:
                if message.retained:
                    continue
                try:
                    self._replies.put_nowait(wire.decode_reply(message.payload))
                except wire.WireError:
                    continue
        finally:
            self._replies.put_nowait(None)


def _counts(found: Mapping[str, float], what: str) -> dict[str, float]:
    missing = [name for name in wire.CHANNELS if not math.isfinite(found.get(name, math.nan))]
    if missing:
        raise DeviceError("bad_reply", f"no {what} {', '.join(missing)}")
    return {name: float(found[name]) for name in wire.CHANNELS}
