"""A simulated Atlas Scientific EZO-EC: its own commands, calibration, and what the probe sees.

The probe sits in the vessel `at` of the shared world. A reading or a calibration takes 600 ms of process time, other
commands 300 ms; what all EZO circuits share is in `ezo_circuit`.

    seen     = true conductivity x (K set / K of the probe) x cell_error + offset, plus relative noise
    adjusted = the calibration's straight line
    shown    = adjusted / (1 + 0.02 (T set - 25))     the circuit's rule for water; at T = 25 nothing changes

Settings (`simulate:` in lab.yaml): `at` vessel; `model` "electrolyte" (LiPF6 in EC:EMC 3:7) or "constant" with
`conductivity_ms_cm`; `relative_noise` (0.003); `probe_k` (1.0); `cell_error` (1.0); `offset_us_cm` (0);
`immersion_ml` (1.0), below which the probe hangs in air; `firmware` ("2.16").

Left out: the outputs S and SG (answered `*ER` when switched on).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from drivers.atlas_ezo_ec import wire
from lab.domain.errors import InputError
from simulators.ezo_circuit import EzoCircuit, flag, within
from simulators.settings import number, text

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulators.contract import SimulatorContext
    from simulators.world import Vessel

__all__ = ["AtlasEzoEcSimulator"]

_KELVIN = 273.15
_COMPENSATION_PER_K = 0.02


@dataclass(slots=True)
class _Calibration:
    """Points as (seen, wanted) in uS/cm."""

    dry: float | None = None
    one: tuple[float, float] | None = None
    low: tuple[float, float] | None = None
    high: tuple[float, float] | None = None

    @property
    def points(self) -> int:
        """As `Cal,?` reports: 0, 1 or 2 solution points."""
        if self.low and self.high:
            return 2
        return 1 if self.one or self.low or self.high else 0

    def apply(self, seen: float) -> float:
        zero = self.dry or 0.0
        if self.low and self.high and self.high[0] != self.low[0]:
            slope = (self.high[1] - self.low[1]) / (self.high[0] - self.low[0])
            return self.low[1] + slope * (seen - self.low[0])
        point = self.one or self.low or self.high
        if point and point[0] != zero:
            return (seen - zero) * point[1] / (point[0] - zero)
        return seen - zero


class AtlasEzoEcSimulator(EzoCircuit):
    """The circuit and its probe."""

    kind = "EC"

    def __init__(self, context: SimulatorContext) -> None:
        super().__init__(context)
        settings = context.settings
        self._noise = number(settings, "relative_noise", 0.003)
        self._probe_k = number(settings, "probe_k", 1.0)
        self._cell_error = number(settings, "cell_error", 1.0)
        self._offset = number(settings, "offset_us_cm", 0.0)
        self._immersion_ml = number(settings, "immersion_ml", 1.0)
        self._true_ms_cm = _model(context)
        self._tds_factor = 0.54
        self.reset()

    def _forget(self) -> None:
        super()._forget()
        self._outputs = ["EC"]

    def reset(self) -> None:
        """Calibration and cell constant as when new."""
        self._calibration, self._k = _Calibration(), 1.0

    # -- commands ------------------------------------------------------------------------------

    def own_answer(self, command: str, args: list[str]) -> list[str] | None:
        """Calibration, outputs, cell constant, TDS factor."""
        match command, args:
            case "CAL", _:
                return self._calibrate(args[0].upper(), args[1:])
            case "O", _:
                return self._select(args[0].upper(), args[1:])
            case "K", ["?"]:
                return [self.tell("K", f"{self._k:.2f}")]
            case "K", [value]:
                self._k = within(float(value), 0.1, 10.0)
                return []
            case "TDS", ["?"]:
                return [self.tell("TDS", f"{self._tds_factor:.2f}")]
            case "TDS", [value]:
                self._tds_factor = within(float(value), 0.01, 1.0)
                return []
            case _:
                return None

    def _select(self, name: str, args: list[str]) -> list[str]:
        if name == "?" and not args:
            shown = [known for known in ("EC", "TDS") if known in self._outputs]
            return [self.tell("O", ",".join(shown) or "NO OUTPUT")]
        if name not in ("EC", "TDS", "S", "SG") or len(args) != 1:
            raise ValueError(name)
        on = flag(args[0])
        if on and name not in ("EC", "TDS"):
            raise ValueError(name)
        self._outputs = [known for known in self._outputs if known != name] + [name] * on
        return []

    def _calibrate(self, point: str, args: list[str]) -> list[str]:
        if point == "?" and not args:
            return [self.tell("CAL", f"{self._calibration.points}")]
        if point == "CLEAR" and not args:
            self._calibration = _Calibration()
        elif point == "DRY" and not args:
            self._calibration.dry = self._seen()
        elif point in ("ONE", "LOW", "HIGH") and len(args) == 1:
            wanted = within(float(args[0]), 0.01, wire.MAX_US_CM)
            setattr(self._calibration, point.lower(), (self._seen(), wanted))
        else:
            raise ValueError(point)
        return []

    # -- what the probe sees ---------------------------------------------------------------------

    def _seen(self) -> float:
        """uS/cm before calibration."""
        self._context.world.advance()
        vessel = self._context.world.vessel(self._at)
        true = 0.0
        if vessel.volume_ml >= self._immersion_ml:
            true = 1000.0 * self._true_ms_cm(vessel)
        noise = 1.0 + self._context.random.gauss(0.0, self._noise)
        return true * (self._k / self._probe_k) * self._cell_error * noise + self._offset

    def reading(self) -> str:
        """Conductivity in uS/cm, and the other outputs that are switched on."""
        adjusted = self._calibration.apply(self._seen())
        shown = adjusted / (1.0 + _COMPENSATION_PER_K * (self._temperature_c - 25.0))
        shown = min(max(shown, 0.0), wire.MAX_US_CM)
        values = {
            "EC": wire.format_conductivity(shown),
            "TDS": f"{shown * self._tds_factor:.0f}",
        }
        return ",".join(values[name] for name in ("EC", "TDS") if name in self._outputs) or "0"


def _model(context: SimulatorContext) -> Callable[[Vessel], float]:
    """Vessel -> mS/cm, as `simulate: model` names it."""
    name = text(context.settings, "model", "electrolyte")
    if name == "constant":
        value = number(context.settings, "conductivity_ms_cm", 1.413)
        return lambda _vessel: value
    if name == "electrolyte":
        from simulators.chemistry.electrolyte import conductivity_ms_cm

        return lambda vessel: conductivity_ms_cm(
            vessel.concentration("LiPF6"), vessel.temperature_c + _KELVIN
        )
    raise InputError(f"simulate: model must be electrolyte or constant, not {name!r}")
