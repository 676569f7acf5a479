"""Which trials come next where several outcomes are sought: a model for each, and what they promise together. Loads
torch.
"""

# scipy has no type stubs.
# pyright: reportUnknownMemberType=false, reportMissingTypeStubs=false, reportUnknownVariableType=false

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtr

from lab.domain.front import nondominated
from lab.optimize.acquire.cost import cheapness, checked_cost
from lab.optimize.acquire.hypervolume import OutcomeImprovement
from lab.optimize.acquire.likely import Likely
from lab.optimize.acquire.search import maximise
from lab.optimize.acquire.total import Total
from lab.optimize.acquire.within import maximise_within
from lab.optimize.history import Suggestion, TrialRecord, check_history, nearest_trial
from lab.optimize.model import FittedModel, fit_model, history_seed
from lab.optimize.model.families import default_families, front_families, pool_families
from lab.optimize.model.kernel import squared_distances
from lab.optimize.model.success import fit_success
from lab.optimize.model.threads import single_threaded, single_threaded_torch
from lab.optimize.sobol import derived_seed
from lab.optimize.space.region import Region
from lab.optimize.space.sampling import sample

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from lab.domain.aim import Aim, Limit
    from lab.optimize.acquire.cost import CostOf
    from lab.optimize.domain import Acquisition, Array, Indices
    from lab.optimize.history import Direction
    from lab.optimize.model.families import Family
    from lab.optimize.model.success import Success
    from lab.optimize.options import Options
    from lab.optimize.pool import Pool
    from lab.optimize.space import Setting, Space

__all__ = ["Belief", "believe", "inferred_worst", "propose_several", "ranked"]

_DRAWS = 64
_BASELINE = 32
_AROUND = 8
_TOO_CLOSE = 1e-4
_STAND_INS = 256
_SPREAD = 256
_MARGIN = 0.1
"""Of the front's range: how far below its worst scores an inferred reference point lies."""
_LIKELY = 0.5
"""Chance from which a point counts as one that keeps the limits."""
_WHOLE = 4096
"""Candidates above which only the most promising are scored."""


@dataclass(frozen=True)
class Belief:
    """A model for each outcome of an aim, in its order, and the points that were tested."""

    aim: Aim
    models: tuple[FittedModel, ...]
    tested: Array
    """Points with a value of every outcome, and points that failed or were of no use, n x d."""
    measured: Array
    """Points with a value of every outcome, none of them zero for reasons of its own."""
    pending: Array
    success: Success | None = None
    """How probable it is that a trial gives anything; None while nothing failed."""

    def predict(self, points: Array) -> dict[str, tuple[Array, Array]]:
        """Mean and standard deviation of each outcome without noise, in its unit."""
        found: dict[str, tuple[Array, Array]] = {}
        for name, model in zip(self.aim.outcomes, self.models, strict=True):
            means, deviations = model.predict(points)
            found[name] = (np.array(means), np.array(deviations))
        return found

    def chance(self, points: Array) -> Array:
        """The probability that a point keeps all limits; outcomes are taken as independent of one another."""
        chance = np.ones(len(points))
        for limit in self.aim.limits:
            model = self.models[self.aim.outcomes.index(limit.outcome)]
            there = self._above(model, points)
            chance *= there * self._kept(limit, model, points) + (1.0 - there) * limit.keeps(0.0)
        return chance

    def _kept(self, limit: Limit, model: FittedModel, points: Array) -> Array:
        """The probability that a limit is kept, by an outcome that is above zero where zeros have reasons of their own."""
        mean, variance = model.mixture.mean_and_variance(points)
        sd = np.sqrt(variance)
        ends = [
            np.full(len(points), side * model.sign) if end is None
            else (model.warp.forward(np.array([end]))[0] - mean) / sd
            for end, side in ((limit.minimum, -np.inf), (limit.maximum, np.inf))
        ]  # fmt: skip
        return np.abs(ndtr(ends[1]) - ndtr(ends[0]))

    @staticmethod
    def _above(model: FittedModel, points: Array) -> Array:
        """The probability that the outcome is above zero, where zeros have reasons of their own; else 1."""
        if model.above is None:
            return np.ones(len(points))
        return np.exp(model.above.log_chance(points))

    @property
    def chances(self) -> tuple[Success, ...]:
        """What must go well for a trial to be of any use: it gives its outcomes, and none is zero for its own reasons."""
        own = (self.success, *(model.above for model in self.models))
        return tuple(one for one in own if one is not None)

    def reference(self, scores: Array) -> tuple[float, ...]:
        """The scores from which a front is measured, inferred where the aim gives none. Where zeros have reasons of their own
        it lies at zero at least: a zero is worth nothing.
        """
        worst = inferred_worst(self.aim, scores)
        models = dict(zip(self.aim.outcomes, self.models, strict=True))
        return tuple(
            low if models[goal.outcome].above is None else max(low, 0.0)
            for goal, low in zip(self.aim.goals, worst, strict=True)
        )

    def hope(self, point: Array) -> float | None:
        """The probability that a trial at one point (1 x d) gives its outcomes, none zero for reasons of its own, and they
        keep all limits; None without limits while nothing failed or was zero.
        """
        if not self.chances and not self.aim.limits:
            return None
        hope = math.exp(sum(float(one.log_chance(point)[0]) for one in self.chances))
        for limit in self.aim.limits:
            model = self.models[self.aim.outcomes.index(limit.outcome)]
            hope *= float(self._kept(limit, model, point)[0])
        return hope

    def scores(self, points: Array) -> Array:
        """Of the predicted means, n x goals (one column where trials are ordered by one number)."""
        means = {name: mean for name, (mean, _) in self.predict(points).items()}
        rows = [
            self.aim.scores({name: float(mean[k]) for name, mean in means.items()})
            for k in range(len(points))
        ]
        return np.array(rows, dtype=np.float64).reshape(len(points), -1)


