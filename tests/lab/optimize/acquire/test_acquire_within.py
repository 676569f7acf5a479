"""The search in spaces with levels, choices and constraints, against brute force over fine grids."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np
import pytest

from lab.optimize import AtMost, Category, Factor, Space, TrialRecord, suggest
from lab.optimize.acquire.within import maximise_within
from lab.optimize.space.region import Region

if TYPE_CHECKING:
    from lab.optimize.domain import Array

COMPONENTS = "abcdefgh"
WEIGHTS = np.array([0.1, 0.5, 0.2, 0.9, 0.3, 0.8, 0.4, 0.6])


class Quadratic:
    """A known function of the model's columns in the place of an acquisition."""

    def __init__(self, linear: Array, curvature: Array) -> None:
        self.linear, self.curvature = linear, curvature

    def value(self, points: Array) -> Array:
        return points @ self.linear + 0.5 * np.einsum("ij,jk,ik->i", points, self.curvature, points)

    def value_and_gradient(self, points: Array) -> tuple[Array, Array]:
        return self.value(points), self.linear + points @ self.curvature


def _factors(names: str, step: float | None = None) -> tuple[Factor, ...]:
    return tuple(Factor(name, "1", 0, 1, step) for name in names)


def _top(space: Space, acquisition: Quadratic, held: dict[str, float] | None = None) -> float:
    region = Region(space, held)
    around = space.encode(np.full((1, len(space.factors)), 0.5))
    points, values = maximise_within(acquisition, region, around, 1)
    for point in points:
        assert space.broken(space.from_unit(point.tolist())) == []
    return float(values.max())


def _random(dimension: int, seed: int) -> Quadratic:
    rng = np.random.default_rng(seed)
    root = rng.standard_normal((dimension, dimension))
    return Quadratic(rng.standard_normal(dimension), root + root.T)


@pytest.mark.parametrize("seed", range(5))
def test_a_mixture_of_three_out_of_eight(seed: int):
    space = Space(
        factors=_factors(COMPONENTS),
        constraints=(" + ".join(COMPONENTS) + " == 1",),
        at_most=(AtMost(tuple(COMPONENTS), 3),),
    )
    acquisition = _random(8, seed)
    share = np.linspace(0, 1, 51)
    wanted = -np.inf
    pairs = np.array([(p, q, 1 - p - q) for p in share for q in share if p + q <= 1 + 1e-12])
    for members in itertools.combinations(range(8), 3):
        points = np.zeros((len(pairs), 8))
        points[:, list(members)] = pairs
        wanted = max(wanted, float(acquisition.value(points).max()))
    assert _top(space, acquisition) >= wanted - 1e-6


