"""The timeline as a plain Plotly figure dictionary. Pure: values in, dictionary out.

Planned time is an outline, actual time is filled, so that a late or a long step shows without reading.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from dashboard.charts import axis, layout, plain, utc_text
from dashboard.words import GREY, INK, RED, status_sign, trial_colour

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from dashboard.charts import Figure

__all__ = ["Bar", "timeline_figure"]

_BAD = ("failed", "interrupted", "aborted")


@dataclass(frozen=True, slots=True)
class Bar:
    """A step in the timeline: its plan and what became of it."""

    run: str
    trial: int
    step: str
    title: str
    device: str
    status: str
    attempts: int
    planned_s: tuple[float, float] | None
    actual_s: tuple[float, float] | None
    """Start and end; for a running step the end is now."""
    note: str = ""
    planned_by: str = ""
    """Who says how long it takes."""

    @property
    def problem(self) -> bool:
        return self.status in _BAD or self.attempts > 1


@dataclass(frozen=True, slots=True)
class _Piece:
    """One drawn rectangle."""

    span_s: tuple[float, float]
    y: float
    fill: str
    line: str
    pattern: str
    text: str
    hover: str


def timeline_figure(
    bars: Sequence[Bar],
    by: Literal["device", "sample"],
    now_s: float,
    window_s: tuple[float, float] | None = None,
) -> Figure:
    """One row per device or per sample; steps of a row that overlap lie in lanes of their own.

    Within a bar stands what its row does not tell: the sample's number, or the step's title where it fits.
    Times are process seconds since the Unix epoch.
    """
    rows = _rows(bars, by)
    shown_s = _shown(bars, window_s)
    total = sum(lanes for _, lanes, _ in rows)
    planned: list[_Piece] = []
    actual: list[_Piece] = []
    ticks: list[float] = []
    shapes = [
        _rule(
            {"x0": utc_text(now_s), "x1": utc_text(now_s), "y0": 0, "y1": 1, "yref": "paper"},
            INK,
            "dot",
        )
    ]
    top = 0
    for _, lanes, placed in rows:
        ticks.append(top + (lanes - 1) / 2)
        for bar, lane in placed:
            _draw(bar, top + lane, by, shown_s, planned, actual)
        top += lanes
        if top < total:
            shapes.append(
                _rule(
                    {"y0": top - 0.5, "y1": top - 0.5, "x0": 0, "x1": 1, "xref": "paper"}, "#e5e7eb"
                )
            )
    x_axis = axis("Process time (UTC)", type="date", tickformat="%H:%M", hoverformat="%H:%M:%S")
    if window_s is not None:
        x_axis["range"] = [utc_text(window_s[0]), utc_text(window_s[1])]
    y_axis = {
        "tickvals": ticks,
        "ticktext": [plain(name) for name, _, _ in rows],
        "range": [total - 0.4, -0.6],
        "showgrid": False,
        "zeroline": False,
        "automargin": True,
        "fixedrange": True,
        "ticklabelstandoff": 8,
    }
    now = {
        "x": utc_text(now_s),
        "y": 1,
        "yref": "paper",
        "yanchor": "bottom",
        "text": f"now {utc_text(now_s)[11:19]}",
        "showarrow": False,
        "font": {"size": 13, "color": INK},
    }
    return {
        "data": [_trace("Planned", 0.84, GREY, planned), _trace("Actual", 0.62, "white", actual)],
        "layout": layout(
            height=max(180, 96 + 34 * total),
            barmode="overlay",
            showlegend=False,
            xaxis=x_axis,
            yaxis=y_axis,
            shapes=shapes,
            annotations=[now],
        ),
    }


def _rows(bars: Sequence[Bar], by: str) -> list[tuple[str, int, list[tuple[Bar, int]]]]:
    """(name, lanes, bars with their lane) per device in order of its first use, or per sample in order of its number."""
    groups: dict[str, list[Bar]] = {}
    # Devices in the order in which the procedure comes to them, so that a sample falls like a waterfall.
    order = sorted(bars, key=lambda bar: _span(bar)[0] if by == "device" else bar.trial)
    for bar in order:
        groups.setdefault(bar.device if by == "device" else f"Sample {bar.trial}", []).append(bar)
    return [(name, *_lanes(group)) for name, group in groups.items()]


def _lanes(bars: Iterable[Bar]) -> tuple[int, list[tuple[Bar, int]]]:
    """Place each bar in the first lane that is free when it begins."""
    free: list[float] = []
    placed: list[tuple[Bar, int]] = []
    for bar in sorted(bars, key=lambda bar: (_span(bar)[0], bar.step)):
        begin, end = _span(bar)
        lane = next(
            (n for n, busy_until in enumerate(free) if busy_until <= begin + 1e-6), len(free)
        )
        if lane == len(free):
            free.append(0.0)
        free[lane] = end
        placed.append((bar, lane))
    return max(len(free), 1), placed


def _span(bar: Bar) -> tuple[float, float]:
    return bar.actual_s or bar.planned_s or (0.0, 0.0)


def _shown(bars: Sequence[Bar], window_s: tuple[float, float] | None) -> float:
    """How many seconds the width of the chart shows."""
    if window_s is not None:
        return window_s[1] - window_s[0]
    spans = [span for bar in bars for span in (bar.planned_s, bar.actual_s) if span is not None]
    return max((s[1] for s in spans), default=1.0) - min((s[0] for s in spans), default=0.0)


def _fitting(text: str, span: tuple[float, float], shown_s: float) -> str:
    """The text where the bar is wide enough for it (about 150 letters fill the chart's width), else nothing."""
    return text if span[1] - span[0] >= (len(text) + 1) * shown_s / 150 else ""


def _draw(
    bar: Bar, y: float, by: str, shown_s: float, planned: list[_Piece], actual: list[_Piece]
) -> None:
    colour = trial_colour(bar.trial)
    label = str(bar.trial) if by == "device" else plain(bar.title)
    hover = _hover(bar)
    if bar.planned_s is not None:
        text = _fitting(label, bar.planned_s, shown_s) if bar.actual_s is None else ""
        planned.append(_Piece(bar.planned_s, y, "rgba(0,0,0,0)", colour, "", text, hover))
    if bar.actual_s is not None:
        mark, fill, pattern = "", colour, ""
        if bar.status in _BAD:
            mark, fill, pattern = "✖ ", RED, "x"
        elif bar.status == "running":
            mark, pattern = "▶ ", "/"
        text = _fitting(mark + label, bar.actual_s, shown_s)
        actual.append(_Piece(bar.actual_s, y, fill, "white", pattern, text, hover))


def _trace(name: str, width: float, ink: str, pieces: Sequence[_Piece]) -> Figure:
    return {
        "type": "bar",
        "orientation": "h",
        "name": name,
        "base": [utc_text(piece.span_s[0]) for piece in pieces],
        # a date axis counts milliseconds
        "x": [round(max(piece.span_s[1] - piece.span_s[0], 0.5) * 1000) for piece in pieces],
        "y": [piece.y for piece in pieces],
        "width": width,
        "text": [piece.text for piece in pieces],
        "customdata": [piece.hover for piece in pieces],
        "textposition": "inside",
        "insidetextanchor": "middle",
        "textangle": 0,
        "constraintext": "none",
        "textfont": {"size": 13, "color": ink},
        "hovertemplate": "%{customdata}<extra></extra>",
        "marker": {
            "color": [piece.fill for piece in pieces],
            "line": {"color": [piece.line for piece in pieces], "width": 1.4},
            "pattern": {
                "shape": [piece.pattern for piece in pieces],
                "fillmode": "overlay",
                "fgcolor": "rgba(255,255,255,0.55)",
                "size": 8,
                "solidity": 0.2,
            },
        },
    }


def _hover(bar: Bar) -> str:
    sign = status_sign(bar.status)
    lines = [
        f"<b>{plain(bar.title)}</b>",
        f"sample {bar.trial} · {plain(bar.device)}",
        f"{sign.glyph} {sign.word}" + (f", try {bar.attempts}" if bar.attempts > 1 else ""),
    ]
    for name, span in (("planned", bar.planned_s), ("actual", bar.actual_s)):
        if span is not None:
            begin, end = utc_text(span[0])[11:19], utc_text(span[1])[11:19]
            by = f" (by {bar.planned_by})" if name == "planned" and bar.planned_by else ""
            lines.append(f"{name} {begin} to {end}, {span[1] - span[0]:.0f} s{by}")
    if bar.note:
        lines.append(plain(bar.note))
    return "<br>".join(lines)


def _rule(place: Mapping[str, object], colour: str, dash: str = "solid") -> Figure:
    line = {"color": colour, "width": 1.2, "dash": dash}
    return {"type": "line", "layer": "below", **place, "line": line}
