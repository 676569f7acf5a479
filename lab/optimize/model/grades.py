"""Grades (clear, hazy, precipitate) as what is seen of a number that is not measured: between two cut points it is one
grade (ordinal probit regression; of Gaussian processes Chu and Ghahramani 2005, J. Mach. Learn. Res. 6, 1019).

The cut points are where a standard normal number would have the shares of the grades that were seen, so levels need not be
equally far apart, and a grade that nobody has seen yet keeps a place. Noise makes grades near a cut point uncertain.
"""

# scipy has no type stubs.
# pyright: reportUnknownMemberType=false, reportMissingTypeStubs=false, reportUnknownVariableType=false

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np
from scipy.special import ndtr, ndtri

from lab.optimize.model.bounded import Bounds

if TYPE_CHECKING:
    from lab.optimize.domain import Array

__all__ = ["NOISE", "Grades", "fit_grades"]

NOISE = 0.1
"""Variance of what a grade is read from, beside 1 for what lies behind it."""
_UNSEEN = 0.5
"""Of a trial: what every grade is taken to have been seen beside the trials."""


@dataclass(frozen=True)
class Grades:
    """Cut points on the model's scale, rising, on which more is better; values are places from 0 to the count of cut
    points. `sign`: -1 where the lowest grade is the best."""

    sign: float
    cuts: Array

    def _places(self, values: Array) -> Array:
        return values if self.sign > 0 else len(self.cuts) - values

    def bounds(self, values: Array) -> Bounds:
        """Between what the grades lie; rows from 0."""
        ends = np.concatenate([[-np.inf], self.cuts, [np.inf]])
        place = self._places(values).astype(np.intp)
        noise = np.full(len(values), NOISE)
        return Bounds(0, ends[place], ends[place + 1], noise, inferred=False)

    def chances(self, means: Array, variances: Array) -> Array:
        """Of each grade, in the order of their values, n x grades."""
        sd = np.sqrt(np.maximum(variances, 1e-12))[:, None]
        below = cast("Array", ndtr((self.cuts - means[:, None]) / sd))
        edge = np.zeros((len(means), 1))
        chances = np.diff(np.concatenate([edge, below, edge + 1.0], axis=1), axis=1)
        return chances if self.sign > 0 else chances[:, ::-1]

    def moments(self, means: Array, variances: Array) -> tuple[Array, Array]:
        """Mean and standard deviation of the grade's place where what lies behind has these."""
        chances, places = self.chances(means, variances), np.arange(len(self.cuts) + 1.0)
        mean = chances @ places
        return mean, np.sqrt(np.maximum(chances @ places**2 - mean**2, 0.0))

    def better(self, mean: float, variance: float, value: float) -> float:
        """The probability of a better grade than this one."""
        place = int(self._places(np.array([value]))[0])
        if place == len(self.cuts):
            return 0.0
        return float(ndtr((mean - self.cuts[place]) / np.sqrt(max(variance, 1e-12))))


def fit_grades(values: Array, count: int, sign: float) -> Grades:
    """From the grades that were seen (at least one), of `count` that there are."""
    seen = np.bincount(values.astype(np.intp), minlength=count) + _UNSEEN
    seen = seen if sign > 0 else seen[::-1]
    shares = np.cumsum(seen)[:-1] / seen.sum()
    return Grades(sign, np.sqrt(1.0 + NOISE) * cast("Array", ndtri(shares)))
