"""Why this point: what a suggestion explores, and how likely it is to be better than what is known. Pure."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from lab.optimize.history import best
from lab.optimize.space import Category

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lab.domain.aim import Aim
    from lab.optimize.history import Direction, Suggestion, TrialRecord
    from lab.optimize.space import Setting, Space
    from lab.optimize.space.factors import Factor, Levels

__all__ = ["explained", "explores"]

_WIDE = 0.2
"""Of a factor's range: a gap this wide between tested values is worth a word."""


def explained(
    space: Space,
    sought: Direction | Aim,
    history: Sequence[TrialRecord],
    suggestions: Sequence[Suggestion],
) -> list[Suggestion]:
    """The suggestions, each with what it `explores` and, of one value, the chance that it is `better`."""
    made: list[Suggestion] = []
    for item in suggestions:
        update = {
            "explores": explores(space, history, item.factors),
            "better": item.better
            if item.better is not None or not isinstance(sought, str)
            else _better(sought, history, item),
        }
        made.append(item.model_copy(update=update))
    return made


def explores(space: Space, history: Sequence[TrialRecord], factors: Mapping[str, Setting]) -> str:
    """Where these factors lie apart from all that was tried (pending trials too), factor by factor; "" where they don't.

    A choice that was never tried, or a gap of a fifth of the range or more between tried values.
    """
    found: list[str] = []
    for factor in space.factors:
        tried = [record.factors[factor.name] for record in history]
        value = factors[factor.name]
        if isinstance(factor, Category):
            if value not in tried:
                found.append(f"{factor.name} = {value}, which was not tried")
            continue
        gap = _gap(factor, [float(item) for item in tried], float(value))
        if gap and tried:
            found.append(gap)
    return "; ".join(found)


def _gap(factor: Factor | Levels, tried: Sequence[float], value: float) -> str:
    span = factor.maximum - factor.minimum
    unit = "" if factor.unit in ("", "dimensionless") else f" {factor.unit}"
    tiny = 1e-9 * span
    below = max((item for item in tried if item <= value + tiny), default=None)
    above = min((item for item in tried if item >= value - tiny), default=None)
    if below is None and above is not None and above - value >= _WIDE * span:
        return f"{factor.name} below {above:g}{unit}"
    if above is None and below is not None and value - below >= _WIDE * span:
        return f"{factor.name} above {below:g}{unit}"
    if below is None or above is None or above - below < _WIDE * span:
        return ""
    return f"{factor.name} between {below:g} and {above:g}{unit}"


def _better(direction: Direction, history: Sequence[TrialRecord], item: Suggestion) -> float | None:
    """Probability, of a normal distribution, that the outcome beats the best measured value. None without a model, and where there are several fidelities."""
    known = best(direction, history)
    mean, sd = item.predicted_mean, item.predicted_sd
    if known is None or known.value is None or mean is None or not sd or item.fidelity:
        return None
    sign = 1.0 if direction == "maximize" else -1.0
    z = sign * (mean - known.value) / sd
    return 0.5 * math.erfc(-z / math.sqrt(2.0))
