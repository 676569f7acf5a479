"""A campaign's list of candidates: a CSV table with a column for each factor, `volume [mL]`, and a row for each trial that
may be made. Pure: text in, settings and findings out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.domain.quantity import Quantity, QuantityError
from lab.domain.units import DIMENSIONLESS
from lab.sop.diagnostics import did_you_mean
from lab.sop.table_file import TableFile, heading_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lab.domain.diagnostic import Diagnostic
    from lab.sop.procedure import Box

__all__ = ["Candidates", "read_candidates"]

_FEWEST = 2
_SLACK = 1e-9
_PLAIN = "write a plain number with a decimal point; the unit stands in the heading"


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
        self.units = {name: unit for name, unit in factors.items() if isinstance(unit, str)}
        self._report = self.table.report

    def header(self) -> list[tuple[str, str]]:
        """Factor and unit of each column."""
        if not self.table.cells or not self.table.cells[0]:
            self._report(0, 0, "value", "a list of candidates without a heading", self._due())
            return []
        columns: list[tuple[str, str]] = []
        for place, heading in enumerate(self.table.cells[0]):
            name, unit = heading_of(heading)
            columns.append((name, unit or DIMENSIONLESS))
            if name not in self.factors:
                self._report(
                    0, place, "reference", f'"{name}" is not a factor of this campaign',
                    did_you_mean(name, self.factors),
                )  # fmt: skip
            elif name in [known for known, _ in columns[:-1]]:
                self._report(0, place, "value", f'two columns of "{name}"', "remove one of the two")
            else:
                self._unit(place, name, unit)
        missing = [name for name in self.factors if name not in [known for known, _ in columns]]
        if missing:
            self._report(
                0, 0, "reference", f"no column of {', '.join(missing)}",
                "a candidate sets every factor; what does not change belongs under `fixed`",
            )  # fmt: skip
        return columns

    def _unit(self, place: int, name: str, unit: str) -> None:
        if name not in self.units:
            if unit:
                self._report(
                    0, place, "dimension", f'"{name}" is a choice and has no unit', f"write {name}"
                )
            return
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
        units = {name: self.units.get(name, DIMENSIONLESS) for name in self.factors}
        names = [
            name if unit == DIMENSIONLESS else f"{name} [{unit}]" for name, unit in units.items()
        ]
        return f"begin with a line of column names: {', '.join(names)}"

    def rows(self, columns: Sequence[tuple[str, str]]) -> list[tuple[float | str, ...]]:
        """The rows in the factors' units and order."""
        found: list[tuple[float | str, ...]] = []
        seen: dict[tuple[float | str, ...], int] = {}
        for line, cells in self.table.rows("give each candidate one value for each factor"):
            values = [self._value(line, k, cells[k], *columns[k]) for k in range(len(cells))]
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

    def _value(self, line: int, column: int, cell: str, name: str, unit: str) -> float | str | None:
        if name in self.units:
            return self._number(line, column, name, unit)
        choice, choices = cell.strip(), self.factors[name]
        if choice in choices:
            return choice
        message = f'"{choice}" is not one of the choices of "{name}"'
        if not choice:
            message = f'no value of "{name}"'
        self._report(line, column, "value", message, did_you_mean(choice, choices))
        return None

    def _number(self, line: int, column: int, name: str, unit: str) -> float | None:
        number = self.table.number(line, column, name, _PLAIN)
        if number is None:
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
