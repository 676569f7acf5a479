"""Points spread over a region. Point k is a function of the region, the seed and k alone.

Where most of the cube is lawful: Sobol points that are. Elsewhere (sums, few of many components, narrow
regions) each point is the end of a walk: a step goes to a random place on the chord through the point in a
random direction (hit-and-run; Smith 1984), where a formula cuts a piece off the chord, the chord is
shortened towards the point (as in slice sampling; Neal 2003).
"""

# scipy has no type stubs.
# pyright: reportUnknownMemberType=false, reportMissingTypeStubs=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportAttributeAccessIssue=false

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lab.domain.errors import EmptySpaceError, InputError
from lab.optimize.sobol import derived_seed, sobol_points
from lab.optimize.space.factors import Category
from lab.optimize.space.feasible import demand_linear, nearest

if TYPE_CHECKING:
    from lab.optimize.domain import Array
    from lab.optimize.space.region import Region

__all__ = ["sample"]

_TRIED = 4096
_LAWFUL_SHARE = 0.05
_MOST_TRIED = 2**20
_BLOCK = 256
_TRIES = 200
_CURVED_STEPS = 5
"""A walk between curved walls gets ahead in small steps."""


def sample(region: Region, seed: int, first: int, count: int) -> Array:
    """Points `first` to `first + count - 1` as rows. InputError if the region is empty."""
    if count < 1:
        return np.empty((0, len(region.low)))
    if region.space.plain:
        points = np.array(sobol_points(seed, first, count, len(region.low)))
        return np.where(region.low == region.high, region.low, points)
    if region.texts or region.equal_texts or region.groups:
        demand_linear(region)
    if not region.equal_texts and not region.groups:
        lawful = _lawful_sobol(region, seed, 0)
        if len(lawful) >= _LAWFUL_SHARE * _TRIED:
            return _from_sobol(region, seed, first, count, lawful)
    walker = _Walker(region, seed)
    blocks = [
        walker.block(number) for number in range(first // _BLOCK, (first + count - 1) // _BLOCK + 1)
    ]
    offset = first % _BLOCK
    return np.concatenate(blocks)[offset : offset + count]


def _on_levels(region: Region, points: Array) -> Array:
    """Sobol points of the cube as rows: each level or choice has an equal share of its side."""
    rows = points.copy()
    for k, levels in enumerate(region.levels):
        if levels is not None:
            index = np.minimum((points[:, k] * len(levels)).astype(np.intp), len(levels) - 1)
            rows[:, k] = levels[index]
    return np.where(region.low == region.high, region.low, rows)


def _lawful_sobol(region: Region, seed: int, block: int) -> Array:
    from scipy.stats import qmc

    generator = np.random.Generator(np.random.PCG64(derived_seed("sobol", seed)))
    engine = qmc.Sobol(len(region.low), scramble=True, rng=generator)
    if block:
        engine.fast_forward(block * _TRIED)
    rows = _on_levels(region, engine.random(_TRIED))
    return rows[region.lawful(rows)]


def _from_sobol(region: Region, seed: int, first: int, count: int, lawful: Array) -> Array:
    found = [lawful]
    block = 1
    while sum(map(len, found)) < first + count:
        if block * _TRIED > _MOST_TRIED:
            raise InputError(f"more than {sum(map(len, found))} trials of one sequence")
        found.append(_lawful_sobol(region, seed, block))
        block += 1
    return np.concatenate(found)[first : first + count]


class _Walker:
    """Makes points in blocks, each from random numbers of its own."""

    def __init__(self, region: Region, seed: int) -> None:
        self.region = region
        self.seed = seed
        self.count = len(region.low)
        self.starts: dict[bytes, Array | None] = {}
        """A lawful row for each pattern of held coordinates, or None where none was found."""
        self.directions: dict[bytes, Array] = {}
        self.coupled = [
            k
            for k, levels in enumerate(region.levels)
            if levels is not None and region.in_line[k] and region.low[k] < region.high[k]
        ]
        """Levels that stand in a sum can't be drawn on their own: they're rounded after the walk."""

    def block(self, number: int) -> Array:
        generator = np.random.Generator(np.random.PCG64(derived_seed("walk", self.seed, number)))
        found: list[Array] = []
        for _ in range(_TRIES):
            wanted = _BLOCK - len(found)
            if not wanted:
                break
            lows, highs = self._patterns(wanted, generator)
            starts = np.full((wanted, self.count), np.nan)
            for i in range(wanted):
                start = self._start(lows[i], highs[i])
                if start is not None:
                    starts[i] = start
            usable = ~np.isnan(starts[:, 0])
            if not usable.any():
                continue
            rows = self._walk(starts[usable], lows[usable], highs[usable], generator)
            rows = self._rounded(rows, lows[usable], highs[usable])
            found += list(rows[self.region.lawful(rows)])
        if len(found) < _BLOCK:
            raise EmptySpaceError(
                "no point was found that keeps all constraints: "
                + "; ".join(f"`{text}`" for text in self.region.space.constraints),
                hint="loosen one of them, or give ranges in which they can hold",
            )
        return np.array(found)

    def _patterns(self, count: int, generator: np.random.Generator) -> tuple[Array, Array]:
        """Limits of each walk: levels and choices drawn, absent components held at zero."""
        region = self.region
        lows = np.tile(region.low, (count, 1))
        highs = np.tile(region.high, (count, 1))
        for k, levels in enumerate(region.levels):
            if levels is not None and k not in self.coupled and region.low[k] < region.high[k]:
                drawn = levels[generator.integers(len(levels), size=count)]
                lows[:, k] = highs[:, k] = drawn
        for group in region.groups:
            for i in range(count):
                held = [k for k in group.members if region.low[k] > 0.0]
                rest = [k for k in group.members if k not in held and highs[i, k] > 0.0]
                room = min(max(group.most - len(held), 0), len(rest))
                there = generator.choice(len(rest), size=room, replace=False).tolist()
                for index, k in enumerate(rest):
                    if index not in there:
                        lows[i, k] = highs[i, k] = 0.0
        return lows, highs

    def _start(self, low: Array, high: Array) -> Array | None:
        key = np.concatenate([low, high]).tobytes()
        if key not in self.starts:
            self.starts[key] = self._find_start(low, high)
        return self.starts[key]

    def _find_start(self, low: Array, high: Array) -> Array | None:
        region = self.region
        centre = _centre(region, low, high)
        if centre is None or not region.curved or region.curved_slack(centre[None])[0] >= 0.0:
            return centre
        generator = np.random.Generator(np.random.PCG64(derived_seed("start", self.seed)))
        tried = np.tile(centre, (256, 1))
        limits = np.tile(low, (256, 1)), np.tile(high, (256, 1))
        tried = self._walk(tried, *limits, generator, curved=False)
        slack = region.curved_slack(tried)
        if slack.max() >= 0.0:
            return tried[int(slack.argmax())]
        for row in tried[np.argsort(-slack, kind="stable")[:8]]:
            climbed = _climbed(region, row, low, high)
            if region.curved_slack(climbed[None])[0] >= 0.0 and self._linear(climbed):
                return climbed
        return None

    def _linear(self, row: Array) -> bool:
        region = self.region
        uneven = region.matrix @ row + region.constant
        even = np.abs(region.equal_matrix @ row + region.equal_constant)
        return bool(uneven.min(initial=0.0) >= -1e-9 and even.max(initial=0.0) <= 1e-9)

    def _basis(self, low: Array, high: Array) -> Array:
        """Directions that leave held coordinates and equalities as they are, f x k."""
        key = (low < high).tobytes()
        if key not in self.directions:
            free = low < high
            inner = self.region.equal_matrix[:, free]
            _, sizes, right = np.linalg.svd(inner, full_matrices=True)
            rank = int((sizes > 1e-10).sum())
            basis = np.zeros((self.count, int(free.sum()) - rank))
            basis[free] = right[rank:].T
            self.directions[key] = basis
        return self.directions[key]

    def _walk(
        self,
        rows: Array,
        lows: Array,
        highs: Array,
        generator: np.random.Generator,
        *,
        curved: bool = True,
    ) -> Array:
        region = self.region
        keys = [(low < high).tobytes() for low, high in zip(lows, highs, strict=True)]
        bases = [self._basis(low, high) for low, high in zip(lows, highs, strict=True)]
        widest = max(basis.shape[1] for basis in bases)
        if widest == 0:
            return rows
        alike = len(set(keys)) == 1
        stacked = None if alike else np.stack([_padded(basis, widest) for basis in bases])
        steps = (30 + 10 * widest) * (_CURVED_STEPS if curved and region.curved else 1)
        for _ in range(steps):
            normal = generator.standard_normal((len(rows), widest))
            step = (
                normal @ bases[0].T if stacked is None else np.einsum("nfk,nk->nf", stacked, normal)
            )
            least, most = _chord(region, rows, step, lows, highs)
            place = least + generator.random(len(rows)) * (most - least)
            tried = rows + place[:, None] * step
            if curved and region.curved:
                bad = region.curved_slack(tried) < 0.0
                for _ in range(12):
                    if not bad.any():
                        break
                    least = np.where(bad & (place < 0.0), place, least)
                    most = np.where(bad & (place >= 0.0), place, most)
                    again = least + generator.random(len(rows)) * (most - least)
                    place = np.where(bad, again, place)
                    tried = rows + place[:, None] * step
                    bad = region.curved_slack(tried) < 0.0
                tried = np.where(bad[:, None], rows, tried)
            rows = np.clip(tried, lows, highs)
        return rows

    def _rounded(self, rows: Array, lows: Array, highs: Array) -> Array:
        region = self.region
        if not self.coupled:
            return rows
        wanted, rows = rows, rows.copy()
        for k in self.coupled:
            levels = region.levels[k]
            assert levels is not None
            rows[:, k] = levels[np.abs(levels[None] - rows[:, k : k + 1]).argmin(axis=1)]
        rows = region.repaired(self._stepped(rows, wanted))
        for i in np.flatnonzero(~region.lawful(rows)).tolist():
            found = nearest(region, np.clip(rows[i], lows[i], highs[i]))
            if found is not None:
                rows[i] = found
        return rows

    def _stepped(self, rows: Array, wanted: Array) -> Array:
        """Rounded rows with single levels moved, nearest to `wanted` first, until a sum is right again."""
        region = self.region
        matrix, constant = region.equal_matrix, region.equal_constant
        if not len(matrix) or region.free[region.in_line].any():
            return rows
        for row, target in zip(rows, wanted, strict=True):
            for _ in range(2 * len(self.coupled)):
                gap = matrix @ row + constant
                size = float(np.abs(gap).sum())
                if size < 1e-9:
                    break
                moves = [
                    (
                        float(np.abs(gap + matrix[:, k] * (place - row[k])).sum()),
                        abs(place - target[k]),
                        k,
                        place,
                    )
                    for k in self.coupled
                    for place in self._beside(k, float(row[k]))
                ]
                least = min(moves)
                if least[0] >= size - 1e-12:
                    break
                # of the moves that close the gap equally far, the one that strays least
                _, _, k, place = min(
                    (m for m in moves if m[0] <= least[0] + 1e-9), key=lambda m: (m[1], m[2])
                )
                row[k] = place
        return rows

    def _beside(self, k: int, place: float) -> list[float]:
        levels = self.region.levels[k]
        assert levels is not None
        here = int(np.abs(levels - place).argmin())
        return [float(levels[i]) for i in (here - 1, here + 1) if 0 <= i < len(levels)]


def _padded(basis: Array, width: int) -> Array:
    return np.pad(basis, ((0, 0), (0, width - basis.shape[1])))


def _chord(
    region: Region, rows: Array, step: Array, lows: Array, highs: Array
) -> tuple[Array, Array]:
    """How far each row can go along its step, backwards and forwards."""
    with np.errstate(divide="ignore", invalid="ignore"):
        down, up = (lows - rows) / step, (highs - rows) / step
        ends = [np.where(step > 0, down, up), np.where(step > 0, up, down)]
        still = np.abs(step) < 1e-14
        least = np.where(still, -np.inf, ends[0]).max(axis=1)
        most = np.where(still, np.inf, ends[1]).min(axis=1)
        if len(region.matrix):
            speed = step @ region.matrix.T
            room = np.maximum(rows @ region.matrix.T + region.constant, 0.0)
            reach = -room / speed
            least = np.maximum(least, np.where(speed > 1e-14, reach, -np.inf).max(axis=1))
            most = np.minimum(most, np.where(speed < -1e-14, reach, np.inf).min(axis=1))
    usable = np.isfinite(least) & np.isfinite(most)
    return np.where(usable, np.minimum(least, 0.0), 0.0), np.where(
        usable, np.maximum(most, 0.0), 0.0
    )


def _centre(region: Region, low: Array, high: Array) -> Array | None:
    """The centre of the largest ball inside the linear constraints (Chebyshev centre); None if they
    can't be kept.
    """
    from scipy.optimize import linprog

    free = low < high
    count = len(low)
    sizes = np.linalg.norm(region.matrix[:, free], axis=1)
    upper = [np.concatenate([-region.matrix, sizes[:, None]], axis=1)]
    limits = [region.constant]
    for k in np.flatnonzero(free).tolist():
        for sign, limit in ((-1.0, -low[k]), (1.0, high[k])):
            line = np.zeros((1, count + 1))
            line[0, k], line[0, -1] = sign, 1.0
            upper.append(line)
            limits.append(np.array([limit]))
    even = np.concatenate([region.equal_matrix, np.zeros((len(region.equal_matrix), 1))], axis=1)
    result = linprog(
        np.array([0.0] * count + [-1.0]),
        A_ub=np.concatenate(upper),
        b_ub=np.concatenate(limits),
        A_eq=even if len(even) else None,
        b_eq=-region.equal_constant if len(even) else None,
        bounds=[*zip(low.tolist(), high.tolist(), strict=True), (0.0, 1.0)],
        method="highs",
    )
    if result.x is None:
        return None
    return np.clip(np.array(result.x[:-1]), low, high)


def _climbed(region: Region, row: Array, low: Array, high: Array) -> Array:
    """A row with more slack in the formulas, the linear constraints kept."""
    from scipy.optimize import minimize

    free = [
        k
        for k in range(len(row))
        if low[k] < high[k] and not isinstance(region.space.factors[k], Category)
    ]

    def whole(part: Array) -> Array:
        moved = row.copy()
        moved[free] = part
        return moved

    def shortfall(part: Array) -> float:
        slack = float(region.curved_slack(whole(part)[None])[0])
        return -min(slack, 1e-3) if np.isfinite(slack) else 1e6

    def uneven(part: Array) -> Array:
        return region.matrix @ whole(part) + region.constant

    def even(part: Array) -> Array:
        return region.equal_matrix @ whole(part) + region.equal_constant

    kept = [{"type": "ineq", "fun": uneven}] if len(region.matrix) else []
    kept += [{"type": "eq", "fun": even}] if len(region.equal_matrix) else []
    result = minimize(
        shortfall,
        row[free],
        method="SLSQP",
        bounds=[(low[k], high[k]) for k in free],
        constraints=kept,
        options={"maxiter": 100},
    )
    return whole(np.clip(np.array(result.x), low[free], high[free]))
