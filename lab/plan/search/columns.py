"""Tables of integers on which plans are constructed, and what their columns mean.

Few, wide tables on purpose: machine code takes each array as an argument of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

__all__ = ["NONE", "Tables", "Work"]

NONE = -1

# resource
CAPACITY, BATCH, HAS_SETUP = range(3)

# operation: what is given
JOB, RELEASE, MOVE, COMES_FROM, FETCHED_BY, FETCHES, FAMILY, OFFSET = range(8)
FIXED, FIXED_CARRIER, FIXED_START, FIXED_BEGIN, FIXED_END = range(8, 13)
CARRIERS, CARRIERS_END, MODES, MODES_END, TOUCHES, TOUCHES_END = range(13, 19)
# operation: where it is placed
WAY, CARRIER, START, BEGIN, END, ARRIVAL = range(19, 25)
DONE = 25
"""0 without a place, 1 with one, 2 if the sample stands there for ever because its fetching has no place yet."""
HOLD_START, HOLD_END, HOLD_AMOUNT = range(26, 29)
"""What it takes of its station, without the wait until it is fetched."""
BOUND = 29
"""Earliest start that was found while its segment was placed."""
POSITION = 30
"""Of the operations that are being placed: where in the order, else NONE."""
OPERATION_COLUMNS = 31

# mode
STATION, DURATION, USES, USES_END = range(4)
# use
USE_RESOURCE, USE_AMOUNT, USE_BEGIN, USE_END = range(4)
# lag; the last column is 1 for a longest time that is given up
FIRST, FIRST_MARK, SECOND, SECOND_MARK, LEAST, MOST, PENALTY, RELAXED = range(8)
# job
WEIGHT, DUE, TARDINESS = range(3)
# segment
MEMBERS, MEMBERS_END, AFTER, AFTER_END, WAITS, CLASS = range(6)


class Tables(NamedTuple):
    """A problem; rows `x[X]:x[X_END]` of `link` belong to a row of x."""

    resource: Ints
    operation: Ints
    mode: Ints
    use: Ints
    lag: Ints
    """No limit is -/+FOREVER."""
    link: Ints
    setup: Ints
    """[resource, family before, family after]; of size 0 without set-up times."""
    travel: Ints
    """[station from + 1, station to + 1], row and column 0 are storage; of size 0 without a table."""
    closed: Ints
    """Rows (resource, start, end, amount)."""
    job: Ints
    segment: Ints
    class_size: Ints
    """Samples per batch of each class of segments."""
    rows: int
    """Steps that a row of the profile may need."""


class Work(NamedTuple):
    """A plan as it grows; `operation` and `lag` are copies that carry its state."""

    resource: Ints
    operation: Ints
    mode: Ints
    use: Ints
    lag: Ints
    link: Ints
    setup: Ints
    travel: Ints
    profile: Ints
    """What is taken: [resource, 0 time | 1 amount, step]; `size[resource, 0]` steps count."""
    visit: Ints
    """Visits of stations with set-up times: [resource, 0 start | 1 end | 2 family, visit]."""
    size: Ints
    """[resource, 0 steps of the profile | 1 visits]."""
