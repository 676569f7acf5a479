"""What every page needs: the database, an honest message where there is nothing to show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ParamSpec, cast

import streamlit as st

from dashboard.data import database
from lab.domain.errors import LabError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from dashboard.charts import Figure
    from lab.records.rows import Row

__all__ = ["REFRESH_S", "figure", "guarded", "table"]

REFRESH_S = 1.5
"""Real seconds between two looks at the records."""

_WHOLE_ROWS = 30
"""Tables up to this many rows are shown whole."""

P = ParamSpec("P")


def guarded(draw: Callable[P, None]) -> Callable[P, None]:
    """Draw, or say in words why not: a page never shows a traceback for records that are not there."""

    def drawn(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            draw(*args, **kwargs)
        except LabError as error:
            st.info(f"**Nothing to show:** {error.message}", icon=":material/info:")
            if error.hint:
                st.caption(f"What to do: {error.hint}")
            st.caption(f"Records: {database() or 'none named'}")

    return drawn


def figure(drawn: Figure, *, key: str, alt: str, tools: bool = False) -> None:
    """Draw a figure dictionary. The fixed key keeps the viewer's zoom; `tools` shows zoom and reset."""
    config: dict[str, Any] = (
        {"displaylogo": False, "modeBarButtonsToRemove": ["lasso2d", "select2d"]}
        if tools
        else {"displayModeBar": False}
    )
    st.plotly_chart(drawn, key=key, theme=None, config=config, alt=alt)


def table(
    rows: Sequence[Row],
    *,
    alt: str,
    key: str | None = None,
    columns: Mapping[str, Any] | None = None,
) -> None:
    """Draw rows as a table that can be sorted and searched."""
    # Its annotation mentions types that are not installed.
    draw: Any = cast("Any", st).dataframe
    draw(
        list(rows),
        hide_index=True,
        column_config=columns,
        key=key,
        alt=alt,
        placeholder="",
        height="content" if len(rows) <= _WHOLE_ROWS else "auto",
    )
