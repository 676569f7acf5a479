"""The planner before an independent judge, on the electrolyte lab and on labs made up by hypothesis."""

from __future__ import annotations

import math
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.domain.plan import PlannedStep, Slot, Timeline
from lab.plan.schedule import (
    PlanningSnapshot,
    RunSnapshot,
    Schedule,
    Scheduler,
    schedule,
)
from tests.support.made_up_labs import CELLS, cut, electrolyte, made_up_labs, plan_of, step
from tests.support.schedule_checker import violations


@pytest.mark.parametrize("number", [1, 2, 3, 8, 24])
def test_electrolyte_runs_are_planned_without_a_fault(number):
    snapshot = electrolyte(number)
    planned = schedule(snapshot)
    assert violations(snapshot, planned) == []
    assert planned.blocked == {}
    assert len(planned.timeline.slots) == 11 * number


def test_several_samples_truly_overlap_and_gain_time():
    one, six = schedule(electrolyte(1)), schedule(electrolyte(6))
    assert six.timeline.makespan_s < 0.6 * 6 * one.timeline.makespan_s
    spans = [
        (
            min(s.start_s for s in six.timeline.slots if s.run == run),
            max(s.end_s for s in six.timeline.slots if s.run == run),
        )
        for run in six.plans
    ]
    moments = [start for start, _ in spans]
    assert max(sum(a <= moment < b for a, b in spans) for moment in moments) >= 3
    assert {plan.bindings["cell"] for plan in six.plans.values()} == {"cell_1", "cell_2"}


def test_it_is_near_the_bound_of_its_bottleneck():
    """Each sample keeps one of two cells for 520 s, so n samples need at least n / 2 times that."""
    assert schedule(electrolyte(24)).timeline.makespan_s < 1.05 * (24 / 2 * 520 + 143)


def test_safe_state_steps_are_not_planned():
    assert all(slot.step != "heater_off" for slot in schedule(electrolyte(2)).timeline.slots)


def test_the_same_snapshot_gives_the_same_schedule():
    assert schedule(electrolyte(9)) == schedule(electrolyte(9))


def test_ninety_six_samples_take_well_under_a_second():
    began = time.perf_counter()
    schedule(electrolyte(96))
    assert time.perf_counter() - began < 1.0


@pytest.mark.parametrize("now", [1.0, 65.0, 144.0, 300.0, 511.0, 600.0, 1200.0])
@pytest.mark.parametrize("late", [0.0, 40.0])
def test_replanning_in_the_middle_keeps_what_has_begun(now, late):
    before = electrolyte(6)
    snapshot = cut(before, schedule(before), now, late)
    planned = schedule(snapshot)
    assert violations(snapshot, planned) == []
    assert planned.blocked == {}


def test_replanning_without_news_gains_or_keeps():
    before = electrolyte(6)
    first = schedule(before)
    again = schedule(cut(before, first, 300.0))
    assert again.timeline.makespan_s <= first.timeline.makespan_s + 1e-6


def test_an_overdue_step_is_expected_now():
    plan = plan_of(step("a", "d", 10), step("b", "d", 5, ["a"]))
    run = RunSnapshot("r", (plan,), running={"a": (0.0, 10.0)})
    slots = schedule(PlanningSnapshot(60.0, (run,))).timeline.slots
    assert [(slot.step, slot.start_s, slot.end_s) for slot in slots] == [
        ("a", 0.0, 60.0),
        ("b", 60.0, 65.0),
    ]


def test_priority_goes_before_order_and_progress_before_priority():
    plan = plan_of(step("a", "d", 10), step("b", "d", 10, ["a"]))
    runs = (
        RunSnapshot("plain", (plan,)),
        RunSnapshot("urgent", (plan,), priority=1),
        RunSnapshot("begun", (plan,), finished={"a": 0.0}),
    )
    order = [slot.run for slot in schedule(PlanningSnapshot(0.0, runs)).timeline.slots]
    assert order == ["begun", "urgent", "urgent", "plain", "plain"]


def test_the_binding_that_ends_first_is_chosen():
    slow, fast = plan_of(step("a", "slow", 20)), plan_of(step("a", "fast", 10))
    snapshot = PlanningSnapshot(0.0, tuple(RunSnapshot(f"r{n}", (slow, fast)) for n in range(3)))
    planned = schedule(snapshot)
    # two after each other on the fast one end with the first on the slow one: the first candidate wins a draw
    assert [planned.plans[f"r{n}"].steps[0].device for n in range(3)] == ["fast", "slow", "fast"]


