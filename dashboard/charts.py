"""Charts as plain Plotly figure dictionaries. Pure: values in, dictionary out, no Streamlit, no Plotly import.

Times are process seconds since the Unix epoch; they are drawn as UTC.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from dashboard.words import AMBER, BLUE, GREEN, GREY, INK, RED, number
from lab.domain.aim import best_so_far

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lab.domain.event import ObjectiveSpec
    from lab.domain.state import TrialState
    from lab.optimize.evidence import LeftOut

__all__ = [
    "Figure",
    "axis",
    "best_figure",
    "front_figure",
    "layout",
    "parity_figure",
    "plain",
    "slice_figure",
    "utc_text",
]

Figure = dict[str, Any]
"""A Plotly figure, or a part of one, as it goes to the browser."""

_FONT = {"family": '"Source Sans", sans-serif', "size": 14, "color": INK}
_GRID = "#e5e7eb"


def layout(**more: object) -> Figure:
    """The look that all charts share."""
    return {
        "font": _FONT,
        "paper_bgcolor": "white",
        "plot_bgcolor": "white",
        "margin": {"l": 10, "r": 16, "t": 34, "b": 10},
        "hoverlabel": {"align": "left", "font": {"size": 13}},
        "legend": {"orientation": "h", "x": 0, "y": 1.0, "yanchor": "bottom", "font": {"size": 13}},
        "uirevision": "keep",  # the viewer's zoom outlives a refresh
        **more,
    }


def axis(title: str, **more: object) -> Figure:
    """An axis; write its unit into the title."""
    heading = {"text": title, "standoff": 12, "font": {"size": 14}}
    return {"title": heading, "gridcolor": _GRID, "zeroline": False, "automargin": True, **more}


def utc_text(seconds: float) -> str:
    """Process seconds as Plotly reads a date."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]


