"""A driver and its connection: opened, watched, opened again; made safe and asked to settle.

Whoever uses the driver holds `lock`, so that two exchanges never mix on the wire.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from lab.devices.driver import DeviceError
from lab.devices.execution import line_is_suspect, settled_without_asking
from lab.domain.command import Settlement

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping, Sequence

    from lab.devices.driver import Driver, Identity
    from lab.devices.ledger import DeviceLedger, LedgerEntry
    from lab.domain.command import Command

__all__ = ["DeviceLine", "HostTiming"]

T = TypeVar("T")

_LOG = logging.getLogger(__name__)
_ASK_TIMES = 3


@dataclass(frozen=True, slots=True)
class HostTiming:
    """Real seconds, but `telemetry_s`, which is process seconds."""

    heartbeat_s: float = 1.0
    telemetry_s: float = 5.0
    first_retry_s: float = 0.5
    last_retry_s: float = 10.0
    connect_s: float = 30.0
    safe_s: float = 30.0
    settle_s: float = 120.0
    read_s: float = 10.0
    grace_s: float = 5.0
    """How long a cancelled driver call, a disconnection or a query without a connection is waited for."""
    dead_man_s: float | None = None
    """Without a sign of the engine for so long the device is made safe; None where it need not be."""
    safe_on_error: bool = False
    """The engine lives in the host's process, and no timer outlives it: where it fails, the device is made safe first. The
    timer counts from the engine's first sign."""


class _HurriedError(Exception):
    """The line was given back."""


