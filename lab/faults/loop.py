"""An event loop in which several mortal processes live in virtual time, all from one seed.

A process is a context: whatever a process starts belongs to it. Within a process callbacks keep their order, as asyncio
promises; between processes the seed decides who goes on. Killing a process drops all that it had still to do, as SIGKILL
does: no `finally` runs while the story goes on. Work handed to threads is done some virtual time later.
"""

from __future__ import annotations

import asyncio
import contextvars
import heapq
from collections import deque
from typing import TYPE_CHECKING, Any, TypeVar

from lab.engine.virtual_loop import StuckError

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Coroutine, Generator
    from concurrent.futures import Executor

__all__ = ["Process", "SimulationLoop"]

_T = TypeVar("_T")
_CANCELLATIONS = 100
_MANY = 5_000
"""Tasks, after which those that are done are forgotten."""


_PROCESS: contextvars.ContextVar[Process] = contextvars.ContextVar("process")


class _Handle(asyncio.Handle):
    """What a loop hands out for a callback; without what only a debugging loop needs."""

    __slots__ = ("args", "call", "context", "is_cancelled")

    def __init__(
        self, call: Callable[..., object], args: tuple[Any, ...], context: contextvars.Context
    ) -> None:
        self.call = call
        self.args = args
        self.context = context
        self.is_cancelled = False

    def cancel(self) -> None:
        self.is_cancelled = True

    def cancelled(self) -> bool:
        return self.is_cancelled


class _Timer(asyncio.TimerHandle):
    __slots__ = ("args", "at", "call", "context", "is_cancelled")

    def __init__(
        self,
        at: float,
        call: Callable[..., object],
        args: tuple[Any, ...],
        context: contextvars.Context,
    ) -> None:
        self.at = at
        self.call = call
        self.args = args
        self.context = context
        self.is_cancelled = False

    def cancel(self) -> None:
        self.is_cancelled = True

    def cancelled(self) -> bool:
        return self.is_cancelled

    def when(self) -> float:
        return self.at


class Process:
    """Lives until it is killed. `name` and the number of its life appear in stories."""

    def __init__(self, loop: SimulationLoop, name: str) -> None:
        self.name = name
        self.alive = True
        self.callbacks = 0
        self.dies_at = -1
        """Killed instead of its so-manyth callback; -1: not by this."""
        self.paused_until = 0.0
        """Stopped (SIGSTOP, a suspended machine) until that virtual time."""
        self.before_command: Callable[[], None] | None = None
        """Called once, just before it hands a command to the network: the moment at which much is half done."""
        self.on_death: list[Callable[[], None]] = []
        self.error: BaseException | None = None
        """Why its main task ended, where it ended by itself with an error."""
        self.context = contextvars.copy_context()
        self.ready: deque[_Handle | _Timer] = deque()
        self.queued = False
        """Among the loop's runnable processes, or asleep with something to do."""
        self._loop = loop
        self.context.run(_PROCESS.set, self)

    def start(self, work: Coroutine[Any, Any, object]) -> asyncio.Task[object]:
        """Begin its main task; when that ends, so does the process."""
        task = self._loop.create_task(work, context=self.context)
        self.context.run(task.add_done_callback, self._ended)
        return task

    def kill(self) -> None:
        """At once and for ever."""
        if not self.alive:
            return
        self.alive = False
        self.ready.clear()
        for tell in self.on_death:
            tell()

    def _ended(self, task: asyncio.Task[object]) -> None:
        if not task.cancelled():
            self.error = task.exception()
        self.kill()


