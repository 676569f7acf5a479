"""What a timeline is worth: what is blocked, what is broken, when the samples are done, when all is done."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from lab.domain.plan import Plan, Slot, Timeline, TimeWindow
from lab.plan.schedule import PlanningSnapshot, RunSnapshot, Schedule, schedule
from lab.plan.worth import FLAG_COST, Worth, broken_limits, run_times, weight_of, worth
from tests.support.made_up_labs import cut, electrolyte, plan_of, step


def limited(on_violation: str = "scrap", less_than_s: float = 5.0) -> Plan:
    plan = plan_of(step("a", "x", 10), step("b", "y", 5, ["a"]))
    window = TimeWindow(
        name="hold", from_steps=("a",), from_mark="end", to_steps=("b",), to_mark="start",
        less_than_s=less_than_s, on_violation=on_violation,  # pyright: ignore[reportArgumentType]
    )  # fmt: skip
    return plan.model_copy(update={"timing": (window,)})


def timeline(snapshot: PlanningSnapshot, *starts: tuple[str, str, float]) -> Schedule:
    """Steps of runs from when on."""
    plans = {run.run: run.plans[0] for run in snapshot.runs}
    slots: list[Slot] = []
    for run, path, start in starts:
        item = plans[run].step(path)
        slots.append(
            Slot(
                run=run, step=path, device=item.device, claims=(), start_s=start,
                end_s=start + item.duration_s,
            )
        )  # fmt: skip
    broken = broken_limits(snapshot, plans, slots)
    return Schedule(Timeline(slots=tuple(slots)), plans, {}, broken)


def one(plan: Plan, **more) -> PlanningSnapshot:
    return PlanningSnapshot(0.0, (RunSnapshot("r", (plan,), **more),))


@pytest.mark.parametrize(("start", "by"), [(10.0, 0.0), (15.0, 0.0), (16.5, 1.5), (40.0, 25.0)])
def test_a_limit_that_must_hold_is_broken_by_what_is_beyond_it(start, by):
    snapshot = one(limited())
    found = timeline(snapshot, ("r", "a", 0.0), ("r", "b", start))
    assert worth(snapshot, found) == (0, by, start + 5, start + 5)
    assert [item[:2] for item in found.broken] == ([("r", "hold")] if by else [])


def test_a_limit_that_flags_has_a_price_instead():
    snapshot = one(limited("flag"))
    found = timeline(snapshot, ("r", "a", 0.0), ("r", "b", 17.0))
    assert worth(snapshot, found) == (0, 0.0, 22 + 2 * FLAG_COST, 22.0)


def test_a_step_that_is_done_counts_from_when_it_was_and_one_that_cannot_change_does_not_count():
    plan = limited()
    snapshot = one(plan, finished={"a": 3.0})
    found = timeline(snapshot, ("r", "b", 12.0))
    assert [item.by_s for item in found.broken] == [4.0]
    over = one(plan, finished={"a": 3.0, "b": 30.0})
    assert timeline(over).broken == ()


def test_priorities_weigh_and_never_go_below_one():
    plan = plan_of(step("a", "x", 10))
    runs = [RunSnapshot(f"r{p}", (plan,), priority=p) for p in (-3, 0, 2)]
    assert [weight_of(run) for run in runs] == [1, 1, 3]
    snapshot = PlanningSnapshot(0.0, tuple(runs))
    early = timeline(snapshot, ("r2", "a", 0.0), ("r0", "a", 10.0), ("r-3", "a", 20.0))
    late = timeline(snapshot, ("r0", "a", 0.0), ("r-3", "a", 10.0), ("r2", "a", 20.0))
    assert worth(snapshot, early).cost_s == 3 * 10 + 20 + 30
    assert worth(snapshot, late).cost_s == 10 + 20 + 3 * 30
    assert worth(snapshot, early) < worth(snapshot, late)
    assert worth(snapshot, early, weighted=False) == worth(snapshot, late, weighted=False)


def test_the_order_of_what_counts():
    ranked = [
        Worth(0, 0.0, 5.0, 9.0),
        Worth(0, 0.0, 6.0, 1.0),
        Worth(0, 1.0, 0.0, 0.0),
        Worth(1, 0.0, 0.0, 0.0),
    ]
    assert all(better < other for better, other in pairwise(ranked))


def test_less_than_a_hundredth_of_a_second_is_no_difference():
    snapshot = one(plan_of(step("a", "x", 10)))
    some, more = (timeline(snapshot, ("r", "a", at)) for at in (1.0, 1.004))
    assert worth(snapshot, some) == worth(snapshot, more)
    assert worth(snapshot, some) < worth(snapshot, timeline(snapshot, ("r", "a", 1.02)))


def test_a_run_without_a_place_is_worse_than_any_late_one():
    snapshot = electrolyte(3)
    placed = schedule(snapshot)
    lost = replace(
        placed,
        timeline=Timeline(slots=tuple(s for s in placed.timeline.slots if s.run != "r002")),
        blocked={"r002": "no place"},
    )
    assert worth(snapshot, placed) < worth(snapshot, lost)


@pytest.mark.parametrize("now", [0.0, 100.0, 400.0])
def test_times_of_a_run_are_those_of_its_slots_and_of_what_is_done(now):
    whole = electrolyte(2)
    before = schedule(whole)
    moment = cut(whole, before, now)
    found = run_times(moment, schedule(moment).timeline.slots)
    for run in moment.runs:
        steps = {item.path for item in run.plans[0].steps if not item.safe_state}
        assert set(found[run.run].ends) == steps
        assert set(found[run.run].starts) == steps - set(run.finished)
        for path, end in run.finished.items():
            assert found[run.run].ends[path] == end
