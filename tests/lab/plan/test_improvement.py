"""Whether a better order that was found in the meantime still serves: each reason to drop it has its case."""

from __future__ import annotations

import pickle
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.domain.plan import TimeWindow
from lab.plan.improvement import FROZEN_S, job_of, weigh, worth_a_search
from lab.plan.replan import replan
from lab.plan.schedule import schedule
from lab.plan.snapshot import PlanningSnapshot, RunSnapshot
from lab.plan.tiers import frozen, improved, standing_solution
from lab.plan.worth import worth
from tests.support.made_up_labs import cut, electrolyte, made_up_labs, plan_of, step
from tests.support.schedule_checker import violations

LONG = plan_of(step("cut", "saw", 100), step("bake", "oven", 500, ["cut"]))
SHORT = plan_of(step("cut", "saw", 100), step("read", "reader", 10, ["cut"]))


def saw_shop(now: float = 0.0, **more) -> PlanningSnapshot:
    """Six short samples and then a long one, which had better come first. The frozen time passes with the first two."""
    runs = [RunSnapshot(f"s{n}", (SHORT,), **more.get(f"s{n}", {})) for n in range(6)]
    return PlanningSnapshot(now, (*runs, RunSnapshot("long", (LONG,))))


def in_order(snapshot: PlanningSnapshot, *order: str):
    """A timeline that cuts the samples in that order."""
    place = {name: n for n, name in enumerate(order)}
    alike = (replace(run, priority=0) for run in snapshot.runs)
    runs = sorted(alike, key=lambda run: place[run.run])
    found = schedule(replace(snapshot, runs=tuple(runs)))
    return found.timeline.slots, found.plans


SIX = ("s0", "s1", "s2", "s3", "s4", "s5")


def test_a_better_order_is_taken_with_its_times_of_now():
    snapshot = saw_shop()
    slots, plans = in_order(snapshot, *SIX, "long")
    better, _ = in_order(snapshot, "s0", "s1", "s2", "s3", "long", "s4", "s5")
    # found a moment ago, when the saw was thought to be slower: times do not matter, turns do
    late = tuple(
        s.model_copy(update={"start_s": s.start_s + 7, "end_s": s.end_s + 7}) for s in better
    )
    weighed = weigh(snapshot, slots, plans, late)
    assert (weighed.gain_s, weighed.makespan_gain_s) == (0.0, 200.0)
    assert weighed.schedule is not None
    back = weigh(snapshot, late, plans, slots)
    assert back == (None, "it is no better by now", 0.0, -200.0)
    heavy = heavy_shop()
    weighed = weigh(heavy, slots, plans, late)
    assert weighed.schedule is not None
    # ten times the long one's 200 s, less the 100 s of each of the two that follow
    assert weighed.gain_s == 10 * 200 - 2 * 100
    assert weighed.makespan_gain_s == 200
    assert violations(heavy, weighed.schedule) == []


def heavy_shop(**more) -> PlanningSnapshot:
    shop = saw_shop(**more)
    return replace(
        shop, runs=tuple(replace(r, priority=9) if r.run == "long" else r for r in shop.runs)
    )


def test_what_begins_at_once_is_left_alone():
    snapshot = heavy_shop()
    slots, plans = in_order(snapshot, *SIX, "long")
    at_once, _ = in_order(snapshot, "long", *SIX)
    assert weigh(snapshot, slots, plans, at_once).reason == "it moves what begins at once"
    second, _ = in_order(snapshot, "s0", "long", *SIX[1:])
    assert slots[0].end_s > FROZEN_S
    assert weigh(snapshot, slots, plans, second).schedule is not None


def test_what_has_begun_out_of_its_turn_makes_it_unfit():
    begun = heavy_shop(now=20.0, s1={"running": {"cut": (0.0, 100.0)}})
    slots, plans = in_order(begun, *SIX, "long")
    other, _ = in_order(heavy_shop(), "s0", "long", *SIX[1:])
    assert weigh(begun, slots, plans, other).reason == "it does not fit what has begun since"


def test_runs_that_came_meanwhile_make_it_stale():
    snapshot = heavy_shop()
    slots, plans = in_order(snapshot, *SIX, "long")
    found = [slot for slot in slots if slot.run != "s5"]
    assert weigh(snapshot, slots, plans, found).reason == "it lacks runs that have come since"


def test_a_device_out_of_use_makes_it_stale():
    snapshot = heavy_shop()
    slots, plans = in_order(snapshot, *SIX, "long")
    better, _ = in_order(snapshot, "s0", "long", *SIX[1:])
    broken = replace(snapshot, device_free_s={"oven": float("inf")})
    assert weigh(broken, slots, plans, better).reason == "a device has gone out of use since"


