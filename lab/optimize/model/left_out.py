"""Each trial as the model predicts it without having been shown it, and how these predictions came out.

Exact for the fitted hyperparameters (Rasmussen and Williams 2006, equations 5.10 to 5.12), which are not fitted anew. What
is known of an outcome may be a number, a grade, zero for reasons of its own, or that it is beyond a range. So each prediction is
judged by the probabilities that it gave to less than the outcome and to no more than it: of a number both are one, of the
others the part of an interval that lies between them counts (Czado, Gneiting, Held 2009, Biometrics 65, 1254).
"""

# scipy has no type stubs; the annotations of numpy's einsum have holes.
# pyright: reportUnknownMemberType=false, reportMissingTypeStubs=false, reportUnknownVariableType=false

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtr

from lab.optimize.model.fitted_model import times_chance

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lab.optimize.domain import Array, Indices
    from lab.optimize.history import TrialRecord
    from lab.optimize.model.fitted_model import FittedModel
    from lab.optimize.model.process import Process

__all__ = ["Calibration", "LeftOut", "inside", "missed", "predicted_left_out"]

_LEAST = 1e-300
_NARROW = 1e-9


@dataclass(frozen=True)
class LeftOut:
    """A trial as the model predicts it without having been shown it, in the objective's unit. A grade is its place."""

    trial: int
    value: float
    mean: float
    standard_deviation: float
    """Of a measurement, noise included."""


@dataclass(frozen=True)
class Calibration:
    """How the leave-one-out predictions came out, over `count` points.

    log_loss: minus the mean log density, of outcomes scaled to variance 1 (1.42 is what the mean and spread of all
    outcomes would score); of grades, zeros of their own and results beyond the range minus the log probability.
    mean_squared_z: 1 is right, above means too sure. coverage: share of the outcomes inside the
    central 50 % and 90 % intervals.
    """

    count: int
    log_loss: float
    mean_squared_z: float
    coverage_50: float
    coverage_90: float

    @property
    def words(self) -> str:
        """In words, with what chance alone would explain at this count."""
        spread = math.sqrt(2.0 / self.count)
        if self.mean_squared_z > 1.0 + 2.0 * spread:
            return "too sure of itself: outcomes lie farther from the predictions than it says"
        if self.mean_squared_z < 1.0 - 2.0 * spread:
            return "too modest: outcomes lie nearer to the predictions than it says"
        return f"as sure as it should be, as far as {self.count} outcomes can tell"


def predicted_left_out(
    model: FittedModel, done: Sequence[TrialRecord]
) -> tuple[tuple[LeftOut, ...], Calibration]:
    """Of the trials that the model was told; replicates of a number count once, as their mean."""
    rows = np.array([model.rows[record.number] for record in done], dtype=np.intp)
    values = np.array([record.value for record in done], dtype=np.float64)
    judged = _judged(model, values, rows)
    if model.above is not None:
        judged = _with_zeros(judged, model.above.process, model, values, rows)
    found = tuple(
        LeftOut(record.number, float(value), float(mean), float(sd))
        for record, value, mean, sd in zip(
            done, values, judged.means, judged.deviations, strict=True
        )
    )
    once = np.unique(rows, return_index=True)[1]
    low, high, z = judged.below[once], judged.through[once], judged.squares[once]
    known = np.isfinite(z)
    return found, Calibration(
        count=len(once),
        log_loss=float(-judged.scores[once].mean()),
        mean_squared_z=float(z[known].mean()) if known.any() else 1.0,
        coverage_50=inside(low, high, 0.25),
        coverage_90=inside(low, high, 0.45),
    )


def missed(model: FittedModel, done: Sequence[TrialRecord]) -> float:
    """The mean distance of the trials from what is predicted of each without it, in the objective's unit."""
    found, _ = predicted_left_out(model, done)
    return sum(abs(item.value - item.mean) for item in found) / len(found)


def inside(low: Array, high: Array, half: float) -> float:
    """The mean share of the intervals from low to high that is nearer than `half` to the middle."""
    width = high - low
    shared = np.minimum(high, 0.5 + half) - np.maximum(low, 0.5 - half)
    part = np.clip(shared, 0.0, None) / np.where(width > 0.0, width, 1.0)
    return float(np.where(width > 0.0, part, np.abs(low - 0.5) <= half).mean())


