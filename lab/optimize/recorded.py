"""A campaign as the journal knows it, in the optimiser's terms: its space and its history."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.domain.event import ChoiceSpec, FactorSpec
from lab.optimize.history import TrialRecord
from lab.optimize.options import Earlier, Fidelity, Options
from lab.optimize.space import AnyFactor, AtMost, Category, Factor, Levels, Space

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lab.domain.event import AtMostSpec, OutsideResult
    from lab.domain.state import CampaignState, LabState
    from lab.optimize.history import Direction

__all__ = ["first_outcome", "history_of", "make_space", "options_of", "space_of"]


def make_space(
    factors: Sequence[FactorSpec | ChoiceSpec],
    constraints: Sequence[str],
    at_most: Sequence[AtMostSpec],
    alike: Sequence[str],
) -> Space:
    """The optimiser's space. InputError where it makes no sense."""
    return Space(
        factors=tuple(_factor(spec) for spec in factors),
        constraints=tuple(constraints),
        at_most=tuple(AtMost(rule.factors, rule.most) for rule in at_most),
        alike=tuple(alike),
    )


def _factor(spec: FactorSpec | ChoiceSpec) -> AnyFactor:
    if isinstance(spec, ChoiceSpec):
        return Category(spec.name, spec.choices, dict(spec.descriptors) or None)
    if spec.levels:
        return Levels(spec.name, spec.unit, spec.levels)
    return Factor(spec.name, spec.unit, spec.minimum, spec.maximum, spec.step)


def space_of(campaign: CampaignState) -> Space:
    """The factor space that a campaign was started with, less what people have vetoed."""
    spec = campaign.spec
    vetoes = [f"not ({veto.condition})" for veto in campaign.vetoes]
    return make_space(spec.factors, (*spec.constraints, *vetoes), spec.at_most, spec.alike)


def history_of(campaign: CampaignState, state: LabState) -> list[TrialRecord]:
    """All trials, and results from outside (numbered -1, -2, ...), as the optimiser is told of them.

    The standard deviation of a result is that of its readings; it does not know the error of the doses before it,
    so the model infers the noise of a trial from all of them.
    """
    only = campaign.spec.objective.result
    aborted = {
        number
        for number, trial in campaign.trials.items()
        if trial.run and state.runs[trial.run].status == "aborted"
    }
    return [
        TrialRecord(
            number=trial.number,
            factors=dict(trial.factors),
            status="aborted"
            if (trial.number in aborted and trial.status != "done")
            or trial.status in ("rejected", "withdrawn")
            else trial.status,
            value=trial.value if trial.status == "done" and campaign.aim is None else None,
            outcomes={} if campaign.aim is None else dict(trial.outcomes),
            reason=trial.reason,
            fidelity=trial.fidelity or None,
            side=trial.beyond.get(only)
            if campaign.aim is None and trial.status == "done"
            else None,
            sides={} if campaign.aim is None else dict(trial.beyond),
        )
        for trial in (*campaign.outside, *campaign.trials.values())
    ]


def first_outcome(campaign: CampaignState, state: LabState) -> tuple[Direction, list[TrialRecord]]:
    """The history of the first objective alone, as one value. Of a target the outcome itself, which has no better side."""
    history = history_of(campaign, state)
    if campaign.aim is not None:
        first = campaign.spec.objective.result
        history = [_of_one(record, first) for record in history]
    return "minimize" if campaign.spec.objective.direction == "minimize" else "maximize", history


def _of_one(record: TrialRecord, name: str) -> TrialRecord:
    """What a trial says of one outcome."""
    value = record.outcomes.get(name)
    return TrialRecord(
        number=record.number,
        factors=record.factors,
        status=record.status if value is None else "done",
        value=value,
        reason=record.reason,
        fidelity=record.fidelity,
        side=record.sides.get(name),
    )


def options_of(campaign: CampaignState, *, first: bool = False) -> Options:
    """What the campaign wants beside its space and its objective. `first`: as `first_outcome` asks for it."""
    spec, only = campaign.spec, campaign.spec.objective.result
    zeros = tuple(
        o.result for o in campaign.objectives if o.zeros and _has_no_less(campaign, o.result)
    )
    return Options(
        outliers=spec.outliers,
        accuracy=dict(spec.accuracy) or None,
        quantile=spec.quantile,
        zeros=only in zeros if first or campaign.aim is None else zeros or False,
        earlier=tuple(
            Earlier(
                one.name,
                tuple(
                    _told(number, result, only if first or campaign.aim is None else None)
                    for number, result in enumerate(one.results, 1)
                ),
            )
            for one in spec.earlier
        ),
        fidelities=tuple(Fidelity(way.name, way.cost) for way in spec.fidelities),
    )


def _has_no_less(campaign: CampaignState, result: str) -> bool:
    """Whether nothing is below zero: a device may say -0.001, and then zeros are values like others."""
    trials = (*campaign.outside, *campaign.trials.values())
    values = [t.value if campaign.aim is None else t.outcomes.get(result) for t in trials]
    return all(value is None or value >= 0.0 for value in values)


def _told(number: int, result: OutsideResult, only: str | None) -> TrialRecord:
    """`only`: the one result that is sought."""
    single = only is not None
    return TrialRecord(
        number=number,
        factors=dict(result.factors),
        status="failed" if result.value is None else "done",
        value=result.value if single else None,
        outcomes={} if single else dict(result.outcomes),
        reason=result.failure,
        side=result.beyond.get(only) if single else None,
        sides={} if single else dict(result.beyond),
    )
