"""Which model and acquisition would find more, judged by the data in hand, before experiments are spent.

The best part of the data is hidden; a method is shown a bootstrap of the rest and chooses among candidates in which
the hidden part lies. Its reward is the share of hidden ones among what it chooses. Data that people collected holds far
more good points than the space does, so the naive share flatters every method. It is adjusted: the ordinary candidates
(those that the bootstrap left out) are up-sampled and perturbed until the good ones have the share `alpha` that they
have in the space, estimated from U evenly spread trials of which C are better than the best that is shown:
`alpha = (C + 1) / (U + 2)`, Laplace's rule. After Boley et al., adjusted reward estimation.
"""

# scipy has no type stubs.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lab.domain.errors import InputError
from lab.optimize.acquire.noisy import NoisyImprovement, baseline
from lab.optimize.history import Direction, TrialRecord, check_history
from lab.optimize.model.families import families_for
from lab.optimize.model.kernel import squared_distances
from lab.optimize.model.likelihood import Problem
from lab.optimize.model.mixture import fit_mixture
from lab.optimize.model.threads import single_threaded
from lab.optimize.sobol import derived_seed, normal_points
from lab.optimize.space.region import Region

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from lab.optimize.domain import Array
    from lab.optimize.model.mixture import Mixture
    from lab.optimize.space import Space

__all__ = [
    "Advice",
    "Reward",
    "advise",
    "estimate_rewards",
    "gaussian_processes",
    "share_of_better",
]

_FEWEST = 10
_MOST_CANDIDATES = 4000
_DRAWS = 64
_BASELINE = 32
_JITTER = 0.25
"""Of the distance to the nearest other point: how far copies are moved."""


@dataclass(frozen=True)
class Reward:
    """The share of good points among those that a method chooses, with standard errors over the bootstraps."""

    method: str
    adjusted: float
    adjusted_error: float
    naive: float
    naive_error: float


@dataclass(frozen=True)
class Advice:
    """Rewards by falling adjusted reward. `alpha` is the share of the space that is better than what is shown."""

    alpha: float
    evenly_spread: int
    better: int
    hidden: int
    shown: int
    repeats: int
    rewards: tuple[Reward, ...]


def share_of_better(evenly_spread: int, better: int) -> float:
    """`alpha` from U evenly spread trials of which C are better than the best that is shown."""
    if not 0 <= better <= evenly_spread:
        raise InputError(
            f"{better} of {evenly_spread} evenly spread trials are better",
            hint="count the better ones among the evenly spread ones",
        )
    return (better + 1) / (evenly_spread + 2)


def advise(
    space: Space,
    direction: Direction,
    history: Sequence[TrialRecord],
    *,
    evenly_spread: Sequence[int] | None = None,
    hidden: float = 0.1,
    batch: int = 1,
    repeats: int = 20,
    seed: int = 0,
) -> Advice:
    """Compare the families of priors, alone and averaged, with three ways to choose.

    `evenly_spread`: the numbers of the trials that were spread over the space without looking at results; by default
    all. `hidden`: the best part of the data that methods must find.
    """
    records = check_history(space, history)
    done = [record for record in records if record.status == "done"]
    if len(done) < _FEWEST:
        raise InputError(
            f"{len(done)} measured trials can't be split and bootstrapped",
            hint=f"ask again with {_FEWEST} or more",
        )
    if not 0 < hidden < 0.5:
        raise InputError(f"a hidden part of {hidden:g}", hint="give a share between 0 and 0.5")
    if batch < 1 or repeats < 2:
        raise InputError("a batch below 1 or fewer than 2 repeats", hint="1 and 20 are usual")
    sign = 1.0 if direction == "maximize" else -1.0
    rows = np.array([space.row(record.factors) for record in done])
    outcomes = np.array([sign * float(record.value or 0.0) for record in done])
    count = max(1, math.ceil(hidden * len(done)))
    order = np.argsort(outcomes, kind="stable")
    shown, good = order[:-count], order[-count:]
    spread = {record.number for record in done}
    if evenly_spread is not None:
        spread &= set(evenly_spread)
    best_shown = outcomes[shown].max()
    better = sum(
        outcome > best_shown
        for record, outcome in zip(done, outcomes.tolist(), strict=True)
        if record.number in spread
    )
    alpha = share_of_better(len(spread), better)
    with single_threaded():
        rewards = estimate_rewards(
            gaussian_processes(space),
            Region(space),
            rows[shown],
            outcomes[shown],
            rows[good],
            alpha,
            batch=batch,
            repeats=repeats,
            seed=seed,
        )
    return Advice(alpha, len(spread), better, len(good), len(shown), repeats, rewards)


