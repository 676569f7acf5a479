"""The Gaussian process behind the suggestions, and what it says about a campaign.

Inputs are scaled to the unit cube; outcomes are standardised, with the sign turned so that more is
better, and bent where they are skewed (`lab.optimize.model.warp`). The kernels have a lengthscale per factor, whose prior decides the first 20 to 40 trials
(`lab.optimize.model.families`). What failed teaches the chance of success (`lab.optimize.model.success`), and so do zeros
where there are many for reasons of their own. Grades and results beyond the range are known by their bounds
(`lab.optimize.model.bounded`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from lab.domain.errors import InputError
from lab.optimize.history import Direction, TrialRecord, best, check_history
from lab.optimize.model.bounded import settled
from lab.optimize.model.families import default_families
from lab.optimize.model.fitted_model import FittedModel
from lab.optimize.model.joined import earlier_rows, join
from lab.optimize.model.left_out import missed
from lab.optimize.model.mixture import fit_mixture
from lab.optimize.model.outliers import contradicted
from lab.optimize.model.replicates import merge
from lab.optimize.model.seen import Results, see
from lab.optimize.model.success import fit_success
from lab.optimize.model.threads import single_threaded
from lab.optimize.sobol import derived_seed
from lab.optimize.space import Category

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from lab.optimize.domain import Array
    from lab.optimize.model.families import Family
    from lab.optimize.options import Options
    from lab.optimize.space import Setting, Space

__all__ = [
    "FittedModel",
    "Slice",
    "fit_model",
    "history_seed",
    "slice",
]

_IMPUTED_VARIANCE = 0.3
"""Of the outcomes' variance: how much what is imputed to a failed trial is doubted. What failed has no outcome; that its
neighbours may fail, too, is said by the chance of success."""

_FEWEST = 8
"""Trials below which a choice between two models of zeros is chance."""


@dataclass(frozen=True)
class Slice:
    """Predictions along one factor, or over two, in the factors' and the objective's units.

    `mean[j][i]` and `standard_deviation[j][i]` belong to `x[i]` and `y[j]`; along one factor there
    is one row and `y` is empty.
    """

    factor_x: str
    factor_y: str | None
    x: tuple[float, ...]
    y: tuple[float, ...]
    mean: tuple[tuple[float, ...], ...]
    standard_deviation: tuple[tuple[float, ...], ...]


def history_seed(
    space: Space, direction: Direction, records: Sequence[TrialRecord], seed: int
) -> int:
    """A seed that's the same for the same seed, space, direction and (ordered) history.

    Written out field by field: a new field of a record, or another order of its factors in a journal, must not
    change what an old campaign asks for.
    """
    parts: list[str | int] = [seed, direction]
    parts += space.fingerprint
    for record in records:
        parts += [record.number, record.status, repr(record.value), repr(record.standard_deviation)]
        parts += [repr(record.factors[name]) for name in space.names]
        parts += [
            repr(told) for told in (record.cost, record.fidelity, record.side) if told is not None
        ]
    return derived_seed(*parts)


def fit_model(
    space: Space,
    direction: Direction,
    history: Sequence[TrialRecord],
    families: Callable[[int], tuple[Family, ...]] = default_families,
    options: Options | None = None,
    outcome: str | None = None,
    *,
    chance: bool = True,
) -> FittedModel:
    """Fit the process to a history with at least one measured value. Call within
    `single_threaded`. `families`: what to fit, by the number of lengthscales. `outcome`: which of several this is, where
    there are earlier campaigns. `chance`: whether that of success is wanted.

    A failed trial enters as the worst value measured, with doubt, and teaches the chance of success: left out, the
    model would go on suggesting its region; believed, good points beside the region would be given up.
    """
    records = check_history(space, history)
    sign = 1.0 if direction == "maximize" else -1.0
    lower = _lower(space, records, options)
    done = [
        (record, record.value)
        for record in records
        if record.value is not None and (options is None or options.is_target(record))
    ]
    failed = [record for record in records if record.status == "failed"]
    pending = [
        record
        for record in records
        if record.status == "pending" and (options is None or options.is_target(record))
    ]
    if not done:
        raise InputError(
            "no trial has given a value yet", hint="a model can be asked after the first results"
        )
    values = np.array([value for _, value in done])
    inputs = space.points([record.factors for record, _ in done])
    outliers: tuple[TrialRecord, ...] = ()
    if options is not None and options.outliers:
        within = np.array([record.side is None for record, _ in done])
        # Nobody says how far beyond the end of a range a result lies, so nothing contradicts it.
        wrong = contradicted(inputs, sign * values, space.groups) & within
        outliers = tuple(record for (record, _), out in zip(done, wrong, strict=True) if out)
        done = [pair for pair, out in zip(done, wrong, strict=True) if not out]
        values, inputs = values[~wrong], inputs[~wrong]
    seen = see(
        Results(
            inputs,
            values,
            np.array([record.standard_deviation or 0.0 for record, _ in done]),
            [record.side for record, _ in done],
        ),
        sign,
        [told for _, _, told in lower],
        () if options is None else options.levels,
        zeros=options is not None and options.zeros is True,
    )
    lost = space.points([record.factors for record in failed])
    problem = seen.problem(
        np.concatenate([seen.zeros, lost]), space.groups, doubt=_IMPUTED_VARIANCE
    )
    chosen = families(int(space.groups.max()) + 1)
    if seen.bounds is not None:
        problem = settled(chosen[0], problem, seen.bounds)
    mixture = fit_mixture(problem, chosen)
    others = [merge(rows, seen.warp.forward(told)) for _, rows, told in lower]
    if options is not None:
        others += earlier_rows(space, sign, options.earlier, outcome)
    joined = join(mixture, problem, others) if others else None
    if joined is not None:
        mixture = joined.mixture
    worked = np.concatenate([seen.measured, seen.zeros])
    model = FittedModel(
        mixture=mixture,
        given=seen.given,
        space=space,
        warp=seen.warp,
        measured=seen.measured,
        tested=np.concatenate([worked, lost]),
        pending=space.points([record.factors for record in pending]),
        success=fit_success(worked, lost, space.groups) if chance else None,
        converged=mixture.converged,
        outliers=outliers,
        joined=joined if lower else None,
        above=fit_success(seen.measured, seen.zeros, space.groups),
        grades=seen.grades,
        bounds=seen.bounds,
        rows={
            record.number: row for (record, _), row in zip(done, seen.rows.tolist(), strict=True)
        },
    )
    if options is None or model.above is None or len(done) < _FEWEST:
        return model
    # Zeros may after all be values like others: whichever model says more of the trials that it is not shown.
    without = replace(options, zeros=False)
    plain = fit_model(space, direction, records, families, without, outcome, chance=chance)
    told = [record for record, _ in done]
    return plain if missed(plain, told) < missed(model, told) else model


def _lower(
    space: Space, records: Sequence[TrialRecord], options: Options | None
) -> list[tuple[str, Array, Array]]:
    """Of each lower fidelity its name, the rows and the values within its range; of each in its place, measured or not."""
    found: list[tuple[str, Array, Array]] = []
    for one in () if options is None else options.fidelities[:-1]:
        told = [
            (record.factors, record.value)
            for record in records
            if record.fidelity == one.name and record.value is not None and record.side is None
        ]
        rows = space.points([factors for factors, _ in told])
        found.append((one.name, rows, np.array([value for _, value in told], dtype=np.float64)))
    return found


def slice(  # the word of the trade; the builtin isn't used here
    space: Space,
    direction: Direction,
    history: Sequence[TrialRecord],
    factor_x: str,
    factor_y: str | None = None,
    at: Mapping[str, Setting] | None = None,
    *,
    points: int = 41,
    options: Options | None = None,
) -> Slice:
    """Predictions on `points` (or `points` squared) grid points, the other factors held at `at`.

    A factor that `at` doesn't name is held where the best measured trial had it. Raises InputError
    for an unknown factor or without any measured value.
    """
    records = check_history(space, history)
    names = space.names
    for name in (factor_x, factor_y, *(at or {})):
        if name is not None and name not in names:
            raise InputError(f"{name} is not a factor", hint=f"the factors are: {', '.join(names)}")
    if factor_x == factor_y:
        raise InputError(f"{factor_x} on both axes", hint="choose two factors, or one alone")
    if points < 2:
        raise InputError(f"a grid of {points} points", hint="ask for at least 2")
    held = best(direction, [r for r in records if options is None or options.is_target(r)])
    if held is None:
        raise InputError(
            "no trial has given a value yet", hint="a model can be asked after the first results"
        )
    base = {**held.factors, **(at or {})}
    space.check(base, "the slice")
    x = _grid(space, factor_x, points)
    y = _grid(space, factor_y, points) if factor_y is not None else ()
    rows = space.points(
        [
            {**base, factor_x: value_x, **({} if factor_y is None else {factor_y: value_y})}
            for value_y in (y or (0.0,))
            for value_x in x
        ]
    )
    with single_threaded():
        model = fit_model(space, direction, records, options=options)
        means, deviations = model.predict(rows)
    return Slice(factor_x, factor_y, x, y, _rows(means, points), _rows(deviations, points))


def _grid(space: Space, name: str, points: int) -> tuple[float, ...]:
    factor = space.factor(name)
    if isinstance(factor, Category):
        raise InputError(
            f"{name} is a choice and makes no axis", hint="hold it at one of its choices by `at`"
        )
    step = (factor.maximum - factor.minimum) / (points - 1)
    return (*(factor.minimum + i * step for i in range(points - 1)), factor.maximum)


def _rows(values: list[float], width: int) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(values[start : start + width]) for start in range(0, len(values), width))
