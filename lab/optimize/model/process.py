"""One fitted Gaussian process: what it predicts and how well it predicts what it wasn't shown."""

# scipy has no type stubs.
# pyright: reportUnknownMemberType=false, reportMissingTypeStubs=false, reportUnknownVariableType=false
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, cast

import numpy as np
from scipy.linalg.blas import dtrmm
from scipy.linalg.lapack import dpotrf, dtrtri

from lab.optimize.model.kernel import correlation, correlation_and_slope, squared_distances
from lab.optimize.model.likelihood import JITTER

if TYPE_CHECKING:
    from lab.optimize.domain import Array
    from lab.optimize.model.families import Family
    from lab.optimize.model.likelihood import Problem

__all__ = ["Process", "cholesky", "halved", "make_process", "whole"]


def cholesky(matrix: Array) -> Array:
    """The lower Cholesky factor, with as much added to the diagonal as it takes (from 1e-10 of its mean
    on; a covariance of nearly equal points is singular to rounding)."""
    level = float(np.diagonal(matrix).mean())
    for jitter in (0.0, 1e-10, 1e-8, 1e-6, 1e-4, 1e-2):
        trial = matrix.copy()
        trial[np.diag_indices(len(trial))] += jitter * level
        factor, info = cast("tuple[Array, int]", dpotrf(trial, lower=1, overwrite_a=1))
        if info == 0:
            return np.tril(factor)
    raise ArithmeticError("a covariance matrix is not positive definite")


def halved(rows: Array, root: Array) -> Array:
    """`rows @ root.T` of a lower triangular matrix, at half the price. Both are arrays row by row in memory."""
    return cast("Array", dtrmm(1.0, root.T, rows.T, lower=0, trans_a=1)).T


def whole(halves: Array, root: Array) -> Array:
    """`halves @ root` of the same."""
    return cast("Array", dtrmm(1.0, root.T, halves.T, lower=0)).T


@dataclass(frozen=True)
class Process:
    """Hyperparameters with the measurements they belong to, standardised."""

    family: Family
    lengths: Array
    """Lengthscale of each column, d."""
    scale: float
    noise: float
    mean: float
    scaled: Array
    """Points divided by `lengths`, n x d."""
    root: Array
    """Inverse of the lower Cholesky factor of the covariance of the measurements, n x n."""
    alpha: Array
    outcomes: Array
    noises: Array
    """Variance of the noise of each measurement, n."""
    loo: Array = field(repr=False)
    """Log density of each measurement under the model that was not shown it, n."""
    aside: Array | None = None
    """Where rows of other campaigns or fidelities come after the own ones: how far each row is from this campaign in
    columns of their own, divided by their lengthscales, n x t."""
    apart: Array | None = None
    """Those lengthscales, t."""

    @cached_property
    def own(self) -> int:
        """How many rows are of this campaign; they come first."""
        return len(self.outcomes) if self.aside is None else int((self.shift == 0.0).sum())

    @cached_property
    def shift(self) -> Array:
        """What the other columns add to the squared distance of a point of this campaign to each row, n."""
        if self.aside is None:
            return np.zeros(len(self.outcomes))
        return np.square(self.aside).sum(axis=1)

    def distances(self, scaled: Array) -> Array:
        """Squared distances of points of this campaign (divided by `lengths`) to the rows, k x n."""
        r2 = squared_distances(scaled, self.scaled)
        return r2 if self.aside is None else r2 + self.shift

    def cross(self, points: Array) -> Array:
        """Prior covariance of points (not scaled) with the measured ones, k x n."""
        r2 = self.distances(points / self.lengths)
        return self.scale * correlation(self.family.shape, r2)

    def prior(self, first: Array, second: Array) -> Array:
        r2 = squared_distances(first / self.lengths, second / self.lengths)
        return self.scale * correlation(self.family.shape, r2)

    def means(self, points: Array) -> Array:
        """Of `mean_and_variance` the first alone, for a fraction of the price."""
        return self.mean + self.cross(points) @ self.alpha

    def mean_and_variance(self, points: Array) -> tuple[Array, Array]:
        cross = self.cross(points)
        half = halved(cross, self.root)
        variance = self.scale - np.einsum("ij,ij->i", half, half)
        return self.mean + cross @ self.alpha, np.maximum(variance, 1e-12 * self.scale)

    def mean_and_variance_with_gradients(self, points: Array) -> tuple[Array, Array, Array, Array]:
        """Means (k), their gradients (k x d), variances (k), theirs, at k points."""
        scaled = points / self.lengths
        kernel, slope = correlation_and_slope(self.family.shape, self.distances(scaled))
        half = self.scale * kernel @ self.root.T
        variance = np.maximum(self.scale - np.einsum("ij,ij->i", half, half), 1e-12 * self.scale)
        mean = self.mean + self.scale * kernel @ self.alpha

        def gradient(by_kernel: Array) -> Array:
            by_r2 = self.scale * by_kernel * slope
            rows = by_r2.sum(axis=1)
            return 2.0 * (rows[:, None] * scaled - by_r2 @ self.scaled) / self.lengths

        return mean, gradient(self.alpha[None]), variance, gradient(-2.0 * half @ self.root)

    def expecting(self, mean: float) -> Process:
        """The same with another prior mean, which is what it predicts far from all measurements."""
        alpha = self.root.T @ (self.root @ (self.outcomes - mean))
        return replace(self, mean=mean, alpha=alpha)

    def covariance(self, points: Array, others: Array | None = None) -> Array:
        half = self.cross(points) @ self.root.T
        if others is None:
            return self.prior(points, points) - half @ half.T
        return self.prior(points, others) - half @ (self.cross(others) @ self.root.T).T


def make_process(family: Family, problem: Problem, theta: Array) -> Process:
    """The process of `theta` (as in `likelihood.objective`) on the measurements of `problem`."""
    count = problem.lengthscales
    lengths = np.exp(theta[:count])[problem.groups]
    noise = math.exp(theta[count])
    scale = math.exp(theta[count + 1]) if family.scale is not None else 1.0
    scaled = problem.points / lengths
    r2 = squared_distances(scaled, scaled)
    np.fill_diagonal(r2, 0.0)
    covariance = scale * correlation(family.shape, r2)
    outcomes, noises = problem.measured(noise)
    noises = noises + JITTER * scale
    covariance[np.diag_indices(len(scaled))] += noises
    lower = cholesky(covariance)
    root = np.ascontiguousarray(np.tril(cast("tuple[Array, int]", dtrtri(lower, lower=1))[0]))
    half = root @ np.ones(len(scaled))
    mean = float(half @ (root @ outcomes)) / float(half @ half)
    alpha = root.T @ (root @ (outcomes - mean))
    # Rasmussen and Williams 2006, equations 5.10 to 5.12
    diagonal = np.einsum("ij,ij->j", root, root)
    z = alpha / np.sqrt(diagonal)
    loo = -0.5 * z * z + 0.5 * np.log(diagonal) - 0.5 * math.log(2.0 * math.pi)
    own = len(lengths) - problem.apart
    return Process(
        family,
        lengths[:own],
        scale,
        noise,
        mean,
        scaled[:, :own],
        root,
        alpha,
        outcomes,
        noises,
        loo,
        scaled[:, own:] if problem.apart else None,
        lengths[own:] if problem.apart else None,
    )
