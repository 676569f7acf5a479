"""Finding hyperparameters: from the modes of the priors, on few points first, then on more.

A fit of n points costs n^3; most of its steps are spent far from the optimum, where a part of the
points points the same way. So the search begins on a spread subset and ends on all of them (on 300
where there are more). The result is a function of the measurements alone, so that a replay finds
the same.
"""

# scipy has no type stubs.
# pyright: reportUnknownMemberType=false, reportMissingTypeStubs=false, reportUnknownVariableType=false

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, cast

import numpy as np
from scipy.optimize import minimize

from lab.optimize.model.families import APART
from lab.optimize.model.kernel import squared_distances
from lab.optimize.model.likelihood import objective
from lab.optimize.model.process import Process, make_process

if TYPE_CHECKING:
    from lab.optimize.domain import Array
    from lab.optimize.model.families import Family
    from lab.optimize.model.likelihood import Problem

__all__ = ["COARSE", "fit_family", "spread_subset", "subset"]

COARSE = 100
"""Points on which a fit begins where there are more."""
FINE = 300
"""Points above which hyperparameters are learned from a part."""

_SHORTEST = math.log(0.025)
_LONGEST = math.log(1e3)
_LEAST_NOISE = math.log(1e-4)
_MOST_NOISE = math.log(10.0)


def start_of(family: Family, problem: Problem) -> Array:
    """The modes of the priors. One start, not several: the better of two optima is often the one with
    a tiny lengthscale in one column, which fits best and predicts worst."""
    count = problem.lengthscales
    theta = np.full(count + 1 + (family.scale is not None), math.log(family.lengthscale.mode))
    theta[count - problem.apart : count] = math.log(APART.mode)
    theta[count] = -4.0
    if family.scale is not None:
        theta[count + 1] = math.log(family.scale.mode)
    return theta


def climb(family: Family, problem: Problem, start: Array, iterations: int) -> tuple[Array, float]:
    """The local optimum near `start` and minus its log density (infinite if nothing could be computed)."""
    count = problem.lengthscales
    bounds = [(_SHORTEST, _LONGEST)] * count + [(_LEAST_NOISE, _MOST_NOISE)]
    if family.scale is not None:
        bounds.append((math.log(1e-2), math.log(1e3)))

    def downhill(theta: Array) -> tuple[float, Array]:
        return objective(family, problem, theta)

    result = minimize(
        downhill,
        np.clip(start, *np.array(bounds).T),
        jac=True,
        method="L-BFGS-B",
        bounds=bounds,
        options={"maxiter": iterations, "ftol": 1e-7, "gtol": 1e-3, "maxcor": 8},
    )
    return cast("Array", result.x), float(cast("float", result.fun))


def subset(problem: Problem, rows: np.ndarray[tuple[int], np.dtype[np.intp]]) -> Problem:
    """The same problem with some of its measurements."""
    return replace(
        problem,
        points=problem.points[rows],
        outcomes=problem.outcomes[rows],
        given=problem.given[rows],
        share=problem.share[rows],
        readings=None if problem.readings is None else problem.readings.of(rows),
    )


def spread_subset(problem: Problem, size: int) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    """`size` rows in rising order: the best third, the rest spread (farthest point first)."""
    n = len(problem.outcomes)
    chosen = list(np.argsort(-problem.outcomes, kind="stable")[: size // 3])
    nearest = squared_distances(problem.points, problem.points[chosen]).min(axis=1)
    while len(chosen) < min(size, n):
        row = int(np.argmax(nearest))
        chosen.append(row)
        gap = squared_distances(problem.points, problem.points[row : row + 1])[:, 0]
        nearest = np.minimum(nearest, gap)
        nearest[row] = -1.0
    return np.array(sorted(int(row) for row in chosen), dtype=np.intp)


def fit_family(family: Family, problem: Problem) -> tuple[Process, bool]:
    """The process of the most probable hyperparameters, or, with False, that of the priors' modes where
    they could not be found."""
    n = len(problem.outcomes)
    small = subset(problem, spread_subset(problem, COARSE)) if n > COARSE else problem
    start = start_of(family, problem)
    theta, value = climb(family, small, start, 60)
    if n > COARSE:
        fine = subset(problem, spread_subset(problem, FINE)) if n > FINE else problem
        theta, value = climb(family, fine, theta, 12)
    if not (math.isfinite(value) and np.isfinite(theta).all()):
        return make_process(family, problem, start), False
    return make_process(family, problem, theta), True
