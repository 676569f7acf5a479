"""One New Era pump on a line: commands with time-outs, repeats and the handling of alarms.

Any reply of the pump reports a pending alarm, clears it, and means that the command was not
executed. So every reply counts, whoever asked: the link remembers the last alarm for those who
come later.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from drivers.new_era_ne1000.wire import (
    ALARMS,
    ERRORS,
    Reply,
    ReplyDecoder,
    Request,
    Totals,
    encode_request,
    parse_totals,
)
from lab.devices.driver import DeviceError
from lab.devices.line import Line

if TYPE_CHECKING:
    from lab.devices.stream import ByteStream

__all__ = ["PowerLostError", "PumpLink", "describe_alarm", "why"]

_REPLY_TIMEOUT_S = 2.0
_TRIES = 3


class PowerLostError(Exception):
    """The pump reported that its power was interrupted; the packet was not executed."""


class PumpLink:
    """Everything but `run` may be repeated, and is, when no answer comes.

    TimeoutError: no answer to any try. StreamClosedError: the line is gone. DeviceError (`refused`,
    `bad_reply`, effect none): the pump answered, but not what was needed.
    """

    def __init__(self, stream: ByteStream, address: int) -> None:
        self._line = Line(stream, ReplyDecoder())
        self._address = address
        self.last_alarm = ""
        """Letter of the last alarm that any reply brought."""

    def forget_alarm(self) -> None:
        self.last_alarm = ""

    async def close(self) -> None:
        await self._line.close()

    async def version(self) -> str:
        """The answer to `VER`; brings a pump that was left in safe mode back to basic mode."""
        try:
            return await self._version()
        except TimeoutError:
            pass
        except DeviceError as error:
            if error.code != "refused":
                raise
        async with self._line.exchange():
            await self._line.write(encode_request(Request(self._address, "SAF0", safe=True)))
            await self._line.read_line(_REPLY_TIMEOUT_S)
        return await self._version()

    async def status(self) -> Reply:
        """The status, after pending alarms are cleared."""
        return await self.command("")

    async def command(self, text: str) -> Reply:
        """A query or a setting that the pump has taken; DeviceError when it refuses.

        PowerLostError: the power was interrupted, so what was set or counted before is in doubt.
        """
        reply = await self._ask(text)
        if reply.alarm or reply.error in ("", "COM"):  # not executed, or a byte was hurt on the way
            reply = await self._ask(text)
        if reply.alarm or reply.error is not None:
            raise DeviceError("refused", f"the pump refused {text or 'to answer'}: {why(reply)}")
        return reply

    async def totals(self) -> tuple[Reply, Totals]:
        """Status and totals, in one packet so that they fit together."""
        for last in (False, True):
            reply = await self.command("DIS")
            try:
                return reply, parse_totals(reply.data)
            except ValueError as error:
                if last:
                    raise DeviceError("bad_reply", str(error)) from None
        raise AssertionError("the loop returns or raises")

    async def run(self) -> Reply:
        """Start the program at phase 1: sent once, because a repeat could start it again."""
        return await self._exchange("RUN1")

    async def stop(self) -> None:
        """End the program. A first STP only pauses it; a second one ends it."""
        for _ in range(2 * _TRIES):
            reply = await self._exchange_again("STP")
            if reply.alarm == "R":
                await self.remember_power_loss()
            elif not reply.alarm and reply.prompt == "S":
                return
        raise DeviceError("not_stopped", "the pump does not stop: switch it off", effect="unknown")

    async def remember_power_loss(self) -> None:
        """Have the pump itself remember: a program without phase 2 is no dose of ours."""
        for text in ("PHN2", "FUNSTP"):
            await self._exchange_again(text)

    async def _version(self) -> str:
        try:
            return (await self.command("VER")).data
        except PowerLostError:
            return (await self.command("VER")).data

    async def _ask(self, text: str) -> Reply:
        reply = await self._exchange_again(text)
        if reply.alarm == "R":
            await self.remember_power_loss()
            raise PowerLostError
        return reply

    async def _exchange_again(self, text: str) -> Reply:
        for _ in range(_TRIES - 1):
            try:
                return await self._exchange(text)
            except TimeoutError:
                continue
        return await self._exchange(text)

    async def _exchange(self, text: str) -> Reply:
        async with self._line.exchange():
            await self._line.write(encode_request(Request(self._address, text)))
            while True:
                reply = await self._line.read_line(_REPLY_TIMEOUT_S)
                if reply.address == self._address:
                    break
        if reply.alarm:
            self.last_alarm = reply.alarm
        return reply


def why(reply: Reply) -> str:
    """What an alarm or an error means, in words."""
    if reply.alarm:
        return describe_alarm(reply.alarm)
    return ERRORS.get(reply.error or "", reply.data)


def describe_alarm(letter: str) -> str:
    return ALARMS.get(letter, f"alarm {letter}")
