"""A snapshot as the planner's `Problem`, and its solution as a timeline. Times become whole milliseconds.

A step is an operation that uses its device. The first step of a run at a station takes the station's place, which
stays taken until an operation without length, "leaves", has fetched the sample: that is after the last step there. A
sample that is in a station already stands there as a fixed operation. Limits on time are lags; a limit that only
flags the sample may be broken at a price, any other one not. Steps that a decision guards count as taken, after what
the decision needs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from lab.domain.plan import Timeline
from lab.domain.run import OPERATOR
from lab.plan.board import route_of, slot_of
from lab.plan.lags import Times
from lab.plan.model.problem import (
    FOREVER,
    ORIGIN,
    Closed,
    Fixed,
    Job,
    Lag,
    Mode,
    Operation,
    Problem,
    Resource,
    Use,
)
from lab.plan.model.solution import Placed
from lab.plan.snapshot import Schedule
from lab.plan.worth import FLAG_COST, broken_limits, weight_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lab.domain.plan import Plan, PlannedStep, Slot, TimeWindow
    from lab.plan.board import Route
    from lab.plan.snapshot import PlanningSnapshot, RunSnapshot
    from lab.plan.upkeep import Calibration, Supply

__all__ = ["Service", "Translation", "milliseconds", "translate"]

_PER_SECOND = 1000
_FUZZ = 1e-6
"""Of a millisecond: by less than that, two sums of seconds are the same."""


def milliseconds(seconds: float) -> int:
    """The least whole number that is not less."""
    return FOREVER if math.isinf(seconds) else math.ceil(seconds * _PER_SECOND - _FUZZ)


class Service(NamedTuple):
    """Something that a person does so that the laboratory can go on."""

    task: str
    person: str
    start_s: float
    end_s: float
    sample: str
    """The run that can't go on without it, and the step."""
    step: str


@dataclass(frozen=True, slots=True)
class Translation:
    """A problem, and whose steps its operations are."""

    problem: Problem
    steps: tuple[tuple[RunSnapshot, PlannedStep] | None, ...]
    """Of each operation; None where it only holds or leaves a station."""
    exact: bool
    """Whether all timelines with these plans are solutions, so that a bound on one is a bound on the other."""
    snapshot: PlanningSnapshot
    plans: Mapping[str, Plan]
    origin_s: float
    weighted: bool
    """Whether the ends of the runs count before the makespan."""
    tasks: Mapping[int, str] = field(default_factory=dict[int, str])
    """Operation -> what a person does, for those that give something back."""

    def schedule(self, placed: Sequence[Placed]) -> Schedule:
        """A solution as a timeline."""
        slots: list[Slot] = []
        for item, place in zip(self.steps, placed, strict=True):
            if item is None:
                continue
            run, step = item
            start = self.origin_s + place.start / _PER_SECOND
            end = start + step.duration_s
            if step.path in run.running:
                start, end = run.running[step.path]
                end = max(end, self.snapshot.now_s)
            slots.append(slot_of(run.run, step, start, end))
        slots.sort(key=lambda slot: (slot.start_s, slot.end_s, slot.run, slot.step))
        broken = broken_limits(self.snapshot, self.plans, slots)
        return Schedule(Timeline(slots=tuple(slots)), self.plans, {}, broken)

    def services(self, placed: Sequence[Placed]) -> list[Service]:
        """What a person does in that solution, in order, each with the first step that needs it done."""
        found: list[Service] = []
        for number, task in self.tasks.items():
            place = placed[number]
            given = self.problem.operations[number].modes[0].uses[-1].resource
            waiting = [
                (placed[n].start, self.steps[n])
                for n, operation in enumerate(self.problem.operations)
                if self.steps[n] is not None
                and placed[n].start >= place.end
                and any(use.resource == given for use in operation.modes[0].uses)
            ]
            first = min(waiting, key=lambda item: item[0], default=(0, None))[1]
            start, end = (
                self.origin_s + moment / _PER_SECOND for moment in (place.start, place.end)
            )
            before = ("", "") if first is None else (first[0].run, first[1].path)
            found.append(Service(task, OPERATOR, start, end, *before))
        return sorted(found, key=lambda service: (service.start_s, service.task))

    def placed(self, planned: Schedule) -> tuple[Placed, ...]:
        """A timeline as a solution, to search from; `faults` tells whether rounding has left it one."""
        slots = {(slot.run, slot.step): slot for slot in planned.timeline.slots}
        starts: dict[int, int] = {}
        for number, item in enumerate(self.steps):
            if item is not None:
                start = slots[item[0].run, item[1].path].start_s
                starts[number] = milliseconds(start - self.origin_s)
        extra = {number for number, item in enumerate(self.steps) if item is None}
        for lag in self.problem.lags:
            # a station is entered with a step, and left when all steps there are over
            if lag.second in extra and lag.first in starts:
                first = self.problem.operations[lag.first].modes[0]
                time = starts[lag.first] + (first.duration if lag.first_mark == "end" else 0)
                starts[lag.second] = max(time, starts.get(lag.second, 0))
        return tuple(
            Placed(*operation.fixed)
            if operation.fixed is not None
            else Placed(0, None, at := starts[number], at, at + operation.modes[0].duration)
            for number, operation in enumerate(self.problem.operations)
        )


