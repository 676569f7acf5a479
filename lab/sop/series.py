"""Functions over the iterations of a loop: mean, sd, median, sum, count, first, last, least, greatest, and the
least-squares line (slope, intercept, r_squared).

Units come out right: a mean of temperatures is a temperature, their standard deviation a difference. Over ranges,
each result holds every value that is possible within them; most are then wider than need be. A slope whose x may
all be the same has no bounds: its error is infinite, and its centre is the slope through the centres.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from lab.domain.units import Scale, combine
from lab.sop.value import NOISE, CalculationError, Truth, Value, hull, plain, product_scale

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from lab.sop.value import Computed

__all__ = ["summarise"]

_SAME_X = "its x is the same in all iterations"


def summarise(function: str, rows: Sequence[tuple[Computed, ...]]) -> Computed:
    """The function over what its operands came to in each iteration, in order.

    CalculationError `series` where the iterations are too few or too much alike, else `dimension` or `expression`.
    """
    if function == "count":
        return _count([row[0] for row in rows])
    if not rows:
        raise CalculationError(
            "series",
            f"takes {function} of a loop, but no iteration gave a value",
            "check that its steps are not all skipped",
        )
    if function in ("first", "last"):
        return rows[0 if function == "first" else -1][0]
    columns = [[_number(item) for item in column] for column in zip(*rows, strict=True)]
    scales: list[Scale] = [_common_scale(column) for column in columns]
    if function in _OF_PAIRS:
        return _OF_PAIRS[function](*columns)
    return _OF_NUMBERS[function](columns[0], scales[0])


def _count(items: Sequence[Computed]) -> Value:
    """How many iterations gave a value; of a condition, in how many it holds."""
    sure = sum(not isinstance(item, Truth) or item.surely for item in items)
    possible = sum(not isinstance(item, Truth) or item.may_hold for item in items)
    return plain(sure) if sure == possible else hull(sure, possible, ())


def _number(item: Computed) -> Value:
    if isinstance(item, Value):
        return item
    what = "a text" if isinstance(item, str) else "a condition"
    raise CalculationError(
        "expression", f"calculates with {what}", "of texts and conditions take count, first or last"
    )


def _common_scale(values: Sequence[Value]) -> Scale:
    """Of values that must all measure the same."""
    first = values[0]
    for value in values:
        if value.dimension != first.dimension or {value.scale, first.scale} == {
            "point", "difference"
        }:  # fmt: skip
            raise CalculationError(
                "dimension", f"puts {value.words} beside {first.words}", "all must measure the same"
            )
    scales: list[Scale] = [value.scale for value in values if value.scale != "plain"]
    return scales[0] if scales else "plain"


def _mean(values: Sequence[Value], scale: Scale) -> Value:
    return Value.weighted(values, [1.0 / len(values)] * len(values), scale)


def _sum(values: Sequence[Value], scale: Scale) -> Value:
    if scale == "point":
        raise CalculationError(
            "dimension", "sums temperatures in degC", "use mean, or differences in delta_degC"
        )
    return Value.weighted(values, [1.0] * len(values), scale)


def _median(values: Sequence[Value], scale: Scale) -> Value:
    """It rises with each value, so its range is that of the lows' and the highs' medians."""
    low, high = ([value.low for value in values], [value.high for value in values])
    return hull(_middle(low), _middle(high), values[0].dimension, scale)


def _middle(numbers: Sequence[float]) -> float:
    ordered, half = sorted(numbers), len(numbers) // 2
    return ordered[half] if len(ordered) % 2 else ordered[half - 1] / 2 + ordered[half] / 2


def _least(values: Sequence[Value], scale: Scale) -> Value:
    return _extreme(values, scale, min)


def _greatest(values: Sequence[Value], scale: Scale) -> Value:
    return _extreme(values, scale, max)


def _extreme(values: Sequence[Value], scale: Scale, pick: Callable[..., float]) -> Value:
    low, high = (pick(value.low for value in values), pick(value.high for value in values))
    return hull(low, high, values[0].dimension, scale)


def _sd(values: Sequence[Value], scale: Scale) -> Value:
    """Sample standard deviation (n - 1).

    It is the length of the vector of deviations, so it can't change by more than the length of their change.
    """
    _demand_iterations("sd", values, 2)
    dimension = values[0].dimension
    own = "difference" if scale == "point" else product_scale(dimension)
    root = math.sqrt(len(values) - 1)
    middle = math.hypot(*_centred(values)) / root
    if _exact(values):
        return Value(middle, dimension, own)
    change = math.hypot(*(part.radius for part in _deviations(values))) / root
    return Value(middle, dimension, own, {}, change, max(middle - change, 0.0), middle + change)


def _exact(values: Sequence[Value]) -> bool:
    return not any(value.spread or value.error for value in values)


def _demand_iterations(function: str, values: Sequence[Value], least: int) -> None:
    if len(values) < least:
        raise CalculationError(
            "series",
            f"takes {function} of {len(values)} iteration{'s' if len(values) > 1 else ''}",
            f"it needs at least {least} that gave a value",
        )


def _deviations(values: Sequence[Value]) -> list[Value]:
    """Each value less their mean, as differences. What all have in common cancels."""
    mean = _mean(values, "plain")
    scale = product_scale(mean.dimension)
    return [Value.weighted((value, mean), (1.0, -1.0), scale) for value in values]


def _centred(values: Sequence[Value]) -> list[float]:
    """Each centre less their mean; exactly zero where all are the same."""
    mean = _mean(values, "plain").centre
    noise = NOISE * abs(mean)
    steps = [value.centre - mean for value in values]
    return [step if abs(step) > noise else 0.0 for step in steps]


def _slope(x: Sequence[Value], y: Sequence[Value]) -> Value:
    """Of the least-squares line y = intercept + slope * x."""
    _demand_iterations("slope", x, 2)
    dimension = combine(y[0].dimension, x[0].dimension, -1.0)
    scale = product_scale(dimension)
    weights = _slope_weights(_centred(x))
    steps = [] if _exact(x) else _deviations(x)
    if not any(step.radius for step in steps):
        if weights is None:
            raise CalculationError("series", f"takes slope, but {_SAME_X}", "vary x in the loop")
        return replace(Value.weighted(y, weights, scale), dimension=dimension)
    products = [step * rise for step, rise in zip(steps, _deviations(y), strict=True)]
    squares = [step.absolute().power(2) for step in steps]
    ones = [1.0] * len(steps)
    size = Value.weighted(squares, ones, "plain")
    if size.low > 0.0:
        return replace(Value.weighted(products, ones, "plain") / size, scale=scale)
    centre = 0.0
    if weights is not None:
        centre = math.fsum(weight * value.centre for weight, value in zip(weights, y, strict=True))
    return Value(centre, dimension, scale, {}, math.inf)


def _slope_weights(steps: Sequence[float]) -> list[float] | None:
    """The slope is the sum of weight * y. `steps` are x less its mean; None where all are zero."""
    largest = max(map(abs, steps))
    if not largest:
        return None
    parts = [step / largest for step in steps]  # so that no square is lost to underflow
    squares = math.fsum(part * part for part in parts)
    return [part / squares / largest for part in parts]


def _intercept(x: Sequence[Value], y: Sequence[Value]) -> Value:
    """Where the least-squares line crosses x = 0; y's own kind."""
    if _common_scale(x) == "point":
        raise CalculationError(
            "dimension",
            "takes the intercept at zero of a temperature in degC",
            "subtract the temperature that is meant, like intercept(t - 20 degC, y)",
        )
    _demand_iterations("intercept", x, 2)
    scale, share = _common_scale(y), 1.0 / len(x)
    mean_x = _mean(x, _common_scale(x))
    if not _exact(x):
        product = replace(_slope(x, y) * mean_x, dimension=y[0].dimension)
        return Value.weighted((_mean(y, scale), product), (1.0, -1.0), scale)
    weights = _slope_weights(_centred(x))
    if weights is None:
        raise CalculationError("series", f"takes intercept, but {_SAME_X}", "vary x in the loop")
    return Value.weighted(y, [share - mean_x.centre * weight for weight in weights], scale)


