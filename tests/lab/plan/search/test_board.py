"""Booking operations and giving back what they took."""

from __future__ import annotations

import numpy as np
import pytest

from lab.plan.model.problem import Closed, Fixed, Job, Mode, Operation, Problem, Resource
from lab.plan.search import columns as c
from lab.plan.search.arrays import compile_problem
from lab.plan.search.board import begin_work, commit, extend, mark, move_time, undo
from lab.plan.search.construct import Constructor
from lab.plan.search.early import set_times
from tests.support.random_problems import random_problem


def levels(work, resource):
    """(time, level) of the steps that count."""
    size = work.size[resource, 0]
    return list(
        zip(
            work.profile[resource, 0, :size].tolist(),
            work.profile[resource, 1, :size].tolist(),
            strict=True,
        )
    )


def played(problem):
    """Resource -> time -> what is taken of it in the constructor's plan, and the plan."""
    plan = Constructor(problem).best.placed
    end = max(place.end for place in plan) + 2
    taken = np.zeros((len(problem.resources), end), dtype=np.int64)
    for number, resource in enumerate(problem.resources):
        for closed in resource.closed:
            taken[number, closed.start : min(closed.end, end)] += closed.amount
    for number, (op, place) in enumerate(zip(problem.operations, plan, strict=True)):
        mode, after = op.modes[place.mode], op.fetched_by
        left = place.end
        if after is not None:
            left = plan[after].start + problem.move(after, plan[after].mode, place.mode)
        if mode.station is not None and not problem.resources[mode.station].batch:
            taken[mode.station, place.start : left] += 1
        if place.carrier is not None:
            before = 0 if op.comes_from is None else plan[op.comes_from].mode
            move = problem.move(number, place.mode, before)
            taken[place.carrier, place.start : place.start + move] += 1
        for use in mode.uses:
            last = place.end if use.end is None else place.begin + use.end
            taken[use.resource, place.begin + use.begin : min(last, end)] += use.amount
    return taken, plan


@pytest.mark.parametrize("seed", range(25))
def test_what_is_booked_is_what_is_taken_and_all_of_it_comes_back(seed):
    problem = random_problem(seed)
    ovens = [number for number, resource in enumerate(problem.resources) if resource.batch]
    taken, plan = played(problem)
    work = begin_work(compile_problem(problem))
    empty = [levels(work, number) for number in range(len(problem.resources))]
    free = [number for number, op in enumerate(problem.operations) if op.fixed is None]
    for number in free:
        place = plan[number]
        set_times(
            work, number, place.mode, -1 if place.carrier is None else place.carrier, place.start
        )
        row = work.operation[number]
        row[c.BEGIN], row[c.END], row[c.HOLD_END] = place.begin, place.end, place.end
        commit(work, number)
        extend(work, number, 1)
        for which, time in enumerate((place.start, place.begin, place.end)):
            assert mark(work, number, which) == time
    for resource in range(len(problem.resources)):
        if resource in ovens:
            continue  # a batch is booked once, by the one that leads it
        row = levels(work, resource)
        for time in range(taken.shape[1]):
            level = [amount for begin, amount in row if begin <= time][-1]
            assert level == taken[resource, time], (problem.resources[resource].name, time)
    # last in, first out
    for number in reversed(free):
        undo(work, number)
    assert [levels(work, number) for number in range(len(problem.resources))] == empty
    assert not work.size[:, 1].any() or any(op.fixed for op in problem.operations)


def test_a_move_takes_what_the_table_says_or_what_is_usual():
    operations = (
        Operation(0, "one", (Mode(1, 3), Mode(2, 3)), (0,), 9),
        Operation(0, "two", (Mode(2, 3),), (0,), 9, comes_from=0),
    )
    resources = Resource("arm"), Resource("near"), Resource("far")
    jobs = (Job("sample"),)
    plain = begin_work(compile_problem(Problem("plain", resources, operations, (), jobs)))
    assert move_time(plain, 0, 0) == move_time(plain, 0, 1) == 9
    travel = {(-1, 1): 2, (-1, 2): 5, (1, 2): 4}
    work = begin_work(compile_problem(Problem("map", resources, operations, (), jobs, travel)))
    assert (move_time(work, 0, 0), move_time(work, 0, 1)) == (2, 5)
    set_times(work, 0, 0, 0, 0)
    assert move_time(work, 1, 0) == 4
    set_times(work, 0, 1, 0, 0)
    assert move_time(work, 1, 0) == 9, "a way that is not in the table"


def test_closures_and_what_stands_there_are_booked_from_the_start():
    operations = (
        Operation(0, "runs", (Mode(0, 10),), fetched_by=1, fixed=Fixed(0, None, 2, 2, 12)),
        Operation(0, "next", (Mode(1, 5),), comes_from=0),
    )
    resources = Resource("heater"), Resource("bath", 2, closed=(Closed(3, 7, 2),))
    work = begin_work(
        compile_problem(Problem("standing", resources, operations, (), (Job("sample"),)))
    )
    assert levels(work, 0) == [(0, 0), (2, 1)], "it stays until somebody fetches it"
    assert levels(work, 1) == [(0, 0), (3, 2), (7, 0)]
    assert work.operation[0, c.DONE] == 2
    set_times(work, 1, 0, -1, 20)
    commit(work, 1)
    extend(work, 1, 1)
    assert levels(work, 0) == [(0, 0), (2, 1), (20, 0)]
    undo(work, 1)
    assert levels(work, 0) == [(0, 0), (2, 1)]
