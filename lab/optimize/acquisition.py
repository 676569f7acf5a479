"""Which points the model wants next: log noisy expected improvement, one point of a batch after the
other.

Pending points and the batch's own earlier points are integrated over (their outcome is sampled from
the model), not guessed: believing the mean there made batches much worse in our measurements.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.optimize.backend import (
    SobolQMCNormalSampler,
    isolated,
    maximise,
    numbers,
    qLogNoisyExpectedImprovement,
    torch,
)
from lab.optimize.history import (
    Direction,
    Suggestion,
    TrialRecord,
    check_history,
    nearest_trial,
)
from lab.optimize.model import FittedModel, fit_model, history_seed
from lab.optimize.sobol import derived_seed, sobol_points

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lab.optimize.space import Space

__all__ = ["propose"]

_RESTARTS = 4
_RAW_SAMPLES = 128
_DRAWS = 64
_MAX_ITERATIONS = 100
_TOO_CLOSE = 1e-4
"""Points nearer than this in every coordinate of the unit cube are one experiment."""
_STAND_INS = 256


def propose(
    space: Space, direction: Direction, history: Sequence[TrialRecord], n: int, *, seed: int
) -> list[Suggestion]:
    """`n` points by the model, distinct from each other and from all pending trials.

    The history must hold a measured value. Points are numbered on from the highest number in it.
    """
    records = check_history(space, history)
    run_seed = history_seed(space, direction, records, seed)
    first_number = max(record.number for record in records) + 1
    suggestions: list[Suggestion] = []
    with isolated(run_seed):
        model = fit_model(space, direction, records)
        best_mean = max(model.sign * mean for mean in model.predict(model.measured)[0])
        taken = model.pending
        for offset in range(n):
            point, value = _next_point(model, taken, derived_seed(run_seed, offset))
            origin = "random" if value is None else "model"
            factors = space.from_unit(numbers(point))
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
                    note=_note(model, origin, model.sign * means[0] > best_mean),
                )
            )
            taken = torch.cat([taken, point.reshape(1, -1)])
    return suggestions


def _next_point(
    model: FittedModel, taken: torch.Tensor, seed: int
) -> tuple[torch.Tensor, float | None]:
    """The point of highest acquisition away from `taken` with its value, or a stand-in with None."""
    dimension = model.space.dimension
    acquisition = qLogNoisyExpectedImprovement(
        model=model.gp,
        X_baseline=model.measured,
        sampler=SobolQMCNormalSampler(torch.Size([_DRAWS]), seed=seed % 2**31),
        X_pending=taken if len(taken) else None,
        prune_baseline=True,
    )
    candidates, scored = maximise(
        acquisition,
        dimension,
        restarts=_RESTARTS,
        raw_samples=_RAW_SAMPLES,
        iterations=_MAX_ITERATIONS,
        seed=seed % 2**31,
    )
    for index in sorted(range(len(scored)), key=lambda i: -scored[i]):
        if _is_new(candidates[index], taken):
            return candidates[index], scored[index]
    return _stand_in(model, taken, seed), None


def _is_new(point: torch.Tensor, taken: torch.Tensor) -> bool:
    if len(taken) == 0:
        return True
    return bool((taken - point).abs().amax(dim=1).min().item() > _TOO_CLOSE)


def _stand_in(model: FittedModel, taken: torch.Tensor, seed: int) -> torch.Tensor:
    """Of some spread points the one farthest from everything known: sensible where no point is
    better.
    """
    points = torch.tensor(
        sobol_points(seed, 0, _STAND_INS, model.space.dimension), dtype=torch.double
    )
    known = torch.cat([model.tested, taken])
    return points[int(torch.cdist(points, known).amin(dim=1).argmax().item())]


def _note(model: FittedModel, origin: str, better: bool) -> str:
    if origin == "random":
        text = "spread-out point: the model's best points are already being tried"
    elif better:
        text = "predicted to be better than every tested point"
    else:
        text = "explores: uncertain enough here to be better than the best tested point"
    return text if model.converged else f"{text}; hyperparameters at their priors (fit failed)"
