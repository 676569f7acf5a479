"""The factor space: what the optimiser may change, and the map to the unit cube that the model
sees.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Self

from pydantic import ConfigDict, model_validator
from pydantic.dataclasses import dataclass

from lab.domain.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["Factor", "Space"]


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Factor:
    """A continuous factor. `minimum` and `maximum` are plain numbers in `unit`, both allowed
    values.
    """

    name: str
    unit: str
    minimum: float
    maximum: float

    @model_validator(mode="after")
    def _check_range(self) -> Self:
        if not self.name:
            raise InputError("a factor has no name", hint="name it as the SOP's parameter")
        span = self.maximum - self.minimum
        if not (
            math.isfinite(self.minimum) and math.isfinite(self.maximum) and math.isfinite(span)
        ):
            raise InputError(
                f"factor {self.name}: the range {self.minimum} to {self.maximum} is not finite",
                hint="the optimiser searches between two plain numbers; give both",
            )
        if span <= 0:
            raise InputError(
                f"factor {self.name}: the minimum {self.minimum:g} is not below "
                f"the maximum {self.maximum:g}",
                hint="swap them, or list the parameter under `fixed` if it shall not change",
            )
        return self


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Space:
    """All factors of a campaign, in a fixed order. The order is part of the seed's meaning."""

    factors: tuple[Factor, ...]

    @model_validator(mode="after")
    def _check_names(self) -> Self:
        if not self.factors:
            raise InputError("the factor space is empty", hint="list at least one factor")
        names = self.names
        for name in names:
            if names.count(name) > 1:
                raise InputError(f"factor {name} is listed twice", hint="remove one of the two")
        return self

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(factor.name for factor in self.factors)

    @property
    def dimension(self) -> int:
        return len(self.factors)

    def check(self, values: Mapping[str, float], where: str) -> None:
        """Refuse values that lack a factor, have a foreign one, or aren't finite.

        Values outside the range are accepted: a person may have made a trial by hand beyond the
        range that is searched, and what it taught is still true.
        """
        for name in self.names:
            if name not in values:
                raise InputError(
                    f"{where}: no value for factor {name}",
                    hint=f"give one for each of: {', '.join(self.names)}",
                )
        for name, value in values.items():
            if name not in self.names:
                raise InputError(
                    f"{where}: {name} is not a factor",
                    hint=f"the factors are: {', '.join(self.names)}",
                )
            if not math.isfinite(value):
                raise InputError(
                    f"{where}: factor {name} is {value}", hint="give the number that was set"
                )

    def to_unit(self, values: Mapping[str, float]) -> tuple[float, ...]:
        """Coordinates of `values` in the order of `factors`; 0 at each minimum, 1 at each maximum."""
        self.check(values, "to the unit cube")
        return tuple(
            (values[factor.name] - factor.minimum) / (factor.maximum - factor.minimum)
            for factor in self.factors
        )

    def from_unit(self, point: Sequence[float]) -> dict[str, float]:
        """Values in the factors' units, never outside their ranges (rounding is cut off at the
        limits).
        """
        if len(point) != self.dimension:
            raise InputError(f"a point of {len(point)} coordinates in {self.dimension} factors")
        return {
            factor.name: min(
                factor.maximum,
                max(
                    factor.minimum,
                    factor.minimum + coordinate * (factor.maximum - factor.minimum),
                ),
            )
            for factor, coordinate in zip(self.factors, point, strict=True)
        }
