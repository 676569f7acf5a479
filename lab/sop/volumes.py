"""Volume bookkeeping: what is in each container, at most, when each dose has been given.

A container is empty when a run begins. Doses that may happen at the same time all count; a removal counts only
where it is certainly done before.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.domain.quantity import Quantity
from lab.sop.arguments import resolve
from lab.sop.procedure import ancestors, topological_order
from lab.sop.value import Value

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from lab.domain.action import ActionSpec, CapabilitySpec
    from lab.sop.arguments import Resolved
    from lab.sop.model import Equipment, SafeStep, Sop
    from lab.sop.procedure import Box

__all__ = [
    "Movement",
    "Witness",
    "fill_levels",
    "find_beyond",
    "movements_of",
    "procedure_movements",
]

_MAX_BOXES = 2000


@dataclass(frozen=True, slots=True)
class Movement:
    """Liquid that one step moves. `source` and `target` are names of the SOP; empty where unknown."""

    step: str
    source: str
    target: str
    volume: Value


@dataclass(frozen=True, slots=True)
class Witness:
    """A set of parameters for which a value goes beyond a limit. `proven` is False where none was found
    within the effort that is made, though none could be excluded."""

    value: float
    parameters: Mapping[str, Quantity]
    proven: bool = True


def movements_of(
    step: str, role: Equipment, action: ActionSpec, arguments: Mapping[str, Resolved]
) -> list[Movement]:
    """What a step moves, by its contract's `doses`."""
    if not action.doses:
        return []
    target = role.into or role.at
    amount = arguments.get(action.doses)
    if isinstance(amount, Value):
        source = role.draws[0] if role.draws else ""
        return [Movement(step, source, target, amount)]
    if isinstance(amount, dict):
        return [Movement(step, source, target, volume) for source, volume in amount.items()]
    return []


def procedure_movements(
    sop: Sop,
    capabilities: Mapping[str, CapabilitySpec],
    names: Mapping[str, Value | str],
    steps: Sequence[SafeStep] | None = None,
) -> list[Movement]:
    """All that the steps of a checked SOP move, for parameters as in `names` (numbers or ranges).

    The steps are those of the procedure where no others are given.
    """
    found: list[Movement] = []
    for step in sop.procedure if steps is None else steps:
        role = sop.equipment[step.equipment]
        action = capabilities[role.capability].actions[step.action]
        if action.doses in step.arguments:
            amount = resolve(step.arguments[action.doses], action.args[action.doses], names)
            found += movements_of(step.id, role, action, {action.doses: amount})
    return found


def fill_levels(
    container: str, needs: Mapping[str, Sequence[str]], movements: Sequence[Movement]
) -> list[tuple[str, Value]]:
    """(step that doses into the container, the volume in it afterwards at most), in order of the steps."""
    order, _ = topological_order(needs)
    before = ancestors(needs, order)
    added = _by_step(movements, lambda move: move.target == container)
    removed = _by_step(movements, lambda move: move.source == container)
    levels: list[tuple[str, Value]] = []
    for step in order:
        if step not in added:
            continue
        level = _certain_level(before[step], needs, added, removed)
        for other, volume in added.items():
            if other not in before[step] and step not in before[other]:
                level = volume if level is None else level + volume
        if level is not None:
            levels.append((step, level))
    return levels


def _by_step(movements: Sequence[Movement], chosen: Callable[[Movement], bool]) -> dict[str, Value]:
    total: dict[str, Value] = {}
    for move in movements:
        if chosen(move):
            so_far = total.get(move.step)
            total[move.step] = move.volume if so_far is None else so_far + move.volume
    return total


def _certain_level(
    steps: frozenset[str],
    needs: Mapping[str, Sequence[str]],
    added: Mapping[str, Value],
    removed: Mapping[str, Value],
) -> Value | None:
    """The most that these finished steps leave; removals are taken as early as they could be."""
    inner = {
        name: [need for need in needs[name] if need in steps] for name in needs if name in steps
    }
    eager = {name: inner[name] for name in sorted(inner, key=lambda item: item not in removed)}
    level: Value | None = None
    for name in topological_order(eager)[0]:
        if name in removed and level is not None:
            level = level - removed[name]
            level = level.extreme(Value(0.0, level.dimension), max)
        if name in added:
            level = added[name] if level is None else level + added[name]
    return level


def find_beyond(
    compute: Callable[[Box], Value], box: Box, limit: float, *, above: bool
) -> Witness | None:
    """Parameters in the box for which `compute` goes beyond `limit` (SI base units); None where there are none.

    Branch and bound: a part of the box whose range stays within the limit is done; the likeliest corner of the
    others is tried, then they are halved.
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
        if widest is None or count > _MAX_BOXES:
            point = {name: corner[name][0] for name in relevant}
            return Witness(-most * sign, point, proven=False)
        for half in _halves(part, widest):
            push(half)
    return None


def _relevant(compute: Callable[[Box], Value], box: Box, whole: Value) -> list[str]:
    """The parameters that the value depends on: fixing one of them changes it."""
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
