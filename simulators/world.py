"""The simulated laboratory: vessels, liquids, temperatures, and a log of every physical act.

Amounts are in mL and mol; temperatures in degC. The log is what tests count doses with: it belongs
to the world, not to the software under test.

Physics is lazy: nothing moves while nobody looks. A simulator with a process of its own (a running
pump, a hot plate) puts a hook into `World.advance_hooks`, and everyone who reads or changes the
world calls `World.advance()` first. So a pump goes on pumping after the software that started it
has died, and whoever looks next sees what it did meanwhile.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from random import Random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from lab.domain.clock import Clock

__all__ = ["AdvanceHook", "DoseTotal", "PhysicalAct", "Vessel", "World"]

AdvanceHook = Callable[[float], object]
"""Bring yourself to that process time (s). Return true while you move matter or heat: the world
then advances in short slices, so that processes which share a vessel see each other."""

_SLICE_S = 0.5
_NEGLIGIBLE_ML = 1e-9


@dataclass(frozen=True, slots=True)
class PhysicalAct:
    """Something that happened, e.g. `dispense` of 2.5 mL by `concentrate_pump` into `pot`.

    `at_s` is the process time at which the act ended.
    """

    at_s: float
    device: str
    kind: str
    detail: dict[str, float | str]


@dataclass(frozen=True, slots=True)
class DoseTotal:
    """What one device dispensed into one vessel: how many acts, and mL in all."""

    count: int
    volume_ml: float


@dataclass(slots=True)
class Vessel:
    """A container: volume in mL, mass of contents in g, amounts by species in mol, degC.

    `spilled_ml` is what ran over its edge so far; `dead_volume_ml` is what no pump or pipette reaches.
    """

    name: str
    capacity_ml: float
    volume_ml: float = 0.0
    mass_g: float = 0.0
    amounts_mol: dict[str, float] = field(default_factory=dict[str, float])
    temperature_c: float = 22.0
    spilled_ml: float = 0.0
    dead_volume_ml: float = 0.0

    @property
    def drawable_ml(self) -> float:
        """What can be drawn from it: all but its dead volume."""
        return max(0.0, self.volume_ml - self.dead_volume_ml)

    def concentration(self, species: str) -> float:
        """mol/L of one species; 0 in an empty vessel."""
        if self.volume_ml <= 0.0:
            return 0.0
        return self.amounts_mol.get(species, 0.0) / (self.volume_ml / 1000.0)

    def remove(self, volume_ml: float) -> tuple[float, float, dict[str, float]]:
        """Take a well-mixed volume out: mL (less when it runs empty), g, and mol by species."""
        moved = min(volume_ml, self.volume_ml)
        if moved <= 0.0:
            return 0.0, 0.0, {}
        share = moved / self.volume_ml
        mass = self.mass_g * share
        amounts = {species: amount * share for species, amount in self.amounts_mol.items()}
        for species, amount in amounts.items():
            self.amounts_mol[species] -= amount
        self.volume_ml -= moved
        self.mass_g -= mass
        if self.volume_ml < _NEGLIGIBLE_ML:
            self.volume_ml, self.mass_g, self.amounts_mol = 0.0, 0.0, {}
        return moved, mass, amounts


class World:
    """Shared by all simulators of a lab. `acts_file` gets a JSON line per act, flushed at once."""

    def __init__(self, seed: int, clock: Clock, acts_file: Path | None = None) -> None:
        self.seed = seed
        self.clock = clock
        self.vessels: dict[str, Vessel] = {}
        self.acts: list[PhysicalAct] = []
        self.advance_hooks: list[AdvanceHook] = []
        self._acts_file = acts_file
        self._advanced_to_s = 0.0
        self._advancing = False

    def random_for(self, name: str) -> Random:
        """A generator of its own for each device, the same for the same seed."""
        return Random(f"{self.seed}:{name}")

    def vessel(self, name: str, capacity_ml: float = 1000.0) -> Vessel:
        """The vessel of that name, made empty when it is first asked for."""
        return self.vessels.setdefault(name, Vessel(name=name, capacity_ml=capacity_ml))

    def fill(
        self,
        name: str,
        volume_ml: float,
        density_g_per_ml: float,
        contents_mol_per_l: Mapping[str, float],
        capacity_ml: float | None = None,
    ) -> Vessel:
        """Make the vessel hold exactly this stock, whatever it held before.

        ValueError where the volume is negative or above the capacity, or the density not positive.
        """
        vessel = self.vessel(name)
        capacity = vessel.capacity_ml if capacity_ml is None else capacity_ml
        if not 0.0 <= volume_ml <= capacity:
            raise ValueError(f"{name}: {volume_ml:g} mL do not fit into {capacity:g} mL")
        if density_g_per_ml <= 0.0:
            raise ValueError(f"{name}: a density of {density_g_per_ml:g} g/mL is not possible")
        vessel.capacity_ml = capacity
        vessel.volume_ml = volume_ml
        vessel.mass_g = volume_ml * density_g_per_ml
        vessel.amounts_mol = {
            species: concentration * volume_ml / 1000.0
            for species, concentration in contents_mol_per_l.items()
        }
        return vessel

    def advance(self) -> None:
        """Bring every process to the present. Call it before you read or change the world."""
        if self._advancing:  # a hook looked at the world: it is being brought up to date
            return
        self._advancing = True
        try:
            until_s = self.clock.monotonic()
            at_s = min(self._advanced_to_s, until_s)
            while True:
                moving = False
                for hook in tuple(self.advance_hooks):
                    moving = bool(hook(at_s)) or moving
                if at_s >= until_s:
                    break
                at_s = min(until_s, at_s + _SLICE_S) if moving else until_s
                self._advanced_to_s = at_s
        finally:
            self._advancing = False

    def log(
        self, device: str, kind: str, *, at_s: float | None = None, **detail: float | str
    ) -> None:
        """Record an act that ended at process time `at_s` (now when it is left out)."""
        act = PhysicalAct(self.clock.monotonic() if at_s is None else at_s, device, kind, detail)
        self.acts.append(act)
        if self._acts_file is not None:
            with self._acts_file.open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(act)) + "\n")

    def doses(self) -> dict[tuple[str, str], DoseTotal]:
        """(device, vessel) -> what was dispensed, over all `dispense` acts that have ended."""
        totals: dict[tuple[str, str], DoseTotal] = {}
        for act in self.acts:
            into, volume = act.detail.get("into"), act.detail.get("volume_ml")
            if (
                act.kind != "dispense"
                or not isinstance(into, str)
                or isinstance(volume, str | None)
            ):
                continue
            before = totals.get((act.device, into), DoseTotal(0, 0.0))
            totals[act.device, into] = DoseTotal(before.count + 1, before.volume_ml + volume)
        return totals

    def pour(
        self,
        source: Vessel,
        target: Vessel,
        volume_ml: float,
        *,
        device: str = "world",
        log_spill: bool = True,
    ) -> float:
        """Move a well-mixed volume (mL); returns what was moved: less when the source runs empty, which it is for who
        draws when only its dead volume is left.

        What does not fit runs over the edge as the mixture in the target, is lost, counted in
        `target.spilled_ml`, and logged as an act `spill` of `device`. A process that pours in many
        small portions leaves `log_spill` out and logs one sum when it ends.
        """
        temperature_c = source.temperature_c
        moved, mass, amounts = source.remove(min(volume_ml, source.drawable_ml))
        if moved <= 0.0:
            return 0.0
        heat = target.volume_ml * target.temperature_c + moved * temperature_c
        for species, amount in amounts.items():
            target.amounts_mol[species] = target.amounts_mol.get(species, 0.0) + amount
        target.volume_ml += moved
        target.mass_g += mass
        target.temperature_c = heat / target.volume_ml
        if target.volume_ml > target.capacity_ml:
            spilled, _, _ = target.remove(target.volume_ml - target.capacity_ml)
            target.spilled_ml += spilled
            if log_spill:
                self.log(device, "spill", volume_ml=spilled, vessel=target.name)
        return moved
