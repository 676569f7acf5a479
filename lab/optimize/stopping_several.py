"""Whether to stop where several outcomes are sought, or one under limits or at a target.

Outcomes at the tested and at many other lawful points are drawn jointly from each outcome's model. Where one number is
sought, each draw says how much better the best point is than the recommended one; of a front, by what share its volume
would grow if all points were added to those tested (the expected gain of hypervolume that is left). Loads torch.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from lab.domain.errors import InputError
from lab.domain.front import hypervolume
from lab.optimize.evidence import Stopping, draws_of
from lab.optimize.history import check_history
from lab.optimize.model.mixture import Mixture
from lab.optimize.model.threads import single_threaded
from lab.optimize.several import believe, ranked
from lab.optimize.sobol import derived_seed
from lab.optimize.space.region import Region
from lab.optimize.space.sampling import sample

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lab.domain.aim import Aim
    from lab.optimize.domain import Array
    from lab.optimize.history import TrialRecord
    from lab.optimize.options import Options
    from lab.optimize.several import Belief
    from lab.optimize.space import Space

__all__ = ["stopping_several"]

_FEWEST = 3
_SPREAD = 256
_TOPS = 8
_AROUND = 16
_SCATTER = 0.05
_DRAWS = 64
_LIKELY = 0.5


def stopping_several(
    space: Space,
    aim: Aim,
    history: Sequence[TrialRecord],
    within: float,
    seed: int = 0,
    options: Options | None = None,
) -> Stopping:
    """As `lab.optimize.evidence.stopping`, for an aim.

    `within`: where one number is sought, in its unit (of a desirability a part of 1); of a front the share of its volume, from 0
    to 1, and `expected_gain` is such a share, too. The volume is measured from the `worst` values, or from inferred ones.
    `trial` is the recommended one, of a front the first on it. While no trial is likely to keep the limits, the
    probability is 0. InputError for a distance that makes no sense, or while too little is measured.
    """
    most = math.inf if aim.single and aim.weigh == "front" else 1.0
    if not 0 < within < most:
        raise InputError(
            f"a distance of {within} to the optimum",
            hint="give one above 0"
            + ("" if math.isinf(most) else " and below 1: a share of the front's volume, or of a desirability"),
        )  # fmt: skip
    records = check_history(space, history)
    done = aim.complete(records)
    if len(done) < _FEWEST:
        raise InputError(
            f"{len(done)} measured trials say nothing of the optimum",
            hint=f"ask again after {_FEWEST}",
        )
    with single_threaded():
        belief = believe(space, aim, records, options=options)
        tested = space.points([record.factors for record in done])
        chance = belief.chance(tested)
        order = ranked(belief.scores(tested), chance)
        if chance[order[0]] < _LIKELY:
            return Stopping(done[order[0]].number, within, 0.0, math.inf if aim.single else 1.0)
        others = _points_to_compare(belief, seed)
        scores, kept = _drawn(belief, np.concatenate([tested, others]), seed)
        if aim.single:
            gain = _gain_of_number(scores[..., 0], kept, order[0])
        else:
            gain = _gain_of_front(belief, scores, kept, len(tested))
    front = aim.front(records)
    trial = done[order[0]] if aim.single or not front else front[0]
    return Stopping(trial.number, within, float((gain <= within).mean()), float(gain.mean()))


def _points_to_compare(belief: Belief, seed: int) -> Array:
    """Lawful points: spread ones, and ones around those that are predicted best."""
    space = belief.models[0].space
    region = Region(space)
    spread = space.encode(sample(region, derived_seed("stopping", seed), 0, _SPREAD))
    known = np.concatenate([spread, belief.measured])
    tops = ranked(belief.scores(known), belief.chance(known))[:_TOPS]
    generator = np.random.Generator(np.random.PCG64(derived_seed("around", seed)))
    near = np.repeat(space.decode(known[tops]), _AROUND, axis=0)
    near = near + _SCATTER * generator.standard_normal(near.shape) * region.free
    near = region.repaired(np.clip(near, region.low, region.high))
    return np.concatenate([spread, space.encode(near[region.lawful(near)])])


def _drawn(belief: Belief, points: Array, seed: int) -> tuple[Array, Array]:
    """Draws x points x goals of scores (one column where one number is sought), and draws x points: True where the
    limits are kept."""
    aim = belief.aim
    drawn: dict[str, Array] = {}
    for name, model in zip(aim.outcomes, belief.models, strict=True):
        found = draws_of(model.mixture, points, derived_seed(name, seed), _DRAWS)[:, :_DRAWS]
        flat = model.in_unit(found.reshape(-1), np.zeros(found.size))[0]
        drawn[name] = np.array(flat).reshape(found.shape).T
        if model.above is not None:
            labels = Mixture((model.above.process,), (1.0,), converged=True)
            there = draws_of(labels, points, derived_seed(f"above {name}", seed), _DRAWS).T
            rows = min(len(there), len(drawn[name]))
            drawn[name] = np.where(there[:rows] > 0.0, drawn[name][:rows], 0.0)
    count = min(len(values) for values in drawn.values())
    kept = np.ones((count, len(points)), dtype=bool)
    for limit in aim.limits:
        values = drawn[limit.outcome][:count]
        kept &= (values >= (-np.inf if limit.minimum is None else limit.minimum)) & (
            values <= (np.inf if limit.maximum is None else limit.maximum)
        )
    columns: list[Array] = []
    for goal in aim.goals:
        values = drawn[goal.outcome][:count]
        columns.append(goal.sign * values if goal.target is None else -np.abs(values - goal.target))
    if aim.weigh != "desirability":
        return np.stack(columns, axis=-1), kept
    total = sum(goal.weight for goal in aim.goals)
    number = np.ones((count, len(points)))
    for goal, score in zip(aim.goals, columns, strict=True):
        low, high = goal.worst_score, goal.ideal_score
        if low is None or high is None:
            raise AssertionError("the aim has seen to it")
        number *= np.clip((score - low) / (high - low), 0.0, 1.0) ** (goal.weight / total)
    return number[..., None], kept


def _gain_of_number(scores: Array, kept: Array, best: int) -> Array:
    """How much better the best point that keeps the limits is than the tested one of that row, draw by draw. Where that
    one breaks a limit it counts as the worst that is drawn."""
    allowed = np.where(kept, scores, -np.inf)
    top = allowed.max(axis=1)
    own = np.where(kept[:, best], scores[:, best], scores.min(axis=1))
    return np.where(np.isfinite(top), np.maximum(top - own, 0.0), 0.0)


def _front(rows: Array) -> list[tuple[float, ...]]:
    """The rows that none beats. The one with the largest sum is among them, and rules out all that it beats."""
    found: list[tuple[float, ...]] = []
    while len(rows):
        top = rows[rows.sum(axis=1).argmax()]
        found.append(tuple(top.tolist()))
        rows = rows[(rows > top).any(axis=1)]
    return found


def _gain_of_front(belief: Belief, scores: Array, kept: Array, tested: int) -> Array:
    """The share of the volume of all points that the first `tested` ones lack, draw by draw."""
    worst = belief.reference(belief.scores(belief.measured))
    gains: list[float] = []
    for values, fine in zip(scores, kept, strict=True):
        volumes: list[float] = []
        for part, ok in ((values, fine), (values[:tested], fine[:tested])):
            volumes.append(hypervolume(_front(part[ok]), worst))
        gains.append(0.0 if volumes[0] <= 0.0 else 1.0 - volumes[1] / volumes[0])
    return np.array(gains)
