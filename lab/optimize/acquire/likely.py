"""An acquisition where trials can fail: what a point promises, times the chance that it gives a value at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lab.optimize.domain import Acquisition, Array
    from lab.optimize.model.success import Success

__all__ = ["Likely"]


@dataclass(frozen=True)
class Likely:
    """`promise` (a logarithm) plus the logarithm of the chance of success; an `Acquisition` itself."""

    promise: Acquisition
    success: Success

    def value(self, points: Array) -> Array:
        return self.promise.value(points) + self.success.log_chance(points)

    def value_and_gradient(self, points: Array) -> tuple[Array, Array]:
        value, gradient = self.promise.value_and_gradient(points)
        chance, slope = self.success.log_chance_and_gradient(points)
        return value + chance, gradient + slope
