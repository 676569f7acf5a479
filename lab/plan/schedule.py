"""The first planner: whole runs, one after the other, each as early as it fits.

Serial schedule generation (Kolisch, Eur. J. Oper. Res. 90, 320 (1996)) with blocking stations: a run keeps a
station from its first to its last step there, so no other sample can come between. Most advanced runs are
placed first, then by priority and order; each candidate binding is tried, the earliest end wins. Because each
run is placed whole around what is already placed, the plan can't end in a deadlock.

Other planners (search, CP-SAT) fulfil the same `Scheduler` contract; this one is their fallback.
"""

from __future__ import annotations

import bisect
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Protocol

from lab.domain.plan import Plan, PlannedStep, Slot, Timeline

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "PlanningSnapshot",
    "RunSnapshot",
    "RunningStep",
    "Schedule",
    "Scheduler",
    "schedule",
]


class RunningStep(NamedTuple):
    """A step that a device carries out now. Seconds from the timeline's origin."""

    start_s: float
    expected_end_s: float


@dataclass(frozen=True, slots=True)
class RunSnapshot:
    """One run. A run that has begun has exactly one plan."""

    run: str
    plans: tuple[Plan, ...]
    finished: Mapping[str, float] = field(default_factory=dict[str, float])
    """Step -> when it ended."""
    running: Mapping[str, tuple[float, float]] = field(default_factory=dict[str, RunningStep])
    """Step -> (start, expected end); an end that is past counts as now."""
    priority: int = 0
    """Greater is sooner."""

    @property
    def progress(self) -> int:
        """Steps begun."""
        return len(self.finished) + len(self.running)


