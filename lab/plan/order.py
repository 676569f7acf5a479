"""An order of steps with its least times: difference constraints, settled by passes. Pure.

The gate executes a plan as an order, so what will happen follows from the order and from how long things take. Each
step starts as early as its needs, its rests, its device's earlier steps and its stations' earlier samples allow; a
step from which a limit on time runs starts later where what comes after it is late. These are difference constraints;
the least times that satisfy them are the longest paths (Bellman, Q. Appl. Math. 16, 87 (1958)), found here by passes
in the order of the standing plan, in which nearly all of them point forward. Breaks only ever push, so they fit in.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from lab.domain.event_plan import ServiceSlot
from lab.domain.plan import PlannedStep, Timeline
from lab.domain.run import OPERATOR
from lab.plan.board import held_now, route_of, slot_of
from lab.plan.services import Point, Sweep, after_breaks
from lab.plan.snapshot import RunningStep, RunSnapshot, Schedule
from lab.plan.worth import broken_limits

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from lab.domain.plan import Plan, Slot, TimeWindow
    from lab.plan.snapshot import PlanningSnapshot
    from lab.plan.upkeep import Need

__all__ = ["Order"]

_PASSES = 12
"""What is not settled then goes round in a circle, or nearly so."""
_LOOK_FROM = 2
_ROUNDS = 12
"""After so many, in each of which a limit is left out, there is no time to choose among them."""
_FUZZ_S = 1e-9


class _Limit(NamedTuple):
    """The second step starts at least so long after the first one, or before it where that is negative."""

    first: int
    second: int
    apart_s: float
    most: bool
    """From a longest time: the step that the limit runs from waits for the other one."""


@dataclass(slots=True)
class Order:
    """An order of steps, and the least times that keep it."""

    snapshot: PlanningSnapshot
    plans: Mapping[str, Plan]
    early: frozenset[Point] = frozenset()
    steps: list[tuple[RunSnapshot, PlannedStep]] = field(
        default_factory=list["tuple[RunSnapshot, PlannedStep]"]
    )
    """In the order of the standing plan; what is done is left out. What people do in between is among them."""
    needs: dict[int, tuple[Need, str, str]] = field(
        default_factory=dict[int, "tuple[Need, str, str]"]
    )
    """Of the steps, those that are services; with the run and the step that wait for them."""
    breaks: list[Sequence[tuple[float, float]]] = field(
        default_factory=list["Sequence[tuple[float, float]]"]
    )
    """Of each step, when its device does nothing."""
    starts: list[float] = field(default_factory=list[float])
    ends: list[float] = field(default_factory=list[float])
    before: list[list[int]] = field(default_factory=list[list[int]])
    """Of each step, those that must have ended."""
    limits: list[_Limit] = field(default_factory=list["_Limit"])
    """Between steps of which none is done."""
    cause: list[tuple[int, int | None] | None] = field(
        default_factory=list["tuple[int, int | None] | None"]
    )
    """Of each step that was moved, the step that it waits for now, and the limit if one says so."""

    def read(self, slots: Sequence[Slot]) -> bool:
        """Fill in everything that the order says; False where it does not fit."""
        runs = {run.run: run for run in self.snapshot.runs}
        now = self.snapshot.services
        sweep = None if now is None or now.idle else Sweep(now, self.early)
        if now is not None:
            for name, asked in now.asked.items():
                self._serve(now.rules.needs[name], "", "", asked)
        for slot in slots:
            run = runs.get(slot.run)
            if run is not None and slot.step not in run.finished:
                step = self.plans[slot.run].step(slot.step)
                if sweep is not None and slot.step not in run.running:
                    for need in sweep.before(run.run, step):
                        self._serve(need, run.run, step.path)
                self.steps.append((run, step))
        closed = self.snapshot.closed_s
        self.breaks = [closed.get(step.device, ()) for _, step in self.steps] if closed else []
        number = {(run.run, step.path): n for n, (run, step) in enumerate(self.steps)}
        self.before = [[] for _ in self.steps]
        for run in self.snapshot.runs:
            plan = self.plans.get(run.run)
            if plan is None or not self._read_run(run, plan, number):
                return False
        self._first_times()
        return self._lanes() and self._stations()

    def _serve(
        self, need: Need, run: str, path: str, asked: tuple[float, float] | None = None
    ) -> None:
        """A service as a step of a person; `asked`: somebody is at it, since when and until when."""
        name = f"{need.name} {len(self.needs)}"
        step = PlannedStep.model_construct(
            path=name, device=OPERATOR, duration_s=need.takes_s, claims=()
        )
        running = {} if asked is None else {name: RunningStep(*asked)}
        self.needs[len(self.steps)] = need, run, path
        self.steps.append((RunSnapshot("", (), running=running), step))

    def _read_run(
        self, run: RunSnapshot, plan: Plan, number: Mapping[tuple[str, str], int]
    ) -> bool:
        for step in route_of(plan).main:
            if step.path in run.finished:
                continue
            mine = number.get((run.run, step.path))
            if mine is None:
                return False
            self.before[mine] += [
                number[run.run, need] for need in step.needs if need not in run.finished
            ]
        for window in plan.timing:
            self._window(run, window, number)
        return True

    def _window(
        self, run: RunSnapshot, window: TimeWindow, number: Mapping[tuple[str, str], int]
    ) -> None:
        """Both limits as times from start to start. What a finished step began is seen to in `_first_times`."""
        first = next((p for p in reversed(window.from_steps) if (run.run, p) in number), None)
        second = next((p for p in window.to_steps if (run.run, p) in number), None)
        if first is None or second is None or any(p in run.finished for p in window.to_steps):
            return
        one, two = number[run.run, first], number[run.run, second]
        least, most = self._starts_apart(window, one, two)
        if least is not None and second not in run.running:
            self.limits.append(_Limit(one, two, least, most=False))
        if most is not None and first not in run.running:
            self.limits.append(_Limit(two, one, -most, most=True))

    def _starts_apart(
        self, window: TimeWindow, one: int, two: int
    ) -> tuple[float | None, float | None]:
        shift = self._length(one) if window.from_mark == "end" else 0.0
        shift -= self._length(two) if window.to_mark == "end" else 0.0
        return (
            None if window.more_than_s is None else window.more_than_s + shift,
            None if window.less_than_s is None else window.less_than_s + shift,
        )

    def _length(self, number: int) -> float:
        run, step = self.steps[number]
        now = run.running.get(step.path)
        return step.duration_s if now is None else max(now[1], self.snapshot.now_s) - now[0]

    def _first_times(self) -> None:
        snapshot = self.snapshot
        for n, (run, step) in enumerate(self.steps):
            now = run.running.get(step.path)
            if now is not None:
                self.starts.append(now[0])
            elif n in self.needs:
                self.starts.append(self.askable(self.needs[n][0]))
            else:
                free = snapshot.device_free_s.get(step.device, snapshot.now_s)
                free = max([free, *(snapshot.stations_free_s.get(c, free) for c in step.claims)])
                rested = self._rested(run, step.path)
                self.starts.append(max(snapshot.now_s, free, rested))
            self.ends.append(self.starts[n] + self._length(n))

    def askable(self, need: Need) -> float:
        """When somebody can be asked for it at the earliest."""
        now_s, services = self.snapshot.now_s, self.snapshot.services
        if services is None:
            return now_s
        return max(now_s, services.not_before_s.get(need.name, now_s))

    def _rested(self, run: RunSnapshot, path: str) -> float:
        """When rests that run from finished steps are over."""
        plan = self.plans[run.run]
        rested = -math.inf
        for window in route_of(plan).lags.get(path, ()):
            done = next((p for p in reversed(window.from_steps) if p in run.finished), None)
            if done is None or window.more_than_s is None or window.from_steps[-1] != done:
                continue
            since = run.finished[done]
            since -= plan.step(done).duration_s if window.from_mark == "start" else 0.0
            if any(p in run.finished for p in window.to_steps):
                continue
            least = since + window.more_than_s
            least -= plan.step(path).duration_s if window.to_mark == "end" else 0.0
            rested = max(rested, least)
        return rested

    # -- what the order says -----------------------------------------------------------------------

    def _lanes(self) -> bool:
        """One step after the other on each device; what has begun must come first."""
        last: dict[str, int] = {}
        for n, (run, step) in enumerate(self.steps):
            served = self.needs.get(n)
            for device in (step.device, *(() if served is None else served[0].devices)):
                previous = last.get(device)
                last[device] = n
                if previous is None:
                    continue
                if step.path not in run.running or self.running(previous):
                    self.before[n].append(previous)
                elif previous not in self.needs:
                    return False
        return True

    def running(self, number: int) -> bool:
        run, step = self.steps[number]
        return step.path in run.running

    def _stations(self) -> bool:
        """One sample after the other in each station; the one that is there must come first."""
        visits: dict[str, dict[str, list[int]]] = {}
        for n, (run, step) in enumerate(self.steps):
            for station in step.claims:
                visits.setdefault(station, {}).setdefault(run.run, []).append(n)
        there = {
            station: run.run
            for run in self.snapshot.runs
            for station in held_now(run, route_of(self.plans[run.run]))
        }
        for station, by_run in visits.items():
            previous: list[int] = []
            for place, (name, mine) in enumerate(by_run.items()):
                if place and there.get(station) == name:
                    return False
                for n in mine:
                    self.before[n] += previous
                previous = mine
        return True

    # -- the times ---------------------------------------------------------------------------------

    def settle(self) -> bool:
        """The least times; False where the order goes round in a circle or waits for ever.

        Limits that can't be kept in this order would push for ever; of each circle of waiting one is left out, and
        shows as broken, so that the others are still kept.
        """
        first = list(self.starts), list(self.ends)
        for rounds in range(_ROUNDS):
            dropped = self._push(look=rounds < _ROUNDS - 2)
            if dropped is None:
                return math.inf not in self.starts
            if not dropped:
                return False
            for index in sorted(dropped, reverse=True):
                del self.limits[index]
            self.starts, self.ends = list(first[0]), list(first[1])
        return False

    def _push(self, *, look: bool) -> list[int] | None:
        """Move steps until all is kept: None. Else limits that are in the way of that, none if the order alone is."""
        self.cause = [None] * len(self.starts)
        for passed in range(_PASSES):
            moved = self._forward()
            if math.inf in self.starts:
                return None
            if not (self._apart() or moved):
                return None
            if look and passed >= _LOOK_FROM:
                circles = self._circles()
                if circles:
                    return circles
        self._forward()
        # without a circle that is known, or for want of time, all that push
        return [index for index in self._unkept() if self.limits[index].most]

    def _forward(self) -> bool:
        moved = False
        starts, ends, breaks = self.starts, self.ends, self.breaks
        for n, needed in enumerate(self.before):
            start, since = starts[n], -1
            for m in needed:
                if ends[m] > start:
                    start, since = ends[m], m
            if breaks and breaks[n]:
                start = after_breaks(breaks[n], start, ends[n] - starts[n])
            if start > starts[n] + _FUZZ_S and not self.running(n):
                ends[n] += start - starts[n]
                starts[n] = start
                self.cause[n] = None if since < 0 else (since, None)
                moved = True
        return moved

    def _apart(self) -> bool:
        moved = False
        for index in self._unkept():
            first, second, apart, _ = self.limits[index]
            start = self.starts[first] + apart
            self.ends[second] += start - self.starts[second]
            self.starts[second] = start
            self.cause[second] = first, index
            moved = True
        return moved

    def _circles(self) -> list[int]:
        """One limit of each circle in which steps push one another: of several the one that comes last in the plan."""
        found: list[int] = []
        seen: dict[int, int] = {}
        for n in range(len(self.cause)):
            at, path = n, list[int]()
            while at not in seen:
                seen[at] = n
                path.append(at)
                because = self.cause[at]
                if because is None:
                    break
                at = because[0]
            else:
                if seen[at] == n:
                    causes = [self.cause[m] for m in path[path.index(at) :]]
                    limits = [because[1] for because in causes if because is not None]
                    most = [
                        index for index in limits if index is not None and self.limits[index].most
                    ]
                    found += [max(most, key=lambda index: self.limits[index].first)] if most else []
        return found

    def _unkept(self) -> Iterator[int]:
        for index, (first, second, apart, _) in enumerate(self.limits):
            if self.starts[first] + apart > self.starts[second] + _FUZZ_S:
                yield index

    def schedule(self) -> Schedule:
        """What came out."""
        slots = [
            slot_of(run.run, step, self.starts[n], self.ends[n])
            for n, (run, step) in enumerate(self.steps)
            if n not in self.needs
        ]
        slots.sort(key=lambda slot: (slot.start_s, slot.end_s, slot.run, slot.step))
        services = [
            ServiceSlot(
                service=need.name, task=need.task, devices=need.devices,
                start_s=self.starts[n], end_s=self.ends[n], run=run, step=step,
            )
            for n, (need, run, step) in self.needs.items()
        ]  # fmt: skip
        services.sort(key=lambda service: (service.start_s, service.service))
        plans = {run.run: self.plans[run.run] for run in self.snapshot.runs}
        broken = broken_limits(self.snapshot, plans, slots)
        timeline = Timeline.model_construct(slots=tuple(slots))
        return Schedule(timeline, plans, {}, broken, tuple(services))
