"""A scheduling problem as a laboratory has it: samples, stations, arms, batches, holds, people, stock.

Everything is an integer: times in one unit that the caller chooses (a second, 30 s, a minute), resources and
operations by their index. An operation is a move and what follows it, so a sample's path through the lab has one
entry per station:

    start           arrival = begin                 end                     fetched
      | carrier moves |  process on the station      |  (blocking) waits      |
      |<- the station has a place taken ----------------------------------------->|

- Without carriers the move takes no time, and without `fetched_by` the place is free at `end`.
- On a batch station `begin` may be later than the arrival: all samples of a batch begin together, have one
  programme, and nothing is brought or fetched while it runs.
- What is used up is a resource whose `Use` lasts for ever; a delivery in the future is a closure until then.
- An operation that restores something gives back for ever what was used up or closed: a refill, a calibration (of so
  many measurements that may be taken), a repair. The planner decides when, with the hands and hours that it needs.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "FOREVER",
    "ORIGIN",
    "STORAGE",
    "Closed",
    "Fixed",
    "Job",
    "Lag",
    "Mark",
    "Mode",
    "Operation",
    "Problem",
    "Resource",
    "Use",
]

FOREVER = 1 << 40
"""Later than every time in a problem."""
ORIGIN = -1
"""As the first operation of a lag: time zero."""
STORAGE = -1
"""In `travel`: a place outside all stations."""

Mark = Literal["start", "begin", "end"]
"""A moment of an operation: the move begins, the process begins, the process ends."""


class Closed(NamedTuple):
    """Places of a resource that cannot be used from `start` until before `end`."""

    start: int
    end: int
    amount: int


@dataclass(frozen=True, slots=True)
class Resource:
    """A station, carrier, person or stock."""

    name: str
    capacity: int = 1
    batch: bool = False
    """Synchronous: what is processed at a time begins and ends together."""
    setup: Mapping[tuple[str, str], int] = field(default_factory=dict[tuple[str, str], int])
    """(family before, family after) -> time between them; for a capacity of 1."""
    closed: tuple[Closed, ...] = ()
    """Breaks, shifts, failures, deliveries that are still to come."""


class Use(NamedTuple):
    """Something that is needed beside the station; times count from `begin`."""

    resource: int
    amount: int = 1
    """Below 0: so much is given back, and not before so much is taken or closed."""
    begin: int = 0
    end: int | None = None
    """None: to the end of the process. FOREVER: it is used up."""


class Mode(NamedTuple):
    """One way to carry an operation out."""

    station: int | None
    duration: int
    uses: tuple[Use, ...] = ()


class Fixed(NamedTuple):
    """Times that stand already: what runs, has run, or is frozen."""

    mode: int
    carrier: int | None
    start: int
    begin: int
    end: int


@dataclass(frozen=True, slots=True)
class Operation:
    """A move and a process."""

    job: int
    name: str
    modes: tuple[Mode, ...]
    carriers: tuple[int, ...] = ()
    """Any one of them brings the sample; the station has its place from the start of the move on."""
    move: int = 0
    """Time of the move, unless `Problem.travel` has it."""
    comes_from: int | None = None
    """Operation on whose station the sample is; None: in storage."""
    fetched_by: int | None = None
    """Operation whose move takes the sample off this station; until then its place stays taken."""
    programme: str = ""
    """On a batch station only equal programmes run together."""
    family: str = ""
    """Decides the set-up time of its station."""
    release: int = 0
    """Earliest start."""
    fixed: Fixed | None = None


@dataclass(frozen=True, slots=True)
class Lag:
    """least <= time of the second mark - time of the first mark <= most."""

    first: int
    second: int
    least: int | None = 0
    most: int | None = None
    first_mark: Mark = "end"
    second_mark: Mark = "start"
    penalty: int = 0
    """Cost per time unit beyond `most`; 0: it is a limit that must hold, and is reported where it cannot."""
    name: str = ""


@dataclass(frozen=True, slots=True)
class Job:
    """A sample, and what its time is worth."""

    name: str
    weight: int = 0
    """Cost per time unit until its last end."""
    due: int | None = None
    tardiness: int = 0
    """Cost per time unit that its last end is after `due`."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What is to be planned."""

    name: str
    resources: tuple[Resource, ...]
    operations: tuple[Operation, ...]
    lags: tuple[Lag, ...]
    jobs: tuple[Job, ...]
    travel: Mapping[tuple[int, int], int] = field(default_factory=dict[tuple[int, int], int])
    """(station from, station to) -> time of the move."""

    def __post_init__(self) -> None:
        _check(self)

    def move(self, operation: int, mode: int, mode_before: int) -> int:
        """Time of the move to a mode's station from where the sample was left."""
        op = self.operations[operation]
        if not op.carriers:
            return 0
        if not self.travel:
            return op.move
        here = STORAGE
        if op.comes_from is not None:
            before = self.operations[op.comes_from].modes[mode_before].station
            here = STORAGE if before is None else before
        station = op.modes[mode].station
        return self.travel.get((here, STORAGE if station is None else station), op.move)


def _check(problem: Problem) -> None:
    """ValueError for what no planner could read: indices, amounts and times that make no sense."""
    count, resources = len(problem.operations), problem.resources

    def known(index: int | None, size: int, what: str) -> None:
        if index is not None and not 0 <= index < size:
            raise ValueError(f"{problem.name}: {what} {index} is not one of 0 to {size - 1}")

    for resource in resources:
        if resource.capacity < 1:
            raise ValueError(f"{problem.name}: {resource.name} has a capacity below 1")
        if resource.setup and resource.capacity != 1:
            raise ValueError(
                f"{problem.name}: set-up times of {resource.name} need a capacity of 1"
            )
    for number, op in enumerate(problem.operations):
        where = f"operation {number} ({op.name}): "
        known(op.job, len(problem.jobs), where + "job")
        known(op.comes_from, count, where + "operation before")
        known(op.fetched_by, count, where + "operation after")
        if not op.modes:
            raise ValueError(f"{problem.name}: {where}no way to carry it out")
        for carrier in op.carriers:
            known(carrier, len(resources), where + "carrier")
        for mode in op.modes:
            known(mode.station, len(resources), where + "station")
            if mode.duration < 0 or op.move < 0:
                raise ValueError(f"{problem.name}: {where}a duration below 0")
            for use in mode.uses:
                known(use.resource, len(resources), where + "resource")
                if use.amount < 0 and (use.end is None or use.end < FOREVER):
                    raise ValueError(f"{problem.name}: {where}what is given back is so for ever")
    for lag in problem.lags:
        known(lag.second, count, "operation of a lag")
        known(None if lag.first == ORIGIN else lag.first, count, "operation of a lag")
        if lag.least is not None and lag.most is not None and lag.least > lag.most:
            raise ValueError(f"{problem.name}: lag {lag.name}: least {lag.least} > most {lag.most}")
