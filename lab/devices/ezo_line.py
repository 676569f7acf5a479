"""The line to one EZO circuit: its commands, questions and readings, for the drivers of the family.

A driver that uses it lists in its manifest the errors that are raised here: `wrong_device`, `refused`, `bad_reply`,
`rebooted`, `supply_voltage`. Questions and readings are asked again where rubbish came; nothing else is repeated.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from lab.devices import ezo
from lab.devices.driver import DeviceError
from lab.devices.line import Line, TerminatedLines

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from lab.devices.stream import ByteStream

__all__ = ["EzoLine"]

_TRIES = 3


class EzoLine:
    """Owns the stream. `timeout_s` is how long an answer may take, in real seconds.

    `on_restart` sets the circuit up again after a restart, which loses most of its settings.
    """

    def __init__(
        self,
        stream: ByteStream,
        *,
        timeout_s: float,
        on_restart: Callable[[], Awaitable[object]],
    ) -> None:
        self._line = Line(stream, TerminatedLines(ezo.END))
        self._timeout_s = timeout_s
        self._on_restart = on_restart

    async def close(self) -> None:
        """Free the stream. Safe to call twice."""
        await self._line.close()

    async def greet(self, kind: str) -> str:
        """Wake the circuit, stop its continuous readings, check its kind (`EC`, `PH`); returns its firmware."""
        await self._wake()
        await self.order("C,0")
        found, firmware = await self.ask("i", "I", 2)
        if found.upper() != kind.upper():
            raise DeviceError("wrong_device", f"expected an EZO-{kind}, found EZO-{found}")
        return firmware

    async def order(self, text: str) -> None:
        """A command that is answered by `*OK` alone; readings still under way are skipped."""
        self._checked(text, await self._exchange(text))

    async def store(self, text: str) -> None:
        """As `order`, for what must not be lost in silence: a restart or a bad supply voltage meanwhile is an error."""
        await self._heed(self._checked(text, await self._exchange(text, lost_at_restart=True)))

    async def ask(self, text: str, name: str, fields: int | None) -> tuple[str, ...]:
        """The fields of the answer `?name,...`, as many as `fields` says (None: any number)."""
        failure = f"no answer to {text}"
        for _ in range(_TRIES):
            answer = await self._exchange(text)
            if answer.fault is not None:
                failure = str(answer.fault)
                continue
            for frame in answer.data:
                if isinstance(frame, ezo.Query) and frame.name == name:
                    if fields is None or len(frame.fields) == fields:
                        return frame.fields
                    failure = f"{text} was answered by {frame!r}"
        raise DeviceError("bad_reply", failure)

    async def numbers(self, text: str, name: str, fields: int) -> tuple[float, ...]:
        """As `ask`, where all fields are numbers."""
        shown = await self.ask(text, name, fields)
        try:
            return ezo.numbers(shown)
        except ezo.WireError as error:
            raise DeviceError("bad_reply", f"{text}: {error}") from error

    async def reading(self) -> float:
        """One reading, taken now, of a circuit with one output."""
        failure = DeviceError("bad_reply", "no reading")
        for _ in range(_TRIES):
            answer = await self._exchange("R", lost_at_restart=True)
            await self._heed(answer)
            try:
                if answer.fault is not None:
                    raise answer.fault
                return ezo.single_value(answer.data)
            except ezo.WireError as error:
                # Another reading in between: the circuit is back in continuous mode, or noise.
                failure = DeviceError("bad_reply", str(error))
                await self.order("C,0")
        raise failure

    async def _wake(self) -> None:
        """Any character wakes a sleeping circuit, but that command is lost; so is one it sent `*ER` for."""
        for _ in range(_TRIES):
            try:
                await self.order("*OK,1")
            except (TimeoutError, DeviceError):
                continue
            return
        await self.order("*OK,1")

    async def _exchange(self, text: str, *, lost_at_restart: bool = False) -> ezo.Answer:
        """Send a command and take its whole answer. DeviceError `refused` for `*ER`."""
        answer = ezo.Answer(lost_at_restart)
        # One limit for the whole answer: readings sent unasked must not keep it waiting for ever.
        async with self._line.exchange(), asyncio.timeout(self._timeout_s):
            await self._line.write(ezo.encode(text))
            while not answer.take(await self._line.read_line(self._timeout_s)):
                pass
        if answer.refused:
            raise DeviceError("refused", f"the circuit refused {text!r}")
        return answer

    def _checked(self, text: str, answer: ezo.Answer) -> ezo.Answer:
        if answer.fault is not None:
            raise DeviceError("bad_reply", f"{text}: {answer.fault}") from answer.fault
        return answer

    async def _heed(self, answer: ezo.Answer) -> None:
        """What the circuit said beside a reading may spoil it."""
        if "RS" in answer.notices:
            await self._on_restart()
            raise DeviceError("rebooted", "the circuit restarted in the middle of a command")
        for code in ("OV", "UV"):
            if code in answer.notices:
                raise DeviceError("supply_voltage", f"the circuit reported *{code}")