def translate(
    snapshot: PlanningSnapshot,
    plans: Mapping[str, Plan],
    *,
    weighted: bool = True,
    supplied: Sequence[Supply] = (),
    calibrated: Sequence[Calibration] = (),
) -> Translation:
    """The problem of all runs, each with its plan. With `weighted`, their ends count before the makespan.

    What is `supplied` is used up by steps, a device that is to be `calibrated` is closed from then on; a person gives
    either back.
    """
    begun = [start for run in snapshot.runs for start, _ in run.running.values()]
    work = _Work(snapshot, min([snapshot.now_s, *begun]))
    capacity: dict[int, int] = {}
    for supply in supplied:
        number = work.resource("supply", supply.name)
        capacity[number] = supply.room
        for step, amount in supply.uses.items():
            work.supplied.setdefault(step, []).append(Use(number, amount, 0, FOREVER))
    for job, run in enumerate(snapshot.runs):
        _RunWork(work, job, run, route_of(plans[run.run])).add()
    for kind, free in (("device", snapshot.device_free_s), ("station", snapshot.stations_free_s)):
        for name, until in free.items():
            work.close(work.resource(kind, name), until)
    services = _services(work, supplied, calibrated)
    for name, closed in snapshot.closed_s.items():
        number = work.resource("device", name)
        work.breaks.setdefault(number, []).extend(
            (work.floor(start), work.time(end)) for start, end in closed
        )
    resources = tuple(
        Resource(f"{kind} {name}", capacity.get(number, 1), closed=work.closures(number))
        for (kind, name), number in work.resources.items()
    )
    jobs = [Job(run.run, weight_of(run) if weighted else 0) for run in snapshot.runs]
    jobs += [Job(name) for name in services.values()]
    problem = Problem("lab", resources, tuple(work.operations), tuple(work.lags), tuple(jobs))
    return Translation(
        problem,
        tuple(work.steps),
        work.exact,
        snapshot,
        dict(plans),
        work.origin_s,
        weighted,
        services,
    )


def _services(
    work: _Work, supplied: Sequence[Supply], calibrated: Sequence[Calibration]
) -> dict[int, str]:
    """What a person does, as operations; operation -> the task."""
    found: dict[int, str] = {}
    ready = work.time(work.snapshot.now_s)

    def add(task: str, takes_s: float, resource: int, back: int, ready: int = ready) -> int:
        length = milliseconds(takes_s)
        uses = Use(work.resource("device", OPERATOR)), Use(resource, -back, length, FOREVER)
        job = len(work.snapshot.runs) + len(found)
        number = work.add(Operation(job, task, (Mode(None, length, uses),), release=ready))
        found[number] = task
        return number

    for supply in supplied:
        resource = work.resource("supply", supply.name)
        numbers = [
            add(supply.task, supply.takes_s, resource, supply.back) for _ in range(supply.services)
        ]
        work.lags += [Lag(before, after) for before, after in pairwise(numbers)]
    for item in calibrated:
        if item.takes_s is None:
            continue
        device = work.resource("device", item.device)
        due = max(ready, work.time(item.due_s))
        work.breaks.setdefault(device, []).append((due, FOREVER))
        add(item.task, item.takes_s, device, 1, due)
    return found


