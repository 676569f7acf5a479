"""What came of a campaign, as one JSON document. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lab.domain.event import ObjectiveSpec
    from lab.domain.state import CampaignState, LabState, TrialState

__all__ = ["best_document", "report_document", "report_lines", "setting", "with_unit"]


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
        "fidelities": fidelity_counts(entry),
        "runs": {
            ending: sum(1 for run in runs if run.status == ending)
            for ending in ("succeeded", "failed", "aborted")
        },
        "best": best_document(entry),
        "front": front_document(entry),
        "cost": {"spent": entry.spent, "unit": entry.cost_unit} if entry.cost_unit else None,
        "journal": {"events": events, "head": head},
        "virtual_seconds": round(virtual_seconds, 3),
        "wall_seconds": round(wall_seconds, 3),
    }


def fidelity_counts(campaign: CampaignState) -> dict[str, int]:
    """Fidelity -> trials by it that gave a value; empty where there is one way to measure."""
    return {
        way.name: sum(
            trial.status == "done" and trial.fidelity == way.name
            for trial in campaign.trials.values()
        )
        for way in campaign.spec.fidelities
    }


def best_document(campaign: CampaignState) -> dict[str, object] | None:
    """The best measured trial; None while nothing has been measured."""
    best = campaign.best()
    if best is None:
        return None
    found: dict[str, object] = {
        "factors": dict(best.factors),
        "objective": best.value,
        "unit": campaign.spec.objective.unit,
        "standard_deviation": best.standard_deviation,
    }
    side = best.beyond.get(campaign.spec.objective.result)
    return found if side is None else {**found, "beyond": side}


def front_document(campaign: CampaignState) -> list[dict[str, object]]:
    """The trials that keep all limits and that no other beats; empty where one value alone is sought."""
    if campaign.aim is None:
        return []
    return [
        {
            "trial": trial.number,
            "factors": dict(trial.factors),
            "outcomes": dict(trial.outcomes),
            **({"beyond": dict(trial.beyond)} if trial.beyond else {}),
        }
        for trial in campaign.front()
    ]


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
    if entry.target:
        told = ", ".join(f"{count} by {name}" for name, count in fidelity_counts(entry).items())
        lines.append(f"  {'measured':<10} {told}; {entry.target} counts")
    best = entry.best()
    if best is not None:
        factors = ", ".join(
            f"{factor.name} = {with_unit(best.factors[factor.name], factor.unit)}"
            for factor in entry.spec.factors
        )
        lines.append(
            f"  best       {best.mark(objective.result)}{with_unit(best.value or 0.0, objective.unit)} "
            f"(trial {best.number}: {factors})"
        )
        if objective.report:
            value = _reported(best, objective.report, state)
            if value is not None:
                lines.append(
                    f"             {objective.report} = {with_unit(value, objective.report_unit)}"
                )
    lines += _front_lines(entry)
    if entry.nearness is not None:
        near = entry.nearness
        unit = near.unit or objective.unit
        lines.append(
            f"  optimum    trial {near.trial} is within {with_unit(near.within, unit)} of it with a "
            f"probability of {near.probability:.0%}; {with_unit(near.expected_gain, unit)} left to gain"
        )
    if entry.cost_unit:
        lines.append(f"  cost       {with_unit(entry.spent, entry.cost_unit)}, all trials")
    if objective.reference is not None:
        lines.append(f"  reference  {with_unit(objective.reference, objective.unit)}")
        if objective.reference_note:
            lines.append(f"             {objective.reference_note.strip()}")
    return lines


def _front_lines(entry: CampaignState) -> list[str]:
    """Of several outcomes what the best trials gave, and how much the front encloses."""
    aim = entry.aim
    if aim is None:
        return []
    units = {o.result: o.unit for o in (*entry.objectives, *entry.spec.limits)}
    lines = [f"  sought     {', '.join(_goal_words(o) for o in entry.objectives)}"]
    if aim.limits:
        lines.append(f"  limits     {', '.join(limit.words for limit in aim.limits)}")
    front = entry.front()
    if not front:
        return [*lines, "  no trial has kept all limits yet"]
    for place, trial in enumerate(front):
        given = ", ".join(
            f"{name} {trial.mark(name)}{with_unit(v, units[name])}"
            for name, v in trial.outcomes.items()
        )
        head = "front" if not aim.single else "outcomes"
        lines.append(f"  {head if place == 0 else '':<10} trial {trial.number}: {given}")
    volume = aim.volume(entry.trials.values())
    if volume is not None:
        lines.append(f"  volume     {volume:.4g} between the front and the worst values")
    return lines


def _goal_words(objective: ObjectiveSpec) -> str:
    if objective.target is not None:
        return f"{objective.result} near {with_unit(objective.target, objective.unit)}"
    return f"{objective.direction} {objective.result}"


def setting(value: float | str, digits: int = 4) -> str:
    """What a factor is set to: a number with so many significant digits, or the name of a choice."""
    return value if isinstance(value, str) else f"{value:.{digits}g}"


def with_unit(value: float | str, unit: str) -> str:
    """`9.11 mS/cm`; a number without a dimension stands by itself, and so does the name of a choice."""
    if isinstance(value, str):
        return value
    return f"{value:.4g}" if unit == "dimensionless" else f"{value:.4g} {unit}"


def _reported(trial: TrialState, name: str, state: LabState) -> float | None:
    run = state.runs.get(trial.run)
    if run is None:
        return None
    if name in run.results:
        return run.results[name].value
    return run.plan.values.get(name)
