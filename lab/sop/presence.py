"""Which materials may be in each container, at each step and at any time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lab.sop.flow import walk

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lab.sop.flow import Walk
    from lab.sop.volumes import Book, Ledger, Transfer

__all__ = ["Contents", "Presence", "either", "presence_of"]

Contents = dict[str, bool]
"""Material -> True where no more than what a line can't draw is left of it."""


@dataclass(frozen=True, slots=True)
class Presence:
    """What may be where. Shared stations are not among the containers."""

    walks: Mapping[str, Walk[Contents]]
    """Container -> contents before and after each step that touches or looks at it."""

    def before(self, container: str, step: int) -> Contents:
        """What may be in a container when a step begins (and, of what runs beside it, while it runs)."""
        return self.walks[container].before[step] if container in self.walks else {}

    def ever(self, container: str) -> Contents:
        """What may be in a container at some time."""
        found: Contents = {}
        for contents in self.walks[container].after.values():
            found = either(found, contents)
        return found

    def arriving(self, move: Transfer, step: int) -> Contents:
        """What a transfer brings."""
        if move.source in self.walks:
            return self.before(move.source, step)
        return {move.source: False} if move.source else {}


def presence_of(ledger: Ledger, books: Mapping[str, Book]) -> Presence:
    """Follow the materials through all containers. `books` tell which removals leave a container empty.

    What an earlier run of the same procedure could not draw from a container is there when a run begins.
    """
    start: dict[str, Contents] = {name: {} for name in ledger.sop.containers}
    while True:
        walks = _walks(ledger, books, start)
        left = {
            name: either(start[name], dict.fromkeys(walks[name].final, True))
            for name in ledger.sop.containers
            if ledger.start(name)[1].high > 0
        }
        # each round adds a material to a container, so it ends
        if all(start[name] == contents for name, contents in left.items()):
            return Presence(walks)
        start |= left


def _walks(
    ledger: Ledger, books: Mapping[str, Book], start: Mapping[str, Contents]
) -> dict[str, Walk[Contents]]:
    walks: dict[str, Walk[Contents]] = {}
    # around a circle of containers a material needs one more look for each of them
    for _ in range(1 + len(ledger.circular)):
        for name in (*ledger.sequence, *ledger.circular):
            account = _Materials(ledger, name, books[name], Presence(dict(walks)))
            walks[name] = walk(ledger.trees[name], account, start[name])
    return walks


def either(first: Contents, second: Contents) -> Contents:
    """What may be in it where one of two cases came to pass."""
    if first == second:
        return first
    joined = dict(first)
    for name, left in second.items():
        joined[name] = left and joined.get(name, True)
    return joined


@dataclass(slots=True)
class _Materials:
    """The materials in one container; see `flow.Account`."""

    ledger: Ledger
    name: str
    book: Book
    known: Presence
    additions_last: bool = True
    nothing: Contents = field(default_factory=Contents)

    def add(self, state: Contents, step: int) -> Contents:
        for move in self.ledger.transfers[step]:
            if move.target == self.name:
                state = either(state, self.known.arriving(move, step))
        return state

    def remove(self, state: Contents, step: int) -> Contents:
        if self.ledger.by_hand.get(step) == self.name:
            return {}
        dead = self.ledger.dead_volume(self.name).high
        nothing = 1e-9 * self.ledger.sop.containers[self.name].capacity.base
        empties = any(
            move.empties and move.source == self.name for move in self.ledger.transfers[step]
        )
        if not empties and self.book.lines[step].most.high > dead + nothing:
            return state
        return dict.fromkeys(state, True) if dead > 0 else {}

    def join(self, first: Contents, second: Contents) -> Contents:
        return either(first, second)

    def late(self, step: int) -> Contents:
        return self.add({}, step)

    def both(self, first: Contents, second: Contents) -> Contents:
        return either(first, second)

    def either(self, first: Contents, second: Contents) -> Contents:
        return either(first, second)

    def apply(self, state: Contents, amount: Contents) -> Contents:
        return either(state, amount)
