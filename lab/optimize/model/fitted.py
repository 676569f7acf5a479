"""The Gaussian process behind the suggestions, and what it says about a campaign.

Inputs are scaled to the unit cube; outcomes are standardised, with the sign turned so that more is
better, and bent where they are skewed (`lab.optimize.model.warp`). The kernels have a lengthscale per factor, whose prior decides the first 20 to 40 trials
(`lab.optimize.model.families`). What failed teaches the chance of success (`lab.optimize.model.success`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lab.domain.errors import InputError
from lab.optimize.history import Direction, TrialRecord, best, check_history
from lab.optimize.model.families import default_families
from lab.optimize.model.joined import Joined, earlier_rows, join
from lab.optimize.model.likelihood import Problem
from lab.optimize.model.mixture import Mixture, fit_mixture
from lab.optimize.model.outliers import contradicted
from lab.optimize.model.replicates import Told, merge
from lab.optimize.model.success import Success, fit_success
from lab.optimize.model.threads import single_threaded
from lab.optimize.model.warp import Warp, fit_warp
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

_SMALLEST_GIVEN_NOISE = 1e-6
_OWN_SCALE = 5
"""Values at the target that say its level and scale without those of lower fidelities."""
_IMPUTED_VARIANCE = 0.3
"""Of the outcomes' variance: how much what is imputed to a failed trial is doubted. What failed has no outcome; that its
neighbours may fail, too, is said by the chance of success."""


@dataclass(frozen=True)
class FittedModel:
    """A fitted process with its scalings. Use within `single_threaded`, as the functions here do."""

    mixture: Mixture
    given: bool
    """True if the standard deviations of the trials are believed."""
    space: Space
    warp: Warp
    measured: Array
    """Unit cube coordinates of the trials that gave a value, `k x d`; of replicates once."""
    tested: Array
    """The same of the trials that gave a value and of those that failed, `n x d`."""
    pending: Array
    """The same of the pending trials, `p x d`."""
    success: Success | None
    """How probable a value is at all; None while nothing failed."""
    converged: bool
    """False if the hyperparameters could not be fitted and stand at the modes of their priors."""
    outliers: tuple[TrialRecord, ...] = ()
    """Trials whose outcome the others contradict; the model was not told of them."""
    joined: Joined | None = None
    """Where rows of lower fidelities were told as well."""

    @property
    def sign(self) -> float:
        """-1 where less is better."""
        return self.warp.sign

    def predict(self, points: Array) -> tuple[list[float], list[float]]:
        """Mean and standard deviation of the noise-free outcome, in its unit, at `n x d` points."""
        return self.in_unit(*self.mixture.mean_and_variance(points))

    def believed(
        self, records: Sequence[TrialRecord], options: Options | None
    ) -> list[TrialRecord]:
        """The trials whose value the model was told: measured at the target, and contradicted by nothing."""
        return [
            record
            for record in records
            if record.status == "done"
            and record not in self.outliers
            and (options is None or options.is_target(record))
        ]

    def in_unit(self, means: Array, variances: Array) -> tuple[list[float], list[float]]:
        """Means and variances on the model's scale as means and standard deviations in the outcome's unit."""
        shown, deviations = self.warp.moments(means, variances)
        return shown.tolist(), deviations.tolist()


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
        parts += [repr(told) for told in (record.cost, record.fidelity) if told is not None]
    return derived_seed(*parts)


def fit_model(
    space: Space,
    direction: Direction,
    history: Sequence[TrialRecord],
    families: Callable[[int], tuple[Family, ...]] = default_families,
    options: Options | None = None,
    outcome: str | None = None,
) -> FittedModel:
    """Fit the process to a history with at least one measured value. Call within
    `single_threaded`. `families`: what to fit, by the number of lengthscales. `outcome`: which of several this is, where
    there are earlier campaigns.

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
    inputs = _rows_of([space.to_unit(record.factors) for record, _ in done], space.dimension)
    outliers: tuple[TrialRecord, ...] = ()
    if options is not None and options.outliers:
        wrong = contradicted(inputs, sign * values, space.groups)
        outliers = tuple(record for (record, _), out in zip(done, wrong, strict=True) if out)
        done = [pair for pair, out in zip(done, wrong, strict=True) if not out]
        values, inputs = values[~wrong], inputs[~wrong]
    # What lower fidelities told must not bend the scale on which the target is believed, once it has one of its own.
    scaled = (
        values if len(values) >= _OWN_SCALE else np.concatenate([values, *(t for _, _, t in lower)])
    )
    warp = fit_warp(scaled, sign)
    lost = _rows_of([space.to_unit(record.factors) for record in failed], space.dimension)
    outcomes = warp.forward(values)
    given = _given_noise(warp, [record for record, _ in done])
    told = Told(inputs, outcomes, given) if given is not None else merge(inputs, outcomes)
    worst = np.full(len(lost), outcomes.min())
    usual = np.full(len(lost), np.median(told.given) + _IMPUTED_VARIANCE)
    tested = np.concatenate([told.points, lost])
    problem = Problem(
        points=tested,
        outcomes=np.concatenate([told.outcomes, worst]),
        given=np.concatenate([told.given, usual]),
        share=np.concatenate([told.share, np.ones(len(lost))]),
        groups=space.groups,
        within=told.within,
    )
    mixture = fit_mixture(problem, families(int(space.groups.max()) + 1))
    others = [merge(rows, warp.forward(told)) for _, rows, told in lower]
    if options is not None:
        others += earlier_rows(space, sign, options.earlier, outcome)
    joined = join(mixture, problem, others) if others else None
    if joined is not None:
        mixture = joined.mixture
    return FittedModel(
        mixture=mixture,
        given=given is not None,
        space=space,
        warp=warp,
        measured=told.points,
        tested=tested,
        pending=_rows_of([space.to_unit(record.factors) for record in pending], space.dimension),
        success=fit_success(told.points, lost, space.groups),
        converged=mixture.converged,
        outliers=outliers,
        joined=joined if lower else None,
    )


