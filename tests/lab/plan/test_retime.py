"""The standing order with its times corrected, before the independent judge of timelines."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.domain.plan import TimeWindow
from lab.plan.retime import retime
from lab.plan.schedule import PlanningSnapshot, RunningStep, RunSnapshot, schedule
from tests.support.made_up_labs import (
    cut,
    electrolyte,
    made_up_labs,
    plan_of,
    step,
    timed_labs,
)
from tests.support.schedule_checker import violations


def order_of(slots, key):
    """The steps of each device (or what `key` says), in turn."""
    found = {}
    for slot in slots:
        for name in key(slot):
            found.setdefault(name, []).append((slot.run, slot.step))
    return found


def devices(slot):
    return (slot.device,)


@settings(deadline=None, max_examples=80)
@given(made_up_labs(), st.floats(0.0, 1.0), st.floats(0.0, 40.0))
def test_at_any_moment_of_any_lab_the_order_is_carried_on_without_a_fault(snapshot, part, late):
    first = schedule(snapshot)
    now = snapshot.now_s + part * max(0.0, first.timeline.makespan_s - snapshot.now_s)
    placed = tuple(run for run in snapshot.runs if run.run not in first.blocked)
    moment = cut(replace(snapshot, runs=placed), first, now, late)
    kept = retime(moment, first.timeline.slots, first.plans)
    if kept is None:  # only where a step without length shares a moment with its neighbours
        assert any(slot.start_s == slot.end_s for slot in first.timeline.slots)
        return
    assert violations(moment, kept) == []
    left = [s for s in first.timeline.slots if s.step not in done(moment, s.run)]
    before, after = order_of(left, devices), order_of(kept.timeline.slots, devices)
    for device, steps in before.items():
        long = [item for item in steps if length(first, item) > 0]
        assert [item for item in after[device] if length(first, item) > 0] == long


def done(moment, name):
    return next(run.finished for run in moment.runs if run.run == name)


def length(planned, item):
    slot = next(s for s in planned.timeline.slots if (s.run, s.step) == item)
    return slot.end_s - slot.start_s


@pytest.mark.parametrize("now", [1.0, 144.0, 300.0, 511.0, 1200.0])
def test_without_news_nothing_moves(now):
    before = electrolyte(6)
    first = schedule(before)
    kept = retime(cut(before, first, now), first.timeline.slots, first.plans)
    assert kept is not None
    left = {(s.run, s.step): s for s in first.timeline.slots if s.end_s > now}
    assert {(s.run, s.step): s for s in kept.timeline.slots} == left


def test_an_early_end_is_used_and_a_late_one_delays_only_what_waits_for_it():
    one, two = plan_of(step("a", "d", 10), step("b", "e", 10, ["a"])), plan_of(step("c", "f", 50))
    snapshot = PlanningSnapshot(0.0, (RunSnapshot("r", (one,)), RunSnapshot("q", (two,))))
    first = schedule(snapshot)
    for end in (6.0, 30.0):
        moment = cut(snapshot, first, 5.0)
        runs = (replace(moment.runs[0], running={"a": RunningStep(0.0, end)}), moment.runs[1])
        kept = retime(replace(moment, runs=runs), first.timeline.slots, first.plans)
        assert kept is not None
        starts = {slot.step: slot.start_s for slot in kept.timeline.slots}
        assert starts == {"a": 0.0, "b": end, "c": 0.0}


def held(most: float):
    """Heat on one of two ovens, then cool at once on the only place for that."""
    window = TimeWindow(
        name="hold", from_steps=("heat",), from_mark="end", to_steps=("cool",), to_mark="start",
        less_than_s=most,
    )  # fmt: skip
    return tuple(
        plan_of(step("heat", oven, 100), step("cool", "place", 60, ["heat"])).model_copy(
            update={"timing": (window,)}
        )
        for oven in ("oven_1", "oven_2")
    )


def cooling_is_late(moment):
    """By 45 s."""
    runs = tuple(
        replace(
            run,
            running={
                p: RunningStep(a, b + 45 * (p == "cool")) for p, (a, b) in run.running.items()
            },
        )
        for run in moment.runs
    )
    return replace(moment, runs=runs)


def test_a_step_with_a_hold_is_started_later_where_what_follows_is_late():
    plans = held(10)
    snapshot = PlanningSnapshot(0.0, tuple(RunSnapshot(f"r{n}", plans) for n in range(4)))
    first = schedule(snapshot)
    assert first.broken == ()
    # the second sample is in the oven and cooling takes longer than planned for the first one
    now = next(s.start_s for s in first.timeline.slots if s.step == "cool") + 1
    moment = cooling_is_late(cut(snapshot, first, now))
    kept = retime(moment, first.timeline.slots, first.plans)
    assert kept is not None
    assert violations(moment, kept) == []
    waiting = [run.run for run in moment.runs if not run.progress]
    assert waiting
    for name in waiting:
        times = {slot.step: slot for slot in kept.timeline.slots if slot.run == name}
        assert times["cool"].start_s - times["heat"].end_s <= 10 + 1e-6
    # what is in the oven can't be helped, and is reported
    assert {limit.run for limit in kept.broken} == {
        run.run for run in moment.runs if "heat" in run.running
    }


def test_a_limit_that_the_order_itself_breaks_is_reported_and_holds_nothing_up():
    window = TimeWindow(
        name="hold", from_steps=("a",), from_mark="end", to_steps=("c",), to_mark="start",
        less_than_s=5,
    )  # fmt: skip
    plan = plan_of(step("a", "d", 10), step("b", "e", 30, ["a"]), step("c", "d", 10, ["b"]))
    plan = plan.model_copy(update={"timing": (window,)})
    snapshot = PlanningSnapshot(0.0, (RunSnapshot("r", (plan,)),))
    first = schedule(snapshot)
    kept = retime(snapshot, first.timeline.slots, first.plans)
    assert kept is not None
    assert [(limit.window, limit.by_s) for limit in kept.broken] == [("hold", 25.0)]
    assert kept.timeline.makespan_s == 50


def test_rests_are_waited_for_also_after_steps_that_are_done():
    window = TimeWindow(
        name="rest", from_steps=("a",), from_mark="end", to_steps=("b",), to_mark="start",
        more_than_s=40,
    )  # fmt: skip
    plan = plan_of(step("a", "d", 10), step("b", "d", 10, ["a"])).model_copy(
        update={"timing": (window,)}
    )
    snapshot = PlanningSnapshot(0.0, (RunSnapshot("r", (plan,)),))
    first = schedule(snapshot)
    for now in (0.0, 5.0, 20.0):
        kept = retime(cut(snapshot, first, now), first.timeline.slots, first.plans)
        assert kept is not None
        assert {s.step: s.start_s for s in kept.timeline.slots}["b"] == 50


def test_it_is_no_order_for_a_new_run_for_what_began_out_of_turn_or_for_a_device_that_is_gone():
    plan = plan_of(step("a", "d", 10))
    two = PlanningSnapshot(0.0, tuple(RunSnapshot(f"r{n}", (plan,)) for n in range(2)))
    first = schedule(two)
    slots, plans = first.timeline.slots, first.plans
    assert retime(two, slots, plans) is not None
    more = replace(two, runs=(*two.runs, RunSnapshot("new", (plan,))))
    assert retime(more, slots, plans) is None
    assert retime(more, slots, {**plans, "new": plan}) is None
    second = replace(two.runs[1], running={"a": RunningStep(0.0, 10.0)})
    assert retime(replace(two, runs=(two.runs[0], second)), slots, plans) is None
    assert retime(replace(two, device_free_s={"d": math.inf}), slots, plans) is None
    late = retime(replace(two, device_free_s={"d": 7.0}), slots, plans)
    assert late is not None
    assert [slot.start_s for slot in late.timeline.slots] == [7.0, 17.0]


def test_a_sample_that_stands_in_a_station_before_its_turn_is_no_order():
    plan = plan_of(step("a", "d", 10, claims=["x"]), step("b", "e", 10, ["a"], ["x"]))
    two = PlanningSnapshot(0.0, tuple(RunSnapshot(f"r{n}", (plan,)) for n in range(2)))
    first = schedule(two)
    there = replace(two.runs[1], finished={"a": 10.0})
    moment = PlanningSnapshot(11.0, (two.runs[0], there))
    assert retime(moment, first.timeline.slots, first.plans) is None


@settings(deadline=None, max_examples=80)
@given(timed_labs())
def test_an_order_that_keeps_all_limits_keeps_them_and_nothing_begins_later(snapshot):
    first = schedule(snapshot)
    placed = tuple(run for run in snapshot.runs if run.run not in first.blocked)
    snapshot = replace(snapshot, runs=placed)
    kept = retime(snapshot, first.timeline.slots, first.plans)
    if kept is None:
        assert any(slot.start_s == slot.end_s for slot in first.timeline.slots)
        return
    assert violations(snapshot, kept) == []
    if first.broken or any(slot.start_s == slot.end_s for slot in first.timeline.slots):
        return  # a step without length may lie within another one, but keeps its turn
    assert kept.broken == ()
    before = {(s.run, s.step): s.start_s for s in first.timeline.slots}
    assert all(s.start_s <= before[s.run, s.step] + 1e-6 for s in kept.timeline.slots)


HOPELESS = TimeWindow(
    name="never", from_steps=("a",), from_mark="end", to_steps=("c",), to_mark="start",
    less_than_s=5,
)  # fmt: skip


def never(number: int, device: str) -> RunSnapshot:
    """A sample whose limit of five seconds contains a step of thirty."""
    own = f"own{number}"
    plan = plan_of(step("a", own, 10), step("b", own, 30, ["a"]), step("c", device, 10, ["b"]))
    return RunSnapshot(f"never{number}", (plan.model_copy(update={"timing": (HOPELESS,)}),))


def one_belt(samples: int, seconds: float) -> PlanningSnapshot:
    """Samples that are heated side by side, and of which each must come to the only cooler in time."""
    window = TimeWindow(
        name="hold", from_steps=("heat",), from_mark="end", to_steps=("cool",), to_mark="start",
        less_than_s=seconds,
    )  # fmt: skip
    runs = []
    for number in range(samples):
        heat = step("heat", f"oven{number}", 100)
        plan = plan_of(heat, step("cool", "cooler", 60, ["heat"]))
        runs.append(RunSnapshot(f"r{number}", (plan.model_copy(update={"timing": (window,)}),)))
    return PlanningSnapshot(0.0, tuple(runs))


def without_limits(run: RunSnapshot) -> RunSnapshot:
    return replace(run, plans=tuple(p.model_copy(update={"timing": ()}) for p in run.plans))


def as_if_never_set(snapshot, slots, plans):
    """The same order, where the samples that nothing can help have no limits."""
    freed = tuple(
        without_limits(run) if run.run.startswith("never") else run for run in snapshot.runs
    )
    bare = {run.run: run.plans[0] for run in freed if run.run.startswith("never")}
    return retime(replace(snapshot, runs=freed), slots, {**plans, **bare})


@pytest.mark.parametrize("hopeless", [1, 3, 15])
def test_what_nothing_can_keep_costs_no_other_sample_its_limit(hopeless):
    """A limit that can't be kept pushes for ever, and all that comes later on the device with it."""
    belt = one_belt(6, 10.0)
    others = tuple(never(number, "cooler") for number in range(hopeless))
    snapshot = replace(belt, runs=(*others, *belt.runs))
    first = schedule(snapshot)
    kept = retime(snapshot, first.timeline.slots, first.plans)
    assert kept is not None
    assert violations(snapshot, kept) == []
    assert {(item.run, item.window) for item in kept.broken} == {(r.run, "never") for r in others}
    bare = as_if_never_set(snapshot, first.timeline.slots, first.plans)
    assert bare is not None
    assert kept.timeline == bare.timeline


