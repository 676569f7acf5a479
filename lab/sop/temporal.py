"""Simple temporal networks: whether rules about times can all be kept, and what follows from them.

A network is a set of points in time and of constraints `at_least <= t(after) - t(before) <= at_most` (Dechter,
Meiri & Pearl, "Temporal constraint networks", Artificial Intelligence 49, 61 (1991)). Each bound is an arc of a
graph whose weights are seconds; the constraints contradict one another exactly where a circle of arcs has a
negative sum, and shortest paths are the tightest bounds that follow.

Shortest paths come from sweeps along an order of the points and back (Yen, Quart. Appl. Math. 27, 526 (1970)). For
chains of steps an order by "not before" makes almost every bound final in the first sweeps. Times are counted in
whole microseconds, so limits that are equal on paper are equal here.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = [
    "Constraint",
    "Contradiction",
    "ContradictionError",
    "Link",
    "bounds",
    "contradiction",
    "distance",
]

Side = Literal["at_least", "at_most"]

_TICKS = 1e6  # per second
_LONGEST_S = 1e12
_SEARCH = 400_000  # arcs looked at, at most, to find a shorter circle


@dataclass(frozen=True, slots=True)
class Constraint:
    """`at_least_s <= t(after) - t(before) <= at_most_s` in seconds; None where there is no such limit.

    `words` say where it comes from, for messages. Limits may be negative. A limit that is not finite, or
    beyond 1e12 s, is refused with a ValueError.
    """

    before: str
    after: str
    at_least_s: float | None = None
    at_most_s: float | None = None
    words: str = ""

    def __post_init__(self) -> None:
        for limit in (self.at_least_s, self.at_most_s):
            if limit is not None and not abs(limit) <= _LONGEST_S:  # true of nan, too
                raise ValueError(
                    f'"{self.before}" to "{self.after}": {limit} s is no limit; None means there is none'
                )


@dataclass(frozen=True, slots=True)
class Link:
    """One limit of a constraint: the side of it that counts, and its seconds."""

    constraint: Constraint
    side: Side
    seconds: float

    def text(self) -> str:
        """`a to b: at least 60 s (words)`."""
        kind = self.side.replace("_", " ")
        source = f" ({self.constraint.words})" if self.constraint.words else ""
        return f"{self.constraint.before} to {self.constraint.after}: {kind} {self.seconds:g} s{source}"


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Limits that cannot all be kept, in an order in which each starts where the one before ends.

    An `at_least` link leads forward in time, an `at_most` link back. Without any one of these links the others could
    be kept. `excess_s` is by how many seconds they miss.
    """

    links: tuple[Link, ...]
    excess_s: float

    @property
    def chain(self) -> tuple[Constraint, ...]:
        """The constraints in the same order, each once."""
        return tuple(dict.fromkeys(link.constraint for link in self.links))

    def text(self) -> str:
        """All links, and by how much they miss."""
        links = "; ".join(link.text() for link in self.links)
        return f"{links}: {self.excess_s:g} s too much"


class ContradictionError(ValueError):
    """Nothing follows from constraints that cannot all be kept. Holds the `contradiction`."""

    def __init__(self, found: Contradiction) -> None:
        super().__init__(found.text())
        self.contradiction = found


def contradiction(constraints: Iterable[Constraint]) -> Contradiction | None:
    """None where all constraints can be kept; else a chain of limits that cannot, as short as could be found.

    The chain is a shortest one in small networks; in large ones the search for a still shorter one is cut off.
    """
    return _contradiction(_Network(constraints))


def bounds(constraints: Iterable[Constraint], origin: str) -> dict[str, tuple[float, float]]:
    """Earliest and latest time of every point in seconds after `origin`; minus and plus infinity where unlimited.

    Raises ContradictionError where the constraints cannot all be kept, ValueError where none names the origin.
    """
    network = _Network(constraints)
    found = _contradiction(network)
    if found is not None:
        raise ContradictionError(found)
    start = network.number(origin)
    latest = network.shortest(start)
    earliest = network.shortest(start, against=True)
    return {
        point: (0.0 - earliest[place] / _TICKS, latest[place] / _TICKS)
        for place, point in enumerate(network.points)
    }


