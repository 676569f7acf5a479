"""Classical designs for the start: Sobol, Latin hypercube, full factorial, D-optimal.

A design is a sequence of rows that a space, a seed and a length decide. Sobol points can be drawn one by one; the
other three are made as a whole, so their length is fixed when a campaign begins.
"""

# scipy has no type stubs.
# pyright: reportUnknownMemberType=false, reportMissingTypeStubs=false, reportUnknownVariableType=false

from __future__ import annotations

import itertools
import math
from contextlib import suppress
from typing import TYPE_CHECKING, Literal

import numpy as np

from lab.domain.errors import InputError
from lab.optimize.sobol import derived_seed
from lab.optimize.space.factors import Category
from lab.optimize.space.region import Region
from lab.optimize.space.sampling import sample

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lab.optimize.domain import Array
    from lab.optimize.history import Design
    from lab.optimize.space import Setting, Space

__all__ = [
    "Model",
    "d_efficiency",
    "design",
    "factorial",
    "latin_hypercube",
    "model_matrix",
]

Model = Literal["linear", "interactions", "quadratic"]

_CANDIDATES = 512
_STARTS = 4
_PASSES = 20
_RIDGE = 1e-9
_MOST_RUNS = 10_000


def design(
    space: Space,
    kind: Design,
    count: int,
    seed: int,
    *,
    held: Mapping[str, Setting] | None = None,
    model: Model = "interactions",
) -> list[dict[str, Setting]]:
    """`count` trials of a classical design, each lawful in the space.

    factorial: all corners (numbers at both ends, all levels of up to 3, all choices), in random order; `count` must be
    their number or less than it is refused. d_optimal: the trials that make the coefficients of a polynomial `model`
    most certain together. Raises InputError where the space allows no such design.
    """
    if count < 1:
        raise InputError(f"a design of {count} trials", hint="ask for at least one")
    region = Region(space, held)
    if kind == "sobol":
        rows = sample(region, seed, 0, count)
    elif kind == "latin_hypercube":
        rows = latin_hypercube(region, count, seed)
    elif kind == "factorial":
        rows = factorial(region, seed)
        if count < len(rows):
            raise InputError(
                f"a full factorial design of this space has {len(rows)} trials, not {count}",
                hint="ask for that many, or take d_optimal, which makes the most of fewer",
            )
        rows = np.concatenate([rows, sample(region, seed, 0, count - len(rows))])
    else:
        rows = _d_optimal(region, count, seed, model)
    return [space.values(row) for row in rows]


def latin_hypercube(region: Region, count: int, seed: int) -> Array:
    """Each factor's range is cut into `count` equal parts, and each part is used once."""
    from scipy.stats import qmc

    if not region.space.plain and (
        region.texts or region.equal_texts or region.curved or region.groups
    ):
        raise InputError(
            "a Latin hypercube knows no constraints",
            hint="take sobol or d_optimal, which keep them",
        )
    generator = np.random.Generator(np.random.PCG64(derived_seed("latin", seed)))
    points: Array = qmc.LatinHypercube(len(region.low), rng=generator).random(count)
    rows = points.copy()
    for k, levels in enumerate(region.levels):
        if levels is not None:
            rows[:, k] = levels[
                np.minimum((points[:, k] * len(levels)).astype(int), len(levels) - 1)
            ]
    return np.where(region.low == region.high, region.low, rows)


def factorial(region: Region, seed: int) -> Array:
    """All combinations of ends, levels (up to 3; of more both ends) and choices, in random order."""
    sides: list[list[float]] = []
    for k, levels in enumerate(region.levels):
        if region.low[k] == region.high[k]:
            sides.append([float(region.low[k])])
        elif levels is None:
            sides.append([0.0, 1.0])
        elif isinstance(region.space.factors[k], Category) or len(levels) <= 3:
            sides.append(levels.tolist())
        else:
            sides.append([float(levels[0]), float(levels[-1])])
    runs = math.prod(map(len, sides))
    if runs > _MOST_RUNS:
        raise InputError(
            f"a full factorial design of this space has {runs} trials",
            hint="take d_optimal, which makes the most of few",
        )
    rows = np.array(list(itertools.product(*sides)))
    rows = rows[region.lawful(rows)]
    if not len(rows):
        raise InputError(
            "no corner of this space keeps all constraints", hint="take d_optimal or sobol"
        )
    generator = np.random.Generator(np.random.PCG64(derived_seed("factorial", seed)))
    return rows[generator.permutation(len(rows))]


