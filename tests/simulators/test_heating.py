"""The physics of a stirred vessel on a hotplate."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulators.heating import HeatedVessel
from simulators.world import Vessel

AMBIENT = 22.0


def heated(setpoint_c, start_c=AMBIENT, on=True, limit_c=360.0):
    model = HeatedVessel(
        Vessel("cell", 50.0, 10.0, temperature_c=start_c), AMBIENT, limit_c=limit_c
    )
    model.setpoint_c, model.heating = setpoint_c, on
    return model


@pytest.mark.parametrize("setpoint_c", [22.5, 25.0, 40.0, 60.0, 100.0, 150.0])
def test_the_medium_ends_at_the_setpoint_without_overshoot(setpoint_c):
    model = heated(setpoint_c)
    highest = 0.0
    for _ in range(7200):
        model.run(1.0)
        highest = max(highest, model.vessel.temperature_c)
    assert model.vessel.temperature_c == pytest.approx(setpoint_c, abs=0.05)
    assert highest < setpoint_c + 0.3


def test_the_plate_never_heats_faster_than_15_k_per_minute():
    model = heated(150.0)
    for _ in range(600):
        before = model.plate_c
        model.run(1.0)
        assert model.plate_c - before <= 15.0 / 60.0 + 1e-9


def test_without_power_it_cools_to_the_room_and_no_further():
    model = heated(0.0, start_c=60.0, on=False)
    previous = 60.0
    for _ in range(100):
        model.run(300.0)
        assert AMBIENT - 1e-6 <= model.vessel.temperature_c <= previous
        previous = model.vessel.temperature_c
    assert previous == pytest.approx(AMBIENT, abs=0.1)


def test_a_setpoint_below_the_room_is_never_reached():
    model = heated(5.0)
    model.run(3600.0)
    assert model.vessel.temperature_c == pytest.approx(AMBIENT, abs=1e-6)


def test_the_plate_stays_under_its_limit():
    model = heated(150.0, limit_c=100.0)
    for _ in range(3600):
        model.run(1.0)
        assert model.plate_c <= 100.5


@settings(max_examples=30)
@given(st.lists(st.floats(0.01, 400.0), min_size=1, max_size=20))
def test_how_often_one_looks_changes_little(pieces):
    one, many = heated(60.0), heated(60.0)
    one.run(sum(pieces))
    for piece in pieces:
        many.run(piece)
    assert many.vessel.temperature_c == pytest.approx(one.vessel.temperature_c, abs=0.2)
