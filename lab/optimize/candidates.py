"""Which candidates of a list the model wants next (`lab.optimize.acquire.pool`), one after the other. Loads torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lab.optimize.acquire.cost import cheapness, checked_cost
from lab.optimize.acquire.noisy import baseline
from lab.optimize.acquire.pool import PoolImprovement, screened
from lab.optimize.acquisition import better_than, chance_of, note_on, repeated, surprises
from lab.optimize.history import Suggestion, best, check_history, nearest_trial
from lab.optimize.model import fit_model, history_seed
from lab.optimize.model.families import MANY, pool_families
from lab.optimize.model.threads import single_threaded, single_threaded_torch
from lab.optimize.sobol import derived_seed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lab.optimize.acquire.cost import Cheapness, CostOf
    from lab.optimize.domain import Array, Indices
    from lab.optimize.history import Direction, TrialRecord
    from lab.optimize.options import Options
    from lab.optimize.pool import Pool
    from lab.optimize.space import Setting

__all__ = ["propose_from"]

_BASELINE = 16
"""Tested points that may be among the best, beside those that make the bar."""
_PER_RANK = 4


def propose_from(
    pool: Pool,
    direction: Direction,
    history: Sequence[TrialRecord],
    free: Indices,
    n: int,
    *,
    seed: int,
    held: Mapping[str, Setting] | None = None,
    options: Options | None = None,
    cost_of: CostOf | None = None,
) -> list[Suggestion]:
    """`n` of the candidates `free` (indices, at least n). The history must hold a measured value. Where there may be
    outliers, candidates that were far better than the others let expect come once more, unless factors are `held`.
    """
    records = check_history(pool.space, history)
    run_seed = history_seed(pool.space, direction, records, seed)
    if options is not None and options.fingerprint:
        run_seed = derived_seed(run_seed, *options.fingerprint)
    outliers = options is not None and options.outliers
    number = max(record.number for record in records) + 1
    made: list[Suggestion] = []
    with single_threaded(), single_threaded_torch():
        model = fit_model(pool.space, direction, records, pool_families, options)
        best_mean = max(model.sign * mean for mean in model.predict(model.measured)[0])
        described = int(pool.space.groups.max()) + 1 > MANY
        rank = 1 if described else max(1, len(model.tested) // _PER_RANK)
        base = baseline(model.mixture, model.measured, _BASELINE + 2 * rank)
        left = screened(model.mixture, model.measured, pool, free, rank)
        points = pool.space.encode(pool.rows[left])
        likely = np.zeros(len(points))
        for one in model.chances:
            likely = likely + one.log_chance(points)
        cheap = None
        if cost_of is not None or (options is not None and options.per_cost):
            shuffled = np.random.Generator(np.random.PCG64(run_seed)).permutation(left)
            cheap = cheapness(
                pool.space,
                records,
                cost_of,
                lambda count: [pool.values(int(index)) for index in shuffled[:count]],
            )
            likely = likely + (0.0 if cheap is None else cheap.value(points))
        taken = model.pending
        again = surprises(model, records, max(1, n // 2)) if outliers and not held else []
        for record in again:
            if pool.find(record.factors) is None:
                continue
            point = pool.space.points([record.factors])
            cost = _cost(cheap, cost_of, record.factors, point[0])
            made.append(repeated(model, record, number + len(made), model.predict(point), cost))
        for offset in range(len(made), n):
            acquisition = PoolImprovement(
                model.mixture,
                base,
                taken,
                rank,
                derived_seed(run_seed, offset),
                among=points,
                beyond_noise=described,
            )
            values = acquisition.value(points) + likely
            top = int(values.argmax())
            point = points[top : top + 1]
            means, deviations = model.predict(point)
            factors = pool.values(int(left[top]))
            made.append(
                Suggestion(
                    number=number + offset,
                    factors=factors,
                    origin="model",
                    predicted_mean=means[0],
                    predicted_sd=deviations[0],
                    acquisition=float(values[top]),
                    nearest_trial=nearest_trial(pool.space, records, factors),
                    note=note_on(model, "model", model.sign * means[0] > best_mean),
                    chance=chance_of(model, point),
                    better=better_than(model, point, best(direction, records)),
                    cost=_cost(cheap, cost_of, factors, point[0]),
                )
            )
            taken = np.concatenate([taken, point])
            keep = np.arange(len(left)) != top
            left, points, likely = left[keep], points[keep], likely[keep]
    return made


def _cost(
    cheap: Cheapness | None, cost_of: CostOf | None, factors: Mapping[str, Setting], point: Array
) -> float | None:
    """What a trial is expected to cost; None where nobody asks."""
    if cost_of is not None:
        return checked_cost(cost_of, factors)
    return None if cheap is None else cheap.cost(point)
