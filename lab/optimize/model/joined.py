"""What other measurements of the same factors say: those of earlier campaigns, and of lower fidelities.

Their rows lie aside: each group at the distance 1 in a column of its own, whose lengthscale is learned. A long one means
that the groups measure nearly the same, a short one that they have nothing in common (the correlation between tasks of
Swersky, Snoek, Adams 2013, with a kernel of distances). The process of all rows then stands beside those of the own rows
alone, and each has the say that it earns by predicting the own outcomes that it was not shown, as the ranking ensembles
of Feurer et al. 2018 (arXiv:1802.02219) have it. So unrelated rows lose their say instead of doing harm.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from lab.optimize.model.fit import fit_family, spread_subset, subset
from lab.optimize.model.likelihood import Problem
from lab.optimize.model.mixture import Mixture, fit_mixture
from lab.optimize.model.replicates import Told, merge
from lab.optimize.model.threads import single_threaded
from lab.optimize.model.warp import fit_warp
from lab.optimize.sobol import derived_seed
from lab.optimize.space.region import Region
from lab.optimize.space.sampling import sample

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lab.optimize.domain import Array, Indices
    from lab.optimize.history import Direction
    from lab.optimize.model.process import Process
    from lab.optimize.options import Earlier
    from lab.optimize.space import Setting, Space

__all__ = ["earlier_rows", "join"]

_MOST = 100
"""Rows of one group: the best third of more, and the rest spread."""
_LEAST_WEIGHT = 0.05
_SPREAD = 512


def earlier_rows(
    space: Space, sign: float, earlier: Sequence[Earlier], outcome: str | None = None
) -> list[Told]:
    """The trials of each earlier campaign, merged, and standardised by themselves: what they measured may have another
    level and scale. `outcome`: which one, where there are several. An end of a range is no number to be standardised, and
    left out.
    """
    found: list[Told] = []
    for one in earlier:
        told = [
            (record.factors, value)
            for record in one.history
            if (value := record.value if outcome is None else record.outcomes.get(outcome))
            is not None
            and (record.side if outcome is None else record.sides.get(outcome)) is None
        ]
        if not told:
            continue
        values = np.array([value for _, value in told], dtype=np.float64)
        points = space.points([factors for factors, _ in told])
        found.append(merge(points, fit_warp(values, sign).forward(values)))
    return found


def expected_best(
    space: Space,
    direction: Direction,
    earlier: Sequence[Earlier],
    seed: int,
    held: Mapping[str, Setting] | None,
) -> dict[str, Setting]:
    """The lawful trial that the earlier campaigns together expect to be the best, of an even spread and of their own."""
    sign = 1.0 if direction == "maximize" else -1.0
    region = Region(space, held)
    rows = sample(region, derived_seed("earlier", seed), 0, _SPREAD)
    own = np.array([space.row(r.factors) for one in earlier for r in one.history])
    own = own[region.lawful(own)]
    rows = np.concatenate([own, rows])
    points = space.encode(rows)
    total = np.zeros(len(rows))
    with single_threaded():
        for told in earlier_rows(space, sign, earlier):
            part = _reduced(told, space.groups)
            problem = Problem(
                part.points, part.outcomes, part.given, part.share, space.groups, part.within
            )
            total += fit_mixture(problem).mean_and_variance(points)[0]
    return space.values(rows[int(total.argmax())])


@dataclass(frozen=True)
class Joined:
    """A mixture with, at the end, the process of all rows; `share`: the say of that one."""

    mixture: Mixture
    whole: Process
    share: float


def join(mixture: Mixture, own: Problem, groups: Sequence[Told]) -> Joined:
    """`mixture` of the rows of `own`, with the process of those rows and the `groups` of other rows (on the same or
    a standardised scale) beside it. Call within `single_threaded`.
    """
    heaviest = mixture.members[int(np.argmax(mixture.weights))].family
    problem = _together(own, [_reduced(told, own.groups) for told in groups])
    whole, converged = fit_family(heaviest, problem)
    count = len(own.outcomes)
    scores = np.array([*(member.loo.sum() for member in mixture.members), whole.loo[:count].sum()])
    weights = np.exp(scores - scores.max())
    weights /= weights.sum()
    members = (*mixture.members, whole)
    kept = [k for k, weight in enumerate(weights.tolist()) if weight >= _LEAST_WEIGHT]
    total = float(weights[kept].sum())
    return Joined(
        Mixture(
            tuple(members[k] for k in kept),
            tuple(float(weights[k]) / total for k in kept),
            mixture.converged and converged,
        ),
        whole,
        float(weights[-1]) / total if len(members) - 1 in kept else 0.0,
    )


def _reduced(told: Told, groups: Indices) -> Told:
    if len(told.outcomes) <= _MOST:
        return told
    problem = Problem(told.points, told.outcomes, told.given, told.share, groups)
    part = subset(problem, spread_subset(problem, _MOST))
    return replace(
        told, points=part.points, outcomes=part.outcomes, given=part.given, share=part.share
    )


def _together(own: Problem, others: Sequence[Told]) -> Problem:
    """One problem: the own rows first, at 0 in the columns that say of which group a row is."""
    count = len(others)
    blocks = [_placed(own.points, np.zeros(count))]
    blocks += [_placed(told.points, np.eye(count)[k]) for k, told in enumerate(others)]
    last = own.lengthscales
    return Problem(
        points=np.concatenate(blocks),
        outcomes=np.concatenate([own.outcomes, *(told.outcomes for told in others)]),
        given=np.concatenate([own.given, *(told.given for told in others)]),
        share=np.concatenate([own.share, *(told.share for told in others)]),
        groups=np.concatenate([own.groups, np.arange(last, last + count)]),
        within=(
            own.within[0] + sum(told.within[0] for told in others),
            own.within[1] + sum(told.within[1] for told in others),
        ),
        apart=count,
        readings=own.readings,
    )


def _placed(points: Array, code: Array) -> Array:
    return np.concatenate([points, np.broadcast_to(code, (len(points), len(code)))], axis=1)
