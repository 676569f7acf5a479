"""Dispatching rules on shops."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from lab.plan.formats.shop import read_flexible_job_shop, read_job_shop
from lab.plan.model.problem import Job, Lag, Mode, Operation, Problem, Resource
from lab.plan.search.construct import Constructor
from lab.plan.search.rules import best_rule, is_shop
from tests.support.plan_checker import violations

DATA = Path(__file__).parents[3] / "data" / "scheduling"


def shops():
    found = [
        read_flexible_job_shop(file.read_text(), file.name)[0].problem
        for file in sorted((DATA / "fjsp").iterdir())
    ]
    file = DATA / "jsp" / "jsp_selected.json"
    return found + [instance.problem for instance in read_job_shop(file.read_text(), file.name)]


@pytest.mark.parametrize("problem", shops(), ids=lambda problem: problem.name)
def test_the_first_plan_is_never_worse_than_the_best_rule(problem):
    rule = best_rule(problem)
    assert is_shop(problem)
    assert violations(problem, rule.placed) == []
    assert Constructor(problem).best.score <= rule.score


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
    assert best_rule(problem).makespan == 25


def test_what_is_no_shop():
    shop = shops()[0]
    assert is_shop(shop)
    assert not is_shop(replace(shop, lags=(*shop.lags, Lag(0, 1, None, 5))))
    assert not is_shop(replace(shop, resources=(Resource("two places", 2), *shop.resources[1:])))
    first = replace(shop.operations[0], release=3)
    assert not is_shop(replace(shop, operations=(first, *shop.operations[1:])))
