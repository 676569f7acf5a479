"""What is taken of each resource over time, as step functions in arrays.

`profile[r, 1, k]` is taken of resource r from `profile[r, 0, k]` until before `profile[r, 0, k + 1]`, the last step
for ever; the first step begins at 0, and `size[r, 0]` steps count. Stations with set-up times also keep their
visits in order: `visit[r, 0 | 1 | 2, k]` is start, end and family, `size[r, 1]` of them count.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.plan.model.problem import FOREVER
from lab.plan.search.compiled import compiled

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

__all__ = ["add", "drop_visit", "fit", "fit_visit", "free_after", "put_visit", "visit_free_after"]


@compiled
def _step_at(times: Ints, size: int, time: int) -> int:
    """The step in which a time is."""
    low, high = 0, size
    while high - low > 1:
        middle = (low + high) // 2
        if times[middle] <= time:
            low = middle
        else:
            high = middle
    return low


@compiled
def _split(profile: Ints, size: Ints, resource: int, time: int) -> int:
    """The step that begins at a time, made if there is none."""
    row, level, count = profile[resource, 0], profile[resource, 1], size[resource, 0]
    step = _step_at(row, count, time)
    if row[step] == time:
        return step
    for k in range(count, step + 1, -1):
        row[k] = row[k - 1]
        level[k] = level[k - 1]
    row[step + 1] = time
    level[step + 1] = level[step]
    size[resource, 0] = count + 1
    return step + 1


@compiled
def _merge(profile: Ints, size: Ints, resource: int, step: int) -> None:
    """Forget a step that is like the one before."""
    row, level, count = profile[resource, 0], profile[resource, 1], size[resource, 0]
    if 0 < step < count and level[step] == level[step - 1]:
        for k in range(step, count - 1):
            row[k] = row[k + 1]
            level[k] = level[k + 1]
        size[resource, 0] = count - 1


@compiled
def add(profile: Ints, size: Ints, resource: int, start: int, end: int, amount: int) -> None:
    """Take an amount from `start` until before `end`; a negative amount gives it back."""
    start = max(start, 0)
    if end <= start or amount == 0:
        return
    first = _split(profile, size, resource, start)
    last = size[resource, 0]
    if end < FOREVER:
        last = _split(profile, size, resource, end)
    for k in range(first, last):
        profile[resource, 1, k] += amount
    if end < FOREVER:
        _merge(profile, size, resource, last)
    _merge(profile, size, resource, first)


@compiled
def fit(
    profile: Ints,
    size: Ints,
    capacity: int,
    resource: int,
    ready: int,
    length: int,
    amount: int,
) -> int:
    """The first start from `ready` on at which an amount is free for that long; FOREVER if there is none.

    Of an amount below 0, so much has to be taken.
    """
    if length <= 0:
        return ready
    limit, least = capacity - amount, -amount if amount < 0 else -FOREVER
    row, level, count = profile[resource, 0], profile[resource, 1], size[resource, 0]
    step = _step_at(row, count, ready)
    start = ready
    while True:
        while step < count and (level[step] > limit or level[step] < least):
            step += 1
        if step == count:
            return FOREVER
        start = max(start, row[step])
        step += 1
        while step < count and row[step] < start + length and least <= level[step] <= limit:
            step += 1
        if step == count or row[step] >= start + length:
            return start


@compiled
def free_after(
    profile: Ints,
    size: Ints,
    capacity: int,
    resource: int,
    start: int,
    end: int,
    amount: int,
) -> int:
    """When the last stretch within [start, end) is over in which an amount is not free; -1 if it always is."""
    limit = capacity - amount
    if end <= start:
        return -1
    row, level, count = profile[resource, 0], profile[resource, 1], size[resource, 0]
    first = _step_at(row, count, start)
    last = _step_at(row, count, end - 1)
    for step in range(last, first - 1, -1):
        if level[step] > limit:
            return row[step + 1] if step + 1 < count else FOREVER
    return -1


@compiled
def fit_visit(
    visit: Ints, size: Ints, setup: Ints, resource: int, ready: int, length: int, family: int
) -> int:
    """The first start with time for the set-ups before and after."""
    start = ready
    for k in range(size[resource, 1]):
        other = visit[resource, 2, k]
        if start + length + setup[resource, family, other] <= visit[resource, 0, k]:
            return start
        start = max(start, visit[resource, 1, k] + setup[resource, other, family])
    return start


@compiled
def visit_free_after(
    visit: Ints, size: Ints, setup: Ints, resource: int, start: int, end: int, family: int
) -> int:
    """When a visit that begins at `start` would have to begin, so that it can last until `end`; -1 if it can."""
    found = -1
    for k in range(size[resource, 1]):
        other, begin = visit[resource, 2, k], visit[resource, 0, k]
        if begin > start and end + setup[resource, family, other] > begin:
            found = max(found, visit[resource, 1, k] + setup[resource, other, family])
    return found


@compiled
def put_visit(visit: Ints, size: Ints, resource: int, start: int, end: int, family: int) -> None:
    """Enter a visit in its place in the order."""
    k = size[resource, 1]
    while k > 0 and visit[resource, 0, k - 1] > start:
        for column in range(3):
            visit[resource, column, k] = visit[resource, column, k - 1]
        k -= 1
    visit[resource, 0, k] = start
    visit[resource, 1, k] = end
    visit[resource, 2, k] = family
    size[resource, 1] += 1


@compiled
def drop_visit(visit: Ints, size: Ints, resource: int, start: int) -> None:
    """Take a visit out again."""
    count = size[resource, 1]
    k = 0
    while k < count and visit[resource, 0, k] != start:
        k += 1
    if k == count:
        return
    for later in range(k, count - 1):
        for column in range(3):
            visit[resource, column, later] = visit[resource, column, later + 1]
    size[resource, 1] = count - 1
