"""Plans by construction, judged by playing them."""

from __future__ import annotations

import pytest

from lab.plan.model.solution import score
from lab.plan.model.verify import faults
from lab.plan.search.construct import Constructor, Unplaced
from tests.support.plan_checker import violations
from tests.support.random_problems import random_problem


@pytest.mark.parametrize("block", range(10))
def test_plans_of_laboratories_with_everything_can_be_played(block):
    for seed in range(block * 20, block * 20 + 20):
        problem = random_problem(seed)
        tries = iter(range(40))
        plans = Constructor(problem, seed)
        for number in range(3):
            plan = plans.best
            wrong = violations(problem, plan.placed, broken_lags_allowed=plan.score.broken > 0)
            assert wrong == [], f"seed {seed}, plan {number}"
            assert faults(problem, plan.placed) == []
            assert plan.score == score(problem, plan.placed)
            plans.improve(lambda: next(tries, None) is not None and next(tries) % 13 != 0)
        assert plans.best.score <= plan.score


def test_unplaced_is_exported():
    assert issubclass(Unplaced, Exception)
