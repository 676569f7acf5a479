"""Correlation of two outcomes as a function of the scaled squared distance of their points.

Both are stationary with a lengthscale per column (or per group of columns); `r2` below is
`sum_j ((x_j - y_j) / lengthscale_j)^2`. Rasmussen and Williams, Gaussian Processes for Machine
Learning (2006), equations 4.9 and 4.17.
"""

# The annotations of numpy's einsum have holes.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from lab.optimize.domain import Array

__all__ = ["Shape", "correlation", "correlation_and_slope", "squared_distances"]

Shape = Literal["matern52", "rbf"]

_ROOT_5 = math.sqrt(5.0)


def squared_distances(first: Array, second: Array) -> Array:
    """Squared Euclidean distances of the rows, n x k; never below zero by rounding."""
    squares = np.einsum("ij,ij->i", first, first)[:, None] + np.einsum("ij,ij->i", second, second)
    squares -= 2.0 * (first @ second.T)
    return np.maximum(squares, 0.0, out=squares)


def correlation(shape: Shape, r2: Array) -> Array:
    """The kernel at scaled squared distances; 1 at 0."""
    if shape == "rbf":
        return np.exp(-0.5 * r2)
    r = _ROOT_5 * np.sqrt(r2)
    return (1.0 + r + r * r / 3.0) * np.exp(-r)


def correlation_and_slope(shape: Shape, r2: Array) -> tuple[Array, Array]:
    """The kernel and its derivative by `r2` (finite at 0 for both shapes)."""
    if shape == "rbf":
        value = np.exp(-0.5 * r2)
        return value, -0.5 * value
    r = _ROOT_5 * np.sqrt(r2)
    decay = np.exp(-r)
    linear = (1.0 + r) * decay
    return linear + (r * r / 3.0) * decay, (-5.0 / 6.0) * linear
