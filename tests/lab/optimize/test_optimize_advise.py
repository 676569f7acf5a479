"""The reward estimator on cases whose reward is known, and the whole advice on data with a clear answer."""

from __future__ import annotations

import numpy as np
import pytest

from lab.domain.errors import InputError
from lab.optimize import Category, Factor, Space, TrialRecord
from lab.optimize.advise import advise, estimate_rewards, share_of_better
from lab.optimize.space.region import Region

SPACE = Space(factors=tuple(Factor(name, "1", 0, 1) for name in "ab"))
REGION = Region(SPACE)


def _data(count: int = 200, good: int = 20):
    """Good points lie where a is above 0.9, in a part of the space of this size."""
    rng = np.random.default_rng(1)
    shown = rng.uniform(size=(count, 2)) * [0.9, 1.0]
    best = rng.uniform(size=(good, 2)) * [0.1, 1.0] + [0.9, 0.0]
    return shown, shown[:, 0], best


def _methods(rows, outcomes, seed):
    generator = np.random.default_rng(seed)
    return {
        "oracle": lambda candidates: candidates[:, 0],
        "chance": lambda candidates: generator.random(len(candidates)),
        "contrary": lambda candidates: -candidates[:, 0],
    }


@pytest.mark.parametrize("alpha", [0.02, 0.1, 0.4])
def test_chance_earns_alpha_and_naively_what_the_data_happens_to_hold(alpha: float):
    shown, outcomes, good = _data()
    rewards = {
        reward.method: reward
        for reward in estimate_rewards(
            _methods, REGION, shown, outcomes, good, alpha, batch=20, repeats=60
        )
    }
    chance = rewards["chance"]
    assert chance.adjusted == pytest.approx(alpha, abs=4 * chance.adjusted_error + 0.005)
    # Of 200 a bootstrap leaves out 200/e; with the 20 good ones: 20 / (73.6 + 20).
    assert chance.naive == pytest.approx(0.214, abs=4 * chance.naive_error)
    assert chance.adjusted_error < 0.05


def test_one_who_knows_earns_everything_and_its_contrary_nothing():
    shown, outcomes, good = _data()
    rewards = estimate_rewards(_methods, REGION, shown, outcomes, good, 0.05, repeats=20)
    assert [reward.method for reward in rewards] == ["oracle", "chance", "contrary"]
    assert rewards[0].adjusted == rewards[0].naive == 1.0
    assert rewards[-1].adjusted == rewards[-1].naive == 0.0


def test_a_method_that_takes_what_is_far_from_what_it_knows_is_flattered_naively():
    """Chance among the far points is right once in a while; the more ordinary candidates there are, the less often."""
    shown, outcomes, good = _data()

    def learn(rows, _outcomes, _seed):
        def far(candidates):
            return np.abs(candidates[:, None] - rows[None]).sum(axis=2).min(axis=1)

        return {"far": far}

    (reward,) = estimate_rewards(learn, REGION, shown, outcomes, good, 0.01, batch=10, repeats=40)
    assert reward.adjusted < reward.naive


def test_laplace_s_rule():
    assert share_of_better(0, 0) == 0.5
    assert share_of_better(18, 0) == 0.05
    assert share_of_better(98, 9) == 0.1
    with pytest.raises(InputError, match="5 of 3"):
        share_of_better(3, 5)


def _history(count: int = 60) -> list[TrialRecord]:
    rng = np.random.default_rng(2)
    rows = rng.uniform(size=(count, 2))
    return [
        TrialRecord(
            number=k,
            factors={"a": float(a), "b": float(b)},
            status="done",
            value=float(-((a - 0.8) ** 2) - (b - 0.3) ** 2),
        )
        for k, (a, b) in enumerate(rows, start=1)
    ]


def test_on_a_smooth_hill_learning_beats_chance_by_far():
    advice = advise(SPACE, "maximize", _history(), repeats=8)
    assert (advice.shown, advice.hidden, advice.evenly_spread, advice.better) == (54, 6, 60, 6)
    assert advice.alpha == pytest.approx(7 / 62)
    rewards = {reward.method: reward.adjusted for reward in advice.rewards}
    # six families and their average, each in three ways, and chance
    assert len(rewards) == 7 * 3 + 1
    assert rewards["smooth-short, mean"] > 0.7
    assert rewards["chance"] < 0.4
    assert rewards["smooth-short, uncertainty"] < rewards["smooth-short, improvement"]


def test_only_evenly_spread_trials_tell_how_rare_good_ones_are():
    advice = advise(SPACE, "maximize", _history(), evenly_spread=range(1, 11), repeats=2)
    assert advice.evenly_spread == 10
    assert advice.alpha == pytest.approx((advice.better + 1) / 12)


def test_the_direction_and_the_seed_decide_and_nothing_else():
    one = advise(SPACE, "minimize", _history(), repeats=2)
    assert advise(SPACE, "minimize", list(reversed(_history())), repeats=2) == one
    assert advise(SPACE, "maximize", _history(), repeats=2) != one


def test_categories_are_taken_in():
    space = Space(factors=(Factor("a", "1", 0, 1), Category("s", ("p", "q", "r"))))
    history = [
        TrialRecord(
            number=k,
            factors={"a": (k % 10) / 10, "s": "pqr"[k % 3]},
            status="done",
            value=float(k % 3) + (k % 10) / 10,
        )
        for k in range(1, 31)
    ]
    rewards = {r.method: r.adjusted for r in advise(space, "maximize", history, repeats=4).rewards}
    assert rewards["smooth-short, mean"] > rewards["chance"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"hidden": 0.0}, "hidden part of 0"),
        ({"hidden": 0.6}, "hidden part of 0.6"),
        ({"batch": 0}, "a batch below 1"),
        ({"repeats": 1}, "fewer than 2"),
    ],
)
def test_numbers_out_of_range_are_refused(options: dict[str, float], words: str):
    with pytest.raises(InputError, match=words):
        advise(SPACE, "maximize", _history(20), **options)  # pyright: ignore[reportArgumentType]


def test_too_few_trials_are_refused():
    with pytest.raises(InputError, match="9 measured trials"):
        advise(SPACE, "maximize", _history(9))
