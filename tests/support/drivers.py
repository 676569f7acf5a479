"""What the drivers of the examples can do, as their manifests say."""

from __future__ import annotations

from drivers.new_era_ne1000.settings import limits
from lab.sop.check_lab_safety import DriverTraits

__all__ = ["CHEMISTRIES", "DRIVERS", "TRAITS"]

DRIVERS: dict[str, tuple[str, ...]] = {
    "atlas_ezo_ec": ("conductivity",),
    "ika_hotplate": ("heating_stirring",),
    "mettler_toledo_sics": ("weighing",),
    "new_era_ne1000": ("liquid_dosing",),
    "opentrons_robot": ("liquid_handling",),
    "teaching_plate_reader": ("absorbance",),
}

CHEMISTRIES: dict[str, tuple[str, ...]] = {
    "dyes": (),
    "electrolyte": (),
    "saponification": ("rate_constant", "activation_energy_kj_mol"),
    "water": (),
}
"""What the simulators of the examples can be set to: chemistry -> its settings."""

TRAITS: dict[str, DriverTraits] = {
    "ika_hotplate": DriverTraits(safe_action=True),
    "mettler_toledo_sics": DriverTraits(safe_action=False),
    "new_era_ne1000": DriverTraits(limits=limits),
}
"""What the manifests of some of them say beside their capabilities."""
