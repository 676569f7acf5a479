"""Goals, limits and how they are weighed."""

from __future__ import annotations

import pytest

from lab.domain.errors import InputError
from lab.optimize import Aim, Goal, Limit, TrialRecord


def _done(number: int, **outcomes: float) -> TrialRecord:
    return TrialRecord(number=number, factors={"a": 1.0}, status="done", outcomes=outcomes)


YIELD = Goal("yield", "maximize", worst=20.0, ideal=100.0)
COST = Goal("cost", "minimize", worst=50.0, ideal=10.0)
PH = Goal("ph", "target", target=7.0, worst=2.0)


def test_scores_are_larger_where_better():
    assert YIELD.score(30.0) == 30.0
    assert COST.score(30.0) == -30.0
    assert PH.score(6.5) == PH.score(7.5) == -0.5
    assert (YIELD.worst_score, COST.worst_score, PH.worst_score) == (20.0, -50.0, -2.0)


@pytest.mark.parametrize(
    ("goal", "value", "expected"),
    [
        (YIELD, 10.0, 0.0), (YIELD, 60.0, 0.5), (YIELD, 100.0, 1.0), (YIELD, 120.0, 1.0),
        (COST, 60.0, 0.0), (COST, 20.0, 0.75), (COST, 5.0, 1.0),
        (PH, 7.0, 1.0), (PH, 8.0, 0.5), (PH, 6.0, 0.5), (PH, 9.5, 0.0),
    ],
)  # fmt: skip
def test_desirability_runs_from_worst_to_ideal(goal: Goal, value: float, expected: float):
    assert goal.desirability(value) == pytest.approx(expected)


def test_together_they_are_a_weighted_geometric_mean_and_nothing_makes_up_for_a_zero():
    heavy = Goal("cost", "minimize", worst=50.0, ideal=10.0, weight=3.0)
    aim = Aim((YIELD, heavy), weigh="desirability")
    assert aim.single
    assert aim.desirability({"yield": 60.0, "cost": 20.0}) == pytest.approx(0.5**0.25 * 0.75**0.75)
    assert aim.desirability({"yield": 10.0, "cost": 10.0}) == 0.0


def test_a_front_is_of_complete_trials_that_keep_the_limits():
    aim = Aim((YIELD, COST), (Limit("impurity", maximum=2.0),))
    history = [
        _done(1, **{"yield": 60.0, "cost": 30.0, "impurity": 1.0}),
        _done(2, **{"yield": 70.0, "cost": 40.0, "impurity": 1.0}),
        _done(3, **{"yield": 55.0, "cost": 35.0, "impurity": 1.0}),  # beaten by 1
        _done(4, **{"yield": 99.0, "cost": 11.0, "impurity": 2.5}),  # impure
        TrialRecord(number=5, factors={"a": 1.0}, status="pending", outcomes={"yield": 99.0}),
    ]
    assert [record.number for record in aim.front(history)] == [1, 2]
    assert aim.volume(history) == pytest.approx(40.0 * 20.0 + 10.0 * 10.0)
    assert aim.volume([]) == 0.0
    assert aim.outcomes == ("yield", "cost", "impurity")
    assert aim.measured(history) == 4
    no_reference = Aim((Goal("yield", "maximize"), COST))
    assert no_reference.volume(history) is None


def test_of_one_number_the_front_is_the_best_trial():
    aim = Aim((PH,), (Limit("impurity", minimum=0.0, maximum=2.0),))
    history = [
        _done(1, ph=6.0, impurity=1.0),
        _done(2, ph=7.4, impurity=1.0),
        _done(3, ph=7.0, impurity=3.0),
    ]
    assert [record.number for record in aim.front(history)] == [2]
    assert aim.front(history[2:]) == []


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Aim(()), "nothing is sought"),
        (lambda: Goal("", "maximize"), "no outcome"),
        (lambda: Goal("y", "target"), "the target None"),
        (lambda: Goal("y", "maximize", target=3.0), "and the target 3"),
        (lambda: Goal("y", "maximize", worst=float("nan")), "not finite"),
        (lambda: Goal("y", "maximize", worst=5.0, ideal=4.0), "not better than the worst"),
        (lambda: Goal("y", "minimize", worst=4.0, ideal=5.0), "not better than the worst"),
        (lambda: Goal("y", "target", target=1.0, ideal=1.0), "an ideal beside a target"),
        (lambda: Goal("y", "target", target=1.0, worst=-1.0), "as the distance from the target"),
        (lambda: Goal("y", "maximize", weight=0.0), "a weight of 0"),
        (lambda: Limit("y"), "says nothing"),
        (lambda: Limit("y", maximum=float("inf")), "says nothing"),
        (lambda: Limit("y", minimum=2.0, maximum=1.0), "contradict one another"),
        (lambda: Aim((YIELD, YIELD)), "two goals on yield"),
        (lambda: Aim((YIELD,), (Limit("c", maximum=1.0), Limit("c", minimum=0.0))), "two limits on c"),
        (lambda: Aim((YIELD, Goal("cost", "minimize")), weigh="desirability"), "not both ends"),
        (lambda: Aim((PH,), (Limit("ph", maximum=6.0),)), "forbids"),
    ],
)  # fmt: skip
def test_nonsense_is_refused(make, words: str):
    with pytest.raises(InputError, match=words) as caught:
        make()
    assert caught.value.hint


@pytest.mark.parametrize(
    ("limit", "value", "kept"),
    [
        (Limit("y", maximum=2.0), 2.0, True),
        (Limit("y", maximum=2.0), 2.1, False),
        (Limit("y", minimum=1.0), 0.9, False),
        (Limit("y", minimum=1.0, maximum=2.0), 1.5, True),
    ],
)
def test_a_limit_includes_its_ends(limit: Limit, value: float, kept: bool):
    assert limit.keeps(value) is kept


def test_a_limit_in_words():
    assert Limit("y", minimum=1.0, maximum=2.0).words == "1 <= y <= 2"