def believe(
    space: Space,
    aim: Aim,
    records: Sequence[TrialRecord],
    families: Callable[[int], tuple[Family, ...]] = default_families,
    options: Options | None = None,
) -> Belief:
    """A model for each outcome, of the trials in which it was measured. Call within `single_threaded`.

    A trial that failed enters each that it did not measure as the worst value seen: of a target or between two limits,
    the one farthest from it.
    """
    models = tuple(
        fit_model(
            space, direction, rows, families, options and options.of(name), name, chance=False
        )
        for name in aim.outcomes
        for direction, rows in (_history_of(aim, name, records),)
    )
    whole = [record for record in aim.complete(records) if not _zero(record, models, aim)]
    failed = [record for record in records if record.status == "failed"]
    pending = [record for record in records if record.status == "pending"]

    def points(rows: Sequence[TrialRecord]) -> Array:
        return space.points([record.factors for record in rows])

    measured = np.unique(points(whole), axis=0)
    lost = points(failed)
    useless = points([record for record in aim.complete(records) if record not in whole])
    worked = points([r for r in records if r.outcomes and r.status in ("done", "pending")])
    return Belief(
        aim=aim,
        models=models,
        tested=np.concatenate([measured, lost, useless]),
        measured=measured,
        pending=points(pending),
        success=fit_success(np.unique(worked, axis=0), lost, space.groups),
    )


def _zero(record: TrialRecord, models: Sequence[FittedModel], aim: Aim) -> bool:
    """Is an outcome zero for reasons of its own, so that the trial was of no use?"""
    return any(
        model.above is not None and record.outcomes[name] <= 0.0
        for name, model in zip(aim.outcomes, models, strict=True)
    )


def _history_of(
    aim: Aim, name: str, records: Sequence[TrialRecord]
) -> tuple[Direction, list[TrialRecord]]:
    """The history as a model of one outcome is told it, and which of its values are worse."""
    goal = next((g for g in aim.goals if g.outcome == name), None)
    limit = next((n for n in aim.limits if n.outcome == name), None)
    middle: float | None = None
    direction: Direction = "maximize"
    if goal is not None:
        middle = goal.target
        direction = "minimize" if goal.direction == "minimize" else "maximize"
    elif limit is not None and limit.minimum is None:
        direction = "minimize"
    elif limit is not None and limit.minimum is not None and limit.maximum is not None:
        middle = (limit.minimum + limit.maximum) / 2
    values = [record.outcomes[name] for record in records if name in record.outcomes]
    farthest = None if middle is None else max(values, key=lambda v: (abs(v - middle), v))
    found: list[TrialRecord] = []
    for record in records:
        value = record.outcomes.get(name)
        if value is None and record.status == "failed":
            value = farthest
        if value is not None:
            found.append(
                TrialRecord(
                    number=record.number,
                    factors=record.factors,
                    status="done",
                    value=value,
                    standard_deviation=record.deviations.get(name),
                    side=record.sides.get(name),
                )
            )
        elif record.status != "done":  # a done trial without this outcome says nothing of it
            found.append(record)
    return direction, found


