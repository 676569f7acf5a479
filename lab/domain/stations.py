"""Who is where: which stations a run's sample occupies, and so which of its safe-state steps concern it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lab.domain.plan import PlannedStep
    from lab.domain.state import RunState, StepState

__all__ = ["concerns", "held_since", "held_stations", "safe_steps"]


def held_since(run: RunState) -> dict[str, float]:
    """Station -> when the run took it (process seconds since the epoch); empty for a run that has ended.

    A station is held from the first started to the last unfinished main step that claims it. A run that is stopping
    keeps what it held, and takes what its safe-state steps move the sample into.
    """
    if not run.open:
        return {}
    main: dict[str, list[StepState]] = {station: [] for station in run.plan.stations}
    safe: dict[str, list[StepState]] = {station: [] for station in run.plan.stations}
    for planned in run.plan.steps:
        for station in planned.claims:
            if station in main:
                claimants = safe if planned.safe_state else main
                claimants[station].append(run.steps[planned.path])
    held: dict[str, float] = {}
    for station in run.plan.stations:
        inside = any(s.attempt > 0 for s in main[station])
        inside = inside and not all(s.passed for s in main[station])
        moved_in = run.status == "stopping" and any(s.attempt > 0 for s in safe[station])
        if inside or moved_in:
            begun = [s.started_s for s in main[station] + safe[station] if s.started_s is not None]
            held[station] = min(begun, default=run.started_s)
    return held


def held_stations(run: RunState) -> frozenset[str]:
    """The stations that a run occupies now."""
    return frozenset(held_since(run))


def concerns(run: RunState, step: PlannedStep) -> bool:
    """Is a safe-state step this run's business?

    A run that has left the pot must not empty it: another sample is in it by now. So a step that moves liquid away
    concerns the run that holds where it draws from, any other step the run that holds a place it works at, and a step
    at no station every run. A step that makes good for a main step concerns only a run in which that one failed.
    """
    return _concerns(run, step, held_stations(run))


def _concerns(run: RunState, step: PlannedStep, held: frozenset[str]) -> bool:
    if step.compensates and not _went_wrong(run.steps[step.compensates]):
        return False
    places = step.draws_from or step.claims
    return not places or any(place in held for place in places)


def _went_wrong(step: StepState) -> bool:
    """Tried and failed, whether the run then went on without it or not."""
    return step.attempt > 0 and step.status in ("failed", "skipped")


def safe_steps(run: RunState) -> list[PlannedStep]:
    """The safe-state steps that concern a run where its sample is now, in order: first what makes good."""
    held = held_stations(run)
    steps = [s for s in run.plan.steps if s.safe_state and _concerns(run, s, held)]
    return sorted(steps, key=lambda step: not step.compensates)
