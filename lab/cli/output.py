"""Printing: results on stdout, progress and errors on stderr, one JSON document with --json."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from lab.domain.diagnostic import Diagnostic
    from lab.domain.errors import LabError

__all__ = ["print_diagnostics", "print_error", "print_json", "print_table", "say"]


def print_json(document: object) -> None:
    """One document on stdout."""
    print(json.dumps(document, indent=2, ensure_ascii=False, default=str))


def say(text: str) -> None:
    """A line of progress on stderr."""
    print(text, file=sys.stderr, flush=True)


def print_diagnostics(diagnostics: Iterable[Diagnostic]) -> None:
    """Findings in order, on stderr, in the clickable `file:line:column:` form."""
    for diagnostic in diagnostics:
        print(diagnostic.text(), file=sys.stderr)


def print_error(error: LabError, *, as_json: bool) -> None:
    """What is wrong and what would be right; as a document on stdout with --json."""
    if as_json:
        from dataclasses import asdict

        print_json(
            {
                "error": error.message,
                "hint": error.hint,
                "exit_code": error.exit_code,
                "diagnostics": [asdict(diagnostic) for diagnostic in error.diagnostics],
            }
        )
    print_diagnostics(error.diagnostics)
    say(f"lab: {error.message}")
    if error.hint:
        say(f"     {error.hint}")


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A table on stdout: drawn for a person, tab-separated for a pipe."""
    cells = [[("" if value is None else str(value)) for value in row] for row in rows]
    if not sys.stdout.isatty():
        print("\t".join(columns))
        for row in cells:
            print("\t".join(row))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title, title_justify="left")
    for column in columns:
        table.add_column(column)
    for row in cells:
        table.add_row(*row)
    Console().print(table)
