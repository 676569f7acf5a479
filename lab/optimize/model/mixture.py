"""Several fitted processes as one belief: each family has the say that its predictions earned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lab.optimize.model.families import families_for
from lab.optimize.model.fit import fit_family

if TYPE_CHECKING:
    from lab.optimize.domain import Array
    from lab.optimize.model.likelihood import Problem
    from lab.optimize.model.process import Process

__all__ = ["Mixture", "fit_mixture"]

_LEAST_WEIGHT = 0.05


@dataclass(frozen=True)
class Mixture:
    """Standardised; `weights` sum to one."""

    members: tuple[Process, ...]
    weights: tuple[float, ...]


def weigh(processes: list[Process]) -> list[float]:
    """Softmax of the summed leave-one-out log densities (pseudo Bayesian model averaging)."""
    scores = np.array([process.loo.sum() for process in processes])
    weights = np.exp(scores - scores.max())
    return [float(w) for w in weights / weights.sum()]


def fit_mixture(problem: Problem, mode: str = "average", only: tuple[str, ...] = ()) -> Mixture:
    processes = [
        fit_family(family, problem)[0]
        for family in families_for(problem.lengthscales)
        if not only or family.name in only
    ]
    weights = weigh(processes)
    if mode == "choose":
        best = int(np.argmax(weights))
        return Mixture((processes[best],), (1.0,))
    if mode == "equal":
        return Mixture(tuple(processes), tuple([1.0 / len(processes)] * len(processes)))
    kept = [i for i, w in enumerate(weights) if w >= _LEAST_WEIGHT]
    total = sum(weights[i] for i in kept)
    return Mixture(tuple(processes[i] for i in kept), tuple(weights[i] / total for i in kept))
