"""Dispatching rules: the same plans as a plain and slow writing-out of them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from lab.plan.formats.shop import read_flexible_job_shop, read_job_shop
from lab.plan.model.problem import Job, Lag, Mode, Operation, Problem, Resource
from lab.plan.shop.rules import RULES, dispatch
from lab.plan.shop.tables import compile_shop, solution
from tests.support.plan_checker import violations
from tests.support.shop_rules import OTHERS, PUBLISHED, best_rule, random_shop, rule_plan

DATA = Path(__file__).parents[3] / "data" / "scheduling"
NAMES = PUBLISHED + OTHERS


def shops():
    found = [
        read_flexible_job_shop(file.read_text(), file.name)[0].problem
        for file in sorted((DATA / "fjsp").iterdir())
    ]
    file = DATA / "jsp" / "jsp_selected.json"
    return found + [instance.problem for instance in read_job_shop(file.read_text(), file.name)]


def machine_plan(problem, rule, *, active):
    count = len(problem.operations)
    taken = np.zeros((count, 3), dtype=np.int64)
    makespan = dispatch(compile_shop(problem), rule, active, taken)
    ways, starts = np.zeros(count, dtype=np.int64), np.zeros(count, dtype=np.int64)
    ways[taken[:, 0]], starts[taken[:, 0]] = taken[:, 1], taken[:, 2]
    plan = solution(problem, ways, starts)
    assert sorted(taken[:, 0]) == list(range(count))
    assert plan.makespan == makespan
    return plan


@pytest.mark.parametrize("active", [False, True])
@pytest.mark.parametrize("rule", range(RULES))
@pytest.mark.parametrize("seed", range(30))
def test_the_plans_of_all_rules_are_those_of_the_plain_ones(seed, rule, active):
    problem = random_shop(seed)
    plan = machine_plan(problem, rule, active=active)
    assert plan == rule_plan(problem, NAMES[rule], active=active)
    assert violations(problem, plan.placed) == []


@pytest.mark.parametrize("problem", shops(), ids=lambda problem: problem.name)
def test_the_same_on_public_shops(problem):
    for rule in range(RULES):
        for active in (False, True):
            plan = machine_plan(problem, rule, active=active)
            assert plan == rule_plan(problem, NAMES[rule], active=active)


def test_rules_are_near_the_published_values():
    data = json.loads((DATA / "jsp" / "jsp_selected.json").read_text())
    by_name = {problem.name: best_rule(problem).makespan for problem in shops()}
    assert data["ft10"]["metadata"]["optimum"] <= by_name["ft10"] <= 1.25 * 930
    assert by_name["mk01"] <= 1.3 * 40


def test_shortest_and_longest_have_their_case():
    """On one machine with tails, the most work remaining goes first and no other order is as good."""
    operations = (
        Operation(0, "0.0", (Mode(0, 1),)),
        Operation(1, "1.0", (Mode(0, 5),)),
        Operation(1, "1.1", (Mode(1, 20),)),
    )
    problem = Problem(
        "tails",
        (Resource("one"), Resource("two")),
        operations,
        (Lag(1, 2),),
        (Job("short"), Job("long")),
    )
    makespans = [machine_plan(problem, rule, active=False).makespan for rule in range(RULES)]
    assert dict(zip(NAMES, makespans, strict=True)) == {
        "first come": 26,
        "shortest": 26,
        "most work": 25,
        "most operations": 25,
        "longest": 25,
    }
    assert best_rule(problem).makespan == 25
