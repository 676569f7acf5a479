"""The first planner: whole runs, one after the other, each as early as it fits.

Serial schedule generation (Kolisch, Eur. J. Oper. Res. 90, 320 (1996)) with blocking stations: a run keeps a
station from its first to its last step there, so no other sample can come between. Most advanced runs are
placed first, then by priority and order; each candidate binding is tried, the earliest end wins. Because each
run is placed whole around what is already placed, new runs can't wait for each other in a circle. Runs that have
begun and want each other's stations are placed step by step (`lab.plan.interleave`). Shortest times between steps
are waited for; longest ones are kept where a step that starts later is enough for it (`lab.plan.lags`).

Other planners (search, CP-SAT) fulfil the same `Scheduler` contract; this one is their fallback.
"""

from __future__ import annotations

import heapq
import math
from typing import TYPE_CHECKING

from lab.domain.plan import Plan, PlannedStep, Slot, Timeline
from lab.plan.board import (
    Board,
    Bookings,
    Placement,
    Route,
    held_now,
    leaving,
    route_of,
    slot_of,
)
from lab.plan.interleave import interleave
from lab.plan.lags import BrokenWindow, Times, broken_windows, least_start
from lab.plan.snapshot import (
    PlanningSnapshot,
    RunningStep,
    RunSnapshot,
    Schedule,
    Scheduler,
)
from lab.plan.worth import broken_limits

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = [
    "BrokenWindow",
    "PlanningSnapshot",
    "RunSnapshot",
    "RunningStep",
    "Schedule",
    "Scheduler",
    "schedule",
    "tries_for",
]

_REPAIRS = 12
"""Rounds of shifting steps so that longest times are kept."""

_TRIES = 200
"""Placements to try for the sake of a choice of devices, over all runs."""
_LEAST_TRIES = 2


def schedule(
    snapshot: PlanningSnapshot, kept: Schedule | None = None, tries: int | None = None
) -> Schedule:
    """Place every run. `safe_state` steps have no place: they run only when a run ends badly.

    Runs that are in `kept`, a timeline of this snapshot, stay where they are; the others are placed around them. Of
    many runs with many candidates only those are tried whose stations and devices have least to do, so many as `tries`
    says or time allows.
    """
    board = Board()
    for station, free in snapshot.stations_free_s.items():
        board.station(station).add(-math.inf, free)
    busy: dict[str, float] = {}
    for run in snapshot.runs:
        for path, (start, end) in run.running.items():
            device = run.plans[0].step(path).device
            board.device(device).add(start, max(end, snapshot.now_s))
            busy[device] = max(end, snapshot.now_s, busy.get(device, snapshot.now_s))
        if not run.progress:
            continue
        soon = leaving(run, route_of(run.plans[0]), snapshot.now_s) if run.running else {}
        for station in held_now(run, route_of(run.plans[0])):
            if station in soon:
                board.station(station).add(-math.inf, soon[station])
            else:
                board.held[station] = run.run
    if snapshot.services is not None:
        for name, (start, end) in snapshot.services.asked.items():
            for device in snapshot.services.rules.needs[name].devices:
                board.device(device).add(start, end)
    for device, closed in snapshot.closed_s.items():
        for start, end in closed:
            # what runs goes on: its end may lie in a break
            board.device(device).add(max(start, busy.get(device, start)), end)
    queue = [
        run
        for _, run in sorted(
            enumerate(snapshot.runs),
            key=lambda item: (-item[1].progress, -item[1].priority, item[0]),
        )
    ]
    plans: dict[str, Plan] = {}
    blocked: dict[str, str] = {}
    if kept is not None:
        there: dict[str, list[Slot]] = {}
        for slot in kept.timeline.slots:
            there.setdefault(slot.run, []).append(slot)
        for run in [run for run in queue if run.run in kept.plans]:
            slots = tuple(there.get(run.run, ()))
            _kept_as_it_is(run, kept.plans[run.run], slots, snapshot.now_s).keep(run, board)
            plans[run.run] = kept.plans[run.run]
            queue.remove(run)
    tries = tries_for(len(queue)) if tries is None else tries
    while queue:
        reasons: dict[str, str] = {}
        for run in queue:
            placement = _best(run, snapshot, board, reasons, tries)
            if placement is not None:
                placement.keep(run, board)
                plans[run.run] = placement.plan
                queue.remove(run)
                break
        else:
            begun = [run for run in queue if run.progress]
            placed = interleave(begun, snapshot, board)
            if placed:
                for run, placement in placed:
                    placement.keep(run, board)
                    plans[run.run] = placement.plan
                    queue.remove(run)
                continue
            # each of those left waits for a device or a station that never comes free
            blocked = {run.run: reasons[run.run] for run in queue}
            plans.update({run.run: run.plans[0] for run in queue if run.plans})
            break
    slots = sorted(board.slots, key=lambda slot: (slot.start_s, slot.end_s, slot.run, slot.step))
    placed = {run: plan for run, plan in plans.items() if run not in blocked}
    broken = broken_limits(snapshot, placed, slots)
    return Schedule(Timeline(slots=tuple(slots)), plans, blocked, broken)


