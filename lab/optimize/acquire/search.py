"""prototype"""
# pyright: basic
from __future__ import annotations

import numpy as np
from scipy.optimize import minimize

from lab.optimize.model.kernel import squared_distances

def choose_starts(points, values, count, separation):
    order = np.argsort(-values, kind="stable")
    chosen = [int(order[0])]
    gap = squared_distances(points, points[chosen])[:, 0]
    for row in order[1:]:
        if len(chosen) == count:
            break
        if gap[row] > separation**2:
            chosen.append(int(row))
            gap = np.minimum(gap, squared_distances(points, points[row : row + 1])[:, 0])
    return np.array(chosen)


def climb_box(acquisition, starts, low, high, iterations):
    shape = starts.shape

    def run(flat):
        value, gradient = acquisition.value_and_gradient(flat.reshape(shape))
        return -value.sum(), -gradient.reshape(-1)

    bounds = list(zip(np.tile(low, shape[0]), np.tile(high, shape[0])))
    result = minimize(run, starts.reshape(-1), jac=True, method="L-BFGS-B", bounds=bounds,
                      options={"maxiter": iterations, "ftol": 1e-6, "gtol": 1e-4, "maxcor": 10})
    points = result.x.reshape(shape)
    return points, acquisition.value(points)
