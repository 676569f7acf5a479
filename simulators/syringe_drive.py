"""The mechanics of a programmable syringe pump, with a pair of check valves on its syringe.

Withdrawing draws from one vessel, infusing pushes into another. The program is evaluated when
somebody looks: `advance` moves the plunger to a process time, through as many phases as fit.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from random import Random

    from simulators.world import Vessel, World

__all__ = ["PHASES", "Direction", "Phase", "SyringeDrive"]

PHASES = 41
"""Phases in the program memory of the pump."""

Direction = Literal["INF", "WDR"]
_TOLERANCE_ML = 1e-6


@dataclass(slots=True)
class Phase:
    """One line of a pumping program. A volume of 0 mL means: no end."""

    function: Literal["RAT", "STP"] = "RAT"
    rate_ml_min: float = 1.0
    rate_unit: str = "MM"
    volume_ml: float = 0.0
    direction: Direction = "INF"


@dataclass(slots=True)
class _Progress:
    """Where the running phase is: nominal plunger travel, and what really left the line."""

    number: int = 1
    moved_ml: float = 0.0
    delivered_ml: float = 0.0
    spilled_before_ml: float = 0.0
    draw_factor: float = 1.0


def _factory_program() -> list[Phase]:
    return [Phase() for _ in range(PHASES)]


@dataclass(slots=True)
class SyringeDrive:
    """Plunger, program and plumbing.

    `dose_bias` is the relative error of every stroke: 0.02 moves 2 % more than the plunger says (a syringe wider than
    it was said to be). `dose_cv` is the relative standard deviation of what each stroke draws (bubbles, valve leaks).
    `stall_after_ml` stalls the motor once, after that much has been infused.
    """

    world: World
    device: str
    random: Random
    draws: str
    into: str
    capacity_ml: float
    dose_cv: float = 0.0
    dose_bias: float = 0.0
    stall_after_ml: float | None = None
    state: Literal["stopped", "running", "paused", "purging"] = "stopped"
    alarm: str = ""
    infused_ml: float = 0.0
    withdrawn_ml: float = 0.0
    plunger_ml: float = 0.0
    program: list[Phase] = field(default_factory=_factory_program)
    purge_rate_ml_min: float = 0.0
    purge_direction: Direction = "INF"
    contents: Vessel = field(init=False)
    _progress: _Progress = field(default_factory=_Progress, init=False)
    _time_s: float = field(init=False)

    def __post_init__(self) -> None:
        # A vessel of the world: what reacts does so in the syringe too.
        self.contents = self.world.vessel(f"{self.device}.syringe", math.inf)
        self._time_s = self.world.clock.monotonic()

    @property
    def moving(self) -> bool:
        return self.state in ("running", "purging")

    @property
    def phase_number(self) -> int:
        """The running phase, from 1."""
        return self._progress.number

    @property
    def direction(self) -> Direction:
        """Which way the plunger moves in the running phase."""
        if self.state == "purging":
            return self.purge_direction
        return self.program[self._progress.number - 1].direction

    def start(self, phase: int) -> None:
        """Run the program from that phase on."""
        self.state = "running"
        self._enter(phase)

    def purge(self, direction: Direction, rate_ml_min: float) -> None:
        """Run at a rate until stopped; purged volumes don't count in the totals."""
        self.purge_direction, self.purge_rate_ml_min = direction, rate_ml_min
        self.state = "purging"
        self._begin_stroke(direction)

    def pause(self) -> None:
        self.state = "paused"

    def resume(self) -> None:
        self.state = "running"

    def stop(self, at_s: float | None = None) -> None:
        """End the program where it is; what an infusion has delivered so far is logged."""
        if self.state != "stopped":
            self._log_infusion(self._time_s if at_s is None else at_s)
        self.state = "stopped"
        self._progress = _Progress()

    def advance(self, until_s: float) -> bool:
        """Bring plunger and liquids to that process time (s). True while the plunger moves."""
        while self.moving and self._time_s < until_s:
            if self.state == "running" and self._phase().function == "STP":
                self.stop()
                break
            self._stroke(until_s)
        self._time_s = max(self._time_s, until_s)
        return self.moving

    def _phase(self) -> Phase:
        return self.program[self._progress.number - 1]

    def _stroke(self, until_s: float) -> None:
        """Move until the time, the phase's volume or the end of travel is reached."""
        purging, phase = self.state == "purging", self._phase()
        infusing = self.direction == "INF"
        rate_ml_s = (self.purge_rate_ml_min if purging else phase.rate_ml_min) / 60.0
        endless = purging or phase.volume_ml == 0.0
        left_ml = math.inf if endless else phase.volume_ml - self._progress.moved_ml
        travel_ml = self.plunger_ml if infusing else self.capacity_ml - self.plunger_ml
        travel_ml = max(0.0, travel_ml) + _TOLERANCE_ML
        if infusing and self.stall_after_ml is not None:
            travel_ml = min(travel_ml, max(0.0, self.stall_after_ml - self.infused_ml))
        time_ml = rate_ml_s * (until_s - self._time_s)
        step_ml = min(left_ml, travel_ml, time_ml)
        self._move(step_ml, infusing=infusing, counts=not purging)
        if left_ml <= step_ml:
            self._time_s += step_ml / rate_ml_s
            self._finish_phase()
        elif travel_ml <= step_ml:
            self._time_s += step_ml / rate_ml_s
            self._stall()
        else:
            self._time_s = until_s

    def _move(self, step_ml: float, *, infusing: bool, counts: bool) -> None:
        progress = self._progress
        progress.moved_ml += step_ml
        if infusing:
            share = min(1.0, step_ml / self.plunger_ml) if self.plunger_ml > 0.0 else 0.0
            progress.delivered_ml += self.world.pour(
                self.contents,
                self.world.vessel(self.into),
                self.contents.volume_ml * share,
                device=self.device,
                log_spill=False,
            )
            self.plunger_ml = max(0.0, self.plunger_ml - step_ml)
            self.infused_ml += step_ml if counts else 0.0
        else:
            # A dry source lets air in: the plunger moves on, the liquid does not.
            source = self.world.vessel(self.draws)
            self.world.pour(source, self.contents, step_ml * progress.draw_factor)
            self.plunger_ml += step_ml
            self.withdrawn_ml += step_ml if counts else 0.0

    def _enter(self, number: int) -> None:
        self._progress = _Progress(number=number)
        self._begin_stroke(self._phase().direction)

    def _begin_stroke(self, direction: Direction) -> None:
        progress = self._progress
        progress.moved_ml = progress.delivered_ml = 0.0
        if direction == "INF":
            progress.spilled_before_ml = self.world.vessel(self.into).spilled_ml
        else:
            bound = 4.0 * self.dose_cv
            deviation = self.random.gauss(0.0, self.dose_cv)
            chance = 1.0 + min(bound, max(-bound, deviation))
            progress.draw_factor = max(0.0, (1.0 + self.dose_bias) * chance)

    def _finish_phase(self) -> None:
        self._log_infusion(self._time_s)
        if self._progress.number == PHASES:
            self.alarm = "O"
            self.state = "stopped"
            self._progress = _Progress()
            return
        self._enter(self._progress.number + 1)
        if self._phase().function == "STP":
            self.stop()

    def _stall(self) -> None:
        if self.direction == "INF":
            self.stall_after_ml = None
        self.alarm = "S"
        self.stop()

    def _log_infusion(self, at_s: float) -> None:
        progress = self._progress
        if self.direction != "INF" or progress.moved_ml <= 0.0:
            return
        self.world.log(
            self.device,
            "dispense",
            at_s=at_s,
            volume_ml=progress.delivered_ml,
            into=self.into,
            draws=self.draws,
            plunger_ml=progress.moved_ml,
        )
        spilled_ml = self.world.vessel(self.into).spilled_ml - progress.spilled_before_ml
        if spilled_ml > 0.0:
            self.world.log(self.device, "spill", at_s=at_s, volume_ml=spilled_ml, vessel=self.into)