def inferred_worst(aim: Aim, scores: Array) -> tuple[float, ...]:
    """A reference point in scores where the aim gives none: a tenth of the front's range below its worst.

    `scores` should be predicted ones over the whole space: the front of what was tested is often narrow at first, and
    what is measured from its ends never leaves them.
    """
    front = scores[nondominated([tuple(row) for row in scores.tolist()])]
    spread = np.ptp(front, axis=0)
    wide = np.where(spread > 0, spread, np.ptp(scores, axis=0))
    wide = np.where(wide > 0, wide, np.maximum(np.abs(front[0]), 1.0))
    low = front.min(axis=0) - _MARGIN * wide
    return tuple(
        float(low[k]) if goal.worst_score is None else goal.worst_score
        for k, goal in enumerate(aim.goals)
    )


def propose_several(
    space: Space,
    aim: Aim,
    history: Sequence[TrialRecord],
    n: int,
    *,
    seed: int,
    held: Mapping[str, Setting] | None = None,
    pool: Pool | None = None,
    free: Indices | None = None,
    options: Options | None = None,
    cost_of: CostOf | None = None,
) -> list[Suggestion]:
    """`n` points, one after the other, each with the points before it as pending ones.

    Every outcome must have been measured (`Aim.measured`). With a `pool`, points are of its candidates `free`.
    """
    records = check_history(space, history)
    run_seed = derived_seed(
        history_seed(space, "maximize", records, seed), *aim.fingerprint, *_outcome_parts(records)
    )
    if options is not None and options.fingerprint:
        run_seed = derived_seed(run_seed, *options.fingerprint)
    weighed = cost_of is not None or (options is not None and options.per_cost)
    number = max(record.number for record in records) + 1
    made: list[Suggestion] = []
    with single_threaded(), single_threaded_torch():
        spaces = default_families if aim.single else front_families
        families = spaces if pool is None else pool_families
        belief = believe(space, aim, records, families, options)
        spread = _spread_points(space, pool, held, run_seed)
        base, feasible, worst, note = _standing(belief, spread)
        taken = belief.pending
        cheap = None
        if weighed:
            tried = [space.from_unit(point) for point in spread.tolist()]
            cheap = cheapness(space, records, cost_of, lambda count: tried[:count])
        region = Region(space, held)
        left = None if pool is None or free is None else _screened(belief, pool, free)
        for offset in range(n):
            point_seed = derived_seed(run_seed, offset)
            acquisition: Acquisition = OutcomeImprovement(
                aim, belief.models, base, taken, worst,
                feasible=feasible, draws=_DRAWS, seed=point_seed,
            )  # fmt: skip
            for chance in belief.chances:
                acquisition = Likely(acquisition, chance)
            if cheap is not None:
                acquisition = Total((acquisition, cheap))
            if pool is not None and left is not None:
                values = acquisition.value(space.encode(pool.rows[left]))
                best = int(values.argmax())
                factors, value = pool.values(int(left[best])), float(values[best])
                point = space.encode(pool.rows[left[best : best + 1]])[0]
                left = left[np.arange(len(left)) != best]
            else:
                point, value = _next(acquisition, belief, region, base, taken, point_seed)
                factors = space.from_unit(point.tolist())
            if offset == 0 and space.alike:
                region = Region(space, {**{n: factors[n] for n in space.alike}, **region.held})
            item = _suggestion(belief, records, number + offset, factors, point, value, note)
            if cost_of is not None:
                item = item.model_copy(update={"cost": checked_cost(cost_of, factors)})
            elif cheap is not None:
                item = item.model_copy(update={"cost": cheap.cost(point)})
            made.append(item)
            taken = np.concatenate([taken, point.reshape(1, -1)])
    return made


def _spread_points(
    space: Space, pool: Pool | None, held: Mapping[str, Setting] | None, seed: int
) -> Array:
    """Lawful points all over the space, or candidates."""
    if pool is None:
        return space.encode(sample(Region(space, held), derived_seed(seed, "spread"), 0, _SPREAD))
    generator = np.random.Generator(np.random.PCG64(derived_seed(seed, "spread")))
    rows = generator.permutation(len(pool))[:_SPREAD]
    return space.encode(pool.rows[rows])


def _outcome_parts(records: Sequence[TrialRecord]) -> list[str]:
    return [
        f"{record.number} {name} {record.outcomes[name]!r} {record.deviations.get(name)!r}"
        f"{f' {record.sides[name]}' if name in record.sides else ''}"
        for record in records
        for name in sorted(record.outcomes)
    ]


