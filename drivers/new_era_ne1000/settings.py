"""What `settings:` of a pump in `lab.yaml` may hold, and what the pump can do with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from drivers.new_era_ne1000.wire import rate_limits_ml_min, rates_within
from lab.domain.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import JsonValue

__all__ = ["PumpSettings", "dose_seconds", "durations", "limits", "read_settings"]

_LEAST_AND_MOST = {
    "syringe_diameter_mm": (0.1, 50.0),
    "syringe_volume_ml": (0.001, 1000.0),
    "address": (0.0, 99.0),
}


@dataclass(frozen=True, slots=True)
class PumpSettings:
    """The syringe, and the pump's place on a shared line."""

    diameter_mm: float
    """Inside."""
    volume_ml: float
    address: int

    @property
    def rates_ml_min(self) -> tuple[float, float]:
        """Lowest and highest that the pump can be told and can do."""
        return rates_within(*rate_limits_ml_min(self.diameter_mm))


def read_settings(settings: Mapping[str, JsonValue]) -> PumpSettings:
    """InputError names the setting that is missing or wrong."""
    return PumpSettings(
        diameter_mm=_number(settings, "syringe_diameter_mm"),
        volume_ml=_number(settings, "syringe_volume_ml"),
        address=int(_number({"address": 0, **settings}, "address")),
    )


def limits(settings: Mapping[str, JsonValue]) -> Mapping[str, tuple[float, float]]:
    """Least and greatest volume (mL) and rate (mL/min) of a dose. InputError where the settings are wrong."""
    read = read_settings(settings)
    return {"volume": (0.0, read.volume_ml), "rate": read.rates_ml_min}


def dose_seconds(volume_ml: float, rate_ml_min: float) -> float:
    """A dose is drawn and then delivered at the same rate."""
    return 2.0 * 60.0 * volume_ml / rate_ml_min


def durations(
    action: str, args: Mapping[str, JsonValue], settings: Mapping[str, JsonValue]
) -> float | None:
    """Of a dose; see `lab.domain.action.Durations`. The syringe makes no difference."""
    del settings
    volume, rate = args.get("volume"), args.get("rate")
    if action != "dispense" or not isinstance(volume, int | float):
        return None
    if not isinstance(rate, int | float) or rate <= 0.0:
        return None
    return dose_seconds(volume, rate)


def _number(settings: Mapping[str, JsonValue], name: str) -> float:
    value, (low, high) = settings.get(name), _LEAST_AND_MOST[name]
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InputError(
            f"setting {name} is {value!r}, not a number"
            if name in settings
            else f"setting {name} is missing",
            hint=f"give {name} a number from {low:g} to {high:g} in the device's settings",
        )
    if not low <= value <= high:
        raise InputError(
            f"setting {name} is {value:g}", hint=f"it must be from {low:g} to {high:g}"
        )
    return float(value)
