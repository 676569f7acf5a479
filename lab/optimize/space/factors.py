"""What may be changed: numbers in a range, numbers on a list, and names on a list."""

from __future__ import annotations

import math
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

from pydantic import ConfigDict, model_validator
from pydantic.dataclasses import dataclass

from lab.domain.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lab.optimize.domain import Array
    from lab.sop.columns import Columns

__all__ = ["AnyFactor", "Category", "Factor", "Levels", "Setting"]

if TYPE_CHECKING:
    Setting = Any  # the factor says which of the two it is
else:
    Setting = float | str
"""What a factor is set to: a number in its unit, or the name of a choice."""

_GRID_SLACK = 1e-6
"""In steps: a value this near to a grid point is on it."""


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Factor:
    """A number from `minimum` to `maximum` in `unit`, both allowed values.

    With a `step` only `minimum + k * step` is allowed; a whole number has the step 1.
    """

    name: str
    unit: str
    minimum: float
    maximum: float
    step: float | None = None

    @model_validator(mode="after")
    def _check_range(self) -> Self:
        _check_name(self.name)
        span = self.maximum - self.minimum
        if not (
            math.isfinite(self.minimum) and math.isfinite(self.maximum) and math.isfinite(span)
        ):
            raise InputError(
                f"factor {self.name}: the range {self.minimum} to {self.maximum} is not finite",
                hint="the optimiser searches between two plain numbers; give both",
            )
        if span <= 0:
            raise InputError(
                f"factor {self.name}: the minimum {self.minimum:g} is not below "
                f"the maximum {self.maximum:g}",
                hint="swap them, or list the parameter under `fixed` if it shall not change",
            )
        if self.step is not None and not 0 < self.step <= span * (1 + _GRID_SLACK):
            raise InputError(
                f"factor {self.name}: a step of {self.step:g} between {self.minimum:g} "
                f"and {self.maximum:g}",
                hint="give a step above 0 that fits into the range at least once",
            )
        return self

    @property
    def levels(self) -> tuple[float, ...] | None:
        """All values, ascending; None where any number in the range is allowed."""
        if self.step is None:
            return None
        count = math.floor((self.maximum - self.minimum) / self.step + _GRID_SLACK)
        return tuple(float(f"{self.minimum + k * self.step:.12g}") for k in range(count + 1))


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Levels:
    """One of some numbers in `unit`, listed in ascending order (ordinal: near levels act alike)."""

    name: str
    unit: str
    levels: tuple[float, ...]

    @model_validator(mode="after")
    def _check_levels(self) -> Self:
        _check_name(self.name)
        if len(self.levels) < 2 or not all(math.isfinite(level) for level in self.levels):
            raise InputError(
                f"factor {self.name}: {len(self.levels)} finite levels are too few to choose from",
                hint="list at least two numbers",
            )
        if any(b <= a for a, b in zip(self.levels, self.levels[1:], strict=False)):
            raise InputError(
                f"factor {self.name}: the levels do not ascend",
                hint="list each number once, the least first",
            )
        return self

    @property
    def minimum(self) -> float:
        return self.levels[0]

    @property
    def maximum(self) -> float:
        return self.levels[-1]


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Category:
    """One of some names. Without descriptors no two names are more alike than others.

    `descriptors`: numbers that say how alike the choices are, equally many for each, such as
    computed properties of the solvents (`from_smiles` computes them); `columns` names them. Constant columns and
    columns that correlate with an earlier one by more than 0.7 are left out of the model: see `left_out`.
    """

    name: str
    choices: tuple[str, ...]
    descriptors: dict[str, tuple[float, ...]] | None = None
    columns: tuple[str, ...] | None = None

    @classmethod
    def from_smiles(cls, name: str, smiles: Mapping[str, str]) -> Self:
        """A choice between molecules, given as choice -> SMILES, with descriptors that RDKit computes (the extra `chem`).

        InputError for a SMILES that can't be read, and for two choices that are one molecule.
        """
        from lab.sop.molecules import describe

        columns, rows = describe(smiles)
        return cls(name, tuple(smiles), rows, columns)

    @model_validator(mode="after")
    def _check_choices(self) -> Self:
        _check_name(self.name)
        if len(set(self.choices)) != len(self.choices) or len(self.choices) < 2:
            raise InputError(
                f"factor {self.name}: the choices {', '.join(self.choices) or '(none)'} "
                "are not at least two different names",
                hint="list each name once",
            )
        if self.descriptors is not None:
            self._check_descriptors(self.descriptors)
        return self

    def _check_descriptors(self, table: dict[str, tuple[float, ...]]) -> None:
        for choice in self.choices:
            if choice not in table:
                raise InputError(
                    f"factor {self.name}: {choice} has no descriptors",
                    hint="give numbers for every choice, or for none",
                )
        for choice, numbers in table.items():
            if choice not in self.choices:
                raise InputError(
                    f"factor {self.name}: descriptors of {choice}, which is no choice",
                    hint=f"the choices are: {', '.join(self.choices)}",
                )
            if len(numbers) != len(table[self.choices[0]]):
                raise InputError(
                    f"factor {self.name}: {choice} has {len(numbers)} descriptors and "
                    f"{self.choices[0]} has {len(table[self.choices[0]])}",
                    hint="give equally many for each choice",
                )
            if self.columns is not None and len(numbers) != len(self.columns):
                raise InputError(
                    f"factor {self.name}: {len(self.columns)} names of {len(numbers)} descriptors",
                    hint="name each column once, or none",
                )
            if not all(math.isfinite(number) for number in numbers):
                raise InputError(
                    f"factor {self.name}: a descriptor of {choice} is not a finite number",
                    hint="leave out columns that are not known for all choices",
                )
        if len({tuple(numbers) for numbers in table.values()}) < len(self.choices):
            raise InputError(
                f"factor {self.name}: two choices have the same descriptors",
                hint="add a descriptor that tells them apart, or leave the descriptors out",
            )

    @cached_property
    def codes(self) -> Array:
        """A row for each choice, as the model sees it; every column from 0 to 1. Read-only: computed once, because
        correlations of hundreds of descriptors cost more than all the rest of a suggestion.
        """
        found = self._coded()
        found.setflags(write=False)
        return found

    def _coded(self) -> Array:
        import numpy as np

        if self.descriptors is None:
            return np.eye(len(self.choices))
        from lab.sop.columns import scale_columns

        return scale_columns(self._table)[:, self._told.kept]

    @property
    def left_out(self) -> tuple[str, ...]:
        """Which columns of the descriptors the model does not see, and why, in words."""
        if self.descriptors is None:
            return ()
        width = len(self.descriptors[self.choices[0]])
        names = self.columns or tuple(f"column {k + 1}" for k in range(width))
        return tuple(self._told.left_out(names))

    @property
    def _table(self) -> Array:
        import numpy as np

        told = self.descriptors or {}
        return np.array([told[choice] for choice in self.choices], dtype=np.float64)

    @cached_property
    def _told(self) -> Columns:
        from lab.sop.columns import told_apart

        return told_apart(self._table)


AnyFactor = Factor | Levels | Category


def _check_name(name: str) -> None:
    if not name:
        raise InputError("a factor has no name", hint="name it as the SOP's parameter")
