"""Booking and giving back what an operation takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lab.plan.model.problem import FOREVER
from lab.plan.search import columns as c
from lab.plan.search.columns import Work
from lab.plan.search.compiled import compiled
from lab.plan.search.profile import add, drop_visit, put_visit

if TYPE_CHECKING:
    from lab.plan.search.columns import Tables

__all__ = ["begin_work", "commit", "extend", "mark", "move_time", "undo"]


@compiled
def begin_work(tables: Tables) -> Work:
    """Closures and fixed operations."""
    resources = tables.resource.shape[0]
    visits = tables.rows if tables.setup.shape[0] else 1
    work = Work(
        tables.resource,
        tables.operation.copy(),
        tables.mode,
        tables.use,
        tables.lag.copy(),
        tables.link,
        tables.setup,
        tables.travel,
        np.zeros((resources, 2, tables.rows), np.int64),
        np.zeros((resources, 3, visits), np.int64),
        np.zeros((resources, 2), np.int64),
    )
    work.size[:, 0] = 1
    for k in range(tables.closed.shape[0]):
        row = tables.closed[k]
        add(work.profile, work.size, row[0], row[1], row[2], row[3])
    operation = work.operation
    for i in range(operation.shape[0]):
        operation[i, c.POSITION] = c.NONE
        operation[i, c.CARRIER] = c.NONE
        if operation[i, c.FIXED] >= 0:
            operation[i, c.WAY] = operation[i, c.FIXED]
    for i in range(operation.shape[0]):
        if operation[i, c.FIXED] >= 0:
            _fix(work, i)
    return work


@compiled
def _fix(work: Work, i: int) -> None:
    row = work.operation[i]
    station = work.mode[row[c.MODES] + row[c.FIXED], c.STATION]
    row[c.CARRIER] = row[c.FIXED_CARRIER]
    row[c.START] = row[c.FIXED_START]
    row[c.BEGIN] = row[c.FIXED_BEGIN]
    row[c.END] = row[c.FIXED_END]
    row[c.ARRIVAL] = row[c.START]
    if row[c.CARRIER] >= 0:
        row[c.ARRIVAL] += move_time(work, i, row[c.FIXED])
    row[c.HOLD_AMOUNT] = 1 if station >= 0 else 0
    row[c.HOLD_START] = row[c.START]
    row[c.HOLD_END] = row[c.END]
    after = row[c.FETCHED_BY]
    status = 1
    if after >= 0:
        fetching = work.operation[after]
        if fetching[c.FIXED] >= 0:
            row[c.HOLD_END] = fetching[c.FIXED_START] + move_time(work, after, fetching[c.FIXED])
        else:
            status = 2
    commit(work, i)
    row[c.DONE] = status
    if status == 2 and station >= 0:
        add(work.profile, work.size, station, row[c.END], FOREVER, 1)
        _visit_until(work, station, row[c.START], FOREVER)


@compiled
def mark(work: Work, i: int, which: int) -> int:
    """The time of a mark of an operation that has a place; 0 for the origin."""
    if i < 0:
        return 0
    if which == 0:
        return work.operation[i, c.START]
    return work.operation[i, c.BEGIN] if which == 1 else work.operation[i, c.END]


@compiled
def move_time(work: Work, i: int, way: int) -> int:
    """Of the move into a mode's station (index within the operation's modes)."""
    row = work.operation[i]
    if row[c.CARRIERS] == row[c.CARRIERS_END]:
        return 0
    if work.travel.shape[0] == 0:
        return row[c.MOVE]
    here = 0
    before = row[c.COMES_FROM]
    if before >= 0:
        left = work.operation[before, c.MODES] + work.operation[before, c.WAY]
        here = work.mode[left, c.STATION] + 1
    time = work.travel[here, work.mode[row[c.MODES] + way, c.STATION] + 1]
    return time if time >= 0 else row[c.MOVE]


@compiled
def _book(work: Work, i: int, sign: int) -> None:
    row = work.operation[i]
    mode = work.mode[row[c.MODES] + row[c.WAY]]
    station = mode[c.STATION]
    start, end = row[c.HOLD_START], row[c.HOLD_END]
    if station >= 0 and row[c.HOLD_AMOUNT] > 0:
        add(work.profile, work.size, station, start, end, sign * row[c.HOLD_AMOUNT])
        if work.resource[station, c.HAS_SETUP]:
            if sign > 0:
                put_visit(work.visit, work.size, station, start, end, row[c.FAMILY])
            else:
                drop_visit(work.visit, work.size, station, start)
    if row[c.CARRIER] >= 0:
        add(work.profile, work.size, row[c.CARRIER], row[c.START], row[c.ARRIVAL], sign)
    for k in range(mode[c.USES], mode[c.USES_END]):
        use = work.use[k]
        until = row[c.END]
        if use[c.USE_END] >= 0:
            until = min(FOREVER, row[c.BEGIN] + use[c.USE_END])
        since = row[c.BEGIN] + use[c.USE_BEGIN]
        add(work.profile, work.size, use[c.USE_RESOURCE], since, until, sign * use[c.USE_AMOUNT])


@compiled
def commit(work: Work, i: int) -> None:
    """Book an operation whose times are set."""
    _book(work, i, 1)
    work.operation[i, c.DONE] = 1


@compiled
def _visit_until(work: Work, station: int, start: int, end: int) -> None:
    """Change the end of a visit of a station with set-up times."""
    for v in range(work.size[station, 1]):
        if work.visit[station, 0, v] == start:
            work.visit[station, 1, v] = end


@compiled
def extend(work: Work, i: int, sign: int) -> None:
    """Book (1) or give back (-1) the wait of the sample that the move of `i` fetches."""
    k = work.operation[i, c.FETCHES]
    if k < 0 or work.operation[k, c.DONE] == 0:
        return
    row = work.operation[k]
    station = work.mode[row[c.MODES] + row[c.WAY], c.STATION]
    if station < 0:
        return
    arrival = work.operation[i, c.ARRIVAL]
    until = row[c.END]
    if row[c.DONE] == 2:
        # it was booked for ever: what comes after the arrival is free now
        until = FOREVER
        add(work.profile, work.size, station, max(arrival, row[c.END]), FOREVER, -sign)
    else:
        add(work.profile, work.size, station, row[c.END], arrival, sign)
    _visit_until(work, station, row[c.HOLD_START], arrival if sign > 0 else until)


@compiled
def undo(work: Work, i: int) -> None:
    """Give back all that an operation took."""
    extend(work, i, -1)
    _book(work, i, -1)
    work.operation[i, c.DONE] = 0
