"""What people must do in between: counted by hand, and played through by a bookkeeping of the test's own."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from lab.devices.capability import CAPABILITIES
from lab.domain.errors import RefusedError
from lab.domain.run import OPERATOR
from lab.plan.schedule import PlanningSnapshot, RunSnapshot, schedule
from lab.plan.search.construct import Constructor
from lab.plan.translate import translate
from lab.plan.upkeep import Supply, calibrations, doses, supplies
from lab.sop.check import check_lab
from tests.support.made_up_labs import plan_of, step
from tests.support.sop_files import DRIVERS, changed, lab, plans, procedure

if TYPE_CHECKING:
    from lab.domain.plan import Plan

WASTE = "  waste: {capacity: 5 L, shared: true}"
CONCENTRATE = "  concentrate: {volume: 400 mL}"
BALANCE = "driver: mettler_toledo_sics\n"


def lab_with(*changes: tuple[str, str]):
    found, findings = check_lab(changed("lab", *changes), "lab.yaml", DRIVERS)
    assert found is not None, [item.text() for item in findings]
    return found


def of_runs(count: int, **factors) -> dict[str, Plan]:
    return {f"r{number}": plans(**factors)[0] for number in range(count)}


def test_what_each_dose_takes_and_where_it_goes():
    plan = plans(concentrate_volume=4.0, dilute_volume=1.0)[0]
    taken = doses(plan.step("dose_concentrate"), lab(), CAPABILITIES)
    assert taken == {"concentrate": pytest.approx(4e-6)}
    assert doses(plan.step("weigh"), lab(), CAPABILITIES) == {}
    assert doses(plan.step("drain"), lab(), CAPABILITIES) == {"cell_1": pytest.approx(11e-6)}


def bottle(volume: str, count: int, dose: float) -> Supply | None:
    there = lab_with((CONCENTRATE, f"  concentrate: {{volume: {volume}, refill: 3 min}}"))
    found = supplies(
        of_runs(count, concentrate_volume=dose, dilute_volume=1.0), there, CAPABILITIES
    )
    return found[0] if found else None


def test_equal_doses_leave_a_rest_that_no_dose_fits_into():
    found = bottle("10 mL", 7, 4.0)
    assert found is not None
    # two doses of 4 mL fit into 10 mL: a refill after each two
    assert (found.back, found.services, found.takes_s) == (8_000_000, 3, 180.0)
    assert found.task == "refill concentrate"
    assert sum(found.uses.values()) == 28_000_000


def test_what_suffices_needs_nobody():
    assert bottle("28 mL", 7, 4.0) is None
    assert bottle("27.9 mL", 7, 4.0) is not None
    assert supplies(of_runs(50), lab(), CAPABILITIES) == [], "nothing is said of refills"


def test_a_shared_vessel_runs_full_and_a_device_wants_its_upkeep():
    there = lab_with(
        (WASTE, "  waste: {capacity: 30 mL, shared: true, emptying: 5 min}"),
        (BALANCE, f"{BALANCE}    upkeep: {{level: {{after: 6, takes: 1 min, actions: weigh}}}}\n"),
    )
    found = {item.task: item for item in supplies(of_runs(7), there, CAPABILITIES)}
    assert set(found) == {"empty waste", "balance: level"}
    level = found["balance: level"]
    assert (level.room, level.back, level.services) == (6, 6, 1)
    assert set(level.uses) == {(f"r{n}", "weigh") for n in range(7)}
    waste = found["empty waste"]
    assert (waste.room, waste.back, waste.services) == (30_000_000, 22_000_000, 3)


def supply_of(room: int, amounts: list[int]) -> tuple[dict[str, Plan], Supply | None]:
    """Doses of one pump out of one bottle; made by hand to have any amounts."""
    made: dict[str, Plan] = {}
    for number, amount in enumerate(amounts):
        dose = step("dose", "concentrate_pump", 20.0).model_copy(
            update={
                "capability": "liquid_dosing", "action": "dispense",
                "args": {"volume": float(amount), "rate": 10.0},
            }
        )  # fmt: skip
        made[f"r{number}"] = plan_of(dose, step("read", "probe_1", 30.0, ["dose"]))
    there = lab_with((CONCENTRATE, f"  concentrate: {{volume: {room} mL, refill: 3 min}}"))
    found = supplies(made, there, CAPABILITIES)
    return made, found[0] if found else None


@settings(deadline=None, max_examples=40)
@given(
    room=st.integers(5, 30),
    amounts=st.lists(st.integers(1, 5), min_size=2, max_size=9),
    nights=st.booleans(),
)
def test_no_dose_draws_air_and_nothing_runs_over(room, amounts, nights):
    """The bottle's level, followed dose by dose along the timeline that the planner makes."""
    assume(max(amounts) < room or len(set(amounts)) == 1)
    made, supply = supply_of(room, amounts)
    if supply is None:
        assert sum(amounts) <= room
        return
    closed = {OPERATOR: ((50.0, 3000.0), (3400.0, 9000.0))} if nights else {}
    snapshot = PlanningSnapshot(
        0.0, tuple(RunSnapshot(run, (plan,)) for run, plan in made.items()), closed_s=closed
    )
    translation = translate(snapshot, made, weighted=False, supplied=[supply])
    placed = Constructor(translation.problem).best.placed
    planned, served = translation.schedule(placed), translation.services(placed)
    assert len(served) == supply.services
    taken = {run: amount * 1_000_000 for run, amount in zip(made, amounts, strict=True)}
    moments = [
        (slot.start_s, 1, -taken[slot.run])
        for slot in planned.timeline.slots
        if slot.step == "dose"
    ]
    moments += [(item.end_s, 0, supply.back) for item in served]
    level = room * 1_000_000
    for _, _, change in sorted(moments):
        level += change
        assert 0 <= level <= room * 1_000_000
    for item in served:
        assert item.end_s - item.start_s == 180.0
        assert not any(
            item.start_s < end and begin < item.end_s for begin, end in closed.get(OPERATOR, ())
        )
        assert item.step == "dose", "each of them is needed by a later dose"
    for one, other in pairwise(served):
        assert one.end_s <= other.start_s