def tries_for(runs: int) -> int:
    """How many candidates to try for each of so many runs."""
    return max(_LEAST_TRIES, _TRIES // max(1, runs))


def _best(
    run: RunSnapshot,
    snapshot: PlanningSnapshot,
    board: Board,
    reasons: dict[str, str],
    tries: int,
) -> Placement | None:
    """The candidate that ends first; of equals, the first in order."""
    best: Placement | None = None
    for plan in _idlest(run.plans, board, tries):
        route = route_of(plan)
        own = set(held_now(run, route)) if run.progress else set[str]()
        placement = _place(run, route, snapshot, board, own, snapshot.now_s)
        if isinstance(placement, str):
            reasons.setdefault(run.run, placement)
            continue
        # a step that slips into an early gap can delay its own run: a plan never does worse than queueing
        after = board.last_s if board.slots else snapshot.now_s
        soonest = after + route.least_s
        if not run.progress and placement.end_s > soonest and after > snapshot.now_s:
            queued = _place(run, route, snapshot, board, own, after)
            if not isinstance(queued, str) and queued.end_s < placement.end_s:
                placement = queued
        if best is None or placement.end_s < best.end_s:
            best = placement
    reasons.setdefault(run.run, "it has no plan that fits the lab")
    return best


def _idlest(plans: Sequence[Plan], board: Board, count: int) -> Sequence[Plan]:
    """Those whose stations and devices are done with their work first."""
    if len(plans) <= count:
        return plans
    done = {
        name: bookings.ends[-1]
        for booked in (board.devices, board.stations)
        for name, bookings in booked.items()
        if bookings.ends
    }
    return heapq.nsmallest(
        count, plans, key=lambda plan: sum(done.get(name, 0.0) for name in plan.places)
    )


def _kept_as_it_is(
    run: RunSnapshot, plan: Plan, slots: tuple[Slot, ...], now_s: float
) -> Placement:
    placed = {slot.step: (plan.step(slot.step), slot.start_s, slot.end_s) for slot in slots}
    end = max((slot.end_s for slot in slots), default=now_s)
    return Placement(plan, slots, _holds(run, route_of(plan), placed, now_s), end)


def _place(
    run: RunSnapshot,
    route: Route,
    snapshot: PlanningSnapshot,
    board: Board,
    own: set[str],
    not_before_s: float,
) -> Placement | str:
    """Slots for all steps that are left, or why there are none."""
    for step in route.main:
        if step.path in run.finished:
            continue
        for station in step.claims:
            if station not in own and station in board.held:
                return f'"{station}" is held by {board.held[station]}'
    enter: dict[str, float] = {}
    # each round moves the entry into one station past a known hold, so the rounds are finite
    while True:
        placed = _kept(run, route, snapshot, board, enter, not_before_s)
        if isinstance(placed, str):
            return placed
        holds = _holds(run, route, placed, snapshot.now_s)
        clash = _first_clash(holds, own, board)
        if clash is None:
            end = max((slot[2] for slot in placed.values()), default=snapshot.now_s)
            slots = tuple(
                slot_of(run.run, step, start, until) for step, start, until in placed.values()
            )
            return Placement(route.plan, slots, holds, end)
        station, until = clash
        if math.isinf(until):
            return f'"{station}" is out of use'
        enter[station] = board.station(station).earliest(until, route.least_stay[station])


_Placed = tuple[PlannedStep, float, float]
"""A step with its start and end."""


def _kept(
    run: RunSnapshot,
    route: Route,
    snapshot: PlanningSnapshot,
    board: Board,
    enter: Mapping[str, float],
    not_before_s: float,
) -> dict[str, _Placed] | str:
    """A chain that keeps the longest times, where starting something later is enough for that.

    A step from which a window takes too long is pushed later by what is too long, for some rounds; of what was
    found, that which breaks the least is taken.
    """
    pushed: dict[str, float] = {}
    best: dict[str, _Placed] | None = None
    least = math.inf
    for _ in range(_REPAIRS if route.plan.timing else 1):
        placed = _chain(run, route, snapshot, board, enter, not_before_s, pushed)
        if isinstance(placed, str):
            return best or placed
        broken = broken_windows(route.plan, _times(run, placed))
        excess = sum(by for _, _, by in broken)
        if best is None or excess < least:
            best, least = placed, excess
        movable = [
            (step, placed[step][1] + by)
            for window, step, by in broken
            if window.less_than_s is not None and step in placed and step not in run.running
        ]
        if not movable:
            break
        for step, start in movable:
            pushed[step] = max(start, pushed.get(step, start))
    return best or {}


def _times(run: RunSnapshot, placed: Mapping[str, _Placed]) -> Times:
    starts = {path: start for path, (_, start, _) in placed.items()}
    return Times(starts, {**run.finished, **{path: end for path, (_, _, end) in placed.items()}})


def _chain(
    run: RunSnapshot,
    route: Route,
    snapshot: PlanningSnapshot,
    board: Board,
    enter: Mapping[str, float],
    not_before_s: float,
    pushed: Mapping[str, float],
) -> dict[str, _Placed] | str:
    """Each step as early as its needs, its device, its rests, the entry times and `pushed` allow."""
    ends: dict[str, float] = dict(run.finished)
    starts: dict[str, float] = {}
    placed: dict[str, _Placed] = {}
    own: dict[str, Bookings] = {}
    free = snapshot.device_free_s
    for step in route.main:
        if step.path in run.finished:
            continue
        now = run.running.get(step.path)
        if now is not None:
            start, end = now[0], max(now[1], snapshot.now_s)
        else:
            # plain comparisons: this is where placing a hundred samples spends its time
            start = max(not_before_s, free.get(step.device, not_before_s))
            for need in step.needs:
                if ends[need] > start:
                    start = ends[need]
            for station in step.claims:
                if enter.get(station, start) > start:
                    start = enter[station]
            if pushed.get(step.path, start) > start:
                start = pushed[step.path]
            if step.path in route.lags:
                rested = least_start(step.path, route.lags, Times(starts, ends), route.plan)
                start = start if rested is None else max(start, rested)
            if math.isinf(start):
                return f'"{step.device}" is out of use'
            start = _gap(step, start, board, own)
            end = start + step.duration_s
            if step.device not in own:
                own[step.device] = Bookings()
            own[step.device].add(start, end)
        starts[step.path], ends[step.path] = start, end
        placed[step.path] = (step, start, end)
    return placed


def _gap(step: PlannedStep, ready: float, board: Board, own: Mapping[str, Bookings]) -> float:
    """The first gap that neither other runs nor this run's own parallel steps have taken."""
    start = ready
    while True:
        later = board.device(step.device).earliest(start, step.duration_s)
        if step.device in own:
            later = own[step.device].earliest(later, step.duration_s)
        if later == start:
            return start
        start = later


def _holds(
    run: RunSnapshot, route: Route, placed: Mapping[str, _Placed], now_s: float
) -> tuple[tuple[str, float, float], ...]:
    """(station, from, until) of each station that is still to be used."""
    found: list[tuple[str, float, float]] = []
    booked = leaving(run, route, now_s)
    for station, claiming in route.claiming.items():
        if station in booked:
            continue
        used = [placed[path] for path in claiming if path in placed]
        if used:
            entered = any(path in run.finished for path in claiming)
            start = min(start for _, start, _ in used)
            end = max(end for _, _, end in used)
            found.append((station, min(start, now_s) if entered else start, end))
    return tuple(found)


def _first_clash(
    holds: tuple[tuple[str, float, float], ...], own: set[str], board: Board
) -> tuple[str, float] | None:
    """The first station that another run holds at that time, and until when."""
    for station, start, end in holds:
        if station not in own:
            until = board.station(station).conflict(start, end)
            if until is not None:
                return station, until
    return None