def plain(text: str) -> str:
    """Plotly reads a few HTML tags in texts; names and messages must not be read so."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def best_figure(trials: Sequence[TrialState], objective: ObjectiveSpec) -> Figure:
    """Measured values in order of trials with error bars, the best so far, the reference, and failed trials."""
    done = [trial for trial in trials if trial.value is not None]
    values = [float(trial.value or 0.0) for trial in done]
    best = best_so_far(values, objective.direction, objective.target)
    data: list[Figure] = [
        {
            "type": "scatter",
            "mode": "lines",
            "name": "Best so far",
            "x": [trial.number for trial in done],
            "y": best,
            "line": {"color": GREEN, "width": 2.5, "shape": "hv"},
            "hoverinfo": "skip",
        }
    ]
    ends = {trial.number: trial.beyond.get(objective.result) for trial in done}
    exact = [trial for trial in done if ends[trial.number] is None]
    for name, symbol, chosen in (
        (
            "Measured, spread over the space",
            "circle-open",
            [t for t in exact if t.predicted_mean is None],
        ),
        (
            "Measured, chosen by the model",
            "diamond",
            [t for t in exact if t.predicted_mean is not None],
        ),
        (
            "Above what is measurable",
            "triangle-up",
            [t for t in done if ends[t.number] == "above"],
        ),
        (
            "Below what is measurable",
            "triangle-down",
            [t for t in done if ends[t.number] == "below"],
        ),
    ):
        if chosen:
            data.append(_points(name, symbol, chosen, objective.unit))
    failed = [trial for trial in trials if trial.status == "failed"]
    if failed:
        data.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": "Failed, no value",
                "x": [trial.number for trial in failed],
                "y": [0.03] * len(failed),
                "yaxis": "y2",
                "marker": {"symbol": "x", "size": 11, "color": RED},
                "customdata": [plain(trial.reason) for trial in failed],
                "hovertemplate": "<b>trial %{x} failed</b><br>%{customdata}<extra></extra>",
            }
        )
    look = layout(
        height=380,
        margin={"l": 10, "r": 16, "t": 56, "b": 10},
        xaxis=axis(
            "Trial",
            dtick=_tick(len(trials)),
            range=[0.4, max([t.number for t in trials], default=1) + 0.6],
        ),
        yaxis=axis(f"{objective.result} ({objective.unit})"),
        yaxis2={"overlaying": "y", "range": [0, 1], "visible": False, "fixedrange": True},
    )
    if objective.reference is not None:
        # A trace of its own, so that the axis always shows the reference, with or without values near it.
        data.append(
            {
                "type": "scatter",
                "mode": "lines",
                "name": f"Reference {objective.reference:g} {objective.unit}",
                "x": [0.4, max([t.number for t in trials], default=1) + 0.6],
                "y": [objective.reference] * 2,
                "line": {"color": GREY, "width": 1.6, "dash": "dash"},
                "hovertemplate": f"{plain(objective.reference_note) or 'reference'}<extra></extra>",
            }
        )
    return {"data": data, "layout": look}


def _points(name: str, symbol: str, trials: Sequence[TrialState], unit: str) -> Figure:
    return {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "x": [trial.number for trial in trials],
        "y": [trial.value for trial in trials],
        "error_y": {
            "type": "data",
            "array": [trial.standard_deviation or 0.0 for trial in trials],
            "color": BLUE,
            "thickness": 1.4,
            "width": 4,
        },
        "marker": {
            "symbol": symbol,
            "size": 10,
            "color": BLUE,
            "line": {"width": 2, "color": BLUE},
        },
        "customdata": [
            "<br>".join(
                f"{plain(factor)} = {plain(number(value))}"
                for factor, value in trial.factors.items()
            )
            for trial in trials
        ],
        "hovertemplate": f"<b>trial %{{x}}: %{{y:.4g}} {plain(unit)}</b><br>%{{customdata}}<extra></extra>",
    }


def _tick(trials: int) -> int:
    return 1 if trials <= 15 else 5 if trials <= 60 else 10


def parity_figure(trials: Sequence[TrialState], objective: ObjectiveSpec) -> Figure:
    """What the model foretold (with two standard deviations) against what was measured."""
    known = [
        (t.number, t.value, t.predicted_mean, t.predicted_sd or 0.0)
        for t in trials
        if t.value is not None and t.predicted_mean is not None
    ]
    return _foretold(known, objective)


def left_out_figure(trials: Sequence[LeftOut], objective: ObjectiveSpec) -> Figure:
    """Each trial as the model predicts it from all the others, against what was measured."""
    known = [(t.trial, t.value, t.mean, t.standard_deviation) for t in trials]
    return _foretold(known, objective)


def _foretold(known: Sequence[tuple[int, float, float, float]], objective: ObjectiveSpec) -> Figure:
    """Of trials (number, measured, predicted, its standard deviation)."""
    ends = [value for _, *pair, _ in known for value in pair]
    low, high = (min(ends), max(ends)) if ends else (0.0, 1.0)
    pad = 0.08 * (high - low) or 0.5
    span = [low - pad, high + pad]
    return {
        "data": [
            {
                "type": "scatter",
                "mode": "lines",
                "name": "Perfect",
                "x": span,
                "y": span,
                "line": {"color": GREY, "dash": "dash", "width": 1.4},
                "hoverinfo": "skip",
            },
            {
                "type": "scatter",
                "mode": "markers+text",
                "name": "Predicted ± 2 sd",
                "x": [item[1] for item in known],
                "y": [item[2] for item in known],
                "text": [str(item[0]) for item in known],
                "textposition": "top left",
                "error_y": {
                    "type": "data",
                    "array": [2 * item[3] for item in known],
                    "color": AMBER,
                },
                "marker": {"size": 9, "color": AMBER, "symbol": "diamond"},
                "hovertemplate": "<b>trial %{text}</b><br>measured %{x:.4g}<br>predicted %{y:.4g}<extra></extra>",
            },
        ],
        "layout": layout(
            height=380,
            margin={"l": 10, "r": 16, "t": 56, "b": 10},
            xaxis=axis(f"Measured {objective.result} ({objective.unit})", range=span),
            yaxis=axis(f"Predicted ({objective.unit})"),
        ),
    }


def front_figure(
    trials: Sequence[TrialState], objectives: Sequence[ObjectiveSpec], front: Sequence[int]
) -> Figure:
    """Measured trials over the first two objectives; those of `front` (their numbers) stand out, joined in order."""
    first, second = objectives[0], objectives[1]
    both = {first.result, second.result}
    done = [t for t in trials if t.status == "done" and both <= t.outcomes.keys()]
    best = sorted((t for t in done if t.number in front), key=lambda t: t.outcomes[first.result])
    data: list[Figure] = []
    for name, chosen, mode, marker in (
        (
            "Beaten, or beyond a limit",
            [t for t in done if t.number not in front],
            "markers",
            {"size": 9, "color": GREY, "symbol": "circle-open", "line": {"width": 2}},
        ),
        (
            "On the front",
            best,
            "markers+lines+text" if len(objectives) == 2 else "markers+text",
            {"size": 11, "color": GREEN, "symbol": "diamond"},
        ),
    ):
        data.append(
            {
                "type": "scatter",
                "mode": mode,
                "name": name,
                "x": [t.outcomes[first.result] for t in chosen],
                "y": [t.outcomes[second.result] for t in chosen],
                "text": [str(t.number) for t in chosen],
                "textposition": "top left",
                "line": {"color": GREEN, "width": 1.6, "dash": "dot"},
                "marker": marker,
                "hovertemplate": "<b>trial %{text}</b><br>%{x:.4g}, %{y:.4g}<extra></extra>",
            }
        )
    return {
        "data": data,
        "layout": layout(
            height=380,
            margin={"l": 10, "r": 16, "t": 56, "b": 10},
            xaxis=axis(f"{plain(first.result)} ({first.unit})"),
            yaxis=axis(f"{plain(second.result)} ({second.unit})"),
        ),
    }


def slice_figure(
    x: Sequence[float],
    y: Sequence[float],
    mean: Sequence[Sequence[float]],
    sd: Sequence[Sequence[float]],
    labels: tuple[str, str, str],
    points: Sequence[tuple[float, float, int]],
    *,
    failed: Sequence[tuple[float, float, int]] = (),
    shown: Literal["mean", "sd"] = "mean",
) -> Figure:
    """The model along one factor (a line with its band of two standard deviations) or over two (a map).

    labels: the axes' titles with units and the objective's. points: measured trials as (x, y, number); along one
    factor y is the measured value. failed: trials without a value, for the map alone. `shown` picks what the map
    shows.
    """
    if not y:
        return _line_slice(x, mean[0], sd[0], labels, points)
    values = mean if shown == "mean" else sd
    title = labels[2] if shown == "mean" else f"sd of {labels[2]}"
    return {
        "data": [
            {
                "type": "contour",
                "x": list(x),
                "y": list(y),
                "z": [list(row) for row in values],
                "colorscale": "Viridis" if shown == "mean" else "Greys",
                "contours": {"coloring": "heatmap", "showlines": True},
                "line": {"width": 0.6, "color": "rgba(255,255,255,0.5)"},
                "colorbar": {
                    "thickness": 12,
                    "outlinewidth": 0,
                    "title": {"text": title, "side": "right", "font": {"size": 14}},
                },
                "hovertemplate": f"{labels[0]}: %{{x:.3g}}<br>{labels[1]}: %{{y:.3g}}<br>{title}: %{{z:.4g}}<extra></extra>",
            },
            {
                "type": "scatter",
                "mode": "markers+text",
                "x": [p[0] for p in points],
                "y": [p[1] for p in points],
                "text": [str(p[2]) for p in points],
                "textposition": "top center",
                "textfont": {"size": 12, "color": "white" if shown == "mean" else INK},
                "marker": {"size": 9, "color": "white", "line": {"width": 1.5, "color": INK}},
                "hovertemplate": "trial %{text}<extra></extra>",
            },
            {
                "type": "scatter",
                "mode": "markers",
                "x": [p[0] for p in failed],
                "y": [p[1] for p in failed],
                "text": [str(p[2]) for p in failed],
                "marker": {
                    "size": 10,
                    "symbol": "x",
                    "color": RED,
                    "line": {"width": 1, "color": "white"},
                },
                "hovertemplate": "trial %{text} failed<extra></extra>",
            },
        ],
        "layout": layout(
            height=400,
            margin={"l": 10, "r": 16, "t": 10, "b": 10},
            showlegend=False,
            xaxis=axis(labels[0]),
            yaxis=axis(labels[1]),
        ),
    }


def _line_slice(
    x: Sequence[float],
    mean: Sequence[float],
    sd: Sequence[float],
    labels: tuple[str, str, str],
    points: Sequence[tuple[float, float, int]],
) -> Figure:
    upper = [m + 2 * s for m, s in zip(mean, sd, strict=True)]
    lower = [m - 2 * s for m, s in zip(mean, sd, strict=True)]
    return {
        "data": [
            {
                "type": "scatter",
                "mode": "lines",
                "name": "± 2 standard deviations",
                "x": [*x, *reversed(x)],
                "y": [*upper, *reversed(lower)],
                "fill": "toself",
                "fillcolor": "rgba(29,91,143,0.16)",
                "line": {"width": 0},
                "hoverinfo": "skip",
            },
            {
                "type": "scatter",
                "mode": "lines",
                "name": "Model",
                "x": list(x),
                "y": list(mean),
                "line": {"color": BLUE, "width": 2.5},
                "hovertemplate": "%{x:.3g}: %{y:.4g}<extra>model</extra>",
            },
            {
                "type": "scatter",
                "mode": "markers+text",
                "name": "Measured (any value of the other factors)",
                "x": [p[0] for p in points],
                "y": [p[1] for p in points],
                "text": [str(p[2]) for p in points],
                "textposition": "top center",
                "marker": {"size": 9, "color": "white", "line": {"width": 2, "color": INK}},
                "hovertemplate": "trial %{text}: %{y:.4g}<extra></extra>",
            },
        ],
        "layout": layout(
            height=400,
            margin={"l": 10, "r": 16, "t": 56, "b": 10},
            xaxis=axis(labels[0]),
            yaxis=axis(labels[2]),
        ),
    }
