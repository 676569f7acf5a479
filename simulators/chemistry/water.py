"""Density of pure water, for worlds that are filled with it.

Tanaka, Girard, Davis, Peuto, Bignell, Metrologia 38, 301 (2001), doi:10.1088/0026-1394/38/4/3: air-free water of
ocean isotopic composition at 101325 Pa, from 0 to 40 degC, to 0.0008 kg/m3:

    rho = a5 (1 - (t + a1)^2 (t + a2) / (a3 (t + a4)))
"""

from __future__ import annotations

from typing import Final

__all__ = ["RANGE_C", "density_g_per_ml"]

RANGE_C: Final = (0.0, 40.0)
"""Temperatures that the formula was made for, degC."""

_A1: Final = -3.983035
_A2: Final = 301.797
_A3: Final = 522528.9
_A4: Final = 69.34881
_A5: Final = 0.999974950


def density_g_per_ml(temperature_c: float) -> float:
    """Density in g/mL. ValueError outside of 0 to 40 degC: the formula is a fit and must not be stretched."""
    low, high = RANGE_C
    if not low <= temperature_c <= high:
        raise ValueError(f"no density of water at {temperature_c:g} degC; {low:g} to {high:g} degC")
    t = temperature_c
    return _A5 * (1.0 - (t + _A1) ** 2 * (t + _A2) / (_A3 * (t + _A4)))
