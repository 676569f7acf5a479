"""Every tier against the best of all plans, where a problem is so small that all can be tried."""

from __future__ import annotations

from itertools import product

import pytest

from lab.plan.cpsat.effort import Effort
from lab.plan.cpsat.solve import improve
from lab.plan.model.bounds import lower_bound
from lab.plan.model.problem import Problem
from lab.plan.model.solution import Placed, Solution, score
from lab.plan.search.construct import Constructor
from tests.support.brute_force import OVEN, best_score, tiny_problem
from tests.support.plan_checker import violations

SEEDS = [*range(12), 15, 22, 26, 33, 41]


@pytest.mark.parametrize("seed", SEEDS)
def test_no_tier_says_less_than_the_best_and_the_solver_finds_it(seed):
    problem = tiny_problem(seed)
    search = Constructor(problem, seed)
    first = search.best
    best = best_score(problem, first.makespan + first.makespan // 4 + 1)
    assert best is not None
    left = iter(range(60))
    search.improve(lambda: next(left, None) is not None)
    found: list[Solution] = []
    outcome = improve(problem, first, Effort(deterministic=0.5, seed=1), found.append)
    last = found[-1] if found else first
    assert not outcome.refused
    for plan in (first, search.best, *found):
        assert violations(problem, plan.placed, broken_lags_allowed=True) == []
        assert plan.score == score(problem, plan.placed) >= best
    assert lower_bound(problem) <= best.makespan
    if outcome.bound is not None:
        assert outcome.bound <= best.makespan
    if outcome.optimal:
        assert last.makespan == best.makespan
    if not problem.resources[OVEN].batch:  # the solver leaves batches as the plan before had them
        assert last.score == best


def test_trying_all_is_what_it_says():
    """Against a plain loop over all starts of one sample's two operations."""
    problem = tiny_problem(1)
    keep = [n for n, op in enumerate(problem.operations) if op.job == 0]
    one = Problem(
        "one", problem.resources, tuple(problem.operations[n] for n in keep),
        tuple(lag for lag in problem.lags if lag.second in keep), problem.jobs[:1],
    )  # fmt: skip
    horizon, found = 9, []
    ways = [range(len(op.modes)) for op in one.operations]
    for modes in product(*ways):
        for times in product(range(horizon), repeat=2 * len(keep)):
            starts, begins = times[::2], times[1::2]
            placed = tuple(
                Placed(
                    mode, op.carriers[0] if op.carriers else None, s, b, b + op.modes[mode].duration
                )
                for op, mode, s, b in zip(one.operations, modes, starts, begins, strict=True)
            )
            if (
                max(place.end for place in placed) <= horizon
                and all(b >= s for s, b in zip(starts, begins, strict=True))
                and not violations(one, placed, broken_lags_allowed=True)
            ):
                found.append(score(one, placed))
    assert best_score(one, horizon) == min(found)
    assert best_score(one, 1) is None
