"""How early an operation may be, and its times once its start is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.plan.model.problem import FOREVER
from lab.plan.search import columns as c
from lab.plan.search.board import mark, move_time
from lab.plan.search.compiled import compiled

if TYPE_CHECKING:
    from lab.plan.search.columns import Work

__all__ = ["ready_times", "set_times"]


@compiled
def ready_times(work: Work, i: int) -> tuple[int, int, int]:
    """Earliest start, begin and end that what has a place allows."""
    row = work.operation[i]
    start, begin, end = max(row[c.RELEASE], row[c.BOUND]), 0, 0
    for k in range(row[c.TOUCHES], row[c.TOUCHES_END]):
        lag = work.lag[work.link[k]]
        if lag[c.SECOND] == i:
            other = lag[c.FIRST]
            if lag[c.LEAST] == -FOREVER or (other >= 0 and work.operation[other, c.DONE] == 0):
                continue
            time, which = mark(work, other, lag[c.FIRST_MARK]) + lag[c.LEAST], lag[c.SECOND_MARK]
        else:
            other = lag[c.SECOND]
            if lag[c.MOST] == FOREVER or lag[c.RELAXED] or work.operation[other, c.DONE] == 0:
                continue
            time, which = mark(work, other, lag[c.SECOND_MARK]) - lag[c.MOST], lag[c.FIRST_MARK]
        if which == 0:
            start = max(start, time)
        elif which == 1:
            begin = max(begin, time)
        else:
            end = max(end, time)
    return start, begin, end


@compiled
def set_times(work: Work, i: int, way: int, carrier: int, start: int) -> None:
    """Enter mode (index within the operation's), carrier and times."""
    row = work.operation[i]
    mode = work.mode[row[c.MODES] + way]
    row[c.WAY] = way
    row[c.CARRIER] = carrier
    row[c.START] = start
    row[c.ARRIVAL] = start + move_time(work, i, way)
    row[c.BEGIN] = row[c.ARRIVAL]
    row[c.END] = row[c.BEGIN] + mode[c.DURATION]
    row[c.HOLD_START] = start
    row[c.HOLD_END] = row[c.END]
    row[c.HOLD_AMOUNT] = 0
    if mode[c.STATION] >= 0:
        station = work.resource[mode[c.STATION]]
        row[c.HOLD_AMOUNT] = station[c.CAPACITY] if station[c.BATCH] else 1
