"""Plans by construction, judged by playing them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from lab.plan.formats import workload
from lab.plan.formats.workload import lab_workload
from lab.plan.model.bounds import lower_bound
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
from lab.plan.model.solution import broken_lags, score
from lab.plan.model.verify import faults
from lab.plan.search.construct import Constructor, Unplaced
from lab.plan.search.pull_fifo import pull_fifo
from tests.support.plan_checker import violations
from tests.support.random_problems import random_problem

DOCUMENT = json.loads((Path(workload.__file__).parent / "lab_workloads.json").read_text())


def times(count: int):
    """A budget of that many plans."""
    left = iter(range(count))
    return lambda: next(left, None) is not None


@pytest.mark.parametrize("block", range(8))
def test_plans_of_laboratories_with_everything_can_be_played(block):
    for seed in range(block * 15, block * 15 + 15):
        problem = random_problem(seed)
        plans = Constructor(problem, seed)
        before = plans.best.score
        for number in range(3):
            plan = plans.best
            wrong = violations(problem, plan.placed, broken_lags_allowed=plan.score.broken > 0)
            assert wrong == [], f"seed {seed}, plan {number}"
            assert faults(problem, plan.placed) == []
            assert plan.score == score(problem, plan.placed)
            assert plan.makespan >= lower_bound(problem)
            plans.improve(times(4))
        assert plans.best.score <= before


def test_the_same_seed_gives_the_same_plans_and_another_seed_others():
    problem = random_problem(6)
    one, two, other = Constructor(problem, 1), Constructor(problem, 1), Constructor(problem, 2)
    for plans in (one, two, other):
        plans.improve(times(60))
    assert one.best == two.best
    assert one.plans == two.plans
    assert other.best.score <= Constructor(problem, 2).best.score


def sample(
    stations: list[tuple[int, int]], *, blocking: bool = False, first: int = 0, job: int = 0
) -> list[Operation]:
    """A chain of (station, duration), without an arm."""
    found: list[Operation] = []
    for position, (station, duration) in enumerate(stations):
        number = first + position
        last = position == len(stations) - 1
        found.append(
            Operation(
                job,
                f"{job}.{position}",
                (Mode(station, duration),),
                comes_from=number - 1 if position else None,
                fetched_by=number + 1 if blocking and not last else None,
            )
        )
    return found


def chained(*chains: list[Operation]) -> tuple[tuple[Operation, ...], list[Lag]]:
    operations = [op for chain in chains for op in chain]
    lags = [
        Lag(number, number + 1)
        for number, op in enumerate(operations[:-1])
        if operations[number + 1].job == op.job
    ]
    return tuple(operations), lags


def plan(problem: Problem):
    best = Constructor(problem).best
    assert violations(problem, best.placed, broken_lags_allowed=True) == []
    return best


def test_a_step_with_a_hold_waits_until_its_successor_has_a_place():
    operations, lags = chained(sample([(1, 50)], job=0), sample([(0, 10), (1, 5)], first=1, job=1))
    lags.append(Lag(1, 2, None, 3, "end", "begin", name="hold"))
    resources = Resource("oven"), Resource("cooler")
    best = plan(Problem("hold", resources, operations, tuple(lags), (Job("a"), Job("b"))))
    assert best.score.broken == 0
    heated, cooled = best.placed[1], best.placed[2]
    assert cooled.begin - heated.end <= 3
    assert best.makespan <= 65


def test_a_blocking_sample_holds_its_station_until_it_is_fetched():
    operations, lags = chained(
        sample([(0, 2), (1, 10)], blocking=True, job=0),
        sample([(0, 2), (1, 10)], blocking=True, first=2, job=1),
        sample([(0, 2), (1, 10)], blocking=True, first=4, job=2),
    )
    jobs = tuple(Job(name) for name in "abc")
    resources = Resource("balance"), Resource("reader")
    best = plan(Problem("blocking", resources, operations, tuple(lags), jobs))
    assert best.makespan == 32
    free = tuple(replace(op, fetched_by=None) for op in operations)
    assert plan(Problem("free", resources, free, tuple(lags), jobs)).makespan == 32


def test_a_batch_waits_for_its_load_and_programmes_stay_apart():
    def baked(job: int, programme: str) -> Operation:
        return Operation(job, f"{job}", (Mode(0, 60),), (1,), move=1, programme=programme)

    operations = tuple(baked(job, "hot" if job < 4 else "mild") for job in range(8))
    problem = Problem(
        "ovens",
        (Resource("oven", 4, batch=True), Resource("arm")),
        operations,
        (),
        tuple(Job(str(job)) for job in range(8)),
    )
    best = plan(problem)
    assert best.makespan == 128
    begins = {place.begin for place in best.placed[:4]}
    assert len(begins) == 1
    assert begins.isdisjoint({place.begin for place in best.placed[4:]})


def test_setups_breaks_people_and_stock():
    operations = tuple(
        replace(
            op,
            family="acid" if op.job % 2 else "base",
            modes=(Mode(0, 4, (Use(1, 1, 0, 2), Use(2, 1, 0, FOREVER))),),
        )
        for job in range(4)
        for op in sample([(0, 4)], first=job, job=job)
    )
    resources = (
        Resource("pump", setup={("acid", "base"): 10, ("base", "acid"): 10}),
        Resource("person", closed=(Closed(5, 20, 1),)),
        Resource("tips", 4, closed=(Closed(0, 40, 2),)),
    )
    problem = Problem("mixed", resources, operations, (), tuple(Job(str(n)) for n in range(4)))
    plans = Constructor(problem)
    plans.improve(times(50))
    best = plans.best
    assert violations(problem, best.placed) == []
    starts = sorted(place.start for place in best.placed)
    assert starts[2] >= 40, "the third needs the delivery"
    assert not any(5 - 2 < start < 20 for start in starts)
    acid = [operations[n].family for n in sorted(range(4), key=lambda n: best.placed[n].start)]
    assert acid in (["acid", "acid", "base", "base"], ["base", "base", "acid", "acid"])


def test_of_two_machines_the_one_on_which_it_ends_first():
    operations = tuple(Operation(job, str(job), (Mode(0, 10), Mode(1, 6))) for job in range(2))
    problem = Problem(
        "two", (Resource("old"), Resource("new")), operations, (), (Job("a"), Job("b"))
    )
    assert plan(problem).makespan == 10


def test_what_runs_stays_and_is_fetched_before_others_come():
    operations, lags = chained(
        sample([(0, 5), (1, 20), (0, 5)], blocking=True, job=0),
        sample([(0, 5), (1, 20)], blocking=True, first=3, job=1),
    )
    running = replace(operations[0], fixed=Fixed(0, None, 0, 0, 9))
    resources = Resource("balance"), Resource("oven")
    problem = Problem(
        "running", resources, (running, *operations[1:]), tuple(lags), (Job("a"), Job("b"))
    )
    best = plan(problem)
    assert best.placed[0] == (0, None, 0, 0, 9)
    assert best.placed[3].start >= 9


def test_a_hold_that_is_broken_already_is_reported_by_how_much():
    operations, lags = chained(sample([(0, 5), (1, 5)], job=0))
    lags.append(Lag(0, 1, None, 3, "end", "begin", name="hold"))
    fixed = replace(operations[0], fixed=Fixed(0, None, 0, 0, 5))
    cooler = Resource("cooler", closed=(Closed(0, 30, 1),))
    problem = Problem(
        "late", (Resource("oven"), cooler), (fixed, operations[1]), tuple(lags), (Job("a"),)
    )
    best = plan(problem)
    (broken,) = broken_lags(problem, best.placed)
    assert (broken.lag.name, broken.by) == ("hold", 22)
    assert best.score.broken == 22


def test_what_never_finds_its_resource_is_named():
    operations, lags = chained(sample([(0, 5), (1, 5)], job=0), sample([(0, 5)], first=2, job=1))
    dead = Resource("dead", closed=(Closed(0, FOREVER, 1),))
    problem = Problem(
        "dead", (Resource("alive"), dead), operations, tuple(lags), (Job("a"), Job("b"))
    )
    with pytest.raises(Unplaced) as raised:
        Constructor(problem)
    assert raised.value.operations == (1,)


def test_samples_that_are_worth_more_end_first():
    operations = tuple(op for job in range(6) for op in sample([(0, 10)], first=job, job=job))
    jobs = tuple(Job(str(job), weight=5 if job == 4 else 1) for job in range(6))
    plans = Constructor(Problem("worth", (Resource("reader"),), operations, (), jobs))
    plans.improve(times(20))
    assert plans.best.placed[4].start == 0


@pytest.mark.parametrize(("name", "samples"), [("s1", 24), ("s1", 96), ("s2", 24), ("s2", 96)])
def test_first_plans_of_one_procedure_are_within_one_percent_of_the_bottleneck(name, samples):
    problem = lab_workload(DOCUMENT, name, samples)
    plan = Constructor(problem).best
    assert plan.score.broken == 0
    assert lower_bound(problem) <= plan.makespan <= 1.01 * lower_bound(problem)
    assert violations(problem, plan.placed) == []


def test_samples_that_come_at_even_distances_do_not_crowd_stations_that_they_need_twice():
    """Greed fills the dispenser with new samples, and those that come back to it wait."""
    problem = lab_workload(DOCUMENT, "screen", 24)
    assert Constructor(problem).best.makespan <= 0.75 * pull_fifo(problem).makespan


def test_the_next_batch_is_loaded_before_the_last_one_is_fetched_to_where_it_cools():
    """The furnaces wait for one burst of moves between two runs, not for two; the holds allow it."""
    problem = lab_workload(DOCUMENT, "s3", 96)
    plan = Constructor(problem).best
    assert violations(problem, plan.placed) == []
    assert plan.score.broken == 0
    assert plan.makespan <= 0.97 * pull_fifo(problem).makespan


def test_a_hold_too_short_for_that_is_kept_all_the_same():
    problem = lab_workload(DOCUMENT, "s3", 48)
    short = tuple(
        replace(lag, most=9) if lag.most is not None and lag.most > 9 else lag
        for lag in problem.lags
    )
    plan = Constructor(replace(problem, lags=short)).best
    assert plan.score.broken == 0
    assert violations(replace(problem, lags=short), plan.placed) == []
    assert plan.makespan > Constructor(problem).best.makespan


def test_where_all_stands_already_there_is_nothing_to_improve():
    fixed = Operation(0, "runs", (Mode(0, 5),), fixed=Fixed(0, None, 0, 0, 5))
    plans = Constructor(Problem("still", (Resource("m"),), (fixed,), (), (Job("a"),)))
    before = plans.best
    plans.improve(times(10))
    assert plans.best is before
    assert plans.tries == 0
