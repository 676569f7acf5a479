"""The search for parameters at which a value goes beyond a limit."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.domain.quantity import Quantity

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from lab.sop.procedure import Box
    from lab.sop.value import Value

__all__ = ["Witness", "find_beyond"]

_MAX_BOXES = 2000
_MAX_SHOWN = 6


@dataclass(frozen=True, slots=True)
class Witness:
    """A set of parameters for which a value goes beyond a limit. `proven` is False where none was found
    within the effort that is made, though none could be excluded."""

    value: float
    parameters: Mapping[str, Quantity]
    proven: bool = True

    @property
    def words(self) -> str:
        """` at a = 7 mL, b = 3 mL`, and whether it is certain."""
        shown = [f"{name} = {value}" for name, value in self.parameters.items()]
        if len(shown) > _MAX_SHOWN:
            shown = [*shown[:_MAX_SHOWN], "..."]
        certain = "" if self.proven else "; it could not be shown that it stays within"
        return (f" at {', '.join(shown)}" if shown else "") + certain


def find_beyond(
    compute: Callable[[Box], Value],
    box: Box,
    limit: float,
    *,
    above: bool,
    most_boxes: int = _MAX_BOXES,
) -> Witness | None:
    """Parameters in the box for which `compute` goes beyond `limit` (SI base units); None where there are none.

    Branch and bound: a part of the box whose range stays within the limit is done; the likeliest corner of the
    others is tried, then they are halved, until `most_boxes` have been looked at.
    """
    sign = 1.0 if above else -1.0
    whole = compute(box)
    # no instrument tells a millionth of the range from nothing; binding looks at the true numbers again
    allowance = 1e-6 * max(abs(limit), abs(whole.low), abs(whole.high)) + 1e-15
    relevant = _relevant(compute, box, whole)
    heap: list[tuple[float, int, Box]] = []
    count = 0

    def push(part: Box) -> None:
        nonlocal count
        value = compute(part)
        most = value.high if above else -value.low
        count += 1
        heapq.heappush(heap, (-most, count, part))

    push(dict(box))
    while heap:
        most, _, part = heapq.heappop(heap)
        if -most <= sign * limit + allowance:
            return None
        value = compute(part)
        corner: Box = {}
        for name, (low, high) in part.items():
            chosen = high if sign * value.spread.get(name, 0.0) >= 0 else low
            corner[name] = (chosen, chosen)
        reached = compute(corner).centre
        if sign * reached > sign * limit:
            return Witness(reached, {name: corner[name][0] for name in relevant})
        widest = _widest(part, relevant)
        if widest is None or count > most_boxes:
            point = {name: corner[name][0] for name in relevant}
            return Witness(-most * sign, point, proven=False)
        for half in _halves(part, widest):
            push(half)
    return None


def _relevant(compute: Callable[[Box], Value], box: Box, whole: Value) -> list[str]:
    """The parameters that the value depends on: fixing one of them changes it."""
    if whole.error == 0.0:
        return [name for name in box if name in whole.spread]  # the form says it all
    found: list[str] = []
    for name, (low, high) in box.items():
        if high.base > low.base:
            fixed = compute({**box, name: (low, low)})
            if (fixed.low, fixed.high, fixed.centre) != (whole.low, whole.high, whole.centre):
                found.append(name)
    return found


def _widest(box: Box, names: Sequence[str]) -> str | None:
    """The parameter whose remaining range is largest for its size."""
    best, width = None, 1e-9
    for name in names:
        low, high = box[name]
        size = max(abs(low.base), abs(high.base))
        relative = (high.base - low.base) / size if size else 0.0
        if relative > width:
            best, width = name, relative
    return best


def _halves(box: Box, name: str) -> tuple[Box, Box]:
    low, high = box[name]
    top = high.to(low.unit)
    middle = Quantity((low.magnitude + top.magnitude) / 2, low.unit)
    return {**box, name: (low, middle)}, {**box, name: (middle, top)}
