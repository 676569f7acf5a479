"""Tabu search on shops: valid plans, never worse than a rule, optimal where that can be told, and repeatable."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import islice, permutations, product
from pathlib import Path

import numpy as np
import pytest

from lab.plan.formats.shop import read_flexible_job_shop, read_job_shop
from lab.plan.model.bounds import lower_bound
from lab.plan.model.problem import Lag
from lab.plan.shop import search as shop_search
from lab.plan.shop import tables as t
from lab.plan.shop.line import insert, times
from lab.plan.shop.search import ShopSearch
from lab.plan.shop.tables import compile_shop, new_line
from tests.support.instance_checker import check_shop, flexible_jobs, job_shops
from tests.support.plan_checker import violations
from tests.support.shop_rules import best_rule, random_shop

DATA = Path(__file__).parents[3] / "data" / "scheduling"
JOB_SHOPS = DATA / "jsp" / "jsp_selected.json"
BEST_KNOWN = {"mk01": 40, "mk03": 204, "mk05": 172, "mk07": 139, "mk09": 307}


def instances():
    """(instance, its jobs as another reader sees them, best known makespan)."""
    found = []
    for file in sorted((DATA / "fjsp").iterdir()):
        instance = read_flexible_job_shop(file.read_text(), file.name)[0]
        found.append((instance, flexible_jobs(file), BEST_KNOWN[instance.name]))
    raw, data = job_shops(JOB_SHOPS), json.loads(JOB_SHOPS.read_text())
    for instance in read_job_shop(JOB_SHOPS.read_text(), JOB_SHOPS.name):
        best = data[instance.name]["metadata"]["upper_bound"]
        found.append((instance, raw[instance.name], best))
    return found


def slices(number):
    """`going` for so many slices."""
    left = iter(range(number))
    return lambda: next(left, None) is not None


@pytest.fixture
def short_slices(monkeypatch):
    """A tenth of the walk in each slice, where it counts how many there are and not how far they lead."""
    monkeypatch.setattr(shop_search, "_SLICE", shop_search._SLICE // 10)


def test_public_shops_come_near_the_best_known_and_never_below_it():
    gaps = []
    for instance, jobs, best in instances():
        search = ShopSearch(instance.problem)
        last = best_rule(instance.problem).makespan
        for _ in range(3):
            search.improve(slices(1))
            assert search.best.makespan <= last
            last = search.best.makespan
            assert check_shop(jobs, instance.schedule(search.best.placed)) == []
        assert search.makespan == last >= best
        gaps.append(last / best - 1)
    assert sum(gaps) / len(gaps) <= 0.025


@pytest.mark.parametrize("seed", range(60))
def test_any_shop_gets_a_plan_that_can_be_carried_out_and_is_no_worse_than_a_rule(
    seed, short_slices
):
    problem = random_shop(seed)
    search = ShopSearch(problem, seed)
    assert search.best.makespan <= best_rule(problem).makespan
    search.improve(slices(5))
    assert violations(problem, search.best.placed) == []
    assert search.best.makespan >= lower_bound(problem)


def optimum(problem):
    """Of all sequences and alternatives."""
    shop = compile_shop(problem)
    line, best = new_line(shop), 1 << 30
    scratch = np.zeros(len(problem.operations), dtype=np.int64)
    numbers = range(len(problem.operations))
    for ways in product(*(range(len(op.modes)) for op in problem.operations)):
        rows = [
            [n for n in numbers if problem.operations[n].modes[ways[n]].station == machine]
            for machine in range(shop.machines)
        ]
        for order in product(*(permutations(row) for row in rows)):
            line.ends[:] = -1
            for machine, row in enumerate(order):
                for n in row:
                    insert(shop, line, n, ways[n], line.ends[t.LAST, machine])
            makespan = times(shop, line, scratch)
            if 0 <= makespan < best:
                best = makespan
    return best


def small(seed):
    problem = random_shop(seed)
    ways = 1
    for op in problem.operations:
        ways *= len(op.modes)
    return 3 <= len(problem.operations) <= 6 and ways <= 30


@pytest.mark.parametrize("seed", list(islice(filter(small, range(1000)), 25)))
def test_small_shops_are_planned_best(seed):
    problem = random_shop(seed)
    best, going = optimum(problem), slices(12)
    search = ShopSearch(problem)
    search.improve(lambda: search.makespan > best and going())
    assert search.makespan == best >= lower_bound(problem)


def test_the_same_seed_finds_the_same_plans_and_another_one_others(short_slices):
    problem = instances()[0][0].problem

    def found(seed):
        search = ShopSearch(problem, seed)
        plans = []
        for _ in range(12):
            search.improve(slices(1))
            plans.append(search.best)
        return plans

    assert found(3) == found(3)
    assert found(3) != found(4)


def test_it_ends_where_nothing_can_be_better():
    problem = next(i.problem for i, *_ in instances() if i.name == "la01")
    bound = lower_bound(problem)
    search = ShopSearch(problem, enough=bound)
    asked = []
    search.improve(lambda: not asked.append(1) and len(asked) < 200)
    assert search.makespan == bound == 666
    assert len(asked) < 200


def test_a_better_plan_from_elsewhere_is_gone_on_from_and_a_worse_one_is_not(short_slices):
    problem = next(i.problem for i, *_ in instances() if i.name == "la21")
    good = ShopSearch(problem, 1)
    good.improve(slices(30))
    search = ShopSearch(problem, 2)
    first = search.best
    assert good.makespan < first.makespan
    search.adopt(good.best)
    assert search.best == good.best
    search.adopt(first)
    assert search.best == good.best
    search.improve(slices(15))
    assert search.makespan <= good.makespan
    assert violations(problem, search.best.placed) == []


def test_what_is_no_shop_is_refused():
    problem = random_shop(0)
    with pytest.raises(ValueError, match="more than a shop"):
        ShopSearch(replace(problem, lags=(Lag(0, 1, None, 3),)))
