"""What the trials that gave something are to the process: values, bounds (of grades, and of results beyond the range), and
zeros that have reasons of their own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from lab.optimize.model.bounded import Bounds, measured_within
from lab.optimize.model.grades import Grades, fit_grades
from lab.optimize.model.likelihood import Problem
from lab.optimize.model.replicates import Told, merge
from lab.optimize.model.warp import Warp, fit_warp

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lab.optimize.domain import Array, Indices
    from lab.optimize.history import Side

__all__ = ["Results", "Seen", "see"]

_SMALLEST_GIVEN_NOISE = 1e-6
_FEWEST = 2
"""Values above zero below which zeros are values like others."""
_OWN_SCALE = 5
"""Values at the target that say its level and scale without those of lower fidelities."""
_PLAIN = Warp(1.0, 0.0, 1.0, 1.0, 0.0, 1.0)


@dataclass(frozen=True)
class Results:
    """Of n trials that gave something: points of the unit cube n x d, values and standard deviations (0 where none is
    known) in their unit, and on which side of its value a result lies that is beyond the range."""

    points: Array
    values: Array
    deviations: Array
    sides: Sequence[Side | None]


@dataclass(frozen=True)
class Seen:
    """The same on the model's scale. Rows are those of `exact`, then of `bounds`, then of `zeros`."""

    warp: Warp
    grades: Grades | None
    exact: Told
    bounds: Bounds | None
    given: bool
    """True if the standard deviations are believed."""
    measured: Array
    """Points of `exact` and `bounds`."""
    zeros: Array
    """Points of zeros."""
    rows: Indices
    """The row of each trial."""

    def problem(self, lost: Array, groups: Indices, doubt: float) -> Problem:
        """With what is lost (points) as the worst value, with this variance beside the usual one of a trial."""
        outcomes, known = self.exact.outcomes, self.exact.given
        share = self.exact.share
        if self.bounds is not None:
            told, variances = measured_within(self.bounds)
            outcomes, known = np.concatenate([outcomes, told]), np.concatenate([known, variances])
            share = np.concatenate([share, np.zeros(len(told))])
        usual = float(np.median(self.exact.given)) if len(self.exact.given) else 0.0
        return Problem(
            points=np.concatenate([self.measured, lost]),
            outcomes=np.concatenate([outcomes, np.full(len(lost), outcomes.min())]),
            given=np.concatenate([known, np.full(len(lost), usual + doubt)]),
            share=np.concatenate([share, np.ones(len(lost))]),
            groups=groups,
            within=self.exact.within,
            readings=self.exact.readings,
        )


def see(
    results: Results, sign: float, others: Sequence[Array], levels: Sequence[str], *, zeros: bool
) -> Seen:
    """`sign`: -1 where less is better. `others`: values of lower fidelities, which share the scale. `levels`: of grades.
    `zeros`: whether zeros have reasons of their own.
    """
    values = results.values
    empty = np.zeros(len(values), dtype=bool)
    if zeros and (values > 0.0).sum() >= _FEWEST:
        empty = values == 0.0
    beyond = np.array([side is not None for side in results.sides])
    bounded = ~empty & (beyond | bool(levels))
    exact = ~empty & ~bounded
    grades, given = None, None
    if levels:
        warp = replace(_PLAIN, sign=sign)
        grades = fit_grades(values, len(levels), sign)
    else:
        # What lower fidelities told must not bend the scale on which the target is believed, once it has one of its own.
        own = values[~empty]
        warp = fit_warp(own if len(own) >= _OWN_SCALE else np.concatenate([own, *others]), sign)
        given = _given_noise(warp, values, results.deviations)
    outcomes = warp.forward(values)
    told = merge(results.points[exact], outcomes[exact], None if given is None else given[exact])
    bounds = None
    if grades is not None:
        bounds = grades.bounds(values)
    elif bounded.any():
        up = np.array([side == ("above" if sign > 0 else "below") for side in results.sides])
        bounds = Bounds(
            start=len(told.points),
            low=np.where(up, outcomes, -np.inf)[bounded],
            high=np.where(up, np.inf, outcomes)[bounded],
            noise=np.zeros(int(bounded.sum())) if given is None else given[bounded],
            inferred=True,
        )
    measured = np.concatenate([told.points, results.points[bounded]])
    rows = np.empty(len(values), dtype=np.intp)
    rows[exact] = told.rows
    rows[bounded] = len(told.points) + np.arange(bounded.sum())
    rows[empty] = len(measured) + np.arange(empty.sum())
    return Seen(
        warp, grades, told, bounds, given is not None, measured, results.points[empty], rows
    )


def _given_noise(warp: Warp, values: Array, deviations: Array) -> Array | None:
    """Noise variances on the model's scale, or None if they must be inferred.

    Standard deviations are believed only if they are smaller than the spread of the outcomes: larger ones mean a wrong
    unit, or that nothing can be learned anyway. A trial without one has the usual one, the median. What they
    leave out (dosing, ageing) is inferred on top of them.
    """
    known = deviations > 0.0
    if not known.any():
        return None
    usual = float(np.median(deviations[known]))
    if usual >= warp.scale:
        return None
    return np.maximum(
        warp.variances(values, np.where(known, deviations, usual)), _SMALLEST_GIVEN_NOISE
    )
