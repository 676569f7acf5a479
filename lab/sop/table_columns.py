"""The columns of a table whose headings name quantities with units, and choices without. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.domain.quantity import Quantity, QuantityError
from lab.domain.units import DIMENSIONLESS
from lab.sop.diagnostics import did_you_mean
from lab.sop.table_file import heading_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from lab.sop.table_file import TableFile

__all__ = ["TableColumns"]

_PLAIN = "write a plain number with a decimal point; the unit stands in the heading"


class TableColumns:
    """Reads a table's headings and cells. `known`: name -> its unit, or the choices that there are."""

    def __init__(self, table: TableFile, known: Mapping[str, str | Sequence[str]]) -> None:
        self.table, self.known = table, known
        self.units = {name: unit for name, unit in known.items() if isinstance(unit, str)}

    def header(self, unknown: str, texts: Iterable[str] = ()) -> list[tuple[str, str]]:
        """Name and unit of each column. `unknown`: what a name that nobody knows is not, in words; `texts`: further
        columns, of plain text."""
        columns: list[tuple[str, str]] = []
        for place, heading in enumerate(self.table.cells[0]):
            name, unit = heading_of(heading)
            columns.append((name, unit or DIMENSIONLESS))
            if name in [before for before, _ in columns[:-1]]:
                self.table.report(
                    0, place, "value", f'two columns of "{name}"', "remove one of the two"
                )
            elif name in self.known:
                self._unit(place, name, unit)
            elif name not in texts:
                self.table.report(
                    0, place, "reference", f'"{name}" is {unknown}',
                    did_you_mean(name, [*self.known, *texts]),
                )  # fmt: skip
        return columns

    def _unit(self, place: int, name: str, unit: str) -> None:
        if name not in self.units:
            if unit:
                self.table.report(
                    0, place, "dimension", f'"{name}" is a choice and has no unit', f"write {name}"
                )
            return
        own = self.units[name]
        if not unit and own != DIMENSIONLESS:
            self.table.report(
                0, place, "unit-missing", f'the column "{name}" has no unit', f"write {name} [{own}]"
            )  # fmt: skip
            return
        try:
            fits = Quantity(1.0, unit or DIMENSIONLESS).is_like(own)
        except QuantityError as error:
            self.table.report(0, place, "unit-unknown", str(error), error.hint)
            return
        if not fits:
            self.table.report(
                0, place, "dimension", f'"{name}" is measured in {own}, not in {unit}', f"give it in {own}"
            )  # fmt: skip

    def headings(self, names: Iterable[str]) -> str:
        """How columns of these names are headed: `volume [mL], solvent`."""
        units = {name: self.units.get(name, DIMENSIONLESS) for name in names}
        return ", ".join(
            name if unit == DIMENSIONLESS else f"{name} [{unit}]" for name, unit in units.items()
        )

    def choice(self, line: int, column: int, name: str) -> str | None:
        """One of the choices; None and a finding for anything else."""
        choice, choices = self.table.cells[line][column].strip(), self.known[name]
        if choice in choices:
            return choice
        message = f'"{choice}" is not one of the choices of "{name}"'
        if not choice:
            message = f'no value of "{name}"'
        self.table.report(line, column, "value", message, did_you_mean(choice, choices))
        return None

    def quantity(self, line: int, column: int, name: str, unit: str) -> Quantity | None:
        """A number in the unit that is due; None and a finding where there is none."""
        number = self.table.number(line, column, name, _PLAIN)
        return None if number is None else Quantity(number, unit).to(self.units[name])