def _standing(belief: Belief, spread: Array) -> tuple[Array, bool, tuple[float, ...], str]:
    """Baseline, whether a tested point is likely to keep the limits, the reference point, and what a person should
    know of it.

    `spread`: points all over the space.
    """
    aim = belief.aim
    points = belief.measured if len(belief.measured) else belief.models[0].measured
    scores, chance = belief.scores(points), belief.chance(points)
    base = points[ranked(scores, chance)[:_BASELINE]]
    if chance.max() < _LIKELY:
        return (
            base,
            False,
            (),
            "no tested point is likely to keep all limits: looks for one that does",
        )
    if aim.single:
        return base, True, (), ""
    known = np.concatenate([points, spread])
    likely = belief.chance(known) >= _LIKELY
    worst = belief.reference(belief.scores(known[likely] if likely.any() else known))
    inferred = [
        f"{goal.outcome} {_value_of_score(goal.sign, goal.target, score)}"
        for goal, score in zip(aim.goals, worst, strict=True)
        if goal.worst_score is None
    ]
    told = (
        f"front measured from {', '.join(inferred)} (inferred from the predicted front)"
        if inferred
        else ""
    )
    return base, True, worst, told


def _value_of_score(sign: float, target: float | None, score: float) -> str:
    return f"{sign * score:.4g}" if target is None else f"{-score:.4g} off the target"


def ranked(scores: Array, chance: Array) -> list[int]:
    """Those that probably keep the limits first, front by front."""
    order: list[int] = []
    for group in (np.flatnonzero(chance >= _LIKELY), np.flatnonzero(chance < _LIKELY)):
        rest = group.tolist()
        while rest:
            rows = [tuple(scores[i].tolist()) for i in rest]
            layer = [rest[k] for k in nondominated(rows)]
            order += layer
            rest = [i for i in rest if i not in set(layer)]
    return order


def _next(
    acquisition: Acquisition, belief: Belief, region: Region, base: Array, taken: Array, seed: int
) -> tuple[Array, float | None]:
    if region.space.plain and not region.held:
        candidates, values = maximise(acquisition, base[:_AROUND], seed)
    else:
        candidates, values = maximise_within(acquisition, region, base[:_AROUND], seed)
    for index in np.argsort(-values, kind="stable").tolist():
        point = candidates[index]
        if not len(taken) or np.abs(taken - point).max(axis=1).min() > _TOO_CLOSE:
            return point, float(values[index])
    points = region.space.encode(sample(region, seed, 0, _STAND_INS))
    known = np.concatenate([belief.tested, taken])
    return points[int(squared_distances(points, known).min(axis=1).argmax())], None


def _screened(belief: Belief, pool: Pool, free: Indices) -> Indices:
    """Of very many candidates those that are promising for one goal at least, in rising order."""
    if len(free) <= _WHOLE:
        return free
    share = _WHOLE // len(belief.aim.goals)
    chosen: list[int] = []
    hopes = np.empty((len(belief.aim.goals), len(free)))
    for start in range(0, len(free), _WHOLE):
        block = belief.predict(pool.space.encode(pool.rows[free[start : start + _WHOLE]]))
        for k, goal in enumerate(belief.aim.goals):
            mean, sd = block[goal.outcome]
            gap = goal.sign * mean if goal.target is None else -np.abs(mean - goal.target)
            hopes[k, start : start + len(mean)] = gap + 2.0 * sd
    for row in hopes:
        chosen += free[np.argpartition(-row, share)[:share]].tolist()
    return np.unique(np.array(chosen, dtype=np.intp))


def _suggestion(
    belief: Belief,
    records: Sequence[TrialRecord],
    number: int,
    factors: dict[str, Setting],
    point: Array,
    value: float | None,
    note: str,
) -> Suggestion:
    predicted = {
        name: (float(mean[0]), float(sd[0]))
        for name, (mean, sd) in belief.predict(point.reshape(1, -1)).items()
    }
    first = predicted[belief.aim.goals[0].outcome]
    space = belief.models[0].space
    what = "spread-out point: the best ones are already being tried" if value is None else (
        "seeks the best number made of the outcomes" if belief.aim.single else "seeks to widen the front"
    )  # fmt: skip
    return Suggestion(
        number=number,
        factors=factors,
        origin="random" if value is None else "model",
        predicted_mean=first[0],
        predicted_sd=first[1],
        acquisition=value,
        nearest_trial=nearest_trial(space, records, factors),
        note=f"{what}; {note}" if note else what,
        predicted=predicted,
        chance=belief.hope(point.reshape(1, -1)),
    )
