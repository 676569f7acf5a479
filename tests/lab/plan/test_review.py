"""What is said about a timeline, against numbers worked out by hand."""

from __future__ import annotations

from itertools import pairwise

import pytest

from lab.domain.plan import TimeWindow
from lab.domain.run import OPERATOR
from lab.plan.review import critical_path, holds, utilisation
from lab.plan.schedule import PlanningSnapshot, RunSnapshot, Schedule, schedule
from tests.support.made_up_labs import electrolyte, plan_of, step


def planned(*steps, number: int = 1, timing=()) -> tuple[PlanningSnapshot, Schedule]:
    plan = plan_of(*steps).model_copy(update={"timing": tuple(timing)})
    runs = tuple(RunSnapshot(f"r{n}", (plan,)) for n in range(1, number + 1))
    snapshot = PlanningSnapshot(0.0, runs)
    return snapshot, schedule(snapshot)


def test_a_station_is_taken_while_the_sample_waits_in_it():
    found = utilisation(
        *planned(
            step("fill", "pump", 10, claims=["pot"]),
            step("look", OPERATOR, 30, ["fill"]),
            step("empty", "drain", 10, ["look"], ["pot"]),
        )
    )
    assert [(use.name, use.kind, use.busy_s, use.share) for use in found] == [
        ("pot", "station", 50.0, 1.0),
        (OPERATOR, "person", 30.0, 0.6),
        ("drain", "device", 10.0, 0.2),
        ("pump", "device", 10.0, 0.2),
    ]


def test_nothing_is_busy_in_an_empty_timeline():
    snapshot = PlanningSnapshot(5.0, ())
    assert utilisation(snapshot, schedule(snapshot)) == []
    assert critical_path(schedule(snapshot)) == []
    assert holds(snapshot, schedule(snapshot)) == []


def test_no_device_is_busy_for_longer_than_all_takes():
    snapshot = electrolyte(6)
    found = utilisation(snapshot, schedule(snapshot))
    assert {use.name for use in found} >= {"pot", "cell_1", "cell_2", "balance"}
    assert all(0 < use.share <= 1 for use in found)
    assert [use.busy_s for use in found] == sorted((use.busy_s for use in found), reverse=True)


def limit(at_most_s: float | None, more_than_s: float | None = None) -> TimeWindow:
    return TimeWindow(
        name="w", from_steps=("a",), from_mark="end", to_steps=("b",), to_mark="start",
        less_than_s=at_most_s, more_than_s=more_than_s, on_violation="scrap",
    )  # fmt: skip


STEPS = step("a", "d", 10), step("x", "e", 30, ["a"]), step("b", "f", 5, ["x"])


@pytest.mark.parametrize(("at_most_s", "slack_s"), [(45.0, 15.0), (30.0, 0.0), (20.0, -10.0)])
def test_a_limit_has_the_slack_that_is_left(at_most_s, slack_s):
    [hold] = holds(*planned(*STEPS, timing=[limit(at_most_s)]))
    assert (hold.run, hold.first, hold.second, hold.took_s) == ("r1", "a.end", "b.start", 30.0)
    assert hold.slack_s == slack_s


def test_a_shortest_time_is_no_hold_and_the_nearest_comes_first():
    assert holds(*planned(*STEPS, timing=[limit(None, 5.0)])) == []
    wide = limit(100.0).model_copy(update={"name": "wide"})
    assert [hold.window for hold in holds(*planned(*STEPS, timing=[wide, limit(45.0)]))] == [
        "w", "wide",
    ]  # fmt: skip


def test_the_critical_path_names_why_each_step_is_not_earlier():
    _, found = planned(
        step("fill", "pump", 10, claims=["pot"]),
        step("heat", "oven", 40, ["fill"]),
        step("empty", "drain", 10, ["heat"], ["pot"]),
        number=2,
    )
    assert [(link.slot.run, link.slot.step, link.because) for link in critical_path(found)] == [
        ("r1", "fill", ""),
        ("r1", "heat", "needs fill"),
        ("r1", "empty", "needs heat"),
        ("r2", "fill", "pot was taken"),
        ("r2", "heat", "needs fill"),
        ("r2", "empty", "needs heat"),
    ]


def test_the_critical_path_goes_by_devices_and_rests():
    _, shared = planned(step("a", "d", 10), step("b", "e", 1, ["a"]), number=3)
    assert [link.because for link in critical_path(shared)] == [
        "", "d was busy", "d was busy", "needs a",
    ]  # fmt: skip
    _, rested = planned(step("a", "d", 10), step("b", "e", 5, ["a"]), timing=[limit(None, 60.0)])
    assert [link.because for link in critical_path(rested)] == ["", "60 s after a"]


def test_the_critical_path_of_a_whole_lab_has_no_gap_and_ends_last():
    for number in (1, 3, 9):
        found = schedule(electrolyte(number))
        path = critical_path(found)
        assert path[0].slot.start_s == 0.0
        assert path[-1].slot.end_s == found.timeline.makespan_s
        for one, other in pairwise(path):
            assert one.slot.end_s == pytest.approx(other.slot.start_s, abs=2e-3)
            assert other.because
