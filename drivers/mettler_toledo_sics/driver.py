"""Weighs with a Mettler Toledo balance over MT-SICS.

Rules of the protocol that shape this driver: lines may come unasked (the print key), so the line is
emptied before each command and a few lines that answer something else are skipped; `S I` is no
fault but a load that did not come to rest; `@` ends whatever the balance was asked before, and
clears the tare. So a connection resets only a balance that does not answer otherwise: a host that is
started again in the midst of a sample finds the tare as it was.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from drivers.mettler_toledo_sics.wire import (
    REFUSALS,
    TERMINATOR,
    Reply,
    Weight,
    encode_line,
    parse_reply,
    parse_weight,
    reply_identifier,
)
from lab.devices.driver import DeviceError, Identity
from lab.devices.line import Line, TerminatedLines
from lab.domain.command import Settlement
from lab.domain.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lab.devices.driver import Act, DriverContext, Outputs
    from lab.domain.command import Command

__all__ = ["MTSics"]

_REPLY_TIMEOUT_S = 2.0
_BUSY_S = 10.0
_UNRELATED_LINES = 5
_TRIES = 3


class MTSics:
    """Capability `weighing`.

    Settings: `repeatability_g` (standard deviation of repeated weighings, 0.0001) and
    `stability_timeout_s` (real seconds in which the balance must answer `S` and `T`, 60; longer
    than the balance's own time-out).
    """

    def __init__(self, context: DriverContext) -> None:
        self._context = context
        self._repeatability_g = self._setting("repeatability_g", 1e-4)
        self._stable_timeout_s = self._setting("stability_timeout_s", 60.0)
        self._line: Line[bytes] | None = None

    async def connect(self) -> Identity:
        stream = await self._context.connector.stream(self._context.url)
        self._line = Line(stream, TerminatedLines(TERMINATOR))
        try:
            return await self._identify()
        except BaseException:
            await self.disconnect()
            raise

    async def disconnect(self) -> None:
        line, self._line = self._line, None
        if line is not None:
            await line.close()

    async def make_safe(self) -> None:
        """A balance has no unsafe state."""

    async def settle(self, command: Command) -> Settlement:
        """Weighing and taring may always be done again."""
        return Settlement(verdict="not_done", detail=f"{command.action} may be repeated")

    async def read_telemetry(self) -> Mapping[str, float]:
        """The net mass now, at rest or not; nothing while the balance can't tell."""
        reply = await self._ask("SI", _REPLY_TIMEOUT_S)
        if reply.status not in ("S", "D"):
            return {}
        return {"mass": self._weight(reply).mass_g}

    async def tare(self, act: Act) -> Outputs:
        """Set the present load to zero."""
        await act.begin()
        await self._at_rest("T")
        return {}

    async def weigh(self, act: Act) -> Outputs:
        """The stable net mass (g) and its standard uncertainty (g)."""
        await act.begin()
        weight = self._weight(await self._at_rest("S"))
        rounding_g = weight.readability_g / math.sqrt(12.0)
        return {"mass": weight.mass_g, "mass_sd": max(rounding_g, self._repeatability_g)}

    async def _identify(self) -> Identity:
        serial = await self._inquire("I4" if await self._is_free() else "@")
        data = await self._inquire("I2")
        firmware = await self._inquire("I3")
        return Identity(
            manufacturer="Mettler Toledo",
            model=_model(data),
            serial_number=serial,
            firmware=firmware,
        )

    async def _is_free(self) -> bool:
        """Does it take commands as it is? `SI` ends a repetition; a weighing that an earlier host began is waited for."""
        try:
            return (await self._ask("SI", _BUSY_S)).status != "I"
        except (TimeoutError, DeviceError):
            return False

    async def _inquire(self, command: str) -> str:
        reply = await self._ask(command, _REPLY_TIMEOUT_S)
        if reply.status != "A" or not reply.fields:
            raise DeviceError("refused", _refusal(command, reply))
        return " ".join(reply.fields)

    async def _at_rest(self, command: str) -> Reply:
        """A command that waits for rest; asked again when the load does not come to rest."""
        reply = await self._ask(command, self._stable_timeout_s)
        for _ in range(_TRIES - 1):
            if reply.status == "I":
                reply = await self._ask(command, self._stable_timeout_s)
        if reply.status != "S":
            codes = {"I": "not_stable", "+": "overload", "-": "underload"}
            raise DeviceError(codes.get(reply.status, "refused"), _refusal(command, reply))
        return reply

    async def _ask(self, command: str, timeout_s: float) -> Reply:
        """The reply to a command, which is sent again once after a transmission error."""
        reply = await self._exchange(command, timeout_s)
        if reply.identifier == "ET":
            reply = await self._exchange(command, timeout_s)
        if reply.error is not None:
            raise DeviceError("refused", f"{command}: {reply.error}")
        return reply

    async def _exchange(self, command: str, timeout_s: float) -> Reply:
        if self._line is None:
            raise DeviceError("not_connected", "the balance is not connected")
        expected = reply_identifier(command)
        async with self._line.exchange():
            await self._line.write(encode_line(command))
            for _ in range(_UNRELATED_LINES + 1):
                try:
                    reply = parse_reply(await self._line.read_line(timeout_s))
                except ValueError:
                    continue
                if reply.error is not None or reply.identifier == expected:
                    return reply
        raise DeviceError(
            "bad_reply",
            f"the balance sent {_UNRELATED_LINES + 1} lines that do not answer {command}",
        )

    def _weight(self, reply: Reply) -> Weight:
        try:
            return parse_weight(reply)
        except ValueError as error:
            code = "hardware" if "Error" in reply.fields else "bad_reply"
            raise DeviceError(code, f"the balance reports {error}") from None

    def _setting(self, name: str, default: float) -> float:
        value = self._context.settings.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0.0:
            raise InputError(
                f"device {self._context.name}: setting {name} is {value!r}",
                hint=f"give {name} a number above zero, or leave it out for {default:g}",
            )
        return float(value)


def _model(data: str) -> str:
    """The model without capacity and unit: `XPR205 Excellence 220.0000 g` -> `XPR205 Excellence`."""
    words = data.split()
    return " ".join(words[:-2]) if len(words) > 2 else data


def _refusal(command: str, reply: Reply) -> str:
    meaning = REFUSALS.get(reply.status, f"unexpected reply {reply.status!r}")
    return f"{command}: {meaning}"
