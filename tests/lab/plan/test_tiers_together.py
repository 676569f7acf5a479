"""Every tier at any moment of laboratories with limits on time: what must hold of all of them, judged from outside.

Nothing overlaps, nothing starts in the past, what began stays, and the limits that a timeline says it breaks are those that
its own times break, second for second.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.plan.improvement import job_of, weigh
from lab.plan.interleave import interleave
from lab.plan.model.bounds import lower_bound
from lab.plan.model.verify import faults
from lab.plan.replan import replan
from lab.plan.retime import retime
from lab.plan.schedule import Board, schedule
from lab.plan.tiers import improved, searched
from lab.plan.translate import milliseconds, translate
from lab.plan.worth import worth
from tests.support.made_up_labs import cut, timed_labs
from tests.support.schedule_checker import violations

if TYPE_CHECKING:
    from lab.plan.snapshot import PlanningSnapshot, Schedule

FUZZ_S = 1e-5


def beyond_limits(snapshot: PlanningSnapshot, planned: Schedule) -> dict[tuple[str, str], float]:
    """(run, window) -> seconds beyond its limit, of all that are still to end; written out from the times alone."""
    found: dict[tuple[str, str], float] = {}
    for run in snapshot.runs:
        if run.run in planned.blocked:
            continue
        plan = planned.plans[run.run]
        starts = {s.step: s.start_s for s in planned.timeline.slots if s.run == run.run}
        ends = {s.step: s.end_s for s in planned.timeline.slots if s.run == run.run}
        for path, end in run.finished.items():
            starts[path], ends[path] = end - plan.step(path).duration_s, end
        for window in plan.timing:
            [first], [second] = window.from_steps, window.to_steps
            if second in run.finished:
                continue
            since = (starts if window.from_mark == "start" else ends)[first]
            took = (starts if window.to_mark == "start" else ends)[second] - since
            over = max(
                took - window.less_than_s if window.less_than_s is not None else -1.0,
                window.more_than_s - took if window.more_than_s is not None else -1.0,
            )
            if over > FUZZ_S:
                found[run.run, window.name] = over
    return found


def judge(snapshot: PlanningSnapshot, planned: Schedule) -> None:
    assert violations(snapshot, planned) == []
    said = {(item.run, item.window): item.by_s for item in planned.broken if item.by_s > FUZZ_S}
    assert said == pytest.approx(beyond_limits(snapshot, planned), abs=FUZZ_S)
    for run in snapshot.runs:
        slots = {s.step: s for s in planned.timeline.slots if s.run == run.run}
        for path, (start, end) in run.running.items():
            assert slots[path].start_s == start
            assert slots[path].end_s == pytest.approx(max(end, snapshot.now_s))


@st.composite
def moments(draw: st.DrawFn) -> tuple[PlanningSnapshot, Schedule, PlanningSnapshot]:
    """A laboratory, its first timeline, and a later moment of it at which some steps end late and a device may be away."""
    whole = draw(timed_labs())
    first = schedule(whole)
    whole = replace(whole, runs=tuple(r for r in whole.runs if r.run not in first.blocked))
    span = max(0.0, first.timeline.makespan_s - whole.now_s)
    now = whole.now_s + draw(st.floats(0.0, 1.0)) * span
    moment = cut(whole, first, now, draw(st.sampled_from([0.0, 3.0, 40.0])))
    if draw(st.booleans()):
        device = draw(st.sampled_from(["d0", "d1", "d2", "d30"]))
        moment = replace(moment, device_free_s={device: now + draw(st.floats(0, 60))})
    return whole, first, moment


@settings(deadline=None, max_examples=60)
@given(timed_labs())
def test_the_first_timeline_tells_its_limits_truly(snapshot):
    judge(snapshot, schedule(snapshot))


@settings(deadline=None, max_examples=60)
@given(moments())
def test_so_does_a_new_one_at_any_moment(lab):
    _, _, moment = lab
    judge(moment, schedule(moment))


@settings(deadline=None, max_examples=60)
@given(moments())
def test_the_corrected_order_and_what_is_taken_in_the_end(lab):
    _, first, moment = lab
    kept = retime(moment, first.timeline.slots, first.plans)
    if kept is not None:
        judge(moment, kept)
    taken = replan(moment, first.timeline.slots, first.plans, {})
    judge(moment, taken.schedule)
    if kept is not None:
        assert worth(moment, taken.schedule) <= worth(moment, kept)


@settings(deadline=None, max_examples=60)
@given(moments())
def test_a_search_is_judged_alike_and_is_never_worse(lab):
    _, _, moment = lab
    standing = schedule(moment)
    found = searched(moment, standing, 5)
    judge(moment, found)
    assert worth(moment, found) <= worth(moment, standing)


@settings(deadline=None, max_examples=60)
@given(moments(), st.floats(0.0, 30.0))
def test_what_was_found_for_an_earlier_moment_is_followed_only_if_it_fits(lab, passed):
    _, _, moment = lab
    moment = replace(moment, device_free_s={})
    standing = schedule(moment)
    if standing.blocked or not standing.timeline.slots:
        return
    slots, plans = standing.timeline.slots, standing.plans
    better = improved(job_of(moment, slots, plans), 5)
    if better is None:
        return
    later = cut(moment_alike(moment, standing), standing, moment.now_s + passed)
    weighed = weigh(later, slots, plans, better.timeline.slots)
    if weighed.schedule is None:
        assert weighed.reason
        return
    judge(later, weighed.schedule)
    own = retime(later, slots, plans)
    assert own is not None
    assert worth(later, weighed.schedule) < worth(later, own)


def moment_alike(moment: PlanningSnapshot, standing: Schedule) -> PlanningSnapshot:
    """With one plan for each run, the one that it has in the timeline."""
    runs = tuple(replace(run, plans=(standing.plans[run.run],)) for run in moment.runs)
    return replace(moment, runs=runs)


@settings(deadline=None, max_examples=40)
@given(timed_labs())
def test_no_bound_is_above_a_timeline_and_a_timeline_is_a_solution(snapshot):
    planned = schedule(snapshot)
    if planned.blocked or not planned.timeline.slots:
        return
    found = translate(snapshot, planned.plans, weighted=False)
    placed = found.placed(planned)
    wrong = faults(found.problem, placed)
    if not wrong:
        latest = max(place.end for place in placed)
        assert lower_bound(found.problem) <= latest
        if found.exact:
            end = planned.timeline.makespan_s - found.origin_s
            assert lower_bound(found.problem) <= milliseconds(end) + len(placed)


@settings(deadline=None, max_examples=60)
@given(moments())
def test_placing_step_by_step_keeps_to_what_is_booked(lab):
    """Runs that have begun, all placed at once on an empty board: valid, or left out."""
    _, _, moment = lab
    begun = [run for run in moment.runs if run.progress]
    board = Board()
    for run in begun:
        for path, (start, end) in run.running.items():
            device = run.plans[0].step(path).device
            board.device(device).add(start, max(end, moment.now_s))
    placed = interleave(begun, moment, board)
    slots = [slot for _, placement in placed for slot in placement.slots]
    snapshot = replace(moment, runs=tuple(run for run, _ in placed))
    taken = {}
    for slot in sorted(slots, key=lambda s: (s.start_s, s.end_s)):
        if slot.end_s > slot.start_s:
            assert slot.start_s >= taken.get(slot.device, slot.start_s) - FUZZ_S
            taken[slot.device] = slot.end_s
    for run, placement in placed:
        assert {slot.step for slot in placement.slots} == {
            step.path
            for step in placement.plan.steps
            if not step.safe_state and step.path not in run.finished
        }
    assert all(slot.start_s >= snapshot.now_s - FUZZ_S or started(snapshot, slot) for slot in slots)


def started(snapshot: PlanningSnapshot, slot) -> bool:
    return any(run.run == slot.run and slot.step in run.running for run in snapshot.runs)
