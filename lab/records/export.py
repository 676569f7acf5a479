"""Exports: the whole record as CSV files that any program opens. Failed and aborted work is in them too.

UTF-8, comma, RFC 4180 quoting, `\\n` line ends, times in ISO 8601 UTC with milliseconds, empty where nothing is
known. Rows of one file all have the same columns.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING

from lab.domain.errors import InputError
from lab.records.rows import cell_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lab.records.reader import Records
    from lab.records.rows import Row

__all__ = ["export_csv"]

_EVENT_COLUMNS = ("seq", "epoch", "at", "kind", "campaign", "run", "body", "prev_hash", "hash")


def export_csv(records: Records, folder: str | Path) -> list[Path]:
    """Write campaigns, trials, runs, steps, commands, observations and events as CSV; returns the files.

    The folder is made where it is missing; files of an earlier export in it are replaced. InputError where it
    can't be written.
    """
    target = Path(folder)
    tables = {
        "campaigns": records.campaigns(),
        "trials": records.trials(),
        "runs": records.runs(),
        "steps": records.steps(),
        "commands": records.commands(),
        "observations": records.observations(),
    }
    try:
        target.mkdir(parents=True, exist_ok=True)
        paths = [
            _write(target / f"{name}.csv", rows.columns, rows) for name, rows in tables.items()
        ]
        paths.append(_write(target / "events.csv", _EVENT_COLUMNS, _events(records)))
    except OSError as error:
        raise InputError(
            f"the export can't be written to {target}: {error.strerror}",
            hint="name a folder that you may write",
        ) from error
    return paths


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
        yield {name: getattr(row, name) for name in _EVENT_COLUMNS}