@dataclass(frozen=True, slots=True)
class PlanningSnapshot:
    """All that the planner knows. Times are process seconds from the timeline's origin."""

    now_s: float
    runs: tuple[RunSnapshot, ...]
    device_free_s: Mapping[str, float] = field(default_factory=dict[str, float])
    """Device -> when it can be used again, `inf` for not at all; one that is not listed is free now."""
    stations_free_s: Mapping[str, float] = field(default_factory=dict[str, float])
    """Station -> when it can be entered again, for those held by runs that are not planned here."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """A plan and a place in time for each run."""

    timeline: Timeline
    plans: Mapping[str, Plan]
    """Run -> the chosen plan (the first candidate for a run without a place)."""
    blocked: Mapping[str, str] = field(default_factory=dict[str, str])
    """Run -> why it has no place: a device out of use, a station that is never given back."""


class Scheduler(Protocol):
    """A planner. Pure: the same snapshot gives the same schedule."""

    def __call__(self, snapshot: PlanningSnapshot) -> Schedule: ...


class _Bookings:
    """Times at which a device or station is taken, sorted and without overlap."""

    __slots__ = ("ends", "starts")

    def __init__(self) -> None:
        self.starts: list[float] = []
        self.ends: list[float] = []

    def earliest(self, ready: float, duration: float) -> float:
        """The first moment from `ready` on with `duration` free after it."""
        index = bisect.bisect_right(self.ends, ready)
        start = ready
        while index < len(self.starts) and self.starts[index] < start + duration:
            start = max(start, self.ends[index])
            index += 1
        return start

    def conflict(self, start: float, end: float) -> float | None:
        """The end of the first booking that overlaps [start, end), if any."""
        index = bisect.bisect_right(self.ends, start)
        if index < len(self.starts) and self.starts[index] < end:
            return self.ends[index]
        return None

    def add(self, start: float, end: float) -> None:
        if end > start:
            index = bisect.bisect_left(self.starts, start)
            self.starts.insert(index, start)
            self.ends.insert(index, end)


@dataclass(slots=True)
class _Board:
    """What has been placed so far."""

    devices: dict[str, _Bookings] = field(default_factory=dict[str, _Bookings])
    stations: dict[str, _Bookings] = field(default_factory=dict[str, _Bookings])
    held: dict[str, str] = field(default_factory=dict[str, str])
    """Station -> the run that is in it now and has not been placed yet."""
    slots: list[Slot] = field(default_factory=list[Slot])

    def device(self, name: str) -> _Bookings:
        return self.devices.setdefault(name, _Bookings())

    def station(self, name: str) -> _Bookings:
        return self.stations.setdefault(name, _Bookings())


@dataclass(frozen=True, slots=True)
class _Route:
    """What placing needs to know of a plan, worked out once."""

    plan: Plan
    main: tuple[PlannedStep, ...]
    claiming: Mapping[str, tuple[str, ...]]
    """Station -> steps that claim it."""
    least_stay: Mapping[str, float]
    """Station -> the shortest time for which a run can hold it (its longest chain of steps there)."""

    @classmethod
    def of(cls, plan: Plan) -> _Route:
        main = tuple(step for step in plan.steps if not step.safe_state)
        stations = dict.fromkeys(station for step in main for station in step.claims)
        claiming = {
            station: tuple(step.path for step in main if station in step.claims)
            for station in stations
        }
        stay: dict[str, float] = {}
        for station, paths in claiming.items():
            since: dict[str, float] = {}
            for step in main:
                before = [since[need] for need in step.needs if need in since]
                if before or step.path in paths:
                    since[step.path] = step.duration_s + max(before, default=0.0)
            stay[station] = max(since[path] for path in paths)
        return cls(plan, main, claiming, stay)


@dataclass(frozen=True, slots=True)
class _Placement:
    plan: Plan
    slots: tuple[Slot, ...]
    holds: tuple[tuple[str, float, float], ...]
    end_s: float


def schedule(snapshot: PlanningSnapshot) -> Schedule:
    """Place every run. `safe_state` steps have no place: they run only when a run ends badly."""
    board = _Board()
    routes = {id(plan): _Route.of(plan) for run in snapshot.runs for plan in run.plans}
    for station, free in snapshot.stations_free_s.items():
        board.station(station).add(-math.inf, free)
    for run in snapshot.runs:
        for path, (start, end) in run.running.items():
            device = run.plans[0].step(path).device
            board.device(device).add(start, max(end, snapshot.now_s))
        for station in _held_now(run, routes):
            board.held[station] = run.run
    queue = [
        run
        for _, run in sorted(
            enumerate(snapshot.runs),
            key=lambda item: (-item[1].progress, -item[1].priority, item[0]),
        )
    ]
    plans: dict[str, Plan] = {}
    blocked: dict[str, str] = {}
    while queue:
        reasons: dict[str, str] = {}
        for run in queue:
            placement = _best(run, snapshot, board, routes, reasons)
            if placement is not None:
                _keep(run, placement, board)
                plans[run.run] = placement.plan
                queue.remove(run)
                break
        else:
            # each of those left waits for a device or a station that never comes free
            blocked = {run.run: reasons[run.run] for run in queue}
            plans.update({run.run: run.plans[0] for run in queue if run.plans})
            break
    slots = sorted(board.slots, key=lambda slot: (slot.start_s, slot.end_s, slot.run, slot.step))
    return Schedule(Timeline(slots=tuple(slots)), plans, blocked)


def _held_now(run: RunSnapshot, routes: Mapping[int, _Route]) -> list[str]:
    """Stations that the run has entered and not left."""
    if not run.progress:
        return []
    held: list[str] = []
    for station, claiming in routes[id(run.plans[0])].claiming.items():
        entered = any(path in run.finished or path in run.running for path in claiming)
        if entered and any(path not in run.finished for path in claiming):
            held.append(station)
    return held


def _best(
    run: RunSnapshot,
    snapshot: PlanningSnapshot,
    board: _Board,
    routes: Mapping[int, _Route],
    reasons: dict[str, str],
) -> _Placement | None:
    """The candidate that ends first; of equals, the first in order."""
    best: _Placement | None = None
    for plan in run.plans:
        placement = _place(run, routes[id(plan)], snapshot, board, set(_held_now(run, routes)))
        if isinstance(placement, str):
            reasons.setdefault(run.run, placement)
        elif best is None or placement.end_s < best.end_s:
            best = placement
    reasons.setdefault(run.run, "it has no plan that fits the lab")
    return best


def _place(
    run: RunSnapshot, route: _Route, snapshot: PlanningSnapshot, board: _Board, own: set[str]
) -> _Placement | str:
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
        placed = _chain(run, route, snapshot, board, enter)
        if isinstance(placed, str):
            return placed
        holds = _holds(run, route, placed, snapshot.now_s)
        clash = _first_clash(holds, own, board)
        if clash is None:
            end = max((slot[2] for slot in placed.values()), default=snapshot.now_s)
            slots = tuple(
                Slot(
                    run=run.run, step=step.path, device=step.device, claims=step.claims,
                    start_s=start, end_s=until,
                )
                for step, start, until in placed.values()
            )  # fmt: skip
            return _Placement(route.plan, slots, holds, end)
        station, until = clash
        if math.isinf(until):
            return f'"{station}" is out of use'
        enter[station] = board.station(station).earliest(until, route.least_stay[station])


_Placed = tuple[PlannedStep, float, float]
"""A step with its start and end."""


def _chain(
    run: RunSnapshot,
    route: _Route,
    snapshot: PlanningSnapshot,
    board: _Board,
    enter: Mapping[str, float],
) -> dict[str, _Placed] | str:
    """Each step as early as its needs, its device and the entry times allow."""
    ends: dict[str, float] = dict(run.finished)
    placed: dict[str, _Placed] = {}
    own: dict[str, _Bookings] = {}
    for step in route.main:
        if step.path in run.finished:
            continue
        now = run.running.get(step.path)
        if now is not None:
            start, end = now[0], max(now[1], snapshot.now_s)
        else:
            start = max(snapshot.now_s, snapshot.device_free_s.get(step.device, snapshot.now_s))
            for need in step.needs:
                start = max(start, ends[need])
            for station in step.claims:
                start = max(start, enter.get(station, start))
            if math.isinf(start):
                return f'"{step.device}" is out of use'
            start = _gap(step, start, board, own)
            end = start + step.duration_s
            own.setdefault(step.device, _Bookings()).add(start, end)
        ends[step.path] = end
        placed[step.path] = (step, start, end)
    return placed


def _gap(step: PlannedStep, ready: float, board: _Board, own: Mapping[str, _Bookings]) -> float:
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
    run: RunSnapshot, route: _Route, placed: Mapping[str, _Placed], now_s: float
) -> tuple[tuple[str, float, float], ...]:
    """(station, from, until) of each station that is still to be used."""
    found: list[tuple[str, float, float]] = []
    for station, claiming in route.claiming.items():
        used = [placed[path] for path in claiming if path in placed]
        if used:
            entered = any(path in run.finished for path in claiming)
            start = min(start for _, start, _ in used)
            end = max(end for _, _, end in used)
            found.append((station, min(start, now_s) if entered else start, end))
    return tuple(found)


def _first_clash(
    holds: tuple[tuple[str, float, float], ...], own: set[str], board: _Board
) -> tuple[str, float] | None:
    """The first station that another run holds at that time, and until when."""
    for station, start, end in holds:
        if station not in own:
            until = board.station(station).conflict(start, end)
            if until is not None:
                return station, until
    return None


def _keep(run: RunSnapshot, placement: _Placement, board: _Board) -> None:
    for slot in placement.slots:
        if slot.step not in run.running:
            board.device(slot.device).add(slot.start_s, slot.end_s)
    for station, start, end in placement.holds:
        board.station(station).add(start, end)
        if board.held.get(station) == run.run:
            del board.held[station]
    board.slots += placement.slots
