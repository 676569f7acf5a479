"""Who is where: which stations a run's sample occupies, and so which of its safe-state steps concern it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lab.domain.plan import PlannedStep
    from lab.domain.state import RunState

__all__ = ["concerns", "held_since", "held_stations"]


def held_since(run: RunState) -> dict[str, float]:
    """Station -> when the run took it (process seconds since the epoch); empty for a run that has ended.

    A station is held from the first started to the last unfinished main step that claims it. A run that is stopping
    keeps what it held, and takes what its safe-state steps move the sample into.
    """
    if not run.open:
        return {}
    held: dict[str, float] = {}
    for station in run.plan.stations:
        main = [
            run.steps[s.path] for s in run.plan.steps if station in s.claims and not s.safe_state
        ]
        safe = [run.steps[s.path] for s in run.plan.steps if station in s.claims and s.safe_state]
        inside = any(s.attempt > 0 for s in main) and not all(s.status == "succeeded" for s in main)
        moved_in = run.status == "stopping" and any(s.attempt > 0 for s in safe)
        if inside or moved_in:
            begun = [s.started_s for s in (*main, *safe) if s.started_s is not None]
            held[station] = min(begun, default=run.started_s)
    return held


def held_stations(run: RunState) -> frozenset[str]:
    """The stations that a run occupies now."""
    return frozenset(held_since(run))


def concerns(run: RunState, step: PlannedStep) -> bool:
    """Is a safe-state step this run's business?

    A run that has left the pot must not empty it: another sample is in it by now. So a step that moves liquid away
    concerns the run that holds where it draws from, any other step the run that holds a place it works at, and a step
    at no station every run.
    """
    held = held_stations(run)
    places = step.draws_from or step.claims
    return not places or any(place in held for place in places)
