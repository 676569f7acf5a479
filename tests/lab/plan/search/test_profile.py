"""The step functions against a plain list with an entry per time."""

from __future__ import annotations

import random

import numpy as np
import pytest

from lab.plan.model.problem import FOREVER
from lab.plan.search.profile import (
    add,
    drop_visit,
    fit,
    fit_visit,
    free_after,
    put_visit,
    visit_free_after,
)

END = 60


def empty(rows: int = 80):
    size = np.zeros((1, 2), np.int64)
    size[:, 0] = 1
    return np.zeros((1, 2, rows), np.int64), size


@pytest.mark.parametrize("seed", range(30))
def test_adding_fitting_and_taking_back_agree_with_a_plain_list(seed):
    chance = random.Random(seed)
    capacity = chance.randint(1, 4)
    profile, size = empty()
    plain = [0] * (3 * END)
    booked: list[tuple[int, int, int]] = []
    for _ in range(40):
        if booked and chance.random() < 0.4:
            start, end, amount = booked.pop(chance.randrange(len(booked)))
            sign = -1
        else:
            start, amount, sign = chance.randrange(END), chance.randint(1, capacity), 1
            end = start + chance.randint(0, 9)
            booked.append((start, end, amount))
        add(profile, size, 0, start, end, sign * amount)
        for time in range(start, end):
            plain[time] += sign * amount
        ready, length = chance.randrange(END), chance.randint(0, 9)
        want = chance.randint(1, capacity)
        expected = next(
            time
            for time in range(ready, 2 * END)
            if all(level + want <= capacity for level in plain[time : time + length])
        )
        assert fit(profile, size, capacity, 0, ready, length, want) == expected
        late = [t for t in range(ready, ready + length) if plain[t] + want > capacity]
        free = free_after(profile, size, capacity, 0, ready, ready + length, want)
        if not late:
            assert free == -1
        else:
            after = late[-1] + 1
            assert free >= after
            assert all(plain[t] + want > capacity for t in range(late[-1], free))
    for start, end, amount in booked:
        add(profile, size, 0, start, end, -amount)
    assert size[0, 0] == 1, "all steps are merged again"


def test_what_is_taken_for_ever_is_never_free():
    profile, size = empty()
    add(profile, size, 0, 10, FOREVER, 1)
    assert fit(profile, size, 1, 0, 0, 10, 1) == 0
    assert fit(profile, size, 1, 0, 0, 11, 1) == FOREVER
    assert fit(profile, size, 2, 0, 0, 11, 1) == 0
    assert fit(profile, size, 1, 0, 0, 1, 2) == FOREVER
    assert free_after(profile, size, 1, 0, 5, 20, 1) == FOREVER
    add(profile, size, 0, 15, FOREVER, -1)
    assert fit(profile, size, 1, 0, 0, 11, 1) == 15


def test_visits_keep_time_for_setups():
    visit, size = np.zeros((1, 3, 8), np.int64), np.zeros((1, 2), np.int64)
    setup = np.array([[[0, 5], [3, 0]]], np.int64)
    put_visit(visit, size, 0, 20, 30, 1)
    put_visit(visit, size, 0, 0, 5, 0)
    assert visit[0, 0, :2].tolist() == [0, 20]
    assert fit_visit(visit, size, setup, 0, 0, 10, 0) == 5
    assert fit_visit(visit, size, setup, 0, 0, 11, 0) == 33
    assert fit_visit(visit, size, setup, 0, 0, 10, 1) == 10
    assert visit_free_after(visit, size, setup, 0, 5, 15, 0) == -1
    assert visit_free_after(visit, size, setup, 0, 5, 16, 0) == 33
    drop_visit(visit, size, 0, 20)
    drop_visit(visit, size, 0, 99)
    assert size[0, 1] == 1
    assert fit_visit(visit, size, setup, 0, 0, 11, 0) == 5


@pytest.mark.parametrize("seed", range(30))
def test_what_is_given_back_has_been_taken_before(seed):
    chance = random.Random(seed)
    profile, size = empty()
    plain = [0] * (3 * END)
    for _ in range(8):
        start, amount = chance.randrange(END), chance.randint(1, 3)
        end = chance.choice((FOREVER, start + chance.randint(1, 30)))
        add(profile, size, 0, start, end, amount)
        for time in range(start, min(end, len(plain))):
            plain[time] += amount
    for _ in range(20):
        ready, back = chance.randrange(END), chance.randint(1, 6)
        length = chance.choice((FOREVER, chance.randint(1, 20)))
        expected = next(
            (
                time
                for time in range(ready, 2 * END)
                if all(level >= back for level in plain[time : time + min(length, END)])
            ),
            FOREVER,
        )
        assert fit(profile, size, 100, 0, ready, length, -back) == expected
