"""Acquisitions that add up. All are logarithms, so a sum weighs what a point promises by how much of it counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lab.optimize.domain import Acquisition, Array

__all__ = ["Total"]


@dataclass(frozen=True)
class Total:
    """The sum of at least one acquisition and a constant; an `Acquisition` itself."""

    parts: Sequence[Acquisition]
    constant: float = 0.0

    def value(self, points: Array) -> Array:
        total = self.parts[0].value(points) + self.constant
        for part in self.parts[1:]:
            total = total + part.value(points)
        return total

    def value_and_gradient(self, points: Array) -> tuple[Array, Array]:
        total, gradient = self.parts[0].value_and_gradient(points)
        total = total + self.constant
        for part in self.parts[1:]:
            value, slope = part.value_and_gradient(points)
            total, gradient = total + value, gradient + slope
        return total, gradient
