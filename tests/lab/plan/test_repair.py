"""Newly broken limits where runs are many: what is tried before all runs are placed anew, and that nothing is lost by it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.domain.plan import TimeWindow
from lab.plan import replan as module
from lab.plan.replan import replan
from lab.plan.schedule import PlanningSnapshot, RunningStep, RunSnapshot, schedule
from tests.lab.plan.test_retime import held
from tests.support.made_up_labs import cut, plan_of, step
from tests.support.schedule_checker import violations

MANY = 20


@pytest.fixture
def placed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many runs were placed anew each time that some were."""
    asked: list[int] = []

    def counted(snapshot, *args):
        asked.append(len(snapshot.runs))
        return schedule(snapshot, *args)

    monkeypatch.setattr(module, "schedule", counted)
    return asked


def late_lab(now_s: float, late_s: float, most_s: float):
    """Twenty samples in two ovens with one place to cool; the one that cools takes longer than planned."""
    plans = held(most_s)
    runs = tuple(RunSnapshot(f"r{n:02d}", plans) for n in range(MANY))
    snapshot = PlanningSnapshot(0.0, runs)
    first = schedule(snapshot)
    moment = cut(snapshot, first, now_s)
    slow = tuple(
        replace(
            run,
            running={
                path: RunningStep(a, b + late_s * (path == "cool"))
                for path, (a, b) in run.running.items()
            },
        )
        for run in moment.runs
    )
    return first, replace(moment, runs=slow)


@settings(deadline=None, max_examples=60)
@given(
    now_s=st.floats(1.0, 1100.0),
    late_s=st.floats(0.0, 200.0),
    most_s=st.sampled_from([5.0, 10.0, 40.0, 90.0]),
)
def test_no_limit_is_broken_that_placing_all_runs_anew_would_keep(now_s, late_s, most_s):
    first, moment = late_lab(now_s, late_s, most_s)
    found, _ = replan(moment, first.timeline.slots, first.plans, {})
    assert violations(moment, found) == []
    anew = schedule(moment)
    assert sum(item.by_s for item in found.broken) <= sum(
        item.by_s + 1.0 for item in anew.broken
    ) + 1e-6 * len(found.broken)


def test_where_no_order_helps_only_the_runs_that_have_begun_are_placed(placed):
    first, moment = late_lab(161.0, 100.0, 10.0)
    found, source = replan(moment, first.timeline.slots, first.plans, {})
    assert source == "order"
    assert found.broken
    assert len(placed) == 1
    assert placed[0] < MANY / 2


def hot_and_waiting(wash_s: float = 100.0):
    """One sample is hot and done sooner than planned; the plan has the place washed first, by a sample that can wait."""
    window = TimeWindow(
        name="hold", from_steps=("heat",), from_mark="end", to_steps=("cool",), to_mark="start",
        less_than_s=10.0,
    )  # fmt: skip
    hot = plan_of(step("heat", "oven", 160), step("cool", "place", 60, ["heat"])).model_copy(
        update={"timing": (window,)}
    )
    wash = plan_of(step("wash", "place", wash_s), step("dry", "rack", 30, ["wash"]))
    others = tuple(RunSnapshot(f"x{n}", (plan_of(step("s", f"d{n}", 500)),)) for n in range(14))
    runs = (RunSnapshot("wash", (wash,)), RunSnapshot("hot", (hot,)), *others)
    return PlanningSnapshot(0.0, runs)


def test_a_sample_that_can_wait_lets_the_hot_one_pass(placed):
    snapshot = hot_and_waiting()
    first = schedule(snapshot)
    starts = {(s.run, s.step): s.start_s for s in first.timeline.slots}
    assert starts["wash", "wash"] == 0.0
    # the washing was held up until now, and the oven is done after 60 s instead of 160
    runs = tuple(
        replace(run, running={"heat": RunningStep(0.0, 60.0)}) if run.run == "hot" else run
        for run in snapshot.runs
    )
    moment = replace(snapshot, now_s=40.0, runs=runs)
    found, source = replan(moment, first.timeline.slots, first.plans, {})
    assert source == "repair"
    assert found.broken == ()
    assert violations(moment, found) == []
    slots = {(s.run, s.step): s for s in found.timeline.slots}
    assert slots["hot", "cool"].start_s == 60.0
    assert slots["wash", "wash"].start_s == 120.0
    assert placed == [1], "nobody else is placed anew"


def test_where_the_repair_does_not_help_all_are_placed_anew(placed, monkeypatch):
    monkeypatch.setattr(module, "_repaired", lambda *_: None)
    snapshot = hot_and_waiting()
    first = schedule(snapshot)
    runs = tuple(
        replace(run, running={"heat": RunningStep(0.0, 60.0)}) if run.run == "hot" else run
        for run in snapshot.runs
    )
    moment = replace(snapshot, now_s=40.0, runs=runs)
    found, source = replan(moment, first.timeline.slots, first.plans, {})
    assert (source, found.broken) == ("reservation", ())
    assert placed == [1, len(snapshot.runs)]


def test_a_limit_that_is_known_to_be_broken_is_no_reason_for_any_of_it(placed):
    first, moment = late_lab(161.0, 100.0, 10.0)
    found, _ = replan(moment, first.timeline.slots, first.plans, {})
    known = {(item.run, item.window): item.by_s for item in found.broken}
    placed.clear()
    again, source = replan(moment, found.timeline.slots, found.plans, known)
    assert (source, placed) == ("order", [])
    assert again.broken == found.broken
