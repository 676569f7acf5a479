"""Judges a plan by playing it, one time unit after the other. Shares only the problem with the planner.

Nothing here is clever: at each time it is asked who stands where, who is carried, what is taken and what is closed.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from lab.plan.model.problem import FOREVER, ORIGIN, STORAGE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lab.plan.model.problem import Lag, Problem
    from lab.plan.model.solution import Placed


def violations(
    problem: Problem, placed: Sequence[Placed], *, broken_lags_allowed: bool = False
) -> list[str]:
    """Everything that a laboratory could not do, in words."""
    wrong: list[str] = []
    moves = [_move(problem, placed, number) for number in range(len(placed))]
    for number, (op, place) in enumerate(zip(problem.operations, placed, strict=True)):
        if op.fixed is not None:
            if tuple(place) != tuple(op.fixed):
                wrong.append(f"{op.name}: fixed at {op.fixed}, placed at {place}")
            continue
        mode = op.modes[place.mode]
        if place.start < op.release:
            wrong.append(f"{op.name}: before its release")
        if place.end - place.begin != mode.duration:
            wrong.append(f"{op.name}: wrong duration")
        waited = place.begin - place.start - moves[number]
        batch = mode.station is not None and problem.resources[mode.station].batch
        if waited < 0 or (waited > 0 and not batch):
            wrong.append(f"{op.name}: {waited} between arrival and begin")
        if (place.carrier in op.carriers) != bool(op.carriers):
            wrong.append(f"{op.name}: carried by {place.carrier}")
    for lag in problem.lags:
        took = _time(lag.second, lag.second_mark, placed) - _time(lag.first, lag.first_mark, placed)
        if lag.least is not None and took < lag.least:
            wrong.append(
                f"{problem.operations[lag.second].name}: only {took} after its predecessor"
            )
        if lag.most is not None and took > lag.most and not lag.penalty and not broken_lags_allowed:
            wrong.append(f"{problem.operations[lag.second].name}: {took} after its predecessor")
    return wrong + _played(problem, placed, moves)


def _time(number: int, mark: Lag | str, placed: Sequence[Placed]) -> int:
    return 0 if number == ORIGIN else getattr(placed[number], str(mark))


def _move(problem: Problem, placed: Sequence[Placed], number: int) -> int:
    op = problem.operations[number]
    if not op.carriers:
        return 0
    here: int | None = None
    if op.comes_from is not None:
        here = problem.operations[op.comes_from].modes[placed[op.comes_from].mode].station
    there = op.modes[placed[number].mode].station
    key = (STORAGE if here is None else here, STORAGE if there is None else there)
    return problem.travel.get(key, op.move)


def _played(problem: Problem, placed: Sequence[Placed], moves: Sequence[int]) -> list[str]:
    wrong: list[str] = []
    stays: list[tuple[int, int, int, int]] = []  # station, from, until, operation
    uses: list[tuple[int, int, int, int]] = []  # resource, from, until, amount
    for number, (op, place) in enumerate(zip(problem.operations, placed, strict=True)):
        mode = op.modes[place.mode]
        until = place.end
        if op.fetched_by is not None:
            until = placed[op.fetched_by].start + moves[op.fetched_by]
        if mode.station is not None:
            stays.append((mode.station, place.start, until, number))
        if place.carrier is not None:
            uses.append((place.carrier, place.start, place.start + moves[number], 1))
        for use in mode.uses:
            last = place.end if use.end is None else place.begin + min(use.end, FOREVER)
            uses.append((use.resource, place.begin + use.begin, last, use.amount))
    for time in range(max((place.end for place in placed), default=0) + 1):
        taken = [0] * len(problem.resources)
        for station, start, until, _ in stays:
            taken[station] += start <= time < until
        for resource, start, until, amount in uses:
            taken[resource] += amount * (start <= time < until)
        for number, resource in enumerate(problem.resources):
            for closed in resource.closed:
                taken[number] += closed.amount * (closed.start <= time < closed.end)
            used_now = any(s == number and a <= time < b for s, a, b, _ in stays) or any(
                r == number and a <= time < b for r, a, b, _ in uses
            )
            if used_now and taken[number] > resource.capacity:
                wrong.append(f"{resource.name}: {taken[number]} of {resource.capacity} at {time}")
            if taken[number] < 0:
                wrong.append(f"{resource.name}: {-taken[number]} too many at {time}")
    for station, resource in enumerate(problem.resources):
        here = [number for at, _, _, number in stays if at == station]
        if resource.batch:
            wrong += _batches(problem, placed, moves, here, resource.name)
        if resource.setup:
            order = sorted((start, until, n) for at, start, until, n in stays if at == station)
            for (_, until, one), (start, _, two) in pairwise(order):
                families = problem.operations[one].family, problem.operations[two].family
                if start - until < resource.setup.get(families, 0):
                    wrong.append(f"{resource.name}: no time to set up {families} at {until}")
    return wrong


def _batches(
    problem: Problem, placed: Sequence[Placed], moves: Sequence[int], here: list[int], name: str
) -> list[str]:
    wrong: list[str] = []
    for one in here:
        run = range(placed[one].begin, placed[one].end)
        for two in here:
            same = placed[one].begin == placed[two].begin
            if same and problem.operations[one].programme != problem.operations[two].programme:
                wrong.append(f"{name}: two programmes at {run.start}")
            if not same and placed[two].begin in run:
                wrong.append(f"{name}: a second run at {placed[two].begin}")
            opened = range(placed[two].start, placed[two].start + moves[two])
            if any(time in run for time in opened):
                wrong.append(f"{name}: loaded while it runs at {opened.start}")
            after = problem.operations[two].fetched_by
            if after is not None:
                fetched = range(placed[after].start, placed[after].start + moves[after])
                if any(time in run for time in fetched):
                    wrong.append(f"{name}: unloaded while it runs at {fetched.start}")
    return wrong
