"""Dispatching rules for shops: what every plan has to be at least as good as.

Operations are taken in the order of time. Of those that could start first (non-delay), or before the first of them
would end (active; Giffler and Thompson, Oper. Res. 8, 487 (1960)), the rule takes one: first come first served,
shortest processing time, most work remaining, most operations remaining, or longest processing time. Where there are
several machines, the one on which it ends first. Between equals the one with the smaller number goes first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lab.plan.search.compiled import compiled

if TYPE_CHECKING:
    from lab.plan.shop.tables import Ints, Shop

__all__ = ["RULES", "dispatch"]

FIRST_COME, SHORTEST, MOST_WORK, MOST_OPERATIONS, LONGEST = range(5)
RULES = 5
"""Rules are numbers below this one."""


@compiled
def _key(shop: Shop, rule: int, v: int, ready: int, time: int) -> int:
    if rule == FIRST_COME:
        return ready
    if rule == SHORTEST:
        return time
    if rule == MOST_WORK:
        return -shop.left[0, v]
    if rule == MOST_OPERATIONS:
        return -shop.left[1, v]
    return -time


@compiled
def dispatch(shop: Shop, rule: int, active: bool, taken: Ints) -> int:
    """The makespan of a rule's plan. `taken` gets the rows (operation, alternative, start) in its order."""
    count = shop.way_at.shape[0] - 1
    free = np.zeros(shop.machines, np.int64)
    ready = np.zeros(count, np.int64)
    waits = np.zeros(count, np.int64)
    waiting = np.zeros(count, np.int64)
    way, start, end = (
        np.zeros(count, np.int64),
        np.zeros(count, np.int64),
        np.zeros(count, np.int64),
    )
    size = 0
    for v in range(count):
        waits[v] = shop.before_at[v + 1] - shop.before_at[v]
        if waits[v] == 0:
            waiting[size] = v
            size += 1
    makespan = 0
    for step in range(count):
        soonest = ends = -1
        for n in range(size):
            v = waiting[n]
            way[v] = -1
            for w in range(shop.way_at[v], shop.way_at[v + 1]):
                begin = max(ready[v], free[shop.machine[w]])
                if way[v] < 0 or begin + shop.time[w] < end[v]:
                    way[v], start[v], end[v] = w, begin, begin + shop.time[w]
            if soonest < 0 or start[v] < start[soonest]:
                soonest = v
            if ends < 0 or end[v] < end[ends] or (end[v] == end[ends] and v < ends):
                ends = v
        best = at = -1
        key = 0
        for n in range(size):
            v = waiting[n]
            if active:
                if shop.machine[way[v]] != shop.machine[way[ends]]:
                    continue
                if v != ends and start[v] >= max(end[ends], start[soonest] + 1):
                    continue
            elif start[v] != start[soonest]:
                continue
            worth = _key(shop, rule, v, int(ready[v]), int(end[v] - start[v]))
            if best < 0 or worth < key or (worth == key and v < best):
                best, at, key = v, n, worth
        taken[step, 0], taken[step, 1], taken[step, 2] = (
            best,
            way[best] - shop.way_at[best],
            start[best],
        )
        free[shop.machine[way[best]]] = end[best]
        makespan = max(makespan, end[best])
        size -= 1
        waiting[at] = waiting[size]
        for k in range(shop.after_at[best], shop.after_at[best + 1]):
            other = shop.after[k]
            ready[other] = max(ready[other], end[best])
            waits[other] -= 1
            if waits[other] == 0:
                waiting[size] = other
                size += 1
    return makespan
