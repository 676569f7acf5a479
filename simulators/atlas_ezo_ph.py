"""A simulated Atlas Scientific EZO-pH: its own commands, calibration, and a glass electrode with its faults.

The electrode sits in the vessel `at` of the shared world and feels the pH of its contents at their temperature T. A
reading or a calibration takes 900 ms of process time, other commands 300 ms; what all EZO circuits share is in
`ezo_circuit`.

    emf   = offset_mv + drift_mv_per_h x time + slope_percent/100 x N(T) (7 - pH) + noise     mV
    N(T)  = R T ln 10 / F = 59.16 mV at 25 degC
    shown = pH_mid - (emf - emf_mid) / (slope x N(T set))   with the calibrated slope on that side of the mid point;
            uncalibrated: mid point at pH 7 and 0 mV, slopes 100 %

Settings (`simulate:` in lab.yaml): `at` vessel; `model` "acid_base" (the contents' pH, `chemistry.acid_base`) or
"constant" with `ph` (7.0); `offset_mv` (12); `slope_percent` (96.5); `drift_mv_per_h` (0.05); `noise_mv` (0.1);
`immersion_ml` (1.0), below which the electrode hangs in air and says anything; `firmware` ("2.16").

Unverified: that `Cal,low` and `Cal,high` are refused without a mid point and where they give no slope; that a point
leaves the slope on the other side alone. Left out: response time, alkaline error, `pHext`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from drivers.atlas_ezo_ph import wire
from lab.domain.errors import InputError
from simulators.chemistry.acid_base import ph
from simulators.ezo_circuit import EzoCircuit, within
from simulators.settings import number, text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from simulators.contract import SimulatorContext
    from simulators.world import Vessel

__all__ = ["AtlasEzoPhSimulator", "nernst_mv"]

_KELVIN = 273.15
_IN_AIR_MV = 30.0
_LEAST_SLOPE = 0.1


def nernst_mv(temperature_c: float) -> float:
    """What an ideal electrode gives for one pH at that temperature, mV."""
    return 59.16 * (temperature_c + _KELVIN) / 298.15


@dataclass(frozen=True, slots=True)
class _Point:
    """What the electrode gave (mV) in a buffer of that pH, and the temperature that the circuit was told (degC)."""

    emf_mv: float
    ph: float
    temperature_c: float


@dataclass(slots=True)
class _Calibration:
    low: _Point | None = None
    mid: _Point | None = None
    high: _Point | None = None

    @property
    def points(self) -> int:
        """As `Cal,?` reports."""
        return sum(point is not None for point in (self.low, self.mid, self.high))

    def take(self, name: str, point: _Point) -> None:
        """Keep a point; ValueError where it can't be one."""
        if name == "mid":
            self.low, self.mid, self.high = None, point, None
            return
        if self.mid is None or (point.ph < self.mid.ph) != (name == "low"):
            raise ValueError(name)
        if self._slope(point) < _LEAST_SLOPE:
            raise ValueError("no slope")
        setattr(self, name, point)

    def slopes(self) -> wire.Slopes:
        """As `Slope,?` reports."""
        return wire.Slopes(
            100.0 * self._slope(self.low), 100.0 * self._slope(self.high), self._zero_mv()
        )

    def ph(self, emf_mv: float, temperature_c: float) -> float:
        """What is shown for a voltage at the temperature that the circuit was told."""
        theory = nernst_mv(temperature_c)
        middle = 7.0 if self.mid is None else self.mid.ph
        pivot_mv = self._zero_mv() + self._slope_at_mid() * theory * (7.0 - middle)
        slope = self._slope(self.low if emf_mv > pivot_mv else self.high)
        return middle - (emf_mv - pivot_mv) / (slope * theory)

    def _slope(self, point: _Point | None) -> float:
        """From the mid point to that one, as a fraction of the theory."""
        if self.mid is None or point is None:
            return 1.0
        theory = nernst_mv(point.temperature_c) * (self.mid.ph - point.ph)
        return (point.emf_mv - self.mid.emf_mv) / theory if theory else 0.0

    def _slope_at_mid(self) -> float:
        """The slope from the mid point to pH 7, whichever side that is."""
        return self._slope(self.high if self.mid and self.mid.ph < 7.0 else self.low)

    def _zero_mv(self) -> float:
        if self.mid is None:
            return 0.0
        theory = nernst_mv(self.mid.temperature_c)
        return self.mid.emf_mv - self._slope_at_mid() * theory * (7.0 - self.mid.ph)


