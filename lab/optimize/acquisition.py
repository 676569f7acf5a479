"""Which points the model wants next: log noisy expected improvement, one point of a batch after the
other.

Pending points and the batch's own earlier points are integrated over (their outcome is sampled from
the model), not guessed: believing the mean there made batches much worse in our measurements.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lab.optimize.acquire.likely import Likely
from lab.optimize.acquire.noisy import NoisyImprovement, baseline
from lab.optimize.acquire.search import maximise
from lab.optimize.acquire.within import maximise_within
from lab.optimize.history import (
    Direction,
    Suggestion,
    TrialRecord,
    check_history,
    nearest_trial,
)
from lab.optimize.model import FittedModel, fit_model, history_seed
from lab.optimize.model.kernel import squared_distances
from lab.optimize.model.threads import single_threaded
from lab.optimize.sobol import derived_seed, normal_points
from lab.optimize.space.region import Region
from lab.optimize.space.sampling import sample

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lab.optimize.domain import Acquisition, Array
    from lab.optimize.space import Setting, Space

__all__ = ["chance_of", "note_on", "propose"]

_DRAWS = 64
_BASELINE = 32
"""Tested points whose outcome is drawn; the others can hardly be the best."""
_AROUND = 8
_TOO_CLOSE = 1e-4
"""Points nearer than this in every coordinate of the unit cube are one experiment."""
_STAND_INS = 256


def propose(
    space: Space,
    direction: Direction,
    history: Sequence[TrialRecord],
    n: int,
    *,
    seed: int,
    held: Mapping[str, Setting] | None = None,
) -> list[Suggestion]:
    """`n` points by the model, distinct from each other and from all pending trials, with the factors
    in `held` as they are there.

    The history must hold a measured value. Points are numbered on from the highest number in it.
    """
    records = check_history(space, history)
    run_seed = history_seed(space, direction, records, seed)
    first_number = max(record.number for record in records) + 1
    suggestions: list[Suggestion] = []
    with single_threaded():
        model = fit_model(space, direction, records)
        best_mean = max(model.sign * mean for mean in model.predict(model.measured)[0])
        base = baseline(model.mixture, model.measured, _BASELINE)
        taken = model.pending
        region = Region(space, held)
        for offset in range(n):
            point, value = _next_point(model, region, base, taken, derived_seed(run_seed, offset))
            origin = "random" if value is None else "model"
            factors = space.from_unit(point.tolist())
            if offset == 0 and space.alike:
                region = Region(space, {**{n: factors[n] for n in space.alike}, **region.held})
            means, deviations = model.predict(point.reshape(1, -1))
            suggestions.append(
                Suggestion(
                    number=first_number + offset,
                    factors=factors,
                    origin=origin,
                    predicted_mean=means[0],
                    predicted_sd=deviations[0],
                    acquisition=value,
                    nearest_trial=nearest_trial(space, records, factors),
                    note=note_on(model, origin, model.sign * means[0] > best_mean),
                    chance=chance_of(model, point.reshape(1, -1)),
                )
            )
            taken = np.concatenate([taken, point.reshape(1, -1)])
    return suggestions


def _next_point(
    model: FittedModel, region: Region, base: Array, taken: Array, seed: int
) -> tuple[Array, float | None]:
    """The point of highest acquisition away from `taken` with its value, or a stand-in with None. `base`: the tested
    points whose outcome is drawn, best first."""
    normals = normal_points(seed, _DRAWS, len(base) + len(taken))
    acquisition: Acquisition = NoisyImprovement(model.mixture, base, taken, normals)
    if model.success is not None:
        acquisition = Likely(acquisition, model.success)
    if region.space.plain and not region.held:
        candidates, values = maximise(acquisition, base[:_AROUND], seed)
    else:
        candidates, values = maximise_within(acquisition, region, base[:_AROUND], seed)
    scored = [float(value) for value in values]
    for index in sorted(range(len(scored)), key=lambda i: -scored[i]):
        if _is_new(candidates[index], taken):
            return candidates[index], scored[index]
    return _stand_in(model, region, taken, seed), None


def _is_new(point: Array, taken: Array) -> bool:
    if len(taken) == 0:
        return True
    return bool(np.abs(taken - point).max(axis=1).min() > _TOO_CLOSE)


def _stand_in(model: FittedModel, region: Region, taken: Array, seed: int) -> Array:
    """Of some spread points the one farthest from everything known: sensible where no point is
    better.
    """
    points = region.space.encode(sample(region, seed, 0, _STAND_INS))
    known = np.concatenate([model.tested, taken])
    return points[int(squared_distances(points, known).min(axis=1).argmax())]


def chance_of(model: FittedModel, point: Array) -> float | None:
    """The probability that a trial at the point (1 x d) gives a value; None while nothing failed."""
    if model.success is None:
        return None
    return float(np.exp(model.success.log_chance(point)[0]))


def note_on(model: FittedModel, origin: str, better: bool) -> str:
    """Why the model asks for a point, for a person to read."""
    if origin == "random":
        text = "spread-out point: the model's best points are already being tried"
    elif better:
        text = "predicted to be better than every tested point"
    else:
        text = "explores: uncertain enough here to be better than the best tested point"
    return text if model.converged else f"{text}; hyperparameters at their priors (fit failed)"
