"""Where an acquisition is highest in the unit cube: many points scored, the best climb together."""

# scipy has no type stubs.
# pyright: reportUnknownMemberType=false, reportMissingTypeStubs=false, reportUnknownVariableType=false

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np
from scipy.optimize import minimize

from lab.optimize.model.kernel import squared_distances
from lab.optimize.sobol import sobol_points

if TYPE_CHECKING:
    from lab.optimize.domain import Acquisition, Array

__all__ = ["choose_starts", "climb", "maximise"]

_RAW = 512
_STARTS = 8
_APART = 0.1
"""Least distance of two starts."""
_ITERATIONS = 60
_AROUND = ((0.1, 16), (0.02, 16))
"""Scatter around good tested points, as standard deviation and count for each."""


def choose_starts(points: Array, values: Array, count: int, apart: float) -> Array:
    """Up to `count` of the points by falling value, no two nearer than `apart`."""
    order = np.argsort(-values, kind="stable")
    chosen = [int(order[0])]
    gap = squared_distances(points, points[chosen])[:, 0]
    for row in order[1:]:
        if len(chosen) == count:
            break
        if gap[row] > apart**2:
            chosen.append(int(row))
            gap = np.minimum(gap, squared_distances(points, points[row : row + 1])[:, 0])
    return points[chosen]


def climb(acquisition: Acquisition, starts: Array) -> tuple[Array, Array]:
    """Local maxima in the unit cube and their values; all starts climb in one L-BFGS run."""
    shape = starts.shape

    def downhill(flat: Array) -> tuple[float, Array]:
        values, gradients = acquisition.value_and_gradient(flat.reshape(shape))
        return -float(values.sum()), -gradients.reshape(-1)

    result = minimize(
        downhill,
        starts.reshape(-1),
        jac=True,
        method="L-BFGS-B",
        bounds=[(0.0, 1.0)] * starts.size,
        options={"maxiter": _ITERATIONS, "ftol": 1e-6, "gtol": 1e-4},
    )
    points = cast("Array", result.x).reshape(shape)
    return points, acquisition.value(points)


def maximise(acquisition: Acquisition, around: Array, seed: int) -> tuple[Array, Array]:
    """Local maxima and their values, from Sobol points and points scattered around some good ones."""
    dimension = around.shape[1]
    raw = [np.array(sobol_points(seed, 0, _RAW, dimension))]
    generator = np.random.Generator(np.random.PCG64(seed))
    for spread, count in _AROUND:
        centres = np.repeat(around, count, axis=0)
        raw.append(np.clip(centres + spread * generator.standard_normal(centres.shape), 0.0, 1.0))
    points = np.concatenate(raw)
    return climb(acquisition, choose_starts(points, acquisition.value(points), _STARTS, _APART))
