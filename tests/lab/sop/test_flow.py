"""Following a container: parallel lanes against every order of small cases, and what hundreds of lanes cost."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.sop.flow import Touch, order_of, tree_of, walk
from tests.support.small_sops import branch, dose, loop, parallel, small


class Level:
    """The most or the least in a vessel; what each step adds (or, below zero, removes at most)."""

    nothing = 0.0

    def __init__(self, changes, *, most):
        self.changes = changes
        self.additions_last = most
        self.work = 0

    def add(self, state, step):
        return (
            self.apply(state, self.late(step))
            if self.additions_last
            else state + self.changes[step]
        )

    def remove(self, state, step):
        return max(0.0, state + self.changes[step])

    def join(self, first, second):
        self.work += 1
        return max(first, second) if self.additions_last else min(first, second)

    def late(self, step):
        self.work += 1
        return abs(self.changes[step])

    def both(self, first, second):
        self.work += 1
        return first + second

    def either(self, first, second):
        return max(first, second)

    def apply(self, state, amount):
        self.work += 1
        return state + amount if self.additions_last else max(0.0, state - amount)


def lanes(*lengths):
    counter = iter(range(10_000))
    return parallel(
        "p", *[[dose(f"s{next(counter)}", "water_pot", "1 mL") for _ in range(n)] for n in lengths]
    )


def followed(procedure, changes, *, most):
    order = order_of(small(procedure).flat)
    touches = [Touch(n, adds=change > 0, removes=change < 0) for n, change in enumerate(changes)]
    account = Level(changes, most=most)
    return walk(tree_of(order, touches), account, 0.0), account, order


@settings(deadline=None, max_examples=60)
@given(
    st.sampled_from([(1, 1, 1), (2, 2), (3, 2), (1, 4), (2, 1, 2), (1, 1, 1, 1)]),
    st.lists(st.integers(-5, 5).filter(bool), min_size=5, max_size=5),
)
def test_lanes_against_every_order(lengths, numbers):
    changes = [float(number) for number in numbers[: sum(lengths)]]
    low, _, order = followed([lanes(*lengths)], changes, most=False)
    high, _, _ = followed([lanes(*lengths)], changes, most=True)
    finals = []
    for sequence in permutations(range(len(changes))):
        place = {step: at for at, step in enumerate(sequence)}
        if any(place[a] > place[b] for b in place for a in place if order.is_before(a, b)):
            continue
        level = 0.0
        for step in sequence:
            assert low.before[step] <= level <= high.before[step]
            level = max(0.0, level + changes[step])
            assert low.after[step] <= level <= high.after[step]
        finals.append(level)
    assert low.final <= min(finals)
    assert max(finals) <= high.final


@pytest.mark.parametrize("lengths", [(2, 2), (1, 1, 1, 1), (1, 3)])
def test_of_additions_alone_the_bounds_are_exact(lengths):
    changes = [1.0, 2.0, 4.0, 8.0]
    high, _, order = followed([lanes(*lengths)], changes, most=True)
    low, _, _ = followed([lanes(*lengths)], changes, most=False)
    for step, change in enumerate(changes):
        sure = sum(c for other, c in enumerate(changes) if order.is_before(other, step))
        after = sum(c for other, c in enumerate(changes) if order.is_before(step, other))
        assert low.after[step] == sure + change
        assert high.after[step] == sum(changes) - after
    assert low.final == high.final == 15.0


def test_later_is_before_read_backwards():
    steps = [
        lanes(2, 3),
        branch("b", [dose("t", "water_pot", "1 mL")], []),
        dose("e", "water_pot", "1 mL"),
    ]
    order = order_of(small(steps).flat)
    for first in range(len(order.steps)):
        for second in range(len(order.steps)):
            assert (order.later[first] >> second & 1) == order.is_before(first, second)


def test_a_branch_and_a_loop_in_a_lane():
    """Of two ways the greater counts, of a loop each round that may be done."""
    inside = branch("b", [dose("t", "water_pot", "1 mL")], [dose("u", "water_pot", "1 mL")])
    rounds = loop("l", 3, [dose("r", "water_pot", "1 mL")], "${size > 1}")
    steps = [parallel("p", [inside], [rounds], [dose("o", "pot_waste", "1 mL")])]
    changes = [10.0, 20.0, 1.0, 1.0, 1.0, -5.0]
    high, _, _ = followed(steps, changes, most=True)
    low, _, _ = followed(steps, changes, most=False)
    assert high.before[5] == high.after[5] + 0.0 == 23.0
    assert low.final == 10.0 + 1.0 - 5.0
    assert low.after[5] == 0.0


@pytest.mark.parametrize(
    "shape", [lambda n: (1,) * n, lambda n: (n // 2, n // 2), lambda n: (3,) * (n // 3)]
)
@pytest.mark.parametrize("most", [True, False])
def test_twice_the_lanes_cost_little_more_than_twice_the_work(shape, most):
    work = []
    for number in (60, 120):
        changes = [1.0, -1.0] * (number // 2)
        _, account, _ = followed([lanes(*shape(number))], changes, most=most)
        work.append(account.work)
    assert work[1] < 2.6 * work[0]
