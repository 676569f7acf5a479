"""A plan as a chart: one row for each device and station, one bar for each step or stay, in an SVG and in a page.

Colours tell samples apart, and each bar that is wide enough also has its sample's number; the critical path has a
frame. What a bar is stands in its tooltip and, in words, in the tables below.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = [
    "Bar",
    "Row",
    "chart_rows",
    "gantt_page",
    "gantt_svg",
    "plan_tables",
    "sample_colour",
    "sample_label",
    "source_text",
    "text_on",
    "tick_step",
    "time_text",
]

_SAMPLES = ("#3b76af", "#c8742c", "#3f8f5b", "#8a63b5", "#b0475a", "#2f8f9d", "#8c7a2b", "#6a7687")
_NO_SAMPLE = "#4b5563"
_INK = "#1f2937"
_WIDTH = 1040.0
_LEFT = 150.0
_RIGHT = 16.0
_ROW = 24.0
_TOP = 30.0
_LETTER = 7.0
_STEPS_S = (
    1,
    2,
    5,
    10,
    15,
    30,
    60,
    120,
    300,
    600,
    900,
    1800,
    3600,
    7200,
    14400,
    21600,
    43200,
    86400,
)
_TICKS = 12


def sample_colour(number: int) -> str:
    """A sample's colour in charts; repeats after eight, so its number always stands beside it. 0: of no sample."""
    if number == 0:
        return _NO_SAMPLE
    return _SAMPLES[(number - 1) % len(_SAMPLES)]


def sample_label(number: int) -> str:
    """What stands in a sample's bars; nothing in those of no sample."""
    return str(number) if number else ""


def text_on(colour: str) -> str:
    """White or black, whichever reads better on `#rrggbb`: at least 4.58 to 1, contrast as WCAG 2.2 defines it."""
    return "#ffffff" if 1.05 / (_luminance(colour) + 0.05) >= 21**0.5 else "#000000"


def _luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def time_text(seconds: float) -> str:
    """`45 s`, `3:05 min`, `2:15 h`."""
    whole = round(abs(seconds))
    sign = "-" if seconds < 0 and whole else ""
    if whole < 60:
        return f"{sign}{whole} s"
    if whole < 3600:
        return f"{sign}{whole // 60}:{whole % 60:02d} min"
    return f"{sign}{whole // 3600}:{whole // 60 % 60:02d} h"


@dataclass(frozen=True, slots=True)
class Bar:
    """From start to end in seconds."""

    start_s: float
    end_s: float
    sample: int
    text: str
    critical: bool


@dataclass(frozen=True, slots=True)
class Row:
    """A device with its steps, or a station with its samples."""

    name: str
    kind: str
    bars: tuple[Bar, ...]


def chart_rows(document: Mapping[str, Any]) -> list[Row]:
    """Rows of the document that `lab plan --json` prints, in the order in which the samples come to them."""
    numbers = {name: n for n, name in enumerate(document["sample_names"], 1)}
    critical = {(item["sample"], item["step"]) for item in document["critical_path"]}
    devices: dict[str, list[Bar]] = {}
    stays: dict[str, dict[str, list[float]]] = {}
    for slot in document["timeline"]:
        sample, step = slot["sample"], slot["step"]
        text = (
            f"{sample}: {step}, {time_text(slot['start_s'])} to {time_text(slot['end_s'])} "
            f"({source_text(slot['duration_from'], slot['duration_runs'])})"
        )
        devices.setdefault(slot["device"], []).append(
            Bar(slot["start_s"], slot["end_s"], numbers[sample], text, (sample, step) in critical)
        )
        for station in slot["stations"]:
            there = stays.setdefault(station, {}).setdefault(sample, [])
            there += (slot["start_s"], slot["end_s"])
    for item in document["services"]:
        text = f"{item['task']}, {time_text(item['start_s'])} to {time_text(item['end_s'])}"
        devices.setdefault(item["person"], []).append(
            Bar(item["start_s"], item["end_s"], 0, text, False)
        )
    rows = [Row(name, "device", tuple(bars)) for name, bars in devices.items()]
    for station, samples in stays.items():
        bars = tuple(
            Bar(min(moments), max(moments), numbers[name], f"{name} is in {station}", False)
            for name, moments in samples.items()
        )
        rows.append(Row(station, "station", bars))
    return rows


