"""Devices and stations that can stand in for one another, and what a laboratory with one more of them could do."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from lab.domain.run import OPERATOR
from lab.plan.board import route_of
from lab.plan.model.bounds import lower_bound
from lab.plan.model.problem import Lag, Mode, Operation, Use
from lab.plan.translate import milliseconds, translate

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from lab.domain.plan import Plan, PlannedStep
    from lab.plan.model.problem import Problem
    from lab.plan.snapshot import PlanningSnapshot, RunSnapshot

__all__ = ["Pools", "Twin", "kind_of", "least_makespan", "one_more"]


class Pools:
    """Groups of devices, and of stations, of which some step could have one or the other."""

    def __init__(self, plans: Iterable[Sequence[Plan]]) -> None:
        """`plans`: the candidates of each run; candidates have the same steps."""
        self._root: dict[tuple[str, str], tuple[str, str]] = {}
        seen: set[tuple[int, ...]] = set()
        for candidates in plans:
            key = tuple(id(plan) for plan in candidates)
            if key in seen:
                continue
            seen.add(key)
            for first in candidates[:1]:
                for plan in candidates:
                    for one, other in zip(first.steps, plan.steps, strict=True):
                        self._pair(one, other)

    def _pair(self, one: PlannedStep, other: PlannedStep) -> None:
        self._unite(("device", one.device), ("device", other.device))
        if len(one.claims) == len(other.claims):
            pairs = list(zip(one.claims, other.claims, strict=True))
        else:
            pairs = [(a, b) for a in one.claims for b in other.claims]
        for a, b in pairs:
            self._unite(("station", a), ("station", b))
        for step in (one, other):
            for claim in step.claims:
                self.pool("station", claim)

    def pool(self, kind: str, name: str) -> str:
        """The name of the group: that of its first member."""
        key = kind, name
        while self._root.setdefault(key, key) != key:
            key = self._root[key]
        return key[1]

    def _unite(self, one: tuple[str, str], other: tuple[str, str]) -> None:
        first, second = self.pool(*one), self.pool(*other)
        if first != second:
            self._root[other[0], second] = one[0], first

    def members(self, kind: str) -> dict[str, tuple[str, ...]]:
        """Group -> devices or stations in it."""
        found: dict[str, list[str]] = {}
        for key in self._root:
            if key[0] == kind:
                found.setdefault(self.pool(*key), []).append(key[1])
        return {name: tuple(group) for name, group in found.items()}


# -- a bound ---------------------------------------------------------------------------------------


def least_makespan(snapshot: PlanningSnapshot) -> float:
    """A makespan in seconds that no timeline of runs that have not begun can go below, whatever plans are chosen.

    It is that of an easier lab: each step takes any device of its group, each stay in a station any station of its
    group for the shortest time that the steps there take.
    """
    pools = Pools(run.plans for run in snapshot.runs)
    plans = {run.run: _pooled(run.plans, pools) for run in snapshot.runs}
    easier = replace(snapshot, device_free_s={}, stations_free_s={}, closed_s={})
    translation = translate(easier, plans)
    numbers = {
        (item[0].run, item[1].path): number
        for number, item in enumerate(translation.steps)
        if item is not None
    }
    problem = _with_stays(translation.problem, snapshot.runs, pools, numbers)
    return translation.origin_s + lower_bound(problem) / 1000


def _pooled(plans: Sequence[Plan], pools: Pools) -> Plan:
    steps = tuple(
        step.model_copy(
            update={
                "device": pools.pool("device", step.device),
                "claims": (),
                "duration_s": min(plan.steps[n].duration_s for plan in plans),
            }
        )
        for n, step in enumerate(plans[0].steps)
    )
    return plans[0].model_copy(update={"steps": steps})


def _with_stays(
    problem: Problem,
    runs: Sequence[RunSnapshot],
    pools: Pools,
    numbers: Mapping[tuple[str, str], int],
) -> Problem:
    sizes = {f"device {name}": len(group) for name, group in pools.members("device").items()}
    resources = [replace(r, capacity=sizes[r.name], closed=()) for r in problem.resources]
    place: dict[str, int] = {}
    for name, group in pools.members("station").items():
        place[name] = len(resources)
        resources.append(replace(resources[0], name=f"station {name}", capacity=len(group)))
    operations, lags = list(problem.operations), list(problem.lags)
    known: dict[tuple[int, ...], dict[str, _Stay]] = {}
    for job, run in enumerate(runs):
        key = tuple(id(plan) for plan in run.plans)
        if key not in known:
            known[key] = _stays(run.plans, pools)
        for name, stay in known[key].items():
            number = len(operations)
            mode = Mode(None, milliseconds(stay.seconds), (Use(place[name]),))
            release = problem.operations[numbers[run.run, stay.steps[0]]].release
            operations.append(Operation(job, f"{run.run} in {name}", (mode,), release=release))
            lags += [Lag(numbers[run.run, path], number) for path in stay.after]
            lags += [Lag(number, numbers[run.run, path]) for path in stay.before]
    return replace(
        problem, resources=tuple(resources), operations=tuple(operations), lags=tuple(lags)
    )


@dataclass(frozen=True, slots=True)
class _Stay:
    seconds: float
    steps: tuple[str, ...]
    after: tuple[str, ...]
    """Steps that are over when it begins."""
    before: tuple[str, ...]
    """Steps that begin when it is over."""


def _stays(plans: Sequence[Plan], pools: Pools) -> dict[str, _Stay]:
    """Group of stations -> what any candidate needs of it; without groups of which one needs none or several."""
    found: dict[str, list[_Stay]] = {}
    for plan in plans:
        route = route_of(plan)
        for station, steps in route.claiming.items():
            before, after = _neighbours(plan, steps)
            stay = _Stay(route.least_stay[station], steps, before, after)
            found.setdefault(pools.pool("station", station), []).append(stay)
    return {
        name: replace(stays[0], seconds=min(stay.seconds for stay in stays))
        for name, stays in found.items()
        if len(stays) == len(plans) and len({stay.steps for stay in stays}) == 1
    }


def _neighbours(plan: Plan, there: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What its first step needs, if all others follow it, and what needs its last step, if that follows all others."""
    main = [step for step in plan.steps if not step.safe_state]
    past: dict[str, set[str]] = {}
    for step in main:
        past[step.path] = set(step.needs).union(*(past[need] for need in step.needs))
    first, last = there[0], there[-1]
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    if all(first in past[path] for path in there if path != first):
        before = plan.step(first).needs
    if all(path in past[last] for path in there if path != last):
        after = tuple(step.path for step in main if last in step.needs)
    return before, after


