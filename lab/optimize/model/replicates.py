"""Replicates as one measurement each, with nothing lost: their mean, their count, and their scatter.

The likelihood of n readings at k points with one noise variance is that of the k means (with a variance divided by
the count) times that of the scatter within (`lab.optimize.model.likelihood`), so the fit is the same and
costs k^3 instead of n^3.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from lab.optimize.domain import Array

__all__ = ["Told", "merge"]


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

    def __post_init__(self) -> None:
        if not len(self.share):
            object.__setattr__(self, "share", np.ones(len(self.outcomes)))


def merge(points: Array, outcomes: Array) -> Told:
    """One row for each distinct point, in the order in which the points first came."""
    if not len(points):
        return Told(points, outcomes, np.zeros(0))
    _, first, inverse = np.unique(points, axis=0, return_index=True, return_inverse=True)
    order = np.argsort(first, kind="stable")
    place = np.empty(len(order), dtype=np.intp)
    place[order] = np.arange(len(order))
    row = place[inverse.reshape(-1)]
    counts = np.bincount(row).astype(np.float64)
    means = np.bincount(row, weights=outcomes) / counts
    scatter = float(((outcomes - means[row]) ** 2).sum())
    return Told(
        points[first[order]],
        means,
        np.zeros(len(order)),
        1.0 / counts,
        (len(outcomes) - len(order), scatter),
    )
