"""Descriptors of a factor's choices: a CSV table whose first column names the choices, and whose other columns are numbers
that say how alike they are (computed properties, constants of solvents). Pure: text in, numbers and findings out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.sop.diagnostics import did_you_mean
from lab.sop.table_file import TableFile

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lab.domain.diagnostic import Diagnostic

__all__ = ["Descriptors", "read_descriptors"]

Descriptors = dict[str, tuple[float, ...]]
"""Choice -> its numbers, equally many for each."""

_WHY = "how alike two choices are is told by their numbers alone"


def read_descriptors(
    text: str, file: str, factor: str, choices: Sequence[str]
) -> tuple[Descriptors | None, list[Diagnostic]]:
    """The descriptors of these choices, in their order. Rows of others are passed over: a table serves many campaigns.

    None where a finding blocks. A column that is the same for all choices is left out, with a warning.
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
    rows = _rows(table, headings, factor, choices)
    missing = [choice for choice in choices if choice not in rows]
    for choice in missing:
        if choice not in _named(table):
            table.report(
                0, 0, "value", f'no row for the choice "{choice}" of "{factor}"',
                did_you_mean(choice, _named(table)) + " Else take the choice out of the campaign.",
                why=_WHY,
            )  # fmt: skip
    if missing or table.findings:
        return None, table.findings
    return _told_apart(table, headings, factor, {choice: rows[choice] for choice in choices})


def _named(table: TableFile) -> list[str]:
    return [cells[0].strip() for cells in table.cells[1:] if cells]


def _rows(
    table: TableFile, headings: Sequence[str], factor: str, choices: Sequence[str]
) -> Descriptors:
    found: Descriptors = {}
    lines: dict[str, int] = {}
    for line, cells in table.rows("give each choice its name and one number for each descriptor"):
        choice = cells[0].strip()
        if choice not in choices:
            continue
        if choice in lines:
            table.report(
                line, 0, "value", f'"{choice}" stands in line {lines[choice] + 1} already',
                "keep one row for each choice",
            )  # fmt: skip
            continue
        lines[choice] = line
        numbers = [
            table.number(
                line, column, headings[column],
                f'give a number for "{choice}", or leave the column out for all choices of "{factor}"',
            )
            for column in range(1, len(headings))
        ]  # fmt: skip
        known = tuple(number for number in numbers if number is not None)
        if len(known) == len(numbers):
            found[choice] = known
    return found


def _told_apart(
    table: TableFile, headings: Sequence[str], factor: str, rows: Mapping[str, tuple[float, ...]]
) -> tuple[Descriptors | None, list[Diagnostic]]:
    """The table without its constant columns; an error where two choices can't be told apart."""
    columns = list(zip(*rows.values(), strict=True))
    kept = [k for k, numbers in enumerate(columns) if len(set(numbers)) > 1]
    seen: dict[tuple[float, ...], str] = {}
    lines = {name: line for line, name in enumerate(_named(table), 1)}
    for choice, numbers in rows.items():
        if numbers in seen:
            table.report(
                lines[choice], 0, "value", f'"{choice}" has the same descriptors as "{seen[numbers]}"',
                "add a column that tells them apart, or leave the descriptors out", why=_WHY,
            )  # fmt: skip
        seen.setdefault(numbers, choice)
    if table.findings:
        return None, table.findings
    for k in range(len(columns)):
        if k not in kept:
            table.report(
                0, k + 1, "value", f'"{headings[k + 1]}" is {columns[k][0]:g} for all choices of "{factor}"',
                "take the column out, or see whether it holds what was meant",
                why="what is the same for all says nothing of how alike they are; it is left out",
                severity="warning",
            )  # fmt: skip
    found = {choice: tuple(numbers[k] for k in kept) for choice, numbers in rows.items()}
    return found, table.findings