@dataclass(slots=True)
class _Work:
    snapshot: PlanningSnapshot
    origin_s: float
    resources: dict[tuple[str, str], int] = field(default_factory=dict[tuple[str, str], int])
    closed_until: dict[int, int] = field(default_factory=dict[int, int])
    busy_until: dict[int, int] = field(default_factory=dict[int, int])
    """Device -> when the step that runs there ends."""
    breaks: dict[int, list[tuple[int, int]]] = field(
        default_factory=dict[int, "list[tuple[int, int]]"]
    )
    supplied: dict[tuple[str, str], list[Use]] = field(
        default_factory=dict[tuple[str, str], "list[Use]"]
    )
    """Run and step -> what it uses up."""
    operations: list[Operation] = field(default_factory=list[Operation])
    steps: list[tuple[RunSnapshot, PlannedStep] | None] = field(
        default_factory=list["tuple[RunSnapshot, PlannedStep] | None"]
    )
    lags: list[Lag] = field(default_factory=list[Lag])
    exact: bool = True

    def time(self, moment_s: float) -> int:
        """The first millisecond that is not before a moment."""
        return milliseconds(moment_s - self.origin_s)

    def floor(self, moment_s: float) -> int:
        return math.floor((moment_s - self.origin_s) * _PER_SECOND + _FUZZ)

    def resource(self, kind: str, name: str) -> int:
        return self.resources.setdefault((kind, name), len(self.resources))

    def close(self, resource: int, until_s: float) -> None:
        """Nobody can have it before then."""
        until = self.time(until_s)
        self.closed_until[resource] = max(until, self.closed_until.get(resource, 0))

    def closures(self, resource: int) -> tuple[Closed, ...]:
        # a device that went out of use in the middle of a step is closed when that ends
        busy = self.busy_until.get(resource, 0)
        until = self.closed_until.get(resource, 0)
        spans = [(0, until), *self.breaks.get(resource, ())]
        found: list[Closed] = []
        for start, end in sorted(spans):
            begin = max(start, busy, found[-1].end if found else 0)
            if end > begin:
                found.append(Closed(begin, end, 1))
        return tuple(found)

    def add(self, operation: Operation, step: tuple[RunSnapshot, PlannedStep] | None = None) -> int:
        self.operations.append(operation)
        self.steps.append(step)
        return len(self.operations) - 1


