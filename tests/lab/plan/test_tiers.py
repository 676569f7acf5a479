"""Better timelines than the first one: never worse, never one that a laboratory could not carry out."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.plan.schedule import PlanningSnapshot, RunSnapshot, schedule
from lab.plan.tiers import adopted, searched
from lab.plan.translate import translate
from lab.plan.worth import worth
from tests.support.made_up_labs import cut, electrolyte, made_up_labs, plan_of, step
from tests.support.schedule_checker import violations


@settings(deadline=None, max_examples=80)
@given(made_up_labs(), st.booleans())
def test_any_lab_is_searched_without_a_fault_and_without_a_loss(snapshot, weighted):
    first = schedule(snapshot)
    found = searched(snapshot, first, 6, weighted=weighted)
    assert violations(snapshot, found) == []
    assert worth(snapshot, found, weighted=weighted) <= worth(snapshot, first, weighted=weighted)
    assert found.plans == first.plans


@pytest.mark.parametrize("now", [0.0, 120.0, 700.0])
def test_the_same_search_twice_finds_the_same(now):
    whole = electrolyte(6)
    moment = cut(whole, schedule(whole), now, late=15.0)
    first = schedule(moment)
    found = searched(moment, first, 40)
    assert violations(moment, found) == []
    assert found == searched(moment, first, 40)


def test_more_evaluations_find_what_fewer_do_not():
    """Placed one after the other, the short samples wait for the long one."""
    long = plan_of(step("cut", "saw", 10), step("bake", "oven", 50, ["cut"]))
    short = plan_of(step("cut", "saw", 10), step("read", "reader", 1, ["cut"]))
    runs = [RunSnapshot(f"s{n}", (short,)) for n in range(3)] + [RunSnapshot("long", (long,))]
    snapshot = PlanningSnapshot(0.0, tuple(runs))
    first = schedule(snapshot)
    assert first.timeline.makespan_s == 90.0
    found = searched(snapshot, first, 200, weighted=False)
    assert found.timeline.makespan_s == 60.0
    assert violations(snapshot, found) == []


def test_what_is_blocked_or_empty_stays_as_it_is():
    plan = plan_of(step("a", "x", 5))
    shut = PlanningSnapshot(0.0, (RunSnapshot("r", (plan,)),), {"x": float("inf")})
    first = schedule(shut)
    assert first.blocked
    assert searched(shut, first, 5) is first
    nothing = PlanningSnapshot(0.0, ())
    first = schedule(nothing)
    assert searched(nothing, first, 5) is first


def test_a_solution_that_cannot_be_carried_out_is_not_adopted():
    snapshot = electrolyte(3)
    first = schedule(snapshot)
    translation = translate(snapshot, first.plans)
    placed = translation.placed(first)
    assert adopted(translation, first, placed) is first, "equal is not better"
    together = tuple(
        place._replace(start=0, begin=0, end=place.end - place.start) for place in placed
    )
    assert adopted(translation, first, together) is first


def test_a_better_one_is_adopted_and_a_worse_one_is_not():
    snapshot = electrolyte(3)
    first = schedule(snapshot)
    last = max(first.timeline.slots, key=lambda slot: slot.end_s)
    slots = tuple(
        slot.model_copy(update={"start_s": slot.start_s + 50, "end_s": slot.end_s + 50})
        if slot == last
        else slot
        for slot in first.timeline.slots
    )
    late = replace(first, timeline=first.timeline.model_copy(update={"slots": slots}))
    translation = translate(snapshot, first.plans)
    assert adopted(translation, late, translation.placed(first)) == first
    assert adopted(translation, first, translation.placed(late)) is first
