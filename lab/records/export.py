"""Exports: the whole record as CSV files that any program opens. Failed and aborted work is in them too.

UTF-8, comma, RFC 4180 quoting, `\\n` line ends, times in ISO 8601 UTC with milliseconds, empty where nothing is
known. Rows of one file all have the same columns.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING

from lab.domain.errors import InputError
from lab.records.columns import COLUMNS, DICTIONARY, TABLES, Column
from lab.records.rows import cell_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from lab.records.reader import Records
    from lab.records.rows import Row

__all__ = ["dictionary_rows", "export_csv"]


def export_csv(records: Records, folder: str | Path) -> list[Path]:
    """Write every table, the events and the data dictionary (`columns.csv`) as CSV; returns the files.

    The folder is made where it is missing; files of an earlier export in it are replaced. InputError where it
    can't be written.
    """
    target = Path(folder)
    tables: dict[str, tuple[Sequence[str], Iterable[Row]]] = {
        name: (rows.columns, rows) for name, rows in records.tables().items()
    }
    tables["events"] = (COLUMNS["events"], _events(records))
    columns = [row for name, (names, _) in tables.items() for row in dictionary_rows(name, names)]
    tables["columns"] = ([column.name for column in DICTIONARY], columns)
    try:
        target.mkdir(parents=True, exist_ok=True)
        return [
            _write(target / f"{name}.csv", names, rows) for name, (names, rows) in tables.items()
        ]
    except OSError as error:
        raise InputError(
            f"the export can't be written to {target}: {error.strerror}",
            hint="name a folder that you may write",
        ) from error


def dictionary_rows(table: str, names: Iterable[str]) -> Iterator[Row]:
    """The data dictionary for these columns of a table, those that the SOP names included."""
    known = {column.name: column for column in TABLES[table]}
    for name in names:
        column = known.get(name) or _of_the_sop(table, name)
        yield {
            "table": table,
            "column": name,
            "type": column.type,
            "unit": column.unit,
            "meaning": column.meaning,
        }


def _of_the_sop(table: str, name: str) -> Column:
    """`mass_sd [g]`: a column that stands for a factor, parameter or result; one without a unit is a text."""
    _, bracket, unit = name.rstrip("]").rpartition(" [")
    what = "Factor of the campaign" if table == "trials" else "Parameter or result of the SOP"
    spread = "; `_sd`: standard deviation of the result" if table == "runs" else ""
    return Column(name, "number" if bracket else "text", what + spread, unit if bracket else "")


def _write(path: Path, columns: Iterable[str], rows: Iterable[Row]) -> Path:
    names = list(columns)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(names)
        writer.writerows([cell_text(row.get(name)) for name in names] for row in rows)
    return path


def _events(records: Records) -> Iterator[Row]:
    """As stored, so that the hash chain can be checked from the file alone."""
    for row in records.journal():
        yield {name: getattr(row, name) for name in COLUMNS["events"]}
