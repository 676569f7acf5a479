"""Why each open trial was proposed, and how the latest failed: what people see of the optimiser's thoughts. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.control.moments import elapsed, iso
from lab.domain.event import ChoiceSpec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lab.control.document import (
        AwaitedDocument,
        ContextDocument,
        FailedTrialDocument,
        NearestDocument,
        OutsideDocument,
        ProposedTrialDocument,
    )
    from lab.domain.event import FactorSpec, FactorValue
    from lab.domain.state import CampaignState, TrialState

__all__ = [
    "awaited_document",
    "context_documents",
    "context_lines",
    "evidence_lines",
    "failed_documents",
    "failed_words",
    "failure_line",
    "outside_document",
    "proposed_documents",
    "trial_name",
]

_FAILURES = 5
_DIFFERENCES = 4


def proposed_documents(campaign: CampaignState) -> list[ProposedTrialDocument]:
    """Each open trial with the evidence that it was proposed on."""
    return [_proposed(campaign, trial) for trial in campaign.open_trials]


def failed_documents(campaign: CampaignState) -> list[FailedTrialDocument]:
    """The latest trials that failed or were withdrawn, newest first, with the reason."""
    without = ("failed", "withdrawn")
    failed = [trial for trial in campaign.trials.values() if trial.status in without]
    return [
        {
            "trial": trial.number,
            "factors": dict(trial.factors),
            "reason": trial.reason,
            "outcomes": dict(trial.outcomes),
            "withdrawn": trial.status == "withdrawn",
        }
        for trial in failed[: -_FAILURES - 1 : -1]
    ]


def outside_document(campaign: CampaignState) -> OutsideDocument:
    """How many results from outside there are, and the best of them where one value is sought."""
    told = [item for item in campaign.outside if item.value is not None]
    values = [item.value or 0.0 for item in told if item.fidelity == campaign.target]
    direction = campaign.spec.objective.direction
    best = None
    if values and campaign.aim is None:
        best = max(values) if direction == "maximize" else min(values)
    return {
        "done": len(told),
        "failed": sum(item.status == "failed" for item in campaign.outside),
        "best": best,
        "latest": campaign.outside[-1].note if campaign.outside else "",
    }


def context_documents(campaign: CampaignState) -> list[ContextDocument]:
    """The factors that nobody chooses, with what they were when that was last looked at or told."""
    found: list[ContextDocument] = []
    for factor in campaign.spec.factors:
        if factor.context is None:
            continue
        told = campaign.context.get(factor.name)
        found.append(
            {
                "factor": factor.name,
                "value": None if told is None else told.value,
                "unit": factor.unit,
                "device": factor.context.device,
                "source": "" if told is None else told.source,
                "reason": "" if told is None else told.reason,
                "at": None if told is None or told.at is None else iso(told.at.timestamp()),
            }
        )
    return found


def context_lines(context: Sequence[ContextDocument]) -> list[str]:
    """`room is 22 degC, by Ada at 2026-01-01T08:00:00.000Z (by the window)`, of each that is known."""
    lines: list[str] = []
    for item in context:
        value = item["value"]
        if value is not None:
            shown = value if isinstance(value, str) else _with_unit(value, item["unit"])
            why = f" ({item['reason']})" if item["reason"] else ""
            lines.append(f"{item['factor']} is {shown}, by {item['source']} at {item['at']}{why}")
    return lines


def awaited_document(campaign: CampaignState, now_s: float) -> AwaitedDocument | None:
    """What proposals wait for."""
    awaited = campaign.awaited
    if awaited is None or campaign.status != "running":
        return None
    return {
        "factor": awaited.factor,
        "problem": awaited.problem,
        "detail": awaited.detail,
        "device": awaited.device,
        "since": iso(campaign.awaited_s),
        "for_s": elapsed(campaign.awaited_s, now_s),
    }


def failure_line(item: FailedTrialDocument) -> str:
    """What became of the trial, without its number."""
    if item["withdrawn"]:
        return item["reason"]
    return f"{failed_words(item['outcomes'])}: {item['reason']}"


def failed_words(outcomes: Mapping[str, float]) -> str:
    """What a trial that failed gave before, in words."""
    return f"failed after {', '.join(outcomes)} was measured" if outcomes else "gave no value"


def trial_name(number: int) -> str:
    """`trial 5`; results from outside have numbers below zero."""
    return f"trial {number}" if number > 0 else f"result {number} from outside"


def _proposed(campaign: CampaignState, trial: TrialState) -> ProposedTrialDocument:
    return {
        "trial": trial.number,
        "factors": dict(trial.factors),
        "fidelity": trial.fidelity,
        "note": trial.note,
        "origin": trial.origin,
        "predicted_mean": trial.predicted_mean,
        "predicted_sd": trial.predicted_sd,
        "better": trial.better,
        "chance": trial.chance,
        "explores": trial.explores,
        "expected_cost": trial.expected_cost,
        "nearest": _nearest(campaign, trial),
        "begun": bool(trial.run),
        "waits_for_approval": campaign.spec.approval and not trial.approved,
    }


def _nearest(campaign: CampaignState, trial: TrialState) -> NearestDocument | None:
    """The finished trial nearest to it, what it gave, and in what it differs, the largest difference first."""
    known = {item.number: item for item in (*campaign.outside, *campaign.trials.values())}
    near = known.get(trial.nearest_trial or 0)
    if near is None:
        return None
    gaps = [
        gap
        for factor in campaign.spec.factors
        if (gap := _difference(factor, trial.factors[factor.name], near.factors[factor.name]))
    ]
    gaps.sort(key=lambda item: -item[0])
    return {
        "trial": near.number,
        "status": near.status,
        "value": near.value,
        "reason": near.reason,
        "differs": [text for _, text in gaps[:_DIFFERENCES]],
    }


def _difference(
    factor: FactorSpec | ChoiceSpec, here: FactorValue, there: FactorValue
) -> tuple[float, str] | None:
    """(share of the range, words), None where they are the same."""
    if here == there:
        return None
    if isinstance(factor, ChoiceSpec) or isinstance(here, str) or isinstance(there, str):
        return 1.0, f"{factor.name} {here} instead of {there}"
    gap = here - there
    unit = f" {factor.unit}" if factor.unit not in ("", "dimensionless") else ""
    words = f"{factor.name} {abs(gap):.3g}{unit} {'more' if gap > 0 else 'less'}"
    return abs(gap) / (factor.maximum - factor.minimum), words


def evidence_lines(item: ProposedTrialDocument, unit: str, cost_unit: str = "") -> list[str]:
    """What the model expects, what the trial will cost, the nearest finished trial, and what is explored."""
    lines: list[str] = []
    if item["predicted_mean"] is not None:
        chances = [
            f"{chance:.0%} {words}"
            for chance, words in (
                (item["better"], "to be better than the best"),
                (item["chance"], "to succeed"),
            )
            if chance is not None
        ]
        expected = (
            f"expects {_with_unit(item['predicted_mean'], unit)} ± {item['predicted_sd'] or 0:.2g}"
        )
        lines.append("; ".join([expected, *chances]))
    if item["expected_cost"] is not None:
        lines.append(f"costs about {_with_unit(item['expected_cost'], cost_unit)}")
    near = item["nearest"]
    if near is not None:
        gave = "failed" if near["value"] is None else _with_unit(near["value"], unit)
        why = f": {near['reason']}" if near["reason"] else ""
        differs = f"; here {', '.join(near['differs'])}" if near["differs"] else ""
        lines.append(f"nearest is {trial_name(near['trial'])} ({gave}{why}){differs}")
    if item["explores"]:
        lines.append(f"explores {item['explores']}")
    return lines


def _with_unit(value: float, unit: str) -> str:
    return f"{value:.4g} {unit}" if unit not in ("", "dimensionless") else f"{value:.4g}"
