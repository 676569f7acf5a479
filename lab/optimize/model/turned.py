"""A fitted process in as few columns as its points need.

A kernel of distances does not know in which directions its columns point. Twelve ligands with a hundred descriptors lie in
eleven directions at most, so all that is computed from distances can be computed from those, at a tenth of the cost.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from lab.optimize.domain import Array
    from lab.optimize.model.process import Process

__all__ = ["Turned", "turn"]

_NOTHING = 1e-13
"""Of the largest spread (squared): directions with less hold rounding alone."""


@dataclass(frozen=True)
class Turned:
    """`process` believes of `points(x)` what the original believes of `x`."""

    process: Process
    axes: Array
    """What a point (not scaled) is multiplied by, d x r."""

    def points(self, points: Array) -> Array:
        """n x r, for n x d points that lie in the directions of those that it was made for."""
        return points @ self.axes


def turn(process: Process, points: Array | None) -> Turned:
    """For the measured points and these (not scaled, n x d). The columns stay as they are for None, and where fewer
    would not do."""
    dimension = len(process.lengths)
    if points is None:
        return Turned(process, np.eye(dimension))
    scaled = np.concatenate([process.scaled, points / process.lengths])
    spreads, directions = np.linalg.eigh(scaled.T @ scaled)
    kept = spreads > _NOTHING * max(float(spreads[-1]), 1.0)
    if kept.sum() == dimension:
        return Turned(process, np.eye(dimension))
    chosen = directions[:, kept]
    flat = replace(process, scaled=process.scaled @ chosen, lengths=np.ones(chosen.shape[1]))
    return Turned(flat, chosen / process.lengths[:, None])