class SimulationLoop(asyncio.AbstractEventLoop):
    """Starts at time 0. `thread_s` draws how long a piece of work in a thread takes, in virtual seconds."""

    def __init__(self, rng: random.Random, thread_s: Callable[[], float] = lambda: 0.001) -> None:
        self._rng = rng
        self._thread_s = thread_s
        self._now = 0.0
        self._number = 0
        self._timers: list[tuple[float, int, _Timer, Process]] = []
        self._runnable: list[Process] = []
        self._tasks: list[asyncio.Task[Any]] = []
        self._many = _MANY
        self.world = Process(self, "world")
        """What can't die: the room, the people, the supervisor."""
        self.errors: list[str] = []
        """Of callbacks, which nobody can take."""

    # -- what asyncio calls -----------------------------------------------------------------------

    def time(self) -> float:
        return self._now

    get_debug = staticmethod(bool)  # pyright: ignore[reportAssignmentType]  # takes no self
    """False; asked for each future and task, so not in Python."""

    def is_running(self) -> bool:
        return True

    def is_closed(self) -> bool:
        return False

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self)

    def create_task(
        self,
        coro: Coroutine[Any, Any, _T] | Generator[Any, None, _T],
        *,
        name: str | None = None,
        context: contextvars.Context | None = None,
    ) -> asyncio.Task[_T]:
        task: asyncio.Task[_T] = asyncio.Task(coro, loop=self, name=name, context=context)
        self._tasks.append(task)
        if len(self._tasks) > self._many:
            self._tasks = [each for each in self._tasks if not each.done()]
            self._many = _MANY + 2 * len(self._tasks)
        return task

    def call_soon(
        self,
        callback: Callable[..., object],
        *args: Any,
        context: contextvars.Context | None = None,
    ) -> _Handle:
        if context is None:
            context = contextvars.copy_context()
        process = context.get(_PROCESS, self.world)
        handle = _Handle(callback, args, context)
        if process.alive:
            process.ready.append(handle)
            if not process.queued:
                process.queued = True
                self._runnable.append(process)
        return handle

    def call_later(
        self,
        delay: float,
        callback: Callable[..., object],
        *args: Any,
        context: contextvars.Context | None = None,
    ) -> _Timer:
        return self.call_at(self._now + delay, callback, *args, context=context)

    def call_at(
        self,
        when: float,
        callback: Callable[..., object],
        *args: Any,
        context: contextvars.Context | None = None,
    ) -> _Timer:
        if context is None:
            context = contextvars.copy_context()
        timer = _Timer(when, callback, args, context)
        self._number += 1
        process = context.get(_PROCESS, self.world)
        heapq.heappush(self._timers, (when, self._number, timer, process))
        return timer

    def run_in_executor(
        self, executor: Executor | None, func: Callable[..., _T], *args: Any
    ) -> asyncio.Future[_T]:
        """The work is done at one moment, some time later; its answer arrives after it, or never."""
        del executor  # threads would not be deterministic
        future = self.create_future()

        def work() -> None:
            try:
                result = func(*args)
            except Exception as error:
                self.call_soon(_fail, future, error)
            else:
                self.call_soon(_succeed, future, result)

        self.call_later(self._thread_s(), work)
        return future

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """What the collector finds is of no interest."""

    # -- the loop ---------------------------------------------------------------------------------

    def process(self, context: contextvars.Context | None = None) -> Process:
        """Whose code runs now, or whose context that is."""
        if context is None:
            return _PROCESS.get(self.world)
        return context.get(_PROCESS, self.world)

    def run(self, main: Coroutine[Any, Any, _T]) -> _T:
        """Run to the end of `main`, which belongs to the world. What is still under way then is taken down."""
        asyncio._set_running_loop(self)  # the documented door for makers of event loops
        try:
            task = self.create_task(main)
            while not task.done():
                self._step()
            return task.result()
        finally:
            asyncio._set_running_loop(None)

    def _step(self) -> None:
        live = self._runnable
        if not live:
            self._advance()
            return
        index = 0 if len(live) == 1 else int(self._rng.random() * len(live))
        process = live[index]
        ready = process.ready
        if process.paused_until > self._now:
            live[index] = live[-1]
            live.pop()
            self.world.context.run(self.call_at, process.paused_until, self._wake, process)
            return
        handle = ready.popleft() if ready else None
        if not ready:
            process.queued = False
            live[index] = live[-1]
            live.pop()
        if handle is None or handle.is_cancelled:
            return
        process.callbacks += 1
        if process.callbacks == process.dies_at:
            process.kill()
            return
        try:
            handle.context.run(handle.call, *handle.args)
        except (SystemExit, KeyboardInterrupt):
            raise
        except BaseException as error:
            what = getattr(handle.call, "__qualname__", repr(handle.call))
            self.errors.append(f"{what} failed: {error!r}")

    def _enqueue(self, process: Process, handle: _Timer) -> None:
        process.ready.append(handle)
        if not process.queued:
            process.queued = True
            self._runnable.append(process)

    def _wake(self, process: Process) -> None:
        if process.alive:
            self._runnable.append(process)

    def _advance(self) -> None:
        """To the next moment at which something is due, and all that is due then."""
        timers = self._timers
        due = False
        while timers:
            if due and timers[0][0] > self._now:
                return
            when, _, handle, process = heapq.heappop(timers)
            if handle.is_cancelled or not process.alive:
                continue
            self._now = max(self._now, when)
            self._enqueue(process, handle)
            due = True
        if not self._runnable:
            raise StuckError("all tasks wait and no timer is set: nothing can happen any more")

    # -- the end ----------------------------------------------------------------------------------

    def bury(self) -> None:
        """Cancel every coroutine that is still under way, after the story, so that the collector finds nothing open."""
        asyncio._set_running_loop(self)
        try:
            while self._tasks:
                task = self._tasks.pop()
                if not task.done():
                    _cancel(task.get_coro())
        finally:
            asyncio._set_running_loop(None)
        self._timers.clear()
        self._runnable.clear()


def _cancel(coroutine: Any) -> None:  # noqa: ANN401 - typeshed: a coroutine or a generator
    """To its end, by as many cancellations as it has places where it waits on its way out. Not `close()`, which leaves
    what waits in a `finally` further in to the collector."""
    for _ in range(_CANCELLATIONS):
        try:
            coroutine.throw(asyncio.CancelledError())
        except BaseException:
            return
    coroutine.close()


def _succeed(future: asyncio.Future[Any], result: object) -> None:
    if not future.done():
        future.set_result(result)


def _fail(future: asyncio.Future[Any], error: Exception) -> None:
    if not future.done():
        future.set_exception(error)
