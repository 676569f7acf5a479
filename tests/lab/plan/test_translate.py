"""Snapshots as problems and back: every solution is a timeline that a judge who knows nothing of problems accepts."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from lab.domain.plan import Decision, Formula, Guard, TimeWindow
from lab.plan.model.problem import FOREVER, ORIGIN, Fixed, Problem
from lab.plan.model.solution import score
from lab.plan.model.verify import faults
from lab.plan.schedule import PlanningSnapshot, RunSnapshot, schedule
from lab.plan.search.construct import Constructor, Unplaced
from lab.plan.translate import milliseconds, translate
from lab.plan.worth import FLAG_COST
from tests.support.made_up_labs import cut, electrolyte, made_up_labs, plan_of, step
from tests.support.schedule_checker import violations


def of(snapshot: PlanningSnapshot, **more):
    """The translation with each run's first plan."""
    return translate(snapshot, {run.run: run.plans[0] for run in snapshot.runs}, **more)


def one(*steps, **more) -> PlanningSnapshot:
    return PlanningSnapshot(0.0, (RunSnapshot("r", (plan_of(*steps),)),), **more)


def named(problem: Problem, name: str) -> int:
    [number] = [n for n, op in enumerate(problem.operations) if op.name == name]
    return number


@pytest.mark.parametrize(
    ("seconds", "whole"),
    [(0.0, 0), (1.0, 1000), (0.0001, 1), (0.1 + 0.2, 300), (2.0005, 2001), (math.inf, FOREVER)],
)
def test_a_part_of_a_millisecond_counts_as_one_but_a_rounding_error_does_not(seconds, whole):
    assert milliseconds(seconds) == whole


def test_a_step_uses_its_device_and_follows_what_it_needs():
    problem = of(one(step("a", "d", 10), step("b", "e", 2.5, ["a"]))).problem
    first, second = problem.operations
    assert [op.modes[0].duration for op in problem.operations] == [10_000, 2500]
    assert [problem.resources[op.modes[0].uses[0].resource].name for op in (first, second)] == [
        "device d",
        "device e",
    ]
    assert [(lag.first, lag.second, lag.least, lag.most) for lag in problem.lags] == [
        (0, 1, 0, None)
    ]


def test_a_station_is_held_from_the_first_to_the_last_step_there():
    snapshot = one(
        step("fill", "pump", 10, claims=["pot"]),
        step("think", "computer", 100, ["fill"]),
        step("empty", "drain", 10, ["think"], ["pot"]),
    )
    problem = of(snapshot).problem
    fill, leaves = problem.operations[0], named(problem, "r leaves pot")
    station = fill.modes[0].station
    assert station is not None
    assert problem.resources[station].name == "station pot"
    assert fill.fetched_by == leaves
    assert {lag.first for lag in problem.lags if lag.second == leaves} == {0, 2}
    single = of(one(step("fill", "pump", 10, claims=["pot"]))).problem
    assert single.operations[0].fetched_by is None, "the end of the only step there frees it"


def test_a_step_at_two_stations_enters_both_at_once():
    snapshot = one(
        step("a", "d", 10, claims=["left", "right"]), step("b", "d", 5, ["a"], ["left", "right"])
    )
    problem = of(snapshot).problem
    twin = named(problem, "r enters right")
    assert problem.operations[twin].modes[0].duration == 10_000
    [tie] = [lag for lag in problem.lags if lag.second == twin and lag.most is not None]
    assert (tie.first, tie.least, tie.most, tie.first_mark, tie.second_mark) == (
        0, 0, 0, "start", "start",
    )  # fmt: skip


def test_where_either_of_two_steps_could_enter_first_the_problem_is_narrower():
    free = one(step("a", "d", 10, claims=["x"]), step("b", "e", 10, claims=["x"]))
    chain = one(step("a", "d", 10, claims=["x"]), step("b", "e", 10, ["a"], ["x"]))
    assert not of(free).exact
    assert of(chain).exact


def test_what_runs_is_fixed_what_is_done_is_gone_and_a_held_station_is_taken():
    plan = plan_of(
        step("a", "d", 10, claims=["x"]),
        step("b", "e", 20, ["a"], ["x"]),
        step("c", "f", 30, ["b"], ["x"]),
    )
    run = RunSnapshot("r", (plan,), finished={"a": 10.0}, running={"b": (11.5, 31.5)})
    translation = of(PlanningSnapshot(20.0, (run,)))
    problem = translation.problem
    assert translation.origin_s == 11.5
    assert [op.name for op in problem.operations] == ["r b", "r c", "r in x", "r leaves x"]
    assert problem.operations[0].fixed == Fixed(0, None, 0, 0, 20_000)
    assert problem.operations[2].fixed == Fixed(0, None, 8500, 8500, 8500)
    assert problem.operations[2].fetched_by == 3
    assert problem.operations[1].release == 8500


def test_a_station_that_will_be_left_by_itself_is_closed_until_then():
    plan = plan_of(step("a", "d", 10, claims=["x"]), step("b", "e", 5, ["a"]))
    run = RunSnapshot("r", (plan,), running={"a": (0.0, 12.0)})
    problem = of(PlanningSnapshot(5.0, (run,))).problem
    [station] = [r for r in problem.resources if r.name == "station x"]
    assert [tuple(closed) for closed in station.closed] == [(0, 12_000, 1)]


