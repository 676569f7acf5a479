"""Where an acquisition is highest in a region with levels, choices and constraints.

Free numbers climb with everything else held; then all neighbours (another level, another choice, another
component) are scored, the best is taken, and its free numbers climb again, until nothing is better. So
no table of combinations is ever made.
"""

# scipy has no type stubs.
# pyright: reportUnknownMemberType=false, reportMissingTypeStubs=false, reportUnknownVariableType=false

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import minimize

from lab.optimize.acquire.search import choose_starts
from lab.optimize.space.region import PRESENT
from lab.optimize.space.sampling import sample

if TYPE_CHECKING:
    from lab.optimize.domain import Acquisition, Array
    from lab.optimize.space.region import Region

__all__ = ["maximise_within"]

_RAW = 256
_STARTS = 6
_APART = 0.1
_ROUNDS = 6
_ITERATIONS = 40
_SCATTER = ((0.1, 4), (0.02, 4))
_ENOUGH = 1e-6
"""Gain of the acquisition's logarithm below which a neighbour isn't worth a step."""


def maximise_within(
    acquisition: Acquisition, region: Region, around: Array, seed: int
) -> tuple[Array, Array]:
    """Local maxima and their values, as points of the model; `around`: good tested ones."""
    space = region.space
    rows = sample(region, seed, 0, _RAW)
    near = _scattered(region, space.decode(around), seed)
    rows = np.concatenate([rows, near])
    points = space.encode(rows)
    values = acquisition.value(points)
    starts = choose_starts(points, values, _STARTS, _APART)
    found = [_improved(acquisition, region, row) for row in space.decode(starts)]
    points = space.encode(np.array(found))
    return points, acquisition.value(points)


def _scattered(region: Region, around: Array, seed: int) -> Array:
    """Lawful rows near good ones."""
    generator = np.random.Generator(np.random.PCG64(seed))
    found: list[Array] = []
    for spread, count in _SCATTER:
        rows = np.repeat(around, count, axis=0)
        moved = rows + spread * generator.standard_normal(rows.shape) * region.free
        for group in region.groups:
            moved[:, group.members] *= rows[:, group.members] > PRESENT
        moved = np.clip(moved, region.low, region.high)
        found.append(moved)
    rows = np.concatenate(found) if found else np.empty((0, len(region.low)))
    for k, levels in enumerate(region.levels):
        if levels is not None and len(rows):
            rows[:, k] = levels[np.abs(levels[None] - rows[:, k : k + 1]).argmin(axis=1)]
    rows = region.repaired(np.clip(rows, region.low, region.high))
    return rows[region.lawful(rows)]


def _improved(acquisition: Acquisition, region: Region, row: Array) -> Array:
    encode = region.space.encode
    row = _climbed(acquisition, region, row)
    value = float(acquisition.value(encode(row[None]))[0])
    for _ in range(_ROUNDS):
        neighbours = region.neighbours(row)
        if not len(neighbours):
            break
        scores = acquisition.value(encode(neighbours))
        best = int(scores.argmax())
        if scores[best] <= value + _ENOUGH:
            break
        row = _climbed(acquisition, region, neighbours[best])
        value = float(acquisition.value(encode(row[None]))[0])
    return row


def _climbed(acquisition: Acquisition, region: Region, row: Array) -> Array:
    """The free numbers at a local maximum, everything else as it was. Never worse than `row`."""
    able = region.free.copy()
    for group in region.groups:
        members = list(group.members)
        able[members] &= row[members] > PRESENT
    free = np.flatnonzero(able)
    if not len(free):
        return row
    space = region.space
    columns = np.cumsum((0, *space.widths))[free]

    def whole(part: Array) -> Array:
        moved = row.copy()
        moved[free] = part
        return moved

    def downhill(part: Array) -> tuple[float, Array]:
        value, gradient = acquisition.value_and_gradient(space.encode(whole(part)[None]))
        return -float(value[0]), -gradient[0, columns]

    def uneven(part: Array) -> Array:
        return region.matrix @ whole(part) + region.constant

    def even(part: Array) -> Array:
        return region.equal_matrix @ whole(part) + region.equal_constant

    def curved(part: Array) -> Array:
        return np.maximum(region.curved_slack(whole(part)[None]), -1e3)

    constraints: list[dict[str, object]] = []
    if len(region.matrix):
        slopes = region.matrix[:, free]
        constraints.append({"type": "ineq", "fun": uneven, "jac": lambda _: slopes})  # pyright: ignore[reportUnknownLambdaType]
    if len(region.equal_matrix):
        even_slopes = region.equal_matrix[:, free]
        constraints.append({"type": "eq", "fun": even, "jac": lambda _: even_slopes})  # pyright: ignore[reportUnknownLambdaType]
    if region.curved:
        constraints.append({"type": "ineq", "fun": curved})
    result = minimize(
        downhill,
        row[free],
        jac=True,
        method="SLSQP" if constraints else "L-BFGS-B",
        bounds=[(float(region.low[k]), float(region.high[k])) for k in free],
        constraints=constraints,
        options={"maxiter": _ITERATIONS, "ftol": 1e-6},
    )
    part = np.asarray(result.x, dtype=np.float64)
    if not np.isfinite(part).all():
        return row
    reached = region.repaired(np.clip(whole(part), region.low, region.high)[None])[0]
    for _ in range(20):  # back towards the start, which is lawful
        if region.lawful(reached[None])[0]:
            values = acquisition.value(space.encode(np.stack([row, reached])))
            return reached if values[1] > values[0] else row
        reached = (row + reached) / 2
    return row
