"""Tabu search on a shop's plan (Glover, ORSA J. Comput. 1, 190 (1989)).

Each step makes the best estimated move of an operation on a critical path that is not forbidden; forbidden is to
bring two operations of a machine back into an order that was left, or one to a machine that it left, for a number of
steps that chance varies.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lab.plan.search.compiled import compiled
from lab.plan.shop import tables as t
from lab.plan.shop.line import insert, remove, times
from lab.plan.shop.moves import (
    ahead,
    behind,
    best_place,
    can_go_ahead,
    can_go_behind,
    chance,
    critical_path,
)

if TYPE_CHECKING:
    from lab.plan.shop.tables import Ints, Line, Shop

__all__ = ["Memory", "new_memory", "restart", "walk"]

# `Memory.tally`
STEP, STALE, LEAST, NOW, TENURE = range(5)
# rows of `Memory.best`
BEST_WAY, BEST_START, BEST_RANK = range(3)
# rows of `Memory.scratch`
_PATH, _TIMES, _WAITS = range(3)
# `_Choice`
_WORTH, _OPERATION, _WAY, _BEFORE, _SEEN = range(5)

_PAIRS = 1 << 21
"""Places for forbidden orders; two that share one are both forbidden, which does no harm."""


class Memory(NamedTuple):
    """What the search knows beside its plan."""

    pairs: Ints
    """Until which step an operation may not be put before another one."""
    gone: Ints
    """[operation, machine] until which step it may not come back."""
    tally: Ints
    """The present step, steps since this walk's best plan, the makespan of that and of the present one, tenure."""
    best: Ints
    """Its best plan: alternatives, starts, and the ranks of operations in an order that makes it."""
    random: Ints
    scratch: Ints


def new_memory(shop: Shop, seed: int) -> Memory:
    """For one search after the other; the same seed gives the same walks."""
    count = shop.way_at.shape[0] - 1
    size = 1
    while size < min(count * count, _PAIRS):
        size *= 2
    return Memory(
        np.zeros(size, dtype=np.int64),
        np.zeros((count, shop.machines), dtype=np.int64),
        np.zeros(5, dtype=np.int64),
        np.zeros((3, count), dtype=np.int64),
        np.array([seed % 2147483646 + 1], dtype=np.int64),
        np.zeros((3, count), dtype=np.int64),
    )


@compiled
def restart(shop: Shop, line: Line, memory: Memory) -> int:
    """Begin a walk at a plan; its makespan."""
    makespan = times(shop, line, memory.scratch[_WAITS])
    # far enough that nothing is forbidden any more
    memory.tally[STEP] += 1 << 20
    memory.tally[NOW] = makespan
    memory.tally[TENURE] = 10 + line.order.shape[0] // (shop.machines * shop.machines)
    _keep(line, memory, makespan)
    return makespan


@compiled
def _keep(line: Line, memory: Memory, makespan: int) -> None:
    memory.tally[LEAST] = makespan
    memory.tally[STALE] = 0
    for n in range(line.order.shape[0]):
        v = line.order[n]
        memory.best[BEST_RANK, v] = n
        memory.best[BEST_WAY, v] = line.of[t.WAY, v]
        memory.best[BEST_START, v] = line.of[t.HEAD, v]


@compiled
def _pair(memory: Memory, u: int, v: int) -> int:
    return (u * memory.best.shape[1] + v) & (memory.pairs.shape[0] - 1)


@compiled
def _offer(
    memory: Memory, choice: Ints, worth: int, forbidden: bool, v: int, way: int, before: int
) -> None:
    """Take a move if it is the best so far; forbidden ones only where no other is, or for a new best plan."""
    if forbidden and worth >= memory.tally[LEAST]:
        # far behind all that are allowed, and among themselves by chance
        worth = (1 << 40) + chance(memory.random, 1 << 20)
    if choice[_SEEN] == 0 or worth < choice[_WORTH]:
        choice[_SEEN] = 1
    elif worth == choice[_WORTH]:
        choice[_SEEN] += 1
        if chance(memory.random, choice[_SEEN]) != 0:
            return
    else:
        return
    choice[_WORTH], choice[_OPERATION], choice[_WAY], choice[_BEFORE] = worth, v, way, before


@compiled
def _offer_behind(shop: Shop, line: Line, memory: Memory, choice: Ints, u: int, v: int) -> None:
    if not can_go_behind(shop, line, u, v):
        return
    forbidden, x = False, u
    while x != v and not forbidden:
        x = line.of[t.BEHIND, x]
        forbidden = memory.pairs[_pair(memory, x, u)] > memory.tally[STEP]
    worth = behind(line, u, v, memory.scratch[_TIMES])
    _offer(memory, choice, worth, forbidden, u, line.of[t.WAY, u], v)


