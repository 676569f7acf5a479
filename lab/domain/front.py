"""Rows of scores of which more is better in each column: which no other row beats, and what they enclose. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["hypervolume", "nondominated"]

Row = tuple[float, ...]


def nondominated(rows: Sequence[Row]) -> list[int]:
    """Indices of the rows that no other row equals or beats in every column and beats in one, rising. Equal rows
    are all kept."""
    return [i for i, row in enumerate(rows) if not any(_beats(other, row) for other in rows)]


def _beats(one: Row, other: Row) -> bool:
    return one != other and all(a >= b for a, b in zip(one, other, strict=True))


def hypervolume(rows: Sequence[Row], worst: Sequence[float]) -> float:
    """The volume that the rows dominate, above `worst` in every column; exact.

    Slices the last column and adds up the volumes of one column less (While et al. 2006, IEEE Trans. Evol.
    Comput. 10, 29): quick for fronts of a laboratory, exponential in the number of columns.
    """
    low = tuple(worst)
    kept = [row for row in rows if all(a > b for a, b in zip(row, low, strict=True))]
    if not kept:
        return 0.0
    if len(low) == 1:
        return max(row[0] for row in kept) - low[0]
    kept.sort(key=lambda row: -row[-1])
    volume = 0.0
    if len(low) == 2:
        widest = low[0]
        for one, other in kept:
            if one > widest:
                volume += (one - widest) * (other - low[1])
                widest = one
        return volume
    for count, row in enumerate(kept, 1):
        below = kept[count][-1] if count < len(kept) else low[-1]
        if row[-1] > below:
            above = [other[:-1] for other in kept[:count]]
            volume += (row[-1] - below) * hypervolume(
                [above[i] for i in nondominated(above)], low[:-1]
            )
    return volume
