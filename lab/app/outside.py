"""A table of results that were measured elsewhere, read for a running campaign (`lab trial add --csv`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lab.domain.quantity import Quantity, QuantityError
from lab.sop.earlier import FAILED
from lab.sop.load import read_text, refuse
from lab.sop.table_file import TableFile, heading_of

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["read_results"]


def read_results(path: Path) -> list[dict[str, Any]]:
    """The rows as `lab trial add` sends them: `line`, `cells` (quantities, plain numbers or choices by heading), and `failed`.

    A column for each factor and each result, with units in the headings (`volume [mL]`; a choice has none), and `failed` with
    the reason where a row gave no result. Empty cells are left out. FindingsError, with line and column, for a table
    that can't be read; which names, units and ranges are the campaign's is for the engine to say, which knows it.
    """
    table = TableFile(read_text(path, str(path)), str(path))
    columns = _columns(table)
    rows: list[dict[str, Any]] = []
    for line, cells in table.rows(
        "give a cell for each column; leave it empty where nothing is known"
    ):
        found: dict[str, Any] = {}
        row: dict[str, Any] = {"line": line + 1, "cells": found}
        for column, (name, unit) in enumerate(columns):
            cell = cells[column].strip()
            if not cell:
                continue
            if name == FAILED:
                row["failed"] = cell
            else:
                found[name] = _quantity(table, line, column, name, unit) if unit else _plain(cell)
        rows.append(row)
    if not rows and not table.findings:
        table.report(0, 0, "value", "a table without results", "give a row for each result")
    if table.findings:
        refuse(table.findings)
    return rows


def _columns(table: TableFile) -> list[tuple[str, str]]:
    columns = [heading_of(text) for text in (table.cells[0] if table.cells else [])]
    names = [name for name, _ in columns]
    for place, (name, unit) in enumerate(columns):
        if name in names[:place]:
            table.report(0, place, "value", f'two columns of "{name}"', "remove one of the two")
        if unit:
            try:
                Quantity(1.0, unit)
            except QuantityError as error:
                table.report(0, place, "unit-unknown", str(error), error.hint)
    return columns


def _quantity(table: TableFile, line: int, column: int, name: str, unit: str) -> str:
    """`61.0 percent`, or `> 61.0 percent` of what was beyond the range."""
    mark = table.mark(line, column)
    number = table.number(
        line,
        column,
        name,
        "write a plain number with a decimal point; the unit stands in the heading",
    )
    return "" if number is None else f"{mark} {number!r} {unit}".lstrip()


def _plain(cell: str) -> str | float:
    """A number without a unit, or a choice."""
    try:
        return float(cell)
    except ValueError:
        return cell
