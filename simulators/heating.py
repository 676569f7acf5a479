"""A stirred vessel on a hotplate that regulates on a probe in the medium.

Plate:    dTp/dt = u - (Tp - Ta) / 1500 s, with u from 0 to 15 K/min; it follows what the controller asks for with
          tau = 60 s; without power it cools to the room with tau = 1500 s
Medium:   dTm/dt = (Tp - Tm) / 150 s - (Tm - Ta) / 3000 s
Control:  wanted plate temperature = what holds the setpoint against the medium's losses + 0.5 (setpoint - Tm): the
          controller has learned the vessel, so it needs no integral and the medium ends at the setpoint. The gain
          gives the loop of 60 s and 150 s a damping of 0.9: no overshoot worth a name, which matters because a
          plate can't cool actively

Time constants are typical of 50 to 250 mL on a laboratory plate (illustrative). Integrated by Euler steps of at
most one second, 60 times shorter than the fastest time constant.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulators.world import Vessel

__all__ = ["HeatedVessel"]

MAX_RATE_K_S = 15.0 / 60.0
PLATE_TAU_S = 60.0
PLATE_LOSS_TAU_S = 1500.0
MEDIUM_TAU_S = 150.0
MEDIUM_LOSS_TAU_S = 3000.0
GAIN = 0.5
STEP_S = 1.0


class HeatedVessel:
    """Plate and medium. `heating` and `setpoint_c` are the instrument's switches; temperatures in degC."""

    def __init__(self, vessel: Vessel, ambient_c: float, *, limit_c: float) -> None:
        self.vessel = vessel
        self.ambient_c = ambient_c
        self.limit_c = limit_c
        self.plate_c = ambient_c
        self.setpoint_c = 20.0
        self.heating = False

    def run(self, seconds: float) -> None:
        """Let that much process time pass."""
        steps = max(1, math.ceil(seconds / STEP_S))
        dt = seconds / steps
        for _ in range(steps):
            self._step(dt)

    def _step(self, dt: float) -> None:
        medium = self.vessel.temperature_c
        loss = (self.plate_c - self.ambient_c) / PLATE_LOSS_TAU_S
        power = self._power(medium, loss) if self.heating else 0.0
        gain = (self.plate_c - medium) / MEDIUM_TAU_S
        medium_loss = (medium - self.ambient_c) / MEDIUM_LOSS_TAU_S
        self.plate_c += dt * (power - loss)
        self.vessel.temperature_c = medium + dt * (gain - medium_loss)

    def _power(self, medium: float, loss: float) -> float:
        """Heating rate of the plate in K/s."""
        holding = (self.setpoint_c - self.ambient_c) * MEDIUM_TAU_S / MEDIUM_LOSS_TAU_S
        wanted = self.setpoint_c + holding + GAIN * (self.setpoint_c - medium)
        asked = (min(wanted, self.limit_c) - self.plate_c) / PLATE_TAU_S + loss
        return min(max(asked, 0.0), MAX_RATE_K_S)
