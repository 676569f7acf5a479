"""What the model knows and how far it can be trusted: calibration, importances, and whether to go on.

Everything is computed from one fit to the history.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lab.domain.errors import InputError
from lab.optimize.history import Direction, TrialRecord, check_history
from lab.optimize.model import FittedModel, fit_model
from lab.optimize.model.left_out import Calibration, LeftOut, predicted_left_out
from lab.optimize.model.mixture import Mixture
from lab.optimize.model.process import cholesky
from lab.optimize.model.threads import single_threaded
from lab.optimize.sobol import derived_seed, sobol_points
from lab.optimize.space.factors import Category
from lab.optimize.space.region import Region
from lab.optimize.space.sampling import sample

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lab.optimize.domain import Array
    from lab.optimize.options import Options
    from lab.optimize.space import Space

__all__ = [
    "Calibration",
    "Evidence",
    "Importance",
    "LeftOut",
    "Stopping",
    "draws_of",
    "evidence",
    "stopping",
]

_FEWEST = 3
_SALTELLI = 1024
_SPREAD = 512
_AROUND = 16
_DRAWS = 512
_SCATTER = 0.05


@dataclass(frozen=True)
class Importance:
    """How much a factor matters to the model's prediction over the whole space.

    `first_order` and `total` are Sobol indices, shares of the variance of the predicted mean: alone, and with all its
    interactions. None where constraints tie factors to each other, because the shares have no meaning then.
    `lengthscale` is the distance over which the outcome changes, in the factor's unit; None of a category.
    """

    factor: str
    lengthscale: float | None
    first_order: float | None
    total: float | None


@dataclass(frozen=True)
class Evidence:
    """See the module."""

    left_out: tuple[LeftOut, ...]
    calibration: Calibration
    importances: tuple[Importance, ...]


@dataclass(frozen=True)
class Stopping:
    """Is there still something to gain? In the objective's unit.

    `probability`: that the recommended trial is within `within` of the optimum. `expected_gain`: how much better the
    optimum is expected to be. Both look at a finite number of points between the tested ones, so they are a little too
    hopeful about stopping.
    """

    trial: int
    within: float
    probability: float
    expected_gain: float


def evidence(
    space: Space,
    direction: Direction,
    history: Sequence[TrialRecord],
    seed: int = 0,
    options: Options | None = None,
) -> Evidence:
    """Calibration and importances. InputError with fewer than three measured trials."""
    records = check_history(space, history)
    done = [
        record
        for record in records
        if record.status == "done" and (options is None or options.is_target(record))
    ]
    if len(done) < _FEWEST:
        raise InputError(
            f"{len(done)} measured trials say nothing of how good the model is",
            hint=f"ask again after {_FEWEST}",
        )
    with single_threaded():
        model = fit_model(space, direction, records, options=options)
        left_out, calibration = predicted_left_out(model, model.believed(records, options))
        return Evidence(left_out, calibration, _importances(model, seed))


def _importances(model: FittedModel, seed: int) -> tuple[Importance, ...]:
    space = model.space
    heaviest = model.mixture.members[int(np.argmax(model.mixture.weights))]
    tied = bool(space.constraints or space.at_most)
    indices = None if tied else _sobol_indices(model, seed)
    found: list[Importance] = []
    column = 0
    for k, (factor, width) in enumerate(zip(space.factors, space.widths, strict=True)):
        scale = None
        if not isinstance(factor, Category):
            scale = float(heaviest.lengths[column]) * (factor.maximum - factor.minimum)
        column += width
        first, total = (None, None) if indices is None else indices[k]
        found.append(Importance(factor.name, scale, first, total))
    return tuple(found)


def _sobol_indices(model: FittedModel, seed: int) -> list[tuple[float, float]]:
    """First-order and total indices (Saltelli et al. 2010, table 2, equations b and f)."""
    region = Region(model.space)
    count = len(model.space.factors)
    # One sequence of twice the dimension: its halves are independent of each other.
    points = np.array(sobol_points(derived_seed("saltelli", seed), 0, _SALTELLI, 2 * count))
    one, other = (_as_rows(region, half) for half in np.split(points, 2, axis=1))
    encode = model.space.encode
    a, b = (np.array(model.predict(encode(rows))[0]) for rows in (one, other))
    variance = float(np.concatenate([a, b]).var())
    found: list[tuple[float, float]] = []
    for k in range(count):
        mixed = one.copy()
        mixed[:, k] = other[:, k]
        c = np.array(model.predict(encode(mixed))[0])
        if variance <= 0.0:
            found.append((0.0, 0.0))
            continue
        first = float((b * (c - a)).mean()) / variance
        total = float(0.5 * ((a - c) ** 2).mean()) / variance
        found.append((min(1.0, max(0.0, first)), max(0.0, total)))
    return found


def _as_rows(region: Region, points: Array) -> Array:
    rows = points.copy()
    for k, levels in enumerate(region.levels):
        if levels is not None:
            place = np.minimum((points[:, k] * len(levels)).astype(np.intp), len(levels) - 1)
            rows[:, k] = levels[place]
    return rows


def stopping(
    space: Space,
    direction: Direction,
    history: Sequence[TrialRecord],
    within: float,
    seed: int = 0,
    options: Options | None = None,
) -> Stopping:
    """How probable it is that the best trial is within a distance of the optimum, and what is left to gain.

    The outcomes at the tested and at many other lawful points are drawn jointly from the model. InputError for a
    distance that is not above zero, or without measured trials.
    """
    if not (math.isfinite(within) and within > 0):
        raise InputError(
            f"a distance of {within} to the optimum",
            hint="give one above 0 in the objective's unit",
        )
    if options is not None and options.accuracy:
        raise InputError(
            "how near the optimum is where set points are not exact",
            hint="leave the rule out: it is known of exact set points alone",
        )
    if options is not None and options.levels:
        raise InputError(
            "a distance to the optimum of a grade",
            hint="leave the rule out: grades have no distances, only an order",
        )
    records = check_history(space, history)
    done = [
        record
        for record in records
        if record.status == "done" and (options is None or options.is_target(record))
    ]
    if len(done) < _FEWEST:
        raise InputError(
            f"{len(done)} measured trials say nothing of the optimum",
            hint=f"ask again after {_FEWEST}",
        )
    with single_threaded():
        model = fit_model(space, direction, records, options=options)
        done = model.believed(records, options)
        rows = [model.rows[record.number] for record in done]
        means = model.sign * np.array(model.predict(model.tested[rows])[0])
        chosen = int(means.argmax())
        others = _points_to_compare(model, seed)
        points = np.concatenate([model.tested[rows[chosen]][None], others])
        drawn = draws_of(model.mixture, points, seed)
        labels = None if model.above is None else model.above.process
        there = None if labels is None else draws_of(
            Mixture((labels,), (1.0,), converged=True), points, derived_seed("above", seed)
        )  # fmt: skip
    values = model.sign * np.array(
        model.in_unit(drawn.reshape(-1), np.zeros(drawn.size))[0]
    ).reshape(drawn.shape)
    if there is not None:
        count = min(values.shape[1], there.shape[1])
        values = np.where(there[:, :count] > 0.0, values[:, :count], 0.0)
    gain = values.max(axis=0) - values[0]
    return Stopping(
        trial=done[chosen].number,
        within=within,
        probability=float((gain <= within).mean()),
        expected_gain=float(gain.mean()),
    )


def _points_to_compare(model: FittedModel, seed: int) -> Array:
    """Lawful points: spread ones, and ones around the tested points that are predicted best."""
    region = Region(model.space)
    spread = sample(region, derived_seed("stopping", seed), 0, _SPREAD)
    encoded = model.space.encode(spread)
    known = np.concatenate([encoded, model.measured])
    order = np.argsort(-model.sign * np.array(model.predict(known)[0]), kind="stable")
    tops = model.space.decode(known[order[:_AROUND]])
    generator = np.random.Generator(np.random.PCG64(derived_seed("around", seed)))
    near = np.repeat(tops, _AROUND, axis=0)
    near = near + _SCATTER * generator.standard_normal(near.shape) * region.free
    near = region.repaired(np.clip(near, region.low, region.high))
    near = near[region.lawful(near)]
    return np.concatenate([encoded, model.space.encode(near)])


def draws_of(mixture: Mixture, points: Array, seed: int, total: int = _DRAWS) -> Array:
    """About `total` joint draws of the standardised outcome at the points, a column each; members by their weight."""
    shares = np.array(mixture.weights)
    counts = np.maximum(1, np.round(shares * total)).astype(int)
    found: list[Array] = []
    for number, (process, count) in enumerate(zip(mixture.members, counts.tolist(), strict=True)):
        mean, _ = process.mean_and_variance(points)
        lower = cholesky(process.covariance(points))
        generator = np.random.Generator(np.random.PCG64(derived_seed("draws", seed, number)))
        found.append(mean[:, None] + lower @ generator.standard_normal((len(points), count)))
    return np.concatenate(found, axis=1)