def test_devices_and_stations_that_are_not_free_are_closed():
    snapshot = one(
        step("a", "d", 10, claims=["x"]),
        device_free_s={"d": 7.0, "gone": math.inf},
        stations_free_s={"x": 3.0},
    )
    closed = {r.name: [tuple(c) for c in r.closed] for r in of(snapshot).problem.resources}
    assert closed == {
        "device d": [(0, 7000, 1)],
        "device gone": [(0, FOREVER, 1)],
        "station x": [(0, 3000, 1)],
    }


def test_a_device_lost_in_the_middle_of_a_step_is_closed_when_the_step_ends():
    plan = plan_of(step("a", "d", 10), step("b", "d", 5, ["a"]))
    run = RunSnapshot("r", (plan,), running={"a": (0.0, 10.0)})
    problem = of(PlanningSnapshot(5.0, (run,), {"d": math.inf})).problem
    assert [tuple(closed) for closed in problem.resources[0].closed] == [(10_000, FOREVER, 1)]
    with pytest.raises(Unplaced):
        Constructor(problem)


def window(**more) -> TimeWindow:
    given = {
        "name": "w", "from_steps": ("a",), "from_mark": "end", "to_steps": ("b",), "to_mark": "start",
    }  # fmt: skip
    return TimeWindow(**{**given, **more})


@pytest.mark.parametrize(("rule", "penalty"), [("flag", FLAG_COST), ("scrap", 0), ("abort", 0)])
def test_only_a_limit_that_flags_may_be_broken_at_a_price(rule, penalty):
    plan = plan_of(step("a", "d", 10), step("b", "e", 5, ["a"])).model_copy(
        update={"timing": (window(less_than_s=4.0, more_than_s=1.0, on_violation=rule),)}
    )
    problem = of(PlanningSnapshot(0.0, (RunSnapshot("r", (plan,)),))).problem
    [limit] = [lag for lag in problem.lags if lag.name == "w"]
    assert (limit.first, limit.second, limit.least, limit.most, limit.penalty) == (
        0, 1, 1000, 4000, penalty,
    )  # fmt: skip


def test_a_limit_from_a_step_that_is_done_counts_from_when_it_was():
    plan = plan_of(step("a", "d", 10), step("b", "e", 5, ["a"])).model_copy(
        update={"timing": (window(less_than_s=60.0, from_mark="start", on_violation="scrap"),)}
    )
    run = RunSnapshot("r", (plan,), finished={"a": 30.0})
    translation = of(PlanningSnapshot(50.0, (run,)))
    [limit] = [lag for lag in translation.problem.lags if lag.name == "w"]
    assert (limit.first, limit.least, limit.most) == (ORIGIN, None, (20 + 60 - 50) * 1000)
    over = RunSnapshot("r", (plan,), finished={"a": 30.0, "b": 50.0})
    assert of(PlanningSnapshot(50.0, (over,))).problem.lags == ()


def test_a_guarded_step_comes_after_what_its_decision_needs():
    decision = Decision(
        path="choose",
        title="",
        kind="branch",
        formula=Formula(expression="true"),
        needs=("measure",),
    )
    guarded = step("then", "e", 5).model_copy(
        update={"when": (Guard(decision="choose", value=True),)}
    )
    plan = plan_of(step("measure", "d", 10), guarded).model_copy(update={"decisions": (decision,)})
    translation = of(PlanningSnapshot(0.0, (RunSnapshot("r", (plan,)),)))
    assert [(lag.first, lag.second) for lag in translation.problem.lags] == [(0, 1)]
    free = plan_of(step("measure", "d", 10), step("then", "e", 5))
    assert of(PlanningSnapshot(0.0, (RunSnapshot("r", (free,)),))).problem.lags == ()


def test_the_ends_of_the_samples_count_by_their_priority_or_not_at_all():
    snapshot = electrolyte(3)
    runs = tuple(replace(run, priority=p) for run, p in zip(snapshot.runs, (0, 4, -2), strict=True))
    assert [job.weight for job in of(replace(snapshot, runs=runs)).problem.jobs] == [1, 5, 1]
    assert {job.weight for job in of(snapshot, weighted=False).problem.jobs} == {0}


@settings(deadline=None, max_examples=60)
@given(made_up_labs(), st.floats(0.0, 1.0), st.floats(0.0, 30.0))
def test_every_plan_of_a_translated_lab_is_a_timeline_without_fault(snapshot, part, late):
    first = schedule(snapshot)
    now = snapshot.now_s + part * max(0.0, first.timeline.makespan_s - snapshot.now_s)
    for moment in (snapshot, cut(snapshot, first, now, late)):
        known = schedule(moment)
        assume(known.timeline.slots)
        translation = translate(moment, known.plans)
        try:
            search = Constructor(translation.problem)
        except Unplaced:
            continue
        assert faults(translation.problem, search.best.placed) == []
        found = translation.schedule(search.best.placed)
        assert violations(moment, found) == []


@pytest.mark.parametrize("now", [0.0, 65.0, 300.0, 600.0])
def test_a_timeline_is_a_solution_of_its_problem_and_comes_back_as_it_was(now):
    before = electrolyte(6)
    moment = cut(before, schedule(before), now)
    planned = schedule(moment)
    translation = translate(moment, planned.plans)
    placed = translation.placed(planned)
    assert faults(translation.problem, placed) == []
    assert translation.schedule(placed) == planned
    ends = score(translation.problem, placed).makespan
    assert translation.origin_s + ends / 1000 == pytest.approx(planned.timeline.makespan_s)
