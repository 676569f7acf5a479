"""Several fitted processes as one belief: each family has the say that its predictions earned."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from lab.optimize.model.families import default_families
from lab.optimize.model.fit import COARSE, fit_family, spread_subset, subset

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lab.optimize.domain import Array
    from lab.optimize.model.families import Family
    from lab.optimize.model.likelihood import Problem
    from lab.optimize.model.process import Process

__all__ = ["Mixture", "Rule", "fit_mixture", "loo_weights"]

_LEAST_WEIGHT = 0.05
_FEWEST = 8
"""Measurements below which a choice between families is chance."""

Rule = Literal["average", "choose"]


@dataclass(frozen=True)
class Mixture:
    """Processes on the same standardised measurements; `weights` sum to one."""

    members: tuple[Process, ...]
    weights: tuple[float, ...]
    converged: bool
    """False if the hyperparameters of a member stand at the modes of their priors."""

    def mean_and_variance(self, points: Array) -> tuple[Array, Array]:
        """Of the noise-free outcome at n x d points, standardised: n and n."""
        parts = [member.mean_and_variance(points) for member in self.members]
        weights = np.array(self.weights)[:, None]
        means = np.stack([mean for mean, _ in parts])
        variances = np.stack([variance for _, variance in parts])
        mean = (weights * means).sum(axis=0)
        return mean, (weights * (variances + (means - mean) ** 2)).sum(axis=0)

    def means(self, points: Array) -> Array:
        """The first of these alone."""
        parts = [member.means(points) for member in self.members]
        return (np.array(self.weights)[:, None] * np.stack(parts)).sum(axis=0)

    def wary(self, deviations: float) -> Mixture:
        """The same where the unknown is expected to be worse, by so many standard deviations of the outcome."""
        members = tuple(
            member.expecting(member.mean - deviations * math.sqrt(member.scale))
            for member in self.members
        )
        return replace(self, members=members)


def loo_weights(processes: Sequence[Process]) -> Array:
    """Softmax of the summed leave-one-out log densities (pseudo Bayesian model averaging)."""
    scores = np.array([process.loo.sum() for process in processes])
    weights = np.exp(scores - scores.max())
    return weights / weights.sum()


def fit_mixture(
    problem: Problem, families: Sequence[Family] | None = None, rule: Rule = "average"
) -> Mixture:
    """Fit `families` (by default `default_families`) and weigh them by what they predict of the
    measurements that they weren't shown, or keep the best alone.

    Of fewer than `_FEWEST` measurements the first family is taken; of more than `COARSE` the one that is best on a part
    of them, because all of them would cost more than they say.
    """
    chosen = default_families(problem.lengthscales) if families is None else tuple(families)
    count = len(problem.outcomes)
    if count < _FEWEST:
        chosen = chosen[:1]
    elif count > COARSE and len(chosen) > 1:
        part = subset(problem, spread_subset(problem, COARSE))
        (member,) = fit_mixture(part, chosen, "choose").members
        chosen = (member.family,)
    fits = [fit_family(family, problem) for family in chosen]
    processes = [process for process, _ in fits]
    weights = loo_weights(processes)
    if rule == "choose":
        kept = [int(np.argmax(weights))]
    else:
        kept = [i for i, weight in enumerate(weights) if weight >= _LEAST_WEIGHT]
    total = float(weights[kept].sum())
    return Mixture(
        tuple(processes[i] for i in kept),
        tuple(float(weights[i]) / total for i in kept),
        all(fits[i][1] for i in kept),
    )
