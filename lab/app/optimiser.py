"""The bridge from the engine's state to the optimiser and back. The optimiser's whole memory is the journal."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from lab.domain.errors import InputError
from lab.engine.costing import formula_cost
from lab.engine.messages import Nearness, Proposal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lab.domain.event import CampaignStarted, FactorValue, ObjectiveSpec
    from lab.domain.state import CampaignState, LabState
    from lab.optimize.acquire.cost import CostOf
    from lab.optimize.history import Design, Direction
    from lab.optimize.space import Space

    Lasting = Callable[[LabState], Callable[[Mapping[str, FactorValue]], float]]
    """From a state to a function that tells how long a trial will take, in process seconds."""

_FEWEST = 3

__all__ = ["lawful_trial", "suggest_from_state"]


def lawful_trial(space: Space) -> dict[str, FactorValue]:
    """One trial that keeps all constraints. InputError, with the guilty constraints, where there is none."""
    from lab.optimize.space.region import Region
    from lab.optimize.space.sampling import sample

    return space.values(sample(Region(space), 0, 0, 1)[0])


def design_of(name: str) -> Design:
    """The design that a journal names. InputError for one that this version does not know."""
    known: tuple[Design, ...] = ("sobol", "latin_hypercube", "factorial", "d_optimal")
    for design in known:
        if design == name:
            return design
    raise InputError(f'a design called "{name}"', hint=f"known are: {', '.join(known)}")


def direction_of(objective: ObjectiveSpec) -> Direction:
    """What is better, of an objective that is no target."""
    if objective.direction == "target":
        raise InputError(
            f"{objective.result} is brought to a target",
            hint="a target has no direction: its aim says how far from it a value is",
        )
    return objective.direction


def cost_function(spec: CampaignStarted, state: LabState, lasting: Lasting | None) -> CostOf | None:
    """What gains are divided by: a formula of the factors, or the planner's time; None where by nothing."""
    cost = spec.cost
    if cost is not None:
        return lambda factors: formula_cost(spec, cost, factors)
    if spec.per != "time":
        return None
    if lasting is None:
        raise InputError(
            "gain per time, and no planner to tell the time", hint="give the campaign's files"
        )
    return lasting(state)


def suggest_from_state(
    state: LabState, campaign: str, count: int, lasting: Lasting | None = None
) -> tuple[Proposal, ...]:
    """The next trials; a pure function of the state (and of the campaign's files, by `lasting`, where the gain per time is
    sought), so a replay asks for the same."""
    from lab.optimize.explain import explained
    from lab.optimize.recorded import history_of, options_of, space_of
    from lab.optimize.suggest import suggest, suggest_from

    entry = state.campaigns[campaign]
    spec = entry.spec
    aim = entry.aim
    sought = direction_of(spec.objective) if aim is None else aim
    space, history = space_of(entry), history_of(entry, state)
    cost_of, held = cost_function(spec, state, lasting), entry.held
    # Without a model trials are drawn from a list for as long as it lasts.
    if spec.candidates:
        from lab.optimize.pool import Pool

        columns = dict(zip(space.names, zip(*spec.candidates, strict=True), strict=True))
        first = spec.trials if spec.method == "sobol" else spec.initial
        pool = Pool.in_space(space, columns)
        suggestions = suggest_from(
            pool,
            sought,
            history,
            count,
            seed=spec.seed,
            initial=first,
            options=options_of(entry),
            cost_of=cost_of,
        )
    else:
        suggestions = suggest(
            space,
            sought,
            history,
            count,
            seed=spec.seed,
            initial=spec.initial,
            method="sobol" if spec.method == "sobol" else "bayesian",
            design=design_of(spec.design),
            options=options_of(entry),
            cost_of=cost_of,
            held=held,
        )
        # As they were told, to the last bit.
        suggestions = [
            item.model_copy(update={"factors": {**item.factors, **held}}) for item in suggestions
        ]
    near = _nearness(entry, state)
    return tuple(
        Proposal(
            factors=suggestion.factors,
            origin=suggestion.origin,
            predicted_mean=suggestion.predicted_mean,
            predicted_sd=suggestion.predicted_sd,
            nearest_trial=suggestion.nearest_trial,
            note=suggestion.note,
            predicted=suggestion.predicted,
            chance=suggestion.chance,
            better=suggestion.better,
            explores=suggestion.explores,
            fidelity=suggestion.fidelity or "",
            cost=None if cost_of is None else cost_of(suggestion.factors),
            nearness=near if number == 0 else None,
        )
        for number, suggestion in enumerate(explained(space, sought, history, suggestions))
    )


def _nearness(campaign: CampaignState, state: LabState) -> Nearness | None:
    """How near the optimum is, where the campaign wants to know and enough is measured."""
    rule = campaign.spec.stop
    done = sum(trial.status == "done" for trial in campaign.counting)
    if rule is None or done < _FEWEST:
        return None
    from lab.optimize.recorded import history_of, options_of, space_of

    space, history, seed = space_of(campaign), history_of(campaign, state), campaign.spec.seed
    if campaign.aim is not None:
        from lab.optimize.stopping_several import stopping_several

        if len(campaign.aim.complete(history)) < _FEWEST:
            return None
        part = 0.01 if rule.unit == "percent" else 1.0
        found = stopping_several(
            space, campaign.aim, history, rule.within * part, seed, options_of(campaign)
        )
        if not math.isfinite(
            found.expected_gain
        ):  # no trial keeps the limits: there is nothing to be near to
            return None
        return Nearness(found.trial, found.probability, found.expected_gain / part)
    from lab.optimize.evidence import stopping

    options = options_of(campaign)
    direction = direction_of(campaign.spec.objective)
    found = stopping(space, direction, history, rule.within, seed, options)
    return Nearness(found.trial, found.probability, found.expected_gain)