def test_a_device_that_is_busy_elsewhere_is_waited_for():
    snapshot = electrolyte(1, device_free_s={"balance": 1000.0})
    planned = schedule(snapshot)
    assert violations(snapshot, planned) == []
    assert planned.timeline.slots[0].start_s == 1000.0


def test_a_device_out_of_use_is_gone_around_where_there_is_another():
    snapshot = electrolyte(4, device_free_s={"probe_1": math.inf})
    planned = schedule(snapshot)
    assert violations(snapshot, planned) == []
    assert {plan.bindings["cell"] for plan in planned.plans.values()} == {"cell_2"}


def test_a_run_that_needs_a_device_out_of_use_says_so():
    planned = schedule(electrolyte(2, device_free_s={"balance": math.inf}))
    assert planned.timeline == Timeline()
    assert planned.blocked == {"r000": '"balance" is out of use', "r001": '"balance" is out of use'}
    assert planned.plans["r000"] is CELLS[0]


def test_a_station_that_another_run_holds_is_waited_for():
    snapshot = electrolyte(2, stations_free_s={"pot": 500.0})
    planned = schedule(snapshot)
    assert violations(snapshot, planned) == []
    assert planned.timeline.slots[0].start_s == 500.0
    blocked = schedule(electrolyte(1, stations_free_s={"pot": math.inf})).blocked
    assert blocked == {"r000": '"pot" is out of use'}


def test_a_run_without_plans_is_blocked():
    assert "no plan" in schedule(PlanningSnapshot(0.0, (RunSnapshot("r", ()),))).blocked["r"]


def test_nothing_to_plan():
    assert schedule(PlanningSnapshot(5.0, ())) == Schedule(Timeline(), {})
    plan = plan_of(step("a", "d", 1))
    done = RunSnapshot("r", (plan,), finished={"a": 1.0})
    assert schedule(PlanningSnapshot(5.0, (done,))).timeline == Timeline()


def test_a_short_run_fits_into_a_gap():
    long = plan_of(step("a", "d", 5), step("wait", "e", 100, ["a"]), step("b", "d", 5, ["wait"]))
    short = plan_of(step("a", "d", 20))
    snapshot = PlanningSnapshot(0.0, (RunSnapshot("long", (long,)), RunSnapshot("short", (short,))))
    planned = schedule(snapshot)
    assert violations(snapshot, planned) == []
    assert [s.start_s for s in planned.timeline.slots if s.run == "short"] == [5.0]


def test_a_station_blocks_even_while_its_devices_rest():
    plan = plan_of(
        step("fill", "pump", 10, claims=["pot"]),
        step("think", "computer", 100, ["fill"]),
        step("empty", "drain", 10, ["think"], ["pot"]),
    )
    snapshot = PlanningSnapshot(0.0, tuple(RunSnapshot(f"r{n}", (plan,)) for n in range(2)))
    planned = schedule(snapshot)
    assert violations(snapshot, planned) == []
    fills = [slot.start_s for slot in planned.timeline.slots if slot.step == "fill"]
    assert fills == [0.0, 120.0]


def swap(*more: PlannedStep) -> PlanningSnapshot:
    """Two samples that must swap places; each has more to do where it stands first."""
    plan = plan_of(
        step("weigh", "balance", 10, claims=["pan"]),
        step("heat", "oven", 30, claims=["shelf"]),
        *more,
    )
    return PlanningSnapshot(
        5.0,
        (
            RunSnapshot("one", (plan,), running={"weigh": (0.0, 10.0)}),
            RunSnapshot("two", (plan,), running={"heat": (0.0, 30.0)}),
        ),
    )


def test_samples_can_swap_places():
    planned = schedule(swap())
    assert violations(swap(), planned) == []
    assert planned.blocked == {}
    starts = {(slot.run, slot.step): slot.start_s for slot in planned.timeline.slots}
    assert starts["one", "heat"] == 30.0
    assert starts["two", "weigh"] == 10.0


def test_samples_can_swap_places_when_neither_is_about_to_leave():
    """Neither run can be placed whole before the other: they are placed step by step."""
    more = (
        step("weigh_again", "balance", 10, ["weigh"], ["pan"]),
        step("heat_again", "oven", 30, ["heat"], ["shelf"]),
    )
    snapshot = swap(*more)
    third = RunSnapshot("three", snapshot.runs[0].plans)
    snapshot = PlanningSnapshot(snapshot.now_s, (*snapshot.runs, third))
    planned = schedule(snapshot)
    assert violations(snapshot, planned) == []
    assert planned.blocked == {}
    starts = {(slot.run, slot.step): slot.start_s for slot in planned.timeline.slots}
    assert starts["one", "heat"] == 60.0
    assert starts["two", "weigh"] == 20.0
    assert schedule(snapshot) == planned


