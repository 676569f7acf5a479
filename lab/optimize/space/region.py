"""Where may be searched now: a space of which some factors may be held at a value.

Rows have one number per factor (see `Space.row`). What is linear in the rows stands here as a matrix;
what isn't is asked as a formula.
"""

# scipy has no type stubs.
# pyright: reportUnknownMemberType=false, reportMissingTypeStubs=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lab.domain.errors import InputError
from lab.optimize.space.factors import Category

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lab.optimize.domain import Array
    from lab.optimize.space.factors import Setting
    from lab.optimize.space.space import Space

__all__ = ["PRESENT", "Group", "Region"]

PRESENT = 1e-9
"""Of its range: a factor of an at-most rule above it is there."""
_INSIDE = 1e-9
_ON_LEVEL = 1e-6
_MANY_LEVELS = 12
_JUMPS = (1, 2, 5, 10)


@dataclass(frozen=True)
class Group:
    """At most `most` of the factors with these indices are above zero."""

    members: tuple[int, ...]
    most: int


class Region:
    """A space with `held` factors. Raises InputError for a held value that the space does not have."""

    def __init__(self, space: Space, held: Mapping[str, Setting] | None = None) -> None:
        self.space = space
        self.held = dict(held or {})
        count = len(space.factors)
        self.levels: list[Array | None] = []
        """For each factor the numbers that a row may have, or None for any from 0 to 1."""
        for factor in space.factors:
            if isinstance(factor, Category):
                self.levels.append(np.arange(float(len(factor.choices))))
            elif factor.levels is None:
                self.levels.append(None)
            else:
                span = factor.maximum - factor.minimum
                self.levels.append((np.array(factor.levels) - factor.minimum) / span)
        self.low = np.zeros(count)
        self.high = np.array([1.0 if v is None else float(v[-1]) for v in self.levels])
        for name, value in self.held.items():
            self._hold(name, value)
        self.groups = tuple(
            Group(tuple(space.names.index(name) for name in rule.factors), rule.most)
            for rule in space.at_most
        )
        self.free = np.array(
            [v is None and self.low[k] < self.high[k] for k, v in enumerate(self.levels)]
        )
        """Which factors can take any number of a range."""
        self._lines()

    def _hold(self, name: str, value: Setting) -> None:
        factor = self.space.factor(name)
        k = self.space.names.index(name)
        if isinstance(factor, Category):
            if value not in factor.choices:
                raise InputError(
                    f"{name} held at {value!r}",
                    hint=f"the choices are: {', '.join(factor.choices)}",
                )
            self.low[k] = self.high[k] = factor.choices.index(str(value))
            return
        if isinstance(value, str) or not np.isfinite(value):
            raise InputError(f"{name} held at {value!r}", hint="give a number in its unit")
        place = (value - factor.minimum) / (factor.maximum - factor.minimum)
        if not -_INSIDE <= place <= 1.0 + _INSIDE:
            raise InputError(
                f"{name} held at {value:g}, outside {factor.minimum:g} to {factor.maximum:g} "
                f"{factor.unit}",
                hint="hold it inside its range",
            )
        levels = self.levels[k]
        if levels is not None and np.abs(levels - place).min() > _ON_LEVEL:
            raise InputError(
                f"{name} held at {value:g}, which is none of its levels",
                hint="hold it at one of its levels",
            )
        self.low[k] = self.high[k] = min(1.0, max(0.0, place))

    def _lines(self) -> None:
        """`matrix @ row + constant >= 0` and `equal_matrix @ row + equal_constant == 0`."""
        space = self.space
        parts: list[tuple[bool, Array, float, str]] = []
        for formula in space.formulas:
            for line in formula.linear:
                weights = np.zeros(len(space.factors))
                constant = line.constant
                for name, coefficient in line.coefficients.items():
                    factor = space.factor(name)
                    assert not isinstance(factor, Category)
                    weights[space.names.index(name)] = coefficient * (
                        factor.maximum - factor.minimum
                    )
                    constant += coefficient * factor.minimum
                size = max(float(np.abs(weights).max()), 1e-300)
                parts.append((line.equal, weights / size, constant / size, formula.text))
        uneven = [part for part in parts if not part[0]]
        even = [part for part in parts if part[0]]
        count = len(space.factors)
        self.matrix = np.array([p[1] for p in uneven]).reshape(-1, count)
        self.constant = np.array([p[2] for p in uneven])
        self.texts = [p[3] for p in uneven]
        self.equal_matrix = np.array([p[1] for p in even]).reshape(-1, count)
        self.equal_constant = np.array([p[2] for p in even])
        self.equal_texts = [p[3] for p in even]
        self.curved = tuple(formula for formula in space.formulas if formula.curved)
        self.in_line = (
            np.abs(np.concatenate([self.matrix, self.equal_matrix])).max(axis=0, initial=0.0) > 0.0
        )
        """Which factors stand in a linear constraint."""

    def lawful(self, rows: Array) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Which of k rows keep to everything (levels are taken for granted)."""
        inside = ((rows >= self.low - _INSIDE) & (rows <= self.high + _INSIDE)).all(axis=1)
        if self.space.formulas:
            columns = self.space.columns(rows)
            for formula in self.space.formulas:
                inside &= formula.slack(columns) >= 0.0
        for group in self.groups:
            inside &= (rows[:, group.members] > PRESENT).sum(axis=1) <= group.most
        return inside

    def curved_slack(self, rows: Array) -> Array:
        """The least slack of the formulas that are not linear."""
        columns = self.space.columns(rows)
        slacks = [formula.slack(columns) for formula in self.curved]
        return np.min(slacks, axis=0) if slacks else np.ones(len(rows))

    def repaired(self, rows: Array) -> Array:
        """k rows with the free numbers moved as little as it takes to keep the linear equalities, where
        that leaves them inside their ranges (the others stay unlawful).
        """
        if not len(self.equal_matrix):
            return rows
        rows = rows.copy()
        able = np.tile(self.free, (len(rows), 1))
        for group in self.groups:
            able[:, group.members] &= rows[:, group.members] > PRESENT
        for k in range(len(rows)):
            for _ in range(8):  # what was cut off at a limit is made up for by the others
                gap = self.equal_matrix @ rows[k] + self.equal_constant
                if np.abs(gap).max() < 1e-12 or not able[k].any():
                    break
                part = self.equal_matrix[:, able[k]]
                moved = rows[k, able[k]] - np.linalg.pinv(part) @ gap
                low, high = self.low[able[k]], self.high[able[k]]
                rows[k, able[k]] = np.clip(moved, low, high)
                stuck = np.flatnonzero(able[k])[(moved <= low) | (moved >= high)]
                able[k, stuck] = False
        return rows

    def neighbours(self, row: Array) -> Array:
        """Lawful rows that differ in one choice or level, in two levels moved against each other, or in
        which component of an at-most rule is there.
        """
        found = [*self._other_levels(row), *self._exchanges(row), *self._swaps(row)]
        if not found:
            return np.empty((0, len(row)))
        rows = self.repaired(np.array(found))
        return rows[self.lawful(rows)]

    def _other_levels(self, row: Array) -> list[Array]:
        found: list[Array] = []
        for k, levels in enumerate(self.levels):
            if levels is None or self.low[k] == self.high[k]:
                continue
            here = int(np.abs(levels - row[k]).argmin())
            categorical = isinstance(self.space.factors[k], Category)
            if categorical or len(levels) <= _MANY_LEVELS:
                others = [i for i in range(len(levels)) if i != here]
            else:
                others = [here + sign * jump for jump in _JUMPS for sign in (1, -1)]
            for other in others:
                if 0 <= other < len(levels):
                    found.append(_with(row, {k: float(levels[other])}))
        return found

    def _exchanges(self, row: Array) -> list[Array]:
        """One level up and another down, among factors that share a linear constraint."""
        numbers = [
            (k, levels)
            for k, levels in enumerate(self.levels)
            if levels is not None and self.in_line[k] and self.low[k] < self.high[k]
        ]
        found: list[Array] = []
        for k, levels in numbers:
            for m, others in numbers:
                up = int(np.abs(levels - row[k]).argmin()) + 1
                down = int(np.abs(others - row[m]).argmin()) - 1
                if k != m and up < len(levels) and down >= 0:
                    found.append(_with(row, {k: float(levels[up]), m: float(others[down])}))
        return found

    def _swaps(self, row: Array) -> list[Array]:
        found: list[Array] = []
        spans = [
            1.0 if isinstance(f, Category) else f.maximum - f.minimum for f in self.space.factors
        ]
        for group in self.groups:
            there = [k for k in group.members if row[k] > PRESENT]
            absent = [k for k in group.members if row[k] <= PRESENT and self.high[k] > 0.0]
            for k in there:
                found.append(_with(row, {k: 0.0}))
                for m in absent:
                    amount = self._on_level(m, min(self.high[m], row[k] * spans[k] / spans[m]))
                    found.append(_with(row, {k: 0.0, m: amount}))
            if len(there) < group.most:
                found += [_with(row, {m: self._on_level(m, 0.1 * self.high[m])}) for m in absent]
        return found

    def _on_level(self, k: int, place: float) -> float:
        levels = self.levels[k]
        return place if levels is None else float(levels[np.abs(levels - place).argmin()])


def _with(row: Array, changes: dict[int, float]) -> Array:
    changed = row.copy()
    for k, value in changes.items():
        changed[k] = value
    return changed
