"""The factor space: what the optimiser may change, what it must keep to, and the map to the cube that
the model sees.
"""

from __future__ import annotations

import math
from functools import cached_property
from typing import TYPE_CHECKING, Self

from pydantic import ConfigDict, model_validator
from pydantic.dataclasses import dataclass

from lab.domain.errors import InputError
from lab.optimize.space.factors import AnyFactor, Category, Factor, Setting

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np

    from lab.optimize.domain import Array
    from lab.optimize.space.formula import Formula

__all__ = ["AtMost", "Space"]

_SLACK = 1e-9
"""Of a range: what rounding may cost."""


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class AtMost:
    """At most `most` of these factors are above zero: a mixture of few out of many components."""

    factors: tuple[str, ...]
    most: int


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Space:
    """All factors of a campaign, in a fixed order, with what every suggestion must keep to.

    The order is part of the seed's meaning. `constraints` are comparisons in the language of SOPs,
    with units (`a + b <= 10 mL`, `red + green + blue == 100 percent`,
    `solvent != 'water' or boil < 95 degC`). `alike` names factors that have one value in all trials
    that are suggested together (an oven has one temperature).
    """

    factors: tuple[AnyFactor, ...]
    constraints: tuple[str, ...] = ()
    at_most: tuple[AtMost, ...] = ()
    alike: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _check_names(self) -> Self:
        if not self.factors:
            raise InputError("the factor space is empty", hint="list at least one factor")
        names = self.names
        for name in names:
            if names.count(name) > 1:
                raise InputError(f"factor {name} is listed twice", hint="remove one of the two")
        for name in (*self.alike, *(n for rule in self.at_most for n in rule.factors)):
            self.factor(name)
        for rule in self.at_most:
            self._check_rule(rule)
        if self.constraints:
            _ = self.formulas  # each is read now, so that none is refused later
        return self

    def _check_rule(self, rule: AtMost) -> None:
        where = f"at most {rule.most} of {', '.join(rule.factors)}"
        if not 0 < rule.most < len(rule.factors) or len(set(rule.factors)) < len(rule.factors):
            raise InputError(where, hint="name each factor once, and fewer than all of them")
        for name in rule.factors:
            factor = self.factor(name)
            if isinstance(factor, Category) or factor.minimum != 0.0:
                raise InputError(
                    f"{where}: {name} can't be left out",
                    hint="only a factor whose minimum is 0 can be absent",
                )

    @cached_property
    def names(self) -> tuple[str, ...]:
        return tuple(factor.name for factor in self.factors)

    def factor(self, name: str) -> AnyFactor:
        """The factor of that name. InputError where there is none."""
        for factor in self.factors:
            if factor.name == name:
                return factor
        raise InputError(
            f"{name} is not a factor", hint=f"the factors are: {', '.join(self.names)}"
        )

    @cached_property
    def formulas(self) -> tuple[Formula, ...]:
        """The constraints, compiled."""
        from lab.optimize.space.formula import compile_formula

        return tuple(compile_formula(text, self.factors) for text in self.constraints)

    @property
    def plain(self) -> bool:
        """True if every point of the cube is a lawful point of the space."""
        return (
            all(isinstance(f, Factor) and f.step is None for f in self.factors)
            and not self.constraints
            and not self.at_most
        )

    @cached_property
    def widths(self) -> tuple[int, ...]:
        """How many columns of the model each factor has."""
        return tuple(
            factor.codes.shape[1] if isinstance(factor, Category) else 1 for factor in self.factors
        )

    @property
    def dimension(self) -> int:
        """The columns of the model."""
        return sum(self.widths)

    @property
    def groups(self) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
        """For each column of the model the index of its lengthscale: one-hot columns share one."""
        import numpy as np

        groups: list[int] = []
        for factor, width in zip(self.factors, self.widths, strict=True):
            first = groups[-1] + 1 if groups else 0
            shared = isinstance(factor, Category) and factor.descriptors is None
            groups += [first] * width if shared else range(first, first + width)
        return np.array(groups, dtype=np.intp)

    def check(self, values: Mapping[str, Setting], where: str) -> None:
        """Refuse values that lack a factor, have a foreign one, or can't be placed.

        Numbers outside the range are accepted: a person may have made a trial by hand beyond the
        range that is searched, and what it taught is still true. See `broken` for what a suggestion
        must keep to.
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
            factor = self.factor(name)
            if isinstance(factor, Category):
                if value not in factor.choices:
                    raise InputError(
                        f"{where}: factor {name} is {value!r}",
                        hint=f"the choices are: {', '.join(factor.choices)}",
                    )
            elif isinstance(value, str) or not math.isfinite(value):
                raise InputError(
                    f"{where}: factor {name} is {value}", hint="give the number that was set"
                )

    def broken(self, values: Mapping[str, Setting]) -> list[str]:
        """What a trial at these values would break, in words; empty if it is lawful."""
        self.check(values, "the trial")
        found: list[str] = []
        for factor in self.factors:
            if isinstance(factor, Category):
                continue
            value = float(values[factor.name])
            slack = _SLACK * max(abs(factor.minimum), abs(factor.maximum))
            levels = factor.levels
            if not factor.minimum - slack <= value <= factor.maximum + slack:
                found.append(
                    f"{factor.name} is {value:g}, outside {factor.minimum:g} to "
                    f"{factor.maximum:g} {factor.unit}"
                )
            elif levels is not None and min(abs(value - level) for level in levels) > slack:
                found.append(f"{factor.name} is {value:g}, which is between its levels")
        found += [f"not {f.text}" for f in self.formulas if not f.holds(values)]
        for rule in self.at_most:
            present = [name for name in rule.factors if float(values[name]) > 0.0]
            if len(present) > rule.most:
                found.append(f"{', '.join(present)} are more than {rule.most} of a kind")
        return found

    def to_unit(self, values: Mapping[str, Setting]) -> tuple[float, ...]:
        """The columns of the model for `values`: 0 at each minimum, 1 at each maximum, and the codes of
        each choice.
        """
        self.check(values, "to the unit cube")
        return tuple(self.points([values])[0].tolist())

    def points(self, settings: Sequence[Mapping[str, Setting]]) -> Array:
        """The same of each of several that were checked, as rows."""
        import numpy as np

        rows = np.array([self.row(values) for values in settings], dtype=np.float64)
        return self.encode(rows.reshape(-1, len(self.factors)))

    def from_unit(self, point: Sequence[float]) -> dict[str, Setting]:
        """Values in the factors' units, never outside their ranges (rounding is cut off at the
        limits); the nearest level or choice of those that have such.
        """
        if len(point) != self.dimension:
            raise InputError(f"a point of {len(point)} coordinates in {self.dimension} columns")
        import numpy as np

        return self.values(self.decode(np.array([point]))[0])

    # A row has one number per factor: its place in the range from 0 to 1, or the index of the choice.

    def row(self, values: Mapping[str, Setting]) -> list[float]:
        """`values` as a row."""
        return [
            float(f.choices.index(str(values[f.name])))
            if isinstance(f, Category)
            else (float(values[f.name]) - f.minimum) / (f.maximum - f.minimum)
            for f in self.factors
        ]

    def values(self, row: Array) -> dict[str, Setting]:
        """A row in the factors' units; numbers are put on the nearest level and inside the range."""
        found: dict[str, Setting] = {}
        optional = {name for rule in self.at_most for name in rule.factors}
        for factor, number in zip(self.factors, row.tolist(), strict=True):
            if isinstance(factor, Category):
                found[factor.name] = factor.choices[round(number)]
                continue
            value = factor.minimum + number * (factor.maximum - factor.minimum)
            value = min(factor.maximum, max(factor.minimum, value))
            if factor.name in optional and number <= _SLACK:
                value = 0.0  # a trace left by rounding is no component
            levels = factor.levels
            if levels is not None:
                value = min(levels, key=lambda level: (abs(level - value), level))
            found[factor.name] = value
        return found

    def columns(self, rows: Array) -> dict[str, Array]:
        """For each factor the values of k rows, as constraints read them."""
        import numpy as np

        return {
            factor.name: np.array(factor.choices)[np.rint(rows[:, k]).astype(np.intp)]
            if isinstance(factor, Category)
            else factor.minimum + rows[:, k] * (factor.maximum - factor.minimum)
            for k, factor in enumerate(self.factors)
        }

    def encode(self, rows: Array) -> Array:
        """k rows as the model's columns, k x dimension."""
        import numpy as np

        parts = [
            factor.codes[np.rint(rows[:, k]).astype(np.intp)]
            if isinstance(factor, Category)
            else rows[:, k : k + 1]
            for k, factor in enumerate(self.factors)
        ]
        return np.concatenate(parts, axis=1)

    def decode(self, points: Array) -> Array:
        """The rows of k points of the model; of categories the choice with the nearest code."""
        import numpy as np

        parts: list[Array] = []
        start = 0
        for factor, width in zip(self.factors, self.widths, strict=True):
            block = points[:, start : start + width]
            start += width
            if isinstance(factor, Category):
                gaps = ((block[:, None, :] - factor.codes[None]) ** 2).sum(axis=2)
                block = gaps.argmin(axis=1).astype(np.float64)[:, None]
            parts.append(block)
        return np.concatenate(parts, axis=1)

    @property
    def fingerprint(self) -> list[str]:
        """What the seed of a campaign depends on. Plain numbers in a range give what they always gave,
        so that an old campaign asks for the same.
        """
        parts: list[str] = []
        for factor in self.factors:
            if isinstance(factor, Category):
                parts += [factor.name, *factor.choices, repr(factor.codes.tolist())]
            else:
                parts += [factor.name, repr(factor.minimum), repr(factor.maximum)]
                parts += [repr(level) for level in factor.levels or ()]
        parts += list(self.constraints)
        parts += [f"{rule.most} of {' '.join(rule.factors)}" for rule in self.at_most]
        return [*parts, *self.alike]
