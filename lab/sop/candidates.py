"""A campaign's list of candidates: a CSV table with a column for each factor, `volume [mL]`, and a row for each trial that
may be made. Pure: text in, settings and findings out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.sop.table_columns import TableColumns
from lab.sop.table_file import TableFile

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lab.domain.diagnostic import Diagnostic
    from lab.sop.procedure import Box

__all__ = ["Candidates", "read_candidates"]

_FEWEST = 2
_SLACK = 1e-9


@dataclass(frozen=True, slots=True)
class Candidates:
    """Rows of numbers in the factors' units and of choices, in the order of the factors."""

    rows: tuple[tuple[float | str, ...], ...]


def read_candidates(
    text: str,
    file: str,
    factors: Mapping[str, str | Sequence[str]],
    box: Box,
) -> tuple[Candidates | None, list[Diagnostic]]:
    """The candidates of a file. `factors`: name -> its unit, or the choices that there are (no text), in order; `box`:
    the ranges that the campaign explores.

    None where a finding blocks.
    """
    reader = _Reader(text, file, factors, box)
    columns = reader.header()
    if reader.table.findings:
        return None, reader.table.findings
    rows = reader.rows(columns)
    found = reader.table.findings
    return (None if found else Candidates(tuple(rows))), found


class _Reader:
    def __init__(
        self, text: str, file: str, factors: Mapping[str, str | Sequence[str]], box: Box
    ) -> None:
        self.table = TableFile(text, file)
        self.factors, self.box = factors, box
        self.columns = TableColumns(self.table, factors)
        self._report = self.table.report

    def header(self) -> list[tuple[str, str]]:
        """Factor and unit of each column."""
        if not self.table.cells or not self.table.cells[0]:
            due = f"begin with a line of column names: {self.columns.headings(self.factors)}"
            self._report(0, 0, "value", "a list of candidates without a heading", due)
            return []
        columns = self.columns.header("not a factor of this campaign")
        missing = [name for name in self.factors if name not in [known for known, _ in columns]]
        if missing:
            self._report(
                0, 0, "reference", f"no column of {', '.join(missing)}",
                "a candidate sets every factor; what does not change belongs under `fixed`",
            )  # fmt: skip
        return columns

    def rows(self, columns: Sequence[tuple[str, str]]) -> list[tuple[float | str, ...]]:
        """The rows in the factors' units and order."""
        found: list[tuple[float | str, ...]] = []
        seen: dict[tuple[float | str, ...], int] = {}
        for line, cells in self.table.rows("give each candidate one value for each factor"):
            values = [self._value(line, k, *columns[k]) for k in range(len(cells))]
            known = {name: v for (name, _), v in zip(columns, values, strict=True) if v is not None}
            if len(known) < len(columns):
                continue
            row = tuple(known[name] for name in self.factors)
            if row in seen:
                self._report(
                    line, 0, "value", f"the same candidate stands in line {seen[row] + 1}",
                    "list each once; the optimiser repeats none",
                )  # fmt: skip
            seen.setdefault(row, line)
            found.append(row)
        if not self.table.findings and len(found) < _FEWEST:
            self._report(
                0, 0, "value", f"{len(found)} candidates leave nothing to choose", "list more"
            )
        return found

    def _value(self, line: int, column: int, name: str, unit: str) -> float | str | None:
        if name in self.columns.units:
            return self._number(line, column, name, unit)
        return self.columns.choice(line, column, name)

    def _number(self, line: int, column: int, name: str, unit: str) -> float | None:
        value = self.columns.quantity(line, column, name, unit)
        if value is None:
            return None
        low, high = self.box[name]
        slack = _SLACK * max(abs(low.base), abs(high.base))
        if not low.base - slack <= value.base <= high.base + slack:
            self._report(
                line, column, "range", f"{name} is {value}, outside {low} to {high}",
                "leave the candidate out, or widen the range of the factor",
            )  # fmt: skip
            return None
        return value.magnitude
