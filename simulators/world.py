"""The simulated laboratory: vessels, liquids, temperatures, and a log of every physical act.

Amounts are in mL and mol; temperatures in degC. The log is what tests count doses with: it belongs to the world,
not to the software under test.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from random import Random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from lab.domain.clock import Clock

__all__ = ["PhysicalAct", "Vessel", "World"]


@dataclass(frozen=True, slots=True)
class PhysicalAct:
    """Something that happened in the world, e.g. `dispense` of 2.5 mL by `concentrate_pump` into `pot`."""

    at_s: float
    device: str
    kind: str
    detail: dict[str, float | str]


@dataclass(slots=True)
class Vessel:
    """A container: volume in mL, mass of contents in g, amounts by species in mol, temperature in degC."""

    name: str
    capacity_ml: float
    volume_ml: float = 0.0
    mass_g: float = 0.0
    amounts_mol: dict[str, float] = field(default_factory=dict[str, float])
    temperature_c: float = 22.0

    def concentration(self, species: str) -> float:
        """mol/L of one species; 0 in an empty vessel."""
        if self.volume_ml <= 0.0:
            return 0.0
        return self.amounts_mol.get(species, 0.0) / (self.volume_ml / 1000.0)


class World:
    """Shared by all simulators of a lab. `acts_file` receives one JSON line per act, flushed at once."""

    def __init__(self, seed: int, clock: Clock, acts_file: Path | None = None) -> None:
        self.seed = seed
        self.clock = clock
        self.vessels: dict[str, Vessel] = {}
        self.acts: list[PhysicalAct] = []
        self._acts_file = acts_file

    def random_for(self, name: str) -> Random:
        """A generator of its own for each device, the same for the same seed."""
        return Random(f"{self.seed}:{name}")

    def vessel(self, name: str, capacity_ml: float = 1000.0) -> Vessel:
        """The vessel of that name, made empty when it is first asked for."""
        return self.vessels.setdefault(name, Vessel(name=name, capacity_ml=capacity_ml))

    def log(self, device: str, kind: str, **detail: float | str) -> None:
        """Record an act at the present process time."""
        act = PhysicalAct(self.clock.monotonic(), device, kind, detail)
        self.acts.append(act)
        if self._acts_file is not None:
            with self._acts_file.open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(act)) + "\n")

    def pour(
        self,
        source: Vessel,
        target: Vessel,
        volume_ml: float,
    ) -> float:
        """Move a well-mixed volume (mL); returns what was moved (less when the source runs empty)."""
        moved = min(volume_ml, source.volume_ml)
        if moved <= 0.0:
            return 0.0
        share = moved / source.volume_ml
        mass = source.mass_g * share
        heat = target.volume_ml * target.temperature_c + moved * source.temperature_c
        for species, amount in list(source.amounts_mol.items()):
            source.amounts_mol[species] = amount * (1.0 - share)
            target.amounts_mol[species] = target.amounts_mol.get(species, 0.0) + amount * share
        source.volume_ml -= moved
        source.mass_g -= mass
        target.volume_ml += moved
        target.mass_g += mass
        target.temperature_c = heat / target.volume_ml
        return moved
