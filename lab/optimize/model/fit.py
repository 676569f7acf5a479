"""Finding hyperparameters: every family from a few starts, on few points first, then on more.

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

from lab.optimize.model.kernel import squared_distances
from lab.optimize.model.likelihood import objective
from lab.optimize.model.process import Process, make_process

if TYPE_CHECKING:
    from lab.optimize.domain import Array
    from lab.optimize.model.families import Family
    from lab.optimize.model.likelihood import Problem

__all__ = ["fit_family", "spread_subset", "subset"]

COARSE = 100
"""Points up to which a fit starts from several points."""
FINE = 300
"""Points above which hyperparameters are learned from a part."""

_SHORTEST = math.log(0.025)
_LONGEST = math.log(1e3)
_LEAST_NOISE = math.log(1e-4)
_MOST_NOISE = math.log(10.0)


def starts(family: Family, problem: Problem) -> list[Array]:
    """Where the search begins: the mode of the priors, and the same with short lengthscales and little
    noise (the usual second optimum: the outcome is wiggly, not noisy)."""
    count = problem.lengthscales
    mode = math.log(family.lengthscale.mode)
    found: list[Array] = []
    for factor, noise in ((0.0, -4.0), (-1.0, -6.0)):
        theta = np.full(count + 1 + (family.scale is not None), mode + factor)
        theta[count] = noise
        if family.scale is not None:
            theta[count + 1] = math.log(family.scale.mode)
        found.append(theta)
    return found


def climb(family: Family, problem: Problem, start: Array, iterations: int) -> tuple[Array, float]:
    count = problem.lengthscales
    bounds = [(_SHORTEST, _LONGEST)] * count + [(_LEAST_NOISE, _MOST_NOISE)]
    if family.scale is not None:
        bounds.append((math.log(1e-2), math.log(1e3)))
    result = minimize(
        lambda theta: objective(family, problem, theta),
        np.clip(start, [low for low, _ in bounds], [high for _, high in bounds]),
        jac=True,
        method="L-BFGS-B",
        bounds=bounds,
        options={"maxiter": iterations, "ftol": 1e-7, "gtol": 1e-3, "maxcor": 8},
    )
    return cast("Array", result.x), float(result.fun)


def subset(problem: Problem, rows: np.ndarray[tuple[int], np.dtype[np.intp]]) -> Problem:
    return replace(
        problem,
        points=problem.points[rows],
        outcomes=problem.outcomes[rows],
        given=problem.given[rows],
        share=problem.share[rows],
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


def fit_family(family: Family, problem: Problem) -> tuple[Process, Array, float]:
    """The process of the most probable hyperparameters, these, and minus their log posterior density."""
    n = len(problem.outcomes)
    small = subset(problem, spread_subset(problem, COARSE)) if n > COARSE else problem
    found = [climb(family, small, start, 60) for start in starts(family, problem)]
    theta, value = min(found, key=lambda item: item[1])
    if n > COARSE:
        fine = subset(problem, spread_subset(problem, FINE)) if n > FINE else problem
        theta, value = climb(family, fine, theta, 12)
    return make_process(family, problem, theta), theta, value
