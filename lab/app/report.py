"""What came of a campaign, as one JSON document. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lab.domain.state import CampaignState, LabState, TrialState

__all__ = ["best_document", "report_document"]


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
    runs = [run for run in state.runs.values() if run.campaign == campaign]
    return {
        "campaign": campaign,
        "state": entry.status,
        "trials": len(entry.trials),
        "runs": {
            ending: sum(1 for run in runs if run.status == ending)
            for ending in ("succeeded", "failed", "aborted")
        },
        "best": best_document(entry, state),
        "journal": {"events": events, "head": head},
        "virtual_seconds": round(virtual_seconds, 3),
        "wall_seconds": round(wall_seconds, 3),
    }


def best_document(campaign: CampaignState, state: LabState) -> dict[str, object] | None:
    """The best measured trial with what is known of it; None while nothing has been measured."""
    best = campaign.best()
    if best is None:
        return None
    objective = campaign.spec.objective
    document: dict[str, object] = {
        "trial": best.number,
        "factors": dict(best.factors),
        "objective": best.value,
        "unit": objective.unit,
        "standard_deviation": best.standard_deviation,
    }
    if objective.report:
        document[objective.report] = _reported(best, objective.report, state)
    if objective.reference is not None:
        document["reference"] = objective.reference
    return document


def _reported(trial: TrialState, name: str, state: LabState) -> float | None:
    run = state.runs.get(trial.run)
    if run is None:
        return None
    if name in run.results:
        return run.results[name].value
    return run.plan.values.get(name)
