"""Replicates as one measurement each, with nothing lost: their mean, their count, and their scatter.

The likelihood of n readings at k points with one noise variance is that of the k means (with a variance divided by
the count) times that of the scatter within (`lab.optimize.model.likelihood`), so the fit is the same and
costs k^3 instead of n^3.

Readings with standard deviations of their own are weighed by the inverse of their variance. What comes on top of their
own variance (dosing, ageing) is inferred, so the weights change with it, and are made anew for each noise that is tried.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from lab.optimize.domain import Array, Indices

__all__ = ["Readings", "Told", "merge"]


@dataclass(frozen=True)
class Readings:
    """Readings of the first rows of a problem, each with its variance: which row it is of, and what it said."""

    rows: Indices
    outcomes: Array
    given: Array

    @property
    def count(self) -> int:
        """How many rows they are of."""
        return int(self.rows.max()) + 1

    def merged(self, noise: float) -> tuple[Array, Array]:
        """Mean and variance of each row, where so much noise comes on top of the own variances."""
        weights = 1.0 / (noise + self.given)
        total = np.bincount(self.rows, weights)
        return np.bincount(self.rows, weights * self.outcomes) / total, 1.0 / total

    def slopes(self, noise: float) -> tuple[Array, Array]:
        """Derivatives of `merged` by the noise."""
        means, variances = self.merged(noise)
        squares = 1.0 / (noise + self.given) ** 2
        by_mean = -np.bincount(self.rows, squares * (self.outcomes - means[self.rows])) * variances
        return by_mean, np.bincount(self.rows, squares) * variances**2

    def scatter(self, noise: float) -> tuple[float, float]:
        """Minus the log likelihood of the scatter within rows, up to a constant, and its derivative by the noise."""
        means, variances = self.merged(noise)
        weights = 1.0 / (noise + self.given)
        off = (self.outcomes - means[self.rows]) ** 2
        value = -np.log(weights).sum() - np.log(variances).sum() + weights @ off
        slope = weights.sum() - (self.slopes(noise)[1] / variances).sum() - weights**2 @ off
        return 0.5 * float(value), 0.5 * float(slope)

    def of(self, rows: Indices) -> Readings | None:
        """Those of some rows (rising), which are numbered anew; None where there are none."""
        place = np.full(self.count, -1)
        known = rows[rows < self.count]
        place[known] = np.arange(len(known))
        kept = place[self.rows] >= 0
        if not kept.any():
            return None
        return Readings(place[self.rows[kept]], self.outcomes[kept], self.given[kept])


@dataclass(frozen=True)
class Told:
    """What the measurements say, one row for each point."""

    points: Array
    outcomes: Array
    given: Array
    """Variances that are known, 0 where none is."""
    share: Array = field(default_factory=lambda: np.empty(0))
    """Of the inferred noise variance, the part that each row carries; 1 where left out."""
    within: tuple[int, float] = (0, 0.0)
    """Degrees of freedom and sum of squares of the scatter within replicates."""
    readings: Readings | None = None
    """Where readings of one point have standard deviations: all of them; outcomes and given are then those without any
    further noise."""
    rows: Indices = field(default_factory=lambda: np.empty(0, dtype=np.intp))
    """The row of each measurement."""

    def __post_init__(self) -> None:
        if not len(self.share):
            object.__setattr__(self, "share", np.ones(len(self.outcomes)))


def merge(points: Array, outcomes: Array, given: Array | None = None) -> Told:
    """One row for each distinct point, in the order in which the points first came. `given`: variances (above 0), where
    they are known.
    """
    if not len(points):
        return Told(points, outcomes, np.zeros(0))
    _, first, inverse = np.unique(points, axis=0, return_index=True, return_inverse=True)
    order = np.argsort(first, kind="stable")
    place = np.empty(len(order), dtype=np.intp)
    place[order] = np.arange(len(order))
    row = place[inverse.reshape(-1)]
    if given is not None:
        if len(order) == len(points):
            return Told(points, outcomes, given, rows=row)
        readings = Readings(row, outcomes, given)
        means, variances = readings.merged(0.0)
        return Told(points[first[order]], means, variances, readings=readings, rows=row)
    counts = np.bincount(row).astype(np.float64)
    means = np.bincount(row, weights=outcomes) / counts
    scatter = float(((outcomes - means[row]) ** 2).sum())
    return Told(
        points[first[order]],
        means,
        np.zeros(len(order)),
        1.0 / counts,
        (len(outcomes) - len(order), scatter),
        rows=row,
    )