def gantt_svg(rows: Sequence[Row], makespan_s: float) -> str:
    """The chart as an `<svg>` element that needs nothing else; lengths in pixels."""
    scale = (_WIDTH - _LEFT - _RIGHT) / max(makespan_s, 1e-9)
    height = _TOP + _ROW * len(rows) + 8
    parts = [*_axis(makespan_s, scale, height)]
    for number, row in enumerate(rows):
        top = _TOP + _ROW * number
        parts.append(
            f'<text x="{_LEFT - 8:.0f}" y="{top + 16:.1f}" text-anchor="end" class="{row.kind}">'
            f"{escape(_short(row.name))}<title>{escape(row.name)}</title></text>"
        )
        parts += [_bar(bar, row.kind, top, scale) for bar in row.bars]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="Plan by device and station" '
        f'class="gantt" viewBox="0 0 {_WIDTH:.0f} {height:.0f}" width="{_WIDTH:.0f}" height="{height:.0f}">\n'
        + "\n".join(parts)
        + "\n</svg>"
    )


def _short(name: str) -> str:
    most = int((_LEFT - 12) / _LETTER)
    return name if len(name) <= most else name[: most - 1] + "…"


def tick_step(makespan_s: float) -> float:
    """A round distance of ticks in seconds, at most a dozen of them."""
    return next(
        (step for step in _STEPS_S if makespan_s / step <= _TICKS),
        86400 * math.ceil(makespan_s / 86400 / _TICKS),
    )


def _axis(makespan_s: float, scale: float, height: float) -> Iterable[str]:
    step = tick_step(makespan_s)
    for number in range(int(makespan_s / step) + 1):
        x = _LEFT + number * step * scale
        yield f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP - 6:.0f}" y2="{height - 6:.0f}"/>'
        yield f'<text x="{x:.1f}" y="{_TOP - 12:.0f}" text-anchor="middle">{time_text(number * step)}</text>'


def _bar(bar: Bar, kind: str, top: float, scale: float) -> str:
    x, width = _LEFT + bar.start_s * scale, max((bar.end_s - bar.start_s) * scale, 0.8)
    colour = sample_colour(bar.sample)
    inset = 3.0 if kind == "device" else 6.0
    style = f'fill="{colour}"' if kind == "device" else f'fill="white" stroke="{colour}"'
    classes = f"{kind} critical" if bar.critical else kind
    label, ink = sample_label(bar.sample), text_on(colour) if kind == "device" else _INK
    said = ""
    if label and width >= (len(label) + 0.6) * _LETTER:
        said = (
            f'<text x="{x + width / 2:.1f}" y="{top + 16:.1f}" text-anchor="middle" fill="{ink}">'
            f"{label}</text>"
        )
    return (
        f'<g><title>{escape(bar.text)}</title><rect class="{classes}" x="{x:.1f}" y="{top + inset:.1f}" '
        f'width="{width:.1f}" height="{_ROW - 2 * inset:.1f}" rx="2" {style}/>{said}</g>'
    )


_STYLE = """\
:root { color-scheme: light; }
body { font: 15px/1.5 system-ui, sans-serif; color: #1f2937; background: #fff; max-width: 68rem; margin: 2rem auto;
  padding: 0 1.5rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 1.8rem; }
table { border-collapse: collapse; margin: .5rem 0; font-size: .92em; }
th, td { border: 1px solid #c9d1d9; padding: .25rem .6rem; text-align: left; } th { background: #f0f3f6; }
td.number { text-align: right; font-variant-numeric: tabular-nums; }
.chart { overflow-x: auto; } svg.gantt { font: 11px system-ui, sans-serif; }
svg.gantt > text { fill: #1f2937; } svg.gantt line { stroke: #e5e7eb; }
svg.gantt .station { stroke-width: 1.2; } svg.gantt .critical { stroke: #1f2937; stroke-width: 2.4; }
"""