def model_matrix(region: Region, rows: Array, model: Model) -> Array:
    """The terms of a polynomial at k rows: numbers from -1 to 1, choices as contrasts to the first."""
    columns: list[tuple[int, Array]] = []
    for k, factor in enumerate(region.space.factors):
        if region.low[k] == region.high[k]:
            continue
        if isinstance(factor, Category):
            columns += [(k, (rows[:, k] == c) * 1.0) for c in range(1, len(factor.choices))]
        else:
            columns.append((k, 2.0 * rows[:, k] - 1.0))
    terms = [np.ones(len(rows)), *(column for _, column in columns)]
    if model != "linear":
        terms += [
            one * other for (k, one), (m, other) in itertools.combinations(columns, 2) if k != m
        ]
    if model == "quadratic":
        terms += [
            column**2 for k, column in columns if not isinstance(region.space.factors[k], Category)
        ]
    return np.stack(terms, axis=1)


def d_efficiency(matrix: Array) -> float:
    """`det(X'X)^(1/p) / n`: how certain the coefficients are together, for each trial."""
    sign, log_det = np.linalg.slogdet(matrix.T @ matrix)
    return float(math.exp(log_det / matrix.shape[1]) / len(matrix)) if sign > 0 else 0.0


def _d_optimal(region: Region, count: int, seed: int, model: Model) -> Array:
    """Fedorov's exchange over spread candidates and lawful corners, from several starts.

    A sum that is held constant makes terms depend on each other, so these are taken out first.
    """
    rows = sample(region, seed, 0, _CANDIDATES)
    with suppress(InputError):  # too many corners, or none that is lawful
        rows = np.concatenate([rows, factorial(region, seed)])
    rows = np.unique(np.concatenate([rows, _pushed(region, rows)]), axis=0)
    terms = model_matrix(region, rows, model)
    _, sizes, right = np.linalg.svd(terms, full_matrices=False)
    kept = right[sizes > 1e-8 * sizes[0]]
    matrix = terms @ kept.T
    needed = matrix.shape[1]
    if count < needed:
        raise InputError(
            f"{count} trials can't tell the {needed} coefficients of a {model} model apart",
            hint=f"ask for at least {needed}, or for a smaller model",
        )
    generator = np.random.Generator(np.random.PCG64(derived_seed("d-optimal", seed)))
    best: tuple[float, list[int]] | None = None
    for _ in range(_STARTS):
        chosen = generator.choice(len(matrix), size=count, replace=len(matrix) < count).tolist()
        found = _exchanged(matrix, chosen)
        score = float(np.linalg.slogdet(matrix[found].T @ matrix[found])[1])
        if best is None or score > best[0] + 1e-9:
            best = (score, found)
    assert best is not None
    return rows[np.array(best[1])[generator.permutation(count)]]


def _pushed(region: Region, rows: Array) -> Array:
    """Candidates moved to the walls: optimal designs stand there."""
    pushed = rows.copy()
    free = np.flatnonzero(region.free)
    if not len(free):
        return rows
    pushed[:, free] = np.round(pushed[:, free])
    halves = rows.copy()
    halves[:, free] = np.round(2.0 * halves[:, free]) / 2.0
    both = np.concatenate([pushed, halves])
    both = region.repaired(np.clip(both, region.low, region.high))
    return both[region.lawful(both)]


def _exchanged(matrix: Array, chosen: list[int]) -> list[int]:
    """Swap single trials for candidates while the determinant grows."""
    ridge = _RIDGE * np.eye(matrix.shape[1])
    for _ in range(_PASSES):
        better = False
        for place in range(len(chosen)):
            rest = [row for k, row in enumerate(chosen) if k != place]
            inverse = np.linalg.inv(matrix[rest].T @ matrix[rest] + ridge)
            # det(A + x x') = det(A) (1 + x' A^-1 x)
            gains = np.einsum("ij,jk,ik->i", matrix, inverse, matrix)
            top = int(gains.argmax())
            if gains[top] > gains[chosen[place]] * (1.0 + 1e-9):
                chosen[place] = top
                better = True
        if not better:
            break
    return chosen
