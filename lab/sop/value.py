"""Numbers with a dimension and a range: what expressions compute with.

A value is an affine form, `centre + sum(spread[p] * e_p) ± error` with every `e_p` in [-1, 1], in SI base units
(de Figueiredo and Stolfi, Numerical Algorithms 37, 147 (2004)). Because it remembers which parameter each part
comes from, `total - a - b + a + b` has exactly the range of `total`; plain intervals would call a full vessel an
overflow. A value with neither spread nor error is one number, and computes as one. Beside the form, plain interval bounds are
carried along (`least`, `most`); what holds is the narrower of the two, so a product of positive numbers stays
positive. An infinite error says that a value has no bounds (a slope whose x may all be the same); its centre then
only serves as an example.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lab.domain.quantity import Quantity, QuantityError, tidy
from lab.domain.units import DIMENSIONLESS, Dimension, Scale, combine, dimension_words, unit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = [
    "NOISE",
    "CalculationError",
    "Computed",
    "Truth",
    "Value",
    "from_number",
    "hull",
    "plain",
    "product_scale",
]

NOISE = 4e-15
"""A few parts in 10^15: what cancels to less than that is zero, as in 10 mL - 7 mL - 3 mL."""
_ALIKE = "both sides must measure the same"


class CalculationError(Exception):
    """An operation that makes no sense: `adds a volume to a mass`, a division by zero."""

    def __init__(self, code: str, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Truth:
    """Yes or no: a comparison over ranges, or a person's answer. Of two numbers exactly one of the two is set."""

    may_hold: bool
    may_fail: bool

    @classmethod
    def of(cls, answer: bool) -> Truth:
        """A plain yes or no."""
        return cls(may_hold=answer, may_fail=not answer)

    @property
    def surely(self) -> bool:
        return not self.may_fail

    def same_as(self, other: Truth) -> Truth:
        """Whether both are yes or both are no."""
        alike = (self.may_hold and other.may_hold) or (self.may_fail and other.may_fail)
        unlike = (self.may_hold and other.may_fail) or (self.may_fail and other.may_hold)
        return Truth(may_hold=alike, may_fail=unlike)

    def __invert__(self) -> Truth:
        return Truth(may_hold=self.may_fail, may_fail=self.may_hold)


