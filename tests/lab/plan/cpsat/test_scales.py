"""The objective fits into 64 bits whatever the laboratory's size, and its order holds wherever that is possible."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lab.plan.cpsat.build import build
from lab.plan.cpsat.effort import Effort
from lab.plan.cpsat.scales import ROOM, horizon, scales
from lab.plan.cpsat.solve import improve
from lab.plan.model.problem import Job, Lag, Mode, Operation, Problem, Resource
from lab.plan.model.solution import Placed, Solution, score
from lab.plan.schedule import schedule
from lab.plan.snapshot import PlanningSnapshot, RunSnapshot
from lab.plan.translate import translate
from tests.support.workload_plans import workload_plans


@given(st.integers(0, 1 << 40), st.integers(0, 100_000), st.integers(0, 2000))
@example(400_000_000, 96, 0)
@example(400_000_000, 96, 5)
def test_the_objective_never_leaves_its_room(most, weights, broken):
    scale, worst = scales(most, weights, broken)
    assert scale >= 1
    assert worst >= 1
    largest = worst * broken * most + scale * weights * most + most
    floor = broken * most + weights * (most + 1) + most  # nothing can count less than 1
    if floor < ROOM // 4:
        assert largest <= ROOM


@given(st.integers(0, 20_000), st.integers(0, 300), st.integers(0, 50))
def test_where_there_is_room_each_part_outweighs_all_that_comes_after_it(most, weights, broken):
    scale, worst = scales(most, weights, broken)
    if worst * (broken * most + 1) >= ROOM:
        return
    assert scale > most
    if broken:
        assert worst > scale * weights * most + most


@given(st.integers(1, 1 << 34), st.integers(1, 500), st.integers(1, 50))
def test_a_unit_of_a_broken_limit_counts_more_than_one_of_cost(most, weights, broken):
    scale, worst = scales(most, weights, broken)
    if ROOM // (broken * (most + 1)) > 2 + weights // broken:
        assert worst > scale


@pytest.mark.parametrize("tight", [False, True])
def test_a_laboratory_of_96_samples_in_milliseconds_is_a_model(tight):
    """Its limits kept by the plan that stands, or broken: the solver once refused both, and nobody was told."""
    plans = workload_plans()[:1]
    snapshot = PlanningSnapshot(0.0, tuple(RunSnapshot(f"r{n}", plans) for n in range(96)))
    standing = schedule(snapshot, tries=1)
    found = translate(snapshot, standing.plans)
    problem = found.problem
    if tight:
        lags = tuple(
            replace(lag, most=lag.most // 100, penalty=0) if lag.most else lag
            for lag in problem.lags
        )
        problem = replace(problem, lags=lags)
    placed = found.placed(standing)
    assert (score(problem, placed).broken > 0) is tight
    built = build(problem, placed, range(len(placed)))
    assert built.model.validate() == ""


def line(*, weight: int = 0, most: int | None = None) -> Problem:
    """A long sample and a short one on one machine; of the short one a second step that must come soon."""
    operations = (
        Operation(0, "long", (Mode(0, 10),)),
        Operation(1, "short", (Mode(0, 2),)),
        Operation(1, "after", (Mode(1, 1),)),
    )
    lags = [Lag(1, 2)]
    if most is not None:
        lags.append(Lag(1, 2, None, most, "end", "begin", name="hold"))
    jobs = Job("long", weight), Job("short", 5 * weight)
    return Problem("line", (Resource("m"), Resource("n")), operations, tuple(lags), jobs)


LONG_FIRST = (Placed(0, None, 0, 0, 10), Placed(0, None, 10, 10, 12), Placed(0, None, 12, 12, 13))
LATE = (*LONG_FIRST[:1], Placed(0, None, 10, 10, 12), Placed(0, None, 19, 19, 20))


@pytest.mark.parametrize(
    ("problem", "hint", "until"),
    [
        (line(), LONG_FIRST, 13),
        (line(most=0), LONG_FIRST, 13),
        (line(weight=1), LONG_FIRST, 13 + 3 + 1),
        (line(most=3), LATE, 20 + 5 + 1),
    ],
)
def test_only_what_counts_less_than_something_else_may_be_later(problem, hint, until):
    assert horizon(problem, hint) == until


def test_a_plan_that_ends_later_is_found_where_it_is_worth_more():
    """The light sample is last as soon as the heavy one counts, though all is then done later."""
    operations = (
        Operation(0, "light, with a tail", (Mode(0, 5),)),
        Operation(0, "tail", (Mode(1, 20),)),
        Operation(1, "heavy", (Mode(0, 5),)),
    )
    problem = Problem(
        "later", (Resource("m"), Resource("n")), operations, (Lag(0, 1),),
        (Job("light", 1), Job("heavy", 10)),
    )  # fmt: skip
    placed = (Placed(0, None, 0, 0, 5), Placed(0, None, 5, 5, 25), Placed(0, None, 5, 5, 10))
    standing = Solution(placed, score(problem, placed))
    found: list[Solution] = []
    outcome = improve(problem, standing, Effort(deterministic=1.0), found.append)
    assert not outcome.refused
    assert found[-1].score == (0, 30 + 10 * 5, 30) < standing.score
    assert found[-1].makespan > standing.makespan