@dataclass(frozen=True)
class _Judged:
    """For each trial, n each: what was predicted; the log probability (density) of what came; the probabilities of less
    and of no more than that; and the squared distance in standard deviations, nan where there is no number."""

    means: Array
    deviations: Array
    scores: Array
    below: Array
    through: Array
    squares: Array


def _judged(model: FittedModel, values: Array, rows: Indices) -> _Judged:
    """Without zeros of their own, whose rows have no meaning here."""
    bounds = model.bounds
    known = np.minimum(rows, len(model.measured) - 1)
    means, variances = np.empty((2, len(model.mixture.members), len(rows)))
    low = high = np.empty(0)
    for k, process in enumerate(model.mixture.members):
        truth, mean, latent, noise = _left_out(process)
        low, high = truth.copy(), truth.copy()
        if bounds is not None:  # what stands for bounds is no measurement
            within = slice(bounds.start, bounds.start + len(bounds.low))
            low[within], high[within] = bounds.low, bounds.high
            noise[within] = bounds.noise + (process.noise if bounds.inferred else 0.0)
        means[k], variances[k] = mean[known], (latent + noise)[known]
    low, high = low[known], high[known]
    weights = np.array(model.mixture.weights)[:, None]
    mean = (weights * means).sum(axis=0)
    variance = (weights * (variances + (means - mean) ** 2)).sum(axis=0)
    shown, deviations = (np.array(part) for part in model.in_unit(mean, variance))
    sd = np.sqrt(variances)
    below = (weights * ndtr((low - means) / sd)).sum(axis=0)
    through = (weights * ndtr((high - means) / sd)).sum(axis=0)
    single = low == high
    at = np.where(single, low, 0.0)
    density = weights * np.exp(-0.5 * ((at - means) / sd) ** 2) / (math.sqrt(2.0 * math.pi) * sd)
    score = np.where(single, density.sum(axis=0), through - below)
    squares = np.where(single, (at - mean) ** 2 / variance, np.nan)
    if model.grades is not None:
        squares = ((values - shown) / np.maximum(deviations, _NARROW)) ** 2
    return _Judged(shown, deviations, np.log(np.maximum(score, _LEAST)), below, through, squares)


def _with_zeros(
    judged: _Judged, labels: Process, model: FittedModel, values: Array, rows: Indices
) -> _Judged:
    """With the chance to be above zero, learned without the trial as well."""
    _, mean, latent, noise = _left_out(labels)
    chance = ndtr(mean / np.sqrt(latent + noise))[rows]
    empty = rows >= len(model.measured)
    means, deviations = judged.means.copy(), judged.deviations.copy()
    if empty.any():
        there = model.mixture.mean_and_variance(model.tested[rows[empty]])
        means[empty], deviations[empty] = model.in_unit(*there)
    means, deviations = times_chance(chance, means, deviations)
    lost = np.log(np.maximum(1.0 - chance, _LEAST))
    return _Judged(
        means,
        deviations,
        np.where(empty, lost, judged.scores + np.log(np.maximum(chance, _LEAST))),
        np.where(empty, 0.0, 1.0 - chance + chance * judged.below),
        np.where(empty, 1.0 - chance, 1.0 - chance + chance * judged.through),
        ((values - means) / np.maximum(deviations, _NARROW)) ** 2,
    )


def _left_out(process: Process) -> tuple[Array, Array, Array, Array]:
    """The standardised outcomes of this campaign; the mean predicted for each without it, the variance of what lies
    behind it, and that of its noise."""
    half = np.linalg.solve(process.root, np.linalg.solve(process.root.T, process.alpha))
    truth = process.mean + half
    diagonal = np.einsum("ij,ij->j", process.root, process.root)
    own = process.own
    noise = process.noises[:own].copy()
    latent = np.maximum((1.0 / diagonal)[:own] - noise, _NARROW**2)
    return truth[:own], (truth - process.alpha / diagonal)[:own], latent, noise
