"""One action in the hands of a device host: bounded in time, stoppable, its begin durable."""

from __future__ import annotations

import asyncio
import sqlite3
from typing import TYPE_CHECKING

from lab.devices.driver import Act, DeviceError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping

    from pydantic import JsonValue

    from lab.devices.driver import Outputs
    from lab.devices.ledger import DeviceLedger
    from lab.domain.action import ActionSpec
    from lab.domain.clock import Clock
    from lab.domain.command import Command

__all__ = ["Stopped", "Work", "bounded", "unwritable"]


def unwritable(error: sqlite3.Error) -> DeviceError:
    """Nothing begins that can't be written down first."""
    return DeviceError("ledger", f"not begun, as the command ledger can't be written: {error}")


class Stopped(Exception):  # noqa: N818 - a request that was obeyed, not an error
    """The action was cancelled, to make the device safe or because a person wants it stopped."""


class Work:
    """One accepted command. `begun` says whether the point of no return was passed."""

    def __init__(
        self,
        command: Command,
        spec: ActionSpec,
        args: dict[str, JsonValue],
        ledger: DeviceLedger,
        report: Callable[[Mapping[str, JsonValue]], None],
    ) -> None:
        self.command = command
        self.spec = spec
        self.args = args
        self.begun = False
        self.over = False
        self.called = False
        """Whether the driver was asked to act."""
        self.stop = asyncio.Event()
        self.ended = asyncio.Event()
        """Set when nothing more is done for it on the line, recorded or not."""
        self.made_safe: tuple[bool, str] | None = None
        """Result of making the device safe, when that was part of stopping this action."""
        self.act = Act(command, self._begin, self._progress)
        self._ledger = ledger
        self._report = report

    def close(self) -> None:
        """From now on nothing begins and nothing is reported."""
        self.over = True

    def end(self) -> None:
        """The line is free for others."""
        self.close()
        self.ended.set()

    async def _begin(self) -> None:
        # Gives a cancellation the chance to arrive: nothing may begin after an accepted stop.
        await asyncio.sleep(0)
        if self.over:
            raise DeviceError("stopped", "stopped before the act began")
        if not self.begun:
            try:
                self._ledger.act(self.command.id, once=self.command.effect == "once")
            except sqlite3.Error as error:
                raise unwritable(error) from error
            self.begun = True

    async def _progress(self, values: Mapping[str, JsonValue]) -> None:
        if not self.over:
            self._report(values)
        await asyncio.sleep(0)


async def bounded(
    call: Coroutine[None, None, Outputs],
    *,
    clock: Clock,
    timeout_s: float,
    stop: asyncio.Event,
    on_cancel: Callable[[], None],
    grace_s: float,
) -> Outputs:
    """Await a driver's action, at most `timeout_s` process seconds and until `stop`.

    `on_cancel` is called just before it is cancelled for one of these two. A cancelled driver may still answer with a result or an error of its own, which then counts. Otherwise raises
    TimeoutError or Stopped. A driver that holds on for more than `grace_s` real seconds is left behind.
    """
    task = asyncio.ensure_future(call)
    timer = asyncio.ensure_future(clock.sleep(timeout_s))
    stopper = asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait((task, timer, stopper), return_when=asyncio.FIRST_COMPLETED)
        reason: Exception = (
            Stopped() if stop.is_set() else TimeoutError(f"not done after {timeout_s:g} s")
        )
        if not task.done():
            on_cancel()
            task.cancel()
            await asyncio.wait((task,), timeout=grace_s)
        if not task.done() or task.cancelled():
            raise reason
        return task.result()
    finally:
        for each in (task, timer, stopper):
            each.cancel()
        await asyncio.wait((task, timer, stopper), timeout=grace_s)
        if task.done() and not task.cancelled():
            task.exception()  # taken, so that asyncio does not report it as forgotten
