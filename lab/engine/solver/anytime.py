"""The planner's tiers one after the other, until time is up: the best plan so far always stands.

First plans by construction, then random keys (of shops: tabu search), and beside them CP-SAT in its own process. How
many batches there are, and of which programme one after the other, is for the random keys alone to choose.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from lab.engine.solver.frames import Better
from lab.plan.cpsat.effort import Effort
from lab.plan.model.bounds import Impossible, impossible_lags, lower_bound, without
from lab.plan.model.solution import Solution, score
from lab.plan.search.construct import Constructor
from lab.plan.shop.search import ShopSearch
from lab.plan.shop.tables import is_shop

if TYPE_CHECKING:
    from collections.abc import Callable

    from lab.engine.solver.process import SolverProcess
    from lab.plan.model.problem import Problem

__all__ = ["Planned", "plan_anytime"]

_STALE = 0.12
"""Share of the time without a better plan after which CP-SAT begins with the best one."""
_SEARCH = 0.3
"""Share of the time after which CP-SAT begins at the latest."""
_WHOLE = 250
"""So many operations without batches CP-SAT can take whole. It begins soon, and gets the cores to itself."""
_TRIES = 150
"""Plans without a better one after which it then begins; ten times as many, and the search beside it ends."""
_SLICE_S = 0.05
_ENDING_S = 0.1
"""Time that CP-SAT gets to end by itself, so that its bound comes in."""
_SHOP = 120
"""Operations of a shop from which on neighbourhoods alone (LNS) find more than a whole search."""


@dataclass(slots=True)
class Planned:
    """What came out."""

    plan: Solution
    bound: int
    first_seconds: float
    seconds: float = 0.0
    impossible: tuple[Impossible, ...] = ()
    """Limits that no plan can keep; they are planned as if they were not there, and count as broken."""
    solved: bool = False
    """Whether the best plan is CP-SAT's."""
    history: list[tuple[float, int]] = field(default_factory=list[tuple[float, int]])
    """(seconds, makespan) of each plan that was the best."""

    @property
    def status(self) -> Literal["optimal", "feasible", "infeasible"]:
        """infeasible: some limits are broken, because nothing better was found or none exists."""
        if self.plan.score.broken:
            return "infeasible"
        return "optimal" if self.plan.makespan <= self.bound else "feasible"


def plan_anytime(
    problem: Problem,
    seconds: float,
    wall: Callable[[], float],
    solver: SolverProcess | None = None,
    seed: int = 0,
    workers: int = 2,
    standing: Solution | None = None,
    since: float | None = None,
) -> Planned:
    """Plan for that many real seconds, of which `wall` tells the time, or until a plan is proved best.

    What comes out is never worse than `standing`, a plan that is known already. The time began at `since`, or now.

    Raises `lab.plan.search.construct.Unplaced` where some operation never gets what it needs.
    """
    began = wall() if since is None else since
    impossible = tuple(impossible_lags(problem))
    possible = without(problem, {item.lag for item in impossible}) if impossible else problem
    valued = any(job.weight or job.tardiness for job in possible.jobs)
    shop = is_shop(possible) and not valued
    search = ShopSearch(possible, seed) if shop else Constructor(possible, seed)
    now = wall() - began
    state = Planned(search.best, lower_bound(possible), now, impossible=impossible)
    state.history.append((now, search.best.makespan))
    run = _Run(possible, search, state, began, seconds, wall, valued)
    if standing is not None:
        run.adopt(Solution(standing.placed, score(possible, standing.placed)))
    if solver is None:
        run.search_until(seconds, stale=seconds)
    else:
        run.search_until(seconds * _SEARCH, stale=seconds * _STALE)
        if run.done or not run.solve(solver, max(1, workers - 1) if shop else workers, seed):
            run.search_until(seconds, stale=seconds)
    state.seconds = wall() - began
    if impossible:
        state.plan = Solution(state.plan.placed, score(problem, state.plan.placed))
    return state


@dataclass(slots=True)
class _Run:
    problem: Problem
    search: Constructor | ShopSearch
    state: Planned
    began: float
    seconds: float
    wall: Callable[[], float]
    valued: bool
    """Whether there is more to it than the makespan."""

    @property
    def whole(self) -> bool:
        """Whether CP-SAT takes the problem whole, and better than any search beside it."""
        batches = any(resource.batch for resource in self.problem.resources)
        shop = isinstance(self.search, ShopSearch)
        return not shop and not batches and len(self.problem.operations) <= _WHOLE

    @property
    def elapsed(self) -> float:
        return self.wall() - self.began

    @property
    def done(self) -> bool:
        plan = self.state.plan
        best = not self.valued and not plan.score.broken and plan.makespan <= self.state.bound
        return best or self.elapsed >= self.seconds

    def adopt(self, plan: Solution, *, solved: bool = False) -> None:
        """Keep the better one of two."""
        if plan.score < self.state.plan.score:
            self.state.plan = plan
            self.state.solved = solved
            self.state.history.append((self.elapsed, plan.makespan))

    def search_until(self, until: float, stale: float) -> None:
        """Search here until that time, or until nothing better came for the time `stale`."""
        better = self.elapsed
        while not self.done and self.elapsed < until and self.elapsed - better < stale:
            before = self.state.plan
            self.search_for(min(until - self.elapsed, _SLICE_S))
            if self.state.plan is not before:
                better = self.elapsed
            elif stale < self.seconds and self.whole and self._tries() >= _TRIES:
                return

    def _tries(self) -> int:
        """Plans since the search found its best one."""
        return self.search.tries if isinstance(self.search, Constructor) else 0

    def _gives_way(self) -> bool:
        """Whether the cores are better left to CP-SAT."""
        return self.whole and (self.state.solved or self._tries() >= 10 * _TRIES)

    def search_for(self, seconds: float) -> None:
        """Search here for a slice of time."""
        end = self.elapsed + seconds
        self.search.improve(lambda: self.elapsed < end)
        self.adopt(self.search.best)

    def solve(self, solver: SolverProcess, workers: int, seed: int) -> bool:
        """CP-SAT for the rest of the time, on cores of its own; on this one the search goes on, unless CP-SAT alone does
        better. Whether it proved that nothing is better.
        """
        shop = self.search if isinstance(self.search, ShopSearch) else None
        lns = shop is not None and len(self.problem.operations) > _SHOP
        left = max(0.0, self.seconds - self.elapsed - _ENDING_S)
        effort = Effort(seconds=left, workers=workers, seed=seed, lns_only=lns)
        number = solver.ask(self.problem, self.state.plan, effort)
        while solver.alive and not self.done:
            pause = max(0.0, min(self.seconds - self.elapsed, _SLICE_S))
            waits = self._gives_way()
            if not waits:
                self.search_for(pause)
            for answer in solver.answers(pause if waits else 0.0):
                if answer.number != number:
                    continue
                if isinstance(answer, Better):
                    self.adopt(answer.plan, solved=True)
                    if shop is not None:
                        shop.adopt(answer.plan)
                    continue
                bound = answer.outcome.bound
                if bound is not None:
                    self.state.bound = max(self.state.bound, min(bound, self.state.plan.makespan))
                return answer.outcome.optimal
        solver.stop()
        for answer in solver.answers():
            if answer.number == number and isinstance(answer, Better):
                self.adopt(answer.plan, solved=True)
        return False