# -- one more --------------------------------------------------------------------------------------


def kind_of(device: str) -> str:
    """`person` for who does manual steps, else `device`."""
    return "person" if device == OPERATOR else "device"


class Twin(NamedTuple):
    """A laboratory with one more of something."""

    name: str
    kind: str
    """device, station or person."""
    together: tuple[str, ...]
    """Devices that come with a station, because they serve nothing else."""
    snapshot: PlanningSnapshot


def one_more(snapshot: PlanningSnapshot) -> list[Twin]:
    """The snapshot with one more of each group of devices, and of stations with the devices that serve them alone."""
    pools = Pools(run.plans for run in snapshot.runs)
    serving = _serving(snapshot)
    twins = [
        Twin(group[0], kind_of(group[0]), (), _doubled(snapshot, {group[0]}))
        for group in pools.members("device").values()
    ]
    for group in pools.members("station").values():
        station = group[0]
        together = tuple(name for name, places in serving.items() if station in places)
        twins.append(Twin(station, "station", together, _doubled(snapshot, {station, *together})))
    return twins


def _serving(snapshot: PlanningSnapshot) -> dict[str, set[str]]:
    """Device -> stations that all of its steps claim."""
    found: dict[str, set[str]] = {}
    for plan in _distinct(snapshot):
        for step in plan.steps:
            if not step.safe_state and step.device != OPERATOR:
                found.setdefault(step.device, set(step.claims)).intersection_update(step.claims)
    return found


def _distinct(snapshot: PlanningSnapshot) -> list[Plan]:
    return list({id(plan): plan for run in snapshot.runs for plan in run.plans}.values())


def _doubled(snapshot: PlanningSnapshot, names: Collection[str]) -> PlanningSnapshot:
    """Every plan that uses one of these has a second form, which uses its double."""
    second: dict[int, Plan] = {}
    for plan in _distinct(snapshot):
        if any(step.device in names or any(c in names for c in step.claims) for step in plan.steps):
            second[id(plan)] = _renamed(plan, names)
    runs = tuple(
        replace(
            run, plans=(*run.plans, *(second[id(plan)] for plan in run.plans if id(plan) in second))
        )
        for run in snapshot.runs
    )
    return replace(snapshot, runs=runs)


def _renamed(plan: Plan, names: Collection[str]) -> Plan:
    def name(old: str) -> str:
        return f"{old} (one more)" if old in names else old

    steps = tuple(
        step.model_copy(
            update={"device": name(step.device), "claims": tuple(name(c) for c in step.claims)}
        )
        for step in plan.steps
    )
    stations = tuple(name(station) for station in plan.stations)
    return plan.model_copy(update={"steps": steps, "stations": stations})
