"""The linear algebra of one process: the short ways give what the long ones do."""

from __future__ import annotations

import numpy as np
import pytest

from lab.optimize.model.families import families_for
from lab.optimize.model.likelihood import Problem
from lab.optimize.model.process import halved, make_process, whole


@pytest.mark.parametrize(("rows", "size"), [(1, 1), (3, 7), (40, 25)])
def test_triangular_products_are_the_full_ones(rows: int, size: int):
    rng = np.random.default_rng(rows)
    root = np.tril(rng.standard_normal((size, size)))
    left = rng.standard_normal((rows, size))
    kept = left.copy()
    np.testing.assert_allclose(halved(left, root), left @ root.T, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(whole(left, root), left @ root, rtol=1e-12, atol=1e-12)
    assert (left == kept).all()


def test_what_stands_above_the_diagonal_is_not_read():
    root = np.array([[2.0, 9.0], [1.0, 3.0]])
    ones = np.ones((1, 2))
    assert halved(ones, root).tolist() == [[2.0, 4.0]]
    assert whole(ones, root).tolist() == [[3.0, 3.0]]


def test_means_are_those_of_the_whole_prediction():
    rng = np.random.default_rng(2)
    points, outcomes, none = rng.random((9, 2)), rng.standard_normal(9), np.zeros(9)
    problem = Problem(points, outcomes, none, none + 1.0, np.arange(2))
    for family in families_for(2):
        count = 3 + (family.scale is not None)
        process = make_process(family, problem, np.full(count, -1.0))
        new = rng.random((6, 2))
        np.testing.assert_allclose(process.means(new), process.mean_and_variance(new)[0])
        # Rasmussen and Williams 2006, equation 2.24
        own = process.prior(points, points) + np.diag(process.noises)
        cross = process.prior(new, points)
        explained = np.einsum("ij,ji->i", cross, np.linalg.solve(own, cross.T))
        np.testing.assert_allclose(
            process.mean_and_variance(new)[1], process.scale - explained, rtol=1e-7, atol=1e-9
        )