@dataclass(frozen=True, slots=True)
class Value:
    """See the module. `scale` keeps temperatures (points) apart from their differences."""

    centre: float
    dimension: Dimension = ()
    scale: Scale = "plain"
    spread: Mapping[str, float] = field(default_factory=dict[str, float])
    error: float = 0.0
    least: float = -math.inf
    most: float = math.inf

    @classmethod
    def of(cls, quantity: Quantity) -> Value:
        """One number."""
        own = quantity.definition
        return cls(quantity.base, own.dimension, own.scale)

    @classmethod
    def between(cls, name: str, low: Quantity, high: Quantity) -> Value:
        """A parameter that may be anything from `low` to `high`."""
        own = low.definition
        centre, radius = (low.base + high.base) / 2, (high.base - low.base) / 2
        spread = {name: radius} if radius > 0 else {}
        return cls(centre, own.dimension, own.scale, spread)

    @classmethod
    def weighted(cls, values: Sequence[Value], weights: Sequence[float], scale: Scale) -> Value:
        """The sum of weight * value. All are of the first one's dimension; `scale` is that of the sum."""
        pairs = list(zip(values, weights, strict=True))
        centre = _total([value.centre * weight for value, weight in pairs])
        if not any(value.spread or value.error for value in values):
            return cls(centre, values[0].dimension, scale)
        parts: dict[str, list[float]] = {}
        for value, weight in pairs:
            for name, part in value.spread.items():
                parts.setdefault(name, []).append(weight * part)
        spread = {name: total for name, part in parts.items() if (total := _total(part))}
        error = sum(_times(value.error, abs(weight)) for value, weight in pairs)
        ends = [(_times(value.low, weight), _times(value.high, weight)) for value, weight in pairs]
        return cls(
            centre, values[0].dimension, scale, spread, error,
            *_bounds(spread, error, sum(map(min, ends)), sum(map(max, ends))),
        )  # fmt: skip

    @property
    def radius(self) -> float:
        return sum(abs(part) for part in self.spread.values()) + self.error

    @property
    def exact(self) -> bool:
        """Is it one number?"""
        return not self.spread and not self.error

    @property
    def low(self) -> float:
        """The least it can be, in base units."""
        if not self.spread and not self.error:
            return self.centre
        return max(self.centre - self.radius, self.least)

    @property
    def high(self) -> float:
        """The most it can be, in base units."""
        if not self.spread and not self.error:
            return self.centre
        return min(self.centre + self.radius, self.most)

    @property
    def words(self) -> str:
        return dimension_words(self.dimension, self.scale)

    def bounds(self, unit_name: str) -> tuple[float, float]:
        """(least, most) as plain numbers in a unit. CalculationError where the dimension differs."""
        target = unit(unit_name)
        mixed = {self.scale, target.scale} == {"point", "difference"}
        if self.dimension != target.dimension or mixed:
            raise CalculationError(
                "dimension",
                f"is {self.words}, but {target.words} is due here",
                f"the result must measure the same as {unit_name}",
            )
        digits = 9 if target.offset else 15
        low, high = (
            round((base - target.offset) / target.factor, digits) for base in (self.low, self.high)
        )
        if not (math.isfinite(low) and math.isfinite(high)):
            what = "has no bounds" if math.isfinite(self.centre) else "is too large to be a number"
            raise CalculationError("range", what, "check the units")
        return tidy(low), tidy(high)

    def number(self, unit_name: str) -> float:
        """The one number in a unit (the middle, where it is a range)."""
        return Value(self.centre, self.dimension, self.scale).bounds(unit_name)[0]

    def __add__(self, other: Value) -> Value:
        return self._sum(other, 1.0, "adds {} to {}")

    def __sub__(self, other: Value) -> Value:
        return self._sum(other, -1.0, "subtracts {} from {}")

    def __neg__(self) -> Value:
        if self.scale == "point":
            raise _not_a_ratio("takes the negative of")
        return self._scaled(-1.0)

    def __mul__(self, other: Value) -> Value:
        for side in (self, other):
            if side.scale == "point":
                raise _not_a_ratio("multiplies")
        spread = {name: part * other.centre for name, part in self.spread.items()}
        for name, part in other.spread.items():
            spread[name] = spread.get(name, 0.0) + part * self.centre
        rest = _times(self.radius, other.radius)
        error = rest + _times(abs(self.centre), other.error) + _times(abs(other.centre), self.error)
        dimension = combine(self.dimension, other.dimension, 1.0)
        corners = [_times(a, b) for a in (self.low, self.high) for b in (other.low, other.high)]
        return Value(
            self.centre * other.centre, dimension, product_scale(dimension), spread, error,
            *_bounds(spread, error, min(corners), max(corners)),
        )  # fmt: skip

    def __truediv__(self, other: Value) -> Value:
        if other.scale == "point" or self.scale == "point":
            raise _not_a_ratio("divides")
        if other.low <= 0.0 <= other.high:
            verb = "divides by zero" if other.radius == 0.0 else "may divide by zero"
            raise CalculationError("division", verb, "keep the divisor away from zero")
        inverse = hull(1.0 / other.high, 1.0 / other.low, combine((), other.dimension, -1.0))
        if other.radius == 0.0:
            dimension = combine(self.dimension, other.dimension, -1.0)
            spread = {name: part / other.centre for name, part in self.spread.items()}
            error = self.error / abs(other.centre)
            scale = product_scale(dimension)
            ends = (self.low / other.centre, self.high / other.centre)
            return Value(
                self.centre / other.centre, dimension, scale, spread, error,
                *_bounds(spread, error, min(ends), max(ends)),
            )  # fmt: skip
        return self * inverse

    def power(self, exponent: int) -> Value:
        """A small whole power."""
        result = self
        for _ in range(exponent - 1):
            result = result * self
        return result

    def absolute(self) -> Value:
        if self.scale == "point":
            raise _not_a_ratio("takes the size of")
        if self.low >= 0.0:
            return self
        if self.high <= 0.0:
            return -self
        return hull(0.0, max(-self.low, self.high), self.dimension, self.scale)

    def root(self) -> Value:
        """Square root."""
        if self.scale == "point":
            raise _not_a_ratio("takes the root of")
        if self.low < 0.0:
            raise CalculationError(
                "range", "takes the square root of a negative number", "use abs or max"
            )
        dimension = combine((), self.dimension, 0.5)
        return hull(math.sqrt(self.low), math.sqrt(self.high), dimension, product_scale(dimension))

    def extreme(self, other: Value, pick: Callable[[float, float], float]) -> Value:
        """The lesser (`pick=min`) or the greater (`pick=max`) of two."""
        first, second = (self, other) if pick(0.0, 1.0) == 0.0 else (other, self)
        if self.dimension == other.dimension and self.scale == other.scale:
            # mostly the ranges lie apart, and the form need not be looked at
            if self.high <= other.low:
                return first
            if self.low >= other.high:
                return second
        difference = self._sum(other, -1.0, "compares {} with {}")
        if difference.high <= 0.0:
            return first
        if difference.low >= 0.0:
            return second
        low, high = pick(self.low, other.low), pick(self.high, other.high)
        return hull(low, high, self.dimension, self.scale)

    def compare(self, other: Value, operator: str) -> Truth:
        """One of < <= > >= == !=."""
        gap = self._sum(other, -1.0, "compares {1} with {0}")
        low, high = gap.low, gap.high
        tests = {
            "<": Truth(low < 0, high >= 0),
            "<=": Truth(low <= 0, high > 0),
            ">": Truth(high > 0, low <= 0),
            ">=": Truth(high >= 0, low < 0),
            "==": Truth(low <= 0 <= high, low != 0 or high != 0),
            "!=": Truth(low != 0 or high != 0, low <= 0 <= high),
        }
        return tests[operator]

    def _scaled(self, factor: float) -> Value:
        spread = {name: part * factor for name, part in self.spread.items()}
        error = self.error * abs(factor)
        ends = (self.low * factor, self.high * factor)
        return Value(
            self.centre * factor, self.dimension, self.scale, spread, error,
            *_bounds(spread, error, min(ends), max(ends)),
        )  # fmt: skip

    def _sum(self, other: Value, sign: float, verb: str) -> Value:
        scale = self._scale_of_sum(other, sign, verb)
        if self.exact and other.exact:
            return Value(self._centre_of_sum(other, sign), self.dimension, scale)
        spread = dict(self.spread)
        for name, part in other.spread.items():
            spread[name] = spread.get(name, 0.0) + sign * part
        spread = {name: part for name, part in spread.items() if part != 0.0}
        centre = self._centre_of_sum(other, sign)
        error = self.error + other.error
        near, far = (other.low, other.high) if sign > 0 else (-other.high, -other.low)
        return Value(
            centre, self.dimension, scale, spread, error,
            *_bounds(spread, error, self.low + near, self.high + far),
        )  # fmt: skip

    def _centre_of_sum(self, other: Value, sign: float) -> float:
        centre = self.centre + sign * other.centre
        # without this, 10 mL - 7 mL - 3 mL were a negative dose
        return 0.0 if abs(centre) < NOISE * (abs(self.centre) + abs(other.centre)) else centre

    def _scale_of_sum(self, other: Value, sign: float, verb: str) -> Scale:
        if self.dimension == other.dimension and self.scale == other.scale == "plain":
            return "plain"
        if self.dimension != other.dimension:
            raise CalculationError("dimension", verb.format(other.words, self.words), _ALIKE)
        pair = (self.scale, other.scale)
        if "compares" in verb and set(pair) == {"point", "difference"}:
            raise CalculationError("dimension", verb.format(other.words, self.words), _ALIKE)
        if pair == ("point", "point"):
            if sign > 0:
                raise CalculationError(
                    "dimension",
                    "adds a temperature to a temperature",
                    "add a difference in delta_degC",
                )
            return "difference"
        if sign < 0 and other.scale == "point" and self.scale == "difference":
            raise CalculationError("dimension", verb.format(other.words, self.words), _ALIKE)
        if "point" in pair:
            # kelvin is either: a reading minus kelvin readings is a difference only when both are points
            return "point"
        return "difference" if "difference" in pair else "plain"


