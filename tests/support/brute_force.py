"""The best plan of a tiny problem by trying all of them, and tiny problems to try that on.

Every start from 0 to a horizon, every mode and every carrier; what cannot be is dropped as soon as two operations show
it, and what is left is played by the checker. Nothing of the planner is used but the problem and the score.
"""

from __future__ import annotations

import random
from itertools import product
from typing import TYPE_CHECKING

from lab.plan.model.problem import Closed, Job, Lag, Mode, Operation, Problem, Resource, Use
from lab.plan.model.solution import Placed, score
from tests.support.plan_checker import violations

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lab.plan.model.solution import Score

__all__ = ["best_score", "tiny_problem"]

ARM, PERSON, OVEN, BENCH = range(4)


def tiny_problem(seed: int) -> Problem:
    """Two samples with two operations each, of one to three time units: holds, blocking, batches, people by chance."""
    chance = random.Random(seed)
    resources = (
        Resource("arm", closed=_break(chance, 0.1)),
        Resource("person", closed=_break(chance, 0.5)),
        Resource("oven", 2, batch=True) if chance.random() < 0.5 else Resource("oven", closed=_break(chance, 0.3)),
        Resource("bench", chance.choice((1, 2))),
    )  # fmt: skip
    operations: list[Operation] = []
    lags: list[Lag] = []
    blocking, carried = chance.random() < 0.4, chance.random() < 0.7
    for job in range(2):
        stations = [OVEN, BENCH]
        chance.shuffle(stations)
        for position, station in enumerate(stations):
            uses = (Use(PERSON),) if station == BENCH and chance.random() < 0.4 else ()
            modes = [Mode(station, chance.randint(1, 3), uses)]
            if station == BENCH and chance.random() < 0.3:
                modes.append(Mode(station, modes[0].duration + 1))
            number = len(operations)
            operations.append(
                Operation(
                    job,
                    f"{job}.{position}",
                    tuple(modes),
                    carriers=(ARM,) if carried else (),
                    move=1 if carried else 0,
                    comes_from=number - 1 if position else None,
                    fetched_by=number + 1 if blocking and not position else None,
                    programme=chance.choice("ab") if station == OVEN else "",
                    release=chance.choice((0, 0, 2)) if not position else 0,
                )
            )
        first = len(operations) - 2
        lags.append(Lag(first, first + 1, chance.choice((0, 0, 1))))
        if chance.random() < 0.6:
            most = chance.randint(1, 3)
            penalty = chance.choice((0, 0, 4))
            lags.append(Lag(first, first + 1, None, most, "end", "begin", penalty, name="hold"))
    jobs = tuple(
        Job(f"sample {n}", chance.choice((0, 1, 3)), chance.choice((None, 5)), 2) for n in range(2)
    )
    return Problem(f"tiny {seed}", resources, tuple(operations), tuple(lags), jobs)


def _break(chance: random.Random, often: float) -> tuple[Closed, ...]:
    if chance.random() >= often:
        return ()
    start = chance.randint(0, 5)
    return (Closed(start, start + chance.randint(1, 3), 1),)


def best_score(problem: Problem, horizon: int) -> Score | None:
    """The least score of all plans that end by the horizon; None where there is none."""
    options = [
        list(_options(problem, number, horizon)) for number in range(len(problem.operations))
    ]
    best: Score | None = None
    placed: list[Placed] = []

    def look(number: int) -> None:
        nonlocal best
        if number == len(problem.operations):
            worth = score(problem, placed)
            if (best is None or worth < best) and not violations(
                problem, placed, broken_lags_allowed=True
            ):
                best = worth
            return
        for place in options[number]:
            if _fits(problem, placed, number, place):
                placed.append(place)
                look(number + 1)
                placed.pop()

    look(0)
    return best


def _options(problem: Problem, number: int, horizon: int) -> Iterator[Placed]:
    op = problem.operations[number]
    for mode, carrier, start in product(
        range(len(op.modes)), op.carriers or (None,), range(op.release, horizon)
    ):
        arrival = start + (op.move if op.carriers else 0)
        station = op.modes[mode].station
        waits = station is not None and problem.resources[station].batch
        for begin in range(arrival, horizon if waits else arrival + 1):
            if begin + op.modes[mode].duration <= horizon:
                yield Placed(mode, carrier, start, begin, begin + op.modes[mode].duration)


def _fits(problem: Problem, placed: list[Placed], number: int, place: Placed) -> bool:
    """What two operations alone show: who is carried at once, and who begins before what it needs."""
    op = problem.operations[number]
    for other, there in enumerate(placed):
        if place.carrier is not None and place.carrier == there.carrier:
            move, before = op.move, problem.operations[other].move
            if place.start < there.start + before and there.start < place.start + move:
                return False
    return not any(
        lag.second == number
        and lag.least is not None
        and place.at(lag.second_mark) - placed[lag.first].at(lag.first_mark) < lag.least
        for lag in problem.lags
        if 0 <= lag.first < number
    )
