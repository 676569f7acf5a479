"""A reaction that goes on by itself in the vessels of the world, whether somebody looks or not."""

from __future__ import annotations

from random import Random

import pytest

from lab.domain.errors import InputError
from simulators.chemistry.acid_base import ph
from simulators.chemistry.saponification import rate_constant, reacted
from simulators.contract import SimulatorContext
from simulators.heating import HeatedVessel
from simulators.ne1000 import NE1000Simulator
from simulators.reactions import CHEMISTRIES, start_chemistry
from simulators.world import World
from tests.bench.hand_clock import HandClock

ROOM_C = 25.0


class Bench:
    """A world in which ethyl acetate and sodium hydroxide react."""

    def __init__(self, **settings):
        self.clock = HandClock()
        self.world = World(1, self.clock)
        start_chemistry("saponification", self.world, settings)

    def fill(self, name="flask", volume_ml=100.0, **contents):
        vessel = self.world.fill(name, volume_ml, 1.0, contents)
        vessel.temperature_c = ROOM_C
        return vessel

    def wait(self, seconds):
        self.clock.seconds += seconds
        self.world.advance()


def left(start, other, seconds, celsius=ROOM_C):
    return start - reacted(start, other, rate_constant(celsius + 273.15), seconds)


def test_it_goes_on_in_a_vessel_while_nobody_looks():
    bench = Bench()
    flask = bench.fill(ethyl_acetate=0.05, NaOH=0.05)
    bench.wait(600.0)
    ester = left(0.05, 0.05, 600.0)
    assert flask.concentration("ethyl_acetate") == pytest.approx(ester, rel=1e-6)
    assert flask.concentration("NaOH") == pytest.approx(ester, rel=1e-6)
    assert flask.concentration("sodium_acetate") == pytest.approx(0.05 - ester, rel=1e-6)
    assert flask.concentration("ethanol") == pytest.approx(0.05 - ester, rel=1e-6)


def test_how_often_somebody_looks_makes_no_difference():
    seldom, often = Bench(), Bench()
    for bench in (seldom, often):
        bench.fill(ethyl_acetate=0.05, NaOH=0.08)
    seldom.wait(1000.0)
    for _ in range(100):
        often.wait(10.0)
    assert often.world.vessel("flask").amounts_mol == pytest.approx(
        seldom.world.vessel("flask").amounts_mol, rel=1e-9
    )


def test_the_ph_falls_as_the_base_is_used_up():
    bench = Bench()
    flask = bench.fill(ethyl_acetate=0.05, NaOH=0.05)
    seen = []
    for _ in range(5):
        contents = {name: flask.concentration(name) for name in flask.amounts_mol}
        seen.append(ph(contents, ROOM_C))
        bench.wait(900.0)
    assert seen == sorted(seen, reverse=True)
    assert seen[0] - seen[-1] > 1.0


def test_acid_in_excess_stops_it():
    bench = Bench()
    flask = bench.fill(ethyl_acetate=0.05, NaOH=0.05)
    bench.wait(300.0)
    acid = bench.fill("acid", 100.0, HCl=0.1)
    bench.world.pour(acid, flask, 100.0)
    ester_mol = flask.amounts_mol["ethyl_acetate"]
    assert ester_mol == pytest.approx(0.1 * left(0.05, 0.05, 300.0), rel=1e-6)
    bench.wait(36_000.0)
    assert flask.amounts_mol["ethyl_acetate"] == ester_mol


def test_a_weak_acid_stops_it_too():
    bench = Bench()
    flask = bench.fill(ethyl_acetate=0.05, NaOH=0.05, acetic_acid=0.06)
    bench.wait(3600.0)
    assert flask.concentration("ethyl_acetate") == pytest.approx(0.05)


def test_another_base_keeps_its_cation():
    bench = Bench()
    flask = bench.fill(ethyl_acetate=0.05, KOH=0.05)
    bench.wait(600.0)
    made = flask.concentration("acetic_acid")
    assert made == pytest.approx(0.05 - left(0.05, 0.05, 600.0), rel=1e-6)
    assert flask.concentration("KOH") == pytest.approx(0.05)


@pytest.mark.parametrize("contents", [{"ethyl_acetate": 0.1}, {"NaOH": 0.1}, {"NaCl": 0.1}, {}])
def test_one_of_them_alone_does_nothing(contents):
    bench = Bench()
    flask = bench.fill(**contents)
    before = dict(flask.amounts_mol)
    bench.wait(3600.0)
    assert flask.amounts_mol == before


def test_warmth_counts_as_it_comes():
    """Heated on the way, it ends between what the cold and the hot flask would have done."""
    bench = Bench()
    flask = bench.fill(ethyl_acetate=0.05, NaOH=0.05)
    plate = HeatedVessel(flask, ROOM_C, limit_c=300.0)
    plate.setpoint_c, plate.heating, at_s = 40.0, True, [0.0]

    def heat(until_s):
        plate.run(until_s - at_s[0]) if until_s > at_s[0] else None
        at_s[0] = until_s

    bench.world.advance_hooks.append(heat)
    bench.wait(600.0)
    ester = flask.concentration("ethyl_acetate")
    assert left(0.05, 0.05, 600.0, 40.0) < ester < left(0.05, 0.05, 600.0)
    assert flask.temperature_c > 35.0


def test_the_syringe_is_a_vessel_as_well():
    bench = Bench()
    bench.fill("flask", ethyl_acetate=0.05, NaOH=0.05)
    pump = NE1000Simulator(
        SimulatorContext(
            "pump", bench.world, bench.clock, Random(1), {"draws": "flask", "into": "cup"}
        )
    )
    pump.drive.world.pour(bench.world.vessel("flask"), pump.drive.contents, 10.0)
    bench.wait(600.0)
    assert pump.drive.contents.concentration("ethyl_acetate") == pytest.approx(
        left(0.05, 0.05, 600.0), rel=1e-6
    )


def test_the_rate_law_may_be_another():
    bench = Bench(rate_constant=1.0, activation_energy_kj_mol=0)
    flask = bench.fill(ethyl_acetate=0.05, NaOH=0.05)
    flask.temperature_c = 60.0
    bench.wait(20.0)
    assert flask.concentration("NaOH") == pytest.approx(0.025)


@pytest.mark.parametrize("name", sorted(set(CHEMISTRIES) - {"saponification"}))
def test_other_chemistries_need_no_hook(name):
    world = World(1, HandClock())
    start_chemistry(name, world, {})
    assert world.advance_hooks == []


@pytest.mark.parametrize(
    ("name", "settings", "says", "hint"),
    [
        ("saponifcation", {}, "no chemistry 'saponifcation'", "did you mean 'saponification'?"),
        ("alchemy", {}, "no chemistry 'alchemy'", "one of acid_base, dyes"),
        ("water", {"salt": 1}, "water has no setting 'salt'", "its settings: none"),
        ("saponification", {"k": 1}, "no setting 'k'", "rate_constant"),
        ("saponification", {"rate_constant": "fast"}, "must be a number", ""),
        ("saponification", {"rate_constant": -1}, "can't be negative", ""),
    ],
)
def test_what_is_not_there_is_refused_with_what_is(name, settings, says, hint):
    with pytest.raises(InputError, match=says) as caught:
        start_chemistry(name, World(1, HandClock()), settings)
    assert hint in caught.value.hint
