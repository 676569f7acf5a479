"""A campaign's list of candidates: a CSV table with a column for each factor, `volume [mL]`, and a row for each trial that
may be made. Pure: text in, numbers and findings out.
"""

from __future__ import annotations

import csv
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.domain.diagnostic import Diagnostic
from lab.domain.quantity import Quantity, QuantityError
from lab.domain.units import DIMENSIONLESS
from lab.sop.diagnostics import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lab.sop.procedure import Box

__all__ = ["Candidates", "read_candidates"]

_HEADING = re.compile(r"\s*(?P<name>[^\[\]]*?)\s*(?:\[(?P<unit>[^\[\]]*)\])?\s*")
_FEWEST = 2
_MOST_FINDINGS = 20
_SLACK = 1e-9


@dataclass(frozen=True, slots=True)
class Candidates:
    """Rows of numbers in the factors' units, in the order of the factors."""

    rows: tuple[tuple[float, ...], ...]


def read_candidates(
    text: str, file: str, units: Mapping[str, str], box: Box
) -> tuple[Candidates | None, list[Diagnostic]]:
    """The candidates of a file. `units`: factor -> its unit, in order; `box`: the ranges that the campaign explores.

    None where a finding blocks.
    """
    reader = _Reader(text, file, units, box)
    columns = reader.header()
    if reader.findings:
        return None, reader.findings
    rows = reader.rows(columns)
    return (None if reader.findings else Candidates(tuple(rows))), reader.findings


class _Reader:
    def __init__(self, text: str, file: str, units: Mapping[str, str], box: Box) -> None:
        self.lines = text.splitlines()
        self.cells = list(csv.reader(self.lines))
        self.file, self.units, self.box = file, units, box
        self.findings: list[Diagnostic] = []

    def _report(self, line: int, column: int, code: str, message: str, hint: str) -> None:
        """`line` and `column` of cells, from 0."""
        if len(self.findings) >= _MOST_FINDINGS:
            return
        shown = self.lines[line] if line < len(self.lines) else ""
        before = self.cells[line][:column] if line < len(self.cells) else []
        place = 1 + sum(len(cell) + 1 for cell in before)
        self.findings.append(
            Diagnostic(
                self.file, line + 1, min(place, len(shown) + 1), code, "error", message, "", hint, shown
            )
        )  # fmt: skip

    def header(self) -> list[tuple[str, str]]:
        """Factor and unit of each column."""
        if not self.cells or not self.cells[0]:
            self._report(0, 0, "value", "a list of candidates without a heading", self._due())
            return []
        columns: list[tuple[str, str]] = []
        for place, heading in enumerate(self.cells[0]):
            match = _HEADING.fullmatch(heading)
            name = heading.strip() if match is None else match["name"]
            unit = "" if match is None else (match["unit"] or "").strip()
            columns.append((name, unit or DIMENSIONLESS))
            if name not in self.units:
                self._report(
                    0, place, "reference", f'"{name}" is not a factor of this campaign',
                    did_you_mean(name, self.units),
                )  # fmt: skip
            elif name in [known for known, _ in columns[:-1]]:
                self._report(0, place, "value", f'two columns of "{name}"', "remove one of the two")
            else:
                self._unit(place, name, unit)
        missing = [name for name in self.units if name not in [known for known, _ in columns]]
        if missing:
            self._report(
                0, 0, "reference", f"no column of {', '.join(missing)}",
                "a candidate sets every factor; what does not change belongs under `fixed`",
            )  # fmt: skip
        return columns

    def _unit(self, place: int, name: str, unit: str) -> None:
        own = self.units[name]
        if not unit and own != DIMENSIONLESS:
            self._report(
                0, place, "unit-missing", f'the column "{name}" has no unit', f"write {name} [{own}]"
            )  # fmt: skip
            return
        try:
            fits = Quantity(1.0, unit or DIMENSIONLESS).is_like(own)
        except QuantityError as error:
            self._report(0, place, "unit-unknown", str(error), error.hint)
            return
        if not fits:
            self._report(
                0, place, "dimension", f'"{name}" is measured in {own}, not in {unit}', f"give it in {own}"
            )  # fmt: skip

    def _due(self) -> str:
        names = [
            name if unit == DIMENSIONLESS else f"{name} [{unit}]"
            for name, unit in self.units.items()
        ]
        return f"begin with a line of column names: {', '.join(names)}"

    def rows(self, columns: Sequence[tuple[str, str]]) -> list[tuple[float, ...]]:
        """The rows in the factors' units and order."""
        found: list[tuple[float, ...]] = []
        seen: dict[tuple[float, ...], int] = {}
        for line, cells in enumerate(self.cells[1:], 1):
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(columns):
                self._report(
                    line, 0, "value", f"{len(cells)} cells under {len(columns)} columns",
                    "give each candidate one number for each factor",
                )  # fmt: skip
                continue
            values = [self._number(line, k, cells[k], *columns[k]) for k in range(len(cells))]
            numbers = {
                name: v for (name, _), v in zip(columns, values, strict=True) if v is not None
            }
            if len(numbers) < len(columns):
                continue
            row = tuple(numbers[name] for name in self.units)
            if row in seen:
                self._report(
                    line, 0, "value", f"the same candidate stands in line {seen[row] + 1}",
                    "list each once; the optimiser repeats none",
                )  # fmt: skip
            seen.setdefault(row, line)
            found.append(row)
        if not self.findings and len(found) < _FEWEST:
            self._report(
                0, 0, "value", f"{len(found)} candidates leave nothing to choose", "list more"
            )
        return found

    def _number(self, line: int, column: int, cell: str, name: str, unit: str) -> float | None:
        try:
            number = float(cell)
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            self._report(
                line, column, "value", f'"{cell.strip()}" is no number' if cell.strip() else f'no value of "{name}"',
                "write a plain number with a decimal point; the unit stands in the heading",
            )  # fmt: skip
            return None
        value = Quantity(number, unit).to(self.units[name])
        low, high = self.box[name]
        slack = _SLACK * max(abs(low.base), abs(high.base))
        if not low.base - slack <= value.base <= high.base + slack:
            self._report(
                line, column, "range", f"{name} is {value}, outside {low} to {high}",
                "leave the candidate out, or widen the range of the factor",
            )  # fmt: skip
            return None
        return value.magnitude
