"""pH of aqueous mixtures from what was put in: charge balance with activity coefficients. Pure functions.

    0 = sum z_i c_i            over strong ions, forms of weak acids, H+ and OH-; solved for pH by bisection
    pH = -log10 a(H+)          activities, as pH is defined: a = gamma c
    log10 gamma_z = -A z^2 (sqrt(I) / (1 + sqrt(I)) - 0.3 I)       Davies; A from the permittivity of water
    R ln(K_T / K_298) = dH (1/298 K - 1/T) + dCp (298 K/T - 1 + ln(T/298 K))

Ionisation constants at infinite dilution, with enthalpies and heat capacities: Goldberg, Kishore, Lennen, J. Phys.
Chem. Ref. Data 31, 231 (2002), doi:10.1063/1.1416902. Water: pK 13.995, 55.8 kJ/mol, -224 J/(mol K). Permittivity:
Malmberg, Maryott, J. Res. NBS 56, 1 (1956), doi:10.6028/jres.056.001. Davies' equation is good to about 0.5 mol/L
ionic strength; above, its coefficients are kept at their value there.

Buffers need no species of their own: their certified values (IUPAC, Buck et al., Pure Appl. Chem. 74, 2169 (2002),
doi:10.1351/pac200274112169) come out of their recipes within 0.02, from 15 to 40 degC:

    phthalate  KHP 0.05 mol/L                              4.005 at 25 degC
    phosphate  KH2PO4 and Na2HPO4, 0.025 mol/L each        6.865
    borax      borax 0.01 mol/L                            9.180
    carbonate  NaHCO3 and Na2CO3, 0.025 mol/L each        10.012

Left out: exchange of CO2 with the air, volume changes on mixing, the difference between mol/L and mol/kg.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ACIDS", "SOLUTES", "Acid", "Ionisation", "Solute", "excess_base", "ph"]

_KELVIN: Final = 273.15
_REFERENCE_K: Final = 298.15
_GAS: Final = 8.314462618
_DAVIES_LIMIT: Final = 0.5
_PH_RANGE: Final = (-2.0, 16.0)


@dataclass(frozen=True, slots=True)
class Ionisation:
    """One step HA = H+ + A-: pK at 25 degC, enthalpy in kJ/mol, heat capacity in J/(mol K)."""

    pk: float
    enthalpy: float
    heat_capacity: float

    def constant(self, kelvin: float) -> float:
        """K at that temperature."""
        ratio = _REFERENCE_K / kelvin
        heat = 1000.0 * self.enthalpy * (1.0 / _REFERENCE_K - 1.0 / kelvin)
        return 10.0**-self.pk * math.exp(
            (heat + self.heat_capacity * (ratio - 1.0 - math.log(ratio))) / _GAS
        )


@dataclass(frozen=True, slots=True)
class Acid:
    """A weak acid: charge of its form with all protons, and its ionisations in order."""

    charge: int
    steps: tuple[Ionisation, ...]


@dataclass(frozen=True, slots=True)
class Solute:
    """What one mole of a substance brings: moles of univalent strong ions, and of a weak acid in any form."""

    cations: int = 0
    anions: int = 0
    acid: str = ""
    acids: int = 1


_WATER: Final = Ionisation(13.995, 55.8, -224.0)

ACIDS: Final[Mapping[str, Acid]] = {
    "acetic": Acid(0, (Ionisation(4.756, -0.41, -142.0),)),
    "ammonium": Acid(1, (Ionisation(9.245, 51.95, 8.0),)),
    "boric": Acid(0, (Ionisation(9.237, 13.8, -240.0),)),
    "carbonic": Acid(0, (Ionisation(6.351, 9.15, -371.0), Ionisation(10.329, 14.70, -249.0))),
    "citric": Acid(
        0,
        (
            Ionisation(3.128, 4.07, -131.0),
            Ionisation(4.761, 2.23, -178.0),
            Ionisation(6.396, -3.38, -254.0),
        ),
    ),
    "phosphoric": Acid(
        0,
        (
            Ionisation(2.148, -8.0, -141.0),
            Ionisation(7.198, 3.6, -230.0),
            Ionisation(12.35, 16.0, -242.0),
        ),
    ),
    "phthalic": Acid(0, (Ionisation(2.950, -2.70, -91.0), Ionisation(5.408, -2.17, -295.0))),
    "sulfuric": Acid(-1, (Ionisation(1.987, -22.4, -258.0),)),
    "tris": Acid(1, (Ionisation(8.072, 47.45, -59.0),)),
}
"""Weak acids by name."""

SOLUTES: Final[Mapping[str, Solute]] = {
    "HCl": Solute(anions=1),
    "HNO3": Solute(anions=1),
    "H2SO4": Solute(acid="sulfuric"),
    "NaOH": Solute(cations=1),
    "KOH": Solute(cations=1),
    "NaCl": Solute(cations=1, anions=1),
    "KCl": Solute(cations=1, anions=1),
    "acetic_acid": Solute(acid="acetic"),
    "sodium_acetate": Solute(cations=1, acid="acetic"),
    "ammonia": Solute(acid="ammonium"),
    "NH4Cl": Solute(anions=1, acid="ammonium"),
    "boric_acid": Solute(acid="boric"),
    "borax": Solute(cations=2, acid="boric", acids=4),
    "NaHCO3": Solute(cations=1, acid="carbonic"),
    "Na2CO3": Solute(cations=2, acid="carbonic"),
    "citric_acid": Solute(acid="citric"),
    "sodium_citrate": Solute(cations=3, acid="citric"),
    "H3PO4": Solute(acid="phosphoric"),
    "NaH2PO4": Solute(cations=1, acid="phosphoric"),
    "KH2PO4": Solute(cations=1, acid="phosphoric"),
    "Na2HPO4": Solute(cations=2, acid="phosphoric"),
    "K2HPO4": Solute(cations=2, acid="phosphoric"),
    "Na3PO4": Solute(cations=3, acid="phosphoric"),
    "KHP": Solute(cations=1, acid="phthalic"),
    "tris": Solute(acid="tris"),
    "tris_HCl": Solute(anions=1, acid="tris"),
}
"""Species that a stock may hold -> what they bring. Species that are not listed (ethanol, ...) change no pH."""


def ph(concentrations: Mapping[str, float], temperature_c: float = 25.0) -> float:
    """pH of a mixture with these analytical concentrations (mol/L by species); of pure water for none.

    ValueError for a negative concentration, and for a temperature outside of 0 to 100 degC.
    """
    if not 0.0 <= temperature_c <= 100.0:
        raise ValueError(f"no liquid water at {temperature_c:g} degC")
    mixture = _Mixture.of(concentrations, temperature_c)
    strength, value = mixture.strong / 2.0, 7.0
    for _ in range(100):  # a few rounds do; the activity coefficients change little with the pH
        value, found = mixture.solved(strength)
        if abs(found - strength) <= 1e-9 + 1e-6 * strength:
            break
        strength = found
    return value


def excess_base(concentrations: Mapping[str, float]) -> float:
    """mol/L of strong base left when every weak acid has given all its protons; negative: acid is in excess.

    Where it is positive it is the concentration of OH-, but for weak acids with a pK near that pH (the last one of
    phosphate).
    """
    total = 0.0
    for species, concentration in concentrations.items():
        solute = SOLUTES.get(species, Solute())
        total += concentration * (solute.cations - solute.anions)
        if solute.acid:
            acid = ACIDS[solute.acid]
            total += concentration * solute.acids * (acid.charge - len(acid.steps))
    return total


@dataclass(frozen=True, slots=True)
class _Mixture:
    """`charge` and `strong`: net charge and sum of the strong ions, mol/L. `acids`: (mol/L, charge, constants)."""

    charge: float
    strong: float
    acids: tuple[tuple[float, int, tuple[float, ...]], ...]
    water: float
    davies: float

    @classmethod
    def of(cls, concentrations: Mapping[str, float], temperature_c: float) -> _Mixture:
        charge = strong = 0.0
        totals: dict[str, float] = {}
        for species, concentration in concentrations.items():
            if concentration < 0.0:
                raise ValueError(f"{species}: {concentration:g} mol/L is not possible")
            solute = SOLUTES.get(species, Solute())
            charge += concentration * (solute.cations - solute.anions)
            strong += concentration * (solute.cations + solute.anions)
            if solute.acid:
                totals[solute.acid] = totals.get(solute.acid, 0.0) + concentration * solute.acids
        kelvin = temperature_c + _KELVIN
        acids = tuple(
            (total, ACIDS[name].charge, tuple(s.constant(kelvin) for s in ACIDS[name].steps))
            for name, total in totals.items()
            if total > 0.0
        )
        return cls(charge, strong, acids, _WATER.constant(kelvin), _davies_a(temperature_c))

    def solved(self, strength: float) -> tuple[float, float]:
        """(pH, ionic strength that follows from it) with the activity coefficients of that ionic strength."""
        bounded = min(strength, _DAVIES_LIMIT)
        root = math.sqrt(bounded)
        log_one = -self.davies * (root / (1.0 + root) - 0.3 * bounded)
        gammas = tuple(10.0 ** (log_one * z * z) for z in range(5))
        low, high = _PH_RANGE
        for _ in range(50):
            middle = 0.5 * (low + high)
            if self._ions(middle, gammas)[0] > 0.0:
                low = middle
            else:
                high = middle
        value = 0.5 * (low + high)
        return value, self._ions(value, gammas)[1]

    def _ions(self, value: float, gammas: tuple[float, ...]) -> tuple[float, float]:
        """(net charge, ionic strength) in mol/L at that pH. The charge falls as the pH rises."""
        activity = 10.0**-value
        hydrogen, hydroxide = activity / gammas[1], self.water / activity / gammas[1]
        charge = self.charge + hydrogen - hydroxide
        double = self.strong + hydrogen + hydroxide
        for total, first, constants in self.acids:
            weight, z = 1.0, first
            forms = [(z, weight / gammas[abs(z)])]
            for constant in constants:
                weight *= constant / activity
                z -= 1
                forms.append((z, weight / gammas[abs(z)]))
            unit = total / math.fsum(share for _, share in forms)
            charge += unit * math.fsum(z * share for z, share in forms)
            double += unit * math.fsum(z * z * share for z, share in forms)
        return charge, 0.5 * double


def _davies_a(temperature_c: float) -> float:
    """The Debye-Hueckel slope of water at that temperature, (L/mol)^(1/2) for decadic logarithms."""
    t = temperature_c
    permittivity = 87.740 - 0.40008 * t + 9.398e-4 * t * t - 1.410e-6 * t**3
    return 1.8246e6 / (permittivity * (t + _KELVIN)) ** 1.5
