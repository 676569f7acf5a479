"""Which points the model wants next: log noisy expected improvement, one point of a batch after the
other.

Pending points and the batch's own earlier points are integrated over (their outcome is sampled from
the model), not guessed: believing the mean there made batches much worse in our measurements.
"""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING

import numpy as np

from lab.optimize.acquire.search import maximise
from lab.optimize.acquire.wanted import Wanted
from lab.optimize.acquire.within import maximise_within
from lab.optimize.history import (
    Direction,
    Suggestion,
    TrialRecord,
    best,
    check_history,
    nearest_trial,
)
from lab.optimize.model import FittedModel, fit_model, history_seed
from lab.optimize.model.kernel import squared_distances
from lab.optimize.model.threads import single_threaded, single_threaded_torch
from lab.optimize.sobol import derived_seed
from lab.optimize.space.region import Region
from lab.optimize.space.sampling import sample

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lab.optimize.acquire.cost import CostOf
    from lab.optimize.domain import Array
    from lab.optimize.options import Options
    from lab.optimize.space import Setting, Space

__all__ = ["better_than", "chance_of", "note_on", "propose", "repeated", "surprises"]

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
    options: Options | None = None,
    cost_of: CostOf | None = None,
) -> list[Suggestion]:
    """`n` points by the model, distinct from each other and from all pending trials, with the factors
    in `held` as they are there. `options` and `cost_of`: see `lab.optimize.suggest`.

    The history must hold a measured value. Points are numbered on from the highest number in it.
    """
    records = check_history(space, history)
    run_seed = history_seed(space, direction, records, seed)
    if options is not None and options.fingerprint:
        run_seed = derived_seed(run_seed, *options.fingerprint)
    robust = options is not None and bool(options.accuracy)
    first_number = max(record.number for record in records) + 1
    suggestions: list[Suggestion] = []
    with single_threaded(), single_threaded_torch() if robust else nullcontext():
        model = fit_model(space, direction, records, options=options)
        region = Region(space, held)
        wanted = Wanted(model, region, records, options, cost_of, run_seed)
        best_mean = max(model.sign * mean for mean in wanted.moments(wanted.base)[0])
        taken = model.pending
        again = [] if held or space.alike else surprises(model, records, max(1, n // 2))
        turn = len(records) if n == 1 else 0
        for offset in range(n):
            if offset < len(again):
                suggestions.append(_repeat(wanted, again[offset], first_number + offset))
                continue
            wary = wanted.wary_at(turn + offset)
            point, value, fidelity = _next_point(
                wanted, region, taken, derived_seed(run_seed, offset), wary
            )
            origin = "random" if value is None else "model"
            factors = space.from_unit(point.tolist())
            if offset == len(again) and space.alike:
                region = Region(space, {**{n: factors[n] for n in space.alike}, **region.held})
            means, deviations = wanted.moments(point.reshape(1, -1))
            suggestions.append(
                Suggestion(
                    number=first_number + offset,
                    factors=factors,
                    origin=origin,
                    predicted_mean=means[0],
                    predicted_sd=deviations[0],
                    acquisition=value,
                    nearest_trial=nearest_trial(space, records, factors),
                    note=note_on(model, origin, model.sign * means[0] > best_mean, wary),
                    chance=chance_of(model, point.reshape(1, -1)),
                    better=better_than(model, point.reshape(1, -1), best(direction, records)),
                    cost=wanted.cost(factors, point, fidelity),
                    fidelity=fidelity,
                )
            )
            wanted.tried(point, fidelity)
            if wanted.options.at_target(fidelity):
                taken = np.concatenate([taken, point.reshape(1, -1)])
    return suggestions


def _next_point(
    wanted: Wanted, region: Region, taken: Array, seed: int, wary: bool
) -> tuple[Array, float | None, str | None]:
    """The point of highest acquisition away from `taken` with its value, or a stand-in with None, and the fidelity to
    measure it by, where there are several."""
    around = wanted.base[:_AROUND]
    scored: list[tuple[float, Array, str | None]] = []
    for fidelity, acquisition in wanted.routes(taken, seed, wary=wary):
        if region.space.plain and not region.held:
            candidates, values = maximise(acquisition, around, seed)
        else:
            candidates, values = maximise_within(acquisition, region, around, seed)
        scored += [(float(v), point, fidelity) for v, point in zip(values, candidates, strict=True)]
    for value, point, fidelity in sorted(scored, key=lambda item: -item[0]):
        if not wanted.options.at_target(fidelity) or _is_new(point, taken):
            return point, value, fidelity
    return _stand_in(wanted.model, region, taken, seed), None, scored[-1][2]


def _repeat(wanted: Wanted, record: TrialRecord, number: int) -> Suggestion:
    """The same trial once more."""
    point = wanted.model.space.points([record.factors])
    cost = wanted.cost(record.factors, point[0], record.fidelity)
    return repeated(wanted.model, record, number, wanted.moments(point), cost)


def repeated(
    model: FittedModel,
    record: TrialRecord,
    number: int,
    moments: tuple[list[float], list[float]],
    cost: float | None,
) -> Suggestion:
    """The same trial once more. `moments`: mean and standard deviation of what is sought there, one each."""
    return Suggestion(
        number=number,
        factors=record.factors,
        origin="model",
        predicted_mean=moments[0][0],
        predicted_sd=moments[1][0],
        nearest_trial=record.number,
        chance=chance_of(model, model.space.points([record.factors])),
        cost=cost,
        fidelity=record.fidelity,
        note=f"repeats trial {record.number}: it is far better than the others let expect",
    )


def surprises(model: FittedModel, records: Sequence[TrialRecord], most: int) -> list[TrialRecord]:
    """Trials to measure once more, the best first: too good to be true, and made once."""
    best_mean = max(model.sign * mean for mean in model.predict(model.measured)[0])
    found = [
        record
        for record in model.outliers
        if record.value is not None
        and model.sign * record.value > best_mean
        and not model.space.broken(record.factors)
        and sum(other.factors == record.factors and other.status != "aborted" for other in records)
        == 1
    ]
    found.sort(key=lambda record: (-model.sign * (record.value or 0.0), record.number))
    return found[:most]


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
    """The probability that a trial at the point (1 x d) gives a value, and one above zero where zeros have reasons of
    their own; None while every trial did."""
    if not model.chances:
        return None
    return float(np.exp(sum(one.log_chance(point)[0] for one in model.chances)))


def better_than(model: FittedModel, point: Array, known: TrialRecord | None) -> float | None:
    """The probability that a trial at the point (1 x d) beats the best one, where the model has more to say of it than the
    mean and standard deviation that it predicts."""
    if known is None or known.value is None:
        return None
    return model.better(point, known.value)


def note_on(model: FittedModel, origin: str, better: bool, wary: bool = False) -> str:
    """Why the model asks for a point, for a person to read. `wary`: it was sought near what is known."""
    if origin == "random":
        text = "spread-out point: the model's best points are already being tried"
    elif better:
        text = "predicted to be better than every tested point"
    elif wary:
        text = "near good trials: little is known of the rest of the space yet"
    else:
        text = "explores: uncertain enough here to be better than the best tested point"
    return text if model.converged else f"{text}; hyperparameters at their priors (fit failed)"
