"""Ionic conductivity of LiPF6 in carbonate solvents.

Landesfeind and Gasteiger, J. Electrochem. Soc. 166, A3079 (2019), doi:10.1149/2.0571912jes:

    kappa = p1 (1 + (T - p2)) c (1 + p3 sqrt(c) + p4 (1 + p5 exp(1000/T)) c)
            / (1 + p6 exp(1000/T) c^4)

with kappa in mS/cm, c in mol/L and T in K. The fit was made for 0.1 to 3 mol/L and 263 to 323 K;
outside of it the equation extrapolates, so it is cut off at zero.
"""

from __future__ import annotations

import math
from typing import Final

__all__ = ["SOLVENTS", "conductivity_ms_cm", "temperature_coefficient_per_k"]

_PARAMETERS: Final[dict[str, tuple[float, float, float, float, float, float]]] = {
    "EC:EMC 3:7": (0.521, 228.0, -1.06, 0.353, -3.59e-3, 1.48e-3),
    "EC:DMC 1:1": (0.798, 228.0, -1.22, 0.509, -4.0e-3, 3.79e-3),
}

SOLVENTS: Final = tuple(_PARAMETERS)
"""Names of the solvents with a parameter set."""


def conductivity_ms_cm(
    c_mol_per_l: float, temperature_k: float, solvent: str = "EC:EMC 3:7"
) -> float:
    """Conductivity in mS/cm at `c_mol_per_l` of LiPF6 and `temperature_k`.

    Maxima at 298.15 K: 9.130 mS/cm at 1.006 mol/L in EC:EMC 3:7, 11.852 at 0.933 in EC:DMC 1:1.
    ValueError for a negative concentration, a temperature not above 0 K, or an unknown solvent.
    """
    if c_mol_per_l < 0.0:
        raise ValueError(f"a concentration of {c_mol_per_l:g} mol/L is not possible")
    if temperature_k <= 0.0:
        raise ValueError(f"a temperature of {temperature_k:g} K is not possible")
    if solvent not in _PARAMETERS:
        raise ValueError(f"no parameters for solvent {solvent!r}; known: {', '.join(SOLVENTS)}")
    p1, p2, p3, p4, p5, p6 = _PARAMETERS[solvent]
    boltzmann = math.exp(1000.0 / temperature_k)
    c = c_mol_per_l
    rise = 1.0 + p3 * math.sqrt(c) + p4 * (1.0 + p5 * boltzmann) * c
    fall = 1.0 + p6 * boltzmann * c**4
    return max(0.0, p1 * (1.0 + (temperature_k - p2)) * c * rise / fall)


def temperature_coefficient_per_k(
    c_mol_per_l: float, temperature_k: float, solvent: str = "EC:EMC 3:7"
) -> float:
    """Relative change of the conductivity per kelvin (1/K), by a central difference; 0 at c = 0.

    It is what a probe with temperature compensation assumes to be constant.
    """
    here = conductivity_ms_cm(c_mol_per_l, temperature_k, solvent)
    if here == 0.0:
        return 0.0
    step = 0.01
    above = conductivity_ms_cm(c_mol_per_l, temperature_k + step, solvent)
    below = conductivity_ms_cm(c_mol_per_l, temperature_k - step, solvent)
    return (above - below) / (2.0 * step * here)