def test_one_dose_that_takes_the_whole_bottle_and_others_that_take_less():
    with pytest.raises(RefusedError, match="takes all that concentrate holds") as caught:
        supply_of(5, [5, 1, 5])
    assert "more" in caught.value.hint
    _, even = supply_of(5, [5, 5, 5])
    assert even is not None
    assert (even.back, even.services) == (5_000_000, 2)


def calibrated(on: str, max_age: str = "365 day", takes: str = "20 min"):
    sop = procedure()
    balance = sop.sop.equipment["balance"].model_copy(
        update={"calibration_max_age": _quantity(max_age)}
    )
    equipment = {**sop.sop.equipment, "balance": balance}
    changed_sop = sop.sop.model_copy(update={"equipment": equipment})
    there = lab()
    device = there.devices["balance"].model_copy(
        update={"calibrated": on, "calibration_takes": _quantity(takes) if takes else None}
    )
    there = there.model_copy(update={"devices": {**there.devices, "balance": device}})
    return replace_sop(sop, changed_sop), there


def _quantity(text: str):
    from lab.domain.quantity import parse_quantity

    return parse_quantity(text, "s")


def replace_sop(found, sop):
    from dataclasses import replace

    return replace(found, sop=sop)


@pytest.mark.parametrize(
    ("on", "age", "start", "due_h"),
    [
        ("2026-11-29", "1 day", datetime(2026, 11, 30, 20), 4.0),
        ("2026-11-30", "1 day", datetime(2026, 11, 30, 20), 28.0),
        ("2026-11-30", "36 h", datetime(2026, 11, 30, 20), 28.0),
        ("2020-01-01", "1 day", datetime(2026, 11, 30, 20), 0.0),
    ],
)
def test_a_calibration_is_due_on_the_day_on_which_it_is_too_old(on, age, start, due_h):
    sop, there = calibrated(on, age)
    [found] = calibrations(plans()[0], sop, there, start)
    assert found == ("balance", "calibrate balance", due_h * 3600.0, 1200.0)


def test_a_day_or_a_length_that_is_not_known():
    sop, there = calibrated("", "1 day")
    assert list(calibrations(plans()[0], sop, there, datetime(2026, 11, 30))) == []
    sop, there = calibrated("2026-11-29", "1 day", "")
    [found] = calibrations(plans()[0], sop, there, datetime(2026, 11, 30))
    assert found.takes_s is None
    assert list(calibrations(plans()[0], procedure(), there, datetime(2026, 11, 30))) == []


def test_a_device_rests_from_the_day_on_until_it_is_calibrated():
    sop, there = calibrated("2026-11-29", "1 day")
    [due] = calibrations(plans()[0], sop, there, datetime(2026, 11, 30, 23, 50))
    made = of_runs(3)
    snapshot = PlanningSnapshot(0.0, tuple(RunSnapshot(run, (p,)) for run, p in made.items()))
    translation = translate(snapshot, made, weighted=False, calibrated=[due])
    placed = Constructor(translation.problem).best.placed
    [served] = translation.services(placed)
    assert (served.task, served.end_s - served.start_s) == ("calibrate balance", 1200.0)
    assert served.start_s >= due.due_s == 600.0
    for slot in translation.schedule(placed).timeline.slots:
        if slot.device == "balance":
            assert slot.end_s <= due.due_s or slot.start_s >= served.end_s
    usual = schedule(snapshot).timeline.makespan_s
    assert translation.schedule(placed).timeline.makespan_s > usual
