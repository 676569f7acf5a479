"""Where the steps of an SOP stand, and which of them stand elsewhere in another version of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

from lab.sop.model_steps import (
    BranchBlock,
    CallBlock,
    ForEachBlock,
    ManualStep,
    ParallelBlock,
    RepeatBlock,
    Stage,
    Step,
)
from lab.sop.unfold import children

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence, Set

    from lab.sop.model_steps import Item

__all__ = ["KINDS", "Placed", "moved", "order_changes", "placed"]

KINDS: dict[type[Item], str] = {
    Step: "step",
    ManualStep: "manual step",
    Stage: "stage",
    ParallelBlock: "parallel block",
    RepeatBlock: "loop",
    ForEachBlock: "loop over values",
    BranchBlock: "branch",
    CallBlock: "call",
}
"""What an item is called."""


@dataclass(frozen=True, slots=True)
class Placed:
    """An item and where it stands. `needs` are ids of the same list, the one before it where nothing is said."""

    item: Item
    parent: tuple[str, ...] = ()
    """The list that it stands in: id of the block and which of its lists; empty at the top."""
    previous: str = ""
    needs: frozenset[str] = field(default_factory=frozenset[str])

    @property
    def kind(self) -> str:
        return KINDS[type(self.item)]

    @property
    def name(self) -> str:
        return f"{self.kind} {self.item.id}"

    @property
    def branches(self) -> int:
        return len(self.item.parallel) if isinstance(self.item, ParallelBlock) else 0

    @property
    def where(self) -> str:
        """`after drain`, `at the beginning of titrate`."""
        inside = " ".join(self.parent)
        if self.previous:
            return f"after {self.previous}"
        return f"at the beginning of {inside}" if inside else "at the beginning"


def placed(items: Sequence[Item], parent: tuple[str, ...] = ()) -> dict[str, Placed]:
    """id -> item with its place, of a whole tree in the order of the text."""
    found: dict[str, Placed] = {}
    previous = ""
    for item in items:
        needs = ([previous] if previous else []) if item.needs is None else item.needs
        found[item.id] = Placed(item, parent, previous, frozenset(needs))
        for place, inner in children(item):
            found |= placed(inner, (item.id, _list_name(place)) if len(place) > 1 else (item.id,))
        previous = item.id
    return found


def _list_name(place: tuple[str | int, ...]) -> str:
    last = place[-1]
    if isinstance(last, int):
        return f"(branch {last + 1})"
    return "" if last == "steps" else f"({last})"


def moved(before: Mapping[str, Placed], after: Mapping[str, Placed]) -> frozenset[str]:
    """Ids that stand in another list now, or at another place of their list with other needs."""
    common = [name for name in before if name in after]
    found = {name for name in common if before[name].parent != after[name].parent}
    for parent in {before[name].parent for name in common}:
        old = [name for name in common if before[name].parent == parent and name not in found]
        new = [name for name in after if name in set(old)]
        still: set[str] = set()
        for block in SequenceMatcher(None, old, new, autojunk=False).get_matching_blocks():
            still.update(old[block.a : block.a + block.size])
        found |= {n for n in old if n not in still and before[n].needs != after[n].needs}
    return frozenset(found)


def order_changes(
    before: Mapping[str, Placed], after: Mapping[str, Placed], elsewhere: Set[str]
) -> Iterator[tuple[str, frozenset[str], frozenset[str]]]:
    """(id, needs before, needs after) of items whose order to the others has changed by itself.

    A step put between two others changes what the second needs, but that is told with the new step; so steps that came, went
    or moved are seen through.
    """
    for name, item in after.items():
        if name not in before or name in elsewhere:
            continue
        steady = {other for other in before if other in after and other not in elsewhere}
        old, new = _through(before, name, steady), _through(after, name, steady)
        if old != new:
            yield name, before[name].needs, item.needs


def _through(items: Mapping[str, Placed], name: str, steady: Set[str]) -> frozenset[str]:
    found: set[str] = set()
    seen: set[str] = set()
    waiting = list(items[name].needs)
    while waiting:
        need = waiting.pop()
        if need in steady:
            found.add(need)
        elif need in items and need not in seen:
            seen.add(need)
            waiting += items[need].needs
    return frozenset(found)
