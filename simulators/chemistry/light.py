"""What an eight-channel colour sensor counts under a mixture of red, green and blue light, without noise.

    count(ch) = SCALE * gain * t_int * sum over colours c of (x_c / 255) * P_c * overlap(c, ch)
    t_int     = (atime + 1)(astep + 1) 2.78 us

with the emission of each LED a Gaussian of unit area and the response of each channel a Gaussian of unit height, so

    overlap = s_ch / sqrt(s_c^2 + s_ch^2) * exp(-(l_c - l_ch)^2 / (2 (s_c^2 + s_ch^2))),  s = FWHM / 2.3548

Channel widths are those of the AS7341 (29 to 60 nm); LED peaks near 621, 522 and 467 nm are typical of a WS2812B
(unverified, as are the LEDs' widths and powers). SCALE makes full white at gain 128 and 0.28 s fill two thirds of
the scale. Linear in R, G, B: three colours and eight channels, so a spectrum has one mixture that matches it.
"""

from __future__ import annotations

import math
from typing import Final

__all__ = ["CHANNELS_NM", "LEDS", "counts", "distance", "full_scale", "rate"]

CHANNELS_NM: Final[dict[str, tuple[float, float]]] = {
    "ch410": (410.0, 29.0),
    "ch440": (440.0, 33.0),
    "ch470": (470.0, 36.0),
    "ch510": (510.0, 40.0),
    "ch550": (550.0, 42.0),
    "ch583": (583.0, 44.0),
    "ch620": (620.0, 53.0),
    "ch670": (670.0, 60.0),
}
"""Channel -> centre and full width at half maximum, in nm."""

LEDS: Final[dict[str, tuple[float, float, float]]] = {
    "red": (621.0, 18.0, 0.80),
    "green": (522.0, 33.0, 1.00),
    "blue": (467.0, 24.0, 0.95),
}
"""LED -> peak and full width at half maximum in nm, relative power at full drive."""

_FWHM_TO_SIGMA: Final = 1.0 / (2.0 * math.sqrt(2.0 * math.log(2.0)))
_STEP_S: Final = 2.78e-6
_MAX_COUNT: Final = 65535
_SCALE: Final = 1500.0


def _overlap(led: tuple[float, float, float], channel: tuple[float, float]) -> float:
    peak, led_fwhm, power = led
    centre, channel_fwhm = channel
    led_sigma, channel_sigma = led_fwhm * _FWHM_TO_SIGMA, channel_fwhm * _FWHM_TO_SIGMA
    variance = led_sigma**2 + channel_sigma**2
    shape = math.exp(-((peak - centre) ** 2) / (2.0 * variance))
    return power * channel_sigma / math.sqrt(variance) * shape


_OVERLAPS: Final = {
    name: tuple(_overlap(led, channel) for led in LEDS.values())
    for name, channel in CHANNELS_NM.items()
}


def rate(gain: float, atime: int, astep: int) -> float:
    """Counts for one unit of light: the sensor's gain times its integration time, scaled."""
    return _SCALE * gain * (atime + 1) * (astep + 1) * _STEP_S


def full_scale(atime: int, astep: int) -> int:
    """The highest count of a reading: (atime + 1)(astep + 1), at most 65535."""
    return min(_MAX_COUNT, (atime + 1) * (astep + 1))


def counts(
    red: float,
    green: float,
    blue: float,
    *,
    atime: int = 100,
    astep: int = 999,
    gain: float = 128.0,
    ambient: float = 0.0,
) -> dict[str, float]:
    """Expected counts by channel, not rounded, cut off at full scale. R, G, B from 0 to 255.

    `ambient` is stray light, the same in all channels, in units of an LED at full power.
    """
    unit = rate(gain, atime, astep)
    limit = float(full_scale(atime, astep))
    drive = (red / 255.0, green / 255.0, blue / 255.0)
    return {
        name: min(
            limit, unit * (ambient + sum(x * s for x, s in zip(drive, overlaps, strict=True)))
        )
        for name, overlaps in _OVERLAPS.items()
    }


def distance(spectrum: dict[str, float], target: dict[str, float]) -> float:
    """Mean absolute difference over the eight channels, in counts."""
    return sum(abs(spectrum[name] - target[name]) for name in CHANNELS_NM) / len(CHANNELS_NM)
