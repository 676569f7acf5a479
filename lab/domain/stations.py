"""Who is where: which stations a run's sample occupies, and so which of its safe-state steps concern it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.domain.run import NOT_ACTED

if TYPE_CHECKING:
    from lab.domain.plan import PlannedStep
    from lab.domain.state import LabState, RunState, StepState

__all__ = ["concerns", "held_since", "held_stations", "left_full", "safe_steps"]


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


def left_full(state: LabState, run: RunState) -> dict[str, str]:
    """Station that a run holds and that may not be empty -> the last step that brought something there.

    Whatever acted there, wholly, in part or perhaps, has brought something, unless it draws from there. A safe-state step
    that draws from there and succeeds takes it away; that a main step drew from there says nothing, as it may have taken
    a sample only.
    """
    left: dict[str, str] = {}
    for station in sorted(held_stations(run)):
        filled: tuple[float, str] | None = None
        drained_s = float("-inf")
        for planned in run.plan.steps:
            step = run.steps[planned.path]
            if station not in planned.claims or step.ended_s is None:
                continue
            if station in planned.draws_from:
                if planned.safe_state and step.status == "succeeded":
                    drained_s = max(drained_s, step.ended_s)
            elif planned.effect == "once" and _acted(state, step):
                filled = max(filled or (step.ended_s, ""), (step.ended_s, planned.path))
        if filled is not None and filled[0] > drained_s:
            left[station] = filled[1]
    return left


def _acted(state: LabState, step: StepState) -> bool:
    entry = state.commands.get(step.command)
    return entry is not None and entry.status not in NOT_ACTED
