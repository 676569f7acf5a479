"""The chemistry that goes on by itself in the vessels of a simulated laboratory (`simulation: chemistry:` in lab.yaml).

Most models only say what an instrument sees (conductivity, colour, pH): they need no hook here. A model with a
process of its own is brought to the present whenever somebody looks at the world, like a pump.

    chemistry       settings
    acid_base       none
    dyes            none
    electrolyte     none
    light           none
    saponification  rate_constant (0.1120 L/(mol s) at 25 degC), activation_energy_kj_mol (48.37)
    water           none
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

from lab.domain.errors import InputError
from simulators.chemistry import saponification
from simulators.chemistry.acid_base import excess_base
from simulators.settings import number

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import JsonValue

    from simulators.world import Vessel, World

__all__ = ["CHEMISTRIES", "Saponification", "start_chemistry"]

CHEMISTRIES: Final[Mapping[str, tuple[str, ...]]] = {
    "acid_base": (),
    "dyes": (),
    "electrolyte": (),
    "light": (),
    "saponification": ("rate_constant", "activation_energy_kj_mol"),
    "water": (),
}
"""Chemistry -> its settings."""

_KELVIN = 273.15
_STILL_MOL_L_S = 1e-8
"""Below this rate (mol/(L s)) a vessel is not worth slices of its own; it goes on reacting all the same."""


def start_chemistry(name: str, world: World, settings: Mapping[str, JsonValue]) -> None:
    """Let that chemistry go on in all vessels of the world. InputError for an unknown one, or an unknown setting."""
    if name not in CHEMISTRIES:
        near = get_close_matches(name, CHEMISTRIES, n=1, cutoff=0.5)
        raise InputError(
            f"simulation: there is no chemistry {name!r}",
            hint=f"did you mean {near[0]!r}?" if near else f"one of {', '.join(CHEMISTRIES)}",
        )
    for key in settings:
        if key not in CHEMISTRIES[name]:
            known = ", ".join(CHEMISTRIES[name]) or "none"
            raise InputError(
                f"simulation: {name} has no setting {key!r}", hint=f"its settings: {known}"
            )
    if name == "saponification":
        Saponification(world, settings)


class Saponification:
    """Ethyl acetate reacts with the base in excess in every vessel, as long as there is both.

    Contents are as they were put in, so the products are booked as `sodium_acetate` and `ethanol`, and the base that
    is used up is taken from `NaOH`; where another base did it, as `acetic_acid` beside that base.
    """

    def __init__(self, world: World, settings: Mapping[str, JsonValue]) -> None:
        self._world = world
        self._k25 = number(settings, "rate_constant", saponification.RATE_CONSTANT)
        self._energy = number(
            settings, "activation_energy_kj_mol", saponification.ACTIVATION_ENERGY_KJ_MOL
        )
        if self._k25 < 0.0:
            raise InputError(f"simulation: rate_constant can't be negative, as {self._k25:g} is")
        self._at_s = world.clock.monotonic()
        world.advance_hooks.append(self._advance)

    def _advance(self, until_s: float) -> bool:
        """The world asks. True while something reacts, so that heat and pumps are seen as they change."""
        elapsed_s, self._at_s = max(0.0, until_s - self._at_s), max(self._at_s, until_s)
        reacting = [self._react(vessel, elapsed_s) for vessel in self._world.vessels.values()]
        return any(reacting)

    def _react(self, vessel: Vessel, seconds: float) -> bool:
        ester = vessel.concentration("ethyl_acetate")
        if ester <= 0.0:
            return False
        litres = vessel.volume_ml / 1000.0
        base = excess_base({name: mol / litres for name, mol in vessel.amounts_mol.items()})
        if base <= 0.0:
            return False
        k = saponification.rate_constant(vessel.temperature_c + _KELVIN, self._k25, self._energy)
        _book(vessel, saponification.reacted(ester, base, k, seconds) * litres)
        return k * ester * base > _STILL_MOL_L_S


def _book(vessel: Vessel, mol: float) -> None:
    amounts = vessel.amounts_mol
    from_sodium = min(mol, amounts.get("NaOH", 0.0))
    for species, change in (
        ("ethyl_acetate", -mol),
        ("ethanol", mol),
        ("NaOH", -from_sodium),
        ("sodium_acetate", from_sodium),
        ("acetic_acid", mol - from_sodium),
    ):
        if change:
            amounts[species] = max(0.0, amounts.get(species, 0.0) + change)
