"""The colour-matching chemistry against values worked out by hand and against its own laws."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.chemistry.dyes import (
    DYES,
    absorbance,
    mixture,
    observed_absorbance,
    path_cm,
    well_absorbance,
)

STOCKS = {"red": {"allura_red": 3e-4}, "blue": {"brilliant_blue": 6e-5}, "water": {}}


def test_path_in_a_corning_well() -> None:
    # 200 mm3 over a circle of 6.86 mm: 200 / 36.96 = 5.411 mm
    assert path_cm(0.2, 6.86) == pytest.approx(0.5411, abs=1e-4)
    assert path_cm(0.0, 6.86) == 0.0
    with pytest.raises(ValueError, match="0 mm"):
        path_cm(0.2, 0.0)


def test_beer_lambert_at_a_peak() -> None:
    # 2.4e4 L/(mol cm) x 1e-5 mol/L x 1 cm
    assert absorbance({"allura_red": 1e-5}, 504.0, 1.0) == pytest.approx(0.24)
    assert absorbance({"salt": 1.0}, 504.0, 1.0) == 0.0


@pytest.mark.parametrize("name", sorted(DYES))
def test_a_band_is_highest_at_its_peak_and_falls_by_gauss(name: str) -> None:
    dye = DYES[name]
    assert dye.at(dye.peak_nm) == dye.coefficient
    assert dye.at(dye.peak_nm + dye.width_nm) == pytest.approx(dye.coefficient * math.exp(-0.5))
    assert dye.at(dye.peak_nm - 10) == pytest.approx(dye.at(dye.peak_nm + 10))


def test_peaks_are_where_the_literature_has_them() -> None:
    assert {name: dye.peak_nm for name, dye in DYES.items()} == {
        "allura_red": 504.0,
        "tartrazine": 426.0,
        "brilliant_blue": 630.0,
    }


def test_stray_light_limits_what_is_seen() -> None:
    assert observed_absorbance(0.0) == pytest.approx(0.0, abs=1e-12)
    assert observed_absorbance(1.0) == pytest.approx(-math.log10(0.1005 / 1.0005))
    assert observed_absorbance(50.0) == pytest.approx(-math.log10(5e-4 / 1.0005), abs=1e-9)
    assert observed_absorbance(1.0, stray_light=0.0) == pytest.approx(1.0)
    assert math.isfinite(observed_absorbance(50.0, 0.0, -0.1)), "noise below zero is no crash"


@given(st.floats(0.0, 3.0), st.floats(0.0, 3.0))
def test_more_dye_is_never_brighter(one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert observed_absorbance(low) <= observed_absorbance(high)


@given(st.floats(1.0, 100.0), st.floats(1.0, 100.0), st.floats(0.0, 200.0))
def test_mixing_keeps_the_amounts(red: float, blue: float, water: float) -> None:
    volume_ml, contents = mixture({"red": red, "blue": blue, "water": water}, STOCKS)
    assert volume_ml == pytest.approx((red + blue + water) / 1000.0)
    assert contents["allura_red"] * volume_ml == pytest.approx(3e-4 * red / 1000.0)
    assert contents["brilliant_blue"] * volume_ml == pytest.approx(6e-5 * blue / 1000.0)


def test_water_added_from_above_changes_nothing_but_stray_light() -> None:
    """Light falls through the height: the same amount of dye over the same area."""
    thin = well_absorbance({"red": 20.0, "water": 100.0}, STOCKS, 504.0, 6.86)
    thick = well_absorbance({"red": 20.0, "water": 300.0}, STOCKS, 504.0, 6.86)
    assert thin == pytest.approx(thick, rel=1e-12)
    assert well_absorbance({}, STOCKS, 504.0, 6.86) == 0.0
