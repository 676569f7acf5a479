"""Outcomes of which only bounds are known: a grade lies between two cut points, a reading beyond the instrument's range
above or below its end.

Expectation propagation (Minka 2001; Rasmussen and Williams 2006, section 3.6): each such outcome becomes a measurement
with the value and the variance that make the belief have the mean and the variance of the exact one, at its point. So what
is fitted stays a Gaussian process, and everything behind it is as it was. With these measurements held, the likelihood's
gradient in the lengthscales is that of the exact problem (ibid., equation 5.27), so both are found in turns.
"""

# scipy has no type stubs.
# pyright: reportUnknownMemberType=false, reportMissingTypeStubs=false, reportUnknownVariableType=false

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

import numpy as np
from scipy.special import log_ndtr

from lab.optimize.model.fit import fit_family
from lab.optimize.model.likelihood import precision

if TYPE_CHECKING:
    from lab.optimize.domain import Array
    from lab.optimize.model.families import Family
    from lab.optimize.model.likelihood import Problem

__all__ = ["Bounds", "log_mass", "measured_within", "propagated", "settled"]

_TURNS = 3
_SWEEPS = 40
_DAMPING = 0.7
_CONVERGED = 1e-5
_LEAST_PRECISION = 1e-6
"""What is far inside its bounds says nothing."""
_HALF_LOG_2PI = 0.5 * math.log(2.0 * math.pi)


@dataclass(frozen=True)
class Bounds:
    """Of some rows of a problem that follow one another: where they begin, and for each the bounds (infinite where
    there is none), and the variance of its noise. `inferred`: whether the noise of the fit comes on top of that.
    """

    start: int
    low: Array
    high: Array
    noise: Array
    inferred: bool


def log_mass(mean: Array, variance: Array, low: Array, high: Array) -> tuple[Array, Array, Array]:
    """The logarithm of the probability of a normal number between two bounds, and its first and second derivative by
    the mean; exact in the tails.
    """
    sd = np.sqrt(variance)
    below, above = (low - mean) / sd, (high - mean) / sd
    turned = np.where(np.isinf(below), -np.inf, below) + np.where(np.isinf(below), 0.0, above) > 0.0
    left, right = np.where(turned, -above, below), np.where(turned, -below, above)
    log_left, log_right = cast("Array", log_ndtr(left)), cast("Array", log_ndtr(right))
    mass = log_right + np.log(-np.expm1(np.minimum(log_left - log_right, -1e-300)))

    def density(z: Array) -> tuple[Array, Array]:
        """Divided by the mass, and times z."""
        ends = np.where(np.isinf(z), 0.0, z)
        log_density = -0.5 * ends * ends - _HALF_LOG_2PI - mass
        found: Array = np.exp(np.where(np.isinf(z), -np.inf, log_density))
        return found, ends * found

    (at_left, left_moment), (at_right, right_moment) = density(left), density(right)
    slope = (at_left - at_right) / sd
    curvature = (left_moment - right_moment) / variance - slope * slope
    return mass, np.where(turned, -slope, slope), curvature


def _site(mean: Array, variance: Array, noise: Array, bounds: Bounds) -> tuple[Array, Array]:
    """Precision, and precision times value, of the measurement that stands for the bounds where the belief without them
    has this mean and variance."""
    _, slope, curvature = log_mass(mean, variance + noise, bounds.low, bounds.high)
    curvature = np.minimum(curvature, 0.0)
    left = np.maximum(1.0 + variance * curvature, 1e-9)
    precise = np.maximum(-curvature / left, _LEAST_PRECISION)
    return precise, (slope - mean * curvature) / left


def measured_within(bounds: Bounds, noise: float = 0.0) -> tuple[Array, Array]:
    """Value and variance of the measurements to begin with: where nothing is known but that outcomes are standardised."""
    count = len(bounds.low)
    precise, weighted = _site(np.zeros(count), np.ones(count), bounds.noise + noise, bounds)
    return weighted / precise, 1.0 / precise


def propagated(
    prior: Array, outcomes: Array, variances: Array, bounds: Bounds, noise: Array
) -> tuple[Array, Array]:
    """Outcomes and variances of all rows once those within bounds agree with one another; as they were where the
    numbers do not allow it."""
    rows = slice(bounds.start, bounds.start + len(bounds.low))
    outcomes, variances = outcomes.copy(), variances.copy()
    for _ in range(_SWEEPS):
        covariance = prior.copy()
        covariance[np.diag_indices(len(outcomes))] += variances
        solved = precision(covariance)
        if solved is None:
            break
        inverse = solved[0]
        ones = inverse.sum(axis=0)
        mean = float(ones @ outcomes) / float(ones.sum())
        diagonal = np.diagonal(inverse)[rows]
        left_out = outcomes[rows] - (inverse[rows] @ (outcomes - mean)) / diagonal
        variance = np.maximum(1.0 / diagonal - variances[rows], 1e-10)
        precise, weighted = _site(left_out, variance, noise, bounds)
        before = 1.0 / variances[rows]
        step = before + _DAMPING * (precise - before)
        told = outcomes[rows] * before
        told = told + _DAMPING * (weighted - told)
        change = np.abs(told - outcomes[rows] * before).max() + np.abs(step - before).max()
        outcomes[rows], variances[rows] = told / step, 1.0 / step
        if change < _CONVERGED:
            break
    return outcomes, variances


def settled(family: Family, problem: Problem, bounds: Bounds) -> Problem:
    """The problem with the measurements that stand for the bounds. Call within `single_threaded`."""
    rows = slice(bounds.start, bounds.start + len(bounds.low))
    for _ in range(_TURNS):
        process, _ = fit_family(family, problem)
        noise = bounds.noise + (process.noise if bounds.inferred else 0.0)
        prior = process.prior(problem.points, problem.points)
        found, variances = propagated(prior, process.outcomes, process.noises, bounds, noise)
        outcomes, given = problem.outcomes.copy(), problem.given.copy()
        outcomes[rows], given[rows] = found[rows], variances[rows]
        problem = replace(problem, outcomes=outcomes, given=given)
    return problem
