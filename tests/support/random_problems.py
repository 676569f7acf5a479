"""Small laboratories with everything in them, from a seed."""

from __future__ import annotations

import random

from lab.plan.model.problem import (
    FOREVER,
    Closed,
    Fixed,
    Job,
    Lag,
    Mode,
    Operation,
    Problem,
    Resource,
    Use,
)

ARM, PERSON, STOCK, OVEN, FIRST = range(5)


def random_problem(seed: int) -> Problem:
    """Two to six samples on chains of two to four stations; holds, blocking, batches and the rest by chance."""
    chance = random.Random(seed)
    arms = chance.choice((1, 1, 2))
    stations = chance.randint(2, 4)
    setups = chance.random() < 0.4
    resources = [
        Resource("arm", arms),
        Resource("person", 1, closed=_breaks(chance)),
        Resource("stock", 30, closed=(Closed(0, chance.randint(5, 40), 15),)),
        Resource("oven", chance.randint(2, 3), batch=True),
    ]
    for number in range(stations):
        setup: dict[tuple[str, str], int] = {}
        capacity = chance.choice((1, 1, 2))
        if setups and number == 0:
            capacity, setup = 1, {("a", "b"): 3, ("b", "a"): 2}
        down = _breaks(chance) if chance.random() < 0.3 else ()
        resources.append(Resource(f"station {number}", capacity, setup=setup, closed=down))
    travel: dict[tuple[int, int], int] = {}
    if chance.random() < 0.3:
        places = [-1, OVEN, *range(FIRST, FIRST + stations)]
        travel = {(a, b): chance.randint(1, 3) for a in places for b in places}
    operations: list[Operation] = []
    lags: list[Lag] = []
    jobs: list[Job] = []
    alike = chance.random() < 0.4
    shape = chance.getrandbits(32)
    for job in range(chance.randint(2, 6)):
        _sample(
            random.Random(shape if alike else chance.getrandbits(32)),
            job,
            stations,
            operations,
            lags,
        )
        due = chance.choice((None, None, 40))
        jobs.append(Job(f"sample {job}", chance.choice((0, 0, 2)), due, 3 if due else 0))
    if chance.random() < 0.3:
        first = operations[0]
        move = travel.get((-1, first.modes[0].station or 0), first.move)
        station = first.modes[0].station
        if station is not None and not resources[station].batch and not resources[station].closed:
            start = 0
            times = start, start + move, start + move + first.modes[0].duration
            if not any(use.resource in (PERSON, STOCK) for use in first.modes[0].uses):
                operations[0] = _fixed(first, Fixed(0, first.carriers[0], *times))
    return Problem(
        f"random {seed}", tuple(resources), tuple(operations), tuple(lags), tuple(jobs), travel
    )


def _fixed(op: Operation, fixed: Fixed) -> Operation:
    return Operation(
        op.job, op.name, op.modes, op.carriers, op.move, op.comes_from, op.fetched_by, op.programme,
        op.family, 0, fixed,
    )  # fmt: skip


def _breaks(chance: random.Random) -> tuple[Closed, ...]:
    start = chance.randint(0, 30)
    return (Closed(start, start + chance.randint(3, 12), 1),)


def _sample(
    chance: random.Random, job: int, stations: int, operations: list[Operation], lags: list[Lag]
) -> None:
    blocking = chance.random() < 0.5
    length = chance.randint(2, 4)
    baked = chance.random() < 0.5
    family = chance.choice("ab")
    release = chance.choice((0, 0, 7))
    for position in range(length + 1):
        number = len(operations)
        last = position == length
        oven = baked and position == 1 and not last
        station = None if last else OVEN if oven else FIRST + chance.randrange(stations)
        before = operations[-1].modes[0].station if position else None
        if station is not None and station == before:
            station = FIRST + (station - FIRST + 1) % stations
        duration = 0 if last else 12 if oven else chance.randint(1, 9)
        uses: list[Use] = []
        if not last and not oven and chance.random() < 0.3:
            uses.append(Use(PERSON, 1, 0, min(2, duration)))
        if not last and not oven and chance.random() < 0.3:
            uses.append(Use(STOCK, 1, 0, FOREVER))
        modes = [Mode(station, duration, tuple(uses))]
        if not last and not oven and chance.random() < 0.25:
            other = FIRST + (modes[0].station or FIRST) % stations
            if other != before and other != station:
                modes.append(Mode(other, duration + 2, tuple(uses)))
        operations.append(
            Operation(
                job=job,
                name=f"{job}.{position}",
                modes=tuple(modes),
                carriers=(ARM,),
                move=1,
                comes_from=number - 1 if position else None,
                fetched_by=number + 1 if blocking and not last else None,
                programme=chance.choice("xy") if oven else "",
                family=family,
                release=release if position == 0 else 0,
            )
        )
        if position:
            lags.append(Lag(number - 1, number))
            if chance.random() < 0.3:
                most = chance.randint(3, 12)
                lags.append(Lag(number - 1, number, None, most, "end", "begin", name="hold"))