@compiled
def _offer_ahead(shop: Shop, line: Line, memory: Memory, choice: Ints, u: int, v: int) -> None:
    if not can_go_ahead(shop, line, u, v):
        return
    forbidden, x = False, v
    while x != u and not forbidden:
        x = line.of[t.BEFORE, x]
        forbidden = memory.pairs[_pair(memory, v, x)] > memory.tally[STEP]
    worth = ahead(line, u, v, memory.scratch[_TIMES])
    _offer(memory, choice, worth, forbidden, v, line.of[t.WAY, v], line.of[t.BEFORE, u])


@compiled
def _offer_block(
    shop: Shop, line: Line, memory: Memory, choice: Ints, block: Ints, opens: bool, closes: bool
) -> None:
    """`opens`, `closes`: something of the critical path is before or behind the block."""
    last = block.shape[0] - 1
    if closes:
        for i in range(last):
            _offer_behind(shop, line, memory, choice, block[i], block[last])
        for i in range(1, last - 1):
            _offer_ahead(shop, line, memory, choice, block[i], block[last])
    if opens:
        for i in range(2 if last == 1 and closes else 1, last + 1):
            _offer_ahead(shop, line, memory, choice, block[0], block[i])
        for i in range(2, last):
            _offer_behind(shop, line, memory, choice, block[0], block[i])


@compiled
def _offer_machines(shop: Shop, line: Line, memory: Memory, choice: Ints, v: int) -> None:
    for w in range(shop.way_at[v], shop.way_at[v + 1]):
        machine, way = shop.machine[w], w - shop.way_at[v]
        if machine == line.of[t.MACHINE, v]:
            continue
        worth, before = best_place(shop, line, v, w, memory.random)
        if before != -2:
            forbidden = memory.gone[v, machine] > memory.tally[STEP]
            _offer(memory, choice, worth, forbidden, v, way, before)


@compiled
def _move(shop: Shop, line: Line, memory: Memory, v: int, way: int, before: int) -> None:
    """Make a move, and forbid to take it back."""
    of, machine = line.of, line.of[t.MACHINE, v]
    until = memory.tally[STEP] + memory.tally[TENURE]
    until += chance(memory.random, memory.tally[TENURE] // 2 + 1)
    if shop.machine[shop.way_at[v] + way] != machine:
        memory.gone[v, machine] = until
    else:
        x, found = of[t.BEHIND, v], False
        while x >= 0 and before >= 0:
            if x == before:
                found = True
                break
            x = of[t.BEHIND, x]
        if found:
            x = v
            while x != before:
                x = of[t.BEHIND, x]
                memory.pairs[_pair(memory, v, x)] = until
        else:
            x = of[t.BEFORE, v]
            while x != before:
                memory.pairs[_pair(memory, x, v)] = until
                x = of[t.BEFORE, x]
    remove(line, v)
    insert(shop, line, v, way, before)


@compiled
def walk(shop: Shop, line: Line, memory: Memory, steps: int, enough: int) -> bool:
    """So many steps, or until the makespan is at most `enough`; False where no move is left."""
    count, path = line.order.shape[0], memory.scratch[_PATH]
    choice = np.zeros(5, np.int64)
    for _ in range(steps):
        if memory.tally[LEAST] <= enough:
            return True
        first = critical_path(shop, line, memory.tally[NOW], memory.random, path)
        choice[:] = 0
        i = first
        while i < count:
            j = i + 1
            while j < count and line.of[t.BEFORE, path[j]] == path[j - 1]:
                j += 1
            if j - i > 1:
                _offer_block(shop, line, memory, choice, path[i:j], i > first, j < count)
            i = j
        for i in range(first, count):
            if shop.way_at[path[i] + 1] - shop.way_at[path[i]] > 1:
                _offer_machines(shop, line, memory, choice, path[i])
        if choice[_SEEN] == 0:
            return False
        memory.tally[STEP] += 1
        memory.tally[STALE] += 1
        _move(shop, line, memory, choice[_OPERATION], choice[_WAY], choice[_BEFORE])
        makespan = times(shop, line, memory.scratch[_WAITS])
        memory.tally[NOW] = makespan
        if makespan < memory.tally[LEAST]:
            _keep(line, memory, makespan)
    return True
