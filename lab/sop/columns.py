"""Which columns of a table of descriptors tell its rows apart, and which repeat others. Needs numpy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

__all__ = ["REDUNDANT", "Columns", "scale_columns", "told_apart"]

REDUNDANT = 0.7
"""Columns that correlate more than this with an earlier one say nothing new."""


@dataclass(frozen=True)
class Columns:
    """`kept`: in rising order. `follows`: of a column that was left out the earlier one that it follows, and their
    correlation; a constant column is in neither.
    """

    kept: tuple[int, ...]
    follows: Mapping[int, tuple[int, float]]

    def left_out(self, names: tuple[str, ...]) -> list[str]:
        """In words what was left out and why."""
        words: list[str] = []
        for column, name in enumerate(names):
            if column in self.follows:
                earlier, correlation = self.follows[column]
                words.append(f"{name} (correlates by {correlation:.2f} with {names[earlier]})")
            elif column not in self.kept:
                words.append(f"{name} (the same for all)")
        return words


def told_apart(table: NDArray[np.float64]) -> Columns:
    """The columns that vary and follow no earlier kept one by more than `REDUNDANT`; all that vary where those would not
    tell every row from every other (what is nearly redundant may still tell two of them apart).
    """
    low, high = table.min(axis=0), table.max(axis=0)
    varies = [k for k in range(table.shape[1]) if high[k] > low[k]]
    scaled = scale_columns(table)
    with np.errstate(all="ignore"):
        alike = np.atleast_2d(np.array(np.corrcoef(scaled, rowvar=False), dtype=np.float64))
    kept: list[int] = []
    follows: dict[int, tuple[int, float]] = {}
    for column in varies:
        near = [k for k in kept if not abs(float(alike[column, k])) <= REDUNDANT]
        if near:
            follows[column] = (near[0], float(alike[column, near[0]]))
        else:
            kept.append(column)
    if kept and len({tuple(row) for row in scaled[:, kept].tolist()}) == len(table):
        return Columns(tuple(kept), follows)
    return Columns(tuple(varies), {})


def scale_columns(table: NDArray[np.float64]) -> NDArray[np.float64]:
    """Each column from 0 to 1; a constant one is 0."""
    low, high = table.min(axis=0), table.max(axis=0)
    return (table - low) / np.where(high > low, high - low, 1.0)
