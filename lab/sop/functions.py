"""Functions of one iteration's numbers: exp, ln, log10 and clamp, over numbers and ranges.

abs, sqrt, min and max are methods of `Value`. All of them rise or fall steadily, so the range of the result is
found at the ends of the range that goes in.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from lab.sop.value import CalculationError, hull

if TYPE_CHECKING:
    from collections.abc import Callable

    from lab.sop.value import Value

__all__ = ["clamp", "decimal_logarithm", "exponential", "natural_logarithm"]


def exponential(value: Value) -> Value:
    """e to the power of a plain number."""
    _demand_plain(value, "takes the exponential of")
    try:
        return hull(math.exp(value.low), math.exp(value.high), ())
    except OverflowError:
        raise CalculationError(
            "range", "takes the exponential of too large a number", "check the units"
        ) from None


def natural_logarithm(value: Value) -> Value:
    """The logarithm to the base e of a plain number above zero."""
    return _logarithm(value, math.log)


def decimal_logarithm(value: Value) -> Value:
    """The logarithm to the base 10 of a plain number above zero."""
    return _logarithm(value, math.log10)


def clamp(value: Value, low: Value, high: Value) -> Value:
    """The value, but not below `low` and not above `high`."""
    order = low.compare(high, "<=")
    if order.may_fail:
        verb = "may be" if order.may_hold else "is"
        raise CalculationError(
            "range",
            f"clamps to limits of which the lower {verb} above the upper",
            "write clamp(x, lowest, highest)",
        )
    return value.extreme(low, max).extreme(high, min)


def _logarithm(value: Value, function: Callable[[float], float]) -> Value:
    _demand_plain(value, "takes the logarithm of")
    if value.low <= 0.0:
        verb = "takes" if value.high <= 0.0 else "may take"
        raise CalculationError(
            "range",
            f"{verb} the logarithm of a number that is not above zero",
            "keep it above zero, for example with max",
        )
    return hull(function(value.low), function(value.high), ())


def _demand_plain(value: Value, verb: str) -> None:
    if value.dimension:
        raise CalculationError(
            "dimension", f"{verb} {value.words}", "divide it by a quantity of its kind first"
        )
