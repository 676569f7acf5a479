"""Tables of results that an earlier campaign measured, with the same factors: a column for each factor and each result that
is sought, `volume [mL]`, a row for each trial, and `failed` with the reason where a trial gave no result. Pure: text in,
rows and findings out.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lab.sop.table_columns import TableColumns
from lab.sop.table_file import TableFile

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lab.domain.diagnostic import Diagnostic
    from lab.domain.event import Side
    from lab.sop.procedure import Box

__all__ = ["FAILED", "EarlierRow", "EarlierTable", "read_earlier"]

FAILED = "failed"
"""Name of the column with the reason of a failure."""
_SLACK = 1e-9


@dataclass(frozen=True, slots=True)
class EarlierRow:
    """A trial: settings in the factors' units, results in theirs, or why there are none."""

    settings: Mapping[str, float | str]
    results: Mapping[str, float]
    failure: str = ""
    beyond: Mapping[str, Side] = field(default_factory=dict[str, "Side"])
    """Results that lie on this side of what could be measured, whose end their value is."""


@dataclass(frozen=True, slots=True)
class EarlierTable:
    """What a file held."""

    file: str
    sha256: str
    rows: tuple[EarlierRow, ...]


def read_earlier(
    text: str,
    file: str,
    factors: Mapping[str, str | Sequence[str]],
    results: Mapping[str, str],
    box: Box,
) -> tuple[tuple[EarlierRow, ...], list[Diagnostic]]:
    """The rows of a file. `factors`: name -> its unit, or the choices that there are (no text); `results`: name -> its
    unit; `box`: the ranges that this campaign explores. What lies beyond them is told, and teaches all the same.
    """
    reader = _Reader(text, file, factors, results, box)
    columns = reader.header()
    if reader.table.findings:
        return (), reader.table.findings
    return tuple(reader.rows(columns)), reader.table.findings


class _Reader:
    def __init__(
        self,
        text: str,
        file: str,
        factors: Mapping[str, str | Sequence[str]],
        results: Mapping[str, str],
        box: Box,
    ) -> None:
        self.table = TableFile(text, file)
        self.factors, self.results, self.box = factors, results, box
        self.columns = TableColumns(self.table, {**factors, **results})
        self._report = self.table.report
        self._beyond: tuple[int, int, str] | None = None
        self._count = 0

    def header(self) -> list[tuple[str, str]]:
        """Name and unit of each column."""
        due = self.columns.headings([*self.factors, *self.results])
        if not self.table.cells or not self.table.cells[0]:
            self._report(
                0, 0, "value", "an earlier campaign without a heading",
                f"begin with a line of column names: {due}",
            )  # fmt: skip
            return []
        columns = self.columns.header(
            "neither a factor of this campaign nor a result that it seeks", (FAILED,)
        )
        names = [name for name, _ in columns]
        for kind, known, hint in (
            ("factor", self.factors, "only campaigns with the same factors teach this one"),
            ("result", self.results, "what this campaign seeks must have been measured"),
        ):
            missing = [name for name in known if name not in names]
            if missing:
                self._report(
                    0, 0, "reference", f"no column of the {kind} {', '.join(missing)}", f"{hint}; the columns are {due}",
                )  # fmt: skip
        return columns

    def rows(self, columns: Sequence[tuple[str, str]]) -> list[EarlierRow]:
        """The rows in the units of factors and results."""
        found: list[EarlierRow] = []
        for line, cells in self.table.rows(
            "give a cell for each column; of a failed trial leave the results empty"
        ):
            settings: dict[str, float | str] = {}
            results: dict[str, float] = {}
            beyond: dict[str, Side] = {}
            named = {name: cells[k].strip() for k, (name, _) in enumerate(columns)}
            failure = named.get(FAILED, "")
            for column, (name, unit) in enumerate(columns):
                if name in self.factors:
                    value = self._setting(line, column, name, unit)
                    if value is not None:
                        settings[name] = value
                elif name in self.results and (named[name] or not failure):
                    if mark := self.table.mark(line, column):
                        beyond[name] = "above" if mark == ">" else "below"
                    value = self.columns.quantity(line, column, name, unit)
                    if value is not None:
                        results[name] = value.magnitude
            if failure and results:
                self._report(
                    line, 0, "value", "a trial that failed, and has a result",
                    f"leave the result empty, or the column {FAILED}",
                )  # fmt: skip
            found.append(EarlierRow(settings, results, failure, beyond))
        self._judge(found)
        return found

    def _judge(self, found: Sequence[EarlierRow]) -> None:
        if not self.table.findings and not any(row.results for row in found):
            self._report(
                0, 0, "value", "no trial with a result", "give a row for each trial, or leave the table out"
            )  # fmt: skip
        if self._beyond is not None:
            line, column, words = self._beyond
            more = f" ({self._count} values in all)" if self._count > 1 else ""
            self._report(
                line, column, "range", f"{words}{more}", "see whether the units are right",
                why="what lies beyond this campaign's ranges teaches it all the same", severity="warning",
            )  # fmt: skip

    def _setting(self, line: int, column: int, name: str, unit: str) -> float | str | None:
        if name not in self.columns.units:
            return self.columns.choice(line, column, name)
        value = self.columns.quantity(line, column, name, unit)
        if value is None:
            return None
        low, high = self.box[name]
        slack = _SLACK * max(abs(low.base), abs(high.base))
        if not low.base - slack <= value.base <= high.base + slack:
            self._count += 1
            if self._beyond is None:
                self._beyond = line, column, f"{name} is {value}, outside {low} to {high}"
        return value.magnitude
