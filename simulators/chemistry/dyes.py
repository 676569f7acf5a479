"""Absorbance of food-dye mixtures in the wells of a plate: the colour-matching chemistry. Pure functions.

    A(lambda)  = l * sum_i eps_i(lambda) c_i          Beer-Lambert, decadic, A dimensionless
    eps_i      = eps_max,i exp(-(lambda - peak_i)^2 / (2 width_i^2))
    l          = V / (pi r^2)                         light falls through the well from above
    A_observed = -log10((10^-A + s) / (1 + s))        s: stray light, about 5e-4, limits A to 3.3

Peaks and decadic coefficients are in the middle of what the literature gives: Allura Red 504 nm, 2.1e4 to 2.7e4;
tartrazine 426 nm, 2.3e4 to 2.8e4; Brilliant Blue 630 nm, about 1.3e5 L/(mol cm). One Gaussian per dye and the
widths are a simplification made here (Brilliant Blue, for one, has a second band near 408 nm).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "DYES",
    "STRAY_LIGHT",
    "Dye",
    "absorbance",
    "mixture",
    "observed_absorbance",
    "path_cm",
    "well_absorbance",
]

STRAY_LIGHT: Final = 5e-4


@dataclass(frozen=True, slots=True)
class Dye:
    """One absorption band: peak and standard deviation in nm, coefficient in L/(mol cm)."""

    peak_nm: float
    coefficient: float
    width_nm: float

    def at(self, wavelength_nm: float) -> float:
        """The molar absorption coefficient at that wavelength, L/(mol cm)."""
        distance = (wavelength_nm - self.peak_nm) / self.width_nm
        return self.coefficient * math.exp(-0.5 * distance * distance)


DYES: Final[Mapping[str, Dye]] = {
    "allura_red": Dye(504.0, 2.4e4, 38.0),
    "tartrazine": Dye(426.0, 2.5e4, 36.0),
    "brilliant_blue": Dye(630.0, 1.3e5, 22.0),
}
"""Species -> its band. Species that are not listed do not absorb."""


def path_cm(volume_ml: float, diameter_mm: float) -> float:
    """Height of the liquid in a cylindrical well, cm. ValueError for a diameter that is not positive."""
    if diameter_mm <= 0.0:
        raise ValueError(f"a well of {diameter_mm:g} mm is not possible")
    radius_cm = diameter_mm / 20.0
    return max(0.0, volume_ml) / (math.pi * radius_cm**2)


def absorbance(
    concentrations: Mapping[str, float], wavelength_nm: float, length_cm: float
) -> float:
    """True absorbance of a mixture; concentrations in mol/L."""
    return length_cm * math.fsum(
        DYES[species].at(wavelength_nm) * amount
        for species, amount in concentrations.items()
        if species in DYES
    )


def observed_absorbance(
    true: float, stray_light: float = STRAY_LIGHT, transmission_error: float = 0.0
) -> float:
    """What a photometer shows: stray light adds to the light that passes, noise in it too."""
    passed = (10.0**-true + stray_light) / (1.0 + stray_light) + transmission_error
    return -math.log10(max(passed, 1e-6))


def mixture(
    volumes_ul: Mapping[str, float], stocks: Mapping[str, Mapping[str, float]]
) -> tuple[float, dict[str, float]]:
    """(volume in mL, concentrations in mol/L) of what is mixed from stocks (contents in mol/L)."""
    total = math.fsum(volumes_ul.values())
    amounts: dict[str, float] = {}
    if total > 0.0:
        for stock, volume in volumes_ul.items():
            for species, concentration in stocks[stock].items():
                amounts[species] = amounts.get(species, 0.0) + concentration * volume / total
    return total / 1000.0, amounts


def well_absorbance(
    volumes_ul: Mapping[str, float],
    stocks: Mapping[str, Mapping[str, float]],
    wavelength_nm: float,
    diameter_mm: float,
) -> float:
    """What an ideal reader (no noise) shows for an ideally pipetted well."""
    volume_ml, concentrations = mixture(volumes_ul, stocks)
    length = path_cm(volume_ml, diameter_mm)
    return observed_absorbance(absorbance(concentrations, wavelength_nm, length))
