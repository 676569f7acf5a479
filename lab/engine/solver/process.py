"""The planner's end of the solver process."""

from __future__ import annotations

import importlib.util
import queue
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

from lab.engine.solver.frames import Better, Done, Ready, Request, Stop, frame, read_frame

if TYPE_CHECKING:
    from types import TracebackType

    from lab.plan.cpsat.effort import Effort
    from lab.plan.model.problem import Problem
    from lab.plan.model.solution import Solution

__all__ = ["SolverProcess", "solver_installed"]


def solver_installed() -> bool:
    """Whether OR-Tools is there (the `plan` extra)."""
    return importlib.util.find_spec("ortools") is not None


class SolverProcess:
    """One solver, started once and asked many times; a context manager that ends it.

    `answers` never blocks, so an event loop may poll it; a dead process answers nothing and `alive` is false.
    """

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "lab.engine.solver.child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self._answers: queue.SimpleQueue[Better | Done] = queue.SimpleQueue()
        self._number = 0
        self._ready = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> SolverProcess:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def _read(self) -> None:
        stream = self._process.stdout
        assert stream is not None  # it is a pipe
        while (message := read_frame(stream)) is not None:
            if isinstance(message, Better | Done):
                self._answers.put(message)
            elif isinstance(message, Ready):
                self._ready.set()
        self._ready.set()  # nobody needs to wait for a dead one

    def _write(self, message: object) -> None:
        stream = self._process.stdin
        assert stream is not None  # it is a pipe
        try:
            stream.write(frame(message))
            stream.flush()
        except (OSError, ValueError):
            return  # it died; `alive` says so

    def wait_until_ready(self, seconds: float) -> bool:
        """Wait, at most that long, until its library is loaded or it has died; whether it can be asked."""
        return self._ready.wait(seconds) and self.alive

    def ask(
        self,
        problem: Problem,
        plan: Solution,
        effort: Effort,
        free: tuple[int, ...] | None = None,
    ) -> int:
        """Begin to improve a plan; the number that its answers carry."""
        self._number += 1
        self._write(Request(self._number, problem, plan, effort, free))
        return self._number

    def stop(self) -> None:
        """End the search that was asked for last."""
        self._write(Stop(self._number))

    def answers(self, seconds: float = 0.0) -> list[Better | Done]:
        """What has come in; waits at most that long (real time) for the first."""
        found: list[Better | Done] = []
        try:
            found.append(
                self._answers.get(timeout=seconds) if seconds else self._answers.get_nowait()
            )
            while True:
                found.append(self._answers.get_nowait())
        except queue.Empty:
            return found

    def close(self) -> None:
        """End the process."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(timeout=2.0)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join(timeout=2.0)
        if self._process.stdout is not None:
            self._process.stdout.close()
