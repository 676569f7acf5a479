"""The Gaussian process behind the suggestions, and what it says about a campaign.

Inputs are scaled to the unit cube and outcomes standardised with the sign turned so that more is
better. The kernel is Matern-5/2 with a lengthscale per factor. The prior of the lengthscales
decides the first 20 to 40 trials: a Gamma with concentration 3 whose mode grows with the square
root of the number of factors, as BayBE chose it (after Hvarfner et al. 2024, arXiv:2402.02229,
whose log-normal has the same mode and a heavier tail).
"""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.domain.errors import InputError
from lab.optimize.backend import (
    FixedNoiseGaussianLikelihood,
    GammaPrior,
    GaussianLikelihood,
    LogNormalPrior,
    MaternKernel,
    ModelFittingError,
    NanError,
    NotPSDError,
    SingleTaskGP,
    fit,
    greater_than,
    isolated,
    numbers,
    torch,
)
from lab.optimize.history import Direction, TrialRecord, best, check_history
from lab.optimize.sobol import derived_seed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lab.optimize.space import Space

__all__ = [
    "FittedModel",
    "Recommendation",
    "Slice",
    "best",
    "fit_model",
    "history_seed",
    "recommend",
    "slice",
]

_SMALLEST_LENGTHSCALE = 0.025
_SMALLEST_NOISE = 1e-4
"""Inferred noise variance per variance of the outcome; below it a fit of few points is ill-posed."""
_SMALLEST_GIVEN_NOISE = 1e-6


@dataclass(frozen=True)
class FittedModel:
    """A fitted process with its scalings. Use within `backend.isolated`, as the functions here do."""

    gp: SingleTaskGP
    space: Space
    sign: float
    center: float
    scale: float
    measured: torch.Tensor
    """Unit cube coordinates of the trials that gave a value, `k x d`."""
    tested: torch.Tensor
    """The same of the trials that gave a value and of those that failed, `n x d`."""
    pending: torch.Tensor
    """The same of the pending trials, `p x d`."""
    converged: bool
    """False if the hyperparameters could not be fitted and stand at the modes of their priors."""

    def predict(self, points: torch.Tensor) -> tuple[list[float], list[float]]:
        """Mean and standard deviation of the noise-free outcome, in its unit, at `n x d` points."""
        with torch.no_grad():
            posterior = self.gp.posterior(points)
            means = numbers(posterior.mean)
            variances = numbers(posterior.variance)
        return (
            [self.center + self.sign * self.scale * mean for mean in means],
            [self.scale * math.sqrt(max(variance, 0.0)) for variance in variances],
        )


@dataclass(frozen=True)
class Recommendation:
    """A tested point with what the model believes about it, in the objective's unit."""

    trial: TrialRecord
    mean: float
    standard_deviation: float


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
    for factor in space.factors:
        parts += [factor.name, repr(factor.minimum), repr(factor.maximum)]
    for record in records:
        parts += [record.number, record.status, repr(record.value), repr(record.standard_deviation)]
        parts += [repr(record.factors[name]) for name in space.names]
    return derived_seed(*parts)


def fit_model(space: Space, direction: Direction, history: Sequence[TrialRecord]) -> FittedModel:
    """Fit the process to a history with at least one measured value. Call within
    `backend.isolated`.

    A failed trial enters as the worst value measured: left out, the model would go on suggesting
    its region.
    """
    records = check_history(space, history)
    sign = 1.0 if direction == "maximize" else -1.0
    done = [(record, record.value) for record in records if record.value is not None]
    failed = [record for record in records if record.status == "failed"]
    pending = [record for record in records if record.status == "pending"]
    if not done:
        raise InputError(
            "no trial has given a value yet", hint="a model can be asked after the first results"
        )
    worst = min(sign * value for _, value in done)
    outcomes = [sign * value for _, value in done] + [worst] * len(failed)
    center = statistics.fmean(outcomes)
    scale = statistics.stdev(outcomes) if len(outcomes) > 1 else 0.0
    # Equal outcomes have no scale of their own; their rounding noise must not be blown up to one.
    if scale <= 1e-12 * max(abs(outcome) for outcome in outcomes):
        scale = 1.0
    inputs = _tensor([space.to_unit(record.factors) for record, _ in done], space.dimension)
    all_inputs = torch.cat(
        [inputs, _tensor([space.to_unit(r.factors) for r in failed], space.dimension)]
    )
    targets = torch.tensor([[(y - center) / scale] for y in outcomes], dtype=torch.double)
    noise = _given_noise([record for record, _ in done], len(failed), scale)
    gp = SingleTaskGP(
        all_inputs,
        targets,
        train_Yvar=noise,
        likelihood=_likelihood(noise),
        covar_module=_kernel(space.dimension),
        outcome_transform=None,
    )
    return FittedModel(
        gp=gp,
        space=space,
        sign=sign,
        center=sign * center,
        scale=scale,
        measured=inputs,
        tested=all_inputs,
        pending=_tensor([space.to_unit(record.factors) for record in pending], space.dimension),
        converged=_fit(gp),
    )


