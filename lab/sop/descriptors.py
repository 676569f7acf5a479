"""Descriptors of a factor's choices: a CSV table whose first column names the choices, and whose other columns are numbers
that say how alike they are (computed properties, constants of solvents). A column `smiles` holds molecules, whose
descriptors are computed (`lab.sop.molecules`). Pure: text in, numbers and findings out.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING

from lab.domain.errors import InputError
from lab.sop.diagnostics import did_you_mean
from lab.sop.table_file import TableFile

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lab.domain.diagnostic import Diagnostic

__all__ = ["SMILES", "Descriptors", "read_descriptors"]

Descriptors = dict[str, tuple[float, ...]]
"""Choice -> its numbers, equally many for each."""

SMILES = "smiles"
"""Heading of the column of molecules, in small letters or not."""
_WHY = "how alike two choices are is told by their numbers alone"
_WHY_SAME = "what is the same for all says nothing of how alike they are; it is left out"
_WHY_FOLLOWS = (
    "a column that follows an earlier one by more than 0.7 says nothing new; it is left out"
)


def read_descriptors(
    text: str, file: str, factor: str, choices: Sequence[str]
) -> tuple[Descriptors | None, list[Diagnostic]]:
    """The descriptors of these choices, in their order. Rows of others are passed over: a table serves many campaigns.

    None where a finding blocks. A column that is the same for all choices is left out, with a warning; which columns say
    nothing new is noted. Of what is computed from molecules only that which says something is returned.
    """
    table = TableFile(text, file)
    headings = [heading.strip() for heading in table.cells[0]] if table.cells else []
    if len(headings) < 2:
        table.report(
            0, 0, "value", f'a table of descriptors for "{factor}" without columns',
            f"begin with a line of names: {factor},boiling_point,dipole_moment",
        )  # fmt: skip
        return None, table.findings
    for column, heading in enumerate(headings):
        if heading in headings[:column]:
            table.report(0, column, "value", f'two columns of "{heading}"', "remove one of the two")
    smiles = next((k for k, name in enumerate(headings) if k and name.lower() == SMILES), None)
    lines = _lines(table, choices)
    rows = {
        choice: _numbers(table, headings, factor, choice, line, smiles)
        for choice, line in lines.items()
    }
    for choice in choices:
        if choice not in lines:
            table.report(
                0, 0, "value", f'no row for the choice "{choice}" of "{factor}"',
                did_you_mean(choice, _named(table)) + " Else take the choice out of the campaign.",
                why=_WHY,
            )  # fmt: skip
    if table.findings:
        return None, table.findings
    names = [name for k, name in enumerate(headings) if k and k != smiles]
    computed: tuple[str, ...] = ()
    if smiles is not None:
        computed, molecules = _computed(table, smiles, lines)
        if table.findings:
            return None, table.findings
        rows = {choice: (*rows[choice], *molecules[choice]) for choice in rows}
    told = _Told(table, factor, headings, lines, {choice: rows[choice] for choice in choices})
    return told.apart(names, computed, smiles), table.findings


def _named(table: TableFile) -> list[str]:
    return [cells[0].strip() for cells in table.cells[1:] if cells]


def _lines(table: TableFile, choices: Sequence[str]) -> dict[str, int]:
    """The line of each choice; a second row of it is reported."""
    lines: dict[str, int] = {}
    for line, cells in table.rows("give each choice its name and one number for each descriptor"):
        choice = cells[0].strip()
        if choice in lines:
            table.report(
                line, 0, "value", f'"{choice}" stands in line {lines[choice] + 1} already',
                "keep one row for each choice",
            )  # fmt: skip
        elif choice in choices:
            lines[choice] = line
    return lines


def _numbers(
    table: TableFile,
    headings: Sequence[str],
    factor: str,
    choice: str,
    line: int,
    smiles: int | None,
) -> tuple[float, ...]:
    """The numbers of a row, as far as they are some; the others are reported."""
    found = [
        table.number(
            line, column, headings[column],
            f'give a number for "{choice}", or leave the column out for all choices of "{factor}"',
        )
        for column in range(1, len(headings)) if column != smiles
    ]  # fmt: skip
    return tuple(number for number in found if number is not None)


def _computed(
    table: TableFile, smiles: int, lines: Mapping[str, int]
) -> tuple[tuple[str, ...], Descriptors]:
    """What is computed from the molecules of each choice; one that can't be read is reported at its cell."""
    from lab.sop.molecules import describe, molecule_problem

    texts = {choice: table.cells[line][smiles].strip() for choice, line in lines.items()}
    try:
        for choice, text in texts.items():
            problem = molecule_problem(text)
            if problem:
                table.report(
                    lines[choice], smiles, "identifier",
                    f'the SMILES "{text}" of "{choice}" can\'t be read: {problem}',
                    'write for instance CCOC(C)=O; ions and metals stand in brackets: "[K+].[Cl-]"',
                )  # fmt: skip
        return ((), {}) if table.findings else describe(texts)
    except InputError as error:
        table.report(0, smiles, "value", error.message, error.hint)
        return (), {}