def _lower(
    space: Space, records: Sequence[TrialRecord], options: Options | None
) -> list[tuple[str, Array, Array]]:
    """Of each lower fidelity its name, the rows and the values; of each in its place, measured or not."""
    found: list[tuple[str, Array, Array]] = []
    for one in () if options is None else options.fidelities[:-1]:
        told = [
            (space.to_unit(record.factors), record.value)
            for record in records
            if record.fidelity == one.name and record.value is not None
        ]
        rows = _rows_of([row for row, _ in told], space.dimension)
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
    rows = [
        space.to_unit(
            {**base, factor_x: value_x, **({} if factor_y is None else {factor_y: value_y})}
        )
        for value_y in (y or (0.0,))
        for value_x in x
    ]
    with single_threaded():
        model = fit_model(space, direction, records, options=options)
        means, deviations = model.predict(_rows_of(rows, space.dimension))
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


def _rows_of(rows: Sequence[Sequence[float]], dimension: int) -> Array:
    return np.array([list(row) for row in rows], dtype=np.float64).reshape(-1, dimension)


def _given_noise(warp: Warp, done: Sequence[TrialRecord]) -> Array | None:
    """Noise variances on the model's scale, or None if they must be inferred.

    Standard deviations are believed only if they are smaller than the spread of the outcomes: larger ones mean a wrong
    unit, or that nothing can be learned anyway. A trial without one has the usual one, the median. What they
    leave out (dosing, ageing) is inferred on top of them.
    """
    deviations = np.array([record.standard_deviation or 0.0 for record in done])
    known = deviations > 0.0
    if not known.any():
        return None
    usual = float(np.median(deviations[known]))
    if usual >= warp.scale:
        return None
    deviations[~known] = usual
    values = np.array([record.value for record in done], dtype=np.float64)
    return np.maximum(warp.variances(values, deviations), _SMALLEST_GIVEN_NOISE)