def _r_squared(x: Sequence[Value], y: Sequence[Value]) -> Value:
    """The share of y's variance that the line explains: the square of Pearson's r. Over ranges, 0 to 1."""
    _demand_iterations("r_squared", x, 3)
    lengths: list[float] = []
    exact = True
    for name, column in (("x", x), ("y", y)):
        lengths.append(math.hypot(*_centred(column)))
        fixed = _exact(column) or not any(part.radius for part in _deviations(column))
        if fixed and not lengths[-1]:
            raise CalculationError(
                "series",
                f"takes r_squared, but its {name} is the same in all iterations",
                "it needs x and y that vary",
            )
        exact = exact and fixed
    centre = 0.0
    if all(lengths):
        steps = zip(_centred(x), _centred(y), strict=True)
        r = math.fsum(across / lengths[0] * (up / lengths[1]) for across, up in steps)
        centre = min(r * r, 1.0)
    return plain(centre) if exact else Value(centre, error=1.0, least=0.0, most=1.0)


_OF_NUMBERS: Mapping[str, Callable[[Sequence[Value], Scale], Value]] = {
    "mean": _mean,
    "sd": _sd,
    "median": _median,
    "sum": _sum,
    "least": _least,
    "greatest": _greatest,
}
_OF_PAIRS: Mapping[str, Callable[[Sequence[Value], Sequence[Value]], Value]] = {
    "slope": _slope,
    "intercept": _intercept,
    "r_squared": _r_squared,
}
