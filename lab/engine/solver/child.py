"""The solver process: `python -m lab.engine.solver.child` reads requests on stdin and writes plans to stdout."""

from __future__ import annotations

import os
import queue
import sys
import threading
from typing import IO, TYPE_CHECKING, Any

from lab.engine.solver.frames import Better, Done, Ready, Request, Stop, frame, read_frame
from lab.plan.cpsat.effort import Outcome
from lab.plan.cpsat.solve import improve

if TYPE_CHECKING:
    from lab.plan.model.solution import Solution

__all__ = ["main"]


_STOP_PAUSE_S = 0.02


class _Child:
    def __init__(self, requests: IO[bytes], answers: IO[bytes]) -> None:
        self._requests = requests
        self._answers = answers
        self._lock = threading.Lock()
        self._waiting: queue.SimpleQueue[Request | None] = queue.SimpleQueue()
        self._solver: Any = None
        self._served = 0
        """Greatest number of a request that is done."""

    def run(self) -> None:
        """Serve until stdin ends."""
        threading.Thread(target=self._listen, daemon=True).start()
        self._send(Ready())
        while (request := self._waiting.get()) is not None:
            self._serve(request)

    def _listen(self) -> None:
        while (message := read_frame(self._requests)) is not None:
            if isinstance(message, Stop):
                self._stop(message.number)
            elif isinstance(message, Request):
                self._waiting.put(message)
        # whoever asked is gone: a search that nobody waits for ends at once
        os._exit(0)

    def _stop(self, number: int) -> None:
        """Asks again until it is heard: a solver that is still building its model does not listen."""
        while self._served < number:
            with self._lock:
                if self._solver is not None:
                    self._solver.stop_search()
            threading.Event().wait(_STOP_PAUSE_S)

    def _serve(self, request: Request) -> None:
        def found(plan: Solution) -> None:
            self._send(Better(request.number, plan))

        def started(solver: object) -> None:
            with self._lock:
                self._solver = solver

        try:
            outcome = improve(
                request.problem, request.plan, request.effort, found, request.free, started
            )
            error = ""
        except Exception as caught:
            # the plan that stands goes on standing; what went wrong is told, not lost
            outcome, error = Outcome(None, optimal=False), f"{type(caught).__name__}: {caught}"
        with self._lock:
            self._solver = None
        self._served = request.number
        self._send(Done(request.number, outcome, error))

    def _send(self, message: object) -> None:
        self._answers.write(frame(message))
        self._answers.flush()


def main() -> None:
    """Until stdin ends."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    # whatever a library prints may not come between the frames
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    _Child(sys.stdin.buffer, answers).run()


if __name__ == "__main__":
    main()
