"""How probable hyperparameters are, given the measurements, with the gradient written out.

At a campaign's sizes an automatic gradient costs many times the linear algebra, so both are done by
hand in one pass over the kernel matrix. The prior mean is a constant at its most likely value for
the other hyperparameters (generalised least squares), whose gradient is therefore zero.
Rasmussen and Williams 2006, equations 5.8 and 5.9.
"""

# scipy has no type stubs.
# pyright: reportUnknownMemberType=false, reportMissingTypeStubs=false, reportUnknownVariableType=false
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np
from scipy.linalg.lapack import dpotrf, dpotri

from lab.optimize.model.families import APART
from lab.optimize.model.kernel import correlation_and_slope

if TYPE_CHECKING:
    from lab.optimize.domain import Array
    from lab.optimize.model.families import Family, Prior
    from lab.optimize.model.replicates import Readings

__all__ = ["JITTER", "Problem", "log_density", "objective", "precision"]

JITTER = 1e-8


@dataclass(frozen=True)
class Problem:
    """Standardised measurements as the likelihood reads them.

    `points` n x d; `outcomes` n; `given` n, variances that are known (0 where none is); `share` n, the
    part of the inferred noise variance that each carries (1 / count of a mean of replicates);
    `groups` d, the index of the lengthscale of each column.
    """

    points: Array
    outcomes: Array
    given: Array
    share: Array
    groups: np.ndarray[tuple[int], np.dtype[np.intp]]
    within: tuple[int, float] = (0, 0.0)
    """Degrees of freedom and sum of squares of the scatter within replicates."""
    apart: int = 0
    """So many of the last columns, each with a lengthscale of its own, say of which other campaign or fidelity a row
    is; of rows of this one they are 0 (`lab.optimize.model.joined`)."""

    readings: Readings | None = None
    """Of the first rows, where readings of one point have standard deviations of their own."""

    @property
    def lengthscales(self) -> int:
        return int(self.groups.max()) + 1

    def measured(self, noise: float) -> tuple[Array, Array]:
        """Outcomes, and the variance of the noise of each, where the inferred one is this."""
        outcomes, variances = self.outcomes, noise * self.share + self.given
        if self.readings is not None:
            means, merged = self.readings.merged(noise)
            outcomes = np.concatenate([means, outcomes[len(means) :]])
            variances[: len(means)] = merged
        return outcomes, variances


def log_density(prior: Prior, log_value: Array) -> tuple[Array, Array]:
    """The log density of a positive number (of the number, not of its logarithm) and its derivative by
    the logarithm of the number."""
    if prior.kind == "gamma":
        value = np.exp(log_value)
        return (
            (prior.first - 1.0) * log_value - prior.second * value,
            (prior.first - 1.0) - prior.second * value,
        )
    z = (log_value - prior.first) / prior.second
    return -0.5 * z * z - log_value, -z / prior.second - 1.0


def precision(covariance: Array) -> tuple[Array, float] | None:
    """The inverse of a covariance matrix and its log determinant; None if it's not positive definite.

    The argument is overwritten.
    """
    factor, info = cast("tuple[Array, int]", dpotrf(covariance, lower=0, overwrite_a=1))
    if info != 0:
        return None
    # A copy: of a view with gaps numpy takes the logarithm in one of two ways that differ in the last bit, by where in
    # memory the result comes to lie.
    log_determinant = 2.0 * float(np.log(np.diagonal(factor).copy()).sum())
    inverse, info = cast("tuple[Array, int]", dpotri(factor, lower=0, overwrite_c=1))
    if info != 0 or not math.isfinite(log_determinant):
        return None
    upper = np.triu(inverse)
    return upper + np.triu(inverse, 1).T, log_determinant


def objective(family: Family, problem: Problem, theta: Array) -> tuple[float, Array]:
    """Minus the log posterior density of `theta` and its gradient.

    `theta`: logarithms of the lengthscales, of the noise variance and, if the family has one, of the
    output scale. Infinite where the covariance is not positive definite.
    """
    count = problem.lengthscales
    n = len(problem.outcomes)
    lengths = np.exp(theta[:count])[problem.groups]
    noise = math.exp(theta[count])
    scale = math.exp(theta[count + 1]) if family.scale is not None else 1.0
    scaled = problem.points / lengths
    squares = np.einsum("ij,ij->i", scaled, scaled)
    r2 = squares[:, None] + squares
    r2 -= 2.0 * (scaled @ scaled.T)
    np.maximum(r2, 0.0, out=r2)
    np.fill_diagonal(r2, 0.0)
    kernel, slope = correlation_and_slope(family.shape, r2)
    covariance = scale * kernel
    outcomes, variances = problem.measured(noise)
    covariance[np.diag_indices(n)] += variances + JITTER * scale
    solved = precision(covariance)
    if solved is None:
        return math.inf, np.zeros_like(theta)
    inverse, log_determinant = solved
    ones = inverse.sum(axis=0)
    mean = float(ones @ outcomes) / float(ones.sum())
    residual = outcomes - mean
    alpha = inverse @ residual
    value = 0.5 * float(residual @ alpha) + 0.5 * log_determinant
    # d value / d covariance, both halves of the symmetric matrix
    weight = 0.5 * (inverse - np.outer(alpha, alpha))
    gradient = np.empty_like(theta)
    by_r2 = weight * slope
    by_r2 *= scale
    rows = by_r2.sum(axis=1)
    # sum_ab W_ab (x_a - x_b)^2 = 2 (sum_a r_a x_a^2 - x^T W x); d r2 / d log l = -2 (..)^2 / l^2
    spread = 2.0 * (rows @ (scaled * scaled) - np.einsum("ij,ij->j", scaled, by_r2 @ scaled))
    gradient[:count] = np.bincount(problem.groups, weights=-2.0 * spread, minlength=count)
    diagonal = np.diagonal(weight)
    gradient[count] = noise * float(diagonal @ problem.share)
    if problem.readings is not None:
        first = slice(problem.readings.count)
        by_mean, by_variance = problem.readings.slopes(noise)
        slope_of_noise = float(alpha[first] @ by_mean + diagonal[first] @ by_variance)
        gradient[count] = noise * slope_of_noise + noise * float(
            diagonal[first.stop :] @ problem.share[first.stop :]
        )
        scatter, by_noise = problem.readings.scatter(noise)
        value += scatter
        gradient[count] += noise * by_noise
    freedom, squares_within = problem.within
    value += 0.5 * (freedom * theta[count] + squares_within / noise)
    gradient[count] += 0.5 * (freedom - squares_within / noise)
    if family.scale is not None:
        gradient[count + 1] = scale * float((weight * kernel).sum() + JITTER * diagonal.sum())
    near = count - problem.apart
    for prior, part in ((family.lengthscale, slice(near)), (APART, slice(near, count))):
        densities, slopes = log_density(prior, theta[part])
        value -= float(densities.sum())
        gradient[part] -= slopes
    density, noise_slope = log_density(family.noise, theta[count : count + 1])
    value -= float(density[0])
    gradient[count] -= float(noise_slope[0])
    if family.scale is not None:
        density, scale_slope = log_density(family.scale, theta[count + 1 : count + 2])
        value -= float(density[0])
        gradient[count + 1] -= float(scale_slope[0])
    return value, gradient
