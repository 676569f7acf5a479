"""Bounds that no timeline goes below, and laboratories with one more of something."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from lab.domain.plan import TimeWindow
from lab.domain.run import OPERATOR
from lab.plan.pools import Pools, kind_of, least_makespan, one_more
from lab.plan.schedule import PlanningSnapshot, RunSnapshot, schedule
from tests.support.made_up_labs import CELLS, electrolyte, made_up_labs, plan_of, step
from tests.support.schedule_checker import violations


def runs_of(*plans, number: int = 1, now: float = 0.0) -> PlanningSnapshot:
    return PlanningSnapshot(now, tuple(RunSnapshot(f"r{n}", plans) for n in range(number)))


def test_devices_of_the_two_cells_stand_in_for_one_another():
    pools = Pools([CELLS])
    assert pools.members("station") == {"pot": ("pot",), "cell_1": ("cell_1", "cell_2")}
    devices = pools.members("device")
    assert devices["probe_1"] == ("probe_1", "probe_2")
    assert devices["balance"] == ("balance",)
    assert pools.pool("device", "probe_2") == pools.pool("device", "probe_1") == "probe_1"
    assert pools.pool("device", "pot") != pools.pool("station", "cell_1"), "names of two kinds"


def test_a_chain_of_choices_makes_one_group():
    plans = [[plan_of(step("a", one, 1)), plan_of(step("a", two, 1))] for one, two in ("xy", "yz")]
    assert Pools(plans).members("device") == {"x": ("x", "y", "z")}


@pytest.mark.parametrize("number", [1, 2, 8])
def test_the_bound_of_two_cells_is_their_shared_work(number):
    """A run keeps the pot for 143 s and has 450 s to go then; it is in a cell for 520 s from 73 s on, beside another."""
    bound = least_makespan(electrolyte(number))
    assert bound == pytest.approx(max(number * 143 + 450, 73 + number / 2 * 520))
    assert bound <= schedule(electrolyte(number)).timeline.makespan_s


def test_a_rest_counts_to_the_stay():
    def lab(more_than_s: float | None) -> PlanningSnapshot:
        rest = TimeWindow(
            name="w", from_steps=("a",), from_mark="start", to_steps=("b",), to_mark="start",
            more_than_s=more_than_s,
        )  # fmt: skip
        steps = step("a", "d", 10, claims=["x"]), step("b", "e", 5, ["a"], ["x"])
        return runs_of(plan_of(*steps).model_copy(update={"timing": (rest,)}), number=3)

    assert least_makespan(lab(None)) == 45.0
    assert least_makespan(lab(30.0)) == 3 * 35.0 == schedule(lab(30.0)).timeline.makespan_s


def test_the_bound_takes_the_faster_plan_and_counts_from_now():
    slow, fast = plan_of(step("a", "slow", 20)), plan_of(step("a", "fast", 10))
    assert least_makespan(runs_of(slow, number=2, now=7.0)) == 47.0
    assert least_makespan(runs_of(slow, fast, number=2, now=7.0)) == 17.0


def test_a_run_that_needs_two_of_a_group_does_not_count_twice():
    both = plan_of(step("a", "d", 10, claims=["x"]), step("b", "d", 10, ["a"], ["y"]))
    other = plan_of(step("a", "d", 10, claims=["y"]), step("b", "d", 10, ["a"], ["x"]))
    assert least_makespan(runs_of(both, other)) == 20.0


@settings(deadline=None, max_examples=100)
@given(made_up_labs())
def test_no_timeline_of_any_lab_is_shorter_than_its_bound(snapshot):
    assert least_makespan(snapshot) <= schedule(snapshot).timeline.makespan_s + 1e-6


def test_a_second_device_is_used_beside_the_first():
    snapshot = runs_of(plan_of(step("a", "d", 10)), number=4)
    [twin] = one_more(snapshot)
    assert (twin.name, twin.kind, twin.together) == ("d", "device", ())
    planned = schedule(twin.snapshot)
    assert violations(twin.snapshot, planned) == []
    assert planned.timeline.makespan_s == 20.0
    assert {slot.device for slot in planned.timeline.slots} == {"d", "d (one more)"}


def test_a_second_station_comes_with_the_devices_that_serve_it_alone():
    plan = plan_of(
        step("fill", "pump", 5, claims=["cell"]),
        step("measure", "probe", 10, ["fill"], ["cell"]),
        step("look", OPERATOR, 1, ["measure"], ["cell"]),
        step("note", "camera", 1, ["look"]),
    )
    twins = {twin.name: twin for twin in one_more(runs_of(plan, number=2))}
    assert twins["cell"].together == ("pump", "probe"), "a person stays one person"
    assert twins[OPERATOR].kind == kind_of(OPERATOR) == "person"
    [_, doubled] = twins["cell"].snapshot.runs[0].plans
    assert [item.device for item in doubled.steps] == [
        "pump (one more)", "probe (one more)", OPERATOR, "camera",
    ]  # fmt: skip
    assert doubled.stations == ("cell (one more)",)
    before = schedule(runs_of(plan, number=2)).timeline.makespan_s
    assert schedule(twins["cell"].snapshot).timeline.makespan_s < before
    assert schedule(twins["probe"].snapshot).timeline.makespan_s == before, "it stands in the cell"


def test_a_third_cell_helps_and_a_second_balance_does_not():
    snapshot = electrolyte(12)
    before = schedule(snapshot).timeline.makespan_s
    after = {twin.name: schedule(twin.snapshot).timeline.makespan_s for twin in one_more(snapshot)}
    assert after["cell_1"] < 0.8 * before
    assert after["balance"] == before
    assert set(after) >= {"pot", "cell_1", "balance", "probe_1"}
    assert "probe_2" not in after, "one of each group"
