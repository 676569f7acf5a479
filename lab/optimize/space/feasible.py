"""Is there a lawful point at all, which one is nearest, and which constraints contradict one another?

The linear constraints, levels and at-most rules are a mixed-integer program, so their answer is a proof
(HiGHS). Formulas that are not linear are searched: what isn't found is said not to be found.
"""

# scipy has no type stubs.
# pyright: reportUnknownMemberType=false, reportMissingTypeStubs=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportAttributeAccessIssue=false, reportArgumentType=false

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lab.domain.errors import EmptySpaceError
from lab.optimize.space.factors import Category

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lab.optimize.domain import Array
    from lab.optimize.space.region import Region

__all__ = ["demand_linear", "nearest"]


class _Program:
    """Rows x, integers and helpers as one vector of unknowns: minimise sum |x - target|."""

    def __init__(self, region: Region, target: Array, kept: Sequence[str] | None) -> None:
        self.count = len(target)
        self.cost: list[float] = [0.0] * self.count
        self.low: list[float] = region.low.tolist()
        self.high: list[float] = region.high.tolist()
        self.whole: list[int] = [0] * self.count
        self.lines: list[tuple[dict[int, float], float, float]] = []
        for text, weights, constant in zip(
            region.texts, region.matrix, region.constant, strict=True
        ):
            if kept is None or text in kept:
                self.lines.append((dict(enumerate(weights.tolist())), -constant, np.inf))
        for text, weights, constant in zip(
            region.equal_texts, region.equal_matrix, region.equal_constant, strict=True
        ):
            if kept is None or text in kept:
                self.lines.append((dict(enumerate(weights.tolist())), -constant, -constant))
        for k, factor in enumerate(region.space.factors):
            levels = region.levels[k]
            if isinstance(factor, Category):
                self.low[k] = self.high[k] = target[k]
            elif levels is not None and self.low[k] < self.high[k]:
                self._on_levels(k, levels)
        for number, group in enumerate(region.groups):
            if kept is None or f"at most #{number}" in kept:
                switches = [self._unknown(0.0, 1.0, whole=True) for _ in group.members]
                for k, switch in zip(group.members, switches, strict=True):
                    self.lines.append(({k: -1.0, switch: region.high[k]}, 0.0, np.inf))
                self.lines.append((dict.fromkeys(switches, 1.0), -np.inf, float(group.most)))
        for k in range(self.count):
            gap = self._unknown(0.0, np.inf, cost=1.0)
            self.lines.append(({k: 1.0, gap: -1.0}, -np.inf, float(target[k])))
            self.lines.append(({k: 1.0, gap: 1.0}, float(target[k]), np.inf))

    def _unknown(self, low: float, high: float, *, cost: float = 0.0, whole: bool = False) -> int:
        self.cost.append(cost)
        self.low.append(low)
        self.high.append(high)
        self.whole.append(int(whole))
        return len(self.cost) - 1

    def _on_levels(self, k: int, levels: Array) -> None:
        steps = np.diff(levels)
        if np.allclose(steps, steps[0]):
            index = self._unknown(0.0, float(len(levels) - 1), whole=True)
            self.lines.append(({k: 1.0, index: -float(steps[0])}, 0.0, 0.0))
            return
        choices = [self._unknown(0.0, 1.0, whole=True) for _ in levels]
        self.lines.append((dict.fromkeys(choices, 1.0), 1.0, 1.0))
        weights = {choice: -float(level) for choice, level in zip(choices, levels, strict=True)}
        self.lines.append(({k: 1.0, **weights}, 0.0, 0.0))

    def solve(self) -> Array | None:
        from scipy.optimize import Bounds, LinearConstraint, milp

        matrix = np.zeros((len(self.lines), len(self.cost)))
        for i, (weights, _, _) in enumerate(self.lines):
            for k, weight in weights.items():
                matrix[i, k] = weight
        limits = LinearConstraint(
            matrix,
            np.array([line[1] for line in self.lines]),
            np.array([line[2] for line in self.lines]),
        )
        result = milp(
            np.array(self.cost),
            constraints=limits,
            bounds=Bounds(np.array(self.low), np.array(self.high)),
            integrality=np.array(self.whole),
        )
        return None if result.x is None else np.array(result.x[: self.count])


def nearest(region: Region, target: Array, kept: Sequence[str] | None = None) -> Array | None:
    """The row nearest to `target` (summed distances) that keeps to levels, linear constraints and
    at-most rules; None if there is none. Choices stay as they are, formulas are not looked at.

    With `kept` only these constraints (by text, at-most rules as `at most #0`) count.
    """
    found = _Program(region, target, kept).solve()
    if found is None:
        return None
    found = np.clip(found, region.low, region.high)
    for k, levels in enumerate(region.levels):
        if levels is not None:
            found[k] = levels[np.abs(levels - found[k]).argmin()]
    for group in region.groups:
        members = list(group.members)
        found[members] = np.where(found[members] > 1e-7, found[members], 0.0)
    return region.repaired(found[None])[0] if kept is None else found


def demand_linear(region: Region) -> None:
    """Raise EmptySpaceError, with a smallest set of constraints that contradict one another, if no row keeps
    to levels, ranges, linear constraints and at-most rules.
    """
    middle = (region.low + region.high) / 2
    for k, levels in enumerate(region.levels):
        if levels is not None and isinstance(region.space.factors[k], Category):
            middle[k] = region.low[k]
    if nearest(region, middle) is not None:
        return
    kept = list(dict.fromkeys([*region.texts, *region.equal_texts]))
    kept += [f"at most #{number}" for number in range(len(region.groups))]
    for name in list(kept):
        fewer = [other for other in kept if other != name]
        if nearest(region, middle, fewer) is None:
            kept = fewer
    told = [_words(region, name) if name.startswith("at most #") else f"`{name}`" for name in kept]
    held = "".join(f", with {name} held at {value}" for name, value in region.held.items())
    if len(told) == 1:
        what = f"nothing in the factors' ranges keeps {told[0]}{held}"
    else:
        what = f"these contradict one another: {'; '.join(told)}{held}"
    raise EmptySpaceError(
        f"the space is empty: {what}", hint="widen a range, or drop or loosen one of them"
    )


def _words(region: Region, name: str) -> str:
    group = region.groups[int(name.split("#")[1])]
    return f"at most {group.most} of {', '.join(region.space.names[k] for k in group.members)}"
