"""Which outcomes the others contradict: a wrong vial, a bubble in the cell, a decimal point.

A trimmed fit, as in robust regression (Rousseeuw and Van Driessen 2006, Data Min. Knowl. Disc. 12, 29: concentration
steps from a core that agrees with itself). Gaussian processes with a Student likelihood or with a variance for each
point (Ament et al. 2024, arXiv:2410.24222) soften what this leaves out; where errors are gross the two come to the
same, and here everything behind the fit stays exact.

A surprise may also be a discovery. So an outcome that another one at the same point confirms is believed, and who asks
for trials should measure a surprise again where it would be the best (`lab.optimize.acquisition`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lab.optimize.model.families import default_families
from lab.optimize.model.fit import fit_family
from lab.optimize.model.likelihood import Problem
from lab.optimize.model.warp import fit_warp

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lab.optimize.domain import Array, Indices
    from lab.optimize.model.process import Process
    from lab.optimize.model.warp import Warp

__all__ = ["contradicted"]

_FEWEST = 8
"""Outcomes below which nothing can be told from a peak."""
_CORE = 0.7
"""Share of the outcomes that the first fit is made of."""
_MOST = 0.35
"""Share of outliers above which the surface is rough rather than the outcomes wrong."""
_FAR = 4.0
"""Standard deviations of a prediction beyond which an outcome is contradicted."""
_STEPS = 8
_MAD = 1.4826
"""Standard deviation of normal numbers, in median absolute deviations."""
_ALIKE = 0.05
"""Of the spread: what replicates may always differ by."""


def contradicted(points: Array, outcomes: Array, groups: Indices) -> NDArray[np.bool_]:
    """Of n points (n x d, unit cube) with their outcomes (n, more is better) those that the others contradict; none of
    fewer than 8, and none where it would be more than a third. Call within `single_threaded`.
    """
    count = len(outcomes)
    none = np.zeros(count, dtype=bool)
    if count < _FEWEST:
        return none
    kept = _core(points, outcomes, groups)
    for _ in range(_STEPS):
        warp, process = _fit(points[kept], outcomes[kept], groups)
        far = _surprise(process, warp, points, outcomes, kept) > _FAR
        far &= ~_confirmed(process, warp, points, outcomes)
        if far.mean() > _MOST:
            return none
        if bool((kept == ~far).all()):
            break
        kept = ~far
    return ~kept


def _core(points: Array, outcomes: Array, groups: Indices) -> NDArray[np.bool_]:
    """The outcomes that a smooth surface through the others predicts best, whatever their scale."""
    middle = float(np.median(outcomes))
    spread = _MAD * float(np.median(np.abs(outcomes - middle)))
    if spread <= 0.0:
        spread = float(outcomes.std()) or 1.0
    bounded = np.clip((outcomes - middle) / spread, -_FAR, _FAR)
    process = fit_family(
        default_families(int(groups.max()) + 1)[0], _problem(points, bounded, groups)
    )[0]
    off = np.abs(_left_out(process))
    return off <= np.quantile(off, _CORE)


def _problem(points: Array, outcomes: Array, groups: Indices) -> Problem:
    ones = np.ones(len(outcomes))
    return Problem(points, outcomes, 0.0 * ones, ones, groups)


def _fit(points: Array, outcomes: Array, groups: Indices) -> tuple[Warp, Process]:
    warp = fit_warp(outcomes, 1.0)
    family = default_families(int(groups.max()) + 1)[0]
    return warp, fit_family(family, _problem(points, warp.forward(outcomes), groups))[0]


def _left_out(process: Process) -> Array:
    """Each outcome as the others predict it, in standard deviations."""
    return process.alpha / np.sqrt(np.square(process.root).sum(axis=0))


def _surprise(
    process: Process, warp: Warp, points: Array, outcomes: Array, kept: NDArray[np.bool_]
) -> Array:
    """In standard deviations of the prediction (n): of kept ones that of the others."""
    mean, variance = process.mean_and_variance(points)
    off = (warp.forward(outcomes) - mean) / np.sqrt(variance + process.noise)
    off[kept] = _left_out(process)
    return np.abs(off)


def _confirmed(process: Process, warp: Warp, points: Array, outcomes: Array) -> NDArray[np.bool_]:
    """True of an outcome that another one at the same point repeats within the noise."""
    bent = warp.forward(outcomes)
    within = _FAR * np.sqrt(2.0 * process.noise) + _ALIKE
    same = (np.abs(points[:, None] - points[None]) < 1e-9).all(axis=2)
    near = np.abs(bent[:, None] - bent[None]) <= within
    return (same & near).sum(axis=1) > 1
