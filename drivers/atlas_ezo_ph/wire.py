"""What is the pH circuit's own in the language of EZO circuits (`lab.devices.ezo`): readings, points, slopes.

`R` is answered by a pH from 0.001 to 14.000 with three decimals. `Cal,mid,7.00`, `Cal,low,4.00` and `Cal,high,10.00`
take what the electrode feels now for that pH; `mid` erases the other two. `Slope,?` is answered by the slope below and
above the mid point in percent of an ideal electrode, and by how many mV the electrode is off at pH 7.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from lab.devices.ezo import reading_seconds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import JsonValue

__all__ = [
    "MAX_PH",
    "MIN_PH",
    "POINTS",
    "RESOLUTION",
    "Slopes",
    "calibration",
    "durations",
    "format_ph",
]

MIN_PH: Final = 0.001
MAX_PH: Final = 14.0
RESOLUTION: Final = 0.001

_READING_S: Final = 0.9
_ORDER_S: Final = 0.3
"""Of a reading, and of setting a temperature: EZO-pH datasheet, commands `R` and `T`."""

POINTS: Final = {"low": (0.0, 6.0), "mid": (6.0, 8.0), "high": (8.0, 14.0)}
"""Calibration point -> buffers that can be meant by it, as their pH. The circuit itself does not check."""


@dataclass(frozen=True, slots=True)
class Slopes:
    """The fields of `?Slope`: percent of the theoretical slope below and above the mid point, and mV at pH 7."""

    acid_percent: float
    base_percent: float
    zero_mv: float

    def at(self, point: str) -> float:
        """The slope that a calibration point tells of: the one on its side, for `mid` the mean of both."""
        if point == "low":
            return self.acid_percent
        if point == "high":
            return self.base_percent
        return (self.acid_percent + self.base_percent) / 2.0

    def encode(self) -> str:
        """As the circuit writes them: `99.7,100.3,-0.89`."""
        return f"{self.acid_percent:.1f},{self.base_percent:.1f},{self.zero_mv:.2f}"


def calibration(point: str, value: float) -> str:
    """The command for one point: `Cal,mid,7.00`, `Cal,mid,6.865`."""
    digits = f"{value:.3f}"
    return f"Cal,{point},{digits.removesuffix('0')}"


def format_ph(value: float) -> str:
    """As the circuit prints it: never beyond its scale."""
    return f"{min(max(value, MIN_PH), MAX_PH):.3f}"


def durations(
    action: str, args: Mapping[str, JsonValue], settings: Mapping[str, JsonValue]
) -> float | None:
    """Of a measurement, which sets the temperature first; see `lab.domain.action.Durations`."""
    del settings
    return reading_seconds(action, args, _READING_S, _ORDER_S)