def test_no_limit_is_broken_more_for_any_gain():
    hold = TimeWindow(
        name="soon", from_steps=("cut",), from_mark="end", to_steps=("read",), to_mark="start",
        less_than_s=60.0,
    )  # fmt: skip
    held = plan_of(step("cut", "saw", 100), step("read", "oven", 10, ["cut"]))
    held = held.model_copy(update={"timing": (hold,)})
    snapshot = PlanningSnapshot(
        0.0,
        (
            RunSnapshot("first", (SHORT,)),
            RunSnapshot("held", (held,)),
            RunSnapshot("long", (LONG,), priority=99),
        ),
    )
    slots, plans = in_order(snapshot, "first", "held", "long")
    # the oven first for the long sample: the one that is held waits 500 s in front of it
    turns = {
        ("long", "cut"): 1.5,
        ("long", "bake"): 1.6,
        ("held", "cut"): 1.4,
        ("held", "read"): 1.7,
    }
    found = sorted(slots, key=lambda s: turns.get((s.run, s.step), 0.0))
    weighed = weigh(snapshot, slots, plans, found)
    assert weighed.schedule is None
    assert weighed.reason == "it breaks soon of held by 540 s more"


def test_the_standing_order_itself_is_no_gain():
    snapshot = heavy_shop()
    slots, plans = in_order(snapshot, *SIX, "long")
    weighed = weigh(snapshot, slots, plans, slots)
    assert (weighed.schedule, weighed.gain_s) == (None, 0.0)


def test_a_task_is_small_and_has_one_plan_for_each_run():
    snapshot = electrolyte(6)
    first = schedule(snapshot)
    job = job_of(snapshot, first.timeline.slots, first.plans)
    assert all(run.plans == (first.plans[run.run],) for run in job.snapshot.runs)
    assert pickle.loads(pickle.dumps(job)) == job
    standing = job.standing()
    assert standing is not None
    assert standing.timeline.makespan_s == pytest.approx(first.timeline.makespan_s)


def test_too_little_left_is_not_worth_a_search():
    slots = schedule(electrolyte(2)).timeline.slots
    last = max(slot.start_s for slot in slots)
    assert worth_a_search(slots, 0.0)
    assert not worth_a_search(slots, last - 2 * FROZEN_S + 1.0)


def test_a_search_leaves_alone_what_begins_soon_and_finds_the_rest():
    snapshot = heavy_shop()
    slots, plans = in_order(snapshot, *SIX, "long")
    found = improved(job_of(snapshot, slots, plans), 100)
    assert found is not None
    starts = {(slot.run, slot.step): slot.start_s for slot in found.timeline.slots}
    for slot in slots:
        if slot.start_s < 2 * FROZEN_S:
            assert starts[slot.run, slot.step] == pytest.approx(slot.start_s, abs=1e-3)
    assert starts["long", "cut"] == pytest.approx(200.0, abs=1e-3), "the first that is free to move"
    assert weigh(snapshot, slots, plans, found.timeline.slots).schedule is not None


def test_nothing_better_is_no_answer():
    alone = PlanningSnapshot(0.0, (RunSnapshot("long", (LONG,)), RunSnapshot("too", (LONG,))))
    first = schedule(alone)
    assert improved(job_of(alone, first.timeline.slots, first.plans), 20) is None


def test_where_all_begins_soon_there_is_nothing_to_move():
    brief = PlanningSnapshot(0.0, (RunSnapshot("s", (SHORT,)),))
    first = schedule(brief)
    job = job_of(brief, first.timeline.slots, first.plans)
    assert frozen(job, first) is None
    assert improved(job, 5) is None


@settings(deadline=None, max_examples=60)
@given(made_up_labs(), st.floats(0.0, 600.0), st.floats(0.0, 30.0))
def test_whatever_is_taken_can_be_carried_out_and_is_better(whole, now, later):
    first = schedule(whole)
    if first.blocked:
        return
    moment = cut(whole, first, now, late=5.0)
    standing = replan(moment, first.timeline.slots, first.plans, {}).schedule
    if standing.blocked or not standing.timeline.slots:
        return
    job = job_of(moment, standing.timeline.slots, standing.plans)
    ordered = job.standing()
    if ordered is None:
        return
    translation = frozen(job, ordered)
    if translation is not None:
        solution = standing_solution(translation, ordered)
        assert solution is None or len(solution.placed) == len(translation.problem.operations)
    found = improved(job, 10)
    if found is None:
        return
    after = replace(moment, now_s=moment.now_s + later)
    weighed = weigh(after, standing.timeline.slots, standing.plans, found.timeline.slots)
    if weighed.schedule is None:
        assert weighed.reason
        return
    assert violations(after, weighed.schedule) == []
    kept = job_of(after, standing.timeline.slots, standing.plans).standing()
    assert kept is not None
    assert worth(after, weighed.schedule) < worth(after, kept)
