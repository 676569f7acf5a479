"""What a balance feels: a load that comes and goes, a filter that follows, and noise."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random

    from simulators.world import World

__all__ = ["WeighingCell"]

_STILL_G = 1e-6
_STEEL_G_ML = 8.0


@dataclass(slots=True)
class WeighingCell:
    """One vessel on the pan. Masses in g, times in process seconds.

    The reading follows the load with `settle_s` (first order). It is stable when the load has not
    changed for `window_s`, the filter has caught up to `readability_g`, and no draught blows.
    """

    world: World
    vessel: str
    vessel_mass_g: float
    noise_g: float
    readability_g: float
    random: Random
    settle_s: float = 1.0
    window_s: float = 1.5
    draught: bool = False
    air_density_g_ml: float = 0.0
    """Of the air that carries part of the load (0.0012 in a laboratory); 0: as if weighed in a vacuum."""
    _filtered_g: float = field(init=False)
    _load_g: float = field(init=False)
    _changed_s: float = field(init=False)
    _time_s: float = field(init=False)

    def __post_init__(self) -> None:
        self._filtered_g = self._load_g = self._load()
        self._time_s = self.world.clock.monotonic()
        self._changed_s = self._time_s - self.window_s

    def advance(self, until_s: float) -> bool:
        """Let the filter follow the load to that process time. It moves nothing: always False."""
        load_g = self._load()
        if abs(load_g - self._load_g) > _STILL_G:
            self._changed_s, self._load_g = until_s, load_g
        elapsed_s = max(0.0, until_s - self._time_s)
        self._filtered_g += (load_g - self._filtered_g) * -math.expm1(-elapsed_s / self.settle_s)
        self._time_s = max(self._time_s, until_s)
        return False

    def read(self) -> tuple[float, bool]:
        """Gross reading (g) and whether it is stable. Bring the world to the present before."""
        self.advance(self._time_s)  # a pump may have moved in this slice after this cell
        noise_g = self.noise_g * (20.0 if self.draught else 1.0)
        caught_up = abs(self._load_g - self._filtered_g) <= self.readability_g
        rested = self._time_s - self._changed_s >= self.window_s
        stable = caught_up and rested and not self.draught
        return self._filtered_g + self.random.gauss(0.0, noise_g), stable

    def _load(self) -> float:
        """What the pan feels: liquid is lighter in air, and so were the steel weights of the adjustment (8.0 g/mL).

        OIML D 28, conventional mass. The empty vessel's mass is given as it is weighed.
        """
        held = self.world.vessel(self.vessel)
        lifted_g = held.mass_g - self.air_density_g_ml * held.volume_ml
        return self.vessel_mass_g + lifted_g / (1.0 - self.air_density_g_ml / _STEEL_G_ML)
