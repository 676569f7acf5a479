"""Services in a timeline: the level is followed slot by slot, by a bookkeeping that shares nothing with the planner."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.domain.quantity import parse_quantity
from lab.domain.run import OPERATOR
from lab.engine.clock import LocalZone
from lab.plan.replan import replan
from lab.plan.retime import retime, served
from lab.plan.schedule import PlanningSnapshot, RunSnapshot, schedule
from lab.plan.services import Point, ServicesNow, Sweep, after_breaks
from tests.support.made_up_labs import cut
from tests.support.schedule_checker import violations
from tests.support.served_lab import DAY, lab_of, plan_for, rules_of

REFILL = {"refill": "3 min"}
START = datetime(2026, 1, 1, tzinfo=UTC).timestamp()
MONTH = parse_quantity("30 day", "s")


def snapshot_of(runs: int, lab, *, closed=(), volume=10.0, ages=None, **now) -> PlanningSnapshot:
    rules = rules_of(lab, **(ages or {}))
    plan = plan_for(volume)
    return PlanningSnapshot(
        0.0,
        tuple(RunSnapshot(f"r{n}", (plan,)) for n in range(runs)),
        closed_s={OPERATOR: closed} if closed else {},
        services=ServicesNow(rules, START, **now),
    )


def wrongs(snapshot, planned, stock: int, dose: int, taken: int = 0) -> list[str]:
    """By hand: what a bottle of so many mL would see, and where a person would be."""
    found = violations(snapshot, planned)
    running = {(run.run, path) for run in snapshot.runs for path in run.running}
    pumped = [
        slot
        for slot in planned.timeline.slots
        if slot.device == "pump" and (slot.run, slot.step) not in running
    ]
    refills = [item for item in planned.services if item.service == "stock water"]
    moments = [(slot.start_s, 1, -dose) for slot in pumped]
    moments += [(item.end_s, 0, 0) for item in refills]
    level = stock - taken
    for _, kind, change in sorted(moments):
        level = level + change if kind else stock
        if level < 0:
            found.append("a dose draws air")
    for item in refills:
        found += [
            f"{slot.run} doses while somebody refills"
            for slot in pumped
            if slot.start_s < item.end_s - 1e-3 and item.start_s + 1e-3 < slot.end_s
        ]
        found += [
            "somebody refills at night"
            for begin, end in snapshot.closed_s.get(OPERATOR, ())
            if item.start_s < end - 1e-3 and begin < item.end_s - 1e-3
        ]
    return found


nights = st.lists(st.integers(200, 4000), min_size=0, max_size=3).map(
    lambda lengths: tuple(
        (sum(lengths[:n]) + 300.0 * (n + 1), sum(lengths[: n + 1]) + 300.0 * (n + 1) - 60.0)
        for n in range(len(lengths))
    )
)


@settings(deadline=None, max_examples=80)
@given(
    runs=st.integers(1, 14),
    stock=st.integers(10, 60),
    dose=st.integers(3, 10),
    taken=st.integers(0, 60),
    closed=nights,
    part=st.floats(0.0, 0.9),
)
def test_no_timeline_draws_air_and_a_later_one_goes_on_with_it(
    runs, stock, dose, taken, closed, part
):
    taken = min(taken, stock)
    lab = lab_of(water={"volume": f"{stock} mL", **REFILL})
    snapshot = snapshot_of(
        runs, lab, closed=closed, volume=float(dose), taken={"stock water": taken * 1_000_000}
    )
    planned = served(snapshot, schedule(snapshot))
    assert wrongs(snapshot, planned, stock, dose, taken) == []
    now_s = part * planned.timeline.makespan_s
    if any(item.start_s < now_s < item.end_s for item in planned.services):
        return  # somebody is at it: tested with the engine
    moment = cut(snapshot, planned, now_s)
    begun = {run.run for run in moment.runs if "dose" in run.finished or "dose" in run.running}
    full = max([i.end_s for i in planned.services if i.end_s <= now_s], default=None)
    drawn = [s.start_s for s in planned.timeline.slots if s.device == "pump" and s.run in begun]
    used = dose * sum(full is None or at >= full for at in drawn) + (taken if full is None else 0)
    assert snapshot.services is not None
    later = replace(snapshot.services, taken={"stock water": used * 1_000_000})
    moment = replace(moment, services=later, closed_s=snapshot.closed_s)
    again = retime(moment, planned.timeline.slots, planned.plans)
    assert again is not None
    assert wrongs(moment, again, stock, dose, used) == []


def test_nothing_needed_nothing_planned():
    snapshot = snapshot_of(5, lab_of(water=REFILL))
    first = schedule(snapshot)
    assert served(snapshot, first).services == ()
    assert served(snapshot, first).timeline == first.timeline
    assert len(served(snapshot_of(6, lab_of(water=REFILL)), schedule(snapshot_of(6, lab_of(water=REFILL)))).services) == 1  # fmt: skip


def test_the_sweep_counts_and_an_early_point_counts_only_where_something_is_taken():
    rules = rules_of(lab_of(water=REFILL))
    dose = plan_for(20.0).step("dose")
    sweep = Sweep(ServicesNow(rules, 0.0))
    told = [[need.task for need in sweep.before(f"r{n}", dose)] for n in range(5)]
    assert told == [[], [], ["refill water"], [], ["refill water"]]
    early = frozenset({Point("stock water", "r0", "dose"), Point("stock water", "r1", "dose")})
    sweep = Sweep(ServicesNow(rules, 0.0), early)
    told = [[need.task for need in sweep.before(f"r{n}", dose)] for n in range(5)]
    assert told == [[], ["refill water"], [], ["refill water"], []]


def test_who_is_at_it_is_waited_for_and_who_could_not_is_asked_later():
    lab = lab_of(water=REFILL)
    full = {"stock water": 50_000_000}
    asked = snapshot_of(1, lab, asked={"stock water": (-60.0, 120.0)}, taken={"stock water": 0})
    planned, _ = replan(asked, (), {}, {})
    assert planned.timeline.slots[0].start_s == 120.0
    [item] = planned.services
    assert (item.start_s, item.end_s, item.devices) == (-60.0, 120.0, ("pump",))
    later = snapshot_of(1, lab, taken=full, not_before_s={"stock water": 600.0})
    planned, _ = replan(later, (), {}, {})
    [item] = planned.services
    assert (item.start_s, item.run, item.step) == (600.0, "r0", "dose")
    assert planned.timeline.slots[0].start_s == 780.0


# -- calibrations -------------------------------------------------------------------------------------


def test_the_step_that_would_end_too_late_waits_for_the_calibration():
    # due at 1500 s: the third sample weighs from 900 s on, the fourth would end at 1740 s
    calibrated = {"calibrated": "2025-12-01", "calibration_takes": "20 min"}
    snapshot = snapshot_of(6, lab_of(balance=calibrated), ages={"scale": MONTH})
    services = snapshot.services
    assert services is not None
    moved = replace(services, origin_s=START - 1500.0)
    planned = served(replace(snapshot, services=moved), schedule(snapshot))
    [item] = planned.services
    weighed = sorted(s.start_s for s in planned.timeline.slots if s.device == "balance")
    assert item.service == "calibration balance"
    ended = [start + 300.0 for start in weighed if start < item.start_s]
    assert max(ended) <= 1500.0
    assert min(start for start in weighed if start >= item.start_s) >= item.end_s
    assert item.start_s == pytest.approx(max(ended))


@pytest.mark.parametrize(
    ("told", "done", "due"),
    [
        ("2025-12-01", None, "2026-01-01"),
        ("2025-12-01", "2025-12-20T23:00", "2026-01-20"),
        ("2025-12-25", "2025-12-20T23:00", "2026-01-25"),
    ],
)
def test_the_newer_of_what_the_file_and_the_records_tell_counts(told, done, due):
    rules = rules_of(
        lab_of(balance={"calibrated": told, "calibration_takes": "20 min"}), scale=MONTH
    )
    at = None if done is None else datetime.fromisoformat(f"{done}+00:00").timestamp()
    found = rules.calibration(plan_for(), "balance", at)
    assert found is not None
    assert datetime.fromtimestamp(found[1], UTC).isoformat() == f"{due}T00:00:00+00:00"
    assert rules.calibration(plan_for(), "pump", at) is None


def test_where_no_day_is_known_none_is_due():
    rules = rules_of(lab_of(balance={"calibration_takes": "20 min"}), scale=MONTH)
    assert rules.calibration(plan_for(), "balance", None) is None
    assert rules.calibration(plan_for(), "balance", START) is not None


# -- hours --------------------------------------------------------------------------------------------


def test_people_are_there_in_their_own_zone():
    hours = {"attended": ["Mon-Fri 08:00-12:00", "Mon-Fri 13:00-17:00"]}
    rules = rules_of(lab_of(**hours))
    assert (rules.there_from(START, 60.0) - START) / 3600 == 8  # a Thursday
    assert (rules.there_from(START + 11.5 * 3600, 3600.0) - START) / 3600 == 13
    assert (rules.there_from(START + DAY + 17 * 3600, 60.0) - START) / 3600 == 4 * 24 + 8
    assert rules.there_from(START + 9 * 3600, 60.0) == START + 9 * 3600
    east = type(rules)(lab_of(**hours), {}, rules._hours, zone=timezone(timedelta(hours=2)))
    assert (east.there_from(START, 60.0) - START) / 3600 == 6
    assert rules_of(lab_of()).there_from(START, 1e9) == START


def test_the_machines_zone_tells_its_own_time(monkeypatch):
    import time

    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    try:
        zone = LocalZone()
        winter = datetime(2026, 3, 28, 12, tzinfo=UTC)
        assert winter.astimezone(zone).hour == 13
        assert (winter + timedelta(days=1)).astimezone(zone).hour == 14
        rules = type(rules_of(lab_of()))(
            lab_of(), {}, rules_of(lab_of(attended=["Mon-Sun 08:00-17:00"]))._hours, zone=zone
        )
        at = datetime(2026, 3, 29, 0, tzinfo=UTC).timestamp()
        assert (rules.there_from(at, 60.0) - at) / 3600 == 6, "summer time began in that night"
        before = at - DAY
        assert (rules.there_from(before, 60.0) - before) / 3600 == 7
    finally:
        monkeypatch.undo()
        time.tzset()


def test_a_break_pushes_and_two_in_a_row_push_on():
    closed = ((10.0, 20.0), (25.0, 40.0))
    assert after_breaks(closed, 0.0, 10.0) == 0.0
    assert after_breaks(closed, 0.5, 10.0) == 40.0
    assert after_breaks(closed, 12.0, 5.0) == 20.0
    assert after_breaks(closed, 41.0, 1e9) == 41.0
