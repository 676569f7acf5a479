"""How far a model can be trusted, for people: of a campaign's records or of a table of experiments."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Protocol, cast

from lab.domain.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from lab.optimize.evidence import Evidence

__all__ = ["evidence_lines", "evidence_of_records", "evidence_of_table", "write_evidence"]

_SIZE, _EDGE = 480.0, 60.0
_WORST = 3


def evidence_of_records(database: str, campaign: str | None) -> tuple[Evidence, str]:
    """Of a campaign in the records (the latest where none is named), and what is measured, with its unit."""
    from lab.optimize.evidence import evidence
    from lab.optimize.recorded import first_outcome, options_of, space_of
    from lab.records.reader import open_records

    with open_records(database) as records:
        state = records.state()
    names = list(state.campaigns)
    name = campaign or (names[-1] if names else "")
    if name not in state.campaigns:
        raise InputError(
            f"no campaign {name}" if name else "no campaign in these records",
            hint=f"known are: {', '.join(names)}" if names else "run one first",
        )
    entry = state.campaigns[name]
    direction, history = first_outcome(entry, state)
    objective = entry.spec.objective
    return (
        evidence(
            space_of(entry), direction, history, entry.spec.seed, options_of(entry, first=True)
        ),
        f"{objective.result} [{objective.unit}]",
    )


def evidence_of_table(
    path: Path, objective: str, ignore: Sequence[str] = ()
) -> tuple[Evidence, str]:
    """Of the rows of a CSV file with a column per factor."""
    from lab.app.advising import read_experiments
    from lab.optimize.evidence import evidence

    space, records = read_experiments(path, objective, ignore)
    return evidence(space, "maximize", records), objective


def evidence_lines(found: Evidence, measured: str) -> list[str]:
    """In words and numbers."""
    told = found.calibration
    lines = [
        f"each of {told.count} outcomes of {measured}, predicted from all the others:",
        f"  the model is {told.words}",
        f"  in its 50 % intervals {told.coverage_50:.0%}, in its 90 % intervals {told.coverage_90:.0%} of the outcomes",
        f"  mean squared z  {told.mean_squared_z:.3g} (1 is right, above it is too sure)",
        f"  log loss        {told.log_loss:.3g} (1.42 without a model)",
    ]
    for item in found.importances:
        share = "" if item.total is None else f"  {item.total:.0%} of what varies"
        scale = "" if item.lengthscale is None else f"changes over {item.lengthscale:.3g}"
        if scale or share:
            lines.append(f"  {item.factor:<24} {scale}{share}")
    worst = sorted(found.left_out, key=lambda t: -abs(t.value - t.mean) / t.standard_deviation)
    for trial in worst[:_WORST]:
        z = (trial.value - trial.mean) / trial.standard_deviation
        lines.append(
            f"  trial {trial.trial}: {trial.value:.4g} measured, {trial.mean:.4g} ± {trial.standard_deviation:.2g} "
            f"predicted (z = {z:+.1f})"
        )
    return lines


def write_evidence(found: Evidence, measured: str, target: Path) -> None:
    """The leave-one-out plot as a page (.html) or a picture (.png). InputError for another ending."""
    match target.suffix.lower():
        case ".html":
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(_page(found, measured), encoding="utf-8")
        case ".png":
            _picture(found, measured, target)
        case other:
            raise InputError(
                f'a plot as "{other or target.name}"', hint="let the name end in .html or .png"
            )


def _page(found: Evidence, measured: str) -> str:
    """A page that needs nothing from elsewhere."""
    told = "\n".join(f"<li>{escape(line.strip())}</li>" for line in evidence_lines(found, measured))
    title = f"How far to trust the model of {measured}"
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>
<style>body{{font:16px/1.5 sans-serif;color:#1f2937;max-width:60rem;margin:2rem auto;padding:0 1rem}}
text{{font:13px sans-serif;fill:#1f2937}}</style></head>
<body><h1>{escape(title)}</h1>
{_drawing(found, measured)}
<p>Each dot is a trial, its bar two standard deviations of its prediction; on the line both agree.</p>
<ul>
{told}
</ul></body></html>
"""


