"""Plain rows for people and notebooks: a list of dictionaries that prints itself as a table."""

from __future__ import annotations

from datetime import UTC, datetime
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pandas  # pyright: ignore[reportMissingTypeStubs]  # it ships without py.typed

__all__ = ["Row", "Rows", "cell_text", "utc"]

Row = dict[str, object]
"""Column -> value: text, number, truth value, aware UTC datetime, or None where nothing is known."""

_SHOWN_ROWS = 20
_SHOWN_WIDTH = 24


class Rows(list[Row]):
    """Rows with equal columns, in order. `to_pandas()` where pandas is installed."""

    def __init__(self, rows: Iterable[Row] = (), *, columns: Sequence[str] = ()) -> None:
        super().__init__(rows)
        self._fixed = tuple(columns)

    @property
    def columns(self) -> list[str]:
        """Every column: the fixed ones (also without rows), then others in the order in which rows name them."""
        return list(dict.fromkeys([*self._fixed, *(name for row in self for name in row)]))

    def to_pandas(self) -> pandas.DataFrame:
        """The rows as a DataFrame; times as UTC timestamps. ImportError that names the remedy without pandas."""
        try:
            import pandas as pd  # pyright: ignore[reportMissingTypeStubs]
        except ImportError as error:
            raise ImportError(
                "to_pandas() needs pandas, which comes with the dashboard: pip install 'labwright[dashboard]'"
            ) from error
        return pd.DataFrame(list(self), columns=self.columns)

    def __repr__(self) -> str:
        columns = self.columns
        if not columns:
            return "no rows"
        lines = [columns] + [
            [cell_text(row.get(name))[:_SHOWN_WIDTH] for name in columns]
            for row in self[:_SHOWN_ROWS]
        ]
        widths = [max(len(line[i]) for line in lines) for i in range(len(columns))]
        text = [
            "  ".join(value.ljust(w) for value, w in zip(line, widths, strict=True)).rstrip()
            for line in lines
        ]
        if len(self) > _SHOWN_ROWS:
            text.append(f"... {len(self)} rows")
        return "\n".join(text)

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        head = "".join(f"<th>{escape(name)}</th>" for name in self.columns)
        body = "".join(
            "<tr>"
            + "".join(f"<td>{escape(cell_text(row.get(c)))}</td>" for c in self.columns)
            + "</tr>"
            for row in self[:_SHOWN_ROWS]
        )
        return f"<table><tr>{head}</tr>{body}</table><p>{len(self)} rows</p>"


def utc(seconds: float | None) -> datetime | None:
    """Process seconds since the Unix epoch as an aware UTC time."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def cell_text(value: object) -> str:
    """A value as text: empty for None, ISO 8601 UTC with milliseconds and Z for a time, yes/no as true/false."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return str(value)
