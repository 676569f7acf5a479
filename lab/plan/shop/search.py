"""Better and better plans of a shop: rules, then tabu search from them and from between good plans.

A few different good plans are kept. A new walk begins between two of them: operations are taken in the order of a mean
of their ranks in both, which keeps what both have in common and never makes a cycle (in the spirit of path relinking:
Peng, Lu and Cheng, Comput. Oper. Res. 53, 154 (2015)).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from lab.plan.search.compiled import COMPILED
from lab.plan.shop import tabu
from lab.plan.shop.line import sequence
from lab.plan.shop.rules import RULES, dispatch
from lab.plan.shop.tables import compile_shop, new_line, solution

if TYPE_CHECKING:
    from collections.abc import Callable

    from lab.plan.model.problem import Problem
    from lab.plan.model.solution import Solution
    from lab.plan.shop.tables import Ints

__all__ = ["ShopSearch"]

_ELITE = 8
"""Good plans that are kept."""
_SLICE = 1_500_000 if COMPILED else 10_000
"""Operations that a slice of a walk goes through, some 10 ms."""
_STALE_STEPS = 10_000
"""Steps without a better plan after which a walk ends."""


class _Elite(NamedTuple):
    makespan: int
    ways: Ints
    ranks: Ints


class ShopSearch:
    """Plans of one shop. The best one so far stands; `improve` replaces it by better ones.

    Raises ValueError where the problem is no shop. The same seed finds the same plans one after the other.
    """

    def __init__(self, problem: Problem, seed: int = 0, enough: int = 0) -> None:
        """`enough`: a makespan that no plan can go below."""
        self.problem = problem
        self._enough = enough
        self._shop = compile_shop(problem)
        self._line = new_line(self._shop)
        self._memory = tabu.new_memory(self._shop, seed)
        self._random: Any = np.random.default_rng(seed)
        self._starts = self._rules()
        self._elite: list[_Elite] = []
        self._walking = False
        self._makespan, ways, _, starts = self._starts[0]
        self._best: tuple[Ints, Ints] = (ways, starts)
        self._read: Solution | None = None

    def _rules(self) -> list[tuple[int, Ints, Ints, Ints]]:
        """(makespan, alternatives, ranks, starts) of each rule's plan, the best first."""
        count = len(self.problem.operations)
        found: list[tuple[int, Ints, Ints, Ints]] = []
        for number in range(2 * RULES):
            taken = np.zeros((count, 3), dtype=np.int64)
            makespan = dispatch(self._shop, number // 2, bool(number % 2), taken)
            ways, ranks, starts = (np.zeros(count, dtype=np.int64) for _ in range(3))
            ways[taken[:, 0]], starts[taken[:, 0]] = taken[:, 1], taken[:, 2]
            ranks[taken[:, 0]] = np.arange(count)
            found.append((makespan, ways, ranks, starts))
        return sorted(found, key=lambda item: item[0])

    @property
    def makespan(self) -> int:
        """Of the best plan."""
        return self._makespan

    @property
    def best(self) -> Solution:
        """The best plan."""
        if self._read is None:
            self._read = solution(self.problem, *self._best)
        return self._read

    def adopt(self, plan: Solution) -> None:
        """Go on from a plan that was found elsewhere, if it is better."""
        if plan.makespan >= self._makespan:
            return
        ways = np.array([place.mode for place in plan.placed], dtype=np.int64)
        starts = np.array([place.start for place in plan.placed], dtype=np.int64)
        ends = np.array([place.end for place in plan.placed], dtype=np.int64)
        ranks = np.empty(len(ways), dtype=np.int64)
        ranks[np.lexsort((ends, starts))] = np.arange(len(ways))
        self._makespan, self._best, self._read = plan.makespan, (ways, starts), plan
        self._remember(_Elite(plan.makespan, ways, ranks))

    def improve(self, going: Callable[[], bool]) -> None:
        """Walk in slices of some milliseconds as long as `going()` is true and better plans are possible."""
        steps = max(1, _SLICE // (len(self.problem.operations) + 50))
        memory, tally = self._memory, self._memory.tally
        while self._makespan > self._enough and going():
            if not self._walking:
                sequence(self._shop, self._line, *self._start())
                tabu.restart(self._shop, self._line, memory)
                self._walking = True
            moves = tabu.walk(
                self._shop, self._line, memory, min(steps, _STALE_STEPS), self._enough
            )
            if tally[tabu.LEAST] < self._makespan:
                self._makespan = int(tally[tabu.LEAST])
                self._best = memory.best[tabu.BEST_WAY].copy(), memory.best[tabu.BEST_START].copy()
                self._read = None
            if not moves or tally[tabu.STALE] >= _STALE_STEPS:
                self._walking = False
                ways, ranks = memory.best[tabu.BEST_WAY], memory.best[tabu.BEST_RANK]
                self._remember(_Elite(int(tally[tabu.LEAST]), ways.copy(), ranks.copy()))

    def _remember(self, plan: _Elite) -> None:
        """Keep a plan that is good enough and different from the others."""
        if any(
            plan.makespan == other.makespan
            and np.array_equal(plan.ways, other.ways)
            and int(np.abs(plan.ranks - other.ranks).max()) < 3
            for other in self._elite
        ):
            return
        self._elite = sorted([*self._elite, plan], key=lambda item: item.makespan)[:_ELITE]

    def _start(self) -> tuple[Ints, Ints]:
        """(alternatives, keys) from which the next walk begins."""
        random = self._random
        if self._starts:
            _, ways, ranks, _ = self._starts.pop(0)
            return ways, ranks
        if len(self._elite) < 2:
            one = two = self._elite[0]
        else:
            chosen = random.choice(len(self._elite), size=2, replace=False)
            one, two = (self._elite[int(n)] for n in chosen)
        part = int(random.integers(3, 8))
        ranks = one.ranks * (10 - part) + two.ranks * part
        ranks += random.integers(0, max(2, len(ranks) // 4), size=len(ranks))
        other = random.integers(0, 10, size=len(ranks)) < part
        return np.where(other, two.ways, one.ways), ranks