def test_a_true_deadlock_is_told_not_planned_over():
    plan = plan_of(
        step("a", "d1", 10, claims=["left"]),
        step("b", "d2", 10, claims=["right"]),
        step("join", "d3", 10, ["a", "b"], ["left", "right"]),
    )
    other = RunSnapshot("three", (plan_of(step("x", "d9", 5)),))
    snapshot = PlanningSnapshot(
        20.0,
        (
            RunSnapshot("one", (plan,), finished={"a": 10.0}),
            RunSnapshot("two", (plan,), finished={"b": 10.0}),
            other,
        ),
    )
    planned = schedule(snapshot)
    assert violations(snapshot, planned) == []
    assert planned.blocked == {
        "one": '"right" is held by two',
        "two": '"left" is held by one',
    }
    assert [slot.run for slot in planned.timeline.slots] == ["three"]


# -- labs made up by hypothesis ---------------------------------------------------------------------


@settings(deadline=None, max_examples=120)
@given(made_up_labs())
def test_any_lab_is_planned_without_a_fault(snapshot):
    planned = schedule(snapshot)
    assert violations(snapshot, planned) == []
    assert planned.blocked == {}
    assert schedule(snapshot) == planned


@settings(deadline=None, max_examples=120)
@given(made_up_labs())
def test_together_is_never_slower_than_one_after_another(snapshot):
    runs = snapshot.runs
    alone = sum(schedule(PlanningSnapshot(0.0, (run,))).timeline.makespan_s for run in runs)
    together = schedule(PlanningSnapshot(snapshot.now_s, runs)).timeline.makespan_s
    assert together <= snapshot.now_s + alone + 1e-6


@settings(deadline=None, max_examples=120)
@given(made_up_labs(), st.floats(0.0, 1.0), st.floats(0.0, 30.0))
def test_any_lab_can_be_planned_again_in_the_middle(snapshot, part, late):
    first = schedule(snapshot)
    now = snapshot.now_s + part * max(0.0, first.timeline.makespan_s - snapshot.now_s)
    middle = cut(snapshot, first, now, late)
    again = schedule(middle)
    assert violations(middle, again) == []
    assert again.blocked == {}


# -- the judge itself ------------------------------------------------------------------------------


def moved(planned: Schedule, index: int, **changes) -> Schedule:
    slots = list(planned.timeline.slots)
    slots[index] = slots[index].model_copy(update=changes)
    return Schedule(Timeline(slots=tuple(sorted(slots, key=lambda s: s.start_s))), planned.plans)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"start_s": -5.0, "end_s": 0.0}, "in the past"),
        ({"end_s": 1.0}, "wrong length"),
        ({"device": "probe_2"}, "wrong place"),
        ({"start_s": 300.0, "end_s": 305.0}, "before tare is done"),
    ],
)
def test_the_judge_sees_a_slot_that_was_moved(changes, words):
    snapshot = electrolyte(2)
    planned = schedule(snapshot)
    assert violations(snapshot, planned) == []
    assert any(words in wrong for wrong in violations(snapshot, moved(planned, 0, **changes)))


def test_the_judge_sees_doubles_gaps_and_clashes():
    snapshot = electrolyte(2)
    planned = schedule(snapshot)
    slots = planned.timeline.slots
    assert "r000 tare is planned twice" in violations(
        snapshot, Schedule(Timeline(slots=(slots[0], *slots)), planned.plans)
    )
    assert "r000 tare has no slot" in violations(
        snapshot, Schedule(Timeline(slots=slots[1:]), planned.plans)
    )
    both = [slot.model_copy(update={"run": "r001"}) for slot in slots if slot.run == "r000"]
    mixed = [slot for slot in slots if slot.run == "r000"] + both
    doubled = Schedule(
        Timeline(slots=tuple(sorted(mixed, key=lambda slot: slot.start_s))),
        {"r000": CELLS[0], "r001": CELLS[0]},
    )
    found = violations(snapshot, doubled)
    assert "balance does r000 tare and r001 tare at once" in found
    assert "r000 and r001 are in pot at once" in found


def test_the_judge_sees_a_slot_for_a_safe_step():
    snapshot = electrolyte(1)
    planned = schedule(snapshot)
    extra = Slot(run="r000", step="heater_off", device="hotplate_1", start_s=900.0, end_s=902.0)
    wrong = violations(
        snapshot, Schedule(Timeline(slots=(*planned.timeline.slots, extra)), planned.plans)
    )
    assert wrong == ["r000 heater_off has no business in the timeline"]


def test_the_planner_fulfils_the_contract():
    planner: Scheduler = schedule
    assert planner(electrolyte(1)).timeline.makespan_s == 593.0
