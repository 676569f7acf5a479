"""Plans of a shop as graphs: making one from an order, its times, and what a move changes (disjunctive graph).

Heads and tails are longest paths in the graph of job and machine sequences; the makespan is the longest of all
(Balas, Oper. Res. 17, 941 (1969)).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lab.plan.search.compiled import compiled
from lab.plan.shop import tables as t

if TYPE_CHECKING:
    from lab.plan.shop.tables import Ints, Line, Shop

__all__ = ["insert", "remove", "sequence", "times"]


@compiled
def remove(line: Line, v: int) -> None:
    """Take an operation out of the sequence of its machine."""
    of, machine = line.of, line.of[t.MACHINE, v]
    before, behind = of[t.BEFORE, v], of[t.BEHIND, v]
    if before < 0:
        line.ends[t.FIRST, machine] = behind
    else:
        of[t.BEHIND, before] = behind
    if behind < 0:
        line.ends[t.LAST, machine] = before
    else:
        of[t.BEFORE, behind] = before


@compiled
def insert(shop: Shop, line: Line, v: int, way: int, before: int) -> None:
    """Put an operation behind another one on the machine of an alternative; `before` -1: first of all."""
    of, w = line.of, shop.way_at[v] + way
    machine = shop.machine[w]
    behind = line.ends[t.FIRST, machine] if before < 0 else of[t.BEHIND, before]
    of[t.WAY, v], of[t.MACHINE, v], of[t.TIME, v] = way, machine, shop.time[w]
    of[t.BEFORE, v], of[t.BEHIND, v] = before, behind
    if before < 0:
        line.ends[t.FIRST, machine] = v
    else:
        of[t.BEHIND, before] = v
    if behind < 0:
        line.ends[t.LAST, machine] = v
    else:
        of[t.BEFORE, behind] = v


@compiled
def sequence(shop: Shop, line: Line, ways: Ints, keys: Ints) -> None:
    """The plan that takes, of the operations whose predecessors are taken, the one with the least key."""
    count = keys.shape[0]
    waits = np.zeros(count, np.int64)
    waiting = np.zeros(count, np.int64)
    line.ends[:] = -1
    size = 0
    for v in range(count):
        waits[v] = shop.before_at[v + 1] - shop.before_at[v]
        if waits[v] == 0:
            waiting[size] = v
            size += 1
    while size > 0:
        at = 0
        for n in range(1, size):
            if keys[waiting[n]] < keys[waiting[at]]:
                at = n
        v = waiting[at]
        size -= 1
        waiting[at] = waiting[size]
        way = int(ways[v])
        machine = shop.machine[shop.way_at[v] + way]
        insert(shop, line, v, way, line.ends[t.LAST, machine])
        for k in range(shop.after_at[v], shop.after_at[v + 1]):
            other = shop.after[k]
            waits[other] -= 1
            if waits[other] == 0:
                waiting[size] = other
                size += 1


@compiled
def times(shop: Shop, line: Line, waits: Ints) -> int:
    """The makespan, with heads, tails and order made anew; -1 if some wait for each other. `waits` is scratch."""
    of, order = line.of, line.order
    count = order.shape[0]
    size = 0
    for v in range(count):
        waits[v] = shop.before_at[v + 1] - shop.before_at[v] + (1 if of[t.BEFORE, v] >= 0 else 0)
        if waits[v] == 0:
            order[size] = v
            size += 1
    makespan = done = 0
    while done < size:
        v = order[done]
        done += 1
        job = 0
        for k in range(shop.before_at[v], shop.before_at[v + 1]):
            u = shop.before[k]
            job = max(job, of[t.HEAD, u] + of[t.TIME, u])
        head, u = job, of[t.BEFORE, v]
        if u >= 0:
            head = max(head, of[t.HEAD, u] + of[t.TIME, u])
        of[t.JOB_HEAD, v], of[t.HEAD, v] = job, head
        makespan = max(makespan, head + of[t.TIME, v])
        for k in range(shop.after_at[v], shop.after_at[v + 1]):
            waits[shop.after[k]] -= 1
            if waits[shop.after[k]] == 0:
                order[size] = shop.after[k]
                size += 1
        u = of[t.BEHIND, v]
        if u >= 0:
            waits[u] -= 1
            if waits[u] == 0:
                order[size] = u
                size += 1
    if size < count:
        return -1
    for n in range(count - 1, -1, -1):
        v = order[n]
        job = 0
        for k in range(shop.after_at[v], shop.after_at[v + 1]):
            u = shop.after[k]
            job = max(job, of[t.TIME, u] + of[t.TAIL, u])
        tail, u = job, of[t.BEHIND, v]
        if u >= 0:
            tail = max(tail, of[t.TIME, u] + of[t.TAIL, u])
        of[t.JOB_TAIL, v], of[t.TAIL, v] = job, tail
    return makespan