def recommend(
    space: Space, direction: Direction, history: Sequence[TrialRecord]
) -> Recommendation | None:
    """The tested point with the best posterior mean, which luck can't fake; None without a measured
    value.
    """
    records = check_history(space, history)
    done = [record for record in records if record.status == "done"]
    if not done:
        return None
    with isolated(history_seed(space, direction, records, 0)):
        model = fit_model(space, direction, records)
        means, deviations = model.predict(model.measured)
    index = max(range(len(done)), key=lambda i: model.sign * means[i])
    return Recommendation(done[index], means[index], deviations[index])


def slice(  # the word of the trade; the builtin isn't used here
    space: Space,
    direction: Direction,
    history: Sequence[TrialRecord],
    factor_x: str,
    factor_y: str | None = None,
    at: Mapping[str, float] | None = None,
    *,
    points: int = 41,
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
    held = best(direction, records)
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
    with isolated(history_seed(space, direction, records, 0)):
        model = fit_model(space, direction, records)
        means, deviations = model.predict(_tensor(rows, space.dimension))
    return Slice(factor_x, factor_y, x, y, _rows(means, points), _rows(deviations, points))


def _grid(space: Space, name: str, points: int) -> tuple[float, ...]:
    factor = space.factors[space.names.index(name)]
    step = (factor.maximum - factor.minimum) / (points - 1)
    return (*(factor.minimum + i * step for i in range(points - 1)), factor.maximum)


def _rows(values: list[float], width: int) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(values[start : start + width]) for start in range(0, len(values), width))


def _tensor(rows: Sequence[Sequence[float]], dimension: int) -> torch.Tensor:
    return torch.tensor([list(row) for row in rows], dtype=torch.double).reshape(-1, dimension)


def _kernel(dimension: int) -> MaternKernel:
    concentration = 3.0
    mode = math.exp(math.sqrt(2.0) - 3.0) * math.sqrt(dimension)
    return MaternKernel(
        nu=2.5,
        ard_num_dims=dimension,
        lengthscale_prior=GammaPrior(concentration, (concentration - 1.0) / mode),
        lengthscale_constraint=greater_than(_SMALLEST_LENGTHSCALE, mode),
    )


def _given_noise(done: Sequence[TrialRecord], failed: int, scale: float) -> torch.Tensor | None:
    """Standardised noise variances, or None if they must be inferred.

    Standard deviations are believed only if every measured trial has one above zero and they are
    smaller than the spread of the outcomes: larger ones mean a wrong unit, or that nothing can be
    learned anyway. What they leave out (dosing, ageing) is inferred on top of them.
    """
    deviations = [record.standard_deviation or 0.0 for record in done]
    if min(deviations) <= 0 or statistics.median(deviations) >= scale:
        return None
    variances = [max((sd / scale) ** 2, _SMALLEST_GIVEN_NOISE) for sd in deviations]
    variances += [statistics.median(variances)] * failed
    return torch.tensor(variances, dtype=torch.double).reshape(-1, 1)


def _likelihood(noise: torch.Tensor | None) -> GaussianLikelihood | FixedNoiseGaussianLikelihood:
    # Mode at 1/150 of the outcome's variance, wide enough to be moved by ten points (Hvarfner et
    # al. 2024).
    prior = LogNormalPrior(loc=-4.0, scale=1.0)
    start = math.exp(-5.0)
    if noise is None:
        return GaussianLikelihood(
            noise_prior=prior,
            noise_constraint=greater_than(_SMALLEST_NOISE, start),
        )
    return FixedNoiseGaussianLikelihood(
        noise=noise.reshape(-1),
        learn_additional_noise=True,
        noise_prior=prior,
        noise_constraint=greater_than(_SMALLEST_GIVEN_NOISE, start),
    )


def _fit(gp: SingleTaskGP) -> bool:
    """Maximise the marginal posterior of the hyperparameters; at their starting values if that
    fails.
    """
    start = {name: value.clone() for name, value in gp.state_dict().items()}
    try:
        fit(gp, iterations=200)
    except (ModelFittingError, NotPSDError, NanError):
        gp.load_state_dict(start)
        gp.eval()
        return False
    return True