@dataclass(frozen=True)
class _Told:
    """Rows of numbers, and whether they tell the choices apart."""

    table: TableFile
    factor: str
    headings: Sequence[str]
    lines: Mapping[str, int]
    rows: Descriptors

    def apart(
        self, names: Sequence[str], computed: Sequence[str], smiles: int | None
    ) -> Descriptors | None:
        """The rows without columns that are the same for all, and where some are computed without those that say
        nothing new; None where two choices can't be told apart.
        """
        table = self.table
        seen: dict[tuple[float, ...], str] = {}
        for choice, numbers in self.rows.items():
            if numbers in seen:
                table.report(
                    self.lines[choice], 0, "value", f'"{choice}" has the same descriptors as "{seen[numbers]}"',
                    "add a column that tells them apart, or leave the descriptors out", why=_WHY,
                )  # fmt: skip
            seen.setdefault(numbers, choice)
        if table.findings:
            return None
        columns = list(zip(*self.rows.values(), strict=True))
        varied = [k for k, numbers in enumerate(columns) if len(set(numbers)) > 1]
        for k, name in enumerate(names):
            if k not in varied:
                self._say(
                    name, f'is {columns[k][0]:g} for all choices of "{self.factor}"', _WHY_SAME
                )
        if find_spec("numpy") is None:  # then nothing can be optimised here either
            return self._with(varied)
        import numpy as np

        from lab.sop.columns import told_apart

        told = told_apart(np.array(list(self.rows.values()), dtype=np.float64))
        every = [*names, *computed]
        for k, (earlier, correlation) in told.follows.items():
            if k < len(names):
                words = f'correlates by {correlation:.2f} with "{every[earlier]}"'
                self._say(names[k], words, _WHY_FOLLOWS)
        if smiles is None:
            return self._with(varied)
        kept = [every[k] for k in told.kept if k >= len(names)]
        table.report(
            0, smiles, "value",
            f'of {len(computed)} numbers that RDKit computes for "{self.factor}" {len(kept)} are kept: {", ".join(kept)}',
            "leave it so, or give columns of your own in place of the molecules", why=_WHY_FOLLOWS,
            severity="note",
        )  # fmt: skip
        return self._with(told.kept)

    def _with(self, columns: Sequence[int]) -> Descriptors:
        return {choice: tuple(row[k] for k in columns) for choice, row in self.rows.items()}

    def _say(self, heading: str, words: str, why: str) -> None:
        """A column of the table that is left out."""
        self.table.report(
            0, self.headings.index(heading), "value", f'"{heading}" {words}',
            "take the column out, or see whether it holds what was meant", why=why,
            severity="warning" if why is _WHY_SAME else "note",
        )  # fmt: skip
