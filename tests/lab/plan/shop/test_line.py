"""Sequences on machines, their times, and what moves of operations are worth; against plain longest paths."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from lab.plan.model.problem import Job, Lag, Mode, Operation, Problem, Resource
from lab.plan.shop import tables as t
from lab.plan.shop.line import insert, remove, sequence, times
from lab.plan.shop.moves import (
    ahead,
    behind,
    best_place,
    can_go_ahead,
    can_go_behind,
    chance,
    critical_path,
)
from lab.plan.shop.tables import compile_shop, is_shop, new_line, solution
from tests.support.plan_checker import violations
from tests.support.shop_rules import random_shop

SEEDS = range(40)


def made(seed):
    """A shop and a plan of it by chance."""
    problem = random_shop(seed)
    shop, chances = compile_shop(problem), random.Random(seed)
    line = new_line(shop)
    ways = [chances.randrange(len(op.modes)) for op in problem.operations]
    keys = chances.sample(range(len(ways)), len(ways))
    sequence(shop, line, np.array(ways), np.array(keys))
    makespan = times(shop, line, scratch(line))
    return problem, shop, line, makespan


def scratch(line):
    return np.zeros(len(line.order), dtype=np.int64)


def copy(line):
    return t.Line(*(part.copy() for part in line))


def machines(shop, line):
    """Machine -> its operations, from both ends."""
    found = []
    for machine in range(shop.machines):
        forth, v = [], line.ends[t.FIRST, machine]
        while v >= 0:
            forth.append(int(v))
            v = line.of[t.BEHIND, v]
        back, v = [], line.ends[t.LAST, machine]
        while v >= 0:
            back.append(int(v))
            v = line.of[t.BEFORE, v]
        assert back == forth[::-1]
        found.append(forth)
    return found


def longest(problem, shop, line):
    """(heads, tails) by going over all arcs until nothing changes; None for a cycle."""
    arcs = [(lag.first, lag.second) for lag in problem.lags]
    for row in machines(shop, line):
        arcs += pairwise(row)
    count = len(problem.operations)
    time = [int(line.of[t.TIME, v]) for v in range(count)]
    heads, tails = [0] * count, [0] * count
    for _ in range(count + 1):
        changed = False
        for u, v in arcs:
            if heads[u] + time[u] > heads[v]:
                heads[v], changed = heads[u] + time[u], True
            if tails[v] + time[v] > tails[u]:
                tails[u], changed = tails[v] + time[v], True
        if not changed:
            return heads, tails
    return None


@pytest.mark.parametrize("seed", SEEDS)
def test_times_are_longest_paths_and_the_plan_can_be_carried_out(seed):
    problem, shop, line, makespan = made(seed)
    assert sorted(v for row in machines(shop, line) for v in row) == list(
        range(len(problem.operations))
    )
    found = longest(problem, shop, line)
    assert found is not None
    heads, tails = found
    assert line.of[t.HEAD].tolist() == heads
    assert line.of[t.TAIL].tolist() == tails
    plan = solution(problem, line.of[t.WAY], line.of[t.HEAD])
    assert plan.makespan == makespan
    assert violations(problem, plan.placed) == []


@pytest.mark.parametrize("seed", SEEDS)
def test_an_operation_that_is_taken_out_comes_back_where_it_was(seed):
    _, shop, line, _ = made(seed)
    before = copy(line)
    for v in range(len(line.order)):
        remove(line, v)
        assert all(v not in row for row in machines(shop, line))
        insert(shop, line, v, line.of[t.WAY, v], line.of[t.BEFORE, v])
    assert machines(shop, line) == machines(shop, before)


def test_operations_that_wait_for_each_other_have_no_times():
    operations = tuple(Operation(0, str(n), (Mode(0, 1),)) for n in range(2))
    problem = Problem("two", (Resource("one"),), operations, (Lag(0, 1),), (Job("0"),))
    shop = compile_shop(problem)
    line = new_line(shop)
    sequence(shop, line, np.array([0, 0]), np.array([0, 1]))
    assert times(shop, line, scratch(line)) == 2
    remove(line, 0)
    insert(shop, line, 0, 0, 1)
    assert times(shop, line, scratch(line)) == -1


@pytest.mark.parametrize("seed", SEEDS)
def test_a_critical_path_is_one(seed):
    problem, shop, line, makespan = made(seed)
    path = scratch(line)
    for draw in range(1, 6):
        first = critical_path(shop, line, makespan, np.array([draw]), path)
        found = path[first:].tolist()
        assert sum(int(line.of[t.TIME, v]) for v in found) == makespan
        arcs = {(lag.first, lag.second) for lag in problem.lags}
        for u, v in pairwise(found):
            assert (u, v) in arcs or line.of[t.BEFORE, v] == u


def through(problem, shop, line, some):
    """The longest path through any of some operations; None for a cycle."""
    found = longest(problem, shop, line)
    if found is None:
        return None
    heads, tails = found
    return max(heads[v] + int(line.of[t.TIME, v]) + tails[v] for v in some)


@pytest.mark.parametrize("seed", SEEDS)
def test_moves_that_are_allowed_make_no_cycle_and_swaps_are_worth_what_is_foretold(seed):
    problem, shop, line, _ = made(seed)
    for row in machines(shop, line):
        for i, u in enumerate(row):
            for j in range(i + 1, len(row)):
                v, moved = row[j], row[i : j + 1]
                if can_go_behind(shop, line, u, v):
                    after = copy(line)
                    remove(after, u)
                    insert(shop, after, u, after.of[t.WAY, u], v)
                    worth = through(problem, shop, after, moved)
                    assert worth is not None
                    if j == i + 1:
                        assert behind(line, u, v, scratch(line)) == worth
                if can_go_ahead(shop, line, u, v):
                    after = copy(line)
                    remove(after, v)
                    insert(shop, after, v, after.of[t.WAY, v], line.of[t.BEFORE, u])
                    worth = through(problem, shop, after, moved)
                    assert worth is not None
                    if j == i + 1:
                        assert ahead(line, u, v, scratch(line)) == worth


@pytest.mark.parametrize("seed", SEEDS)
def test_another_machine_is_entered_where_no_cycle_comes_of_it(seed):
    problem, shop, line, _ = made(seed)
    for v, op in enumerate(problem.operations):
        for way in range(len(op.modes)):
            w = shop.way_at[v] + way
            if shop.machine[w] == line.of[t.MACHINE, v]:
                continue
            worth, before = best_place(shop, line, v, w, np.array([seed + 1]))
            if before == -2:
                continue
            after = copy(line)
            remove(after, v)
            insert(shop, after, v, way, before)
            real = through(problem, shop, after, [v])
            assert real is not None
            # leaving its machine can only make other paths shorter
            assert real <= worth


def test_an_operation_never_overtakes_what_it_waits_for_on_the_same_machine():
    operations = tuple(Operation(0, str(n), (Mode(0, n),)) for n in range(3))
    lags = (Lag(0, 1), Lag(1, 2))
    problem = Problem("chain", (Resource("one"),), operations, lags, (Job("0"),))
    shop = compile_shop(problem)
    line = new_line(shop)
    sequence(shop, line, np.zeros(3, dtype=np.int64), np.arange(3))
    assert times(shop, line, scratch(line)) == 3
    for u, v in ((0, 1), (1, 2), (0, 2)):
        assert not can_go_behind(shop, line, u, v)
        assert not can_go_ahead(shop, line, u, v)


def test_chance_is_even_and_repeats_itself():
    one, two = np.array([7]), np.array([7])
    drawn = [chance(one, 4) for _ in range(4000)]
    assert drawn == [chance(two, 4) for _ in range(4000)]
    assert min(drawn.count(number) for number in range(4)) > 900


def test_what_is_no_shop():
    shop = random_shop(1)
    assert is_shop(shop)
    first = replace(shop.operations[0], release=3)
    for other in (
        replace(shop, lags=(*shop.lags, Lag(0, 1, None, 5))),
        replace(shop, resources=(Resource("two places", 2), *shop.resources[1:])),
        replace(shop, operations=(first, *shop.operations[1:])),
    ):
        assert not is_shop(other)
        with pytest.raises(ValueError, match="more than a shop"):
            compile_shop(other)
    with pytest.raises(ValueError, match="wait for each other"):
        compile_shop(replace(shop, lags=(Lag(0, 1), Lag(1, 0))))