class DeviceLine:
    """`safe_requests` tells the ids of the requests in force, written down or not. `on_change` is called after each change
    of `connected`, `fault` or `trouble`."""

    def __init__(
        self,
        name: str,
        driver: Driver,
        ledger: DeviceLedger,
        timing: HostTiming,
        safe_requests: Callable[[], Sequence[str]],
        on_change: Callable[[], None],
    ) -> None:
        self.lock = asyncio.Lock()
        self.connected = False
        self.fault = False
        """True when the device answers, but not as it should (another model, an alarm)."""
        self.trouble = "not connected yet"
        self.identity: Identity | None = None
        self.in_hand = ""
        """Id of the command that is being carried out; never settled behind its back."""
        self._name = name
        self._driver = driver
        self._ledger = ledger
        self._timing = timing
        self._safe_requests = safe_requests
        self._on_change = on_change
        self._changed = asyncio.Event()
        self._asked_in_vain: dict[str, int] = {}
        self._asking: asyncio.Task[object] | None = None
        self._hurried = False
        self.put_off = False
        """In a hurry not all interrupted commands were settled."""

    async def keep_open(self) -> None:
        """Open the line, and again whenever it is lost, with growing pauses; for ever."""
        pause = self._timing.first_retry_s
        while True:
            if self.connected:
                pause = self._timing.first_retry_s
                self._changed.clear()
                await self._changed.wait()
                continue
            async with self.lock:
                opened = self.connected or await self.open()
            if not opened:
                await asyncio.sleep(pause)
                pause = min(pause * 2, self._timing.last_retry_s)

    async def open(self) -> bool:
        """Close what is left and connect once (lock held). Makes it safe where that is in force, and settles what an
        earlier host left open, before any new act changes the device's counters."""
        await self.close()
        try:
            async with asyncio.timeout(self._timing.connect_s):
                self.identity = await self._driver.connect()
            await self._make_safe_if_in_force()
        except Exception as error:
            self.lose(error)
            await self.close()
            return False
        self.connected, self.fault, self.trouble = True, False, ""
        self._tell()
        await self.settle_interrupted()
        return self.connected

    async def settle_interrupted(self) -> None:
        """Ask what became of all that an earlier host began and nobody has ended (lock held); put off in a hurry."""
        self.put_off = False
        try:
            for entry in self._ledger.interrupted():
                if entry.id != self.in_hand:
                    await self._settle(entry)
        except _HurriedError:
            self.put_off = True
        except sqlite3.Error as error:
            _LOG.warning("%s: can't read what was interrupted: %s", self._name, error)

    def hurry(self) -> None:
        """The device is to be made safe: until `rest`, who only asks or measures gives the line back at once."""
        self._hurried = True
        if self._asking is not None:
            self._asking.cancel()

    def rest(self) -> None:
        """It was made safe, or can't be now."""
        self._hurried = False

    async def close(self) -> None:
        """Disconnect, whatever state the driver is in."""
        self.connected = False
        with suppress(Exception):
            async with asyncio.timeout(self._timing.grace_s):
                await self._driver.disconnect()

    def lose(self, error: BaseException) -> None:
        """The line no longer serves; it will be opened again."""
        known = (self.connected, self.trouble)
        self.connected = False
        self.fault = isinstance(error, DeviceError)
        self.trouble = str(error) or type(error).__name__
        if known != (self.connected, self.trouble):  # a device that is off for a week is one line
            _LOG.warning("%s: no connection: %s", self._name, self.trouble)
        self._tell()

    async def until_open(self) -> bool:
        """Wait a little for the connection; whether it is there."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._timing.grace_s):
                while not self.connected:
                    self._changed.clear()
                    await self._changed.wait()
        return self.connected

    async def settle(self, entry: LedgerEntry) -> Settlement | None:
        """What became of a command (lock held), recorded where it is final; None when it can't be asked now."""
        try:
            return await self._settle(entry)
        except _HurriedError:
            return None

    async def _settle(self, entry: LedgerEntry) -> Settlement | None:
        settlement = settled_without_asking(entry, acted_since=self._ledger.acted_since(entry))
        if settlement is None and entry.command is not None:
            settlement = await self._ask(entry.command)
        if settlement is not None and entry.settlement is None:
            try:
                self._ledger.settle(entry.id, settlement)
            except sqlite3.Error as error:
                _LOG.warning("%s: can't record what became of %s: %s", self._name, entry.id, error)
                return None
        return settlement

    async def ask(self, command: Command) -> Settlement | None:
        """Ask the device what became of a command (lock held); None when it can't answer now, unknown when it was asked
        several times in vain and a person must look."""
        try:
            return await self._ask(command)
        except _HurriedError:
            return None

    async def _ask(self, command: Command) -> Settlement | None:
        if not self.connected:
            return None
        try:
            return await self._unless_hurried(
                lambda: self._driver.settle(command), self._timing.settle_s
            )
        except _HurriedError:
            raise
        except Exception as error:
            _LOG.warning("%s: can't settle %s: %s", self._name, command.id, error)
            if line_is_suspect(error):
                self.lose(error)
            failed = self._asked_in_vain[command.id] = self._asked_in_vain.get(command.id, 0) + 1
            if failed < _ASK_TIMES:
                return None
            return Settlement(
                verdict="unknown", detail=f"the device was asked {failed} times in vain: {error}"
            )

    async def make_safe(self) -> tuple[bool, str]:
        """Bring the device to its safe state, over a new connection if need be; whether it is confirmed, and why not."""
        try:
            return await self._make_safe()
        finally:
            self.rest()

    async def _make_safe(self) -> tuple[bool, str]:
        for _ in range(2):
            if not self.connected:
                if not await self.open():
                    break
                if self._safe_requests():
                    return True, ""  # opening has done it
            try:
                async with asyncio.timeout(self._timing.safe_s):
                    await self._driver.make_safe()
            except Exception as error:
                self.lose(error)
            else:
                return True, ""
        return False, self.trouble

    async def read_telemetry(self) -> Mapping[str, float]:
        """Live values (lock held); none when the line is in trouble."""
        try:
            return await self._unless_hurried(self._driver.read_telemetry, self._timing.read_s)
        except _HurriedError:
            return {}
        except Exception as error:
            if line_is_suspect(error):
                self.lose(error)
            return {}

    async def _make_safe_if_in_force(self) -> None:
        requests = self._safe_requests()
        if not requests:
            return
        async with asyncio.timeout(self._timing.safe_s):
            await self._driver.make_safe()
        try:
            self._ledger.confirm_safe(requests[-1], confirmed=True, detail="")
        except sqlite3.Error as error:
            # It is safe all the same, and the line serves.
            _LOG.warning("%s: can't record that it was made safe: %s", self._name, error)

    async def _unless_hurried(
        self, call: Callable[[], Coroutine[None, None, T]], limit_s: float
    ) -> T:
        if self._hurried:
            raise _HurriedError
        task = asyncio.ensure_future(call())
        self._asking = task
        try:
            async with asyncio.timeout(limit_s):
                return await task
        except asyncio.CancelledError:
            me = asyncio.current_task()
            if me is None or me.cancelling():
                raise
            raise _HurriedError from None
        finally:
            self._asking = None

    def _tell(self) -> None:
        self._changed.set()
        self._on_change()
