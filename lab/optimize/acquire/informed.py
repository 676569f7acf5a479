"""How much a measurement of some fidelity says of the outcome at the target, at one point.

It is the correlation of what would be measured, noise included, with the outcome at the target, given all that is known
and being tried: of the target itself near 1 where little is known, of a lower fidelity the less, the less the two have
in common, and near 0 where it was measured already. Times the improvement that is expected at the target, per cost, it
says which measurement comes next (Huang, Allen, Notz, Miller 2006, Struct. Multidisc. Optim. 32, 369, whose two factors
for fidelity and noise are one here).
"""

# scipy has no type stubs; the annotations of numpy's einsum have holes.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lab.optimize.model.kernel import correlation, squared_distances
from lab.optimize.model.process import cholesky

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lab.optimize.domain import Array
    from lab.optimize.model.process import Process

__all__ = ["Informed"]

_STEP = 1e-4
"""Of the unit cube, for the gradient."""
_LEAST = 1e-12


class Informed:
    """The logarithm of that correlation for one fidelity; an `Acquisition`."""

    def __init__(
        self,
        process: Process,
        share: float,
        fidelity: int | None,
        tried: Sequence[tuple[Array, int | None]],
    ) -> None:
        """`process`: of all rows; `share`: how much it is believed. `fidelity`: the column of a lower one, None of the
        target. `tried`: points (n x d) that are being tried, with their fidelity.
        """
        self.process, self.share = process, share
        columns = 0 if process.aside is None else process.aside.shape[1]
        lengths = np.ones(columns) if process.apart is None else process.apart
        self._codes = np.concatenate([np.eye(columns) / lengths, np.zeros((1, columns))])
        """Where a fidelity lies; the target's is the last row."""
        self._fidelity = fidelity
        aside = np.zeros((len(process.outcomes), 0)) if process.aside is None else process.aside
        self._points = np.concatenate([process.scaled, *(p / process.lengths for p, _ in tried)])
        self._aside = np.concatenate([aside, *(self._code(len(p), f) for p, f in tried)])
        noises = np.concatenate(
            [process.noises, np.full(sum(len(p) for p, _ in tried), process.noise)]
        )
        covariance = self._kernel(self._points, self._aside, self._points, self._aside)
        covariance[np.diag_indices(len(noises))] += noises
        self._lower = cholesky(covariance)
        self._root = np.linalg.inv(self._lower)

    def _code(self, count: int, fidelity: int | None) -> Array:
        return np.repeat(self._codes[-1 if fidelity is None else fidelity][None], count, axis=0)

    def _kernel(self, one: Array, aside: Array, other: Array, other_aside: Array) -> Array:
        r2 = squared_distances(one, other) + squared_distances(aside, other_aside)
        return self.process.scale * correlation(self.process.family.shape, r2)

    def value(self, points: Array) -> Array:
        scaled = points / self.process.lengths
        scale, noise = self.process.scale, self.process.noise
        here = self._kernel(scaled, self._code(len(points), None), self._points, self._aside)
        half = here @ self._root.T
        left = np.maximum(scale - np.einsum("ij,ij->i", half, half), _LEAST * scale)
        if self._fidelity is None:
            return 0.5 * np.log(left / (left + noise))
        code = self._code(1, self._fidelity)
        there = self._kernel(
            scaled, self._code(len(points), self._fidelity), self._points, self._aside
        )
        lower_half = there @ self._root.T
        apart = scale * correlation(self.process.family.shape, np.square(code).sum(axis=1))[0]
        shared = apart - np.einsum("ij,ij->i", half, lower_half)
        lower = np.maximum(scale - np.einsum("ij,ij->i", lower_half, lower_half), 0.0) + noise
        found = self.share * np.square(shared) / (left * lower)
        return 0.5 * np.log(np.maximum(found, _LEAST))

    def value_and_gradient(self, points: Array) -> tuple[Array, Array]:
        """By differences: it is smooth, and asked for at few points."""
        count, dimension = points.shape
        steps = _STEP * np.concatenate([np.eye(dimension), -np.eye(dimension)])
        around = (points[:, None] + steps[None]).reshape(-1, dimension)
        values = self.value(np.concatenate([points, around]))
        sides = values[count:].reshape(count, 2, dimension)
        return values[:count], (sides[:, 0] - sides[:, 1]) / (2.0 * _STEP)
