"""Noisy log expected improvement in closed form per draw, for one process or a mixture.

The noise-free outcomes at the baseline (tested points that may be the best) and at all points that
are being tried are drawn jointly from the model; given a draw they're data without noise, the best
of them is known, and the improvement at a new point has a closed form. It's then averaged over the
draws: the same quantity as qNEI (Balandat et al. 2020, Letham et al. 2019), with the integral over
the new point done exactly.

The variance given the draws doesn't depend on them and the mean is linear in them, so one product
with an S-column matrix serves all draws.
"""

# The annotations of numpy's einsum have holes.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from lab.optimize.acquire.logei import log_h_and_slopes
from lab.optimize.model.kernel import correlation, correlation_and_slope, squared_distances
from lab.optimize.model.process import cholesky, halved, whole

if TYPE_CHECKING:
    from lab.optimize.domain import Array
    from lab.optimize.model.mixture import Mixture
    from lab.optimize.model.process import Process

__all__ = ["NoisyImprovement", "baseline"]

_LOOKED_AT = 4
"""Times the points that are kept: of so many the variance is computed."""


class Member:
    """One process with its draws at the known points Z (baseline, pending and chosen points)."""

    def __init__(self, process: Process, known: Array, normals: Array) -> None:
        """`normals`: S x z standard normal numbers."""
        self.process = process
        count = len(known)
        cross = process.cross(known)
        half = cross @ process.root.T
        mean = process.mean + cross @ process.alpha
        lower = cholesky(process.prior(known, known) - half @ half.T)
        deviations = lower @ normals.T  # z x S
        self.draws = mean[:, None] + deviations
        inverse = np.linalg.inv(lower)
        # The covariance of new points with Z given the measurements is c(x,Z) = k(x,Z) - k(x,X) R' R k(X,Z).
        # mean(x) = m + k(x,X) alpha + c(x,Z) S^-1 deviations ; all linear in k(x,X), k(x,Z).
        solved = inverse.T @ (inverse @ deviations)
        back = process.root.T @ half.T  # n x z
        self.weights = np.concatenate(
            [process.alpha[:, None] - back @ solved, solved]
        )  # (n + z) x S
        n = len(process.alpha)
        root = np.zeros((n + count, n + count))
        root[:n, :n] = process.root
        root[n:, :n] = -inverse @ back.T
        root[n:, n:] = inverse
        self.root = root
        self.points = np.concatenate([process.scaled, known / process.lengths])
        self.shift = np.concatenate([process.shift, np.zeros(count)])

    def _distances(self, scaled: Array) -> Array:
        r2 = squared_distances(scaled, self.points)
        return r2 if self.process.aside is None else r2 + self.shift

    def mean_and_variance(self, points: Array) -> tuple[Array, Array]:
        """Given the draws: means n x S and the variance n, the same for all draws."""
        process = self.process
        r2 = self._distances(points / process.lengths)
        kernel = process.scale * correlation(process.family.shape, r2)
        half = halved(kernel, self.root)
        variance = process.scale - np.einsum("ij,ij->i", half, half)
        return process.mean + kernel @ self.weights, np.maximum(variance, 1e-10 * process.scale)

    def forward(self, points: Array) -> tuple[Array, Array, tuple[Array, ...]]:
        """The same, with what `backward` needs."""
        process = self.process
        scaled = points / process.lengths
        r2 = self._distances(scaled)
        kernel, slope = correlation_and_slope(process.family.shape, r2)
        kernel *= process.scale
        half = halved(kernel, self.root)
        raw = process.scale - np.einsum("ij,ij->i", half, half)
        variance = np.maximum(raw, 1e-10 * process.scale)
        return (
            process.mean + kernel @ self.weights,
            variance,
            (scaled, slope, half),
        )

    def backward(self, saved: tuple[Array, ...], by_mean: Array, by_variance: Array) -> Array:
        """Gradient in the points of what has these derivatives by means (B x S) and variances (B)."""
        scaled, slope, half = saved
        process = self.process
        by_kernel = by_mean @ self.weights.T
        by_kernel -= (2.0 * by_variance)[:, None] * whole(half, self.root)
        by_r2 = by_kernel * slope
        by_r2 *= process.scale
        rows = by_r2.sum(axis=1)
        return 2.0 * (rows[:, None] * scaled - by_r2 @ self.points) / process.lengths


class NoisyImprovement:
    """log E[max(f(x) - best, 0)] in standardised units; an `Acquisition` (see `lab.optimize.domain`)."""

    def __init__(self, mixture: Mixture, base: Array, taken: Array, normals: Array) -> None:
        """`normals`: S x z, z the count of base and taken points."""
        known = np.concatenate([base, taken])
        self.members = [Member(process, known, normals) for process in mixture.members]
        self.weights = mixture.weights
        self.best = [member.draws.max(axis=0) for member in self.members]

    def _log_terms(
        self, best: Array, mean: Array, variance: Array
    ) -> tuple[Array, tuple[Array, Array, Array]]:
        sd = np.sqrt(variance)[:, None]
        u = (mean - best) / sd
        return sd, log_h_and_slopes(u)

    def value(self, points: Array) -> Array:
        parts: list[Array] = []
        for member, best, weight in zip(self.members, self.best, self.weights, strict=True):
            mean, variance = member.mean_and_variance(points)
            sd, (log_value, _, _) = self._log_terms(best, mean, variance)
            parts.append(log_value + np.log(sd) + math.log(weight / mean.shape[1]))
        terms = np.concatenate(parts, axis=1)
        top = terms.max(axis=1, keepdims=True)
        return top[:, 0] + np.log(np.exp(terms - top).sum(axis=1))

    def value_and_gradient(self, points: Array) -> tuple[Array, Array]:
        saved_all: list[tuple[tuple[Array, ...], Array, Array, Array]] = []
        parts: list[Array] = []
        for member, best, weight in zip(self.members, self.best, self.weights, strict=True):
            mean, variance, saved = member.forward(points)
            sd, (log_value, by_mean, by_sd) = self._log_terms(best, mean, variance)
            parts.append(log_value + np.log(sd) + math.log(weight / mean.shape[1]))
            saved_all.append((saved, sd, by_mean, by_sd))
        terms = np.concatenate(parts, axis=1)
        top = terms.max(axis=1, keepdims=True)
        shares = np.exp(terms - top)
        total = shares.sum(axis=1, keepdims=True)
        shares /= total
        gradient = np.zeros_like(points)
        start = 0
        for member, (saved, sd, by_mean, by_sd) in zip(self.members, saved_all, strict=True):
            size = by_mean.shape[1]
            share = shares[:, start : start + size]
            start += size
            # d log(sd h(u)) = (cdf/h) d mean / sd + (pdf/h) d sd / sd
            weights = share * by_mean / sd
            variance_weights = (share * by_sd).sum(axis=1) / (2.0 * sd[:, 0] ** 2)
            gradient += member.backward(saved, weights, variance_weights)
        return (top + np.log(total))[:, 0], gradient


def baseline(mixture: Mixture, points: Array, most: int) -> Array:
    """The tested points that may be the best: by falling mean plus sd, at most `most`. Of many more than those only the
    ones with the highest means are looked at, because all variances cost more than all the rest."""
    if len(points) > _LOOKED_AT * most:
        highest = np.argsort(-mixture.means(points), kind="stable")[: _LOOKED_AT * most]
        points = points[np.sort(highest)]
    mean, variance = mixture.mean_and_variance(points)
    return points[np.argsort(-(mean + np.sqrt(variance)), kind="stable")[:most]]
