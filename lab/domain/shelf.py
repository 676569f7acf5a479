"""A mapping that never changes and costs little to change: what grows with each run of a lab's life stands in it. Pure.

A plain dictionary that is copied for each event makes a journal of a million records cost a million times its length.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from math import isqrt
from typing import Generic, TypeVar, cast

__all__ = ["Packed", "Shelf", "newest", "open_ones", "put"]

V = TypeVar("V")

_LEAST = 32


class Packed(Generic[V]):
    """A value that is made when it is first asked for. It must be one that is over, so not among the open ones."""

    __slots__ = ("_make", "made")

    def __init__(self, make: Callable[[], V]) -> None:
        self._make = make
        self.made: V | None = None
        """The value, once somebody has asked for it."""

    def unpack(self) -> V:
        """The value."""
        if self.made is None:
            # Made twice by two threads, it is the same twice.
            self.made = self._make()
        return self.made


class Shelf(Mapping[str, V]):
    """Immutable, in order of insertion; equal to any mapping with the same items.

    `put` gives another shelf that shares what did not change. It copies what is new since the last time that everything
    was copied, which is done at every square root of the whole: so n changes cost n ** 1.5, not n ** 2. Which values
    are `open` is kept, so that they are found without looking at those that are over.
    """

    __slots__ = ("_added", "_is_open", "_new", "_old", "_open", "_open_values")

    def __init__(
        self,
        items: Mapping[str, V | Packed[V]] | None = None,
        *,
        is_open: Callable[[V], bool],
    ) -> None:
        self._is_open = is_open
        self._old: dict[str, V | Packed[V]] = {} if items is None else dict(items)
        self._new: dict[str, V] = {}
        self._added = 0
        self._open: dict[str, None] = {
            key: None
            for key, value in self._old.items()
            if not isinstance(value, Packed) and is_open(value)
        }
        self._open_values: tuple[V, ...] | None = None

    def put(self, key: str, value: V) -> Shelf[V]:
        """With one more value, at the end, or another one at the place of that key."""
        other: Shelf[V] = object.__new__(type(self))
        other._is_open = self._is_open
        other._open_values = None
        other._added = self._added + (key not in self)
        if len(self._new) > max(_LEAST, isqrt(len(self._old))):
            other._old = {**self._old, **self._new}
            other._new = {key: value}
            other._added = int(key not in other._old)
        else:
            other._old = self._old
            other._new = {**self._new, key: value}
        if self._is_open(value) == (key in self._open):
            other._open = self._open
        elif key in self._open:
            other._open = {name: None for name in self._open if name != key}
        else:
            other._open = {**self._open, key: None}
        return other

    def filled(self, items: Mapping[str, V | Packed[V]]) -> Shelf[V]:
        """Another one of the same kind with these items."""
        return Shelf(items, is_open=self._is_open)

    def open_ones(self) -> tuple[V, ...]:
        """The values that are open, in the order in which they became so."""
        if self._open_values is None:
            self._open_values = tuple([self[key] for key in self._open])
        return self._open_values

    def entries(self) -> Iterator[tuple[str, V | Packed[V]]]:
        """Keys and values in order, the packed ones as they are."""
        for key in self:
            yield key, self._new[key] if key in self._new else self._old[key]

    def __getitem__(self, key: str) -> V:
        if key in self._new:
            return self._new[key]
        value = self._old[key]
        if isinstance(value, Packed):
            packed = cast("Packed[V]", value)
            return packed.unpack()
        return value

    def __iter__(self) -> Iterator[str]:
        yield from self._old
        if self._added:
            yield from (key for key in self._new if key not in self._old)

    def __reversed__(self) -> Iterator[str]:
        if self._added:
            yield from (key for key in reversed(self._new) if key not in self._old)
        yield from reversed(self._old)

    def __len__(self) -> int:
        return len(self._old) + self._added

    def __contains__(self, key: object) -> bool:
        return key in self._new or key in self._old

    def __repr__(self) -> str:
        return f"Shelf({len(self)} items, {len(self._open)} open)"


def put(mapping: Mapping[str, V], key: str, value: V) -> Mapping[str, V]:
    """The mapping with one more item; a plain one is copied."""
    return mapping.put(key, value) if isinstance(mapping, Shelf) else {**mapping, key: value}


def open_ones(mapping: Mapping[str, V], is_open: Callable[[V], bool]) -> tuple[V, ...]:
    """The values that are open, in order."""
    if isinstance(mapping, Shelf):
        return mapping.open_ones()
    return tuple(value for value in mapping.values() if is_open(value))


def newest(mapping: Mapping[str, V], count: int) -> tuple[V, ...]:
    """The last values to come in, at most so many, in order."""
    # Both kinds that occur, shelves and dictionaries, can be read from behind.
    keys = list(islice(reversed(cast("dict[str, V]", mapping)), count))
    return tuple(mapping[key] for key in reversed(keys))
