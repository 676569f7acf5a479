"""Fewer columns, the same belief: for points in few directions, and for points that need all of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.optimize.acquire.pool import PoolImprovement
from lab.optimize.model.families import families_for
from lab.optimize.model.likelihood import Problem
from lab.optimize.model.mixture import fit_mixture
from lab.optimize.model.turned import turn


def _problem(rows: np.ndarray, measured: int, seed: int = 0) -> Problem:
    rng = np.random.Generator(np.random.PCG64(seed))
    points = rows[:measured]
    outcomes = points @ rng.standard_normal(points.shape[1]) + 0.1 * rng.standard_normal(measured)
    outcomes = (outcomes - outcomes.mean()) / outcomes.std(ddof=1)
    return Problem(
        points, outcomes, np.zeros(measured), np.ones(measured), np.arange(points.shape[1])
    )


def _reactions(seed: int = 3) -> np.ndarray:
    """Six ligands and four solvents in 15 descriptors each, beside a temperature: 31 columns in 9 directions."""
    rng = np.random.Generator(np.random.PCG64(seed))
    ligands, solvents = rng.random((6, 15)), rng.random((4, 15))
    rows = [
        np.concatenate([ligands[k], solvents[m], [t]])
        for k in range(6)
        for m in range(4)
        for t in (0.0, 0.5, 1.0)
    ]
    return np.array(rows)[rng.permutation(72)]


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 1000), st.sampled_from([0, 1, 2]))
def test_what_is_predicted_stays_the_same(seed: int, family: int):
    rows = _reactions(seed)
    problem = _problem(rows, 20, seed)
    process = fit_mixture(problem, [families_for(31)[family]]).members[0]
    turned = turn(process, rows)
    assert turned.axes.shape[0] == 31
    assert turned.axes.shape[1] <= 11
    for mine, theirs in zip(
        turned.process.mean_and_variance(turned.points(rows)),
        process.mean_and_variance(rows),
        strict=True,
    ):
        assert mine == pytest.approx(theirs, abs=1e-6)
    assert turned.process.covariance(turned.points(rows[:9])) == pytest.approx(
        process.covariance(rows[:9]), abs=1e-6
    )


def test_points_that_need_all_columns_keep_them():
    rows = np.random.Generator(np.random.PCG64(1)).random((40, 4))
    process = fit_mixture(_problem(rows, 15), families_for(4)[:1]).members[0]
    turned = turn(process, rows)
    assert turned.process is process
    assert (turned.points(rows) == rows).all()
    assert turn(process, None).process is process


def test_points_in_other_directions_are_why_all_candidates_must_be_shown():
    """With the tested points alone a direction in which only candidates differ would be lost."""
    rows = np.zeros((12, 3))
    rows[:, 0] = np.linspace(0.0, 1.0, 12)
    process = fit_mixture(_problem(rows, 12), families_for(3)[:1]).members[0]
    beyond = np.array([[0.5, 1.0, 0.0]])
    blind, seeing = turn(process, rows), turn(process, np.concatenate([rows, beyond]))
    truth = process.mean_and_variance(beyond)[1]
    assert seeing.process.mean_and_variance(seeing.points(beyond))[1] == pytest.approx(truth)
    assert blind.process.mean_and_variance(blind.points(beyond))[1] < 0.5 * truth


def test_the_improvement_of_a_list_is_the_same_either_way():
    rows = _reactions()
    mixture = fit_mixture(_problem(rows, 20), families_for(31)[2:3])
    base, taken, rest = rows[:20], rows[20:22], rows[22:]
    whole = PoolImprovement(mixture, base, taken, 3, 7).value(rest)
    fewer = PoolImprovement(mixture, base, taken, 3, 7, among=rest).value(rest)
    assert fewer == pytest.approx(whole, abs=1e-4)
    assert int(fewer.argmax()) == int(whole.argmax())
