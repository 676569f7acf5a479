"""What has been placed so far: times at which devices and stations are taken."""

from __future__ import annotations

import bisect
import math
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from lab.domain.plan import Slot
from lab.plan.lags import least_windows

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from lab.domain.plan import Plan, PlannedStep, TimeWindow
    from lab.plan.snapshot import RunSnapshot

__all__ = [
    "Board",
    "Bookings",
    "Placement",
    "Route",
    "held_now",
    "leaving",
    "route_of",
    "slot_of",
]


def slot_of(run: str, step: PlannedStep, start_s: float, end_s: float) -> Slot:
    """A step's place, with who says how long it takes."""
    # nothing to check: all of it comes from a checked step; a replan makes thousands
    return Slot.model_construct(
        run=run, step=step.path, device=step.device, claims=step.claims, start_s=start_s, end_s=end_s,
        duration_from=step.duration_from, duration_runs=step.duration_runs,
    )  # fmt: skip


class Bookings:
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
class Board:
    """What has been placed so far."""

    devices: dict[str, Bookings] = field(default_factory=dict[str, Bookings])
    stations: dict[str, Bookings] = field(default_factory=dict[str, Bookings])
    held: dict[str, str] = field(default_factory=dict[str, str])
    """Station -> the run that is in it now and has not been placed yet."""
    slots: list[Slot] = field(default_factory=list[Slot])
    last_s: float = -math.inf
    """The latest end of what is placed."""

    def device(self, name: str) -> Bookings:
        found = self.devices.get(name)
        if found is None:
            found = self.devices[name] = Bookings()
        return found

    def station(self, name: str) -> Bookings:
        found = self.stations.get(name)
        if found is None:
            found = self.stations[name] = Bookings()
        return found


@dataclass(frozen=True, slots=True)
class Route:
    """What placing needs to know of a plan, worked out once."""

    plan: Plan
    main: tuple[PlannedStep, ...]
    claiming: Mapping[str, tuple[str, ...]]
    """Station -> steps that claim it."""
    least_stay: Mapping[str, float]
    """Station -> the shortest time for which a run can hold it (its longest chain of steps and rests there)."""
    lags: Mapping[str, tuple[TimeWindow, ...]]
    """Step -> windows with a shortest time that end at it."""
    least_s: float
    """From the first step's start to the last one's end, if nothing is waited for but rests."""

    @classmethod
    def of(cls, plan: Plan) -> Route:
        main = tuple(step for step in plan.steps if not step.safe_state)
        stations = dict.fromkeys(station for step in main for station in step.claims)
        claiming = {
            station: tuple(step.path for step in main if station in step.claims)
            for station in stations
        }
        lags = least_windows(plan)
        stay: dict[str, float] = {}
        for station, paths in claiming.items():
            since = _since(main, paths, lags, plan)
            stay[station] = max(since[path] for path in paths)
        ends = _since(main, [step.path for step in main], lags, plan)
        return cls(plan, main, claiming, stay, lags, max(ends.values(), default=0.0))


def _since(
    main: Sequence[PlannedStep],
    first: Collection[str],
    lags: Mapping[str, tuple[TimeWindow, ...]],
    plan: Plan,
) -> dict[str, float]:
    """When steps end at the earliest, of those that begin with the first ones or after them."""
    since: dict[str, float] = {}
    for step in main:
        before = [since[need] for need in step.needs if need in since]
        if before or step.path in first:
            rested = _rested(step, lags.get(step.path, ()), since, plan)
            since[step.path] = step.duration_s + max([*before, *rested], default=0.0)
    return since


class _Same:
    """A plan by identity: comparing two whole plans takes longer than working out a route."""

    __slots__ = ("plan",)

    def __init__(self, plan: Plan) -> None:
        self.plan = plan

    def __hash__(self) -> int:
        return id(self.plan)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.plan is self.plan


def route_of(plan: Plan) -> Route:
    """The plan's route; kept, as plans never change and every new timeline asks for it."""
    return _route(_Same(plan))


@lru_cache(maxsize=20_000)
def _route(same: _Same) -> Route:
    return Route.of(same.plan)


def _rested(
    step: PlannedStep, windows: tuple[TimeWindow, ...], since: Mapping[str, float], plan: Plan
) -> list[float]:
    """Earliest starts that shortest times leave, counted as `since` counts ends."""
    starts: list[float] = []
    for window in windows:
        first = window.from_steps[-1]
        if window.more_than_s is None or window.to_steps[0] != step.path or first not in since:
            continue
        start = since[first] + window.more_than_s
        start -= plan.step(first).duration_s if window.from_mark == "start" else 0.0
        starts.append(start - (step.duration_s if window.to_mark == "end" else 0.0))
    return starts


@dataclass(frozen=True, slots=True)
class Placement:
    plan: Plan
    slots: tuple[Slot, ...]
    holds: tuple[tuple[str, float, float], ...]
    end_s: float

    def keep(self, run: RunSnapshot, board: Board) -> None:
        """Book it."""
        for slot in self.slots:
            board.last_s = max(board.last_s, slot.end_s)
            if slot.step not in run.running:
                board.device(slot.device).add(slot.start_s, slot.end_s)
        for station, start, end in self.holds:
            board.station(station).add(start, end)
            if board.held.get(station) == run.run:
                del board.held[station]
        board.slots += self.slots


def held_now(run: RunSnapshot, route: Route) -> list[str]:
    """Stations that the run has entered and not left."""
    if not run.progress:
        return []
    held: list[str] = []
    for station, claiming in route.claiming.items():
        entered = any(path in run.finished or path in run.running for path in claiming)
        if entered and any(path not in run.finished for path in claiming):
            held.append(station)
    return held


def leaving(run: RunSnapshot, route: Route, now_s: float) -> dict[str, float]:
    """Stations whose last steps are running already -> when the run will have left them."""
    found: dict[str, float] = {}
    for station, claiming in route.claiming.items():
        ends = [run.running[path][1] for path in claiming if path in run.running]
        if ends and all(path in run.finished or path in run.running for path in claiming):
            found[station] = max(now_s, *ends)
    return found