def distance(constraints: Iterable[Constraint], a: str, b: str) -> tuple[float, float]:
    """The least and the most that t(b) - t(a) can be, in seconds. Raises like `bounds`."""
    network = _Network(constraints)
    found = _contradiction(network)
    if found is not None:
        raise ContradictionError(found)
    start, end = network.number(a), network.number(b)
    return (
        0.0 - network.shortest(start, against=True)[end] / _TICKS,
        network.shortest(start)[end] / _TICKS,
    )


class _Network:
    """The constraints as a graph. Points are numbered so that "not before" leads to higher numbers where it can.

    An arc from u to v of weight w says t(v) - t(u) <= w; of several between the same two points the tightest counts.
    """

    def __init__(self, constraints: Iterable[Constraint]) -> None:
        arcs: dict[tuple[str, str], tuple[int, Constraint, Side]] = {}
        names: dict[str, None] = {}
        for item in constraints:
            names[item.before] = names[item.after] = None
            if item.at_most_s is not None:
                _keep(
                    arcs, (item.before, item.after), round(item.at_most_s * _TICKS), item, "at_most"
                )
            if item.at_least_s is not None:
                _keep(
                    arcs,
                    (item.after, item.before),
                    -round(item.at_least_s * _TICKS),
                    item,
                    "at_least",
                )
        self.points = _in_order(names, arcs)
        self._number = {name: place for place, name in enumerate(self.points)}
        self._arcs = {(self._number[u], self._number[v]): arc for (u, v), arc in arcs.items()}
        self.size = len(self.points)
        self.loop = next((u for (u, v), arc in self._arcs.items() if u == v and arc[0] < 0), None)

    def number(self, point: str) -> int:
        if point not in self._number:
            raise ValueError(f'no constraint names the point "{point}"')
        return self._number[point]

    def shortest(self, start: int, *, against: bool = False) -> list[float]:
        """Lengths of the shortest paths from `start` in microseconds; `against` the arcs, paths to it."""
        found: list[float] = [math.inf] * self.size
        found[start] = 0
        _relax(found, *self.neighbours(against=against))
        return found

    def circle(self) -> list[int] | None:
        """The points of some circle with a negative sum, along its arcs; None where there is none."""
        if self.loop is not None:
            return [self.loop]
        return _relax([0] * self.size, *self.neighbours())

    def neighbours(self, *, against: bool = False) -> tuple[_Arcs, _Arcs]:
        """Arcs to higher and to lower numbers, by the point that they leave."""
        up: _Arcs = [[] for _ in self.points]
        down: _Arcs = [[] for _ in self.points]
        for (u, v), (weight, _, _) in self._arcs.items():
            here, there = (v, u) if against else (u, v)
            if here != there:
                (up if here < there else down)[here].append((there, weight))
        return up, down

    def weight(self, circle: Sequence[int]) -> int:
        return sum(self._arcs[arc][0] for arc in _around(circle))

    def links(self, circle: Sequence[int]) -> tuple[Link, ...]:
        """The limits of a circle against its arcs, so that `at_least` leads forward; the way back comes last."""
        arcs = [(v, self._arcs[u, v]) for u, v in reversed(_around(circle))]
        found = [
            (start, Link(item, side, (-weight if side == "at_least" else weight) / _TICKS))
            for start, (weight, item, side) in arcs
        ]
        turns = [
            place
            for place, (_, link) in enumerate(found)
            if link.side == "at_least" and found[place - 1][1].side == "at_most"
        ]
        first = min(turns or range(len(found)), key=lambda place: found[place][0])
        return tuple(link for _, link in found[first:] + found[:first])


_Arcs = list[list[tuple[int, int]]]
"""For each point the arcs that leave it: where to, and the weight in microseconds."""


def _keep(
    arcs: dict[tuple[str, str], tuple[int, Constraint, Side]],
    ends: tuple[str, str],
    weight: int,
    item: Constraint,
    side: Side,
) -> None:
    known = arcs.get(ends)
    if known is None or weight < known[0]:
        arcs[ends] = (weight, item, side)


def _around(circle: Sequence[int]) -> list[tuple[int, int]]:
    return list(zip(circle, [*circle[1:], circle[0]], strict=True))


