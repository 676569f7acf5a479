"""The electrolyte model against the maxima that are known of it."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.chemistry.electrolyte import (
    SOLVENTS,
    conductivity_ms_cm,
    temperature_coefficient_per_k,
)

ROOM_K = 298.15


def best(solvent):
    grid = [step / 1000.0 for step in range(1, 3000)]
    return max((conductivity_ms_cm(c, ROOM_K, solvent), c) for c in grid)


@pytest.mark.parametrize(
    ("solvent", "conductivity", "concentration"),
    [("EC:EMC 3:7", 9.130, 1.006), ("EC:DMC 1:1", 11.852, 0.933)],
)
def test_the_maximum_is_where_it_is_known_to_be(solvent, conductivity, concentration):
    found, at = best(solvent)
    assert found == pytest.approx(conductivity, abs=5e-4)
    assert at == pytest.approx(concentration, abs=1.5e-3)


def test_ec_emc_is_the_solvent_when_none_is_named():
    assert conductivity_ms_cm(1.0, ROOM_K) == conductivity_ms_cm(1.0, ROOM_K, "EC:EMC 3:7")
    assert conductivity_ms_cm(1.0, ROOM_K) != conductivity_ms_cm(1.0, ROOM_K, "EC:DMC 1:1")


@pytest.mark.parametrize("solvent", SOLVENTS)
def test_neat_solvent_does_not_conduct_and_warmth_helps(solvent):
    assert conductivity_ms_cm(0.0, ROOM_K, solvent) == 0.0
    assert conductivity_ms_cm(1.0, 313.15, solvent) > conductivity_ms_cm(1.0, ROOM_K, solvent)
    assert 0.01 < temperature_coefficient_per_k(1.0, ROOM_K, solvent) < 0.03
    assert temperature_coefficient_per_k(0.0, ROOM_K, solvent) == 0.0


@given(st.floats(0.0, 20.0), st.floats(240.0, 360.0), st.sampled_from(SOLVENTS))
def test_it_is_finite_and_never_negative_also_where_it_extrapolates(c, temperature, solvent):
    value = conductivity_ms_cm(c, temperature, solvent)
    assert math.isfinite(value)
    assert 0.0 <= value < 100.0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((-0.1, ROOM_K), "concentration"),
        ((1.0, 0.0), "temperature"),
        ((1.0, ROOM_K, "water"), "EC:EMC 3:7"),
    ],
)
def test_impossible_conditions_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        conductivity_ms_cm(*arguments)
