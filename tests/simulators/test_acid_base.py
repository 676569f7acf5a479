"""pH of mixtures against certified buffers, against textbook values, and against the laws that they must keep."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulators.chemistry.acid_base import ACIDS, SOLUTES, excess_base, ph

BUFFERS = {
    "phthalate": {"KHP": 0.05},
    "phosphate": {"KH2PO4": 0.025, "Na2HPO4": 0.025},
    "borax": {"borax": 0.01},
    "carbonate": {"NaHCO3": 0.025, "Na2CO3": 0.025},
}
CERTIFIED = {  # Buck et al. 2002, table 2
    "phthalate": {15: 3.999, 20: 4.002, 25: 4.005, 30: 4.011, 37: 4.022, 40: 4.027},
    "phosphate": {15: 6.900, 20: 6.881, 25: 6.865, 30: 6.853, 37: 6.841, 40: 6.838},
    "borax": {15: 9.276, 20: 9.225, 25: 9.180, 30: 9.139, 37: 9.088, 40: 9.068},
    "carbonate": {15: 10.118, 20: 10.062, 25: 10.012, 30: 9.966, 37: 9.910, 40: 9.889},
}
SPECIES = st.sampled_from(sorted(SOLUTES))
MIXTURES = st.dictionaries(SPECIES, st.floats(0.0, 0.5), max_size=4)


@pytest.mark.parametrize("name", BUFFERS)
def test_a_certified_buffer_has_its_ph_at_every_temperature(name):
    for celsius, certified in CERTIFIED[name].items():
        assert ph(BUFFERS[name], celsius) == pytest.approx(certified, abs=0.02), celsius


@pytest.mark.parametrize(
    ("celsius", "value"), [(0.0, 7.47), (25.0, 6.998), (37.0, 6.81), (50.0, 6.63)]
)
def test_pure_water_is_neutral_at_half_its_pk(celsius, value):
    assert ph({}, celsius) == pytest.approx(value, abs=0.01)


@pytest.mark.parametrize(
    ("mixture", "value"),
    [
        ({"HCl": 0.1}, 1.10),  # 1.094 in Bates, Determination of pH
        ({"HCl": 0.01}, 2.04),
        ({"NaOH": 0.01}, 11.95),
        ({"NaOH": 0.1}, 12.88),
        ({"acetic_acid": 0.1}, 2.88),
        ({"acetic_acid": 0.1, "sodium_acetate": 0.1}, 4.65),  # 4.652 in Bates
        ({"tris": 0.05, "tris_HCl": 0.05}, 8.16),
        ({"NaCl": 0.1}, 7.0),
        ({"ammonia": 0.1}, 11.11),
        ({"sodium_acetate": 0.1}, 8.76),
    ],
)
def test_textbook_solutions(mixture, value):
    assert ph(mixture) == pytest.approx(value, abs=0.02)


def test_a_salt_is_what_acid_and_base_make():
    for salt, made in (
        ({"sodium_acetate": 0.05}, {"acetic_acid": 0.05, "NaOH": 0.05}),
        ({"Na2HPO4": 0.02}, {"H3PO4": 0.02, "NaOH": 0.04}),
        ({"tris_HCl": 0.05}, {"tris": 0.05, "HCl": 0.05}),
        ({"Na2CO3": 0.01}, {"NaHCO3": 0.01, "NaOH": 0.01}),
        ({"NH4Cl": 0.1}, {"ammonia": 0.1, "HCl": 0.1}),
    ):
        assert ph(salt) == pytest.approx(ph(made), abs=1e-6)
    assert ph({"KCl": 0.1}) == pytest.approx(ph({"KOH": 0.1, "HCl": 0.1}), abs=1e-6)


def test_half_way_of_a_titration_is_the_pk_of_the_mixture():
    """With its activity coefficient: 4.756 - 0.086 at an ionic strength of 0.05 mol/L."""
    assert ph({"acetic_acid": 0.1, "NaOH": 0.05}) == pytest.approx(4.670, abs=0.003)


def test_what_is_no_acid_or_base_changes_nothing():
    assert ph({"NaOH": 0.05, "ethanol": 1.0, "ethyl_acetate": 0.1}) == ph({"NaOH": 0.05})


@settings(max_examples=60)
@given(MIXTURES, st.floats(0.0, 100.0))
def test_every_mixture_has_a_ph(mixture, celsius):
    value = ph(mixture, celsius)
    assert math.isfinite(value)
    assert -1.0 < value < 15.5


@settings(max_examples=60)
@given(MIXTURES, st.floats(1e-4, 0.2))
def test_base_never_makes_it_more_acid_nor_acid_more_basic(mixture, amount):
    """Compared with as much neutral salt, which leaves the ionic strength about where it is."""
    here = ph({**mixture, "NaCl": mixture.get("NaCl", 0.0) + amount})
    assert ph({**mixture, "NaOH": mixture.get("NaOH", 0.0) + amount}) > here - 0.02
    assert ph({**mixture, "HCl": mixture.get("HCl", 0.0) + amount}) < here + 0.02


@pytest.mark.parametrize("mixture", [{"NaOH": 20.0}, {"HCl": 12.0}, {"H3PO4": 15.0, "KOH": 1.0}])
def test_far_beyond_what_the_equation_is_good_for_there_is_still_an_answer(mixture):
    assert -2.0 < ph(mixture) < 16.0


@pytest.mark.parametrize(
    ("mixture", "celsius", "says"),
    [
        ({"NaOH": -0.1}, 25.0, "NaOH: -0.1 mol/L"),
        ({}, -1.0, "no liquid water"),
        ({}, 101.0, "no liquid water"),
    ],
)
def test_impossible_conditions_are_refused(mixture, celsius, says):
    with pytest.raises(ValueError, match=says):
        ph(mixture, celsius)


@pytest.mark.parametrize(
    ("mixture", "left"),
    [
        ({}, 0.0),
        ({"NaOH": 0.05}, 0.05),
        ({"NaOH": 0.05, "HCl": 0.02}, 0.03),
        ({"NaOH": 0.05, "acetic_acid": 0.02, "sodium_acetate": 0.5}, 0.03),
        ({"NaOH": 0.05, "HCl": 0.08}, -0.03),
        ({"NaOH": 0.05, "H2SO4": 0.02}, 0.01),
        ({"NaOH": 0.05, "NH4Cl": 0.01}, 0.04),
        ({"NaOH": 0.1, "citric_acid": 0.03}, 0.01),
        ({"KHP": 0.05}, -0.05),
        ({"ethyl_acetate": 1.0}, 0.0),
    ],
)
def test_base_in_excess_is_what_the_acids_left(mixture, left):
    assert excess_base(mixture) == pytest.approx(left, abs=1e-12)


def test_base_in_excess_is_the_hydroxide_that_the_ph_shows():
    mixture = {"NaOH": 0.05, "acetic_acid": 0.03}
    same = {"NaOH": 0.02, "NaCl": 0.03}
    assert ph(mixture) == pytest.approx(ph(same), abs=1e-4)


def test_every_substance_names_an_acid_that_is_there():
    for name, solute in SOLUTES.items():
        assert not solute.acid or solute.acid in ACIDS, name
