"""The planner process: `python -m lab.engine.planner_child` reads plan jobs on stdin and writes timelines to stdout.

It searches, and has CP-SAT search in a process of its own where that is installed, so the engine's loop never waits.
"""

from __future__ import annotations

import os
import queue
import sys
import threading
from contextlib import ExitStack
from typing import IO, TYPE_CHECKING

from lab.engine.clock import wall_seconds
from lab.engine.planner_frames import PlanAnswer, PlanRequest
from lab.engine.solver.anytime import plan_anytime
from lab.engine.solver.frames import frame, read_frame
from lab.engine.solver.process import SolverProcess, solver_installed
from lab.plan.search.construct import Unplaced
from lab.plan.tiers import adopted, frozen, standing_solution

if TYPE_CHECKING:
    from lab.plan.improvement import PlanJob

__all__ = ["improve_for", "main"]

_NICE = 10
"""The engine and its devices come first."""


def improve_for(
    job: PlanJob, seconds: float, solver: SolverProcess | None, workers: int
) -> PlanAnswer:
    """Look for a better timeline for that many real seconds."""
    standing = job.standing()
    if standing is None:
        return PlanAnswer()
    translation = frozen(job, standing)
    if translation is None:
        return PlanAnswer()
    known = standing_solution(translation, standing)
    try:
        found = plan_anytime(
            translation.problem, seconds, wall_seconds, solver, workers=workers, standing=known
        )
    except Unplaced:
        return PlanAnswer()
    better = adopted(translation, standing, found.plan.placed)
    if better is standing:
        return PlanAnswer()
    return PlanAnswer(better.timeline.slots, "solver" if found.solved else "search")


def main() -> None:
    """Until stdin ends."""
    os.nice(_NICE)
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    # whatever a library prints may not come between the frames
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    requests: queue.SimpleQueue[PlanRequest] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(sys.stdin.buffer, requests), daemon=True).start()
    with ExitStack() as stack:
        solver = stack.enter_context(SolverProcess()) if solver_installed() else None
        while True:
            _serve(requests.get(), solver, answers)


def _listen(stream: IO[bytes], requests: queue.SimpleQueue[PlanRequest]) -> None:
    while (message := read_frame(stream)) is not None:
        if isinstance(message, PlanRequest):
            requests.put(message)
    # whoever asked is gone: a search that nobody waits for ends at once, and so does its solver
    os._exit(0)


def _serve(request: PlanRequest, solver: SolverProcess | None, answers: IO[bytes]) -> None:
    if solver is not None and not solver.alive:
        solver = None
    try:
        answer = improve_for(request.job, request.seconds, solver, request.workers)
    except Exception as error:
        # the plan that stands goes on standing; what went wrong is told, not lost
        answer = PlanAnswer(error=f"{type(error).__name__}: {error}")
    answers.write(frame(answer))
    answers.flush()


if __name__ == "__main__":
    main()
