"""What came of a campaign, as one JSON document. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lab.domain.state import CampaignState, LabState, TrialState

__all__ = ["best_document", "report_document", "report_lines", "with_unit"]


def report_document(
    state: LabState,
    campaign: str,
    *,
    events: int,
    head: str,
    virtual_seconds: float,
    wall_seconds: float,
) -> dict[str, object]:
    """The document that `lab run --json` prints."""
    entry = state.campaigns[campaign]
    runs = [state.runs[trial.run] for trial in entry.trials.values() if trial.run]
    return {
        "campaign": campaign,
        "state": entry.status,
        "trials": len(entry.trials),
        "runs": {
            ending: sum(1 for run in runs if run.status == ending)
            for ending in ("succeeded", "failed", "aborted")
        },
        "best": best_document(entry),
        "journal": {"events": events, "head": head},
        "virtual_seconds": round(virtual_seconds, 3),
        "wall_seconds": round(wall_seconds, 3),
    }


def best_document(campaign: CampaignState) -> dict[str, object] | None:
    """The best measured trial; None while nothing has been measured."""
    best = campaign.best()
    if best is None:
        return None
    return {
        "factors": dict(best.factors),
        "objective": best.value,
        "unit": campaign.spec.objective.unit,
        "standard_deviation": best.standard_deviation,
    }


def report_lines(state: LabState, campaign: str) -> list[str]:
    """The same for a person, with what was known beforehand beside it."""
    entry = state.campaigns[campaign]
    objective = entry.spec.objective
    runs = [state.runs[trial.run] for trial in entry.trials.values() if trial.run]
    counts = ", ".join(
        f"{sum(1 for run in runs if run.status == ending)} {ending}"
        for ending in ("succeeded", "failed", "aborted")
    )
    lines = [f"{campaign}: {entry.status} ({entry.reason or 'unfinished'})"]
    lines.append(f"  {len(entry.trials)} trials; runs: {counts}")
    best = entry.best()
    if best is not None:
        factors = ", ".join(
            f"{factor.name} = {with_unit(best.factors[factor.name], factor.unit)}"
            for factor in entry.spec.factors
        )
        lines.append(
            f"  best       {with_unit(best.value or 0.0, objective.unit)} "
            f"(trial {best.number}: {factors})"
        )
        if objective.report:
            value = _reported(best, objective.report, state)
            if value is not None:
                lines.append(
                    f"             {objective.report} = {with_unit(value, objective.report_unit)}"
                )
    if objective.reference is not None:
        lines.append(f"  reference  {with_unit(objective.reference, objective.unit)}")
        if objective.reference_note:
            lines.append(f"             {objective.reference_note.strip()}")
    return lines


def with_unit(value: float, unit: str) -> str:
    """`9.11 mS/cm`; a number without a dimension stands by itself."""
    return f"{value:.4g}" if unit == "dimensionless" else f"{value:.4g} {unit}"


def _reported(trial: TrialState, name: str, state: LabState) -> float | None:
    run = state.runs.get(trial.run)
    if run is None:
        return None
    if name in run.results:
        return run.results[name].value
    return run.plan.values.get(name)
