"""Placing several runs step by step, where none of them can be placed whole before the others.

It happens when samples swap places: one stands where the other goes next, and the other way round. Each step is
taken in the order in which it can start; a station is entered when the run in it has left, after all later visits
that are already planned.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lab.domain.plan import Slot
from lab.plan.board import Bookings, Placement, held_now, leaving, route_of, slot_of
from lab.plan.lags import Times, least_start

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lab.domain.plan import PlannedStep
    from lab.plan.board import Board, Route
    from lab.plan.snapshot import PlanningSnapshot, RunSnapshot

__all__ = ["interleave"]


@dataclass(slots=True)
class _Progress:
    run: RunSnapshot
    route: Route
    ends: dict[str, float]
    left: list[PlannedStep]
    slots: list[Slot] = field(default_factory=list[Slot])


def interleave(
    runs: Sequence[RunSnapshot],
    snapshot: PlanningSnapshot,
    board: Board,
) -> list[tuple[RunSnapshot, Placement]]:
    """Placements of the runs that come to their end this way; the board stays as it is.

    A run whose stations some other run would never leave is not among them.
    """
    chosen = list(runs)
    while chosen:
        work = _steps_in_turn(chosen, snapshot, board)
        done = [item.run for item in work if not item.left]
        if len(done) == len(chosen):
            return [(item.run, _placement(item, snapshot)) for item in work]
        # what the others would have given back can't be counted on: try again without them
        chosen = done
    return []


def _steps_in_turn(
    runs: Sequence[RunSnapshot],
    snapshot: PlanningSnapshot,
    board: Board,
) -> list[_Progress]:
    """Take the step that can start first, until none can."""
    taken: dict[str, Bookings] = {}
    holder = dict(board.held)
    free_from: dict[str, float] = {}
    work = [_begin(run, route_of(run.plans[0]), snapshot) for run in runs]
    while True:
        best: tuple[float, int, _Progress, PlannedStep] | None = None
        for order, item in enumerate(work):
            for step in item.left:
                start = _start(item, step, snapshot, board, taken, holder, free_from)
                if start is not None and (best is None or (start, order) < best[:2]):
                    best = (start, order, item, step)
        if best is None:
            return work
        start, _, item, step = best
        end = start + step.duration_s
        taken.setdefault(step.device, Bookings()).add(start, end)
        item.ends[step.path] = end
        item.left.remove(step)
        item.slots.append(slot_of(item.run.run, step, start, end))
        for station in step.claims:
            holder[station] = item.run.run
            claiming = item.route.claiming[station]
            if all(path in item.ends for path in claiming):
                del holder[station]
                free_from[station] = max(item.ends[path] for path in claiming)


def _begin(run: RunSnapshot, route: Route, snapshot: PlanningSnapshot) -> _Progress:
    item = _Progress(run, route, dict(run.finished), [])
    for step in route.main:
        if step.path in run.running:
            start, end = run.running[step.path]
            end = max(end, snapshot.now_s)
            item.ends[step.path] = end
            item.slots.append(slot_of(run.run, step, start, end))
        elif step.path not in run.finished:
            item.left.append(step)
    return item


def _start(
    item: _Progress,
    step: PlannedStep,
    snapshot: PlanningSnapshot,
    board: Board,
    taken: Mapping[str, Bookings],
    holder: Mapping[str, str],
    free_from: Mapping[str, float],
) -> float | None:
    """When the step could start; None while it can't be told."""
    if any(need not in item.ends for need in step.needs):
        return None
    start = max(snapshot.now_s, snapshot.device_free_s.get(step.device, snapshot.now_s))
    for need in step.needs:
        start = max(start, item.ends[need])
    times = Times({slot.step: slot.start_s for slot in item.slots}, item.ends)
    rested = (
        least_start(step.path, item.route.lags, times, item.route.plan) if item.route.lags else None
    )
    start = start if rested is None else max(start, rested)
    for station in step.claims:
        if holder.get(station, item.run.run) != item.run.run:
            return None
        if station not in holder:
            start = max([start, free_from.get(station, start), *board.station(station).ends])
    if math.isinf(start):
        return None
    while True:
        later = board.device(step.device).earliest(start, step.duration_s)
        if step.device in taken:
            later = taken[step.device].earliest(later, step.duration_s)
        if later == start:
            return start
        start = later


def _placement(item: _Progress, snapshot: PlanningSnapshot) -> Placement:
    own = set(held_now(item.run, item.route))
    holds: list[tuple[str, float, float]] = []
    booked = leaving(item.run, item.route, snapshot.now_s)
    for station, claiming in item.route.claiming.items():
        if station in booked:
            continue
        slots = [slot for slot in item.slots if slot.step in claiming]
        if slots:
            start = min(slot.start_s for slot in slots)
            begun = min(start, snapshot.now_s) if station in own else start
            holds.append((station, begun, max(slot.end_s for slot in slots)))
    end = max((slot.end_s for slot in item.slots), default=snapshot.now_s)
    return Placement(item.route.plan, tuple(item.slots), tuple(holds), end)
