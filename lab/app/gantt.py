"""A plan's chart as a file: an HTML page, or a PNG picture. matplotlib is imported when it is drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, cast

from lab.app.show import write_text
from lab.domain.errors import InputError
from lab.plan.gantt import (
    chart_rows,
    gantt_page,
    sample_colour,
    sample_label,
    text_on,
    tick_step,
    time_text,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from lab.plan.gantt import Bar, Row

__all__ = ["write_gantt_page", "write_gantt_picture"]

_INK = "#1f2937"
_WIDTH_IN = 13.0
_NUMBERED = 90
"""Of a chart's width, the narrowest part in which a number fits is one in so many."""


class _Axes(Protocol):
    """What is used of matplotlib's axes; its own types are incomplete."""

    def broken_barh(
        self, spans: Sequence[tuple[float, float]], row: tuple[float, float], **style: object
    ) -> object: ...
    def text(self, x: float, y: float, text: str, **style: object) -> object: ...
    def set_xticks(self, ticks: Sequence[float], labels: Sequence[str]) -> object: ...
    def set_yticks(self, ticks: Sequence[float], labels: Sequence[str]) -> object: ...
    def set_xlim(self, low: float, high: float) -> object: ...
    def set_ylim(self, low: float, high: float) -> object: ...
    def set_title(self, text: str, **style: object) -> object: ...
    def grid(self, on: bool, **style: object) -> object: ...


class _Figure(Protocol):
    def add_subplot(self, rows: int, columns: int, index: int) -> _Axes: ...
    def savefig(self, target: Path, *, dpi: int) -> object: ...


def write_gantt_page(document: Mapping[str, Any], target: Path) -> None:
    """The chart with its tables. InputError where it can't be written."""
    write_text(target, gantt_page(document))


def write_gantt_picture(document: Mapping[str, Any], target: Path) -> None:
    """The chart as PNG. InputError where it can't be written, or matplotlib is not installed."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise InputError(
            "a picture needs matplotlib", hint='pip install "labwright[plot]", or use `--html`'
        ) from error
    rows, span = chart_rows(document), document["makespan_s"]
    size = (_WIDTH_IN, 1.2 + 0.28 * len(rows))
    figure = cast("_Figure", Figure(figsize=size, layout="constrained"))
    axes = figure.add_subplot(1, 1, 1)
    for number, row in enumerate(rows):
        for bar in row.bars:
            _draw(axes, row, bar, -number, span)
    axes.set_yticks([-number for number in range(len(rows))], [row.name for row in rows])
    step = tick_step(span)
    ticks = [number * step for number in range(int(span / step) + 1)]
    axes.set_xticks(ticks, [time_text(tick) for tick in ticks])
    axes.set_xlim(0.0, max(span, 1.0))
    axes.set_ylim(-len(rows) + 0.4, 0.6)
    axes.grid(True, axis="x", color="#e5e7eb")
    axes.set_title(
        f"{document['samples']} samples in {time_text(span)}; framed: the critical path", loc="left"
    )
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(target, dpi=130)
    except OSError as error:
        raise InputError(f"{target} can't be written: {error.strerror}") from error


def _draw(axes: _Axes, row: Row, bar: Bar, y: float, span: float) -> None:
    colour = sample_colour(bar.sample)
    filled = row.kind == "device"
    height = 0.72 if filled else 0.46
    axes.broken_barh(
        [(bar.start_s, bar.end_s - bar.start_s)],
        (y - height / 2, height),
        facecolor=colour if filled else "white",
        edgecolor=_INK if bar.critical else colour,
        linewidth=1.8 if bar.critical else 0.8,
        zorder=3 if bar.critical else 2,
    )
    label = sample_label(bar.sample)
    if label and (bar.end_s - bar.start_s) * _NUMBERED >= span * len(label):
        ink = text_on(colour) if filled else _INK
        style = {"ha": "center", "va": "center", "fontsize": 7, "color": ink, "zorder": 4}
        axes.text((bar.start_s + bar.end_s) / 2, y, label, **style)
