"""Runs that want each other's stations, placed step by step."""

from __future__ import annotations

from itertools import permutations

import pytest

from lab.plan.board import Board
from lab.plan.interleave import interleave
from lab.plan.schedule import PlanningSnapshot, RunSnapshot, schedule
from tests.support.made_up_labs import plan_of, step
from tests.support.schedule_checker import violations


def ring(names: tuple[str, ...], now: float = 0.0, slow: float = 10.0) -> PlanningSnapshot:
    """Each sample stands on a station, works there once more, and goes on to that of the next one."""
    runs: list[RunSnapshot] = []
    for n, here in enumerate(names):
        there = names[(n + 1) % len(names)]
        plan = plan_of(
            step("came", f"tool {here}", 5, claims=[here]),
            step("work", f"tool {here}", slow + n, ["came"], [here]),
            step("go", f"tool {there}", 7, ["work"], [there]),
        )
        runs.append(RunSnapshot(f"on {here}", (plan,), finished={"came": 0.0}))
    return PlanningSnapshot(now, tuple(runs))


@pytest.mark.parametrize("names", list(permutations(("pan", "shelf", "bath"))))
def test_a_ring_of_samples_goes_on_one_place(names):
    snapshot = ring(names)
    planned = schedule(snapshot)
    assert violations(snapshot, planned) == []
    assert planned.blocked == {}
    starts = {(slot.run, slot.step): slot.start_s for slot in planned.timeline.slots}
    for n, here in enumerate(names):
        follower = names[(n + 1) % len(names)]
        # the next place is free when whoever stands there has done its work
        own, other = 10.0 + n, 10.0 + (n + 1) % len(names)
        assert starts[f"on {here}", "go"] == max(own, other), (here, follower)


def test_the_board_stays_as_it_is():
    snapshot, board = ring(("pan", "shelf")), Board()
    for run, station in zip(snapshot.runs, ("pan", "shelf"), strict=True):
        board.held[station] = run.run
    found = interleave(snapshot.runs, snapshot, board)
    assert {run.run for run, _ in found} == {"on pan", "on shelf"}
    assert board.slots == []
    assert not any(bookings.starts for bookings in board.stations.values())
    for run, placement in found:
        assert [slot.run for slot in placement.slots] == [run.run] * 2
        assert placement.end_s == max(slot.end_s for slot in placement.slots)


def test_what_others_have_booked_is_kept_clear_of():
    snapshot, board = ring(("pan", "shelf")), Board()
    board.device("tool shelf").add(11.0, 40.0)
    starts = {
        (slot.run, slot.step): slot.start_s
        for _, placement in interleave(snapshot.runs, snapshot, board)
        for slot in placement.slots
    }
    # its own work of 11 s just fits before the booking; who goes there comes after it
    assert starts["on shelf", "work"] == 0.0
    assert starts["on pan", "go"] == 40.0


def test_one_that_nobody_lets_in_is_left_out_and_so_is_who_waits_for_it():
    holder = plan_of(
        step("a", "x", 5, claims=["left"]),
        step("b", "y", 5, claims=["right"]),
        step("join", "z", 5, ["a", "b"], ["left", "right"]),
    )
    one = RunSnapshot("one", (holder,), finished={"a": 1.0})
    two = RunSnapshot("two", (holder,), finished={"b": 1.0})
    snapshot = PlanningSnapshot(5.0, (one, two))
    board = Board()
    board.held.update({"left": "one", "right": "two"})
    assert interleave(snapshot.runs, snapshot, board) == []


def test_nothing_is_placed_in_the_past():
    snapshot = ring(("pan", "shelf"), now=100.0)
    planned = schedule(snapshot)
    assert violations(snapshot, planned) == []
    assert min(slot.start_s for slot in planned.timeline.slots) == 100.0


def test_nobody_to_place():
    assert interleave((), PlanningSnapshot(0.0, ()), Board()) == []
