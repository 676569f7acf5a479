"""A simulated CLSLab:Light: an MQTT client that mixes light and counts it (physics: `simulators.chemistry.light`).

Shot noise: the standard deviation of a count is its square root times `shot_noise`; plus one count of read noise. A
measurement takes a beep of 0.15 s and four integration times (two passes over the channels, dark and lit), in process
time; requests are served one after the other. Outside of a measurement the LED is off.

Settings (`simulate:` in lab.yaml): `pico_id` ("test"); `ambient` (0.002, in units of an LED at full power);
`shot_noise` (1.0; 0 switches all noise off).
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

from drivers.clslab_light import wire
from simulators.chemistry import light
from simulators.settings import number, text

if TYPE_CHECKING:
    from pydantic import JsonValue

    from lab.bus.transport import Transport
    from simulators.contract import SimulatorContext

__all__ = ["ClslabLightSimulator"]

BEEP_S = 0.15


class ClslabLightSimulator:
    """The Pico W with its LED and sensor."""

    def __init__(self, context: SimulatorContext) -> None:
        self._context = context
        self._pico_id = text(context.settings, "pico_id", "test")
        self._ambient = number(context.settings, "ambient", 0.002)
        self._shot_noise = number(context.settings, "shot_noise", 1.0)

    async def serve(self, transport: Transport) -> None:
        """Answer every request on the device's topics until cancelled."""
        subscription = await transport.subscribe(wire.request_pattern(self._pico_id))
        try:
            async for message in subscription:
                reply = await self.answer(message.payload)
                await transport.publish(wire.reply_topic(self._pico_id), wire.encode(reply), qos=0)
        finally:
            await subscription.close()

    async def answer(self, payload: bytes) -> dict[str, JsonValue]:
        """The body of the reply to one request; errors are part of it, as in the firmware."""
        reply: dict[str, JsonValue] = {}
        try:
            body: JsonValue = json.loads(payload)
        except ValueError as error:
            reply["_input_message"] = payload.decode("utf-8", errors="replace")
            reply["error"] = _traceback(f"ValueError: {error}")
        else:
            reply["_input_message"] = body
            reply |= await self._experiment(payload)
        now = self._context.clock.now()
        reply["onboard_temperature_K"] = round(297.0 + self._noise(0.3), 3)
        reply["sd_card_ready"] = False
        reply["utc_timestamp"] = int(now.timestamp())
        reply["utc_time_str"] = now.strftime("%Y-%m-%d %H:%M:%S")
        reply["logged_to_mongodb"] = False
        return reply

    async def _experiment(self, payload: bytes) -> dict[str, JsonValue]:
        try:
            request = wire.decode_request(payload)
        except wire.WireError as error:
            return {"error": _traceback("AssertionError: " + " ".join(str(error).split()))}
        await self._context.clock.sleep(
            BEEP_S + 4.0 * wire.integration_s(request.atime, request.astep)
        )
        dark = self._counted(request, 0.0, 0.0, 0.0)
        lit = self._counted(request, request.red, request.green, request.blue)
        return {**lit, "background": dict(dark)}

    def _counted(
        self, request: wire.Request, red: float, green: float, blue: float
    ) -> dict[str, int]:
        limit = light.full_scale(request.atime, request.astep)
        expected = light.counts(
            red,
            green,
            blue,
            atime=request.atime,
            astep=request.astep,
            gain=request.gain,
            ambient=self._ambient,
        )
        return {name: self._count(value, limit) for name, value in expected.items()}

    def _count(self, expected: float, limit: int) -> int:
        noisy = expected + self._noise(math.sqrt(expected)) + self._noise(1.0)
        return min(max(round(noisy), 0), limit)

    def _noise(self, sd: float) -> float:
        return self._context.random.gauss(0.0, 1.0) * sd * self._shot_noise


def _traceback(last: str) -> str:
    return f'Traceback (most recent call last):\n  File "main.py", in run_experiment\n{last}\n'
