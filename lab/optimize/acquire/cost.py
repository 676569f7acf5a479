"""What a trial costs, so that the gain per cost is sought: expected improvement per second of Snoek, Larochelle, Adams
2012 (arXiv:1206.2944), with the logarithm of the cost as a Gaussian process of its own.

Costs come with the trials, or from a function (the planner's predicted time) that is asked at some hundred lawful points:
so the search has gradients, and a slow function is not asked at each of its steps.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lab.domain.errors import InputError
from lab.optimize.model.families import default_families
from lab.optimize.model.fit import fit_family
from lab.optimize.model.likelihood import Problem
from lab.optimize.model.replicates import merge
from lab.optimize.model.warp import fit_warp

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from lab.optimize.domain import Array
    from lab.optimize.history import TrialRecord
    from lab.optimize.model.process import Process
    from lab.optimize.model.warp import Warp
    from lab.optimize.space import Setting, Space

    CostOf = Callable[[Mapping[str, Setting]], float]
    """The cost of a trial with these factors, above 0."""

__all__ = ["Cheapness", "cheapness", "checked_cost"]

_ASKED = 128
"""Lawful points at which a function of the cost is asked."""
_OWN = 64
"""Of the trials so many, the newest, are asked about beside them: a planner takes some milliseconds for each."""
_FEWEST = 3
"""Told costs below which all trials are taken as equally dear."""


@dataclass(frozen=True)
class Cheapness:
    """Minus the logarithm of the cost: an `Acquisition`."""

    process: Process
    warp: Warp

    def value(self, points: Array) -> Array:
        mean, _ = self.process.mean_and_variance(points)
        return -(self.warp.center + self.warp.scale * mean)

    def value_and_gradient(self, points: Array) -> tuple[Array, Array]:
        mean, slope, _, _ = self.process.mean_and_variance_with_gradients(points)
        scale = self.warp.scale
        return -(self.warp.center + scale * mean), -scale * slope

    def cost(self, point: Array) -> float:
        """Of a trial at one point (d)."""
        return math.exp(-float(self.value(point.reshape(1, -1))[0]))


def checked_cost(cost_of: CostOf, factors: Mapping[str, Setting]) -> float:
    """The cost that a function tells. InputError where that is no number above 0."""
    cost = cost_of(factors)
    if not (math.isfinite(cost) and cost > 0):
        shown = ", ".join(f"{name}={value}" for name, value in factors.items())
        raise InputError(
            f"a cost of {cost} of a trial with {shown}",
            hint="the cost is a finite number above 0, in one unit for all trials",
        )
    return cost


def cheapness(
    space: Space,
    records: Sequence[TrialRecord],
    cost_of: CostOf | None,
    lawful: Callable[[int], Sequence[Mapping[str, Setting]]],
) -> Cheapness | None:
    """From a function of the cost, or from the costs told; None while too few are known. `lawful`: so many trials that
    could be made. Call within `single_threaded`. InputError for a cost that is no number above 0.
    """
    if cost_of is not None:
        # What lies outside of the space (a result from elsewhere) may have no cost that is above 0.
        own = [record.factors for record in records if not space.broken(record.factors)]
        made = [*lawful(_ASKED), *own[-_OWN:]]
        return _fit(space, made, [checked_cost(cost_of, factors) for factors in made])
    told = [(record.factors, record.cost) for record in records if record.cost is not None]
    if len(told) < _FEWEST:
        return None
    return _fit(space, [factors for factors, _ in told], [cost for _, cost in told])


def _fit(space: Space, made: Sequence[Mapping[str, Setting]], costs: Sequence[float]) -> Cheapness:
    logs = np.log(np.array(costs, dtype=np.float64))
    points = space.points(made)
    warp = fit_warp(logs, 1.0, bent=False)
    told = merge(points, warp.forward(logs))
    problem = Problem(told.points, told.outcomes, told.given, told.share, space.groups, told.within)
    return Cheapness(fit_family(default_families(problem.lengthscales)[0], problem)[0], warp)
