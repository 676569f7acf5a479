"""A CSV table that a person wrote, and findings at its cells. Pure: text in."""

from __future__ import annotations

import csv
import math
import re
from typing import TYPE_CHECKING

from lab.domain.diagnostic import Diagnostic

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lab.domain.diagnostic import Severity

__all__ = ["TableFile", "heading_of"]

_HEADING = re.compile(r"\s*(?P<name>[^\[\]]*?)\s*(?:\[(?P<unit>[^\[\]]*)\])?\s*")
_MOST_FINDINGS = 20


def heading_of(text: str) -> tuple[str, str]:
    """`volume [mL]` as (`volume`, `mL`); the unit is empty where there is none."""
    match = _HEADING.fullmatch(text)
    if match is None:
        return text.strip(), ""
    return match["name"], (match["unit"] or "").strip()


class TableFile:
    """Lines and columns are counted from 0; `findings` count from 1, as editors do."""

    def __init__(self, text: str, file: str) -> None:
        self.lines = text.splitlines()
        self.cells = list(csv.reader(self.lines))
        self.file = file
        self.findings: list[Diagnostic] = []

    def report(
        self, line: int, column: int, code: str, message: str, hint: str, *, why: str = "",
        severity: Severity = "error",
    ) -> None:  # fmt: skip
        """A finding at a cell; of more than twenty the first are kept."""
        if len(self.findings) >= _MOST_FINDINGS:
            return
        shown = self.lines[line] if line < len(self.lines) else ""
        before = self.cells[line][:column] if line < len(self.cells) else []
        place = 1 + sum(len(cell) + 1 for cell in before)
        self.findings.append(
            Diagnostic(
                self.file, line + 1, min(place, len(shown) + 1), code, severity, message, why, hint, shown
            )
        )  # fmt: skip

    def rows(self, each: str) -> Iterator[tuple[int, list[str]]]:
        """Line and cells of each row that is not empty; one with too few or too many cells is reported. `each`: what
        such a row needs, in words.
        """
        width = len(self.cells[0]) if self.cells else 0
        for line, cells in enumerate(self.cells[1:], 1):
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != width:
                self.report(line, 0, "value", f"{len(cells)} cells under {width} columns", each)
                continue
            yield line, cells

    def mark(self, line: int, column: int) -> str:
        """The `>` or `<` before a number that lies beyond what could be measured; it is taken off the cell."""
        cell = self.cells[line][column].strip()
        mark = cell[:1] if cell[:1] in (">", "<") else ""
        self.cells[line][column] = cell[len(mark) :]
        return mark

    def number(self, line: int, column: int, name: str, hint: str) -> float | None:
        """A finite number, or None and a finding."""
        cell = self.cells[line][column].strip()
        try:
            number = float(cell)
        except ValueError:
            number = math.nan
        if math.isfinite(number):
            return number
        message = f'"{cell}" is no number' if cell else f'no value of "{name}"'
        self.report(line, column, "value", message, hint)
        return None