@settings(deadline=None, max_examples=60)
@given(timed_labs(), st.lists(st.sampled_from(["d0", "d1", "d2", "d30"]), min_size=1, max_size=3))
def test_a_hopeless_limit_is_as_if_it_had_never_been_set(lab, shared):
    others = tuple(never(number, device) for number, device in enumerate(shared))
    snapshot = replace(lab, runs=(*others, *lab.runs))
    first = schedule(snapshot)
    placed = tuple(run for run in snapshot.runs if run.run not in first.blocked)
    snapshot = replace(snapshot, runs=placed)
    slots, plans = first.timeline.slots, first.plans
    bare = as_if_never_set(snapshot, slots, plans)
    if bare is None or bare.broken:
        return
    kept = retime(snapshot, slots, plans)
    assert kept is not None
    assert {item.run for item in kept.broken} == {run.run for run in others}
    assert kept.timeline == bare.timeline


def test_a_long_chain_of_limits_is_settled_and_not_given_up():
    """Each sample waits for the one before it, and each wait moves the start of a limit: many passes, no circle."""
    belt = one_belt(30, 5.0)
    first = schedule(belt)
    assert first.broken == ()
    kept = retime(belt, first.timeline.slots, first.plans)
    assert kept is not None
    assert kept.broken == ()
    cool = sorted((s for s in kept.timeline.slots if s.step == "cool"), key=lambda s: s.start_s)
    assert [s.start_s for s in cool] == [100.0 + 60 * n for n in range(30)]
