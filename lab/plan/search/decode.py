"""From keys to a plan: which segment is placed next, and when a batch is full enough (serial schedule generation).

The next segment is the one with the least `weight * ready + key` of those whose predecessors have a place, where
`ready` is the earliest time that these allow (Kolisch, Eur. J. Oper. Res. 90, 320 (1996); random keys: Bean, ORSA J.
Comput. 6, 154 (1994)). With weight 1 and keys 0 that is first come, first served; with weight 0 the keys are an
order. Batches wait for a full load, but no longer than the patience of their programme after the first sample; and
what they did is unloaded after a rest, in which the next batch may be loaded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lab.plan.model.problem import FOREVER
from lab.plan.search import columns as c
from lab.plan.search.board import begin_work, mark
from lab.plan.search.compiled import compiled
from lab.plan.search.place import place

if TYPE_CHECKING:
    from lab.plan.search.columns import Ints, Tables, Work

__all__ = ["decode"]


@compiled
def _ready(work: Work, members: Ints) -> int:
    """Earliest start of a segment, from what it waits for."""
    ready = 0
    for i in members:
        row = work.operation[i]
        ready = max(ready, row[c.RELEASE] - row[c.OFFSET])
        for k in range(row[c.TOUCHES], row[c.TOUCHES_END]):
            lag = work.lag[work.link[k]]
            other = lag[c.FIRST]
            if lag[c.SECOND] != i or other < 0 or lag[c.LEAST] == -FOREVER:
                continue
            if work.operation[other, c.DONE]:
                time = mark(work, other, lag[c.FIRST_MARK]) + lag[c.LEAST] - row[c.OFFSET]
                ready = max(ready, time)
    return ready


@compiled
def _batch(
    segment: Ints, room: int, kind: int, state: Ints, patience: int, waited_for: int, chosen: Ints
) -> tuple[int, int]:
    """When a batch of a class is worth running, and how many of `chosen` it takes (by priority).

    `state` has rows (0 waiting, 1 open, 2 failed, 3 placed; priority).
    """
    count = 0
    for s in range(state.shape[0]):
        if state[s, 0] != 1 or segment[s, c.CLASS] != kind:
            continue
        at = count
        while at > 0 and state[chosen[at - 1], 1] > state[s, 1]:
            chosen[at] = chosen[at - 1]
            at -= 1
        chosen[at] = s
        count += 1
    if count == 0:
        return FOREVER, 0
    limit = state[chosen[0], 1] + patience
    last = min(count, room) - 1
    time = state[chosen[last], 1]
    if time > limit:
        while state[chosen[last], 1] > limit:
            last -= 1
        return limit, last + 1
    return time if count >= room or waited_for == 0 else limit, last + 1


@compiled
def _in_batch(work: Work, i: int) -> bool:
    station = work.mode[work.operation[i, c.MODES], c.STATION]
    return station >= 0 and work.resource[station, c.BATCH] == 1


@compiled
def _order(
    work: Work, segment: Ints, chosen: Ints, count: int, batch: bool, order: Ints
) -> tuple[int, int, int]:
    """Operations before the batch of all members, the batch, what follows; (all, batch from, to)."""
    total = first = last = 0
    for part in range(3):
        for n in range(count):
            seen = not batch
            for k in range(segment[chosen[n], c.MEMBERS], segment[chosen[n], c.MEMBERS_END]):
                i = work.link[k]
                here = 1 if not seen and _in_batch(work, i) else 2 if seen else 0
                seen = seen or here == 1
                if here == part:
                    order[total] = i
                    total += 1
        if part == 0:
            first = total
        elif part == 1:
            last = total
    return total, first, last


@compiled
def _score(work: Work, job: Ints) -> tuple[int, int, int]:
    ends = np.zeros(job.shape[0], np.int64)
    for i in range(work.operation.shape[0]):
        number = work.operation[i, c.JOB]
        ends[number] = max(ends[number], work.operation[i, c.END])
    broken, cost, makespan = 0, 0, 0
    for j in range(job.shape[0]):
        late = max(0, ends[j] - job[j, c.DUE])
        cost += job[j, c.WEIGHT] * ends[j] + job[j, c.TARDINESS] * late
        makespan = max(makespan, ends[j])
    for k in range(work.lag.shape[0]):
        lag = work.lag[k]
        before = mark(work, lag[c.FIRST], lag[c.FIRST_MARK])
        took = mark(work, lag[c.SECOND], lag[c.SECOND_MARK]) - before
        over = max(0, took - lag[c.MOST], lag[c.LEAST] - took)
        if lag[c.PENALTY] > 0:
            cost += lag[c.PENALTY] * over
        else:
            broken += over
    return broken, cost, makespan


@compiled
def decode(
    tables: Tables, weight: int, keys: Ints, patience: Ints
) -> tuple[Ints, tuple[int, int, int]]:
    """Rows (mode, carrier, start, begin, end, has a place) of all operations, and the score.

    `keys` has one key per segment, `patience` two times per class of batches: the patience and the rest. A segment without a place is tried
    again after each other one; if none of those left fits, they stay without.
    """
    segment, classes = tables.segment, tables.class_size.shape[0]
    work = begin_work(tables)
    count = segment.shape[0]
    feeding = np.zeros(classes + 1, np.int64)
    state = np.zeros((count, 2), np.int64)
    waits = np.zeros(count, np.int64)
    solo = np.zeros(count, np.int64)
    room = tables.class_size.copy()
    chosen = np.zeros(count + 1, np.int64)
    order = np.zeros(work.operation.shape[0] + 1, np.int64)
    pushes = np.zeros(3, np.int64)
    for s in range(count):
        waits[s] = segment[s, c.WAITS]
        if waits[s] == 0:
            members = work.link[segment[s, c.MEMBERS] : segment[s, c.MEMBERS_END]]
            state[s, 0] = 1
            state[s, 1] = weight * _ready(work, members) + keys[s]
        elif segment[s, c.CLASS] >= 0:
            feeding[segment[s, c.CLASS]] += 1
    while True:
        best, time, kind = -1, FOREVER, -1
        for s in range(count):
            if state[s, 0] == 1 and segment[s, c.CLASS] < 0 and state[s, 1] < time:
                best, time = s, state[s, 1]
        for k in range(classes):
            when, size = _batch(segment, room[k], k, state, patience[0, k], feeding[k], chosen)
            if size and when < time:
                best, time, kind = chosen[0], when, k
        if best < 0:
            break
        size = 1
        chosen[0] = best
        if kind >= 0:
            _, size = _batch(
                segment, room[kind], kind, state, patience[0, kind], feeding[kind], chosen
            )
            for n in range(size):
                if solo[chosen[n]]:
                    size = max(1, n)
                    break
        total, first, last = _order(work, segment, chosen, size, kind >= 0, order)
        if kind < 0:
            first = last = 0
        rest = patience[1, kind] if kind >= 0 else 0
        placed = place(work, order, total, first, last, rest, pushes)
        if placed < 0:
            # so many cannot be unloaded in time: from now on fewer
            room[kind] = max(1, size // 2)
            continue
        if placed == 0:
            # of several, one may be in the way of the others: they are tried one by one
            if size == 1:
                state[best, 0] = 2
            for n in range(size):
                solo[chosen[n]] = 1
            continue
        for n in range(size):
            s = chosen[n]
            state[s, 0] = 3
            for k in range(segment[s, c.AFTER], segment[s, c.AFTER_END]):
                a = work.link[k]
                waits[a] -= 1
                if waits[a] == 0:
                    members = work.link[segment[a, c.MEMBERS] : segment[a, c.MEMBERS_END]]
                    state[a, 0] = 1
                    state[a, 1] = weight * _ready(work, members) + keys[a]
                    if segment[a, c.CLASS] >= 0:
                        feeding[segment[a, c.CLASS]] -= 1
        for s in range(count):
            solo[s] = 0
            if state[s, 0] == 2:
                state[s, 0] = 1
    result = np.zeros((work.operation.shape[0], 6), np.int64)
    for i in range(result.shape[0]):
        result[i, :5] = work.operation[i, c.WAY : c.END + 1]
        result[i, 5] = work.operation[i, c.DONE]
    return result, _score(work, tables.job)
