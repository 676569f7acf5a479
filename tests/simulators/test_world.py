"""The world: nothing is made or lost, it moves when looked at, and it remembers what happened."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.world import World
from tests.bench.hand_clock import HandClock


@pytest.fixture
def clock():
    return HandClock()


@pytest.fixture
def world(clock):
    return World(1, clock)


def test_fill_gives_a_vessel_this_stock_whatever_it_held(world):
    world.fill("stock", 50.0, 1.3, {"salt": 2.0}, capacity_ml=100.0)
    vessel = world.fill("stock", 10.0, 1.1, {"other": 1.0})
    assert vessel is world.vessel("stock")
    assert (vessel.volume_ml, vessel.mass_g, vessel.capacity_ml) == (10.0, 11.0, 100.0)
    assert vessel.concentration("other") == pytest.approx(1.0)
    assert vessel.concentration("salt") == 0.0


@pytest.mark.parametrize(
    ("volume", "density", "message"),
    [(101.0, 1.0, "do not fit"), (-1.0, 1.0, "do not fit"), (1.0, 0.0, "density")],
)
def test_a_stock_that_can_not_be_is_refused(world, volume, density, message):
    with pytest.raises(ValueError, match=message):
        world.fill("stock", volume, density, {}, capacity_ml=100.0)


def test_a_pour_moves_its_share_of_everything(world):
    world.fill("a", 10.0, 1.3, {"salt": 2.0}).temperature_c = 40.0
    world.fill("b", 30.0, 1.0, {}).temperature_c = 20.0
    moved = world.pour(world.vessel("a"), world.vessel("b"), 10.0)
    mixture = world.vessel("b")
    assert moved == 10.0
    assert mixture.mass_g == pytest.approx(43.0)
    assert mixture.concentration("salt") == pytest.approx(0.5)
    assert mixture.temperature_c == pytest.approx(25.0)
    assert world.vessel("a").volume_ml == 0.0
    assert world.vessel("a").amounts_mol == {}


def test_an_empty_vessel_gives_what_it_has(world):
    world.fill("a", 3.0, 1.0, {})
    assert world.pour(world.vessel("a"), world.vessel("b"), 5.0) == 3.0
    assert world.pour(world.vessel("a"), world.vessel("b"), 5.0) == 0.0
    assert world.vessel("b").volume_ml == 3.0


def test_a_dead_volume_is_not_drawn_but_overflows_and_mixes(world):
    world.fill("a", 3.0, 1.0, {"salt": 1.0}).dead_volume_ml = 2.0
    assert world.vessel("a").drawable_ml == 1.0
    assert world.pour(world.vessel("a"), world.vessel("b"), 5.0) == 1.0
    assert world.pour(world.vessel("a"), world.vessel("b"), 5.0) == 0.0
    world.fill("fresh", 2.0, 1.0, {}, capacity_ml=3.0)
    world.vessel("a").capacity_ml = 3.0
    world.pour(world.vessel("fresh"), world.vessel("a"), 2.0)
    left_behind = world.vessel("a")
    assert (left_behind.volume_ml, left_behind.spilled_ml) == (3.0, 1.0)
    assert left_behind.concentration("salt") == pytest.approx(0.5)
    world.fill("b", 1.0, 1.0, {}).dead_volume_ml = 2.0
    assert world.vessel("b").drawable_ml == 0.0


def test_what_does_not_fit_is_spilled_as_the_mixture_and_logged(world):
    world.fill("a", 10.0, 1.0, {"salt": 1.0})
    world.fill("b", 10.0, 1.0, {}, capacity_ml=15.0)
    assert world.pour(world.vessel("a"), world.vessel("b"), 10.0, device="pump") == 10.0
    full = world.vessel("b")
    assert (full.volume_ml, full.spilled_ml) == (15.0, 5.0)
    assert full.concentration("salt") == pytest.approx(0.5)
    [act] = world.acts
    assert (act.device, act.kind, act.detail) == (
        "pump",
        "spill",
        {"volume_ml": 5.0, "vessel": "b"},
    )


def test_a_spill_may_be_left_to_who_pours(world):
    world.fill("a", 10.0, 1.0, {})
    world.vessel("b", 4.0)
    world.pour(world.vessel("a"), world.vessel("b"), 10.0, log_spill=False)
    assert world.acts == []
    assert world.vessel("b").spilled_ml == 6.0


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abc"), st.floats(0.0, 30.0))))
def test_pouring_about_makes_and_loses_nothing(pours):
    world = World(1, HandClock())
    for name, concentration in (("a", 2.0), ("b", 0.5), ("c", 0.0)):
        world.fill(name, 20.0, 1.0 + concentration / 10.0, {"salt": concentration})
    for source, target, volume in pours:
        if source != target:
            world.pour(world.vessel(source), world.vessel(target), volume)
    vessels = world.vessels.values()
    assert sum(v.volume_ml for v in vessels) == pytest.approx(60.0, abs=1e-6)
    assert sum(v.mass_g for v in vessels) == pytest.approx(65.0, abs=1e-6)
    assert sum(v.amounts_mol.get("salt", 0.0) for v in vessels) == pytest.approx(0.05, abs=1e-8)
    assert all(v.volume_ml >= 0.0 for v in vessels)


def test_an_idle_world_jumps_and_a_moving_one_goes_in_slices(world, clock):
    seen = []
    world.advance_hooks.append(lambda at_s: bool(seen.append(at_s)) or at_s < 12.0)
    clock.seconds = 10.0
    world.advance()
    assert seen[-1] == 10.0
    assert all(0.0 < b - a <= 0.5 for a, b in pairwise(seen))
    clock.seconds = 100.0
    world.advance()
    assert [at_s for at_s in seen if at_s > 12.0] == [100.0]


def test_every_hook_is_brought_to_the_present_even_without_time_passing(world, clock):
    calls = []
    world.advance_hooks.append(lambda at_s: calls.append(("a", at_s)))
    world.advance_hooks.append(lambda at_s: calls.append(("b", at_s)))
    world.advance()
    assert calls == [("a", 0.0), ("b", 0.0)]
    clock.seconds = 5.0
    world.advance()
    assert calls[-2:] == [("a", 5.0), ("b", 5.0)]


def test_a_hook_may_look_at_the_world(world, clock):
    depth = []

    def hook(at_s):
        depth.append(at_s)
        world.advance()

    world.advance_hooks.append(hook)
    clock.seconds = 1.0
    world.advance()
    assert depth == [0.0, 1.0]


def test_a_hook_that_fails_does_not_stop_the_world_for_ever(world, clock):
    failures = [RuntimeError("once")]

    def hook(at_s):
        if failures:
            raise failures.pop()

    world.advance_hooks.append(hook)
    with pytest.raises(RuntimeError):
        world.advance()
    clock.seconds = 1.0
    world.advance()


def test_acts_are_kept_with_their_own_time_and_written_at_once(clock, tmp_path):
    file = tmp_path / "acts.jsonl"
    world = World(1, clock, file)
    clock.seconds = 9.0
    world.log("pump", "dispense", at_s=7.5, volume_ml=2.0, into="pot")
    assert json.loads(file.read_text()) == {
        "at_s": 7.5,
        "device": "pump",
        "kind": "dispense",
        "detail": {"volume_ml": 2.0, "into": "pot"},
    }
    world.log("plate", "on")
    assert world.acts[-1].at_s == 9.0
    assert len(file.read_text().splitlines()) == 2


def test_doses_are_summed_by_device_and_vessel(world):
    world.log("p1", "dispense", volume_ml=2.0, into="pot")
    world.log("p1", "dispense", volume_ml=3.0, into="pot")
    world.log("p1", "dispense", volume_ml=1.0, into="cell")
    world.log("p1", "spill", volume_ml=9.0, vessel="pot")
    world.log("arm", "dispense", into="pot")
    totals = world.doses()
    assert set(totals) == {("p1", "pot"), ("p1", "cell")}
    assert (totals["p1", "pot"].count, totals["p1", "pot"].volume_ml) == (2, 5.0)


def test_each_device_has_its_own_chance_the_same_for_the_same_seed(clock):
    first, again, other = World(1, clock), World(1, clock), World(2, clock)
    assert first.random_for("a").random() == again.random_for("a").random()
    assert first.random_for("a").random() != first.random_for("b").random()
    assert first.random_for("a").random() != other.random_for("a").random()
