"""Running CP-SAT on a problem from a plan that stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ortools.sat.python import cp_model

from lab.plan.cpsat.build import build
from lab.plan.cpsat.effort import Outcome
from lab.plan.cpsat.symmetry import alike, in_order
from lab.plan.model.solution import Solution, score

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from lab.plan.cpsat.build import Built
    from lab.plan.cpsat.effort import Effort
    from lab.plan.model.problem import Problem

__all__ = ["Search", "improve"]


class Search(cp_model.CpSolverSolutionCallback):
    """Hands on each better plan; `stop` ends the search from another thread."""

    def __init__(self, built: Built, plan: Solution, found: Callable[[Solution], None]) -> None:
        super().__init__()
        self._built = built
        self._best = plan.score
        self._found = found

    def on_solution_callback(self) -> None:
        placed = self._built.read(self.value)
        worth = score(self._built.problem, placed)
        if worth < self._best:
            self._best = worth
            self._found(Solution(tuple(placed), worth))


def improve(
    problem: Problem,
    plan: Solution,
    effort: Effort,
    found: Callable[[Solution], None],
    free: Collection[int] | None = None,
    started: Callable[[cp_model.CpSolver], None] | None = None,
) -> Outcome:
    """Search for better plans than `plan` and hand each to `found`, in the calling thread or the solver's.

    `free` names the operations that may move; all by default. `started` gets the solver, so that another thread can
    call its `stop_search`. Raises nothing for a search without success: then `found` is not called.
    """
    placed = in_order(alike(problem), plan.placed) if free is None else plan.placed
    built = build(problem, placed, range(len(placed)) if free is None else free)
    if not effort.hint:
        built.model.clear_hints()
    solver = cp_model.CpSolver()
    parameters: Any = solver.parameters
    parameters.max_time_in_seconds = effort.seconds
    parameters.max_deterministic_time = effort.deterministic
    parameters.num_workers = effort.workers
    parameters.random_seed = effort.seed
    parameters.use_lns_only = effort.lns_only
    if started is not None:
        started(solver)
    status: Any = solver.solve(built.model, Search(built, plan, found))
    optimal = bool(status == cp_model.OPTIMAL) and built.exact
    bound = None
    if built.exact and not effort.lns_only and status in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        bound = round(solver.best_objective_bound)
    return Outcome(bound, optimal, refused=bool(status == cp_model.INFEASIBLE))
