"""The last defence before a plan is used: every rule of the problem, checked on the plan's times.

It shares nothing with the planners but the problem. Broken limits on time are no faults here, because a plan may
have to break them; `lab.plan.model.solution.broken_lags` lists those.
"""

from __future__ import annotations

from itertools import groupby, pairwise
from typing import TYPE_CHECKING

from lab.plan.model.problem import FOREVER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lab.plan.model.problem import Problem
    from lab.plan.model.solution import Placed

__all__ = ["faults"]


def faults(problem: Problem, placed: Sequence[Placed]) -> list[str]:
    """What a laboratory could not do; empty for a valid plan."""
    if len(placed) != len(problem.operations):
        return [f"{len(placed)} places for {len(problem.operations)} operations"]
    found = [
        f"{problem.operations[lag.second].name} starts before what it needs"
        for lag in problem.lags
        if lag.first >= 0
        and lag.least is not None
        and placed[lag.second].at(lag.second_mark) - placed[lag.first].at(lag.first_mark)
        < lag.least
    ]
    for number in range(len(placed)):
        found += _own_faults(problem, placed, number)
    events = _events(problem, placed)
    for resource, changes in enumerate(events):
        found += _overload(problem, resource, changes)
    for resource in range(len(problem.resources)):
        found += _batch_faults(problem, placed, resource)
        found += _setup_faults(problem, placed, resource)
    return found


def _left(problem: Problem, placed: Sequence[Placed], number: int) -> int:
    """When the place of an operation is free again."""
    after = problem.operations[number].fetched_by
    if after is None:
        return placed[number].end
    return placed[after].start + _move(problem, placed, after)


def _move(problem: Problem, placed: Sequence[Placed], number: int) -> int:
    before = problem.operations[number].comes_from
    return problem.move(number, placed[number].mode, 0 if before is None else placed[before].mode)


def _own_faults(problem: Problem, placed: Sequence[Placed], number: int) -> list[str]:
    op, place = problem.operations[number], placed[number]
    if op.fixed is not None:
        return (
            [] if tuple(place) == tuple(op.fixed) else [f"{op.name} was fixed and has been moved"]
        )
    found: list[str] = []
    mode = op.modes[place.mode]
    arrival = place.start + _move(problem, placed, number)
    waits = mode.station is not None and problem.resources[mode.station].batch
    if place.start < op.release:
        found.append(f"{op.name} starts at {place.start}, before its release {op.release}")
    if place.begin < arrival or (place.begin > arrival and not waits):
        found.append(f"{op.name} arrives at {arrival} and begins at {place.begin}")
    if place.end != place.begin + mode.duration:
        found.append(f"{op.name} takes {place.end - place.begin}, not {mode.duration}")
    if (place.carrier is None) != (not op.carriers) or (
        place.carrier is not None and place.carrier not in op.carriers
    ):
        found.append(f"{op.name} is carried by {place.carrier}")
    return found


def _events(problem: Problem, placed: Sequence[Placed]) -> list[list[tuple[int, int]]]:
    """Resource -> (time, change of what is taken)."""
    events: list[list[tuple[int, int]]] = [[] for _ in problem.resources]

    def take(resource: int, start: int, end: int, amount: int) -> None:
        if end > start:
            events[resource] += [(start, amount), (end, -amount)]

    for resource, kind in enumerate(problem.resources):
        for closed in kind.closed:
            take(resource, *closed)
    for number, (op, place) in enumerate(zip(problem.operations, placed, strict=True)):
        mode = op.modes[place.mode]
        if mode.station is not None:
            take(mode.station, place.start, _left(problem, placed, number), 1)
        if place.carrier is not None:
            take(place.carrier, place.start, place.start + _move(problem, placed, number), 1)
        for use in mode.uses:
            end = place.end if use.end is None else min(FOREVER, place.begin + use.end)
            take(use.resource, place.begin + use.begin, end, use.amount)
    return events


def _overload(problem: Problem, resource: int, changes: list[tuple[int, int]]) -> list[str]:
    level, kind = 0, problem.resources[resource]
    for time, group in groupby(sorted(changes), key=lambda item: item[0]):
        change = sum(amount for _, amount in group)
        level += change
        if change > 0 and level > kind.capacity:
            return [f"{kind.name} has {kind.capacity} places and {level} in use at {time}"]
        if level < 0:
            return [f"{kind.name} gets {-level} more at {time} than was taken of it"]
    return []


def _batch_faults(problem: Problem, placed: Sequence[Placed], resource: int) -> list[str]:
    kind = problem.resources[resource]
    if not kind.batch:
        return []
    here = [
        number
        for number, op in enumerate(problem.operations)
        if op.modes[placed[number].mode].station == resource
    ]
    found: list[str] = []
    runs = {(placed[number].begin, placed[number].end) for number in here}
    for begin, end in sorted(runs):
        programmes = {
            problem.operations[number].programme for number in here if placed[number].begin == begin
        }
        if len(programmes) > 1:
            found.append(f"{kind.name} runs {sorted(programmes)} together at {begin}")
        for number in here:
            move_in = placed[number].start, placed[number].start + _move(problem, placed, number)
            after = problem.operations[number].fetched_by
            out = (0, 0)
            if after is not None:
                out = placed[after].start, _left(problem, placed, number)
            for first, last in (move_in, out):
                if first < end and begin < last:
                    found.append(f"{kind.name} is opened at {first} while it runs from {begin}")
            if begin < placed[number].begin < end:
                found.append(f"{kind.name} begins at {placed[number].begin} while it runs")
    return found


def _setup_faults(problem: Problem, placed: Sequence[Placed], resource: int) -> list[str]:
    kind = problem.resources[resource]
    if not kind.setup:
        return []
    here = sorted(
        (placed[number].start, _left(problem, placed, number), op.family)
        for number, op in enumerate(problem.operations)
        if op.modes[placed[number].mode].station == resource
    )
    return [
        f"{kind.name} is set up from {before[2]} to {after[2]} in {after[0] - before[1]}"
        for before, after in pairwise(here)
        if after[0] - before[1] < kind.setup.get((before[2], after[2]), 0)
    ]
