"""What finished runs teach: counted by hand, and refused where it would be no news or too little."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.domain import event as ev
from lab.domain.plan import Plan, TimeWindow
from lab.domain.state import RunState, StepState
from lab.plan.estimates import Learned, Timed, learn, with_durations, without_rounds
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
    limited_plan = plan(heat, window(most))
    assert Learned().margin(limited_plan, limited_plan.timing[0]) == margin
    assert Timed(Learned()).plan(limited_plan).timing[0].less_than_s == most - margin


def test_deviations_raise_the_margin_and_never_lower_it():
    limited_plan = plan(limit=window(2000.0))
    limit = limited_plan.timing[0]
    small = learn([over(limited_plan, 100.0, n, timing=off(1.0)) for n in range(60)])
    assert small.margin(limited_plan, limit) == 60.0
    rows = [over(limited_plan, 100.0, n, timing=off(10.0 * n)) for n in range(60)]
    assert learn(rows).margin(limited_plan, limit) == 590.0
    assert learn(rows[:7]).margin(limited_plan, limit) == 60.0, "too few"
    early = learn([over(limited_plan, 100.0, n, timing=off(-500.0)) for n in range(60)])
    assert early.margin(limited_plan, limit) == 60.0
    wild = learn([over(limited_plan, 100.0, n, timing=off(9e4)) for n in range(60)])
    assert wild.margin(limited_plan, limit) == 1500.0, "three quarters of 1980, in two digits"


def test_one_in_fifty_is_let_go():
    limited_plan = plan(limit=window(2000.0))
    rows = [over(limited_plan, 100.0, n, timing=off(900.0 if n == 7 else 100.0)) for n in range(99)]
    assert learn(rows).margin(limited_plan, limited_plan.timing[0]) == 100.0


def test_old_runs_are_forgotten():
    old = [over(plan(), 300.0, n) for n in range(200)]
    new = [over(plan(), 130.0, n) for n in range(200, 300)]
    assert heat_of(old + new) == 130.0


def test_a_limit_to_a_steps_end_and_from_a_steps_start_leaves_room_for_both():
    limit = window(300.0, from_mark="start", to_mark="end")
    limited_plan = plan(limit=limit)
    # heating, carrying and cooling take 170 s: of the 130 s that are left, three quarters at most
    wild = Learned(margins={("s", "hold"): 1e4})
    assert wild.margin(limited_plan, limit) == 98.0


def of_driver(seconds: float, device: str = "pump") -> Plan:
    """A plan whose dose is as long as its driver says."""
    dose = step("dose", device, seconds).model_copy(update={"duration_from": "driver"})
    return plan_of(dose, step("weigh", "balance", 5.0, ["dose"]))


def test_what_a_driver_expects_of_each_dose_is_corrected_by_the_share_that_was_measured():
    runs = [over(of_driver(10.0 + n), 1.2 * (10.0 + n), n) for n in range(8)]
    learned = learn(runs)
    for expected, corrected in ((5.0, 6.0), (100.0, 120.0)):
        dose = with_durations(of_driver(expected), learned).step("dose")
        assert dose.duration_s == pytest.approx(corrected)
        assert (dose.duration_from, dose.duration_runs) == ("journal", 8)
    estimate = learned.duration(of_driver(50.0), of_driver(50.0).step("dose"))
    assert estimate is not None
    assert (estimate.low_s, estimate.high_s) == (60.0, 60.0)


def test_seconds_of_the_time_before_a_driver_could_tell_say_nothing_about_its_doses():
    by_sop = plan_of(step("dose", "pump", 10.0), step("weigh", "balance", 5.0, ["dose"]))
    learned = learn([over(by_sop, 30.0, n) for n in range(20)])
    assert with_durations(by_sop, learned).step("dose").duration_s == 30.0
    told = of_driver(10.0)
    assert with_durations(told, learned) is told
    later = learn([over(of_driver(10.0), 11.0, n) for n in range(20)])
    assert with_durations(by_sop, later) is by_sop


def test_a_dose_of_nothing_teaches_nothing():
    learned = learn([over(of_driver(0.0), 3.0, n) for n in range(20)])
    assert ("s", "dose", "pump") not in learned.durations


def test_who_says_so_is_known_of_every_step():
    runs = [over(plan(), 130.0, n) for n in range(12)]
    timed = Timed(learn(runs)).plan(plan())
    assert (timed.step("heat").duration_from, timed.step("heat").duration_runs) == ("journal", 12)
    assert (timed.step("cool").duration_from, timed.step("cool").duration_runs) == ("sop", 0)


def test_a_safe_state_step_keeps_its_time():
    dear = plan_of(step("heat", "oven", 100.0).model_copy(update={"safe_state": True}))
    learned = learn([over(dear, 300.0, n) for n in range(20)])
    assert with_durations(dear, learned) is dear


@given(
    expected=st.lists(st.floats(0.5, 5e3), min_size=8, max_size=40),
    share=st.floats(0.2, 5.0),
    dose=st.floats(0.5, 5e3),
)
def test_a_driver_that_is_always_wrong_by_the_same_share_is_set_right(expected, share, dose):
    runs = [over(of_driver(seconds), share * seconds, n) for n, seconds in enumerate(expected)]
    corrected = with_durations(of_driver(dose), learn(runs)).step("dose").duration_s
    # the share and the result have two significant digits each; 5 % are no news
    assert corrected == pytest.approx(share * dose, rel=0.11)


@given(took=st.lists(st.floats(1.0, 1e4), min_size=8, max_size=120))
def test_the_median_and_the_quantiles_are_in_order_and_among_what_was_measured(took):
    found = learn([over(plan(), seconds, n) for n, seconds in enumerate(took)])
    measured = found.durations["s", "heat", "oven"]
    recent = took[-100:]
    assert measured.runs == len(recent)
    assert measured.low <= measured.median <= measured.high
    assert min(recent) * 0.94 <= measured.low
    assert measured.high <= max(recent) * 1.06


@pytest.mark.parametrize(
    ("path", "name"),
    [("wash[2].fill", "wash.fill"), ("heat", "heat"), ("a[1].b[12]", "a.b"), ("a[].b", "a.b")],
)
def test_rounds_are_left_out_of_names(path, name):
    assert without_rounds(path) == name
