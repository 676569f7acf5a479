"""Numbers with a dimension and a range: what expressions compute with.

A value is an affine form, `centre + sum(spread[p] * e_p) ± error` with every `e_p` in [-1, 1], in SI base units
(de Figueiredo and Stolfi, Numerical Algorithms 37, 147 (2004)). Because it remembers which parameter each part
comes from, `total - a - b + a + b` has exactly the range of `total`; plain intervals would call a full vessel an
overflow. A value with neither spread nor error is one number, and computes as one. Beside the form, plain interval bounds are
carried along (`least`, `most`); what holds is the narrower of the two, so a product of positive numbers stays
positive.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lab.domain.quantity import Quantity, QuantityError, tidy
from lab.domain.units import DIMENSIONLESS, Dimension, Scale, combine, dimension_words, unit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["CalculationError", "Truth", "Value", "from_number", "plain"]


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
    """The result of a comparison over ranges. Of two numbers exactly one of the two is set."""

    may_hold: bool
    may_fail: bool

    @property
    def surely(self) -> bool:
        return not self.may_fail


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

    @property
    def radius(self) -> float:
        return sum(abs(part) for part in self.spread.values()) + self.error

    @property
    def low(self) -> float:
        """The least it can be, in base units."""
        return max(self.centre - self.radius, self.least)

    @property
    def high(self) -> float:
        """The most it can be, in base units."""
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
            raise CalculationError("range", "is too large to be a number", "check the units")
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
        rest = self.radius * other.radius
        error = rest + abs(self.centre) * other.error + abs(other.centre) * self.error
        dimension = combine(self.dimension, other.dimension, 1.0)
        corners = [a * b for a in (self.low, self.high) for b in (other.low, other.high)]
        return Value(
            self.centre * other.centre, dimension, _product(dimension), spread, error,
            *_bounds(spread, error, min(corners), max(corners)),
        )  # fmt: skip

    def __truediv__(self, other: Value) -> Value:
        if other.scale == "point" or self.scale == "point":
            raise _not_a_ratio("divides")
        if other.low <= 0.0 <= other.high:
            verb = "divides by zero" if other.radius == 0.0 else "may divide by zero"
            raise CalculationError("division", verb, "keep the divisor away from zero")
        inverse = _hull(1.0 / other.high, 1.0 / other.low, combine((), other.dimension, -1.0))
        if other.radius == 0.0:
            dimension = combine(self.dimension, other.dimension, -1.0)
            spread = {name: part / other.centre for name, part in self.spread.items()}
            error = self.error / abs(other.centre)
            scale = _product(dimension)
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
        return _hull(0.0, max(-self.low, self.high), self.dimension, self.scale)

    def root(self) -> Value:
        """Square root."""
        if self.scale == "point":
            raise _not_a_ratio("takes the root of")
        if self.low < 0.0:
            raise CalculationError(
                "range", "takes the square root of a negative number", "use abs or max"
            )
        dimension = combine((), self.dimension, 0.5)
        return _hull(math.sqrt(self.low), math.sqrt(self.high), dimension)

    def extreme(self, other: Value, pick: Callable[[float, float], float]) -> Value:
        """The lesser (`pick=min`) or the greater (`pick=max`) of two."""
        first, second = (self, other) if pick(0.0, 1.0) == 0.0 else (other, self)
        difference = self._sum(other, -1.0, "compares {} with {}")
        if difference.high <= 0.0:
            return first
        if difference.low >= 0.0:
            return second
        low, high = pick(self.low, other.low), pick(self.high, other.high)
        return _hull(low, high, self.dimension, self.scale)

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
        spread = dict(self.spread)
        for name, part in other.spread.items():
            spread[name] = spread.get(name, 0.0) + sign * part
        spread = {name: part for name, part in spread.items() if part != 0.0}
        centre = self.centre + sign * other.centre
        # What cancels to a few parts in 10^15 is zero: 10 mL - 7 mL - 3 mL is not a negative dose.
        if abs(centre) < 4e-15 * (abs(self.centre) + abs(other.centre)):
            centre = 0.0
        error = self.error + other.error
        near, far = (other.low, other.high) if sign > 0 else (-other.high, -other.low)
        return Value(
            centre, self.dimension, scale, spread, error,
            *_bounds(spread, error, self.low + near, self.high + far),
        )  # fmt: skip

    def _scale_of_sum(self, other: Value, sign: float, verb: str) -> Scale:
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


def _product(dimension: Dimension) -> Scale:
    """A temperature that comes out of a product is a difference: only differences can be multiplied."""
    return "difference" if dimension == (("[temperature]", 1.0),) else "plain"


def _hull(low: float, high: float, dimension: Dimension, scale: Scale = "plain") -> Value:
    return Value((low + high) / 2, dimension, scale, {}, abs(high - low) / 2)


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
