"""What the readings of an EZO-EC circuit look like; its protocol is that of all EZO circuits (`lab.devices.ezo`).

Readings are in uS/cm. Their resolution becomes coarser as the value rises (`format_conductivity`): unverified against
a current datasheet.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.devices.ezo import reading_seconds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import JsonValue

__all__ = ["MAX_US_CM", "durations", "format_conductivity", "resolution_us_cm"]

_READING_S = 0.6
"""EZO-EC datasheet, command `R`."""

MAX_US_CM = 500_000.0


def resolution_us_cm(value: float) -> float:
    """The step of the last digit shown at that conductivity, both in uS/cm."""
    for limit, step in ((100.0, 0.01), (1_000.0, 0.1), (10_000.0, 1.0), (100_000.0, 10.0)):
        if abs(value) < limit:
            return step
    return 100.0


def format_conductivity(value: float) -> str:
    """As the circuit prints it: `0.07`, `99.99`, `100.1`, `1413`, `12880`, `500000`."""
    step = resolution_us_cm(value)
    rounded = round(value / step) * step
    step = resolution_us_cm(rounded)  # 99.999 is shown as 100.0
    decimals = {0.01: 2, 0.1: 1}.get(step, 0)
    return f"{round(value / step) * step:.{decimals}f}"


def durations(
    action: str, args: Mapping[str, JsonValue], settings: Mapping[str, JsonValue]
) -> float | None:
    """Of a measurement; see `lab.domain.action.Durations`."""
    del settings
    return reading_seconds(action, args, _READING_S)
