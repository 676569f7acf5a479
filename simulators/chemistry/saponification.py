"""Alkaline hydrolysis of ethyl acetate: CH3COOC2H5 + OH- -> CH3COO- + C2H5OH. Pure functions.

    -d[ester]/dt = k [ester] [OH-],  k = k25 exp(-Ea/R (1/T - 1/298.15 K))

k25 = 0.1120 L/(mol s) and Ea = 11.56 kcal/mol = 48.4 kJ/mol: Tsujikawa, Inoue, Bull. Chem. Soc. Jpn. 39, 1837
(1966), doi:10.1246/bcsj.39.1837; their k falls by a few percent as the reaction proceeds, which is left out, as are
the heat of reaction, the reverse reaction and hydrolysis by acid: an excess of acid stops it.
"""

from __future__ import annotations

import math
from typing import Final

__all__ = ["ACTIVATION_ENERGY_KJ_MOL", "RATE_CONSTANT", "rate_constant", "reacted"]

RATE_CONSTANT: Final = 0.1120
"""L/(mol s) at 25 degC."""
ACTIVATION_ENERGY_KJ_MOL: Final = 11.56 * 4.184

_GAS: Final = 8.314462618
_REFERENCE_K: Final = 298.15


def rate_constant(
    temperature_k: float,
    at_25_c: float = RATE_CONSTANT,
    activation_energy_kj_mol: float = ACTIVATION_ENERGY_KJ_MOL,
) -> float:
    """k in L/(mol s) at that temperature. ValueError for a temperature not above 0 K."""
    if temperature_k <= 0.0:
        raise ValueError(f"a temperature of {temperature_k:g} K is not possible")
    distance = 1.0 / temperature_k - 1.0 / _REFERENCE_K
    return at_25_c * math.exp(-1000.0 * activation_energy_kj_mol / _GAS * distance)


def reacted(one_mol_l: float, other_mol_l: float, k: float, seconds: float) -> float:
    """mol/L that two substances A + B -> products have lost after that time, at constant k in L/(mol s).

    The integrated law of second order: with the larger concentration a and the smaller b, q = exp(-(a - b) k t),

        x = a b (1 - q) / (a - b q)

    ValueError for a negative concentration, k or time.
    """
    if min(one_mol_l, other_mol_l, k, seconds) < 0.0:
        raise ValueError("concentrations, rate constant and time can't be negative")
    larger, smaller = max(one_mol_l, other_mol_l), min(one_mol_l, other_mol_l)
    surplus = larger - smaller
    progress = k * seconds
    # (1 - q) / surplus, which tends to k t as the surplus vanishes
    span = -math.expm1(-surplus * progress) / surplus if surplus * progress > 0.0 else progress
    # rounding must not let more react than there is
    return min(smaller, larger * smaller * span / (1.0 + smaller * span))
