"""Moves of critical operations, and what they would be worth.

Within a machine an operation goes to an end of its block on the critical path, or an end of the block goes inside
(N5: Nowicki and Smutnicki, Manage. Sci. 42, 797 (1996); N6: Balas and Vazacopoulos, Manage. Sci. 44, 262 (1998); N7:
Zhang et al., Comput. Oper. Res. 34, 3229 (2007)). To another machine it goes where no cycle can come of it
(Mastrolilli and Gambardella, J. Sched. 3, 3 (2000)). Estimates look at the moved operations only, so the makespan may
come out higher.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.plan.search.compiled import compiled
from lab.plan.shop import tables as t

if TYPE_CHECKING:
    from lab.plan.shop.tables import Ints, Line, Shop

__all__ = [
    "ahead",
    "behind",
    "best_place",
    "can_go_ahead",
    "can_go_behind",
    "chance",
    "critical_path",
]


@compiled
def chance(state: Ints, below: int) -> int:
    """A random number from 0 (Park and Miller, Commun. ACM 31, 1192 (1988)); `state` is one number."""
    state[0] = state[0] * 48271 % 2147483647
    return state[0] % below


@compiled
def critical_path(shop: Shop, line: Line, makespan: int, random: Ints, path: Ints) -> int:
    """Fills `path` from its end with one of the longest paths, chosen by chance; where it begins in there."""
    of, count = line.of, line.order.shape[0]
    v, seen = -1, 0
    for u in range(count):
        if of[t.HEAD, u] + of[t.TIME, u] == makespan:
            seen += 1
            if chance(random, seen) == 0:
                v = u
    at = count
    while v >= 0:
        at -= 1
        path[at] = v
        head, next_one, seen = of[t.HEAD, v], -1, 0
        u = of[t.BEFORE, v]
        if u >= 0 and of[t.HEAD, u] + of[t.TIME, u] == head:
            next_one, seen = u, 1
        if of[t.JOB_HEAD, v] == head:
            for k in range(shop.before_at[v], shop.before_at[v + 1]):
                u = shop.before[k]
                if of[t.HEAD, u] + of[t.TIME, u] == head:
                    seen += 1
                    if seen == 1 or chance(random, seen) == 0:
                        next_one = u
        v = next_one
    return at


@compiled
def _waits_for(shop: Shop, v: int, u: int) -> bool:
    found = False
    for k in range(shop.before_at[v], shop.before_at[v + 1]):
        found = found or shop.before[k] == u
    return found


@compiled
def can_go_behind(shop: Shop, line: Line, u: int, v: int) -> bool:
    """Whether surely no path goes from what follows u in its job to v."""
    of, tail = line.of, -1
    for k in range(shop.after_at[u], shop.after_at[u + 1]):
        tail = max(tail, of[t.TAIL, shop.after[k]])
    return of[t.TIME, v] + of[t.TAIL, v] > tail and not _waits_for(shop, v, u)


@compiled
def can_go_ahead(shop: Shop, line: Line, u: int, v: int) -> bool:
    """Whether surely no path goes from u to what precedes v in its job."""
    of, head = line.of, -1
    for k in range(shop.before_at[v], shop.before_at[v + 1]):
        head = max(head, of[t.HEAD, shop.before[k]])
    return of[t.HEAD, u] + of[t.TIME, u] > head and not _waits_for(shop, v, u)


@compiled
def behind(line: Line, u: int, v: int, head: Ints) -> int:
    """Longest path through u and those up to v on its machine once u is behind v. `head` is scratch."""
    of = line.of
    end, x = 0, of[t.BEFORE, u]
    if x >= 0:
        end = of[t.HEAD, x] + of[t.TIME, x]
    x = u
    while x != v:
        x = of[t.BEHIND, x]
        head[x] = max(of[t.JOB_HEAD, x], end)
        end = head[x] + of[t.TIME, x]
    tail, x = of[t.JOB_TAIL, u], of[t.BEHIND, v]
    if x >= 0:
        tail = max(tail, of[t.TIME, x] + of[t.TAIL, x])
    tail += of[t.TIME, u]
    longest = max(of[t.JOB_HEAD, u], end) + tail
    x = v
    while x != u:
        tail = of[t.TIME, x] + max(of[t.JOB_TAIL, x], tail)
        longest = max(longest, head[x] + tail)
        x = of[t.BEFORE, x]
    return longest


@compiled
def ahead(line: Line, u: int, v: int, tails: Ints) -> int:
    """Longest path through v and those down to u on its machine once v is ahead of u. `tails` is scratch."""
    of = line.of
    tail, x = 0, of[t.BEHIND, v]
    if x >= 0:
        tail = of[t.TIME, x] + of[t.TAIL, x]
    x = v
    while x != u:
        x = of[t.BEFORE, x]
        tail = of[t.TIME, x] + max(of[t.JOB_TAIL, x], tail)
        tails[x] = tail
    head, x = of[t.JOB_HEAD, v], of[t.BEFORE, u]
    if x >= 0:
        head = max(head, of[t.HEAD, x] + of[t.TIME, x])
    longest = head + of[t.TIME, v] + max(of[t.JOB_TAIL, v], tail)
    end = head + of[t.TIME, v]
    x = u
    while x != v:
        head = max(of[t.JOB_HEAD, x], end)
        longest = max(longest, head + tails[x])
        end = head + of[t.TIME, x]
        x = of[t.BEHIND, x]
    return longest


@compiled
def best_place(shop: Shop, line: Line, v: int, w: int, random: Ints) -> tuple[int, int]:
    """Of an alternative on another machine: (longest path through v there, what it is put behind; -2: no place)."""
    of = line.of
    machine, time = shop.machine[w], shop.time[w]
    early = late = -1
    for k in range(shop.before_at[v], shop.before_at[v + 1]):
        early = max(early, of[t.HEAD, shop.before[k]])
    for k in range(shop.after_at[v], shop.after_at[v + 1]):
        late = max(late, of[t.TAIL, shop.after[k]])
    # from the last one that must stay before v to the first one that must stay behind it
    least, found, seen = 0, -2, 0
    x = line.ends[t.LAST, machine]
    while x >= 0 and of[t.HEAD, x] + of[t.TIME, x] > early and not _waits_for(shop, v, x):
        x = of[t.BEFORE, x]
    while x != -2:
        if x >= 0 and not (of[t.TIME, x] + of[t.TAIL, x] > late and not _waits_for(shop, x, v)):
            break
        y = line.ends[t.FIRST, machine] if x < 0 else of[t.BEHIND, x]
        head, tail = of[t.JOB_HEAD, v], of[t.JOB_TAIL, v]
        if x >= 0:
            head = max(head, of[t.HEAD, x] + of[t.TIME, x])
        if y >= 0:
            tail = max(tail, of[t.TIME, y] + of[t.TAIL, y])
        longest = head + time + tail
        if found == -2 or longest < least:
            least, found, seen = longest, x, 1
        elif longest == least:
            seen += 1
            if chance(random, seen) == 0:
                found = x
        x = y if y >= 0 else -2
    return least, found
