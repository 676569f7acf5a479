"""BoTorch's improvement over the k-th best: against a plain integral, against ours, in blocks, screened."""

from __future__ import annotations

import numpy as np
import pytest

from lab.optimize.acquire import pool as module
from lab.optimize.acquire.noisy import NoisyImprovement
from lab.optimize.acquire.pool import PoolImprovement, screened
from lab.optimize.model.families import families_for
from lab.optimize.model.likelihood import Problem
from lab.optimize.model.mixture import Mixture, fit_mixture
from lab.optimize.pool import Pool
from lab.optimize.sobol import normal_points

RNG = np.random.Generator(np.random.PCG64(4))
POINTS = RNG.random((25, 2))
RAW = np.sin(6.0 * POINTS[:, 0]) + POINTS[:, 1] + RNG.normal(0.0, 0.1, 25)
PROBLEM = Problem(
    POINTS, (RAW - RAW.mean()) / RAW.std(ddof=1), np.zeros(25), np.ones(25), np.arange(2)
)
MIXTURE = fit_mixture(PROBLEM, families_for(2)[:1])
CANDIDATES = RNG.random((300, 2))
TAKEN = RNG.random((2, 2))
NOTHING = np.empty((0, 2))


def _by_drawing(
    points: np.ndarray, taken: np.ndarray, rank: int, draws: int = 40_000
) -> np.ndarray:
    """The definition, with joint draws."""
    known = np.concatenate([POINTS, taken])
    process = MIXTURE.members[0]
    found = []
    for point in points:
        rows = np.concatenate([known, point[None]])
        mean, _ = process.mean_and_variance(rows)
        lower = np.linalg.cholesky(process.covariance(rows) + 1e-9 * np.eye(len(rows)))
        f = mean[:, None] + lower @ RNG.normal(size=(len(rows), draws))
        bar = np.sort(f[:-1], axis=0)[-rank]
        found.append(np.maximum(f[-1] - bar, 0.0).mean())
    return np.array(found)


@pytest.mark.parametrize("rank", [1, 4])
@pytest.mark.parametrize("taken", [NOTHING, TAKEN], ids=["alone", "pending"])
def test_it_is_the_expected_improvement_over_the_kth_best(rank: int, taken: np.ndarray):
    first = PoolImprovement(MIXTURE, POINTS, taken, rank, 99).value(CANDIDATES)
    points = CANDIDATES[np.argsort(-first)[:6]]
    exact = _by_drawing(points, taken, rank)
    values = np.mean(
        [np.exp(PoolImprovement(MIXTURE, POINTS, taken, rank, s).value(points)) for s in range(30)],
        axis=0,
    )
    assert (exact > 0.0).all()
    assert values == pytest.approx(exact, rel=0.15, abs=2e-4)


def test_with_the_best_as_bar_it_ranks_as_our_closed_form_does():
    theirs = np.mean(
        [PoolImprovement(MIXTURE, POINTS, TAKEN, 1, s).value(CANDIDATES) for s in range(20)], axis=0
    )
    normals = normal_points(3, 1024, len(POINTS) + len(TAKEN))
    ours = NoisyImprovement(MIXTURE, POINTS, TAKEN, normals).value(CANDIDATES)
    good = ours > ours.max() - 2.0
    assert good.sum() >= 3
    assert theirs[good] == pytest.approx(ours[good], abs=0.4)
    assert ours[int(theirs.argmax())] > ours.max() - 0.3


def test_a_lower_bar_is_easier_and_a_pending_twin_takes_the_gain_away():
    high = PoolImprovement(MIXTURE, POINTS, NOTHING, 1, 1).value(CANDIDATES)
    low = PoolImprovement(MIXTURE, POINTS, NOTHING, 5, 1).value(CANDIDATES)
    assert (low >= high - 1e-9).all()
    best = CANDIDATES[int(high.argmax())][None]
    after = PoolImprovement(MIXTURE, POINTS, best, 1, 1).value(CANDIDATES)
    assert after[int(high.argmax())] < high.max() - 3.0


def test_an_improvement_within_the_noise_is_none():
    """As with the noise's standard deviation added to the bar, by drawing; it costs near points more than far ones."""
    plain = PoolImprovement(MIXTURE, POINTS, NOTHING, 1, 1)
    beyond = PoolImprovement(MIXTURE, POINTS, NOTHING, 1, 1, beyond_noise=True)
    lost = plain.value(CANDIDATES) - beyond.value(CANDIDATES)
    assert (lost > 0.0).all()
    process = MIXTURE.members[0]
    _, variance = MIXTURE.mean_and_variance(CANDIDATES)
    best = PoolImprovement(MIXTURE, POINTS, NOTHING, 1, 1).value(CANDIDATES).argsort()[-60:]
    sure, unsure = best[variance[best].argsort()[:10]], best[variance[best].argsort()[-10:]]
    assert lost[sure].mean() > lost[unsure].mean()
    point = CANDIDATES[best[-1]]
    rows = np.concatenate([POINTS, point[None]])
    mean, _ = process.mean_and_variance(rows)
    lower = np.linalg.cholesky(process.covariance(rows) + 1e-9 * np.eye(len(rows)))
    f = mean[:, None] + lower @ RNG.normal(size=(len(rows), 40_000))
    bar = f[:-1].max(axis=0) + np.sqrt(process.noise)
    values = [
        PoolImprovement(MIXTURE, POINTS, NOTHING, 1, s, beyond_noise=True).value(point[None])[0]
        for s in range(30)
    ]
    assert np.exp(values).mean() == pytest.approx(np.maximum(f[-1] - bar, 0.0).mean(), rel=0.1)


def test_blocks_change_nothing(monkeypatch):
    acquisition = PoolImprovement(MIXTURE, POINTS, TAKEN, 2, 9)
    whole = acquisition.value(CANDIDATES)
    monkeypatch.setattr(module, "_BLOCK", 37)
    assert acquisition.value(CANDIDATES) == pytest.approx(whole, abs=1e-9)


def test_a_mixture_averages_its_members():
    members = [fit_mixture(PROBLEM, [family]).members[0] for family in families_for(2)[:2]]
    both = Mixture(tuple(members), (0.3, 0.7), True)
    whole = np.exp(PoolImprovement(both, POINTS, NOTHING, 1, 5).value(CANDIDATES))
    parts = [
        np.exp(
            PoolImprovement(Mixture((m,), (1.0,), True), POINTS, NOTHING, 1, 5).value(CANDIDATES)
        )
        for m in both.members
    ]
    mean = sum(w * p for w, p in zip(both.weights, parts, strict=True))
    assert whole == pytest.approx(mean, rel=1e-6)


def test_screening_keeps_what_may_be_best(monkeypatch):
    pool = Pool.from_columns({"a": CANDIDATES[:, 0], "b": CANDIDATES[:, 1]})
    free = np.arange(300)
    assert screened(MIXTURE, POINTS, pool, free, 2) is free
    monkeypatch.setattr(module, "WHOLE", 40)
    monkeypatch.setattr(module, "_SCREEN_BLOCK", 64)
    kept = screened(MIXTURE, POINTS, pool, free, 2)
    assert len(kept) == 40
    assert (np.diff(kept) > 0).all()
    points = pool.space.encode(pool.rows)
    values = PoolImprovement(MIXTURE, POINTS, NOTHING, 2, 1).value(points)
    assert set(np.argsort(-values)[:10].tolist()) <= set(kept.tolist())