def gantt_page(document: Mapping[str, Any]) -> str:
    """The chart and what follows from it as one HTML page that loads nothing."""
    title = f"Plan of {document['samples']} samples"
    figures = [
        ("makespan", time_text(document["makespan_s"])),
        ("no plan is shorter than", time_text(document["lower_bound_s"])),
        ("one after another", time_text(document["sequential_s"])),
        ("broken limits on time", str(document["broken_holds"])),
        ("status", document["status"]),
    ]
    parts = [
        f"<h1>{escape(title)}</h1>",
        _table(("", ""), figures),
        f'<div class="chart">{gantt_svg(chart_rows(document), document["makespan_s"])}</div>',
        "<p>A number is a sample's; filled bars are steps, outlined ones samples in a station; a dark frame marks "
        "the critical path.</p>",
    ]
    parts += [f"<p>{escape(note)}</p>" for note in document["notes"]]
    parts += [
        f"<h2>{escape(heading)}</h2>{_table(columns, rows)}"
        for heading, columns, rows in plan_tables(document)
        if rows
    ]
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f"<title>{escape(title)}</title>\n<style>\n{_STYLE}</style>\n</head>\n<body>\n"
        + "\n".join(parts)
        + "\n</body>\n</html>\n"
    )


_Table = tuple[str, tuple[str, ...], list[tuple[str, ...]]]


def plan_tables(document: Mapping[str, Any]) -> list[_Table]:
    """(heading, columns, rows) of all that is said beside the chart."""
    return [
        (
            "What people do in between",
            ("start", "takes", "who", "what", "before"),
            [
                (
                    time_text(item["start_s"]),
                    time_text(item["end_s"] - item["start_s"]),
                    item["person"],
                    item["task"],
                    f"{item['sample']}: {item['step']}" if item["sample"] else "",
                )
                for item in document["services"]
            ],
        ),
        (
            "How busy",
            ("device or station", "taken", "of the makespan"),
            [
                (use["name"], time_text(use["busy_s"]), f"{use['share']:.0%}")
                for use in document["utilisation"]
            ],
        ),
        (
            "One more would change the makespan by",
            ("device or station", "with", "change"),
            [
                (item["name"], ", ".join(item["together"]), f"{item['change']:+.0%}")
                for item in document["one_more"]
                if round(item["change"], 2)
            ],
        ),
        (
            "Limits on time, the nearest first",
            ("sample", "limit", "from", "to", "at most", "planned", "slack"),
            [
                (
                    hold["sample"],
                    hold["window"],
                    hold["from"],
                    hold["to"],
                    time_text(hold["at_most_s"]),
                    time_text(hold["took_s"]),
                    time_text(hold["slack_s"]),
                )
                for hold in document["holds"]
            ],
        ),
        (
            "How long the steps take, and who says so",
            ("step", "device", "takes", "source"),
            [
                (
                    item["step"],
                    item["device"],
                    _span_text(item["least_s"], item["most_s"]),
                    source_text(item["source"], item["runs"]),
                )
                for item in document["durations"]
            ],
        ),
        (
            "Critical path",
            ("start", "sample", "step", "device", "not earlier because"),
            [
                (time_text(i["start_s"]), i["sample"], i["step"], i["device"], i["because"])
                for i in document["critical_path"]
            ],
        ),
    ]


def source_text(source: str, runs: int) -> str:
    """`SOP`, `driver`, `journal, 12 runs`."""
    return f"journal, {runs} runs" if source == "journal" else {"sop": "SOP"}.get(source, source)


def _span_text(least_s: float, most_s: float) -> str:
    least, most = time_text(least_s), time_text(most_s)
    return least if least == most else f"{least} to {most}"


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(column)}</th>" for column in columns)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    shown = f"<thead><tr>{head}</tr></thead>" if any(columns) else ""
    return f"<table>{shown}<tbody>{body}</tbody></table>"