@pytest.mark.parametrize("seed", range(5))
def test_levels_in_steps_of_a_tenth_that_sum_to_one(seed: int):
    space = Space(factors=_factors("abcd", 0.1), constraints=("a + b + c + d == 1",))
    acquisition = _random(4, seed)
    tenths = np.array([p for p in itertools.product(range(11), repeat=4) if sum(p) == 10]) / 10
    wanted = float(acquisition.value(tenths).max())
    assert _top(space, acquisition) == pytest.approx(wanted, abs=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_choices_levels_and_a_free_number_under_a_rule(seed: int):
    choices = tuple("KLMNOP")
    space = Space(
        factors=(*_factors("a"), *_factors("b", 0.25), Category("s", choices)),
        constraints=("s == 'K' or s == 'L' or a + b <= 1",),
    )
    acquisition = _random(8, seed)
    rows = np.array(list(itertools.product(np.linspace(0, 1, 101), np.linspace(0, 1, 5), range(6))))
    rows = rows[Region(space).lawful(rows)]
    wanted = float(acquisition.value(space.encode(rows)).max())
    assert _top(space, acquisition) >= wanted - 1e-3


@pytest.mark.parametrize("seed", range(5))
def test_a_curved_wall(seed: int):
    space = Space(factors=_factors("ab"), constraints=("a * b <= 0.25", "a ** 2 + b ** 2 >= 0.1"))
    acquisition = _random(2, seed)
    rows = np.array(list(itertools.product(np.linspace(0, 1, 401), repeat=2)))
    rows = rows[Region(space).lawful(rows)]
    assert _top(space, acquisition) >= float(acquisition.value(rows).max()) - 1e-3


@pytest.mark.parametrize("seed", range(5))
def test_linear_walls_with_a_held_factor(seed: int):
    space = Space(factors=_factors("abc"), constraints=("a + 2 * b <= 1.2", "c >= a - b"))
    acquisition = _random(3, seed)
    rows = np.array(list(itertools.product([0.4], *[np.linspace(0, 1, 201)] * 2)))
    rows = rows[Region(space).lawful(rows)]
    found = _top(space, acquisition, {"a": 0.4})
    assert found >= float(acquisition.value(rows).max()) - 1e-6


def _campaign(space: Space, value, trials: int, **options: object) -> list[TrialRecord]:
    history: list[TrialRecord] = []
    while len(history) < trials:
        for item in suggest(space, "maximize", history, 2, seed=3, initial=6, **options):  # pyright: ignore[reportArgumentType]
            assert space.broken(item.factors) == []
            history.append(
                TrialRecord(
                    number=item.number,
                    factors=item.factors,
                    status="done",
                    value=value(item.factors),
                )
            )
    return history


def test_a_whole_campaign_finds_the_best_mixture():
    """The best of 3 out of 8 components (1.46312, by a grid of 41 x 41 over all 56 triples) in 30 trials."""
    space = Space(
        factors=_factors(COMPONENTS),
        constraints=(" + ".join(COMPONENTS) + " == 1",),
        at_most=(AtMost(tuple(COMPONENTS), 3),),
    )

    def value(factors: dict[str, float]) -> float:
        x = np.array([factors[name] for name in COMPONENTS])
        return float(WEIGHTS @ x + 2 * x[3] * x[5] + 3 * x[1] * x[3])

    best = max(record.value or 0.0 for record in _campaign(space, value, 30))
    assert best > 1.45


def test_points_of_a_batch_share_what_must_be_alike():
    space = Space(factors=(Factor("oven", "degC", 20, 90), *_factors("ab")), alike=("oven",))

    def value(factors: dict[str, float]) -> float:
        return -(((factors["oven"] - 70) / 30) ** 2) - (factors["a"] - 0.3) ** 2

    history = _campaign(space, value, 14)
    ovens = [record.factors["oven"] for record in history]
    assert ovens[::2] == ovens[1::2]
    assert len(set(ovens)) == 7
    assert max(record.value or -9.0 for record in history) > -0.02


def test_a_batch_over_the_end_of_the_start_is_alike_too():
    space = Space(factors=(Factor("oven", "degC", 20, 90), *_factors("a")), alike=("oven",))
    history = [
        TrialRecord(number=k, factors={"oven": 20.0 + 10 * k, "a": 0.1 * k}, status="done", value=k)
        for k in range(1, 6)
    ]
    sobol, model = suggest(space, "maximize", history, 2, seed=0, initial=6)
    assert (sobol.origin, model.origin) == ("sobol", "model")
    assert sobol.factors["oven"] == model.factors["oven"]


def test_context_is_kept_by_the_start_and_by_the_model():
    space = Space(factors=_factors("abc"))
    history = _campaign(space, lambda f: -((f["a"] - f["b"]) ** 2) - f["c"], 10)
    for item in suggest(space, "maximize", [], 3, seed=0, initial=6, held={"b": 0.8}):
        assert item.factors["b"] == 0.8
    (item,) = suggest(space, "maximize", history, 1, seed=0, initial=6, held={"b": 0.8})
    assert item.factors["b"] == 0.8
    assert item.factors["a"] == pytest.approx(0.8, abs=0.15)
