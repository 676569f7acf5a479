"""One accepted command in the hands of a driver: called, stopped where that is asked, its outcome told as far as it is known."""

from __future__ import annotations

import logging
import sqlite3
from typing import TYPE_CHECKING

from lab.devices.execution import (
    cancel_outcome,
    device_can_tell,
    line_is_suspect,
    outcome_of_error,
    outcome_of_outputs,
    outcome_of_settlement,
)
from lab.devices.work import Stopped, bounded, unwritable
from lab.domain.command import Outcome
from lab.domain.interlock import Reading, judge

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

    from lab.devices.device_line import DeviceLine, HostTiming
    from lab.devices.driver import Driver, Outputs
    from lab.devices.ledger import DeviceLedger
    from lab.devices.work import Work
    from lab.domain.clock import Clock
    from lab.domain.command import Command
    from lab.domain.interlock import Interlock

__all__ = ["Acting"]

_LOG = logging.getLogger(__name__)


class Acting:
    """Carries out the commands of one device, one at a time; the line's lock is held by whoever calls."""

    def __init__(
        self,
        name: str,
        driver: Driver,
        line: DeviceLine,
        ledger: DeviceLedger,
        clock: Clock,
        timing: HostTiming,
        interlocks: Sequence[Interlock] = (),
    ) -> None:
        self._name = name
        self._driver = driver
        self._line = line
        self._ledger = ledger
        self._clock = clock
        self._timing = timing
        self._interlocks = interlocks

    async def carry_out(self, work: Work) -> Outcome:
        """Call the driver and wait for its end; whatever it raises becomes an outcome."""
        command = work.command
        if work.stop.is_set():
            never = outcome_of_error(command, Stopped(), begun=False, stopped=True)
            return never.model_copy(update={"cancelled": "never_started"})
        if not self._line.connected:
            return outcome_of_error(command, ConnectionError(self._line.trouble), begun=False)
        why = await self._interlocked(command)
        if why:
            return Outcome(result="failed_no_effect", error=why, error_code="interlock")
        try:
            self._ledger.prepare(command.id)
        except sqlite3.Error as error:
            return outcome_of_error(command, unwritable(error), begun=False)
        work.called = True
        action: Callable[..., Coroutine[None, None, Outputs]] = getattr(
            self._driver, command.action
        )
        try:
            outputs = await bounded(
                action(work.act, **work.args),
                clock=self._clock,
                timeout_s=command.timeout_s,
                stop=work.stop,
                on_cancel=work.close,
                grace_s=self._timing.grace_s,
            )
        except Exception as error:
            work.close()
            return await self._after_error(work, error)
        if command.effect == "once" and not work.begun:
            _LOG.error("%s: the driver's %s acted without act.begin()", self._name, command.action)
        outcome = outcome_of_outputs(work.spec, outputs)
        return self._as_cancelled(work, outcome, None) if work.stop.is_set() else outcome

    async def _interlocked(self, command: Command) -> str:
        """Why the device may not do that, by what it measures at this moment; empty where it may."""
        due = [lock for lock in self._interlocks if lock.concerns(self._name, command.action)]
        if not due:
            return ""
        values = await self._line.read_telemetry()
        now_s = self._clock.now().timestamp()
        for lock in due:
            value = values.get(lock.signal)
            reading = None if value is None else Reading(value, now_s)
            verdict = judge(lock, reading, now_s)
            if verdict.state != "holds":
                return f"interlock {lock.name} does not hold: {verdict.detail}"
        return ""

    async def _after_error(self, work: Work, error: Exception) -> Outcome:
        stopped = isinstance(error, Stopped)
        if work.stop.is_set():
            # The device comes first, the books after it.
            work.made_safe = await self._line.make_safe()
        elif line_is_suspect(error):
            self._line.lose(error)
        outcome = outcome_of_error(work.command, error, begun=work.begun, stopped=stopped)
        if device_can_tell(work.command, error, begun=work.begun):
            outcome = await self._as_the_device_says(work.command, outcome)
        return self._as_cancelled(work, outcome, error) if work.stop.is_set() else outcome

    async def _as_the_device_says(self, command: Command, outcome: Outcome) -> Outcome:
        if not self._line.connected:
            await self._line.open()
        settlement = await self._line.ask(command)
        if settlement is None:
            return outcome
        return outcome_of_settlement(settlement, error=outcome.error, code=outcome.error_code)

    def _as_cancelled(self, work: Work, outcome: Outcome, error: Exception | None) -> Outcome:
        word = cancel_outcome(
            outcome,
            error,
            started=work.begun or (work.called and work.command.effect != "once"),
            stands_still=work.made_safe is not None and work.made_safe[0],
        )
        return outcome.model_copy(update={"cancelled": word})
