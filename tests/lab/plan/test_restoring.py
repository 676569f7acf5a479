"""Operations that restore something: refills, calibrations, repairs; played by a checker that knows no planner."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from lab.plan.cpsat.effort import Effort
from lab.plan.cpsat.solve import improve
from lab.plan.model.bounds import lower_bound
from lab.plan.model.problem import (
    FOREVER,
    Closed,
    Job,
    Lag,
    Mode,
    Operation,
    Problem,
    Resource,
    Use,
)
from lab.plan.model.solution import Placed
from lab.plan.model.verify import faults
from lab.plan.search.construct import Constructor, Unplaced
from tests.support.plan_checker import violations

BALANCE, PERSON, STOCK = range(3)


def weighings(count: int, room: int, *, service: int, spent: int = 0, shift: int = 0) -> Problem:
    """Weighings of 4 on one balance, which needs a service of 6 by a person after each `room` of them.

    `spent` of the first `room` are done already; the person comes at `shift`.
    """
    resources = (
        Resource("balance"),
        Resource("person", closed=(Closed(0, shift, 1),) if shift else ()),
        Resource("weighings before a calibration", room, closed=(Closed(0, FOREVER, spent),)),
    )
    operations = [
        Operation(n, f"weigh {n}", (Mode(BALANCE, 4, (Use(STOCK, 1, 0, FOREVER),)),))
        for n in range(count)
    ]
    for n in range(service):
        uses = Use(PERSON), Use(STOCK, -room, 6, FOREVER)
        operations.append(Operation(count + n, f"calibrate {n}", (Mode(BALANCE, 6, uses),)))
    jobs = tuple(Job(op.name) for op in operations)
    return Problem("weighings", resources, tuple(operations), (), jobs)


def best(problem: Problem, deterministic: float = 4.0):
    plan = Constructor(problem).best
    plans = [plan]
    outcome = improve(problem, plan, Effort(workers=1, deterministic=deterministic), plans.append)
    assert not outcome.refused, "the model refuses a plan that stands"
    for plan in plans:
        assert faults(problem, plan.placed) == []
        assert violations(problem, plan.placed) == []
    return plans[-1], outcome


def test_a_calibration_falls_due_after_so_many_weighings():
    problem = weighings(7, 3, service=2)
    plan, outcome = best(problem)
    assert plan.makespan == 7 * 4 + 2 * 6 == outcome.bound
    row = sorted(zip(plan.placed, problem.operations, strict=True), key=lambda item: item[0].start)
    kinds = "".join(op.name[0] for _, op in row)
    assert kinds == "wwwcwwwcw"


def test_weighings_of_before_count_and_the_person_has_hours():
    plan, outcome = best(weighings(3, 3, service=1, spent=2, shift=20))
    assert plan.makespan == 20 + 6 + 2 * 4 == outcome.bound
    assert sorted(place.start for place in plan.placed[:3]) == [0, 26, 30]


def test_without_a_service_the_rest_has_no_place():
    with pytest.raises(Unplaced) as caught:
        Constructor(weighings(4, 3, service=0))
    assert len(caught.value.operations) == 1


def test_nothing_is_calibrated_before_it_is_due():
    """A service that gives back more than was taken would let more weighings through than it may."""
    problem = weighings(4, 3, service=1)

    def judged(weighed: list[int], calibrated: int) -> tuple[list[str], list[str]]:
        placed = [Placed(0, None, at, at, at + 4) for at in weighed]
        placed.append(Placed(0, None, calibrated, calibrated, calibrated + 6))
        return faults(problem, placed), violations(problem, placed)

    assert judged([0, 4, 8, 18], 12) == ([], [])
    found, played = judged([0, 11, 15, 19], 4)
    assert any("gets 2 more at 10" in fault for fault in found)
    assert any("2 too many at 10" in wrong for wrong in played)
    found, played = judged([0, 4, 8, 12], 16)
    assert found
    assert played


def refills(chance: random.Random) -> Problem:
    """A dispenser with a bottle that a person fills up in working hours, and a reader behind it."""
    room, dose = chance.choice((4, 6)), chance.choice((1, 2))
    samples = chance.randint(4, 9)
    dispenser, reader, person, bottle, arm = range(5)
    start = chance.randint(10, 30)
    hours = Closed(start, start + chance.randint(5, 20), 1)
    resources = (
        Resource("dispenser"),
        Resource("reader", chance.choice((1, 2))),
        Resource("person", closed=(hours,)),
        Resource("bottle", room),
        Resource("arm"),
    )
    operations: list[Operation] = []
    lags: list[Lag] = []
    for sample in range(samples):
        first = len(operations)
        use = Use(bottle, dose, 0, FOREVER)
        length = chance.randint(1, 5)
        blocking = chance.random() < 0.5
        operations += [
            Operation(
                sample, f"{sample}.0", (Mode(dispenser, length, (use,)),), (arm,), 1,
                fetched_by=first + 1 if blocking else None,
            ),
            Operation(
                sample, f"{sample}.1", (Mode(reader, chance.randint(2, 8)),), (arm,), 1,
                comes_from=first,
            ),
        ]  # fmt: skip
        lags.append(Lag(first, first + 1))
        if chance.random() < 0.3:
            lags.append(Lag(first, first + 1, None, 6, "end", "begin", name="hold"))
    for number in range((samples * dose - 1) // room):
        length = chance.randint(3, 6)
        uses = Use(person), Use(bottle, -room, length, FOREVER)
        mode = Mode(dispenser, length, uses)
        operations.append(Operation(samples + number, f"refill {number}", (mode,)))
    jobs = tuple(Job(str(n)) for n in range(1 + max(op.job for op in operations)))
    return Problem("refills", resources, tuple(operations), tuple(lags), jobs)


@pytest.mark.parametrize("seed", range(12))
def test_bottles_are_filled_up_in_working_hours_when_they_are_empty(seed):
    problem = refills(random.Random(seed))
    first = Constructor(problem, seed)
    begun = first.best.score
    left = iter(range(60))
    first.improve(lambda: next(left, None) is not None)
    assert violations(problem, first.best.placed) == []
    plan, outcome = best(problem, 1.0)
    assert first.best.score <= begun
    assert plan.makespan >= max(lower_bound(problem), outcome.bound or 0)


@pytest.mark.parametrize("seed", range(12))
def test_a_change_is_a_fault_for_the_last_defence_and_for_the_checker_or_for_none(seed):
    problem = refills(random.Random(seed))
    placed = list(Constructor(problem).best.placed)
    chance, both = random.Random(seed), 0
    for _ in range(40):
        number, by = chance.randrange(len(placed)), chance.choice((-9, -3, 3, 9))
        place = placed[number]
        if place.start + by < 0:
            continue
        changed = list(placed)
        changed[number] = place._replace(
            start=place.start + by, begin=place.begin + by, end=place.end + by
        )
        found = faults(problem, changed)
        played = violations(problem, changed, broken_lags_allowed=True)
        assert bool(found) == bool(played), (found, played)
        both += bool(found)
    assert both


def broken_heater(shift: int) -> Problem:
    """One of two heaters fails at 5 and stays so until a person, who comes at `shift`, has mended it in 8."""
    one, two, person = range(3)
    resources = (
        Resource("heater 1", closed=(Closed(5, FOREVER, 1),)),
        Resource("heater 2"),
        Resource("person", closed=(Closed(0, shift, 1),) if shift else ()),
    )
    operations = [Operation(n, f"heat {n}", (Mode(one, 10), Mode(two, 10))) for n in range(6)]
    mend = Mode(None, 8, (Use(person), Use(one, -1, 8, FOREVER)))
    operations.append(Operation(6, "mend heater 1", (mend,)))
    jobs = tuple(Job(op.name) for op in operations)
    return Problem("a failure", resources, tuple(operations), (), jobs)


def test_a_device_that_failed_is_used_again_once_it_is_mended():
    plan, _ = best(broken_heater(5))
    # mended at 13: two on the first heater until 33, four on the second until 40
    assert plan.makespan == 40
    assert sum(place.mode == 0 for place in plan.placed[:6]) == 2
    assert min(place.start for place in plan.placed[:6] if place.mode == 0) >= 13
    late, _ = best(broken_heater(50))
    assert late.makespan == 60, "nobody waits for the mended one, but mending ends at 58"


def test_a_repair_before_the_failure_is_refused():
    problem = broken_heater(0)
    placed = list(Constructor(problem).best.placed)
    assert placed[6].end >= 5
    placed[6] = placed[6]._replace(start=-4, begin=-4, end=4)
    assert any("heater 1 gets 1 more at 4" in fault for fault in faults(problem, placed))


def test_what_is_given_back_for_a_while_is_no_restoring():
    problem = weighings(2, 3, service=1)
    lent = replace(problem.operations[2], modes=(Mode(BALANCE, 6, (Use(STOCK, -1, 0, 4),)),))
    with pytest.raises(ValueError, match="given back is so for ever"):
        replace(problem, operations=(*problem.operations[:2], lent))