def _bounds(
    spread: Mapping[str, float], error: float, least: float, most: float
) -> tuple[float, float]:
    """The interval bounds of a range; none for one number, whose centre says it all."""
    return (least, most) if spread or error else (-math.inf, math.inf)


def _times(left: float, right: float) -> float:
    """Zero times infinity is zero here: nothing of a value without bounds is left."""
    return left * right if left and right else 0.0


def _total(parts: Sequence[float]) -> float:
    try:
        total, size = math.fsum(parts), math.fsum(map(abs, parts))
    except (OverflowError, ValueError):  # ValueError: infinities of both signs
        return math.nan
    return 0.0 if abs(total) < NOISE * size else total


def product_scale(dimension: Dimension) -> Scale:
    """A temperature that comes out of a product is a difference: only differences can be multiplied."""
    return "difference" if dimension == (("[temperature]", 1.0),) else "plain"


def hull(low: float, high: float, dimension: Dimension, scale: Scale = "plain") -> Value:
    """Anything from `low` to `high` (base units; may be infinite), of which nothing else is known."""
    if low == high:
        return Value(low, dimension, scale)
    if math.isinf(low) or math.isinf(high):
        centre = next((end for end in (low, high) if math.isfinite(end)), 0.0)
        return Value(centre, dimension, scale, {}, math.inf, low, high)
    # the error is a trace too wide, so that the bounds decide and no end is lost to rounding
    error = abs(high - low) / 2 + 2 * math.ulp(max(abs(low), abs(high)))
    return Value(low / 2 + high / 2, dimension, scale, {}, error, low, high)


def _not_a_ratio(verb: str) -> CalculationError:
    return CalculationError(
        "dimension", f"{verb} a temperature in degC", "use kelvin, or a difference in delta_degC"
    )


def plain(number: float) -> Value:
    """A number without a unit."""
    return Value.of(Quantity(number, DIMENSIONLESS))


def from_number(number: float, unit_name: str) -> Value:
    """A number in a unit that a contract declares."""
    try:
        return Value.of(Quantity(number, unit_name or DIMENSIONLESS))
    except QuantityError as error:
        raise CalculationError(error.code, error.message, error.hint) from error


Computed = Value | Truth | str
"""What an expression can come to, and what a name in one can stand for."""
