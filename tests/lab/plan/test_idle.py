"""What limits a laboratory, and when it would fall idle."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given, settings

from lab.domain.run import OPERATOR
from lab.plan.idle import bottleneck, needed_by
from lab.plan.schedule import schedule
from tests.support.made_up_labs import electrolyte, made_up_labs, plan_of, step


def test_the_station_that_is_taken_longest_is_the_bottleneck():
    plan = plan_of(
        step("mix", "pump", 30, [], ["pot"]),
        step("move", "arm", 10, ["mix"], ["pot", "cell"]),
        step("rest", "probe", 5, ["move"], ["cell"]),
        step("drain", "arm", 200, ["rest"], ["cell"]),
    )
    found = bottleneck([plan.model_copy(update={"stations": ("pot", "cell")})])
    assert found is not None
    assert found.places == {"cell"}
    assert found.reached_after_s == 30.0
    assert found.load_s == 215.0, "also while the arm drains it"


def test_a_shared_place_that_nobody_waits_for_is_none():
    plan = plan_of(step("mix", "pump", 30, [], ["waste"]), step("read", "probe", 20, ["mix"]))
    found = bottleneck([plan.model_copy(update={"stations": ()})])
    assert found is not None
    assert found.places == {"pump"}


def test_two_of_a_kind_share_the_load():
    def with_cell(name: str):
        plan = plan_of(
            step("mix", "pump", 60, [], ["pot"]), step("measure", "probe", 100, ["mix"], [name])
        )
        return plan.model_copy(
            update={"stations": ("pot", name), "bindings": {"cell": name, "pot": "pot"}}
        )

    one = bottleneck([with_cell("cell_1")])
    assert one is not None
    assert one.load_s == 100.0
    two = bottleneck([with_cell("cell_1"), with_cell("cell_2")])
    assert two is not None
    # the probe is the same for both; the cells alone would take 50 s a sample
    assert two.places == {"probe"}


def test_people_are_no_bottleneck():
    assert bottleneck([plan_of(step("look", OPERATOR, 500))]) is None


def test_the_next_sample_must_begin_before_the_first_place_is_done():
    snapshot = electrolyte(3)
    planned = schedule(snapshot)
    neck = bottleneck(snapshot.runs[0].plans)
    assert neck is not None
    slots = planned.timeline.slots
    ends = {
        place: max(
            (slot.end_s for slot in slots if place in (slot.device, *slot.claims)),
            default=-math.inf,
        )
        for place in neck.places
    }
    assert needed_by(neck, slots) == min(ends.values()) - neck.reached_after_s
    assert needed_by(neck, ()) == -math.inf, "nothing is left: it is idle now"


def test_a_sample_that_begins_in_time_leaves_no_gap():
    """The case that it is for: one device after the other, the second is the bottleneck."""
    plan = plan_of(step("mix", "pump", 20), step("bake", "oven", 100, ["mix"]))
    snapshot = electrolyte(1)
    run = replace(snapshot.runs[0], run="r0", plans=(plan,))
    first = schedule(replace(snapshot, runs=(run,)))
    neck = bottleneck([plan])
    assert neck is not None
    begin = needed_by(neck, first.timeline.slots)
    assert begin == 100.0
    kept = schedule(
        replace(
            snapshot,
            now_s=begin,
            runs=(replace(run, finished={"mix": 20.0}, running={"bake": (20.0, 120.0)}),
                  replace(run, run="r1")),
        )
    )  # fmt: skip
    starts = {(slot.run, slot.step): slot.start_s for slot in kept.timeline.slots}
    assert starts["r1", "bake"] == pytest.approx(120.0), "the moment at which the oven is free"


@settings(deadline=None, max_examples=60)
@given(made_up_labs())
def test_the_bottleneck_is_a_place_of_the_plan_and_no_other_has_more_to_do_by_itself(snapshot):
    for run in snapshot.runs:
        neck = bottleneck(run.plans)
        if neck is None:
            assert all(s.device == OPERATOR for s in run.plans[0].steps if not s.safe_state)
            continue
        assert neck.reached_after_s >= 0
        main = [s for s in run.plans[0].steps if not s.safe_state]
        busy: dict[str, float] = {}
        for planned in main:
            busy[planned.device] = busy.get(planned.device, 0.0) + planned.duration_s
        busy.pop(OPERATOR, None)
        if len(run.plans) == 1:
            assert neck.load_s >= max(busy.values()) - 1e-9
        assert any(place in plan.places for place in neck.places for plan in run.plans)
