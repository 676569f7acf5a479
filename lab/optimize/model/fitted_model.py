"""What the fitted process says of a campaign, in the outcome's unit."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lab.optimize.domain import Array
    from lab.optimize.history import TrialRecord
    from lab.optimize.model.bounded import Bounds
    from lab.optimize.model.grades import Grades
    from lab.optimize.model.joined import Joined
    from lab.optimize.model.mixture import Mixture
    from lab.optimize.model.success import Success
    from lab.optimize.model.warp import Warp
    from lab.optimize.options import Options
    from lab.optimize.space import Space

__all__ = ["FittedModel", "times_chance"]


@dataclass(frozen=True)
class FittedModel:
    """A fitted process with its scalings. Use within `single_threaded`, as the functions here do."""

    mixture: Mixture
    given: bool
    """True if the standard deviations of the trials are believed."""
    space: Space
    warp: Warp
    measured: Array
    """Unit cube coordinates of the trials that gave a value (zeros of their own left out), `k x d`; of replicates once."""
    tested: Array
    """The same of the trials that gave a value, then of zeros, then of those that failed, `n x d`."""
    pending: Array
    """The same of the pending trials, `p x d`."""
    success: Success | None
    """How probable a value is at all; None while nothing failed."""
    converged: bool
    """False if the hyperparameters could not be fitted and stand at the modes of their priors."""
    outliers: tuple[TrialRecord, ...] = ()
    """Trials whose outcome the others contradict; the model was not told of them."""
    joined: Joined | None = None
    """Where rows of lower fidelities were told as well."""
    above: Success | None = None
    """How probable it is that an outcome is above zero, where zeros have reasons of their own; the rest is what it is then."""
    grades: Grades | None = None
    """Where outcomes are grades; the warp is none then."""
    bounds: Bounds | None = None
    """Of the rows of `measured` of which only bounds are known."""
    rows: Mapping[int, int] = field(default_factory=dict[int, int])
    """Of each trial that gave something (also zero) the row of `tested`."""

    @property
    def chances(self) -> tuple[Success, ...]:
        """What must go well for a trial to give a value, and one above zero."""
        return tuple(one for one in (self.success, self.above) if one is not None)

    @property
    def sign(self) -> float:
        """-1 where less is better."""
        return self.warp.sign

    def predict(self, points: Array) -> tuple[list[float], list[float]]:
        """Mean and standard deviation of the noise-free outcome, in its unit, at `n x d` points."""
        means, deviations = self.in_unit(*self.mixture.mean_and_variance(points))
        if self.above is None:
            return means, deviations
        chance = np.exp(self.above.log_chance(points))
        found = times_chance(chance, np.array(means), np.array(deviations))
        return found[0].tolist(), found[1].tolist()

    def better(self, point: Array, value: float) -> float | None:
        """The probability that the outcome at a point (1 x d) is better than this value, where it is a grade or may be
        zero; None of other outcomes.
        """
        mean, variance = (float(part[0]) for part in self.mixture.mean_and_variance(point))
        if self.grades is not None:
            return self.grades.better(mean, variance, value)
        if self.above is None:
            return None
        chance = float(np.exp(self.above.log_chance(point)[0]))
        gap = mean - float(self.warp.forward(np.array([value]))[0])
        return chance * 0.5 * math.erfc(-gap / math.sqrt(2.0 * variance))

    def believed(
        self, records: Sequence[TrialRecord], options: Options | None
    ) -> list[TrialRecord]:
        """The trials whose value the model was told: measured at the target, and contradicted by nothing."""
        return [
            record
            for record in records
            if record.status == "done"
            and record not in self.outliers
            and (options is None or options.is_target(record))
        ]

    def in_unit(self, means: Array, variances: Array) -> tuple[list[float], list[float]]:
        """Means and variances on the model's scale as means and standard deviations in the outcome's unit; of zeros that
        have their own reasons nothing is in them."""
        shown, deviations = (self.grades or self.warp).moments(means, variances)
        return shown.tolist(), deviations.tolist()


def times_chance(chance: Array, means: Array, deviations: Array) -> tuple[Array, Array]:
    """Mean and standard deviation of what is zero, or else has these."""
    mean = chance * means
    square = chance * (deviations**2 + means**2)
    return mean, np.sqrt(np.maximum(square - mean**2, 0.0))
