"""How probable it is that a trial at a point gives a value at all, learned from those that did and those that failed.

Least-squares classification (Rasmussen and Williams 2006, section 6.5): a Gaussian process of the labels 1 (gave a value)
and -1 (failed), and of its prediction the probability to be above zero. Far from all trials that is near the share
of trials that worked, so unknown places stay worth a try.
"""

# scipy has no type stubs.
# pyright: reportUnknownMemberType=false, reportMissingTypeStubs=false, reportUnknownVariableType=false

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np
from scipy.special import log_ndtr

from lab.optimize.model.families import default_families
from lab.optimize.model.fit import fit_family
from lab.optimize.model.likelihood import Problem

if TYPE_CHECKING:
    from lab.optimize.domain import Array, Indices
    from lab.optimize.model.process import Process

__all__ = ["Success", "fit_success"]

_HALF_LOG_2PI = 0.5 * math.log(2.0 * math.pi)


@dataclass(frozen=True)
class Success:
    """The fitted labels. Points are those of the model, n x d in the unit cube."""

    process: Process

    def log_chance(self, points: Array) -> Array:
        """The logarithm of the probability of a value, n."""
        mean, variance = self.process.mean_and_variance(points)
        return cast("Array", log_ndtr(mean / np.sqrt(variance + self.process.noise)))

    def log_chance_and_gradient(self, points: Array) -> tuple[Array, Array]:
        """The same with its n x d gradient."""
        mean, by_mean, variance, by_variance = self.process.mean_and_variance_with_gradients(points)
        sd = np.sqrt(variance + self.process.noise)
        z = mean / sd
        value = cast("Array", log_ndtr(z))
        slope = np.exp(-0.5 * z * z - _HALF_LOG_2PI - value)
        by_z = by_mean / sd[:, None] - (0.5 * z / sd**2)[:, None] * by_variance
        return value, slope[:, None] * by_z


def fit_success(worked: Array, failed: Array, groups: Indices) -> Success | None:
    """Of the points (unit cube, n x d) of trials that gave a value and of those that failed, at least one of the
    first; None where nothing failed. `groups`: the lengthscale of each column. Call within `single_threaded`.
    """
    if not len(failed):
        return None
    count = len(worked) + len(failed)
    problem = Problem(
        points=np.concatenate([worked, failed]),
        outcomes=np.repeat([1.0, -1.0], [len(worked), len(failed)]),
        given=np.zeros(count),
        share=np.ones(count),
        groups=groups,
    )
    process, _ = fit_family(default_families(problem.lengthscales)[0], problem)
    return Success(process)
