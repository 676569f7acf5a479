"""Times between steps: least ones are waited for, longest ones are kept where a shift is enough."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.domain.plan import Plan, PlannedStep, TimeWindow
from lab.plan.schedule import PlanningSnapshot, RunSnapshot, schedule
from tests.support.schedule_checker import violations

if TYPE_CHECKING:
    from collections.abc import Sequence


def step(
    path: str, device: str, seconds: float, needs: Sequence[str] = (), claims: Sequence[str] = ()
):
    return PlannedStep(
        path=path, title=path, capability="c", action="a", device=device, needs=tuple(needs),
        claims=tuple(claims), duration_s=seconds, timeout_s=10 * seconds + 1,
    )  # fmt: skip


def window(start: str, end: str, **limits: float) -> TimeWindow:
    (a, from_mark), (b, to_mark) = start.split("."), end.split(".")
    return TimeWindow(
        name=f"{start}-{end}", from_steps=(a,), from_mark=from_mark, to_steps=(b,), to_mark=to_mark,  # pyright: ignore[reportArgumentType]
        **limits,  # pyright: ignore[reportArgumentType]
    )  # fmt: skip


def plan_of(*steps: PlannedStep, timing: Sequence[TimeWindow] = ()) -> Plan:
    stations = tuple(dict.fromkeys(claim for item in steps for claim in item.claims))
    return Plan(
        sop_id="s", sop_version="1.0.0", sop_sha256="0", bindings={}, parameters={},
        stations=stations, steps=steps, timing=tuple(timing),
    )  # fmt: skip


def planned(*plans: Plan, finished=None, running=None, now: float = 0.0):
    runs = [RunSnapshot(f"r{index}", (plan,)) for index, plan in enumerate(plans)]
    if finished or running:
        runs[0] = RunSnapshot("r0", (plans[0],), finished or {}, running or {})
    snapshot = PlanningSnapshot(now, tuple(runs))
    found = schedule(snapshot)
    assert violations(snapshot, found) == []
    slots = {(slot.run, slot.step): (slot.start_s, slot.end_s) for slot in found.timeline.slots}
    return found, slots


CHAIN = (step("a", "x", 10), step("b", "y", 5, ["a"]))


@pytest.mark.parametrize(
    ("start", "end", "seconds", "begins"),
    [
        ("a.end", "b.start", 30, 40),
        ("a.start", "b.start", 30, 30),
        ("a.end", "b.end", 30, 35),
        ("a.start", "b.end", 30, 25),
        ("a.start", "b.start", 3, 10),
    ],
)
def test_least_times_are_waited_for(start, end, seconds, begins):
    found, slots = planned(plan_of(*CHAIN, timing=[window(start, end, more_than_s=seconds)]))
    assert slots["r0", "b"][0] == begins
    assert found.broken == ()


def test_a_rest_goes_on_after_the_step_is_finished():
    plan = plan_of(*CHAIN, timing=[window("a.end", "b.start", more_than_s=30)])
    _, slots = planned(plan, finished={"a": 12.0}, now=15.0)
    assert slots["r0", "b"][0] == 42.0
    _, slots = planned(plan, finished={"a": 12.0}, now=90.0)
    assert slots["r0", "b"][0] == 90.0


def test_a_rest_from_the_start_of_a_finished_step_counts_its_usual_duration():
    plan = plan_of(*CHAIN, timing=[window("a.start", "b.start", more_than_s=30)])
    _, slots = planned(plan, finished={"a": 12.0}, now=15.0)
    assert slots["r0", "b"][0] == 32.0


def test_a_step_starts_later_so_that_the_next_is_in_time():
    """`b` waits for the long `slow`, so `a` waits too."""
    steps = (step("a", "x", 10), step("slow", "z", 100), step("b", "y", 5, ["a", "slow"]))
    found, slots = planned(plan_of(*steps, timing=[window("a.end", "b.start", less_than_s=20)]))
    assert found.broken == ()
    assert slots["r0", "b"][0] - slots["r0", "a"][1] <= 20.0
    assert slots["r0", "b"][0] == 100.0


def test_a_device_that_another_run_uses_delays_the_beginning():
    first = plan_of(step("long", "y", 100))
    second = plan_of(*CHAIN, timing=[window("a.end", "b.start", less_than_s=1)])
    found, slots = planned(first, second)
    assert found.broken == ()
    assert slots["r1", "a"] == (90.0 - 1.0, 99.0)


def test_windows_one_after_another_are_all_kept():
    steps = (
        step("a", "x", 10), step("b", "y", 10, ["a"]), step("slow", "z", 200),
        step("c", "w", 10, ["b", "slow"]),
    )  # fmt: skip
    limits = [window("a.end", "b.start", less_than_s=5), window("b.end", "c.start", less_than_s=5)]
    found, slots = planned(plan_of(*steps, timing=limits))
    assert found.broken == ()
    assert slots["r0", "c"][0] == 200.0


def test_what_can_not_be_kept_is_said_with_by_how_much():
    steps = (step("a", "x", 10), step("b", "y", 50, ["a"]), step("c", "z", 5, ["b"]))
    found, _ = planned(plan_of(*steps, timing=[window("a.end", "c.start", less_than_s=20)]))
    (broken,) = found.broken
    assert (broken.run, broken.window) == ("r0", "a.end-c.start")
    assert broken.by_s == pytest.approx(30.0)


def test_what_is_over_is_not_said_again():
    plan = plan_of(
        *CHAIN, step("c", "x", 5, ["b"]), timing=[window("a.end", "b.start", less_than_s=1)]
    )
    found, _ = planned(plan, finished={"a": 10.0, "b": 90.0}, now=90.0)
    assert found.broken == ()


def test_the_latest_round_counts_before_and_the_first_after():
    steps = (step("a1", "x", 10), step("a2", "x", 10, ["a1"]), step("b1", "y", 5, ["a2"]),
             step("b2", "y", 5, ["b1"]))  # fmt: skip
    rest = TimeWindow(
        name="rest", from_steps=("a1", "a2"), from_mark="end", to_steps=("b1", "b2"),
        to_mark="start", more_than_s=30,
    )  # fmt: skip
    _, slots = planned(plan_of(*steps, timing=[rest]))
    assert slots["r0", "b1"][0] == 50.0
    assert slots["r0", "b2"][0] == 55.0


def test_one_person_does_one_thing_at_a_time():
    plans = [plan_of(step("look", "operator", 60)) for _ in range(3)]
    _, slots = planned(*plans)
    assert sorted(slots.values()) == [(0.0, 60.0), (60.0, 120.0), (120.0, 180.0)]


def test_rests_are_kept_where_runs_swap_places():
    """Each run stands where the other goes next, so they are placed step by step."""
    rest = [window("one.end", "two.start", more_than_s=25)]
    there = plan_of(
        step("one", "x", 10, (), ["p"]), step("two", "y", 10, ["one"], ["p", "q"]), timing=rest
    )
    back = plan_of(
        step("one", "y", 10, (), ["q"]), step("two", "x", 10, ["one"], ["q"]), timing=rest
    )
    snapshot = PlanningSnapshot(
        10.0,
        (RunSnapshot("r0", (there,), {"one": 10.0}), RunSnapshot("r1", (back,), {"one": 10.0})),
    )
    found = schedule(snapshot)
    slots = {(slot.run, slot.step): slot.start_s for slot in found.timeline.slots}
    assert slots["r1", "two"] == 35.0
    assert slots["r0", "two"] >= 45.0


@given(
    st.lists(
        st.tuples(st.sampled_from("xyz"), st.integers(1, 40), st.integers(0, 30)),
        min_size=2,
        max_size=6,
    ),
    st.integers(1, 3),
)
@settings(max_examples=60, deadline=None)
def test_least_times_never_break(parts, runs):
    steps: list[PlannedStep] = []
    timing: list[TimeWindow] = []
    for index, (device, seconds, rest) in enumerate(parts):
        steps.append(step(f"s{index}", device, seconds, [f"s{index - 1}"] if index else []))
        if index:
            timing.append(window(f"s{index - 1}.end", f"s{index}.start", more_than_s=rest))
    found, slots = planned(*[plan_of(*steps, timing=timing) for _ in range(runs)])
    assert found.broken == ()
    for run in range(runs):
        for index in range(1, len(parts)):
            gap = slots[f"r{run}", f"s{index}"][0] - slots[f"r{run}", f"s{index - 1}"][1]
            assert gap >= parts[index][2] - 1e-6
