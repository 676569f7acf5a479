"""What a model and an acquisition may ask of each other.

Both speak of points in the unit cube, as rows of plain float64 arrays. Outcomes are always "more is
better" here: whoever reads a campaign turns the sign.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["Acquisition", "Array", "Indices"]

Array = NDArray[np.float64]
Indices = NDArray[np.intp]


class Acquisition(Protocol):
    """How much each point is worth trying next: the higher the better, usually a logarithm."""

    def value(self, points: Array) -> Array:
        """n values for n x d points, each on its own."""
        ...

    def value_and_gradient(self, points: Array) -> tuple[Array, Array]:
        """n values and their n x d gradients."""
        ...