def estimate_rewards(
    learn: Callable[[Array, Array, int], Mapping[str, Callable[[Array], Array]]],
    region: Region,
    shown: Array,
    outcomes: Array,
    good: Array,
    alpha: float,
    *,
    batch: int = 1,
    repeats: int = 20,
    seed: int = 0,
) -> tuple[Reward, ...]:
    """The rewards of methods, best first.

    `learn` takes rows, their outcomes (more is better) and a seed, and returns for each method how much it wants each of
    some rows. `shown` and `good` are rows, `outcomes` those of the shown ones.
    """
    found: dict[str, list[tuple[float, float]]] = {}
    for repeat in range(repeats):
        generator = np.random.Generator(np.random.PCG64(derived_seed("advise", seed, repeat)))
        drawn = np.unique(generator.integers(len(shown), size=len(shown)))
        rest = np.setdiff1d(np.arange(len(shown)), drawn)
        if len(drawn) < 2 or not len(rest):
            continue
        methods = learn(shown[drawn], outcomes[drawn], derived_seed("learn", seed, repeat))
        whole = np.concatenate([shown, good])
        ordinary, few = _candidates(region, whole, shown[rest], good, alpha, generator)
        for name, want in methods.items():
            pair = (
                _share_chosen(want, ordinary, few, batch),
                _share_chosen(want, shown[rest], good, batch),
            )
            found.setdefault(name, []).append(pair)
    rewards: list[Reward] = []
    for name, pairs in found.items():
        table = np.array(pairs)
        error = table.std(axis=0, ddof=1) / math.sqrt(len(table)) if len(table) > 1 else [0.0, 0.0]
        rewards.append(
            Reward(
                name,
                float(table[:, 0].mean()),
                float(error[0]),
                float(table[:, 1].mean()),
                float(error[1]),
            )
        )
    return tuple(sorted(rewards, key=lambda reward: (-reward.adjusted, reward.method)))


def _share_chosen(
    want: Callable[[Array], Array], ordinary: Array, good: Array, batch: int
) -> float:
    values = want(np.concatenate([ordinary, good]))
    chosen = np.argsort(-values, kind="stable")[:batch]
    return float((chosen >= len(ordinary)).mean())


def _candidates(
    region: Region,
    whole: Array,
    ordinary: Array,
    good: Array,
    alpha: float,
    generator: np.random.Generator,
) -> tuple[Array, Array]:
    """Ordinary and good rows of which the good ones are the share `alpha`; what is too few is copied and moved."""
    wanted = round(len(good) * (1.0 - alpha) / alpha)
    if wanted >= len(ordinary):
        wanted = min(wanted, _MOST_CANDIDATES)
        fewer = max(1, round(wanted * alpha / (1.0 - alpha)))
        kept = generator.permutation(len(good))[: min(fewer, len(good))]
        return _copies(region, whole, ordinary, wanted, generator), good[kept]
    more = max(len(good), round(len(ordinary) * alpha / (1.0 - alpha)))
    return ordinary, _copies(region, whole, good, more, generator)


def _copies(
    region: Region, whole: Array, rows: Array, count: int, generator: np.random.Generator
) -> Array:
    """The rows, then copies of them with their free numbers moved a little."""
    extra = generator.integers(len(rows), size=max(0, count - len(rows)))
    gaps = squared_distances(rows, whole)
    gaps[gaps < 1e-12] = np.inf
    nearest = np.sqrt(gaps.min(axis=1))
    step = _JITTER * np.where(np.isfinite(nearest), nearest, 0.0) / math.sqrt(rows.shape[1])
    moved = (
        rows[extra]
        + step[extra, None] * generator.standard_normal((len(extra), rows.shape[1])) * region.free
    )
    return np.concatenate([rows, np.clip(moved, region.low, region.high)])


def gaussian_processes(
    space: Space,
) -> Callable[[Array, Array, int], dict[str, Callable[[Array], Array]]]:
    """Every family of priors and their average, each with improvement, mean and uncertainty; and chance."""

    def learn(rows: Array, outcomes: Array, seed: int) -> dict[str, Callable[[Array], Array]]:
        points = space.encode(rows)
        scale = float(outcomes.std()) or 1.0
        problem = Problem(
            points=points,
            outcomes=(outcomes - outcomes.mean()) / scale,
            given=np.zeros(len(outcomes)),
            share=np.ones(len(outcomes)),
            groups=space.groups,
        )
        families = families_for(problem.lengthscales)
        sets = {family.name: (family,) for family in families}
        methods: dict[str, Callable[[Array], Array]] = {"chance": _chance(seed)}
        for name, chosen in {**sets, "average": families}.items():
            mixture = fit_mixture(problem, chosen)
            for way, want in _ways(mixture, points, space, seed).items():
                methods[f"{name}, {way}"] = want
        return methods

    return learn


def _chance(seed: int) -> Callable[[Array], Array]:
    def want(rows: Array) -> Array:
        generator = np.random.Generator(np.random.PCG64(derived_seed("chance", seed)))
        return generator.random(len(rows))

    return want


def _ways(
    mixture: Mixture, points: Array, space: Space, seed: int
) -> dict[str, Callable[[Array], Array]]:
    base = baseline(mixture, points, _BASELINE)
    nothing = np.empty((0, points.shape[1]))
    improvement = NoisyImprovement(mixture, base, nothing, normal_points(seed, _DRAWS, len(base)))

    def mean(rows: Array) -> Array:
        return mixture.mean_and_variance(space.encode(rows))[0]

    def uncertainty(rows: Array) -> Array:
        return mixture.mean_and_variance(space.encode(rows))[1]

    return {
        "improvement": lambda rows: improvement.value(space.encode(rows)),
        "mean": mean,
        "uncertainty": uncertainty,
    }
