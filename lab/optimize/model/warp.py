"""Outcomes on the scale on which a Gaussian process believes them: standardised, and bent where they
are skewed.

Most of a laboratory's responses are near nothing with a few high ones. The power transform of Yeo and
Johnson 2000 (Biometrika 87, 954) draws such a tail in; its power is the most probable one for the
outcomes, around 1 and between 0 and 2, where the transform reaches every number and so can be undone. It is
monotone: what is best stays best.
"""

# scipy has no type stubs.
# pyright: reportUnknownMemberType=false, reportMissingTypeStubs=false, reportUnknownVariableType=false

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np
from scipy.optimize import minimize_scalar

if TYPE_CHECKING:
    from lab.optimize.domain import Array

__all__ = ["Warp", "fit_warp"]

_FEWEST = 6
"""Outcomes below which a skew is not told from chance."""
_POWER_SD = 0.5
"""Standard deviation of the power around 1 before anything is known: a skew must be earned, or the belief
becomes too sure of what few outcomes look like."""
_TIE = 1e-12
_GAUSS = np.polynomial.hermite_e.hermegauss(20)
_NODES: Array = _GAUSS[0]
_WEIGHTS: Array = _GAUSS[1] / _GAUSS[1].sum()
"""Of the mean over a standard normal number."""


def _bend(z: Array, power: float) -> Array:
    up, down = np.maximum(z, 0.0), np.maximum(-z, 0.0)
    above = np.log1p(up) if power < _TIE else np.expm1(power * np.log1p(up)) / power
    rest = 2.0 - power
    below = np.log1p(down) if rest < _TIE else np.expm1(rest * np.log1p(down)) / rest
    return above - below


def _unbend(t: Array, power: float) -> Array:
    up, down = np.maximum(t, 0.0), np.maximum(-t, 0.0)
    above = np.expm1(up) if power < _TIE else np.expm1(np.log1p(power * up) / power)
    rest = 2.0 - power
    below = np.expm1(down) if rest < _TIE else np.expm1(np.log1p(rest * down) / rest)
    return above - below


@dataclass(frozen=True)
class Warp:
    """`value = sign * (center + scale * unbend(middle + spread * u))`, u what the model sees."""

    sign: float
    center: float
    scale: float
    power: float
    """1 where nothing is bent."""
    middle: float
    spread: float

    def forward(self, values: Array) -> Array:
        """Values in their unit to the model's scale, on which more is better."""
        z = (self.sign * values - self.center) / self.scale
        return (_bend(z, self.power) - self.middle) / self.spread

    def variances(self, values: Array, deviations: Array) -> Array:
        """Noise variances on the model's scale of values with these standard deviations."""
        z = (self.sign * values - self.center) / self.scale
        slope = (1.0 + np.abs(z)) ** np.where(z >= 0.0, self.power - 1.0, 1.0 - self.power)
        return (deviations / self.scale * slope / self.spread) ** 2

    def moments(self, means: Array, variances: Array) -> tuple[Array, Array]:
        """Mean and standard deviation of the value, in its unit, where the model's are these."""
        if self.power == 1.0:
            return (
                self.sign * (self.center + self.scale * (self.middle + self.spread * means)),
                self.scale * self.spread * np.sqrt(variances),
            )
        if not variances.any():
            exact = _unbend(self.middle + self.spread * means, self.power)
            return self.sign * (self.center + self.scale * exact), np.zeros_like(means)
        u = means[:, None] + np.sqrt(variances)[:, None] * _NODES
        values = _unbend(self.middle + self.spread * u, self.power)
        mean = values @ _WEIGHTS
        spread = np.sqrt(np.maximum(((values - mean[:, None]) ** 2) @ _WEIGHTS, 0.0))
        return self.sign * (self.center + self.scale * mean), self.scale * spread


def fit_warp(values: Array, sign: float, *, bent: bool = True) -> Warp:
    """The warp of these outcomes (at least one); `sign` is -1 where less is better."""
    signed = sign * values
    center = float(signed.mean())
    scale = _spread_of(signed, center)
    z = (signed - center) / scale
    power = _likely_power(z) if bent and len(z) >= _FEWEST and np.ptp(z) > 0.0 else 1.0
    t = _bend(z, power)
    middle = float(t.mean())
    return Warp(sign, center, scale, power, middle, _spread_of(t, middle))


def _spread_of(values: Array, mean: float) -> float:
    """The standard deviation; 1 for equal values, whose rounding must not be blown up to a scale."""
    spread = float(values.std(ddof=1)) if len(values) > 1 else 0.0
    return spread if spread > 1e-12 * max(float(np.abs(values).max()), abs(mean)) else 1.0


def _likely_power(z: Array) -> float:
    """The most probable, of the transformed outcomes as normal ones."""
    logs = float((np.sign(z) * np.log1p(np.abs(z))).sum())

    def unlikely(power: float) -> float:
        variance = float(_bend(z, power).var())
        doubt = 0.5 * ((power - 1.0) / _POWER_SD) ** 2
        return 0.5 * len(z) * float(np.log(variance)) - (power - 1.0) * logs + doubt

    found = minimize_scalar(unlikely, bounds=(0.0, 2.0), method="bounded", options={"xatol": 1e-3})
    return float(cast("dict[str, float]", found)["x"])
