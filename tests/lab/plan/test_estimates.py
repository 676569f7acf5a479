"""What finished runs teach: counted by hand, and refused where it would be no news or too little."""

from __future__ import annotations

import pytest

from lab.domain import event as ev
from lab.domain.plan import Plan, TimeWindow
from lab.domain.state import RunState, StepState
from lab.plan.estimates import Learned, Timed, learn
from tests.support.made_up_labs import plan_of, step


def window(most: float | None = 100.0, **more) -> TimeWindow:
    fields = {
        "name": "hold", "from_steps": ("heat",), "from_mark": "end", "to_steps": ("cool",),
        "to_mark": "start", "less_than_s": most,
    }  # fmt: skip
    return TimeWindow.model_validate(fields | more)


def plan(heat: float = 100.0, limit: TimeWindow | None = None) -> Plan:
    made = plan_of(
        step("heat", "oven", heat), step("carry", "arm", 20, ["heat"]),
        step("cool", "bath", 50, ["carry"]),
    )  # fmt: skip
    return made.model_copy(update={"timing": (limit or window(),)})


def over(of: Plan, took: float, number: int = 0, *, attempt: int = 1, **more) -> RunState:
    """A finished run whose first step took so long."""
    steps = {
        s.path: StepState(s.path, "succeeded", attempt=1, started_s=0.0, ended_s=s.duration_s)
        for s in of.steps
    }
    first = of.steps[0].path
    steps[first] = StepState(first, "succeeded", attempt=attempt, started_s=5.0, ended_s=5.0 + took)
    fields = {"status": "succeeded", "started_s": 0.0} | more
    return RunState(id=f"r{number}", campaign="c", trial=number, plan=of, steps=steps, **fields)


def off(deviation: float, name: str = "hold") -> dict[str, ev.TimingRecorded]:
    timing = ev.TimingRecorded(
        run="r", window=name, lag_s=30 + deviation, kept=True, promised_s=30.0
    )
    return {name: timing}


def heat_of(runs) -> float:
    return Timed(learn(runs)).plan(plan()).step("heat").duration_s


def test_the_median_of_enough_runs_replaces_the_sops_duration():
    took = [130.0, 128.0, 132.0, 127.0, 133.0, 131.0, 129.0, 500.0]
    runs = [over(plan(), seconds, n) for n, seconds in enumerate(took)]
    assert heat_of(runs) == 130.0
    assert heat_of(runs[:-1]) == 100.0, "seven are too few"
    estimate = learn(runs).duration(plan(), plan().step("heat"))
    assert estimate is not None
    assert (estimate.low_s, estimate.high_s, estimate.runs) == (130.0, 500.0, 8)


def test_steps_tried_again_and_runs_that_failed_or_go_on_teach_nothing():
    assert heat_of([over(plan(), 130.0, n, attempt=2) for n in range(20)]) == 100.0
    for status in ("failed", "running", "aborted"):
        assert heat_of([over(plan(), 130.0, n, status=status) for n in range(20)]) == 100.0


def test_a_median_near_the_sops_duration_is_no_news_and_another_device_is_another_matter():
    assert heat_of([over(plan(), 104.0, n) for n in range(20)]) == 100.0
    assert heat_of([over(plan(), 106.0, n) for n in range(20)]) == 110.0
    learned = learn([over(plan(), 130.0, n) for n in range(20)])
    elsewhere = plan_of(step("heat", "oven_2", 100.0))
    assert Timed(learned).plan(elsewhere).step("heat").duration_s == 100.0


def test_rounds_of_a_loop_are_one_step():
    looped = plan_of(step("heat[1]", "oven", 100), step("heat[2]", "oven", 100, ["heat[1]"]))
    runs = [over(looped, 300.0, n) for n in range(8)]
    learned = learn(runs)
    assert set(learned.durations) == {("s", "heat", "oven")}
    assert learned.durations["s", "heat", "oven"].runs == 16


def test_only_what_is_new_is_changed_and_the_same_plan_gives_the_same_object():
    free = plan(limit=window(None, more_than_s=10.0))
    timed = Timed(Learned())
    assert timed.plan(free) is free
    limited = plan()
    assert timed.plan(limited) is timed.plan(limited)
    assert timed.plan(limited, frozenset({"hold"})) is limited


@pytest.mark.parametrize(
    ("heat", "most", "margin"),
    [
        (100.0, 1000.0, 60.0),  # a minute at least
        (3600.0, 1000.0, 360.0),  # a tenth of heating and carrying (3620 s), to two digits
        (3600.0, 120.0, 75.0),  # three quarters of what is left beside carrying
        (100.0, 20.0, 0.0),  # nothing is left
        (100.0, 10.0, 0.0),
    ],
)
def test_a_margin_before_anything_is_known(heat, most, margin):
    given = plan(heat, window(most))
    assert Learned().margin(given, given.timing[0]) == margin
    assert Timed(Learned()).plan(given).timing[0].less_than_s == most - margin


def test_deviations_raise_the_margin_and_never_lower_it():
    given = plan(limit=window(2000.0))
    limit = given.timing[0]
    small = learn([over(given, 100.0, n, timing=off(1.0)) for n in range(60)])
    assert small.margin(given, limit) == 60.0
    rows = [over(given, 100.0, n, timing=off(10.0 * n)) for n in range(60)]
    assert learn(rows).margin(given, limit) == 590.0
    assert learn(rows[:7]).margin(given, limit) == 60.0, "too few"
    early = learn([over(given, 100.0, n, timing=off(-500.0)) for n in range(60)])
    assert early.margin(given, limit) == 60.0
    wild = learn([over(given, 100.0, n, timing=off(9e4)) for n in range(60)])
    assert wild.margin(given, limit) == 1500.0, "three quarters of 1980, in two digits"


def test_one_in_fifty_is_let_go():
    given = plan(limit=window(2000.0))
    rows = [over(given, 100.0, n, timing=off(900.0 if n == 7 else 100.0)) for n in range(99)]
    assert learn(rows).margin(given, given.timing[0]) == 100.0


def test_old_runs_are_forgotten():
    old = [over(plan(), 300.0, n) for n in range(200)]
    new = [over(plan(), 130.0, n) for n in range(200, 300)]
    assert heat_of(old + new) == 130.0


def test_a_limit_to_a_steps_end_and_from_a_steps_start_leaves_room_for_both():
    limit = window(300.0, from_mark="start", to_mark="end")
    given = plan(limit=limit)
    # heating, carrying and cooling take 170 s: of the 130 s that are left, three quarters at most
    wild = Learned(margins={("s", "hold"): 1e4})
    assert wild.margin(given, limit) == 98.0