def _in_order(
    names: Iterable[str], arcs: Mapping[tuple[str, str], tuple[int, Constraint, Side]]
) -> list[str]:
    """The points so that none comes before one that it must not precede; what is left in circles comes last."""
    names = list(names)
    later: dict[str, list[str]] = {name: [] for name in names}
    waits = dict.fromkeys(names, 0)
    for (u, v), (weight, _, side) in arcs.items():
        # "at most 0" beside "at least 0" means "together"; one of the two is enough for an order
        if u != v and (weight < 0 or (weight == 0 and side == "at_least")):
            later[v].append(u)
            waits[u] += 1
    ready = deque(name for name in names if not waits[name])
    order: list[str] = []
    while ready:
        name = ready.popleft()
        order.append(name)
        for other in later[name]:
            waits[other] -= 1
            if not waits[other]:
                ready.append(other)
    placed = set(order)
    return order + [name for name in names if name not in placed]


def _relax(lengths: list[float], up: _Arcs, down: _Arcs) -> list[int] | None:
    """Shorten `lengths` (in place) along all arcs until nothing changes; a negative circle where that never ends."""
    size = len(lengths)
    parents = [-1] * size
    reached = [length < math.inf for length in lengths]
    waiting = (
        reached,
        list(reached),
    )  # whose arcs up, and whose arcs down, are still to be followed
    while any(waiting[0]):
        for way, arcs, places in ((0, up, range(size)), (1, down, range(size - 1, -1, -1))):
            mine, other = waiting[way], waiting[1 - way]
            for u in places:
                if not mine[u]:
                    continue
                mine[u] = False
                length = lengths[u]
                for v, weight in arcs[u]:
                    if length + weight < lengths[v]:
                        lengths[v] = length + weight
                        parents[v] = u
                        mine[v] = other[v] = True
        circle = _circle_of(parents)
        if circle is not None:
            return circle
    return None


def _circle_of(parents: Sequence[int]) -> list[int] | None:
    """A circle among the predecessors, along the arcs; None where they form trees."""
    seen = [0] * len(parents)
    for tour, start in enumerate(range(len(parents)), start=1):
        u = start
        while u >= 0 and not seen[u]:
            seen[u] = tour
            u = parents[u]
        if u >= 0 and seen[u] == tour:
            circle = [u]
            v = parents[u]
            while v != u:
                circle.append(v)
                v = parents[v]
            return circle[::-1]
    return None


def _contradiction(network: _Network) -> Contradiction | None:
    circle = network.circle()
    if circle is None:
        return None
    circle = _shortened(network, circle)
    return Contradiction(network.links(circle), -network.weight(circle) / _TICKS)


def _shortened(network: _Network, circle: list[int]) -> list[int]:
    """A negative circle of as few arcs as can be found with the effort allowed.

    Every negative circle has a point from which all sums along it stay negative (Lin & Kernighan, Oper. Res. 21, 498
    (1973)), so walks that do not are given up at once.
    """
    up, down = network.neighbours()
    arcs = [higher + lower for higher, lower in zip(up, down, strict=True)]
    effort = _SEARCH
    on_it = set(circle)
    for start in [*circle, *(u for u in range(network.size) if u not in on_it)]:
        if len(circle) <= 2 or effort <= 0:
            break
        found, effort = _circle_through(start, arcs, len(circle) - 1, effort)
        circle = found or circle
    return circle


def _circle_through(
    start: int, arcs: _Arcs, limit: int, effort: int
) -> tuple[list[int] | None, int]:
    """A negative circle of at most `limit` arcs whose sums from `start` on stay negative, and the effort left."""
    least: dict[int, int] = {start: 0}
    layer = {start: 0}
    parents: list[dict[int, int]] = []
    for _ in range(limit):
        following: dict[int, int] = {}
        came: dict[int, int] = {}
        for u, length in layer.items():
            effort -= len(arcs[u])
            for v, weight in arcs[u]:
                reached = length + weight
                if reached < least.get(v, 0):
                    least[v] = following[v] = reached
                    came[v] = u
        if start in following:
            return _inner(_walk(start, came, parents)), effort
        if not following or effort <= 0:
            break
        parents.append(came)
        layer = following
    return None, effort


def _walk(end: int, last: dict[int, int], earlier: Sequence[dict[int, int]]) -> list[int]:
    """The points of a walk back to its start, without the end itself."""
    walk = [last[end]]
    for came in reversed(earlier):
        walk.append(came[walk[-1]])
    return walk[::-1]


def _inner(walk: list[int]) -> list[int]:
    """The walk, or the first circle within it. A walk comes back to a point only where that made it shorter."""
    place: dict[int, int] = {}
    for at, u in enumerate(walk):
        if u in place:
            return walk[place[u] : at]
        place[u] = at
    return walk