@dataclass(slots=True)
class _RunWork:
    work: _Work
    job: int
    run: RunSnapshot
    route: Route
    number: dict[str, int] = field(default_factory=dict[str, int])
    """Step that is left -> its operation."""

    def add(self) -> None:
        for step in self.route.main:
            if step.path not in self.run.finished:
                self._add_step(step)
        before = self._order()
        for station, claiming in self.route.claiming.items():
            self._stay(station, claiming, before)
        for window in self.route.plan.timing:
            self._limit(window)

    def _add_step(self, step: PlannedStep) -> None:
        work = self.work
        device = work.resource("device", step.device)
        duration, fixed = milliseconds(step.duration_s), None
        supplied = work.supplied.get((self.run.run, step.path), ())
        if step.path in self.run.running:
            start, end = self.run.running[step.path]
            begin, until = work.floor(start), work.time(max(end, work.snapshot.now_s))
            duration, fixed = until - begin, Fixed(0, None, begin, begin, until)
            work.busy_until[device] = max(until, work.busy_until.get(device, 0))
        operation = Operation(
            job=self.job,
            name=f"{self.run.run} {step.path}",
            modes=(Mode(None, duration, (Use(device), *supplied)),),
            release=work.time(self._earliest(step)),
            fixed=fixed,
        )
        self.number[step.path] = work.add(operation, (self.run, step))

    def _earliest(self, step: PlannedStep) -> float:
        """A closure alone does not hold up a step that takes no time."""
        snapshot = self.work.snapshot
        free = [snapshot.device_free_s.get(step.device, snapshot.now_s)]
        free += [snapshot.stations_free_s.get(name, snapshot.now_s) for name in step.claims]
        return max([snapshot.now_s, *(until for until in free if not math.isinf(until))])

    def _order(self) -> dict[str, set[str]]:
        """Lags for what each step needs, also by way of the decisions that guard it; all that is before each step."""
        decisions = {decision.path: decision for decision in self.route.plan.decisions}
        before: dict[str, set[str]] = {}
        for step in self.route.main:
            needs = dict.fromkeys(step.needs)
            guards = [guard.decision for guard in step.when]
            while guards:
                decision = decisions[guards.pop()]
                needs |= dict.fromkeys(decision.needs)
                guards += [guard.decision for guard in decision.when]
            before[step.path] = set(needs).union(*(before.get(need, ()) for need in needs))
            if step.path in self.number:
                self.work.lags += [
                    Lag(self.number[need], self.number[step.path])
                    for need in needs
                    if need in self.number
                ]
        return before

    def _stay(self, station: str, claiming: Sequence[str], before: Mapping[str, set[str]]) -> None:
        """Hold a station until the last step there."""
        work, run = self.work, self.run
        there = [path for path in claiming if path in self.number]
        if not there:
            return
        place = work.resource("station", station)
        if all(path in run.running for path in there):
            work.close(place, max(work.snapshot.now_s, *(run.running[path][1] for path in there)))
            return
        entered = len(there) < len(claiming) or any(path in run.running for path in there)
        first = there[0]
        if entered:
            now = work.time(work.snapshot.now_s)
            keeper = self._extra(f"in {station}", place, 0, Fixed(0, None, now, now, now))
        elif work.operations[self.number[first]].modes[0].station is None:
            keeper = self.number[first]
            operation = work.operations[keeper]
            mode = operation.modes[0]._replace(station=place)
            work.operations[keeper] = replace(operation, modes=(mode,))
        else:
            # the step has another station already: its twin has this one
            length = work.operations[self.number[first]].modes[0].duration
            keeper = self._extra(f"enters {station}", place, length)
            work.lags.append(Lag(self.number[first], keeper, 0, 0, "start", "start"))
        if not entered:
            for path in there[1:]:
                if first not in before[path]:
                    # either of them could be the first one there; it is taken to be this one
                    numbers = self.number[first], self.number[path]
                    work.lags.append(Lag(*numbers, 0, None, "start", "start"))
                    work.exact = False
            if len(there) == 1:
                return
        leaves = self._extra(f"leaves {station}", None, 0)
        work.operations[keeper] = replace(work.operations[keeper], fetched_by=leaves)
        work.lags += [Lag(self.number[path], leaves) for path in there]

    def _extra(self, name: str, place: int | None, length: int, fixed: Fixed | None = None) -> int:
        return self.work.add(
            Operation(
                job=self.job,
                name=f"{self.run.run} {name}",
                modes=(Mode(place, length),),
                release=self.work.time(self.work.snapshot.now_s),
                fixed=fixed,
            )
        )

    def _limit(self, window: TimeWindow) -> None:
        """From the last of the steps that it runs from to the first that it runs to."""
        known = {*self.number, *self.run.finished}
        first = next((path for path in reversed(window.from_steps) if path in known), None)
        second = next((path for path in window.to_steps if path in known), None)
        if first is None or second is None or second not in self.number:
            return
        least = None if window.more_than_s is None else milliseconds(window.more_than_s)
        most = None
        if window.less_than_s is not None:
            most = max(least or 0, math.floor(window.less_than_s * _PER_SECOND + _FUZZ))
        number = self.number.get(first, ORIGIN)
        if number == ORIGIN:
            done = Times({}, self.run.finished)
            since = self.work.floor(done.mark(first, window.from_mark, self.route.plan) or 0.0)
            least = None if least is None else least + since
            most = None if most is None else most + since
        self.work.lags.append(
            Lag(
                number,
                self.number[second],
                least,
                most,
                window.from_mark,
                window.to_mark,
                FLAG_COST if window.on_violation == "flag" and most is not None else 0,
                window.name,
            )
        )
