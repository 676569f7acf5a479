"""The logarithm of expected improvement, exact and smooth even where the improvement is hopeless.

`EI = sd * h(u)`, `u = (mean - best) / sd`, `h(u) = pdf(u) + u * cdf(u)`. For `u` far below zero h is the
difference of nearly equal numbers; the forms below are those of Ament, Daulton, Eriksson, Balandat,
Bakshy 2023 (arXiv:2310.20708), equation 9.
"""

# scipy has no type stubs.
# pyright: reportUnknownMemberType=false, reportMissingTypeStubs=false, reportUnknownVariableType=false

from __future__ import annotations

import math
from typing import TYPE_CHECKING, cast

import numpy as np
from scipy.special import erfcx, ndtr

if TYPE_CHECKING:
    from lab.optimize.domain import Array

__all__ = ["log_h_and_slopes"]

_LOG_ROOT_2PI = 0.5 * math.log(2.0 * math.pi)
_ROOT_HALF_PI = math.sqrt(math.pi / 2.0)
_ROOT_HALF = math.sqrt(0.5)
_FAR = -1e5
"""Below it `1 - |u| r(u)` is lost in rounding and is replaced by `1 / u^2`."""


def log_h_and_slopes(u: Array) -> tuple[Array, Array, Array]:
    """`log h(u)`, `cdf(u) / h(u)` and `pdf(u) / h(u)`."""
    near = np.maximum(u, -1.0)
    pdf = np.exp(-0.5 * near * near - _LOG_ROOT_2PI)
    cdf = cast("Array", ndtr(near))
    h = pdf + near * cdf
    log_value = np.log(h)
    by_mean = cdf / h
    by_sd = pdf / h
    low = u < -1.0
    if low.any():
        v = u[low]
        mills = _ROOT_HALF_PI * cast("Array", erfcx(-_ROOT_HALF * v))  # cdf / pdf
        rest = np.where(v > _FAR, 1.0 + v * mills, 1.0 / (v * v))
        rest = np.maximum(rest, 1e-300)
        log_value[low] = -0.5 * v * v - _LOG_ROOT_2PI + np.log(rest)
        by_mean[low] = mills / rest
        by_sd[low] = 1.0 / rest
    return log_value, by_mean, by_sd
