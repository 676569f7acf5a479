"""What a simulated laboratory is filled with: densities, dead volumes, and the chemistry that goes on in it."""

from __future__ import annotations

import pytest

from lab.domain.errors import InputError
from simulators.chemistry.water import density_g_per_ml
from simulators.lab import SimulatedLab, SimulatedLiquid
from tests.bench.hand_clock import HandClock


def lab(**options):
    stock = {
        "water": SimulatedLiquid(100.0),
        "brine": SimulatedLiquid(100.0, 1.2, {"NaCl": 5.0}),
        "base": SimulatedLiquid(100.0, 1.0, {"NaOH": 0.1, "ethyl_acetate": 0.1}),
    }
    given = {"seed": 1, "clock": HandClock(), "stock": stock, "vessels_ml": {"pot": 50.0}}
    return SimulatedLab(**{**given, "devices": (), **options})


@pytest.mark.parametrize("celsius", [10.0, 22.0, 35.0])
def test_a_stock_of_unknown_composition_is_water_at_room_temperature(celsius):
    world = lab(temperature_c=celsius).world
    water = world.vessel("water")
    assert water.mass_g == pytest.approx(100.0 * density_g_per_ml(celsius))
    assert world.vessel("brine").mass_g == pytest.approx(120.0)
    assert water.temperature_c == celsius


def test_where_the_density_of_water_is_not_known_it_must_be_given():
    with pytest.raises(InputError, match="45 degC") as caught:
        lab(temperature_c=45.0)
    assert "density of water" in caught.value.hint


def test_a_dead_volume_stays_behind():
    world = lab(dead_ml={"water": 5.0, "pot": 1.0}).world
    assert world.pour(world.vessel("water"), world.vessel("pot"), 20.0) == 20.0
    assert world.pour(world.vessel("pot"), world.vessel("waste"), 30.0) == 19.0
    assert world.vessel("pot").volume_ml == pytest.approx(1.0)
    assert world.pour(world.vessel("pot"), world.vessel("waste"), 1.0) == 0.0
    assert world.vessel("water").drawable_ml == pytest.approx(75.0)


@pytest.mark.parametrize(
    ("dead_ml", "says"),
    [({"jug": 1.0}, "'jug'"), ({"pot": -1.0}, "-1 mL"), ({"pot": 50.0}, "pot can't have")],
)
def test_a_dead_volume_that_can_not_be_is_refused(dead_ml, says):
    with pytest.raises(InputError, match=says):
        lab(dead_ml=dead_ml)


def test_chemistry_goes_on_where_it_is_switched_on():
    for chemistry, reacting in (("saponification", True), ("acid_base", False)):
        clock = HandClock()
        world = lab(clock=clock, chemistry=chemistry).world
        clock.seconds = 100.0
        world.advance()
        assert (world.vessel("base").concentration("ethanol") > 0.0) == reacting


def test_its_settings_are_passed_on():
    clock = HandClock()
    world = lab(
        clock=clock, chemistry="saponification", chemistry_settings={"rate_constant": 0.0}
    ).world
    clock.seconds = 100.0
    world.advance()
    assert world.vessel("base").concentration("ethanol") == 0.0
    with pytest.raises(InputError, match="no chemistry"):
        lab(chemistry="soap")


def test_what_people_do_for_the_room_fills_bottles_and_empties_vessels():
    served = lab(vessels_ml={"pot": 50.0, "waste": 500.0})
    world = served.world
    world.pour(world.vessel("brine"), world.vessel("waste"), 80.0)
    served.serve("stock brine")
    brine, waste = world.vessel("brine"), world.vessel("waste")
    assert (brine.volume_ml, brine.mass_g) == (100.0, pytest.approx(120.0))
    assert brine.concentration("NaCl") == pytest.approx(5.0)
    assert waste.volume_ml == 80.0
    served.serve("station waste")
    assert (waste.volume_ml, waste.amounts_mol) == (0.0, {})
    before = {name: vessel.volume_ml for name, vessel in world.vessels.items()}
    for nothing in ("upkeep pump tips", "calibration balance", "stock unknown", "station unknown"):
        served.serve(nothing)
    assert {name: vessel.volume_ml for name, vessel in world.vessels.items()} == before
