"""A picture of a campaign for people without the dashboard. matplotlib is imported when it is drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, cast

from lab.domain.aim import best_so_far
from lab.domain.event import FactorSpec
from lab.records.reader import open_records

if TYPE_CHECKING:
    from pathlib import Path

    from lab.domain.state import CampaignState, LabState, TrialState

__all__ = ["plot_campaign"]


def plot_campaign(database: str, campaign: str, target: Path) -> None:
    """Best so far over the trials, and the objective over the reported quantity (or the first factor)."""
    from matplotlib.figure import Figure

    with open_records(database) as records:
        state = records.state()
    entry = state.campaigns[campaign]
    figure = cast("_Figure", Figure(figsize=(11, 4.4), layout="constrained"))
    figure.suptitle(entry.spec.title)
    _progress(figure.add_subplot(1, 2, 1), entry)
    _scatter(figure.add_subplot(1, 2, 2), entry, state)
    target.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(target, dpi=130)


class _Axes(Protocol):
    """What is used of matplotlib's axes; its own types are incomplete."""

    def plot(self, *data: object, **style: object) -> object: ...
    def step(self, *data: object, **style: object) -> object: ...
    def axhline(self, y: float, **style: object) -> object: ...
    def set_xlabel(self, text: str) -> object: ...
    def set_ylabel(self, text: str) -> object: ...
    def legend(self, **style: object) -> object: ...


class _Figure(Protocol):
    def suptitle(self, text: str) -> object: ...
    def add_subplot(self, rows: int, columns: int, index: int) -> _Axes: ...
    def savefig(self, target: Path, *, dpi: int) -> object: ...


_COLOURS = {"sobol": "#7f8c99", "model": "#1f6fb2", "person": "#2e7d32"}
_OTHERS = "#7f8c99"


def _done(entry: CampaignState) -> list[TrialState]:
    return [trial for trial in entry.counting if trial.value is not None]


def _progress(axes: _Axes, entry: CampaignState) -> None:
    objective = entry.spec.objective
    done = _done(entry)
    for origin in dict.fromkeys(trial.origin for trial in done):
        chosen = [trial for trial in done if trial.origin == origin]
        axes.plot(
            [trial.number for trial in chosen],
            [trial.value for trial in chosen],
            "o",
            color=_COLOURS.get(origin, _OTHERS),
            label=f"chosen by {origin}",
        )
    values = [trial.value or 0.0 for trial in done]
    best = best_so_far(values, objective.direction, objective.target)
    axes.step([t.number for t in done], best, where="post", color="#d1641b", label="best so far")
    failed = [trial.number for trial in entry.counting if trial.status == "failed"]
    if failed and done:
        floor = min(trial.value or 0.0 for trial in done)
        axes.plot(failed, [floor] * len(failed), "x", color="#b3261e", label="failed")
    _reference(axes, entry)
    axes.set_xlabel("trial")
    axes.set_ylabel(f"{objective.result} / {objective.unit}")
    axes.legend(loc="best", fontsize=8)


def _scatter(axes: _Axes, entry: CampaignState, state: LabState) -> None:
    spec = entry.spec
    factor = next((f for f in spec.factors if isinstance(f, FactorSpec)), None)
    name = spec.objective.report or ("" if factor is None else factor.name)
    unit = spec.objective.report_unit or ("" if factor is None else factor.unit)
    for origin in dict.fromkeys(trial.origin for trial in _done(entry)):
        points = [
            (x, trial.value)
            for trial in _done(entry)
            if trial.origin == origin and (x := _value(trial, name, state)) is not None
        ]
        axes.plot(
            [x for x, _ in points], [y for _, y in points], "o", color=_COLOURS.get(origin, _OTHERS)
        )
    _reference(axes, entry)
    axes.set_xlabel(f"{name.replace('_', ' ')} / {unit}")
    axes.set_ylabel(f"{spec.objective.result} / {spec.objective.unit}")


def _value(trial: TrialState, name: str, state: LabState) -> float | None:
    given = trial.factors.get(name)
    if isinstance(given, float):
        return given
    run = state.runs.get(trial.run)
    return None if run is None else run.plan.values.get(name)


def _reference(axes: _Axes, entry: CampaignState) -> None:
    reference = entry.spec.objective.reference
    if reference is not None:
        axes.axhline(reference, color="#3c7a3c", linestyle="--", linewidth=1, label="reference")
