"""Which tier answers, and that it never answers worse than the others would."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from lab.plan import replan as module
from lab.plan.replan import replan
from lab.plan.schedule import PlanningSnapshot, RunningStep, RunSnapshot, schedule
from lab.plan.worth import worth
from tests.lab.plan.test_retime import cooling_is_late, held
from tests.support.made_up_labs import cut, electrolyte, made_up_labs, plan_of, step
from tests.support.schedule_checker import violations


@settings(deadline=None, max_examples=60)
@given(made_up_labs(), st.floats(0.0, 1.0), st.floats(0.0, 40.0))
def test_a_few_runs_get_a_plan_at_least_as_good_as_a_new_one(snapshot, part, late):
    first = schedule(snapshot)
    now = snapshot.now_s + part * max(0.0, first.timeline.makespan_s - snapshot.now_s)
    moment = cut(snapshot, first, now, late)
    found, _ = replan(moment, first.timeline.slots, first.plans, {})
    assert violations(moment, found) == []
    assert worth(moment, found) <= worth(moment, schedule(moment))


def test_the_first_plan_is_a_reservation_and_a_small_deviation_keeps_the_order():
    many = electrolyte(20)
    first, source = replan(many, (), {}, {})
    assert source == "reservation"
    assert first == schedule(many)
    moment = cut(many, first, 300.0, 5.0)
    again, source = replan(moment, first.timeline.slots, first.plans, {})
    assert source == "order"
    assert violations(moment, again) == []


def test_a_better_order_that_somebody_found_outlives_a_deviation():
    """The short one first: the first planner would take them in their order."""
    long, short = plan_of(step("a", "d", 100)), plan_of(step("a", "d", 10))
    runs = (RunSnapshot("long", (long,)), RunSnapshot("short", (short,)))
    snapshot = PlanningSnapshot(0.0, runs)
    better = schedule(replace(snapshot, runs=runs[::-1]))
    found, source = replan(replace(snapshot, now_s=1.0), better.timeline.slots, better.plans, {})
    assert source == "order"
    assert [slot.run for slot in found.timeline.slots] == ["short", "long"]


def test_new_runs_are_placed_around_those_that_are_known():
    few, many = electrolyte(16), electrolyte(18)
    first = schedule(few)
    moment = cut(few, first, 200.0)
    moment = replace(moment, runs=(*moment.runs, *many.runs[16:]))
    found, source = replan(moment, first.timeline.slots, first.plans, {})
    assert source == "insertion"
    assert violations(moment, found) == []
    known = {(s.run, s.step): s for s in first.timeline.slots if s.end_s > 200.0}
    assert {
        k: s for k, s in ((((s.run, s.step)), s) for s in found.timeline.slots) if k in known
    } == known


def test_many_runs_are_placed_anew_only_for_a_break_that_is_news(monkeypatch):
    plans = held(10)
    snapshot = PlanningSnapshot(0.0, tuple(RunSnapshot(f"r{n:02d}", plans) for n in range(20)))
    first = schedule(snapshot)
    now = next(s.start_s for s in first.timeline.slots if s.step == "cool") + 1
    moment = cooling_is_late(cut(snapshot, first, now))
    asked = []
    monkeypatch.setattr(module, "schedule", lambda *args: asked.append(args) or schedule(*args))
    found, _ = replan(moment, first.timeline.slots, first.plans, {})
    assert len(asked) == 1
    assert found.broken
    known = {(limit.run, limit.window): limit.by_s for limit in found.broken}
    again, source = replan(moment, found.timeline.slots, found.plans, known)
    assert (len(asked), source) == (1, "order")
    assert again.broken == found.broken


def test_a_binding_that_is_no_candidate_any_more_is_not_kept():
    near, far = plan_of(step("a", "d", 10)), plan_of(step("a", "e", 10))
    snapshot = PlanningSnapshot(0.0, (RunSnapshot("r", (near, far)),))
    first = schedule(snapshot)
    assert first.plans["r"] is near
    left = replace(snapshot, runs=(RunSnapshot("r", (far,)),))
    found, source = replan(left, first.timeline.slots, first.plans, {})
    assert (source, found.timeline.slots[0].device) == ("reservation", "e")
    running = RunSnapshot("r", (near,), running={"a": RunningStep(0.0, 10.0)})
    _, source = replan(replace(snapshot, runs=(running,)), first.timeline.slots, first.plans, {})
    assert source == "order"