class AtlasEzoPhSimulator(EzoCircuit):
    """The circuit and its electrode."""

    kind = "pH"
    slow_s = 0.9
    spelling: ClassVar[Mapping[str, str]] = {
        "I": "i",
        "CAL": "Cal",
        "SLOPE": "Slope",
        "STATUS": "Status",
        "NAME": "Name",
        "BAUD": "Baud",
    }

    def __init__(self, context: SimulatorContext) -> None:
        super().__init__(context)
        settings = context.settings
        self._offset_mv = number(settings, "offset_mv", 12.0)
        self._slope = number(settings, "slope_percent", 96.5) / 100.0
        self._drift_mv_s = number(settings, "drift_mv_per_h", 0.05) / 3600.0
        self._noise_mv = number(settings, "noise_mv", 0.1)
        self._immersion_ml = number(settings, "immersion_ml", 1.0)
        self._true_ph = _model(context)
        self._since_s = context.clock.monotonic()
        self.reset()

    def reset(self) -> None:
        """No calibration."""
        self._calibration = _Calibration()

    def own_answer(self, command: str, args: list[str]) -> list[str] | None:
        """Calibration and slope."""
        match command, args:
            case "CAL", [point, *rest]:
                return self._calibrate(point.lower(), rest)
            case "SLOPE", ["?"]:
                return [self.tell("SLOPE", self._calibration.slopes().encode())]
            case _:
                return None

    def _calibrate(self, point: str, args: list[str]) -> list[str]:
        match point, args:
            case "?", []:
                return [self.tell("CAL", f"{self._calibration.points}")]
            case "clear", []:
                self.reset()
            case (("low" | "mid" | "high"), [value]):
                certified = within(float(value), 0.0, wire.MAX_PH)
                felt = _Point(self._emf_mv(), certified, self._temperature_c)
                self._calibration.take(point, felt)
            case _:
                raise ValueError(point)
        return []

    def reading(self) -> str:
        """pH with three decimals."""
        return wire.format_ph(self._calibration.ph(self._emf_mv(), self._temperature_c))

    # -- what the electrode feels ----------------------------------------------------------------

    def _emf_mv(self) -> float:
        self._context.world.advance()
        vessel = self._context.world.vessel(self._at)
        random = self._context.random
        if vessel.volume_ml < self._immersion_ml:
            return random.gauss(0.0, _IN_AIR_MV)
        age_s = self._context.clock.monotonic() - self._since_s
        theory = nernst_mv(vessel.temperature_c) * (7.0 - self._true_ph(vessel))
        ideal = self._offset_mv + self._drift_mv_s * age_s + self._slope * theory
        return ideal + random.gauss(0.0, self._noise_mv)


def _model(context: SimulatorContext) -> Callable[[Vessel], float]:
    """Vessel -> pH, as `simulate: model` names it."""
    name = text(context.settings, "model", "acid_base")
    if name == "constant":
        value = number(context.settings, "ph", 7.0)
        return lambda _vessel: value
    if name == "acid_base":
        return _ph_of
    raise InputError(f"simulate: model must be acid_base or constant, not {name!r}")


def _ph_of(vessel: Vessel) -> float:
    contents = {species: vessel.concentration(species) for species in vessel.amounts_mol}
    return ph(contents, min(max(vessel.temperature_c, 0.0), 100.0))