def _drawing(found: Evidence, measured: str) -> str:
    low, high = _span(found)
    scale = (_SIZE - 2 * _EDGE) / (high - low)

    def x(value: float) -> float:
        return round(_EDGE + (value - low) * scale, 1)

    def y(value: float) -> float:
        return round(_SIZE - _EDGE - (value - low) * scale, 1)

    parts = [
        f'<svg viewBox="0 0 {_SIZE:g} {_SIZE:g}" width="{_SIZE:g}" height="{_SIZE:g}" role="img" '
        f'aria-label="Predicted against measured">',
        f'<line x1="{x(low)}" y1="{y(low)}" x2="{x(high)}" y2="{y(high)}" stroke="#6b7280" stroke-dasharray="5 4"/>',
        f'<path d="M{x(low)} {y(high)}V{y(low)}H{x(high)}" fill="none" stroke="#1f2937"/>',
    ]
    for tick in (low, (low + high) / 2, high):
        parts.append(
            f'<text x="{x(tick)}" y="{y(low) + 20}" text-anchor="middle">{tick:.3g}</text>'
        )
        parts.append(
            f'<text x="{x(low) - 8}" y="{y(tick) + 4}" text-anchor="end">{tick:.3g}</text>'
        )
    for trial in found.left_out:
        at, spread = x(trial.value), 2 * trial.standard_deviation
        top, bottom = y(min(trial.mean + spread, high)), y(max(trial.mean - spread, low))
        parts.append(
            f"<g><title>trial {trial.trial}: measured {trial.value:.4g}, predicted {trial.mean:.4g} ± "
            f'{trial.standard_deviation:.2g}</title><path d="M{at} {top}V{bottom}" stroke="#a15c00"/>'
            f'<circle cx="{at}" cy="{y(trial.mean)}" r="4.5" fill="#1d5b8f"/></g>'
        )
    middle = _SIZE / 2
    parts.append(
        f'<text x="{middle}" y="{_SIZE - 12}" text-anchor="middle">measured {escape(measured)}</text>'
    )
    parts.append(
        f'<text x="16" y="{middle}" text-anchor="middle" transform="rotate(-90 16 {middle})">predicted</text></svg>'
    )
    return "\n".join(parts)


def _span(found: Evidence) -> tuple[float, float]:
    ends = [value for trial in found.left_out for value in (trial.value, trial.mean)]
    low, high = min(ends), max(ends)
    pad = 0.08 * (high - low) or 0.5
    return low - pad, high + pad


class _Axes(Protocol):
    """What is used of matplotlib's axes; its own types are incomplete."""

    def errorbar(self, x: object, y: object, **style: object) -> object: ...
    def plot(self, *data: object, **style: object) -> object: ...
    def annotate(self, text: str, xy: object, **style: object) -> object: ...
    def set_xlabel(self, text: str) -> object: ...
    def set_ylabel(self, text: str) -> object: ...
    def set_title(self, text: str, **style: object) -> object: ...


class _Figure(Protocol):
    def add_subplot(self, rows: int, columns: int, index: int) -> _Axes: ...
    def savefig(self, target: Path, *, dpi: int) -> object: ...


def _picture(found: Evidence, measured: str, target: Path) -> None:
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise InputError(
            "matplotlib is not installed, so there is no PNG",
            hint="pip install 'labwright[plot]', or let the name end in .html",
        ) from error
    figure = cast("_Figure", Figure(figsize=(6, 6), layout="constrained"))
    axes = figure.add_subplot(1, 1, 1)
    span = _span(found)
    axes.plot(span, span, "--", color="#6b7280", linewidth=1)
    axes.errorbar(
        [t.value for t in found.left_out],
        [t.mean for t in found.left_out],
        yerr=[2 * t.standard_deviation for t in found.left_out],
        fmt="o",
        color="#1d5b8f",
        ecolor="#a15c00",
    )
    for trial in found.left_out:
        axes.annotate(str(trial.trial), (trial.value, trial.mean), fontsize=7)
    axes.set_xlabel(f"measured {measured}")
    axes.set_ylabel("predicted from the other trials, ± 2 standard deviations")
    told = found.calibration
    axes.set_title(
        f"mean squared z {told.mean_squared_z:.2f}, log loss {told.log_loss:.2f}, "
        f"in 90 % intervals {told.coverage_90:.0%}",
        fontsize=10,
    )
    target.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(target, dpi=130)
