"""Times at which a device or a person does nothing: no planner puts a step there, and none is lost for them."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from lab.plan.model.verify import faults
from lab.plan.retime import retime
from lab.plan.schedule import PlanningSnapshot, RunSnapshot, schedule
from lab.plan.search.construct import Constructor
from lab.plan.translate import translate
from tests.support.made_up_labs import plan_of, step

PLAN = plan_of(
    step("fill", "pump", 30.0, claims=["pot"]),
    step("look", "operator", 60.0, ["fill"], claims=["pot"]),
    step("heat", "oven", 100.0, ["look"]),
)


@st.composite
def breaks(draw):
    """In order and apart; between any two there is time for the longest step."""
    at, found = draw(st.integers(0, 200)), []
    for _ in range(draw(st.integers(1, 4))):
        end = at + draw(st.integers(1, 500))
        found.append((float(at), float(end)))
        at = end + 100 + draw(st.integers(0, 300))
    return tuple(found)


def lab(runs: int, closed) -> PlanningSnapshot:
    return PlanningSnapshot(
        0.0, tuple(RunSnapshot(f"r{n}", (PLAN,)) for n in range(runs)), closed_s=closed
    )


def in_a_break(slots, closed) -> list[str]:
    return [
        f"{slot.run} {slot.step}"
        for slot in slots
        for start, end in closed.get(slot.device, ())
        if slot.start_s < end and start < slot.end_s
    ]


@settings(deadline=None)
@given(runs=st.integers(1, 5), people=breaks(), oven=breaks())
def test_no_step_lies_in_a_break_and_every_step_has_a_place(runs, people, oven):
    closed = {"operator": people, "oven": oven}
    snapshot = lab(runs, closed)
    planned = schedule(snapshot)
    assert planned.blocked == {}
    assert len(planned.timeline.slots) == 3 * runs
    assert in_a_break(planned.timeline.slots, closed) == []
    translation = translate(snapshot, planned.plans)
    assert faults(translation.problem, translation.placed(planned)) == []
    found = translation.schedule(Constructor(translation.problem).best.placed)
    assert in_a_break(found.timeline.slots, closed) == []
    free = schedule(replace(snapshot, closed_s={})).timeline.makespan_s
    assert planned.timeline.makespan_s >= free


@settings(deadline=None)
@given(runs=st.integers(1, 4), people=breaks(), late=st.integers(0, 300))
def test_a_standing_order_that_slips_into_a_break_waits_until_it_is_over(runs, people, late):
    closed = {"operator": people}
    snapshot = lab(runs, closed)
    planned = schedule(snapshot)
    now = replace(snapshot, now_s=float(late))
    moved = retime(now, planned.timeline.slots, planned.plans)
    assert moved is not None
    assert in_a_break(moved.timeline.slots, closed) == []
    free = retime(replace(now, closed_s={}), planned.timeline.slots, planned.plans)
    assert free is not None
    if not in_a_break(free.timeline.slots, closed):
        assert moved.timeline.slots == free.timeline.slots
    starts = {(slot.run, slot.step): slot.start_s for slot in free.timeline.slots}
    assert all(s.start_s >= starts[s.run, s.step] for s in moved.timeline.slots)


def test_what_runs_goes_on_into_the_break():
    run = RunSnapshot("r0", (PLAN,), {"fill": 30.0}, {"look": (30.0, 90.0)})
    snapshot = PlanningSnapshot(40.0, (run,), closed_s={"operator": ((50.0, 400.0),)})
    planned = schedule(snapshot)
    slots = {slot.step: slot for slot in planned.timeline.slots}
    assert (slots["look"].end_s, slots["heat"].start_s) == (90.0, 90.0)
    kept = retime(snapshot, planned.timeline.slots, planned.plans)
    assert kept is not None
    problem = translate(snapshot, planned.plans).problem
    assert Constructor(problem).best.makespan == 1000 * (190 - 30)
