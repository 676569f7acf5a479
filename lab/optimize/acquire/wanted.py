"""What a campaign's options (`lab.optimize.options`) make of the question which point is worth most."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from lab.optimize.acquire.cost import Cheapness, cheapness, checked_cost
from lab.optimize.acquire.informed import Informed
from lab.optimize.acquire.likely import Likely
from lab.optimize.acquire.noisy import NoisyImprovement, baseline
from lab.optimize.acquire.total import Total
from lab.optimize.model.families import MANY
from lab.optimize.options import Options
from lab.optimize.sobol import derived_seed, normal_points
from lab.optimize.space import Category
from lab.optimize.space.sampling import sample

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lab.optimize.acquire.cost import CostOf
    from lab.optimize.domain import Acquisition, Array
    from lab.optimize.history import TrialRecord
    from lab.optimize.model import FittedModel
    from lab.optimize.options import Fidelity
    from lab.optimize.space import Setting
    from lab.optimize.space.region import Region

__all__ = ["Wanted"]

_DRAWS = 64
_SLACK = 1.0 + 1e-9
"""Of sums of costs."""
_BASELINE = 32
"""Tested points whose outcome is drawn; the others can hardly be the best."""
_WARY = 2.0
"""How many standard deviations of the outcome the unknown is expected to be worse, where a point is sought warily."""
_WARY_TRIALS = 4
"""Trials per factor from which on none is: by then the model's mean has learned what the unknown is like."""
_FEW = 3
"""Factors up to which the first trials cover the space and leave little unknown: there it gained nothing."""


class Wanted:
    """One campaign's question, asked for each point of a batch. Use within `single_threaded`."""

    def __init__(
        self,
        model: FittedModel,
        region: Region,
        records: Sequence[TrialRecord],
        options: Options | None,
        cost_of: CostOf | None,
        seed: int,
    ) -> None:
        self.model = model
        self.options = options or Options()
        self._cost_of = cost_of
        weighed = self.options.per_cost or cost_of is not None
        space = model.space

        def lawful(count: int) -> list[dict[str, Setting]]:
            return [
                space.values(row) for row in sample(region, derived_seed("cost", seed), 0, count)
            ]

        self.cheap: Cheapness | None = (
            cheapness(space, records, cost_of, lawful) if weighed else None
        )
        self._tried = [
            (space.points([record.factors]), self._place(record.fidelity))
            for record in records
            if record.status == "pending" and self.options.fidelities
        ]
        self._ways = [record.fidelity for record in records if record.status != "aborted"]
        self.base = self._base()

    def _base(self) -> Array:
        model = self.model
        if not self.options.accuracy:
            return baseline(model.mixture, model.measured, _BASELINE)
        means, deviations = self.moments(model.measured)
        hopes = model.sign * np.array(means) + np.array(deviations)
        return model.measured[np.argsort(-hopes, kind="stable")[:_BASELINE]]

    def _place(self, fidelity: str | None) -> int | None:
        """The column of a lower fidelity; None of the target."""
        names = [one.name for one in self.options.fidelities[:-1]]
        return names.index(fidelity) if fidelity in names else None

    def moments(self, points: Array) -> tuple[list[float], list[float]]:
        """Mean and standard deviation of what is sought at n x d points, in the outcome's unit."""
        if not self.options.accuracy:
            return self.model.predict(points)
        from lab.optimize.acquire.robust import robust_moments

        return robust_moments(self.model, self.options, points)

    def wary_at(self, place: int) -> bool:
        """Whether the point at this place of the batch is sought warily, near what is known to be good: at first every
        second one. The model knows nothing yet of most of the space and hopes for the best there, so without them a
        campaign begins with the ends of its ranges (docs/explanation/optimiser.md). An untried choice is no such end.
        """
        factors, options = self.model.space.factors, self.options
        early = len(self.model.tested) < _WARY_TRIALS * len(factors)
        numbers = not any(isinstance(one, Category) for one in factors)
        asked = options.fidelities or options.accuracy
        return early and place % 2 == 0 and numbers and _FEW < len(factors) <= MANY and not asked

    def routes(
        self, taken: Array, seed: int, *, wary: bool = False
    ) -> list[tuple[str | None, Acquisition]]:
        """Each way to measure with what a point is worth by it; one way, None, where there are no fidelities. `taken`:
        points that are being tried at the target, n x d.
        """
        promise = self._promise(taken, seed, wary)
        if self.cheap is not None:
            promise = Total((promise, self.cheap))
        joined = self.model.joined
        if not self.options.fidelities or joined is None:
            return [(None, promise)]
        found: list[tuple[str | None, Acquisition]] = []
        for one in self._allowed():
            informed = Informed(joined.whole, joined.share, self._place(one.name), self._tried)
            found.append((one.name, Total((promise, informed), -math.log(one.cost))))
        return found

    def _allowed(self) -> list[Fidelity]:
        """The target, and lower fidelities while all of them together have cost no more than it: only trials at the target
        show what they are worth, so one that says nothing can't keep a campaign from them.
        """
        *lower, target = self.options.fidelities
        costs = {one.name: one.cost for one in self.options.fidelities}
        at_target = target.cost * self._ways.count(target.name)
        below = sum(costs[way] for way in self._ways if way and way != target.name)
        return [*(one for one in lower if below + one.cost <= at_target * _SLACK), target]

    def _promise(self, taken: Array, seed: int, wary: bool) -> Acquisition:
        model = self.model
        if self.options.accuracy:
            from lab.optimize.acquire.robust import RobustImprovement

            promise: Acquisition = RobustImprovement(model, self.options, self.base, taken, seed)
        else:
            normals = normal_points(seed, _DRAWS, len(self.base) + len(taken))
            mixture = model.mixture.wary(_WARY) if wary else model.mixture
            promise = NoisyImprovement(mixture, self.base, taken, normals)
        for one in model.chances:
            promise = Likely(promise, one)
        return promise

    def tried(self, point: Array, fidelity: str | None) -> None:
        """A point (d) of this batch is settled."""
        self._tried.append((point.reshape(1, -1), self._place(fidelity)))
        self._ways.append(fidelity)

    def cost(
        self, factors: Mapping[str, Setting], point: Array, fidelity: str | None
    ) -> float | None:
        """What a trial is expected to cost; None where nobody asks."""
        if fidelity is not None:
            return next(one.cost for one in self.options.fidelities if one.name == fidelity)
        if self._cost_of is not None:
            return checked_cost(self._cost_of, factors)
        return None if self.cheap is None else self.cheap.cost(point)
