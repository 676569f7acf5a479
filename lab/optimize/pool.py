"""A list of candidates as the search space: a catalogue, a plate, a full factorial, a virtual library.

For example, to choose the next four of a table of reactions::

    pool = Pool.from_columns({"ligand": [...], "temperature": [...]}, descriptors={"ligand": {...}})
    suggest_from(pool, "maximize", history, 4, seed=1, initial=8)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lab.domain.errors import InputError
from lab.optimize.space import Category, Factor, Space
from lab.optimize.space.region import Region

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from numpy.typing import NDArray

    from lab.optimize.domain import Array, Indices
    from lab.optimize.space import Setting

__all__ = ["Pool"]

_SAME = 1e-9
"""Of a range: values nearer than this are one."""


@dataclass(frozen=True, eq=False)
class Pool:
    """N distinct candidates. `rows`: N x factors, as `Space.row` writes them; `settings`: for each
    factor the N values as they were given.
    """

    space: Space
    rows: Array
    settings: Mapping[str, Sequence[Setting] | NDArray[Any]]

    @classmethod
    def from_columns(
        cls,
        columns: Mapping[str, Sequence[Setting] | NDArray[Any]],
        descriptors: Mapping[str, Mapping[str, Sequence[float]]] | None = None,
    ) -> Pool:
        """A pool of the rows of a table: numbers are continuous factors, text is a choice (with
        `descriptors`, for each choice equally many numbers that say how alike choices are). Columns with one
        value say nothing and are no factors. Raises InputError for what is no table.
        """
        given = dict(descriptors or {})
        count = {len(values) for values in columns.values()}
        if len(count) != 1 or not count.pop():
            raise InputError(
                "the candidates are no table", hint="give columns of one length, at least one row"
            )
        for name in given:
            if name not in columns:
                raise InputError(
                    f"descriptors of {name}, which is no column",
                    hint=f"the columns are: {', '.join(columns)}",
                )
        factors: list[Factor | Category] = []
        rows: list[Array] = []
        for name, values in columns.items():
            made = _factor(name, values, given.get(name))
            if made is not None:
                factors.append(made[0])
                rows.append(made[1])
        if not factors:
            raise InputError("all candidates are alike", hint="give at least two different rows")
        table = np.stack(rows, axis=1)
        again = _repeated(table)
        if len(again):
            raise InputError(
                f"{len(again)} candidates are listed more than once (row {int(again[0]) + 1})",
                hint="list each candidate once; replicates belong in the history",
            )
        names = [factor.name for factor in factors]
        return cls(Space(tuple(factors)), table, {name: columns[name] for name in names})

    @classmethod
    def in_space(cls, space: Space, columns: Mapping[str, Sequence[Setting]]) -> Pool:
        """A pool of these rows in a space that is known already. InputError for a row that is not of it."""
        rows: list[list[float]] = []
        for line, values in enumerate(zip(*(columns[n] for n in space.names), strict=True), 1):
            given = dict(zip(space.names, values, strict=True))
            space.check(given, f"candidate {line}")
            rows.append(space.row(given))
        table = np.array(rows, dtype=np.float64)
        again = _repeated(table)
        if len(again):
            raise InputError(
                f"{len(again)} candidates are listed more than once (row {int(again[0]) + 1})",
                hint="list each candidate once; replicates belong in the history",
            )
        return cls(space, table, dict(columns))

    def within(self, space: Space) -> Pool:
        """The same candidates under the rules of a space with the same factors."""
        return self if space is self.space else Pool(space, self.rows, self.settings)

    @property
    def columns(self) -> dict[str, list[Setting]]:
        """The settings as plain lists."""
        return {
            name: column.tolist() if isinstance(column, np.ndarray) else list(column)
            for name, column in self.settings.items()
        }

    def lawful(self, held: Mapping[str, Setting] | None = None) -> Indices:
        """The candidates that keep the space's constraints and have the factors in `held` as they are there."""
        kept = np.ones(len(self), dtype=bool)
        if self.space.constraints or self.space.at_most:
            kept = Region(self.space).lawful(self.rows)
        for name, value in (held or {}).items():
            place = self.space.names.index(self.space.factor(name).name)
            wanted = self.space.row({**self.values(0), name: value})[place]
            kept &= np.abs(self.rows[:, place] - wanted) < _SAME
        return np.flatnonzero(kept)

    def __len__(self) -> int:
        return len(self.rows)

    def values(self, index: int) -> dict[str, Setting]:
        """The settings of a candidate."""
        return {
            name: value.item() if isinstance(value := column[index], np.generic) else value
            for name, column in self.settings.items()
        }

    def find(self, values: Mapping[str, Setting]) -> int | None:
        """The candidate with these settings; None if there is none."""
        row = self.space.row(values)
        near = np.flatnonzero(np.abs(self.rows[:, 0] - row[0]) < _SAME)
        near = near[(np.abs(self.rows[near] - np.array(row)) < _SAME).all(axis=1)]
        return int(near[0]) if len(near) else None


def _repeated(table: Array) -> Indices:
    """Rows that equal an earlier one. Equal rows have equal projections, so they are neighbours when
    sorted by those."""
    order = np.argsort(table @ np.sqrt(np.arange(2.0, 2.0 + table.shape[1])), kind="stable")
    same = np.ones(len(table) - 1, dtype=bool)
    for column in table.T:
        same &= column[order[1:]] == column[order[:-1]]
    return np.sort(order[1:][same])


def _factor(
    name: str,
    values: Sequence[Setting] | NDArray[Any],
    descriptors: Mapping[str, Sequence[float]] | None,
) -> tuple[Factor | Category, Array] | None:
    """The factor of a column with the column as numbers; None where all values are one."""
    array = np.asarray(values)
    if array.dtype.kind in "fiub" and descriptors is None:
        numbers = array.astype(np.float64)
        if not np.isfinite(numbers).all():
            row = int(np.flatnonzero(~np.isfinite(numbers))[0])
            raise InputError(
                f"candidate {row + 1}: {name} is {numbers[row]}", hint="give a number in each row"
            )
        low, high = float(numbers.min()), float(numbers.max())
        if low == high:
            return None
        return Factor(name, "1", low, high), (numbers - low) / (high - low)
    choices, codes = np.unique(array.astype(str), return_inverse=True)
    if len(choices) == 1:
        return None
    wanted = None
    if descriptors is not None:
        missing = [choice for choice in choices.tolist() if choice not in descriptors]
        if missing:
            raise InputError(
                f"{name}: no descriptors of {missing[0]}",
                hint="give numbers for every choice, or for none",
            )
        wanted = {choice: tuple(descriptors[choice]) for choice in choices.tolist()}
    return Category(name, tuple(choices.tolist()), wanted), codes.reshape(-1).astype(np.float64)
