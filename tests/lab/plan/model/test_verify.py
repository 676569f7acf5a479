"""The last defence finds each kind of fault, and agrees with the checker that plays plans."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from lab.plan.model.problem import Job, Lag, Mode, Operation, Problem, Resource, Use
from lab.plan.model.solution import Placed, broken_lags, score
from lab.plan.model.verify import faults
from lab.plan.search.construct import Constructor
from tests.support.plan_checker import violations
from tests.support.random_problems import random_problem


@pytest.mark.parametrize("seed", range(40))
def test_a_plan_with_one_change_is_a_fault_for_both_or_for_none(seed):
    problem = random_problem(seed)
    placed = list(Constructor(problem).best.placed)
    assert faults(problem, placed) == []
    chance = random.Random(seed)
    both = 0
    for _ in range(40):
        number, by = chance.randrange(len(placed)), chance.choice((-5, -1, 1, 6))
        place = placed[number]
        changed = list(placed)
        changed[number] = place._replace(
            start=place.start + by, begin=place.begin + by, end=place.end + by
        )
        if changed[number].start < 0:
            continue
        found = faults(problem, changed)
        played = violations(problem, changed, broken_lags_allowed=True)
        assert bool(found) == bool(played), (found, played)
        both += bool(found)
    assert both


def problem() -> Problem:
    operations = (
        Operation(0, "mix", (Mode(0, 4, (Use(1),)),), family="a", release=2),
        Operation(1, "stir", (Mode(0, 4),), family="b"),
        Operation(1, "read", (Mode(2, 3),), carriers=(3,), move=1, comes_from=1),
    )
    resources = (
        Resource("mixer", setup={("a", "b"): 2}),
        Resource("person"),
        Resource("reader"),
        Resource("arm"),
    )
    lags = (Lag(1, 2), Lag(1, 2, None, 5, "end", "begin", name="hold"))
    return Problem("small", resources, operations, lags, (Job("a", due=4, tardiness=2), Job("b")))


GOOD = [Placed(0, None, 2, 2, 6), Placed(0, None, 8, 8, 12), Placed(0, 3, 12, 13, 16)]


@pytest.mark.parametrize(
    ("number", "place", "words"),
    [
        (0, Placed(0, None, 1, 1, 5), "before its release"),
        (0, Placed(0, None, 2, 2, 7), "takes 5, not 4"),
        (1, Placed(0, None, 5, 5, 9), "mixer has 1 places and 2"),
        (1, Placed(0, None, 7, 7, 11), "set up from a to b in 1"),
        (2, Placed(0, 3, 11, 12, 15), "before what it needs"),
        (2, Placed(0, 3, 12, 14, 17), "arrives at 13 and begins at 14"),
        (2, Placed(0, None, 12, 13, 16), "carried by None"),
    ],
)
def test_each_fault_is_named(number, place, words):
    assert faults(problem(), GOOD) == []
    placed = list(GOOD)
    placed[number] = place
    assert any(words in fault for fault in faults(problem(), placed))


def test_a_plan_without_all_operations_is_none():
    assert faults(problem(), GOOD[:2])


def test_scores_and_broken_limits():
    assert score(problem(), GOOD) == (0, 4, 16)
    late = [*GOOD[:2], Placed(0, 3, 20, 21, 24)]
    assert faults(problem(), late) == [], "a broken limit is no fault"
    (broken,) = broken_lags(problem(), late)
    assert (broken.lag.name, broken.by) == ("hold", 4)
    assert score(problem(), late) == (4, 4, 24)
    soft = replace(problem().lags[1], penalty=3)
    softened = replace(problem(), lags=(problem().lags[0], soft))
    assert broken_lags(softened, late) == ()
    assert score(softened, late) == (0, 4 + 12, 24)
